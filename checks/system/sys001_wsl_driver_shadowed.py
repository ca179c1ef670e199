"""SYS001: in WSL, a Linux driver library hides the one that Windows lends."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Fact,
    Finding,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Yielded,
    check,
    facts,
    to_run,
)

_LENT = "/usr/lib/wsl/"


@check(
    id="SYS001",
    name="wsl-driver-shadowed",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=("container-without-gpu", "driver-missing"),
)
def wsl_driver_shadowed(wsl: facts.Wsl, cuda: Fact[facts.CudaDriver]) -> Iterator[Yielded]:
    """A Linux driver library in WSL hides the one that Windows lends.

    ## What it checks
    Whether another `libcuda.so.1` lies in the system's folders beside the one in
    `/usr/lib/wsl/lib`, and which of them a program really loads.

    ## Why it matters
    WSL's GPU works only with the library that belongs to the Windows driver. A Linux driver package
    puts its own before it, and CUDA then finds no device or does not start.

    ## How to fix it
    Remove the Linux driver packages from WSL (`nvidia-driver-*`, `libnvidia-compute-*`,
    `cuda-drivers`; the meta-package `cuda` pulls them in, `cuda-toolkit` does not), then run
    `sudo ldconfig`.

    ## References
    - CUDA on WSL User Guide: https://docs.nvidia.com/cuda/wsl-user-guide/
    """
    if not wsl.driver_folder:
        raise NotApplicable("Windows lends no driver here")
    if not wsl.shadowing:
        return
    found = ", ".join(wsl.shadowing)
    library = cuda.value.library if cuda.value else None
    if cuda.value and cuda.value.init_code == 0:
        yield Note(text=f"{found} lies beside Windows' driver, but CUDA starts")
        return
    if library and library.startswith(_LENT):
        return
    evidence = [Evidence(source="library folders", value=found)]
    if cuda.value:
        evidence.append(Evidence(source="cuInit", value=f"{cuda.value.init_code} by {library}"))
    yield Finding(
        message=f"{found} hides the driver library that Windows lends in /usr/lib/wsl/lib.",
        confidence=Confidence.CERTAIN if library in wsl.shadowing else Confidence.LIKELY,
        evidence=tuple(evidence),
        remedy=Remedy(
            text="Remove the Linux driver packages from WSL; keep only the CUDA toolkit.",
            commands=to_run(
                *(f"dpkg -S {path}" for path in wsl.shadowing),
                "sudo apt remove --purge 'libnvidia-compute-*' 'nvidia-driver-*' cuda-drivers",
                "sudo ldconfig",
            ),
        ),
    )
