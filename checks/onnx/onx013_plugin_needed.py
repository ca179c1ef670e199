"""ONX013: operators of other domains than ONNX's own."""

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


@check(id="ONX013", name="plugin-needed", severity=Severity.WARNING, since="0.1.0")
def plugin_needed(models: facts.OnnxModels) -> Iterator[Yielded]:
    """A model has operators that need a plugin.

    ## What it checks
    Operators of domains other than ONNX's own.

    ## Why it matters
    TensorRT builds them only where a plugin of that name and domain is loaded; a plugin's own table of
    formats decides whether it is FP16.

    ## How to fix it
    Load the plugin's library in every build and at every run (`trtexec --staticPlugins=LIBRARY.so`), or
    export the operator as ONNX's own.

    ## Known limits
    Which plugins are installed is not looked at; `com.microsoft` operators are onnxruntime's own.
    """
    for model in models.models:
        foreign = [use for use in model.operators if use.domain not in ("", "ai.onnx")]
        if not foreign:
            yield Note(text=f"{model.path}: all its operators are ONNX's own")
            continue
        named = ", ".join(f"{use.domain}::{use.op}" for use in foreign[:4])
        more = f" and {len(foreign) - 4} more" if len(foreign) > 4 else ""
        yield Finding(
            message=f"{model.path} needs plugins for {named}{more}.",
            subject=model.path,
            confidence=Confidence.LIKELY,
            evidence=tuple(
                Evidence(source=f"{use.domain}::{use.op}", value=f"{use.nodes:,}, first {use.node}")
                for use in foreign[:4]
            ),
            remedy=Remedy(
                text="Load the plugin's library in the build and at every run, or export the operator as "
                "ONNX's own."
            ),
        )
