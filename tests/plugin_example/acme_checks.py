"""A plugin: Acme deploys only on GPUs with at least 16 GiB."""

from collections.abc import Iterator

from trtdoctor.api import Evidence, Finding, Note, Remedy, Severity, Unknown, Yielded, check, facts

_MINIMUM = 16 * 2**30


@check(id="GPU901", name="acme-gpu-too-small", severity=Severity.WARNING, since="1.0")
def acme_gpu_too_small(gpus: facts.Gpus) -> Iterator[Yielded]:
    """A GPU has less memory than Acme's models need.

    ## What it checks
    The total memory of each GPU that NVML lists, against 16 GiB.

    ## Why it matters
    Acme's models do not fit into less.

    ## How to fix it
    Deploy on another machine.
    """
    for gpu in gpus.devices:
        if gpu.memory_total_bytes is None:
            yield Unknown(reason="NVML does not tell its memory", subject=f"gpu:{gpu.index}")
        elif gpu.memory_total_bytes < _MINIMUM:
            yield Finding(
                message=f"{gpu.name} has {gpu.memory_total_bytes / 2**30:.1f} GiB, less than 16 GiB.",
                subject=f"gpu:{gpu.index}",
                evidence=(
                    Evidence(
                        source="nvml: nvmlDeviceGetMemoryInfo", value=str(gpu.memory_total_bytes)
                    ),
                ),
                remedy=Remedy(text="Deploy on a machine with a larger GPU."),
            )
        else:
            yield Note(text=f"gpu:{gpu.index} is large enough")
