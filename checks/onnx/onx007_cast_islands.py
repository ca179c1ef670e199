"""ONX007: FP32 between Casts inside an FP16 network."""

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


def _parts(number: int) -> str:
    return "1 part" if number == 1 else f"{number:,} parts"


@check(id="ONX007", name="cast-islands", severity=Severity.INFO, since="0.1.0")
def cast_islands(models: facts.OnnxModels) -> Iterator[Yielded]:
    """Parts of a model are FP32 between Casts, and FP16 around them.

    ## What it checks
    Compute nodes that a Cast to FP32 leads to and whose results a Cast to a 16-bit type takes.

    ## Why it matters
    Where types decide, these nodes are FP32 in the engine. Some have to be: see what keeps them there
    before they are converted. An island inside one kernel costs nothing.

    ## How to fix it
    `trtdoctor plan` measures which of them need FP32. Remove the Casts around the others where the model
    is made.

    ## Known limits
    Which Casts are fused is seen in an engine alone.
    """
    for model in models.models:
        if not model.islands_count:
            yield Note(text=f"{model.path}: no part of it is FP32 between Casts")
            continue
        first = max(model.islands, key=lambda island: island.count)
        yield Finding(
            message=f"{model.path} has {_parts(model.islands_count)} in FP32 between Casts; the largest "
            f"has {first.count:,} compute {'node' if first.count == 1 else 'nodes'}.",
            subject=model.path,
            confidence=Confidence.CERTAIN,
            evidence=(Evidence(source="nodes of the largest", value=", ".join(first.names)),),
            remedy=Remedy(
                text="Measure which of them need FP32, before any Cast is taken away.",
                commands=to_run(f"trtdoctor plan {shlex.quote(model.path)} --inputs DATA.npz"),
            ),
        )
