"""ENG014: an engine whose cache or side-car says otherwise than what is there now."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import PurePath

from trtdoctor.api import (
    Confidence,
    Evidence,
    Finding,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    to_run,
)

_KEPT_BY = {
    "ort-cache": "ONNX Runtime's cache",
    "side-car": "its side-car",
}


@check(id="ENG014", name="stale-engine", severity=Severity.WARNING, since="0.1.0")
def stale_engine(caches: facts.EngineCaches) -> Iterator[Yielded]:
    """What was recorded of an engine disagrees with the engine, or with what lies beside it now.

    ## What it checks
    Of an engine in the cache of a TensorRT provider of ONNX Runtime: the compute capability in its file
    name, and GPU and version in a context model, against the plan; the shape ranges in the .profile file
    against the plan's inputs and optimisation profiles; whether the engine of a context model is there;
    and whether an engine of a newer TensorRT stands beside it for the same part of the same graph. Of
    an engine with a side-car: the engine and the model against what the side-car recorded.

    ## Why it matters
    ONNX Runtime finds an engine by its name. One with other content fails to load, or runs what nobody
    meant; one that an upgrade left behind is never loaded and never deleted, and takes up disk; and one
    whose shape ranges do not belong to it is rebuilt at the first inference, which takes minutes.

    ## How to fix it
    Delete the engine with the files beside it; ONNX Runtime builds it again when it is next needed. An
    engine of a context model is not built again: make both anew from the original model.

    ## Known limits
    The model hash in a file name comes from ONNX Runtime's own optimised graph and its version, so it
    cannot be computed here: two hashes for one graph name alone prove nothing, since most exported
    models have the same graph name. Which types ONNX Runtime allowed stands in the name alone; a plan
    does not say what was allowed, only what was chosen. Whether this machine runs the engine is told by
    engine-version-mismatch and engine-for-other-gpu.

    ## References
    - ONNX Runtime, "TensorRT Execution Provider":
      https://onnxruntime.ai/docs/execution-providers/TensorRT-ExecutionProvider.html
    """
    if not caches.caches:
        raise NotApplicable("no engine was given of which anything was recorded")
    for cache in caches.caches:
        if cache.disagrees:
            yield _finding(cache)
        elif cache.compared:
            agrees = ", ".join(cache.compared)
            yield Note(text=f"{cache.path} agrees with {_kept_by(cache)}: {agrees}")
        else:
            reason = "; ".join(cache.unknown) or "nothing that was recorded can be compared"
            yield Unknown(subject=cache.path, reason=reason)


def _kept_by(cache: facts.EngineCache) -> str:
    return _KEPT_BY.get(cache.kind, "what was recorded of it")


def _finding(cache: facts.EngineCache) -> Finding:
    sure = min((each.confidence for each in cache.disagrees), key=list(Confidence).index)
    first = cache.disagrees[0]
    more = len(cache.disagrees) - 1
    also = f" And {more} more." if more else ""
    return Finding(
        message=f"{cache.path} is stale: by {_kept_by(cache)}, {first.what}: {first.then}; "
        f"now: {first.now}.{also}",
        subject=cache.path,
        confidence=sure,
        evidence=tuple(
            Evidence(source=f"{each.what} in {each.source}", value=f"{each.then}; now {each.now}")
            for each in cache.disagrees
        ),
        remedy=_remedy(cache),
    )


def _remedy(cache: facts.EngineCache) -> Remedy:
    if cache.kind != "ort-cache":
        return Remedy(
            text="Build the engine again with `trtdoctor build`, whose side-car tells the command as "
            "build.command; or delete the side-car, if the engine is the one that is meant."
        )
    if any(name.endswith(".onnx") for name in cache.records):
        # ONNX Runtime builds no engine for a context model: without its engine it is of no use.
        return Remedy(
            text="Put the engine beside the context model that belongs to it, or make both again from "
            "the original model, with the option that made them (trt_dump_ep_context_model)."
        )
    path = PurePath(cache.path)
    stem = path.name.removesuffix(".engine").removesuffix(".stripped")
    files = [path, *(path.with_name(n) for n in cache.records if n == f"{stem}.profile")]
    text = "Delete it with the files beside it; ONNX Runtime builds it again when it is needed."
    if any(each.what == "model hash" for each in cache.disagrees):
        text += " Keep it if another installation, with the older TensorRT, uses this folder too."
    return Remedy(text=text, commands=to_run(f"rm {' '.join(shlex.quote(str(f)) for f in files)}"))
