"""GPU009: a GPU whose memory had errors that could not be corrected."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    Finding,
    NotApplicable,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    nvml_devices,
    to_run,
)


@check(
    id="GPU009",
    name="ecc-errors",
    severity=Severity.WARNING,
    since="0.1.0",
    explained_by=("container-without-gpu", "driver-missing", "no-gpu-visible"),
    blinded_by=("cuda-init-fails",),
)
def ecc_errors(gpus: facts.Gpus, cuda: Fact[facts.CudaDriver]) -> Iterator[Yielded]:
    """The GPU's memory had errors that could not be corrected.

    ## What it checks
    NVML's count of uncorrected ECC errors, on GPUs that have ECC and have it on.

    ## Why it matters
    An uncorrected error ends the program that met it, and more of them announce a GPU that fails.

    ## How to fix it
    Reset the GPU or restart, so that the memory's rows are remapped. If the count grows again, run
    NVIDIA's diagnostics (`dcgmi diag -r 3`) and have the board replaced.

    ## Known limits
    GPUs without ECC are not judged: their memory errors cannot be seen.

    ## References
    - NVML API Reference, nvmlDeviceGetTotalEccErrors:
      https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
    - NVIDIA GPU Memory Error Management:
      https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/index.html
    """
    with_ecc = [
        (device, gpu.ecc_uncorrected)
        for device, gpu in nvml_devices(gpus, cuda)
        if gpu.ecc_mode != "disabled" and not device.not_offered("Ecc")
    ]
    if not with_ecc:
        raise NotApplicable("no GPU here has ECC on")
    for device, count in with_ecc:
        if count is None:
            why = device.refusal("Ecc") or "NVML did not report its ECC errors"
            yield Unknown(reason=why, subject=device.label)
        elif count > 0:
            yield Finding(
                message=f"{device.label}: {count} uncorrected memory error{'s' if count > 1 else ''}.",
                subject=device.subject,
                evidence=(Evidence(source="nvml: nvmlDeviceGetTotalEccErrors", value=str(count)),),
                remedy=Remedy(
                    text="Restart to have the rows remapped; if errors return, replace the GPU.",
                    commands=to_run("nvidia-smi -q -d ECC,ROW_REMAPPER", "dcgmi diag -r 3"),
                ),
            )
