"""PRC001: an engine with less FP16 than was asked for."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Fact,
    Finding,
    Knowledge,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Typing,
    Unknown,
    Yielded,
    check,
    facts,
    is_damaged,
    is_no_plan,
    to_run,
    typing_of_engine,
)

# Shares are quotients of counts; a sum of two of them may be off by a rounding.
_ROUNDING = 1e-9


@check(id="PRC001", name="fp16-not-delivered", severity=Severity.ERROR, since="0.1.0")
def fp16_not_delivered(
    precisions: facts.EnginePrecisions, files: Fact[facts.EngineFiles], kb: Knowledge
) -> Iterator[Yielded]:
    """Fewer layers of an engine compute in FP16 than was asked for.

    ## What it checks
    The share of compute layers that compute in FP16, against the share that `--expect fp16:SHARE` asks
    for. Data movement, constants and shape arithmetic are not counted. Layers of unknown precision count as
    either: only where both answers lead to the same verdict is there one.

    ## Why it matters
    FP16 that was asked for and not delivered costs speed and memory, and no build says so: from TensorRT 11
    on there is no FP16 flag, and before that the builder may choose FP32 for every layer.

    ## How to fix it
    `trtdoctor explain` says for each layer why it is not FP16. Up to TensorRT 8 set the FP16 flag; for
    TensorRT 11 and TensorRT-RTX convert the model itself; for 9 and 10 it depends on how the network was
    made.

    ## Known limits
    Layers that are read from the file without TensorRT are likely, not certain.
    """
    unfit = {f.path for f in (files.value.files if files.value else ()) if _speaks_elsewhere(f)}
    asked = [item for item in precisions.engines if item.wanted is not None]
    if not asked:
        raise NotApplicable("no share of FP16 was asked for")
    judged = [item for item in asked if item.path not in unfit]
    if not judged:
        raise NotApplicable("no undamaged engine was given")
    known = {file.path: file for file in (files.value.files if files.value else ())}
    for item in judged:
        yield _judge(item, item.wanted or 0.0, known.get(item.path), kb)


def _speaks_elsewhere(file: facts.EngineFile) -> bool:
    return is_damaged(file) or is_no_plan(file)


def _judge(
    item: facts.EnginePrecision, wanted: float, file: facts.EngineFile | None, kb: Knowledge
) -> Finding | Unknown | Note:
    if item.fp16 is None:
        reason = item.reason or "it has no compute layers"
        return Unknown(subject=item.path, reason=f"its FP16 share is not known: {reason}")
    most = item.fp16 + (item.unknown or 0.0)
    told = f"{item.fp16:.1%} of {item.layers} compute layers are FP16"
    if item.fp16 >= wanted - _ROUNDING:
        return Note(text=f"{item.path}: {told}")
    if most >= wanted - _ROUNDING:
        return Unknown(
            subject=item.path,
            reason=f"{told} and {item.unknown or 0.0:.1%} are unknown; {wanted:.1%} are asked for",
        )
    return Finding(
        message=f"{told} in {item.path}, and {wanted:.1%} are asked for.",
        subject=item.path,
        confidence=Confidence.LIKELY if item.source == "static" else Confidence.CERTAIN,
        evidence=(
            Evidence(source=f"layers from {item.source}, FP16", value=f"{item.fp16:.4f}"),
            Evidence(source="layers of unknown precision", value=f"{item.unknown or 0.0:.4f}"),
            Evidence(source="--expect", value=f"fp16:{wanted:g}"),
        ),
        remedy=Remedy(
            text=_advice(file, kb), commands=to_run(f"trtdoctor explain {shlex.quote(item.path)}")
        ),
    )


def _advice(file: facts.EngineFile | None, kb: Knowledge) -> str:
    identity = file.identity if file else None
    product, version = (identity.product, identity.tensorrt_version) if identity else (None, None)
    typing = typing_of_engine(product, version, kb)
    flag = "set the FP16 flag (trtexec --fp16)"
    model = "convert the model to FP16 (ModelOpt AutoCast)"
    if typing is Typing.STRONG:
        return f"This engine's types follow the model's: {model} and build again."
    if typing is Typing.WEAK:
        return f"Look first whether FP16 was allowed: {flag} and build again."
    return (
        f"Where the network is weakly typed, {flag}; where it is strongly typed, {model}. "
        "Then build again."
    )
