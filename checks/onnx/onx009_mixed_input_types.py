"""ONX009: operands of two types where TensorRT wants one."""

from __future__ import annotations

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
    count,
    facts,
)


@check(id="ONX009", name="mixed-input-types", severity=Severity.ERROR, since="0.1.0")
def mixed_input_types(models: facts.OnnxModels) -> Iterator[Yielded]:
    """A node has operands of two types, which a strongly typed build refuses.

    ## What it checks
    Element-wise operators, matrix products, convolutions, normalisations and comparisons whose operands
    are of different types.

    ## Why it matters
    ONNX does not allow it either, and a strongly typed build ends with 'must have same input types'. It
    comes from tools that convert some operands of a node and not the others.

    ## How to fix it
    Add a Cast before the operand that was forgotten, or convert the model again with a converter that
    checks its result.

    ## Known limits
    Which operators refuse was seen with TensorRT-RTX 1.7.1; a weakly typed build casts by itself.
    """
    for model in models.models:
        if not model.refused_count:
            yield Note(text=f"{model.path}: the operands of each node are of one type")
            continue
        first = model.refused[0]
        more = (
            f", and {count(model.refused_count - 1, 'more node')} likewise"
            if model.refused_count > 1
            else ""
        )
        yield Finding(
            message=f"{first.node} ({first.op}) of {model.path}: {first.what}{more}; a strongly typed "
            "build refuses that.",
            subject=model.path,
            confidence=Confidence.LIKELY,
            evidence=tuple(
                Evidence(source=each.node, value=each.what) for each in model.refused[:4]
            ),
            remedy=Remedy(
                text="Cast the operand that was forgotten, or convert the FP32 model anew "
                "(`trtdoctor plan` takes that one, not this).",
            ),
        )
