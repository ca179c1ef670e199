"""SYS005: CUDA_LAUNCH_BLOCKING makes every kernel launch wait."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Finding,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    to_run,
)


@check(id="SYS005", name="kernel-launches-blocking", severity=Severity.WARNING, since="0.1.0")
def kernel_launches_blocking(environment: facts.Environment) -> Iterator[Yielded]:
    """CUDA_LAUNCH_BLOCKING makes every kernel launch wait.

    ## What it checks
    Whether the variable is 1 where this program runs.

    ## Why it matters
    It is a switch for debugging: each launch waits until its kernel has ended, so nothing overlaps.
    Latency and throughput are worse, and measurements mislead.

    ## How to fix it
    Unset the variable.

    ## Known limits
    Only the environment of this program is seen. A service may have another one.

    ## References
    - CUDA C++ Programming Guide, Concurrent Execution between Host and Device:
      https://docs.nvidia.com/cuda/archive/12.9.1/cuda-c-programming-guide/index.html#concurrent-execution-between-host-and-device
    """
    value = environment.variables.get("CUDA_LAUNCH_BLOCKING")
    if value is None and "CUDA_LAUNCH_BLOCKING" not in environment.asked:
        yield Unknown(reason="this snapshot does not tell CUDA_LAUNCH_BLOCKING")
    if value is None or value.strip() != "1":
        return
    yield Finding(
        message="CUDA_LAUNCH_BLOCKING=1: every kernel launch waits for its end.",
        evidence=(Evidence(source="environment: CUDA_LAUNCH_BLOCKING", value=value),),
        remedy=Remedy(text="Unset it.", commands=to_run("unset CUDA_LAUNCH_BLOCKING")),
    )
