"""ONX014: FP32 scales of DequantizeLinear in an FP16 network."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Finding,
    Note,
    Remedy,
    Severity,
    Yielded,
    check,
    facts,
    to_run,
)


def _nodes(number: int) -> str:
    return "1 compute node is" if number == 1 else f"{number:,} compute nodes are"


@check(id="ONX014", name="qdq-scale-fp32", severity=Severity.WARNING, since="0.1.0")
def qdq_scale_fp32(models: facts.OnnxModels) -> Iterator[Yielded]:
    """Scales of DequantizeLinear are FP32, and what follows them is FP32 too.

    ## What it checks
    Compute nodes that are FP32 for no other reason than the type of a DequantizeLinear's scale.

    ## Why it matters
    DequantizeLinear's result has its scale's type. Where types decide, the layers behind it are FP32
    although all around them is FP16.

    ## How to fix it
    Store the scales as FLOAT16 (opset 19 and newer): quantise the FP16 model, or convert the scales:
    `trtdoctor plan MODEL.onnx -o MODEL.fp16.onnx` does where they fit.

    ## Known limits
    Before opset 19 ONNX defines scales for FLOAT alone.
    """
    for model in models.models:
        if not model.dq_scales.count:
            yield Note(text=f"{model.path}: no node is FP32 for a scale's sake")
            continue
        yield Finding(
            message=f"In {model.path} {_nodes(model.dq_scales.count)} FP32 because scales of "
            "DequantizeLinear are.",
            subject=model.path,
            confidence=Confidence.LIKELY,
            evidence=(Evidence(source="scales", value=", ".join(model.dq_scales.names)),),
            remedy=Remedy(
                text="Store these scales as FLOAT16, which ONNX allows from opset 19 on.",
                commands=to_run(f"trtdoctor plan {shlex.quote(model.path)}"),
            ),
        )
