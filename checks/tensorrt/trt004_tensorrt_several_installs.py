"""TRT004: different versions of one TensorRT product on one machine."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    Finding,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    to_run,
    versions,
)


@check(
    id="TRT004",
    name="tensorrt-several-installs",
    severity=Severity.WARNING,
    since="0.1.0",
    explained_by=(
        "tensorrt-half-installed",
        "tensorrt-version-mismatch",
        "tensorrt-cuda-flavours-mixed",
        "library-path-shadows",
    ),
)
def tensorrt_several_installs(
    installs: facts.Installs, imports: Fact[facts.Imports], libraries: Fact[facts.Libraries]
) -> Iterator[Yielded]:
    """Different versions of the same TensorRT product are on this machine.

    ## What it checks
    The versions of all pip packages, system libraries and `trtexec` found, product by product: full,
    lean, dispatch and RTX are different products and may differ. It tells which of them Python loads and,
    where its dependencies could be read, which one `trtexec` loads. One version found twice is no problem.

    ## Why it matters
    An engine runs on the version that built it, unless it was built version compatible. Where `trtexec`
    builds with one version and Python loads another, the engine is refused: "expecting library version".

    ## How to fix it
    Keep one version, or use the same one for building and running: build from Python instead of with
    `trtexec`, or remove the copy that is not needed.

    ## Known limits
    Python environments other than the one that is looked at are not searched. Of an install whose
    version could not be read nothing is said.

    ## References
    - TensorRT documentation, "Version Compatibility":
      https://docs.nvidia.com/deeplearning/tensorrt/11.1.0/inference-library/engine-compatibility.html
    """
    for product in dict.fromkeys(install.product for install in installs.installs):
        several = [i for i in installs.installs if i.product == product]
        distinct: list[facts.Install] = []
        unreadable = []
        for install in several:
            if versions.numbers(install.version) is None:
                unreadable.append(install)
            elif not any(versions.agree(install.version, other.version) for other in distinct):
                distinct.append(install)
        # A trtexec brings no library of its own, so it adds no doubt.
        doubtful = [i for i in unreadable if i.kind != "trtexec"]
        if len(distinct) > 1:
            yield _finding(product, several, distinct, imports.value, libraries.value)
        elif doubtful and len(several) - len(unreadable) + len(doubtful) > 1:
            places = ", ".join(i.location for i in doubtful)
            yield Unknown(subject=product, reason=f"the version in {places} could not be read")
        elif distinct and len(several) > 1:
            places = ", ".join(dict.fromkeys(i.location for i in several))
            yield Note(text=f"{product} {distinct[0].version} more than once, the same: {places}")
    for place, why in installs.unseen.items():
        yield Unknown(reason=f"could not look for others in {place}: {why}")


def _finding(
    product: str,
    several: list[facts.Install],
    distinct: list[facts.Install],
    imports: facts.Imports | None,
    libraries: facts.Libraries | None,
) -> Finding:
    evidence = [
        Evidence(source=f"{i.kind} in {i.location}", value=f"{product} {i.version or 'unknown'}")
        for i in several
    ]
    loads = []
    worked = imports.working(product) if imports else None
    if worked is not None:
        version = worked.library_version or worked.version or "one of unknown version"
        loads.append(f"Python loads {version}")
        evidence += [
            Evidence(source="/proc/self/maps", value=library.path)
            for library in worked.libraries
            if library.name.startswith(("libnvinfer.so", "libnvinfer_", "libtensorrt_rtx.so"))
        ][:3]
    for path, found in _trtexec(libraries):
        loads.append(f"{path} loads {found or 'no libnvinfer'}")
        evidence.append(Evidence(source=f"ELF dynamic section of {path}", value=str(found)))
    kept = " and ".join(str(i.version) for i in distinct)
    programs = dict.fromkeys(i.location for i in several if i.kind == "trtexec")
    told = f" {'; '.join(loads)}." if loads else ""
    return Finding(
        message=f"There are {len(distinct)} different versions of {product} here: {kept}.{told}",
        subject=product,
        evidence=tuple(evidence),
        remedy=Remedy(
            text="Build and run engines with one of them: build from the same Python that runs them, or "
            "remove the other. What the loader would take shows:",
            commands=to_run(
                "ldconfig -p | grep nvinfer",
                *(f"ldd {shlex.quote(path)} | grep nvinfer" for path in programs),
            ),
        ),
        references=("TensorRT documentation, Version Compatibility",),
    )


def _trtexec(libraries: facts.Libraries | None) -> Iterator[tuple[str, str | None]]:
    """Each ``trtexec`` whose needs were read, and the libnvinfer that the loader gives it."""
    for item in libraries.libraries if libraries else ():
        if item.path.rpartition("/")[2] == "trtexec":
            needs = [n for n in item.needs if n.soname.startswith("libnvinfer.so")]
            yield item.path, needs[0].found if needs else None
