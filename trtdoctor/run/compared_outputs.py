"""What two engines that are compared give for the same inputs, and what the model says of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trtdoctor.model.engine import EngineReport
from trtdoctor.model.errors import InputError
from trtdoctor.model.watch import OutOfTime, Watch

from .compared_sides import Arrays, Comparing, Side

if TYPE_CHECKING:
    from trtdoctor.engines.comparing import OutputsSeen
    from trtdoctor.model.value_range import ValueRange
    from trtdoctor.model.weight_numbers import WeightNumbers
    from trtdoctor.readers.onnxmodel import OnnxFacts


def outputs_seen(
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
        if told is None:
            notes.append("nothing tells that both outputs were made from the same inputs")
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
