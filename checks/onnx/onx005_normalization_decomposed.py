"""ONX005: a normalisation that is written out."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import Hazard, HazardKind, Severity, Yielded, check, facts, hazard_findings


@check(id="ONX005", name="normalization-decomposed", severity=Severity.WARNING, since="0.1.0")
def normalization_decomposed(models: facts.OnnxModels) -> Iterator[Yielded]:
    """A normalisation is written out as single operators.

    ## What it checks
    Whether nodes together divide by the root of a mean or sum of squares: LayerNorm, RMSNorm, GroupNorm,
    InstanceNorm or an L2 norm, however the exporter wrote it.

    ## Why it matters
    The squares pass 65504 where a value passes 256, the root of infinity is infinite, and all that it
    divides becomes zero: rows die without any NaN. The operator itself is computed in FP32 inside an FP16
    kernel by TensorRT.

    ## How to fix it
    Export again with LayerNormalization (opset 17), GroupNormalization (opset 21) or RMSNormalization
    (opset 23), or keep these nodes in FP32. `trtdoctor plan` measures which nodes have to stay in FP32
    and writes the model converted with them.

    ## Known limits
    Norms inside of If, Loop and Scan are found, but their shapes are not known.
    """

    def wanted(hazard: Hazard) -> bool:
        return hazard.kind is HazardKind.NORMALIZATION

    yield from hazard_findings(models, wanted, none="no normalisation is written out")
