"""What ``trtdoctor compare`` sees: two engines, what their user measured, and their outputs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from os import fspath
from pathlib import Path

import msgspec

from trtdoctor.model.engine import EngineReport
from trtdoctor.model.errors import UsageError
from trtdoctor.model.facts import EngineLoads
from trtdoctor.model.finding import Command, to_run
from trtdoctor.model.report import Snapshot
from trtdoctor.reporting.look_session import Look, Looking

from .compared_outputs import seen_running
from .compared_sides import Comparing, Side, read_side
from .compared_times import timed_here
from .examinations import (
    Examination,
    engine_reports,
    judging,
    probes_of_files,
    with_engine_facts,
)

__all__ = ["Comparing", "Side", "examine_compared"]


def examine_compared(
    a: Side, b: Side, *, comparing: Comparing, look: Looking, live: bool, static: bool
) -> Examination:
    """What :func:`trtdoctor.compare` judges.

    Raises:
        TrtdoctorError: wrong usage, a file that cannot be read or is none of these, or outputs and
            inputs that do not fit the model.
    """
    from trtdoctor.engines.comparing import BUDGET, compare_engines
    from trtdoctor.engines.engine_facts import with_comparison

    watch = look.watch()
    _check(a, b, comparing)
    watch.tell("reading engines")
    given = {"a": read_side(a, "a", static=static), "b": read_side(b, "b", static=static)}
    sources = tuple(each for each in given.values() if not isinstance(each, EngineReport))
    with Look(look, probes_of_files(sources, live=live)) as looking:
        catalogue, knowledge, selection = judging(engines_only=True)
        snapshot = looking.finish()
    read = iter(engine_reports(sources, snapshot, knowledge))
    first, second = (
        each if isinstance(each, EngineReport) else next(read) for each in given.values()
    )
    first, second, untimed = timed_here(a, b, first, second, comparing, watch)
    budget = BUDGET if comparing.budget is None else comparing.budget
    seen = seen_running((a, b), (first, second), comparing, budget, watch)
    watch.tell("putting the answer together")
    comparison = compare_engines(
        first,
        second,
        outputs=seen.outputs,
        hazards=seen.hazards,
        budget=budget,
        measure=_measure(first, second),
        compare="run both on the same inputs",
        reference="the model would",
        commands=_commands((a, b), (first, second), comparing),
        memory=(_memory(snapshot, first), _memory(snapshot, second)),
    )
    comparison = msgspec.structs.replace(comparison, notes=(*comparison.notes, *untimed))
    snapshot = with_engine_facts(snapshot, sources, (first, second), expect=None, live=live)
    watch.tell("")
    return Examination(
        command="compare",
        snapshot=with_comparison(snapshot, comparison),
        catalogue=catalogue,
        knowledge=knowledge,
        selection=selection,
        engines=(first, second),
        comparisons=(comparison,),
        environment=looking.environment,
    )


def _memory(snapshot: Snapshot, engine: EngineReport) -> int | None:
    """What an execution context takes beside the weights, where the engine was loaded here."""
    from trtdoctor.checking.facts import Facts

    seen = Facts(snapshot).value(EngineLoads)
    where = str(Path(engine.path).absolute())
    loads = (load for load in (seen.loads if seen else ()) if load.path == where)
    return next((load.device_memory_bytes for load in loads), None)


def _measure(a: EngineReport, b: EngineReport) -> str:
    """What to do about times that are missing; a clause of the verdict."""
    if a.measured is not None and b.measured is not None:
        return "measure both again, with the same shapes on the same idle GPU"
    if a.measured is None and b.measured is None:
        return "measure both on one idle GPU"
    other = "A" if b.measured is None else "B"
    return f"measure it on the GPU that {other} was measured on"


def _commands(
    sides: Sequence[Side], engines: Sequence[EngineReport], comparing: Comparing
) -> dict[str, tuple[Command, ...]]:
    """What tells times, outputs and which of them are right, where these are missing."""
    here = " ".join(shlex.quote(fspath(side.file)) for side in sides)
    compare = f"trtdoctor compare {here}"
    inputs = shlex.quote(comparing.inputs or "data.npz")
    model = "MODEL.onnx" if comparing.onnx is None else shlex.quote(fspath(comparing.onnx))
    both = f"{compare} --inputs {inputs} --onnx {model}"
    if all(engine.identity is not None for engine in engines):
        # Where a GPU runs them, this measures both too.
        return dict.fromkeys(("times", "outputs", "reference"), to_run(both))
    # Of layers alone nobody knows the engine's file.
    times = [
        f"trtexec --loadEngine={side}.engine --exportTimes={side.lower()}.times.json"
        for side in "AB"
    ]
    given = f"{compare} --times-a a.times.json --times-b b.times.json"
    return {"times": to_run(*times, given), "outputs": to_run(both), "reference": to_run(both)}


def _check(a: Side, b: Side, comparing: Comparing) -> None:
    from trtdoctor.models.inputs import is_random

    if (a.outputs is None) != (b.outputs is None):
        raise UsageError("give the outputs of both engines: --outputs-a and --outputs-b")
    if comparing.budget is not None and not comparing.budget > 0:
        raise UsageError(f"a budget is above 0 dB, not {comparing.budget:g}")
    if comparing.inputs is not None and comparing.onnx is None and comparing.run is None:
        raise UsageError("inputs are given to a model or to engines that are run; name the model")
    if a.outputs is not None and comparing.onnx is not None and comparing.inputs is None:
        raise UsageError(
            "the model needs the inputs that the outputs were made with; give them with --inputs"
        )
    if a.outputs is not None and comparing.inputs is not None and is_random(comparing.inputs):
        raise UsageError(
            "the outputs in files were made with inputs of yours; give these with --inputs, not random "
            "ones"
        )
