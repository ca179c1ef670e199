"""How an engine was built, and what following its remedies did."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trtdoctor.model.build import BuildRecord, BuildSettings, Proof, Spread
from trtdoctor.model.engine import EngineReport
from trtdoctor.model.finding import Command, to_run

from .engine_sections import size
from .section import Section

_MOST_KEPT = 5


def build_sections(engine: EngineReport) -> Iterator[Section]:
    """How the engine was built, where that was recorded."""
    if engine.build is not None:
        yield Section(title="How it was built", rows=tuple(_built(engine.build)))


def proof_sections(engine: EngineReport) -> Iterator[Section]:
    """Each remedy that was followed: what was promised, and what came out."""
    for proof in engine.proofs:
        title = f"Tried: {' and '.join(proof.remedies)}"
        yield Section(title=title, rows=tuple(_proved(proof)), kind="proof", about=proof)


def time(ms: float) -> str:
    """A time in the unit that fits it."""
    if ms < 1.0:
        return f"{ms * 1000:.1f} us"
    return f"{ms:.3f} ms" if ms < 1000.0 else f"{ms / 1000:.2f} s"


def spread(told: Spread) -> str:
    """A median with the interval that it is known to lie in."""
    return f"{time(told.median)} ({time(told.low)} to {time(told.high)})"


def _built(record: BuildRecord) -> Iterator[tuple[str, str] | Command]:
    took = "" if record.took_s is None else f" in {record.took_s:.1f} s"
    yield "Builder", f"{record.product} {record.version}{took}, by {record.through}"
    model = record.given or record.model
    yield "Model", f"{model.path} ({size(model.size)})"
    if record.given is not None:
        yield "Converted", f"{record.model.path}, by {record.converted_by}"
        if record.kept:
            more = len(record.kept) - _MOST_KEPT
            named = ", ".join(record.kept[:_MOST_KEPT])
            yield "In FP32", f"{named}{f' and {more} more' if more > 0 else ''}"
    yield (
        "Precision",
        record.precision + (f"; flags {', '.join(record.flags)}" if record.flags else ""),
    )
    for name, form in record.io.items():
        yield "Network I/O", f"{name} as {form}"
    if record.pins:
        yield "Pinned", ", ".join(f"{name}={dtype}" for name, dtype in record.pins.items())
    for key, value in _settings(record.settings):
        yield "Setting", f"{key} {value}"
    for name, value in record.environment.items():
        yield "Variable", f"{name}={value}"
    if record.timing_cache is not None:
        yield "Cache", f"{record.timing_cache.path} as of before the build"
    yield "Log", record.log.path
    yield "Again", "this builds it again:"
    yield from to_run(f"trtdoctor {' '.join(map(shlex.quote, record.command))}")
    for note in record.notes:
        yield "Note", note


def _settings(settings: BuildSettings) -> Iterator[tuple[str, str]]:
    if settings.tf32 is False:
        yield "TF32", "not allowed"
    if settings.workspace_bytes is not None:
        yield "workspace", size(settings.workspace_bytes)
    if settings.avg_timing_iterations is not None:
        yield "timings averaged:", str(settings.avg_timing_iterations)
    if settings.builder_optimization_level is not None:
        yield "optimisation level", str(settings.builder_optimization_level)
    if settings.hardware_compatibility_level is not None:
        yield "hardware compatibility", settings.hardware_compatibility_level
    if settings.compute_capabilities is not None:
        yield "for compute capability", ", ".join(settings.compute_capabilities)
    if settings.tactic_sources is not None:
        yield "tactic sources:", ", ".join(settings.tactic_sources)


def _proved(proof: Proof) -> Iterator[tuple[str, str] | Command]:
    yield "Verdict", proof.verdict
    if proof.change:
        yield from to_run(" ".join(map(shlex.quote, proof.change)))
    if proof.promised_ms is not None:
        low, high = proof.promised_ms
        yield "Promised", f"{time(low)} to {time(high)} less"
    elif proof.withheld:
        yield "Promised", f"nothing: {proof.withheld}"
    if proof.before_ms is not None and proof.after_ms is not None:
        yield "Measured", f"{spread(proof.before_ms)} before, {spread(proof.after_ms)} after"
    if proof.gained_ms is not None:
        middle, low, high = proof.gained_ms
        yield "Gained", f"{signed(middle)} ({signed(low)} to {signed(high)})"
    if proof.plan_before_ms is not None and proof.plan_after_ms is not None:
        yield (
            "In the log",
            f"{time(proof.plan_before_ms)} before, {time(proof.plan_after_ms)} after, by the builder's "
            "own timings",
        )
    if proof.fp16_before is not None and proof.fp16_after is not None:
        yield (
            "FP16",
            f"{proof.fp16_before:.1%} of compute layers before, {proof.fp16_after:.1%} after",
        )
    if proof.outputs:
        yield "Outputs", proof.outputs
    if proof.failed:
        yield "Failed", proof.failed


def signed(ms: float) -> str:
    """A difference with its sign: positive is time saved."""
    return f"{'+' if ms > 0 else '-' if ms < 0 else ''}{time(abs(ms))}"
