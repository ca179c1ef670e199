"""TRT010: builds for two CUDA versions share one folder."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    Finding,
    Knowledge,
    KnowledgeEnds,
    Note,
    Remedy,
    Severity,
    Yielded,
    check,
    facts,
    to_run,
    versions,
)


@check(
    id="TRT010",
    name="tensorrt-cuda-flavours-mixed",
    severity=Severity.WARNING,
    since="0.1.0",
    explained_by=("tensorrt-half-installed",),
)
def tensorrt_cuda_flavours_mixed(
    installs: facts.Installs,
    python: Fact[facts.TargetPython],
    driver: Fact[facts.KernelDriver],
    nvml: Fact[facts.Nvml],
    wsl: Fact[facts.Wsl],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """One environment holds TensorRT packages for two CUDA versions, which overwrite each other.

    ## What it checks
    Whether one environment has bindings or libraries of a family for more than one CUDA version, such as
    `tensorrt-cu12-libs` and `tensorrt-cu13-libs`.

    ## Why it matters
    Both flavours unpack into the same folders, so whichever was installed last is what runs, perhaps only
    in part. Uninstalling one of them takes the other's files with it. A build for CUDA 13 needs a newer
    driver than the one for CUDA 12.

    ## How to fix it
    Remove both and install the one that suits the driver. Plain `tensorrt` stands for the newest CUDA
    version; `pip install tensorrt` beside `tensorrt-cu12` is how the two come together.

    ## Known limits
    Which flavour's files lie in the folder now is not told.
    """
    found: dict[tuple[str, str], dict[str, str]] = {}
    for install in installs.installs:
        if install.kind == "pip":
            found.setdefault((install.product, install.location), {}).update(install.parts)
    for (product, location), parts in found.items():
        whole = facts.Install(
            product=product, kind="pip", version=None, location=location, parts=parts
        )
        flavours = sorted(
            cuda
            for cuda, roles in whole.families.items()
            if cuda and roles.keys() & {"libs", "bindings"}
        )
        if len(flavours) < 2:
            yield Note(text=f"{product}: {flavours[0] if flavours else 'one flavour'}")
            continue
        fitting = _fitting(flavours, driver, nvml, wsl, kb)
        interpreter = shlex.quote(python.value.executable) if python.value else "python3"
        yield Finding(
            message=f"{product} for {' and '.join(flavours)} share {location} and overwrite each other.",
            subject=product,
            evidence=tuple(
                Evidence(source="pip metadata", value=f"{n} {v}") for n, v in parts.items()
            ),
            remedy=Remedy(
                text="Remove all of them, then install "
                + (
                    f"the one for {fitting}, the newest that the driver supports."
                    if fitting
                    else f"one: {flavours[-1]} needs the newer driver."
                ),
                commands=to_run(
                    f"{interpreter} -m pip uninstall -y {' '.join(sorted(parts))}",
                    f"{interpreter} -m pip install --no-cache-dir {product}-{fitting or flavours[0]}",
                ),
            ),
        )


def _fitting(
    flavours: list[str],
    driver: Fact[facts.KernelDriver],
    nvml: Fact[facts.Nvml],
    wsl: Fact[facts.Wsl],
    kb: Knowledge,
) -> str | None:
    """The flavour for the newest CUDA version that the driver is known to run."""
    version = driver.value.version if driver.value else None
    if nvml.value and nvml.value.driver_version and (wsl.value or version is None):
        version = nvml.value.driver_version
    have = versions.numbers(version)
    for flavour in reversed(flavours):
        try:
            floor = kb.driver_floor(flavour.removeprefix("cu"), "windows" if wsl.value else "linux")
        except KnowledgeEnds:
            continue
        least = versions.numbers(floor.minimum)
        if have is not None and least is not None and have >= least:
            return flavour
    return None
