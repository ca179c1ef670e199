"""ENG011: an engine that fits on paper and does not load."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    Finding,
    Knowledge,
    NotApplicable,
    Note,
    Plan,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    certain_runtimes,
    check,
    facts,
    first_device,
    load_of,
    sound_plans,
    unfit,
)

_PRODUCTS = {"1953657958": "TensorRT", "1953657974": "TensorRT-RTX"}
_DECODED = {
    "plan-version-mismatch": "it expects a plan of {runtime}, its own version, and got one of {plan}",
    "plan-serialization-version-mismatch": "it expects serialization version {runtime}, its own, and "
    "the plan has {plan}: another TensorRT built it",
    "rtx-plan-version-mismatch": "it is TensorRT-RTX {runtime}, and the plan is of {plan}",
    "plan-other-compute-capability": "it expects compute capability {gpu}, this GPU's, and the plan is "
    "for {plan}",
    "plan-other-product-or-era": "it expects a plan of {expected}, and this is one of {got}",
}
_OTHERS = {
    "plugin-not-found": "engine-plugin-missing",
    "plugin-creator-missing": "engine-plugin-missing",
    "gpu-memory-exhausted": "engine-memory",
}
_CUDA = (
    "cuda-init-failure",
    "cuda-driver-insufficient",
    "cuda-driver-mismatch",
    "cuda-forward-compatibility-unsupported",
    "cuda-no-device",
    "driver-library-missing",
    "driver-not-detected",
)
_HOST_CODE = "plan-host-code-not-allowed"


@check(
    id="ENG011",
    name="engine-load-fails",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=("driver-missing", "driver-library-mismatch", "no-gpu-visible", "cuda-init-fails"),
)
def engine_load_fails(
    files: facts.EngineFiles,
    loads: facts.EngineLoads,
    gpus: Fact[facts.Gpus],
    cuda: Fact[facts.CudaDriver],
    imports: Fact[facts.Imports],
    installs: Fact[facts.Installs],
    system: Fact[facts.OperatingSystem],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """An engine that should fit cannot be loaded.

    ## What it checks
    How loading each engine ended, in a process of its own, with the TensorRT of the target Python, and what
    TensorRT said meanwhile. Engines of which another check tells the cause are left to it.

    ## Why it matters
    `deserialize_cuda_engine` returns None, or the process dies; programs then fail at the next line.

    ## How to fix it
    The finding decodes TensorRT's message. In its messages "expecting" is this runtime or this GPU, and
    "got" is the plan.

    ## Known limits
    Code inside a plan is never run: version-compatible plans that carry a runtime of their own stay
    unknown.
    """
    plans = [(plan, load_of(plan.file, loads)) for plan in sound_plans(files, system.value)]
    tried = [(plan, load) for plan, load in plans if load is not None and load.attempt is not None]
    if not tried:
        reasons = [load.why_not for _, load in plans if load is not None and load.why_not]
        raise NotApplicable(f"not loaded: {reasons[0]}" if reasons else "no engine was loaded")
    device, loaded = first_device(gpus, cuda), certain_runtimes(imports, installs)
    for plan, load in tried:
        if load.loaded is None:
            yield Unknown(subject=plan.subject, reason=f"{load.module}: {load.why_not}")
        elif load.loaded and load.stage != "context":
            yield Note(text=f"{plan.subject}: {load.module} {load.version} loads it")
        elif cause := unfit(plan, device, loaded, kb):
            yield Note(text=f"{plan.subject}: explained by {cause}")
        else:
            yield _judge(plan, load, kb)


def _judge(plan: Plan, load: facts.EngineLoad, kb: Knowledge) -> Yielded:
    log = "\n".join((*load.log, *(load.context_log if load.loaded else ())))
    errors = [m for m in kb.log_messages(log) if m.message.severity is Severity.ERROR]
    # What only follows from another error says less than the error as it is written.
    found = {match.message.id: match for match in errors if not match.message.follower}
    for known, cause in _OTHERS.items():
        if known in found:
            return Note(text=f"{plan.subject}: explained by {cause}")
    if _HOST_CODE in found:
        reason = "it carries host code, which trtdoctor never runs"
        return Unknown(subject=plan.subject, reason=reason)
    match = next((found[name] for name in found if name not in _CUDA), None)
    if match is None and found:
        reason = "CUDA could not be used, so it was never looked at"
        return Unknown(subject=plan.subject, reason=reason)
    what, remedy = _unrecognised(load)
    if match is not None:
        groups = {name: _PRODUCTS.get(value, value) for name, value in match.groups.items()}
        what = _DECODED.get(match.message.id, match.message.meaning).format_map(groups)
        remedy = f"{match.message.next_step[:1].upper()}{match.message.next_step[1:]}."
    lines = [line for line in load.log if line.startswith(("[ERROR]", "[INTERNAL_ERROR]"))]
    return Finding(
        message=f"{load.module} {load.version or ''} cannot load {plan.subject}: {what}.",
        subject=plan.subject,
        evidence=(
            *(Evidence(source=f"log of {load.module}", value=line) for line in lines[:5]),
            Evidence(source="end of the process", value=_ending(load)),
        ),
        remedy=Remedy(text=remedy),
        references=(match.message.source,) if match is not None else (),
    )


def _unrecognised(load: facts.EngineLoad) -> tuple[str, str]:
    again = (
        "Build the engine again on this machine with this TensorRT; if that does not load either, "
    )
    if load.loaded:
        return f"it loads, and making an execution context ended it: {_ending(load)}", (
            again + "report it to NVIDIA with the model."
        )
    errors = [line for line in load.log if line.startswith("[ERROR]")]
    said = f"it says {errors[0]!r}" if errors else f"without a message, {_ending(load)}"
    return said, again + "report it to NVIDIA with the verbose log."


def _ending(load: facts.EngineLoad) -> str:
    attempt = load.attempt
    if attempt is None:
        return "unknown"
    return f"{attempt.ending.value}{f', {attempt.detail}' if attempt.detail else ''}"
