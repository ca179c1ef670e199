"""DRV002: the driver's kernel module and its libraries are of different versions."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Fact,
    Finding,
    Knowledge,
    KnowledgeEnds,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    to_run,
)

_MISMATCH = 18
_REMEDY = Remedy(
    text="Restart, so that the module of the installed version is loaded. If it persists, two driver "
    "packages are installed: remove one. In a container the libraries must come from the running "
    "host driver, so restart the container after a driver update and keep no driver in the image.",
    commands=to_run(
        "cat /proc/driver/nvidia/version", "ldconfig -p | grep -E 'libcuda|libnvidia-ml'"
    ),
)


@check(
    id="DRV002",
    name="driver-library-mismatch",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=(
        "container-without-gpu",
        "driver-missing",
        "device-nodes-denied",
        "wsl-driver-shadowed",
    ),
    blinded_by=("cuda-init-fails",),
)
def driver_library_mismatch(
    nvml: facts.Nvml,
    driver: Fact[facts.KernelDriver],
    smi: Fact[facts.NvidiaSmi],
    wsl: Fact[facts.Wsl],
    jetson: Fact[facts.Jetson],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """The driver's kernel module and its libraries are of different versions.

    ## What it checks
    Whether NVML refuses to start with its code 18, and whether the version of the loaded kernel
    module equals the version that NVML reports. WSL and Jetson have no such pair of versions: there
    only the code counts.

    ## Why it matters
    The driver's two halves must be of one version. After an update without a restart the old module
    is still loaded beside new libraries: running programs go on, every new CUDA program fails.

    ## How to fix it
    Restart the machine (or unload and load the nvidia modules). In a container, restart it, and
    install no driver packages in the image.

    ## References
    - NVML API Reference, nvmlReturn_t: NVML_ERROR_LIB_RM_VERSION_MISMATCH:
      https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html
    """
    kernel = driver.value.version if driver.value else None
    evidence = [
        Evidence(source="nvml: nvmlInit", value=f"{nvml.init_code} {nvml.init_error or ''}".strip())
    ]
    if kernel:
        evidence.append(Evidence(source="/proc/driver/nvidia/version", value=kernel))
    if smi.value and smi.value.message:
        evidence.append(Evidence(source="nvidia-smi", value=smi.value.message))
    if nvml.init_code == _MISMATCH:
        library = _of_library(nvml)
        loaded = f"module {kernel}" if kernel else "loaded module"
        beside = f" ({library})" if library else ""
        if nvml.library:
            evidence.append(Evidence(source="NVML library", value=nvml.library))
        yield Finding(
            message=f"The driver's kernel {loaded} and its libraries{beside} do not match.",
            evidence=tuple(evidence),
            remedy=_REMEDY,
            references=(kb.nvml_error(_MISMATCH).source,),
        )
        return
    if nvml.init_code != 0:
        try:
            meaning = kb.nvml_error(nvml.init_code).meaning
        except KnowledgeEnds:
            meaning = nvml.init_error or "unknown code"
        yield Unknown(reason=f"NVML did not start (code {nvml.init_code}: {meaning})")
        return
    if wsl.value or jetson.value:
        return
    if driver.unseen:
        yield Unknown(reason=f"nvidia.driver: {driver.reason or driver.status.value}")
        return
    for source, version in (
        ("nvml: nvmlSystemGetDriverVersion", nvml.driver_version),
        (nvml.library or "nvml: nvmlSystemGetNVMLVersion", _of_library(nvml)),
    ):
        if kernel and version and version != kernel:
            yield Finding(
                message=f"The kernel module is {kernel}, but NVML speaks for driver {version}.",
                confidence=Confidence.LIKELY,
                evidence=(*evidence, Evidence(source=source, value=version)),
                remedy=_REMEDY,
            )
            return


def _of_library(nvml: facts.Nvml) -> str | None:
    """The library's driver version, by its file name or by NVML, which writes 12.580.65.06."""
    if nvml.library_version and nvml.library_version.count(".") >= 1:
        return nvml.library_version
    first, _, rest = (nvml.nvml_version or "").partition(".")
    return rest if first.isdigit() and int(first) < 100 and rest.count(".") >= 1 else None
