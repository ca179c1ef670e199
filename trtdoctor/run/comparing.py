"""What ``trtdoctor compare`` sees: two engines, what their user measured, and their outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from trtdoctor.model.build import Measurement
from trtdoctor.model.codec import LARGEST_REPORT, read_report
from trtdoctor.model.engine import EngineReport
from trtdoctor.model.errors import InputError, UsageError
from trtdoctor.model.given_files import open_regular, read_whole
from trtdoctor.model.watch import OutOfTime, Watch
from trtdoctor.reporting.look_session import Look, Looking

from .examinations import (
    Examination,
    File,
    engine_reports,
    judging,
    probes_of_files,
    with_engine_facts,
)

if TYPE_CHECKING:
    from trtdoctor.engines.comparing import OutputsSeen
    from trtdoctor.engines.given import EngineSources
    from trtdoctor.model.value_range import ValueRange
    from trtdoctor.model.weight_numbers import WeightNumbers
    from trtdoctor.readers.onnxmodel import OnnxFacts

Arrays: TypeAlias = "Mapping[str, Any]"
Runner: TypeAlias = "Callable[[Path, Sequence[Arrays]], Sequence[Arrays]]"
"""Runs an engine on samples, arrays by input, and gives its outputs for each."""

Timer: TypeAlias = "Callable[[Sequence[Path]], tuple[Measurement, ...] | str]"

_HEAD = 1 << 12
_MARK = b"trtdoctor.report/"


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two engines, and what belongs beside it.

    Attributes:
        file: The engine, its layers alone, or a report that was saved of it.
        layers: The engine inspector's output.
        profile: Times of its layers.
        times: Times of whole inferences.
        outputs: What it gave, ``.npz`` or Polygraphy's ``.json``.
    """

    file: File
    layers: File | None = None
    profile: File | None = None
    times: File | None = None
    outputs: File | None = None


@dataclass(frozen=True, kw_only=True)
class Comparing:
    """What a comparison is asked for.

    Attributes:
        onnx: The model that both were built from; it is run for a reference.
        inputs: What the outputs were made with.
        shapes: Shapes of inputs whose extents the model leaves open.
        backend: What runs the model; None for the quickest that is installed.
        budget: The signal to noise that outputs have to keep, in dB; None for the usual.
        run: Runs an engine on the inputs; None where outputs come from files alone.
        time: Times engines in turn, or says why not; None where nothing is timed here.
    """

    onnx: File | None = None
    inputs: str | None = None
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    backend: str | None = None
    budget: float | None = None
    run: Runner | None = None
    time: Timer | None = None


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
    given = {"a": _given(a, "a", static=static), "b": _given(b, "b", static=static)}
    sources = tuple(each for each in given.values() if not isinstance(each, EngineReport))
    with Look(look, probes_of_files(sources, live=live)) as looking:
        catalogue, knowledge, selection = judging(engines_only=True)
        snapshot = looking.finish()
    read = iter(engine_reports(sources, snapshot, knowledge))
    first, second = (
        each if isinstance(each, EngineReport) else next(read) for each in given.values()
    )
    first, second, untimed = _timed(a, b, first, second, comparing, watch)
    budget = BUDGET if comparing.budget is None else comparing.budget
    outputs, hazards = _seen(a, b, first, second, comparing, budget, watch)
    watch.tell("putting the answer together")
    comparison = compare_engines(
        first,
        second,
        outputs=outputs,
        hazards=hazards,
        budget=budget,
        measure=_MEASURE,
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


_MEASURE = (
    "measure each on the same idle GPU, `trtexec --loadEngine=ENGINE --exportTimes=times.json`, and "
    "give the files with --times-a and --times-b"
)
_COMPARE = (
    "save what both give for the same inputs as .npz files, and give them with --outputs-a and "
    "--outputs-b, and the model with --onnx"
)


def _timed(
    a: Side,
    b: Side,
    first: EngineReport,
    second: EngineReport,
    comparing: Comparing,
    watch: Watch,
) -> tuple[EngineReport, EngineReport, tuple[str, ...]]:
    """Both engines with times of this machine's GPU, in turn, where nothing was given that was timed."""
    plans = (first.identity, second.identity)
    if comparing.time is None or a.times is not None or b.times is not None or None in plans:
        return first, second, ()
    if (
        not (Path(a.file).is_file() and Path(b.file).is_file())
        or first.size is None
        or second.size is None
    ):
        return first, second, ()
    watch.tell("timing both engines")
    found = comparing.time((Path(a.file), Path(b.file)))
    if isinstance(found, str):
        return first, second, (f"they were not timed here: {found}",)
    return (
        msgspec.structs.replace(first, measured=_with_layers(found[0], first.measured)),
        msgspec.structs.replace(second, measured=_with_layers(found[1], second.measured)),
        (),
    )


def _with_layers(now: Measurement, before: Measurement | None) -> Measurement:
    """Times of now; the layers' own sum is of the build, where that was on the same GPU."""
    if before is None or before.gpu != now.gpu:
        return now
    return msgspec.structs.replace(now, kernels_ms=before.kernels_ms)


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


# The engines -------------------------------------------------------------------------------------


def _given(side: Side, letter: str, *, static: bool) -> EngineSources | EngineReport:
    """One engine's files, or what a saved report says of it.

    Raises:
        InputError: it is something else, or damaged.
        UsageError: layers or times are given beside a saved report.
    """
    from trtdoctor.engines.files import read_engines
    from trtdoctor.engines.misplaced import Place, in_place, place_of

    path = Path(side.file)
    if _is_report(path):
        return _saved(side, path, letter)
    place = place_of(path)
    if place is Place.ONNX:
        raise InputError(
            f"{path} is an ONNX model, and engines are compared: build it first with "
            f"`trtdoctor build {path} {path.stem}.engine`"
        )
    layers = None if side.layers is None else Path(side.layers)
    paths = [path]
    if place in (Place.LAYERS, Place.LOG) and layers is None:
        paths, layers = [], path
    elif place not in (None, Place.ENGINE):
        raise InputError(in_place(path, Place.ENGINE) or f"{path} is no engine")
    profile = None if side.profile is None else Path(side.profile)
    times = None if side.times is None else Path(side.times)
    (found,) = read_engines(paths, static=static, layers=layers, profile=profile, times=times)
    if found.unsound is not None:
        raise InputError(found.unsound)
    return found


def _is_report(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            return _MARK in file.read(_HEAD)
    except OSError:
        # The reader of engines says what is wrong with it.
        return False


def _saved(side: Side, path: Path, letter: str) -> EngineReport:
    if side.layers is not None or side.profile is not None:
        raise UsageError(
            f"{path} is a saved report, which has its layers and their times already: leave out "
            f"--layers-{letter} and --profile-{letter}, or give the engine itself"
        )
    from trtdoctor.engines.files import read_measurement

    try:
        data = read_whole(path, most=LARGEST_REPORT)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    report = read_report(data, name=str(path))
    if not report.engines:
        raise InputError(
            f"{path} is a report of no engine; give an engine, or a report that "
            "`trtdoctor inspect ENGINE -o report.json` wrote"
        )
    if side.times is None:
        return report.engines[0]
    return msgspec.structs.replace(report.engines[0], measured=read_measurement(Path(side.times)))


# Their outputs -----------------------------------------------------------------------------------


def _seen(
    a: Side,
    b: Side,
    first: EngineReport,
    second: EngineReport,
    comparing: Comparing,
    budget: float,
    watch: Watch,
) -> tuple[OutputsSeen, Mapping[str, str] | None]:
    """Both engines' outputs compared, and what the model's hazards are where that matters."""
    from trtdoctor.engines.comparing import OutputsSeen

    model = None if comparing.onnx is None else _model(comparing, first, second, watch)
    if a.outputs is None and (comparing.run is None or comparing.inputs is None):
        return OutputsSeen(), None
    try:
        return _compared(a, b, comparing, model, budget, watch)
    except OutOfTime:
        note = "outputs were not compared: the time was over; give it more with --deadline"
        return OutputsSeen(notes=(note,)), None


def _model(
    comparing: Comparing, first: EngineReport, second: EngineReport, watch: Watch
) -> OnnxFacts:
    from trtdoctor.engines.belonging import model_contradicts
    from trtdoctor.model.typing import Typing
    from trtdoctor.readers.onnxmodel import read_onnx

    path = Path(comparing.onnx or "")
    watch.tell(f"reading {path.name}")
    try:
        facts = read_onnx(path, shapes=comparing.shapes)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    for side, engine in (("A", first), ("B", second)):
        io = (engine.identity.io if engine.identity else None) or ()
        other = model_contradicts(engine.layers, io, facts, typing=Typing.UNKNOWN)
        if other is not None:
            raise InputError(f"{path} is not the model that {side} was built from: {other}")
    return facts


def _compared(
    a: Side,
    b: Side,
    comparing: Comparing,
    model: OnnxFacts | None,
    budget: float,
    watch: Watch,
) -> tuple[OutputsSeen, Mapping[str, str] | None]:
    from trtdoctor.engines.comparing import OutputsSeen, compare_outputs, judge_outputs
    from trtdoctor.models.inputs import find_inputs
    from trtdoctor.models.outputs import in_samples, reference_outputs
    from trtdoctor.readers.polygraphy import read_arrays

    reference: list[dict[str, Any]] | None = None
    called = told = None
    samples: list[dict[str, Any]] = []
    notes: list[str] = []
    if model is not None and comparing.onnx is not None:
        path = Path(comparing.onnx)
        inputs = find_inputs(model, comparing.inputs, comparing.shapes)
        samples, told = list(inputs), inputs.told
        if inputs.random:
            notes.append(
                "the inputs were random numbers, which tell little of your data: give some with --inputs"
            )
        network = _network(path, comparing.backend)
        reference = reference_outputs(network, samples, watch)
        called = f"{network.backend.name} {_types(model)}"
    if a.outputs is not None and b.outputs is not None:
        ours, theirs = read_arrays(Path(a.outputs)), read_arrays(Path(b.outputs))
        told = told or f"files of outputs, {fspath(a.outputs)} and {fspath(b.outputs)}"
    else:
        assert comparing.run is not None
        try:
            ours = [dict(each) for each in comparing.run(Path(a.file), samples)]
            theirs = [dict(each) for each in comparing.run(Path(b.file), samples)]
        except InputError as error:
            return OutputsSeen(notes=(*notes, f"outputs were not compared: {error}")), None
    if reference is not None:
        ours, theirs = in_samples(ours, reference), in_samples(theirs, reference)
    watch.tell("comparing outputs")
    differences = compare_outputs(ours, theirs, reference)
    judged = judge_outputs(differences, budget=budget, reference=called)
    hazards = None
    if model is not None and comparing.onnx is not None and judged and judged.sound is not True:
        hazards = _hazards(Path(comparing.onnx), model, samples, comparing.backend, watch)
    seen = OutputsSeen(differences=differences, reference=called, inputs=told, notes=tuple(notes))
    return seen, hazards


def _types(model: OnnxFacts) -> str:
    from trtdoctor.readers.onnxmodel import TensorType

    narrow = {TensorType.FLOAT16, TensorType.BFLOAT16} & set(model.types.values())
    return "in the model's own types, which are not all FP32" if narrow else "in FP32"


def _network(path: Path, backend: str | None) -> Any:
    from trtdoctor.models.conversion import load_model
    from trtdoctor.models.emulation import Network, find_backend

    try:
        return Network(load_model(path), find_backend(backend))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None


def _hazards(
    path: Path,
    model: OnnxFacts,
    samples: Sequence[Arrays],
    backend: str | None,
    watch: Watch,
) -> dict[str, str]:
    """What FP16 does to each node that it harms, by the model's stored numbers and its values."""
    from trtdoctor.model.hazard import Effect
    from trtdoctor.models.ranges import measure
    from trtdoctor.precision.numbers.hazards import find_hazards
    from trtdoctor.readers.onnxmodel.weights import scan_weights

    weights: WeightNumbers | None
    ranges: dict[str, ValueRange] | None
    watch.tell("looking for what FP16 harms")
    try:
        weights = scan_weights(path, watch=watch)
        ranges = measure(_network(path, backend), samples, watch)
    except OutOfTime:
        # What the model's structure tells is told all the same.
        weights, ranges = None, None
    found: dict[str, str] = {}
    for hazard in find_hazards(model, weights, ranges):
        if hazard.effect is not Effect.HARMLESS:
            for node in hazard.nodes:
                found.setdefault(node, hazard.what)
    return found
