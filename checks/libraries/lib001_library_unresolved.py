"""LIB001: a TensorRT library needs another that the loader finds nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Fact,
    FactStatus,
    Finding,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    count,
    facts,
    to_run,
)

# What the driver brings: its absence is the driver's, told by the checks of the driver.
_OF_THE_DRIVER = ("libcuda.so", "libnvidia-", "libnvdla", "libcudla.so", "libnvrm", "libnvos.")
# Where the loader's rules find not even these, the rules are not this machine's.
_OF_THE_C_LIBRARY = ("libc.so.", "libm.so.", "libdl.so.", "libpthread.so.", "librt.so.", "ld-linux")


@check(
    id="LIB001",
    name="library-unresolved",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=(
        "tensorrt-half-installed",
        "tensorrt-import-fails",
        "jetson-pip-tensorrt",
        "jetson-image-for-another-release",
    ),
)
def library_unresolved(
    libraries: facts.Libraries,
    imports: Fact[facts.Imports],
    installs: Fact[facts.Installs],
    container: Fact[facts.Container],
    jetson: Fact[facts.Jetson],
    cuda: Fact[facts.CudaDriver],
) -> Iterator[Yielded]:
    """A TensorRT library needs another library that the loader finds nowhere.

    ## What it checks
    The `NEEDED` entries of TensorRT's libraries, looked for as the dynamic loader would: RUNPATH,
    `LD_LIBRARY_PATH`, the loader's cache and the default folders. Nothing is loaded. The libraries of
    pip's packages are loaded by their Python modules from sibling folders, so an import that works
    settles them.

    ## Why it matters
    Whatever loads this library ends in "cannot open shared object file"; often only at the first use of a
    plugin or of the ONNX parser.

    ## How to fix it
    Install the package that has the missing library, in the version that its name says, or put its folder
    on the loader's path. TensorRT 8 needs cuDNN 8 and cuBLAS of its CUDA version.

    ## Known limits
    In a container on a Jetson that lacks the driver nothing is said: its runtime brings these too.
    A program may load the missing library first, from a place of its own, hence `likely`. Libraries that
    come with the driver are left to the driver's checks.

    ## References
    - ld.so(8), "Dynamic library search order": https://man7.org/linux/man-pages/man8/ld.so.8.html
    """
    if container.value and jetson.value and cuda.status is FactStatus.ABSENT:
        # NVIDIA's runtime mounts them from the host, as it does the driver.
        raise NotApplicable(
            "the container lacks the driver, and what a Jetson's runtime brings with it"
        )
    folders = _settled(imports.value)
    untried = imports.status not in (FactStatus.OK, FactStatus.ABSENT)
    missing: dict[str, list[str]] = {}
    for library in libraries.libraries:
        nowhere = _nowhere(library, libraries)
        if not nowhere or library.path.startswith(folders):
            continue
        if any(soname.startswith(_OF_THE_C_LIBRARY) for soname in nowhere):
            reason = (
                "the loader's rules do not find the C library either; they are not followed here"
            )
            yield Unknown(subject=library.path, reason=reason)
        elif library.path.startswith(_of_pip(installs.value)):
            if untried:
                reason = f"{', '.join(nowhere)}: its module may load it; that could not be tried"
                yield Unknown(subject=library.path, reason=reason)
        else:
            for soname in nowhere:
                missing.setdefault(soname, []).append(library.path)
    for soname, needing in missing.items():
        yield _finding(soname, needing)
    for path, why in libraries.unreadable.items():
        yield Unknown(subject=path, reason=why)
    if not missing:
        yield Note(text=f"what {count(len(libraries.libraries), 'library')} needed was found")


def _nowhere(library: facts.LibraryNeeds, libraries: facts.Libraries) -> list[str]:
    """The sonames that are neither found, nor beside the library, nor the driver's."""
    folder = library.path.rpartition("/")[0]
    beside = {
        name
        for other in libraries.libraries
        if other.path.rpartition("/")[0] == folder
        for name in (other.soname, other.path.rpartition("/")[2])
    }
    return [
        need.soname
        for need in library.needs
        if need.found is None
        and need.soname not in beside
        and not need.soname.startswith(_OF_THE_DRIVER)
    ]


def _settled(imports: facts.Imports | None) -> tuple[str, ...]:
    """The folders whose libraries a successful import has proven good."""
    folders = []
    for module in imports.modules if imports else ():
        if not module.genuine:
            continue
        folders += [library.path.rpartition("/")[0] + "/" for library in module.libraries]
        if module.file and module.file.count("/") > 2:
            site = module.file.rsplit("/", 2)[0]
            base = module.product.replace("-", "_")
            folders += [f"{site}/{base}{part}/" for part in ("", "_libs", "_bindings")]
    return tuple(folders)


def _of_pip(installs: facts.Installs | None) -> tuple[str, ...]:
    found = installs.installs if installs else ()
    return tuple(install.location.rstrip("/") + "/" for install in found if install.kind == "pip")


def _finding(soname: str, needing: list[str]) -> Finding:
    return Finding(
        message=f"{soname} is found nowhere; {', '.join(needing)} needs it.",
        subject=soname,
        confidence=Confidence.LIKELY,
        evidence=tuple(
            Evidence(source=f"ELF dynamic section of {p}", value=soname) for p in needing
        ),
        remedy=Remedy(
            text=f"Install the package that has {soname}, or put its folder on the loader's path.",
            commands=to_run(
                f"find / -name '{soname}*' -not -path '/proc/*' 2>/dev/null",
                f"ldd {needing[0]}",
            ),
        ),
        references=("ld.so(8): https://man7.org/linux/man-pages/man8/ld.so.8.html",),
    )
