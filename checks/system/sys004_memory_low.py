"""SYS004: little main memory."""

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

_LOW_BYTES = 1 << 30


@check(id="SYS004", name="memory-low", severity=Severity.WARNING, since="0.1.0")
def memory_low(memory: facts.Memory) -> Iterator[Yielded]:
    """Little main memory is available.

    ## What it checks
    Less than 1 GiB available, or a control group (a container's or a service's) that allows less
    than that altogether.

    ## Why it matters
    TensorRT's libraries and a CUDA context take hundreds of megabytes of main memory, a build several
    times the model's size. The kernel then kills the process without a message of its own.

    ## How to fix it
    End other programs, add swap on a small machine, or raise the container's limit (`--memory`,
    `resources.limits.memory`). Build on a larger machine with the same GPU.

    ## Known limits
    How much a build needs depends on the model. What the control group already uses is not seen.

    ## References
    - Linux kernel documentation, Control Group v2: memory.max:
      https://docs.kernel.org/admin-guide/cgroup-v2.html
    """
    limit, available = memory.limit_bytes, memory.available_bytes
    if limit is not None and limit < _LOW_BYTES:
        yield Finding(
            message=f"The control group allows {limit >> 20} MiB of memory.",
            evidence=(Evidence(source="control group's memory limit", value=f"{limit} bytes"),),
            remedy=Remedy(
                text="Raise the container's or the service's memory limit.",
                commands=to_run("docker run --memory 8g IMAGE"),
            ),
        )
        return
    if available is None:
        yield Unknown(reason="the kernel does not say how much memory is available")
    elif available < _LOW_BYTES:
        yield Finding(
            message=f"Only {available >> 20} MiB of {memory.total_bytes >> 20} MiB main memory are "
            "available.",
            evidence=(Evidence(source="/proc/meminfo MemAvailable", value=f"{available} bytes"),),
            remedy=Remedy(
                text="End what uses the memory, or build on a larger machine.",
                commands=to_run("ps -eo rss,pid,comm --sort=-rss | head"),
            ),
        )
