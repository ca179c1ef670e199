"""DRV006: the driver is older than the CUDA toolkit's own, and TensorRT promises nothing for that."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Fact,
    Finding,
    Knowledge,
    KnowledgeEnds,
    LoadedTensorRT,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    loaded_tensorrts,
    versions,
)


@check(
    id="DRV006",
    name="driver-older-than-toolkit",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=(
        "container-without-gpu",
        "driver-missing",
        "driver-library-mismatch",
        "driver-too-old-for-cuda",
        "wsl-driver-shadowed",
    ),
)
def driver_older_than_toolkit(
    driver: Fact[facts.KernelDriver],
    cuda: facts.CudaDriver,
    runtimes: facts.CudaRuntimes,
    imports: Fact[facts.Imports],
    installs: Fact[facts.Installs],
    wsl: Fact[facts.Wsl],
    jetson: Fact[facts.Jetson],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """The driver is older than the one of the CUDA toolkit, and this TensorRT is not made for that.

    ## What it checks
    The CUDA version that the driver supports against the toolkits and system runtimes of the same major
    version; and, where the driver is older, whether the loaded TensorRT is documented for that CUDA major
    version, and so for its minor-version compatibility.

    ## Why it matters
    Within a major version CUDA promises that an older driver runs what a newer toolkit compiled, except
    for what is compiled at run time: PTX of a newer toolkit ends in code 222. A TensorRT that was put
    together for another CUDA than its documents name has no such promise: making a builder or the first
    kernel can fail.

    ## How to fix it
    Update the driver to the one that the toolkit came with, or newer; on the host, also for containers.
    Or use an image whose CUDA is no newer than the driver's.

    ## Known limits
    Runtimes of pip packages are left out: they belong to packages that name their driver themselves.

    ## References
    - CUDA Compatibility, Minor Version Compatibility, Application Considerations:
      https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html
    - https://github.com/blakeblackshear/frigate/issues/7149
    """
    if jetson.value:
        raise NotApplicable("a Jetson's driver comes with its JetPack")
    supported = versions.numbers(cuda.version)
    if supported is None:
        yield Unknown(reason="which CUDA the driver supports is not known")
        return
    newer = [
        r
        for r in runtimes.runtimes
        if r.kind != "pip"
        and (found := versions.numbers(r.version)) is not None
        and found[0] == supported[0]
        and found[:2] > supported[:2]
    ]
    if not newer:
        yield Note(text=f"no toolkit is newer than CUDA {cuda.version}, which the driver supports")
        return
    loaded = loaded_tensorrts(imports, installs)
    if isinstance(loaded, Unknown):
        yield loaded
        return
    platform = "windows" if wsl.value else "linux"
    for tensorrt in loaded:
        yield _judge(tensorrt, newer[0], driver, cuda, kb, platform)


def _judge(
    tensorrt: LoadedTensorRT,
    runtime: facts.CudaRuntime,
    driver: Fact[facts.KernelDriver],
    cuda: facts.CudaDriver,
    kb: Knowledge,
    platform: str,
) -> Yielded:
    if tensorrt.cuda_major != runtime.major:
        return Note(text=f"{tensorrt.label} is not known to use CUDA {runtime.major}")
    try:
        rows = kb.tensorrt_cuda(tensorrt.family, tensorrt.version)
    except KnowledgeEnds as end:
        # Its driver is judged, or left open, by the check of the oldest driver.
        return Note(text=str(end))
    if any(row.cuda_major == runtime.major for row in rows):
        return Note(
            text=f"{tensorrt.label} is documented for CUDA {runtime.major}, whose minor versions are "
            f"compatible; only PTX that CUDA {runtime.version} compiles needs its own driver"
        )
    packaged = _packaged(runtime.version or "", kb, platform)
    than = f"{packaged[0]}, which CUDA {runtime.version} came with" if packaged else None
    have = f"Driver {driver.value.version}" if driver.value else "The driver"
    documented = " and ".join(str(row.cuda_major) for row in rows)
    return Finding(
        message=f"{have} supports CUDA {cuda.version} and is older than "
        f"{than or f'the toolkit of CUDA {runtime.version}'}; {tensorrt.label} is documented for CUDA "
        f"{documented} alone, so nothing promises that they work together.",
        subject=tensorrt.label,
        confidence=Confidence.LIKELY,
        evidence=(
            Evidence(source="cuDriverGetVersion", value=str(cuda.version)),
            Evidence(source=runtime.location, value=f"CUDA {runtime.version}"),
            Evidence(source=tensorrt.source, value=f"{tensorrt.label}, CUDA {tensorrt.cuda_major}"),
        ),
        remedy=Remedy(
            text=(
                f"Install NVIDIA driver {packaged[0]} or newer on the host"
                if packaged
                else f"Install a driver for CUDA {runtime.version} or newer on the host"
            )
            + f", or use an image whose CUDA is {cuda.version} or older."
        ),
        references=(rows[0].source, *([packaged[1]] if packaged else [])),
    )


def _packaged(cuda: str, kb: Knowledge, platform: str) -> tuple[str, str] | None:
    """The driver that a toolkit came with and the source of that; None where it is not known."""
    for asked in (cuda, ".".join(cuda.split(".")[:2])):
        try:
            row = kb.packaged_driver(asked, platform)
        except KnowledgeEnds:
            continue
        if row.version:
            return row.version, row.source
    return None
