"""ONX011: a model newer than the parser of a release."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Finding,
    Knowledge,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Yielded,
    check,
    facts,
)


def _judge(model: facts.OnnxModel, product: str, version: str, kb: Knowledge) -> Iterator[Yielded]:
    row = kb.onnx_opset(product, version)
    opset = model.opsets.get("", model.opsets.get("ai.onnx"))
    late_ir = row.ir is not None and model.ir_version is not None and model.ir_version > row.ir
    if (opset is None or opset <= row.opset) and not late_ir:
        yield Note(text=f"{model.path}: opset {opset} is within {row.opset} of {product} {version}")
        return
    told = []
    if opset is not None and opset > row.opset:
        told.append(f"opset {opset}, and the parser is documented up to {row.opset}")
    if late_ir:
        told.append(
            f"IR version {model.ir_version}, and the parser is built with ONNX's IR {row.ir}"
        )
    yield Finding(
        message=f"{model.path} has {'; and '.join(told)} in {product} {version}.",
        subject=model.path,
        confidence=Confidence.LIKELY,
        evidence=(Evidence(source=f"parser of {product} {version}", value=f"opset {row.opset}"),),
        remedy=Remedy(text=f"Export with opset {row.opset} or older, or take a newer release."),
        references=(row.source,),
    )


@check(id="ONX011", name="opset-or-ir-too-new", severity=Severity.WARNING, since="0.1.0")
def opset_or_ir_too_new(models: facts.OnnxModels, kb: Knowledge) -> Iterator[Yielded]:
    """A model's opset or IR version is newer than a release's parser is documented for.

    ## What it checks
    The opset of ONNX's own domain and the IR version against what the ONNX parser of the release is
    documented for.

    ## Why it matters
    The parser warns, and fails where an operator changed in between; a newer IR version may not be read
    at all.

    ## How to fix it
    Export with an older opset, or convert: `onnx.version_converter.convert_version(model, OPSET)`. Or
    take a newer TensorRT.

    ## Known limits
    A newer opset is not refused as such: most operators change rarely.
    """
    for model in models.models:
        if model.product is None or model.version is None:
            continue
        yield from _judge(model, model.product, model.version, kb)
    if all(model.product is None for model in models.models):
        raise NotApplicable(
            "no release was asked about, and none is installed (--tensorrt VERSION)"
        )
