"""ONX006: FP32 network inputs and outputs around an FP16 network."""

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


@check(id="ONX006", name="fp32-io", severity=Severity.INFO, since="0.1.0")
def fp32_io(models: facts.OnnxModels) -> Iterator[Yielded]:
    """Network inputs or outputs are FP32, and Casts behind them convert.

    ## What it checks
    Whether nothing but Casts to a 16-bit type reads an FP32 network input, or a Cast from one makes an
    FP32 output.

    ## Why it matters
    Each such tensor is copied to the GPU in twice the bytes and converted by a kernel of its own where
    the conversion is not fused.

    ## How to fix it
    Where the application can pass FP16, convert the network's inputs and outputs too: `trtdoctor plan
    --io convert`, or `keep_io_types=False` of the converter.

    ## Known limits
    Whether a conversion is fused is seen in an engine alone. Positions and identifiers are better left in
    FP32.
    """
    for model in models.models:
        if model.casts_at_io is None:
            yield Note(text=f"{model.path}: no Cast stands at a network input or output")
            continue
        yield Finding(
            message=f"In {model.path} {model.casts_at_io}.",
            subject=model.path,
            confidence=Confidence.CERTAIN,
            evidence=(
                Evidence(source="FP32 inputs and outputs", value=", ".join(model.wide_io.names)),
            ),
            remedy=Remedy(
                text="If the application can pass FP16, convert the network's inputs and outputs too.",
                commands=to_run(f"trtdoctor plan {shlex.quote(model.path)} --io convert"),
            ),
        )
