"""ONX012: operators that the parser of a release does not take."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Finding,
    Knowledge,
    KnowledgeEnds,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
)

_STANDARD = ("", "ai.onnx")


def _judge(model: facts.OnnxModel, product: str, version: str, kb: Knowledge) -> Iterator[Yielded]:
    unknown: list[str] = []
    refused = False
    for use in model.operators:
        if use.domain not in _STANDARD:
            continue
        try:
            row = kb.onnx_operator(product, version, use.op)
        except KnowledgeEnds:
            unknown.append(use.op)
            continue
        if row.supported:
            continue
        refused = True
        later = f"; {row.first} and newer take it" if row.first else ""
        yield Finding(
            message=f"The parser of {product} {version} does not take {use.op}, which {model.path} has "
            f"{use.nodes:,} {'time' if use.nodes == 1 else 'times'}{later}.",
            subject=f"{model.path}, {use.op}",
            confidence=Confidence.LIKELY,
            evidence=(Evidence(source="first node", value=use.node),),
            remedy=Remedy(
                text="Replace it where the model is made, load a plugin of that name, or take a release "
                "that has it."
            ),
            references=(row.source,),
        )
    if unknown:
        named = ", ".join(unknown[:6]) + (
            f" and {len(unknown) - 6} more" if len(unknown) > 6 else ""
        )
        yield Unknown(
            subject=model.path,
            reason=f"the table onnx_operators does not tell of {product} {version}: {named}",
        )
    elif not refused:
        yield Note(text=f"{model.path}: the parser of {product} {version} lists all its operators")


@check(id="ONX012", name="op-unsupported", severity=Severity.ERROR, since="0.1.0")
def op_unsupported(models: facts.OnnxModels, kb: Knowledge) -> Iterator[Yielded]:
    """A release's ONNX parser does not take an operator of a model.

    ## What it checks
    Each operator of ONNX's own domain against the published list of the release's parser.

    ## Why it matters
    The build ends at the first of them, unless a plugin of that name is loaded.

    ## How to fix it
    Replace the operator where the model is made, load a plugin for it, or take a release that has it.

    ## Known limits
    Restrictions on types, shapes and attributes are not in the list. Beyond the table the answer is
    unknown.
    """
    for model in models.models:
        if model.product is None or model.version is None:
            continue
        yield from _judge(model, model.product, model.version, kb)
    if all(model.product is None for model in models.models):
        raise NotApplicable(
            "no release was asked about, and none is installed (--tensorrt VERSION)"
        )
