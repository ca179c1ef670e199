"""What ``trtdoctor compare`` sees: two engines, what their user measured, and their outputs."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import msgspec

from trtdoctor.model.engine import EngineReport
from trtdoctor.model.errors import UsageError
from trtdoctor.reporting.look_session import Look, Looking

from .compared_outputs import outputs_seen
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
    outputs, hazards = outputs_seen(a, b, first, second, comparing, budget, watch)
    watch.tell("putting the answer together")
    comparison = compare_engines(
        first,
        second,
        outputs=outputs,
        hazards=hazards,
        budget=budget,
        measure=_measure((("a", first), ("b", second))),
        compare=_COMPARE,
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


# The command-line program of each product that loads an engine and times it.
_PROGRAMS = {"tensorrt-rtx": "tensorrt_rtx"}


def _measure(sides: Sequence[tuple[str, EngineReport]]) -> str:
    """How to measure the engines that were not; a clause of the verdict."""
    commands = [
        f"`{_PROGRAMS.get((each.identity and each.identity.product) or '', 'trtexec')} "
        f"--loadEngine={shlex.quote(_engine(each, letter))} --exportTimes={letter}.times.json`"
        for letter, each in sides
        if each.measured is None
    ]
    options = [f"--times-{letter}" for letter, each in sides if each.measured is None]
    if not options:
        return "measure both again, with the same shapes on the same idle GPU"
    where = "on one idle GPU" if len(options) > 1 else "on the GPU that the other was measured on"
    files = "give the files" if len(options) > 1 else "give the file"
    return f"run {' and '.join(commands)} {where}, and {files} with {' and '.join(options)}"


def _engine(report: EngineReport, letter: str) -> str:
    """The engine's file; of layers alone nobody knows it."""
    return report.path if report.identity is not None else f"{letter.upper()}.engine"


_COMPARE = (
    "save what both give for the same inputs as .npz files, and give them with --outputs-a and "
    "--outputs-b, and the model with --onnx"
)


def _check(a: Side, b: Side, comparing: Comparing) -> None:
    from trtdoctor.models.inputs import is_random

    if (a.outputs is None) != (b.outputs is None):
        raise UsageError("give the outputs of both engines: --outputs-a and --outputs-b")
    if comparing.budget is not None and not comparing.budget > 0:
        raise UsageError(f"a budget is above 0 dB, not {comparing.budget:g}")
    if comparing.inputs is not None and comparing.onnx is None and comparing.run is None:
        raise UsageError("--inputs are given to the model: name it with --onnx")
    if a.outputs is not None and comparing.onnx is not None and comparing.inputs is None:
        raise UsageError(
            "the model needs the inputs that the outputs were made with; give them with --inputs"
        )
    if a.outputs is not None and comparing.inputs is not None and is_random(comparing.inputs):
        raise UsageError(
            "the outputs in files were made with inputs of yours; give these with --inputs, not random "
            "ones"
        )
