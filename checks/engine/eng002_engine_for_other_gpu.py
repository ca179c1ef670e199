"""ENG002: an engine that was built for another GPU."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Device,
    Evidence,
    Fact,
    Finding,
    Fit,
    Knowledge,
    NotApplicable,
    Note,
    Plan,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    device_fit,
    devices,
    either,
    engine_beside,
    facts,
    load_of,
    product_supports,
    sound_plans,
    stand_in,
    to_run,
    to_write,
)

_SAME_MEMORY = 0.03


@check(
    id="ENG002",
    name="engine-for-other-gpu",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=("driver-missing", "driver-library-mismatch", "no-gpu-visible"),
)
def engine_for_other_gpu(
    files: facts.EngineFiles,
    loads: Fact[facts.EngineLoads],
    system: Fact[facts.OperatingSystem],
    gpus: Fact[facts.Gpus],
    cuda: Fact[facts.CudaDriver],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """An engine was built for another GPU than this machine's.

    ## What it checks
    The compute capabilities that each plan was built for against the first visible GPU, which programs
    take unless told otherwise. Plans built hardware compatible with Ampere and newer run on any GPU from
    compute capability 8.0 on; TensorRT-RTX lists what it built for. Another model of the same compute
    capability is noted: it works, though tuned for the other one.

    ## Why it matters
    Loading fails: `expecting compute X got compute Y`, where X is this GPU and Y the plan's.

    ## How to fix it
    Build the engine on this GPU, or build it hardware compatible where it must run on several.

    ## Known limits
    Of releases that are newer than known the file may not tell; then the outcome is unknown. In a cache
    of ONNX Runtime an engine beside one that fits is passed over, as ONNX Runtime does.

    ## References
    - TensorRT documentation, "Hardware Compatibility":
      https://docs.nvidia.com/deeplearning/tensorrt/11.1.0/inference-library/engine-compatibility.html
    """
    plans = sound_plans(files, system.value)
    known = devices(gpus, cuda)
    if isinstance(known, Unknown):
        yield known
        return
    said = False
    for plan in plans:
        load = load_of(plan.file, loads.value)
        loaded = load is not None and load.loaded
        judged = (
            Note(text=f"{plan.subject}: it loads here")
            if loaded
            else _judge(plan, plans, known, kb)
        )
        if judged is not None:
            said = True
            yield judged
    if not said:
        raise NotApplicable("TensorRT-RTX does not support this machine's GPU at all")


def _judge(
    plan: Plan, plans: tuple[Plan, ...], known: tuple[Device, ...], kb: Knowledge
) -> Yielded | None:
    """What to say of one plan; None where engine-needs-tensorrt-rtx says it."""
    first = known[0]
    fit = device_fit(plan, first, kb)
    if fit.fits:
        return Note(text=f"{plan.subject} fits {first.label}: {fit.why}{_other_board(plan, first)}")
    if fit.fits is None:
        cc = first.compute_capability
        if plan.rtx and cc and product_supports(plan, cc, kb) is False:
            return None
        return Unknown(subject=plan.subject, reason=fit.why)
    other = stand_in(plan, plans, lambda each: device_fit(each, first, kb).fits)
    if other is not None:
        return Note(text=f"{plan.subject}: its cache has {other.subject} for {first.label}")
    fitting = [device for device in known[1:] if device_fit(plan, device, kb).fits]
    return _finding(plan, first, fitting, fit, kb)


def _finding(plan: Plan, first: Device, fitting: list[Device], fit: Fit, kb: Knowledge) -> Finding:
    built = ", ".join(plan.identity.compute_capabilities or ())
    board = (plan.identity.built_on or {}).get("likely_board")
    text = "Build the engine again on this GPU."
    build = f"trtexec --onnx=MODEL.onnx --saveEngine={engine_beside(plan, 'new')}"
    ways = [to_run(build)]
    if plan.rtx:
        text = "Build the engine again with this compute capability among those it is built for."
        ways = [
            to_write(
                "config.num_compute_capabilities = 1",
                "config.set_compute_capability(trt.ComputeCapability."
                f"SM{(first.compute_capability or '').replace('.', '')}, 0)",
                where="the script that builds",
            )
        ]
    elif _may_be_shared(first, kb):
        text += " An engine for several GPUs from Ampere on is built with hardware compatibility."
        ways.append(to_run(f"{build} --hardwareCompatibilityLevel=ampere+"))
    if fitting:
        text = f"{fitting[0].label} fits; use that one, or build again. {text}"
        uuid = fitting[0].cuda and fitting[0].cuda.uuid
        ways[:0] = [to_run(f"export CUDA_VISIBLE_DEVICES={uuid}")] if uuid else []
    return Finding(
        message=f"{plan.subject} was built for compute capability {built}"
        f"{f', likely on {board}' if board else ''}, and {first.label} has "
        f"{first.compute_capability}: {fit.why}.",
        subject=plan.subject,
        confidence=fit.confidence,
        evidence=(
            Evidence(source="compute capabilities in the plan", value=built),
            Evidence(
                source="hardware compatibility in the plan",
                value=plan.identity.hardware_compatibility or "unknown",
            ),
            Evidence(source=first.compute_capability_source, value=str(first.compute_capability)),
        ),
        remedy=Remedy(text=text, commands=either(*ways)),
    )


def _may_be_shared(device: Device, kb: Knowledge) -> bool:
    """Whether hardware compatibility would let this GPU and others run one plan."""
    integrated = device.cuda.integrated if device.cuda else False
    spanned = kb.hardware_compatibility("ampere+").spans(device.compute_capability or "")
    return spanned and not integrated


def _other_board(plan: Plan, device: Device) -> str:
    """What differs between the GPU that it was built on and this one of the same capability."""
    built, here = plan.identity.built_on or {}, device.cuda
    if plan.rtx or here is None:
        return ""
    if here.multiprocessors and built.get("multiprocessors", 0) not in (0, here.multiprocessors):
        return f"; it was tuned on {built['multiprocessors']} multiprocessors, not {here.multiprocessors}"
    memory, total = built.get("memory_bytes"), here.memory_total_bytes
    if memory and total and abs(memory - total) > _SAME_MEMORY * total:
        return f"; it was tuned on a GPU with {memory >> 20} MiB, not {total >> 20}"
    return ""
