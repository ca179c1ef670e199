"""ENG009: an engine that needs more GPU memory than there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trtdoctor.api import (
    Confidence,
    Device,
    Evidence,
    Fact,
    Finding,
    Knowledge,
    Note,
    Plan,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    devices,
    facts,
    load_of,
    sound_plans,
    to_run,
    weakest,
)

# Without the execution memory known, weights that leave less than this share are no clear pass.
_AMPLE = 0.9


class _Room(NamedTuple):
    """A GPU's memory in bytes, and who told it."""

    label: str
    total: int | None
    free: int | None
    source: str


@check(
    id="ENG009",
    name="engine-memory",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=("driver-missing", "driver-library-mismatch", "no-gpu-visible"),
)
def engine_memory(
    files: facts.EngineFiles,
    loads: Fact[facts.EngineLoads],
    gpus: Fact[facts.Gpus],
    cuda: Fact[facts.CudaDriver],
    memory: Fact[facts.Memory],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """An engine needs more GPU memory than is free.

    ## What it checks
    The size of each plan's weights, and of the memory for execution where the engine was loaded, against
    the free memory of the first visible GPU; on Jetson modules against the available main memory.

    ## Why it matters
    Loading or creating an execution context ends with `out of memory`.

    ## How to fix it
    End other processes on the GPU, build for a smaller batch, or stream the weights (TensorRT 10).

    ## Known limits
    Execution memory is known only after loading; what CUDA and kernels take is not counted.
    """
    plans = sound_plans(files)
    known = devices(gpus, cuda)
    if isinstance(known, Unknown):
        yield known
        return
    room = _room(known[0], memory.value)
    for plan in plans:
        load = load_of(plan.file, loads.value)
        yield _judge(plan, load, room, _exhausted(load, kb))


def _judge(
    plan: Plan, load: facts.EngineLoad | None, room: _Room, exhausted: bool
) -> Finding | Unknown | Note:
    if load is not None and load.loaded and load.with_context:
        return Note(text=f"{plan.subject}: an execution context could be made")
    weights = plan.identity.weights_bytes
    execution = load.device_memory_bytes if load else None
    if exhausted:
        return _finding(plan, execution, room, Confidence.CERTAIN)
    if plan.identity.weight_streaming:
        return Note(text=f"{plan.subject}: its weights can be streamed from main memory")
    # Where the file does not tell, its weights are at most what it holds, unless compressed.
    needed = (plan.file.size if weights is None else weights) + (execution or 0)
    sure = plan.confidence("weights_bytes")
    unclear = plan.file.container == "gzip" or needed > _AMPLE * (room.free or 0)
    if weights is None and unclear:
        return Unknown(subject=plan.subject, reason="the file does not record its weights' size")
    if room.total is not None and needed > room.total:
        return _finding(plan, execution, room, sure)
    if room.free is None:
        return Unknown(subject=plan.subject, reason=f"the free memory of {room.label} is unknown")
    if needed > room.free:
        return _finding(plan, execution, room, weakest(sure, Confidence.LIKELY))
    if execution is None and needed > _AMPLE * room.free:
        why = f"its weights fit, but leave little of {_size(room.free)} for execution"
        return Unknown(subject=plan.subject, reason=why)
    return Note(text=f"{plan.subject} needs {_size(needed)} of {_size(room.free)} on {room.label}")


def _room(device: Device, memory: facts.Memory | None) -> _Room:
    if device.cuda and device.cuda.integrated:
        total, free = (memory.total_bytes, memory.available_bytes) if memory else (None, None)
        return _Room(device.label, total, free, "/proc/meminfo")
    of_cuda = device.cuda.memory_total_bytes if device.cuda else None
    if device.nvml is None or device.nvml.mig_mode == "enabled":
        # NVML speaks of the whole GPU, a program has an instance of it.
        return _Room(device.label, of_cuda, None, "cuda: cuDeviceTotalMem")
    nvml, source = device.nvml, "nvml: nvmlDeviceGetMemoryInfo"
    return _Room(device.label, nvml.memory_total_bytes or of_cuda, nvml.memory_free_bytes, source)


def _exhausted(load: facts.EngineLoad | None, kb: Knowledge) -> bool:
    log = "\n".join((*load.log, *load.context_log)) if load else ""
    return any(match.message.id == "gpu-memory-exhausted" for match in kb.log_messages(log))


def _finding(plan: Plan, execution: int | None, room: _Room, sure: Confidence) -> Finding:
    weights = plan.identity.weights_bytes
    parts = {"weights": weights, "execution": execution}
    needs = " and ".join(f"{_size(size)} for {name}" for name, size in parts.items() if size)
    return Finding(
        message=f"{plan.subject} needs {'' if execution else 'at least '}{needs or 'more memory'}, and "
        f"{room.label} has {_size(room.free)} free of {_size(room.total)}.",
        subject=plan.subject,
        confidence=sure,
        evidence=(
            Evidence(source="weights in the plan, bytes", value=str(weights)),
            Evidence(source=f"{room.source}, bytes free", value=str(room.free)),
        ),
        remedy=Remedy(
            text="End other processes there, build for a smaller batch, or take a larger GPU.",
            commands=to_run(
                "nvidia-smi --query-compute-apps=pid,process_name,used_memory --format=csv"
            ),
        ),
    )


def _size(size: int | None) -> str:
    return "an unknown size" if size is None else f"{size / 2**30:.2f} GiB"
