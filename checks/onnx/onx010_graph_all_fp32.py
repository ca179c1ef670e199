"""ONX010: a model without any FP16, where the model decides."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import PurePath

from trtdoctor.api import (
    Confidence,
    Evidence,
    Finding,
    Knowledge,
    Note,
    Remedy,
    Severity,
    Typing,
    Unknown,
    Yielded,
    check,
    facts,
    to_run,
    typing_of_engine,
)


def _plan(path: str) -> str:
    target = PurePath(path).with_suffix(".fp16.onnx")
    return f"trtdoctor plan {shlex.quote(path)} -o {shlex.quote(str(target))}"


@check(id="ONX010", name="graph-all-fp32", severity=Severity.WARNING, since="0.1.0")
def graph_all_fp32(models: facts.OnnxModels, kb: Knowledge) -> Iterator[Yielded]:
    """All of a model is FP32, and where types decide, so is the engine.

    ## What it checks
    Whether any compute node of the model is of a narrower type than FP32, where TensorRT 11, TensorRT-RTX
    or a strongly typed network follows the model's types.

    ## Why it matters
    There is no FP16 flag in TensorRT 11 and TensorRT-RTX: an FP32 model makes an FP32 engine, without a
    word. Up to TensorRT 10 the builder may still choose FP16 where it is allowed to.

    ## How to fix it
    Convert the model: `trtdoctor plan MODEL.onnx -o MODEL.fp16.onnx`. For TensorRT up to 10 `--fp16`
    does.

    ## Known limits
    For a release whose network may be either, both are told.
    """
    for model in models.models:
        typing = Typing.BOTH
        if model.product is not None and model.version is not None:
            typing = typing_of_engine(model.product, model.version, kb) or Typing.BOTH
        if typing is Typing.WEAK:
            yield Note(
                text=f"{model.path}: with {model.product} {model.version} the builder decides"
            )
            continue
        if not model.compute:
            yield Note(text=f"{model.path}: it has no floating-point arithmetic")
            continue
        wide = model.by_type.get("FP32", 0)
        unknown = model.by_type.get("unknown", 0)
        if wide < model.compute and wide + unknown == model.compute:
            yield Unknown(
                subject=model.path, reason=f"the types of {unknown:,} nodes do not follow from it"
            )
            continue
        if wide < model.compute:
            narrow = model.compute - wide
            yield Note(
                text=f"{model.path}: {narrow:,} of {model.compute:,} compute nodes are not FP32"
            )
            continue
        yield Finding(
            message=f"All {wide:,} compute nodes of {model.path} are FP32; where TensorRT follows the "
            "model's types (11, TensorRT-RTX, strongly typed networks), so is the engine.",
            subject=model.path,
            confidence=Confidence.CERTAIN if typing is Typing.STRONG else Confidence.LIKELY,
            evidence=(Evidence(source="types of the model", value=f"{wide:,} FP32 compute nodes"),),
            remedy=Remedy(
                text="Convert the model; up to TensorRT 10, allow FP16 in the build instead (--fp16).",
                commands=to_run(_plan(model.path)),
            ),
        )
