"""PRC003: an engine whose outputs are no numbers where those that it is to replace are."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Finding,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Yielded,
    check,
    facts,
    to_run,
)


@check(id="PRC003", name="outputs-not-finite", severity=Severity.ERROR, since="0.1.0")
def outputs_not_finite(comparison: facts.EngineComparison) -> Iterator[Yielded]:
    """An engine gives NaN or infinity where the one that it would replace, or the model, gives numbers.

    ## What it checks
    The outputs of both engines of `trtdoctor compare` for the same inputs, element by element, and those of
    the model where it was given.

    ## Why it matters
    Beyond 65504 FP16 has only infinity, and infinity less infinity is NaN. One such element often spoils
    all that is made of it, and nothing in TensorRT says so.

    ## How to fix it
    Keep the nodes where it begins in FP32: `trtdoctor plan MODEL.onnx --inputs data.npz` finds them, and
    `trtdoctor audit` says why they break.

    ## Known limits
    Only the inputs that were given were looked at.
    """
    if not comparison.outputs:
        raise NotApplicable("no outputs were compared")
    if not comparison.broken:
        number = comparison.outputs
        yield Note(text=f"{number} {'output is' if number == 1 else 'outputs are'} finite")
    for output in comparison.broken:
        yield Finding(
            message=_line(
                f"The output {output.name} of {comparison.b} has {_told(output)} where "
                f"{_whose(output, comparison)} numbers."
            ),
            subject=comparison.b,
            evidence=(
                Evidence(source=f"elements of {output.name}", value=f"{output.elements:,}"),
                Evidence(source="NaN", value=f"{output.nan:,}"),
                Evidence(source="infinite", value=f"{output.inf:,}"),
            ),
            remedy=Remedy(
                text="Keep the nodes where it begins in FP32, and build again.",
                commands=to_run("trtdoctor plan MODEL.onnx --inputs data.npz -o MODEL.fp16.onnx"),
            ),
        )


def _line(text: str) -> str:
    """One line, whatever a name or a path holds."""
    return " ".join(text.split())


def _told(output: facts.BrokenOutput) -> str:
    parts = [f"{output.nan:,} NaN"] if output.nan else []
    parts += [f"{output.inf:,} infinite"] if output.inf else []
    return f"{' and '.join(parts)} {'element' if output.nan + output.inf == 1 else 'elements'}"


def _whose(output: facts.BrokenOutput, comparison: facts.EngineComparison) -> str:
    return f"{comparison.a} has" if output.to == "A" else "the model gives"
