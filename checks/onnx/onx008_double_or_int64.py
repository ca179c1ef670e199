"""ONX008: DOUBLE arithmetic in a model."""

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
    facts,
)


@check(id="ONX008", name="double-or-int64", severity=Severity.INFO, since="0.1.0")
def double_or_int64(models: facts.OnnxModels) -> Iterator[Yielded]:
    """A model computes in DOUBLE, which TensorRT does not.

    ## What it checks
    Values of DOUBLE. INT64 inputs and outputs are noted: TensorRT 10 and newer take them as they are,
    older releases make INT32 of them.

    ## Why it matters
    TensorRT's parser makes FP32 of DOUBLE and clamps what does not fit, so that the engine is not the
    model that was tested; and where types decide, all that follows is FP32.

    ## How to fix it
    Export the model in FP32: cast its inputs and buffers with `.float()` before the export.

    ## Known limits
    Whether the lost digits matter is not known here.
    """
    for model in models.models:
        if not model.double.count:
            told = (
                f"; INT64 at its edges: {', '.join(model.int64_io.names)}"
                if model.int64_io.count
                else ""
            )
            yield Note(text=f"{model.path}: nothing in it is DOUBLE{told}")
            continue
        yield Finding(
            message=f"{model.path} computes {model.double.count:,} "
            f"{'node' if model.double.count == 1 else 'nodes'} in DOUBLE, which TensorRT makes FP32.",
            subject=model.path,
            confidence=Confidence.CERTAIN,
            evidence=(Evidence(source="nodes", value=", ".join(model.double.names)),),
            remedy=Remedy(text="Export the model in FP32, its buffers and constants too."),
        )
