"""What two engines that are compared give for the same inputs, and what the model says of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trtdoctor.model.engine import EngineReport
from trtdoctor.model.errors import InputError
from trtdoctor.model.watch import OutOfTime, Watch

from .compared_sides import Arrays, Comparing, Side, engine_file

if TYPE_CHECKING:
    from trtdoctor.engines.comparing import OutputsSeen
    from trtdoctor.model.value_range import ValueRange
    from trtdoctor.model.weight_numbers import WeightNumbers
    from trtdoctor.readers.onnxmodel import OnnxFacts


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What running engines and the model told.

    Attributes:
        outputs: Both engines' outputs, compared.
        hazards: What FP16 does to nodes of the model; None where that was not asked.
    """

    outputs: OutputsSeen
    hazards: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class _Samples:
    """Arrays by input for each sample, and what they are."""

    arrays: list[dict[str, Any]]
    told: str
    random: bool


def seen_running(
    sides: Sequence[Side],
    engines: Sequence[EngineReport],
    comparing: Comparing,
    budget: float,
    watch: Watch,
) -> Seen:
    """Both engines' outputs, as far as they were given or can be had here.

    Raises:
        TrtdoctorError: data that do not fit, a model that is another one or cannot be run.
    """
    from trtdoctor.engines.comparing import OutputsSeen

    model = None if comparing.onnx is None else _model(comparing, engines, watch)
    given = all(side.outputs is not None for side in sides)
    runs = comparing.run is not None and comparing.inputs is not None and not given
    if not given and not runs:
        return Seen(outputs=OutputsSeen())
    try:
        samples = _samples(comparing, model, engines[0])
        return _compared(sides, engines, comparing, model, samples, budget, watch)
    except OutOfTime:
        note = "outputs were not compared: the time was over; give it more with --deadline"
        return Seen(outputs=OutputsSeen(notes=(note,)))


def _samples(
    comparing: Comparing, model: OnnxFacts | None, engine: EngineReport
) -> _Samples | None:
    """The inputs, as the model takes them or, without one, as engine A does."""
    from trtdoctor.engines.comparing.network_inputs import inputs_as_model, tuned_shapes
    from trtdoctor.models.inputs import find_inputs, is_random

    if comparing.inputs is None:
        return None
    shapes = dict(comparing.shapes)
    if is_random(comparing.inputs):
        shapes = {**tuned_shapes(engine), **shapes}
    taking = inputs_as_model(engine) if model is None else model
    if not taking.inputs:
        raise InputError(f"{engine.path} does not tell its inputs; give the model with --onnx")
    found = find_inputs(taking, comparing.inputs, shapes)
    return _Samples(arrays=list(found), told=found.told, random=found.random)


def _model(comparing: Comparing, engines: Sequence[EngineReport], watch: Watch) -> OnnxFacts:
    from trtdoctor.engines.belonging import model_contradicts
    from trtdoctor.model.typing import Typing
    from trtdoctor.readers.onnxmodel import read_onnx

    path = Path(comparing.onnx or "")
    watch.tell(f"reading {path.name}")
    try:
        facts = read_onnx(path, shapes=comparing.shapes)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    for side, engine in zip("AB", engines, strict=True):
        io = (engine.identity.io if engine.identity else None) or ()
        other = model_contradicts(engine.layers, io, facts, typing=Typing.UNKNOWN)
        if other is not None:
            raise InputError(f"{path} is not the model that {side} was built from: {other}")
    return facts


def _compared(
    sides: Sequence[Side],
    engines: Sequence[EngineReport],
    comparing: Comparing,
    model: OnnxFacts | None,
    samples: _Samples | None,
    budget: float,
    watch: Watch,
) -> Seen:
    from trtdoctor.engines.comparing import OutputsSeen, compare_outputs, judge_outputs
    from trtdoctor.models.outputs import in_samples, reference_outputs

    reference: list[dict[str, Any]] | None = None
    called = None
    notes: list[str] = []
    if samples is None:
        notes.append("nothing shows that both outputs were made from the same inputs")
    elif samples.random:
        notes.append(
            "the inputs were random numbers, which tell little of your data: give some with --inputs"
        )
    path = None if comparing.onnx is None else Path(comparing.onnx)
    if model is not None and path is not None and samples is not None:
        network = _network(path, comparing.backend)
        reference = reference_outputs(network, samples.arrays, watch)
        called = f"{network.backend.name} {_types(model)}"
    told = None if samples is None else samples.told
    try:
        given = _had(sides, engines, comparing, samples)
    except InputError as error:
        if any(side.outputs is not None for side in sides):
            raise
        note = f"the engines were not run: {error}"
        return Seen(outputs=OutputsSeen(inputs=told, notes=(note,)))
    ours, theirs = given if reference is None else [in_samples(g, reference) for g in given]
    watch.tell("comparing outputs")
    differences = compare_outputs(ours, theirs, reference)
    judged = judge_outputs(differences, budget=budget, reference=called)
    hazards = None
    doubted = judged is not None and judged.sound is not True
    if doubted and model is not None and path is not None and samples is not None:
        hazards = model_hazards(path, model, samples.arrays, comparing.backend, watch)
    outputs = OutputsSeen(
        differences=differences, reference=called, inputs=told, notes=tuple(notes)
    )
    return Seen(outputs=outputs, hazards=hazards)


def _had(
    sides: Sequence[Side],
    engines: Sequence[EngineReport],
    comparing: Comparing,
    samples: _Samples | None,
) -> list[list[dict[str, Any]]]:
    """Both engines' outputs, from files or by running them."""
    from trtdoctor.readers.polygraphy import read_arrays

    files = [Path(side.outputs) for side in sides if side.outputs is not None]
    if files:
        return [read_arrays(file) for file in files]
    assert comparing.run is not None and samples is not None
    paths = [engine_file(side, engine) for side, engine in zip(sides, engines, strict=True)]
    return [[dict(each) for each in comparing.run(path, samples.arrays)] for path in paths]


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


def model_hazards(
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
