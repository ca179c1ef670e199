"""DRV003: the driver is older than the TensorRT that would be loaded allows."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
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
)


@check(
    id="DRV003",
    name="driver-too-old-for-cuda",
    severity=Severity.ERROR,
    since="0.1.0",
    blinded_by=("driver-older-than-toolkit",),
    explained_by=(
        "container-without-gpu",
        "driver-missing",
        "driver-library-mismatch",
        "wsl-driver-shadowed",
    ),
)
def driver_too_old_for_cuda(
    driver: Fact[facts.KernelDriver],
    nvml: Fact[facts.Nvml],
    cuda: Fact[facts.CudaDriver],
    imports: Fact[facts.Imports],
    installs: Fact[facts.Installs],
    wsl: Fact[facts.Wsl],
    jetson: Fact[facts.Jetson],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """The NVIDIA driver is older than TensorRT and its CUDA need.

    ## What it checks
    The driver's version against the oldest one that the loaded TensorRT documents for its CUDA major
    version; where that TensorRT leaves it to CUDA, against the oldest driver that CUDA's
    minor-version compatibility allows. In WSL the driver is Windows', with Windows' numbers. Only
    the TensorRT that the chosen Python imports is meant, not every toolkit on the disk.

    ## Why it matters
    The first CUDA call fails with code 35 (`cudaErrorInsufficientDriver`), or kernels fail with code
    222: no engine can be built or run. A newer driver always runs older CUDA versions, never the
    reverse. The CUDA version that `nvidia-smi` prints is the newest that the driver supports, not
    the one that is installed.

    ## How to fix it
    Update the driver on the host (also for containers), or install the TensorRT built for the older
    CUDA major version, such as `tensorrt-cu12` in place of `tensorrt-cu13`. On data-centre GPUs a
    `cuda-compat` package can stand in for the newer driver.

    ## Known limits
    A Jetson's driver belongs to its JetPack and is not judged here.

    ## References
    - CUDA Compatibility, Minor Version Compatibility:
      https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html
    - TensorRT documentation, Prerequisites:
      https://docs.nvidia.com/deeplearning/tensorrt/latest/installing-tensorrt/prerequisites.html
    """
    if jetson.value:
        raise NotApplicable("a Jetson's driver comes with its JetPack")
    found = loaded_tensorrts(imports, installs)
    if isinstance(found, Unknown):
        yield found
        return
    platform = "windows" if wsl.value else "linux"
    source, version = "/proc/driver/nvidia/version", driver.value.version if driver.value else None
    if nvml.value and nvml.value.driver_version and (wsl.value or version is None):
        source, version = "nvml: nvmlSystemGetDriverVersion", nvml.value.driver_version
    if version is None or not _numbers(version):
        yield Unknown(reason=f"the driver's version: {driver.reason or nvml.reason or version}")
        return
    for tensorrt in found:
        yield _judge(tensorrt, Evidence(source=source, value=version), cuda, kb, platform)


def _judge(
    tensorrt: LoadedTensorRT,
    driver: Evidence,
    cuda: Fact[facts.CudaDriver],
    kb: Knowledge,
    platform: str,
) -> Yielded:
    subject, version, major = tensorrt.label, tensorrt.version, tensorrt.cuda_major
    if major is None:
        return Unknown(reason="which CUDA it was built for is not known", subject=subject)
    needs, source, ends = f"CUDA {major}", "", ""
    try:
        floor = kb.driver_floor(str(major), platform)
        if tensorrt.family == "tensorrt":
            own = kb.tensorrt_driver_floor("tensorrt", version, major, platform)
            if own.rule == "tensorrt":
                floor, needs = own, f"{subject} with CUDA {major}"
        source = floor.source
    except KnowledgeEnds as end:
        ends = str(end)
        try:
            floor = kb.driver_floor(str(major), platform)
        except KnowledgeEnds:
            return Unknown(reason=ends, subject=subject)
        source = floor.source
    if _numbers(driver.value) >= _numbers(floor.minimum):
        if ends:
            return Unknown(reason=ends, subject=subject)
        return Note(
            text=f"driver {driver.value} is not older than {floor.minimum}, which {needs} needs"
        )
    compat = cuda.value.library or "" if cuda.value and cuda.value.init_code == 0 else ""
    offered = _numbers(cuda.value.version or "") if cuda.value else ()
    if "/compat/" in compat and offered[:1] >= (major,):
        return Note(text=f"{compat} stands in for a driver newer than {driver.value}")
    older = _older_cuda(driver.value, major, kb, platform)
    return Finding(
        message=f"Driver {driver.value} is older than {floor.minimum}, which {needs} needs.",
        subject=subject,
        confidence=floor.certainty,
        evidence=(driver, Evidence(source=tensorrt.source, value=f"{subject}, CUDA {major}")),
        remedy=Remedy(
            text=f"Install NVIDIA driver {floor.minimum} or newer on the host"
            + (" (in Windows)." if platform == "windows" else ".")
            + (f" Or use a TensorRT built for CUDA {older}." if older else ""),
        ),
        references=(source,),
    )


def _older_cuda(driver: str, major: int, kb: Knowledge, platform: str) -> int | None:
    """The newest CUDA major version before ``major`` that TensorRT is built for and the driver runs."""
    for older in range(major - 1, 10, -1):
        try:
            if _numbers(driver) >= _numbers(kb.driver_floor(str(older), platform).minimum):
                return older
        except KnowledgeEnds:
            continue
    return None


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(int(part) for part in parts) if all(p.isdigit() for p in parts) else ()
