"""ENG013: an engine that was built on another model of GPU."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Finding,
    Knowledge,
    NotApplicable,
    Note,
    Plan,
    Remedy,
    Severity,
    Yielded,
    check,
    engine_beside,
    facts,
    load_of,
    sound_plans,
    to_run,
)

_MESSAGE = "plan-other-gpu-model"


@check(id="ENG013", name="engine-on-other-gpu-model", severity=Severity.WARNING, since="0.1.0")
def engine_on_other_gpu_model(
    files: facts.EngineFiles, loads: facts.EngineLoads, kb: Knowledge
) -> Iterator[Yielded]:
    """An engine loads, and TensorRT warns that it was built on another model of GPU.

    ## What it checks
    TensorRT's own warning while each engine is loaded with the TensorRT of the target Python.

    ## Why it matters
    Kernels were chosen by their times on the other model: the engine may be slower here than one that was
    built here, and TensorRT does not vouch for it. From TensorRT 11 on it says that this is not supported.

    ## How to fix it
    Build the engine on the model that runs it.

    ## Known limits
    TensorRT also warns where only clocks or memory sizes differ, so Jetson modules, on which that happens
    with each power mode, are only noted.
    """
    tried = False
    for plan in sound_plans(files):
        load = load_of(plan.file, loads)
        if load is None or not load.loaded:
            continue
        tried = True
        log = "\n".join((*load.log, *load.context_log))
        match = next((m for m in kb.log_messages(log) if m.message.id == _MESSAGE), None)
        if match is None:
            yield Note(text=f"{plan.subject}: no warning of another model")
        elif (plan.identity.built_on or {}).get("integrated"):
            yield Note(text=f"{plan.subject}: the usual warning of another model, on a Jetson")
        else:
            yield _finding(plan, load, match.groups.get("word"))
    if not tried:
        raise NotApplicable("no engine was loaded")


def _finding(plan: Plan, load: facts.EngineLoad, word: str | None) -> Finding:
    built = plan.identity.built_on or {}
    board = built.get("likely_board")
    return Finding(
        message=f"{plan.subject} was built on another model of GPU"
        f"{f', likely {board}' if board else ''}; {load.module} {load.version or ''} loads it and calls "
        f"that not {word or 'recommended'}.",
        subject=plan.subject,
        evidence=(
            Evidence(source=f"log of {load.module}", value="across different models of devices"),
            Evidence(
                source="multiprocessors in the plan",
                value=str(built.get("multiprocessors", "unknown")),
            ),
        ),
        remedy=Remedy(
            text="Build the engine again on this GPU.",
            commands=to_run(f"trtexec --onnx=MODEL.onnx --saveEngine={engine_beside(plan, 'new')}"),
        ),
    )
