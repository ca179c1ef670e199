"""The model that a build reads, and its types lowered first where they decide."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from trtdoctor.builder.workshop import Workshop
from trtdoctor.model.errors import InputError, UsageError
from trtdoctor.readers.onnxmodel import OnnxFacts
from trtdoctor.reporting.look_session import Looking

from .bench import Building

_HALF = frozenset({"FLOAT16", "BFLOAT16"})


@dataclass(frozen=True, kw_only=True)
class Lowering:
    """Who lowered the model's types: the model that came out, and what stayed in FP32."""

    by: str | None = None
    model: Path | None = None
    kept: tuple[str, ...] = ()
    note: str | None = None


def read_model(path: Path) -> OnnxFacts:
    """The model that is to be built. Raises InputError: it is none, or cannot be read."""
    from trtdoctor.engines.misplaced import Place, in_place
    from trtdoctor.readers.errors import FormatError
    from trtdoctor.readers.onnxmodel import read_onnx

    try:
        return read_onnx(path)
    except FormatError as error:
        raise InputError(in_place(path, Place.ONNX) or str(error)) from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; give an ONNX model") from None


def lowered(building: Building, facts: OnnxFacts, look: Looking, workshop: Workshop) -> Lowering:
    """The model that the network is made of, where its types decide what is computed."""
    request = building.request
    if request.precision not in ("fp16", "bf16") or request.convert == "none":
        return Lowering()
    if is_lowered(facts):
        return Lowering(
            note="the model has 16-bit types already, so it is built as it is and not converted"
        )
    target = workshop.path("converted.onnx")
    if request.convert == "autocast":
        return _by_autocast(building, target)
    return _by_plan(building, look, target)


def _by_plan(building: Building, look: Looking, target: Path) -> Lowering:
    from .planning import Planning, examine_plan

    request = building.request
    planned = examine_plan(
        request.model,
        planning=Planning(
            inputs=building.inputs,
            shapes={name: shape.opt for name, shape in request.shapes.items()},
            to=request.precision,
            io=request.precision if request.io_all == request.precision else "keep",
            target=target,
        ),
        look=replace(look, deadline=max(look.deadline, building.timeout)),
    )
    plan = planned.models[0].plan
    assert plan is not None
    if not plan.met:
        raise InputError(
            f"{request.model} is not converted to {request.precision.upper()}: {planned.models[0].answer} "
            "'trtdoctor plan' shows more; --convert none builds the model as it is"
        )
    number = len(plan.keep)
    note = (
        f"here the model's types decide, so it was converted to {request.precision.upper()} as by "
        f"'trtdoctor plan': {number or 'none'} of its {plan.nodes} nodes "
        f"{'stays' if number == 1 else 'stay'} in FP32"
    )
    kept = {node.label for node in plan.keep}
    forced = {label for label, _ in (plan.conversion.forced if plan.conversion else ())} - kept
    if forced:
        note += f", and {len(forced)} more that cannot be converted"
    if plan.weak:
        note += ", measured with random inputs, which tell little of real ones (give --inputs)"
    return Lowering(
        by="plan", model=target, kept=tuple(node.label for node in plan.keep), note=note
    )


def _by_autocast(building: Building, target: Path) -> Lowering:
    from trtdoctor.models.conversion import convert, load_model, write_model
    from trtdoctor.models.inputs import find_inputs
    from trtdoctor.models.planning.autocast_run import kept_by_autocast
    from trtdoctor.readers.onnxmodel import TensorType, read_onnx

    request = building.request
    if building.autocast is None:
        raise UsageError(
            "--convert autocast needs an interpreter that has NVIDIA ModelOpt; name it with --autocast"
        )
    shapes = {name: shape.opt for name, shape in request.shapes.items()}
    facts = read_onnx(request.model, shapes={})
    sample = next(iter(find_inputs(facts, building.inputs, shapes)))
    kept = kept_by_autocast(building.autocast, request.model, sample, building.timeout)
    to = TensorType.FLOAT16 if request.precision == "fp16" else TensorType.BFLOAT16
    keep_io = request.io_all != request.precision
    made = convert(load_model(request.model), keep=kept, to=to, keep_io=keep_io)
    write_model(made.model, target)
    note = (
        f"here the model's types decide, so it was converted to {request.precision.upper()} with what "
        f"AutoCast keeps in FP32: {len(kept) or 'no'} node{'' if len(kept) == 1 else 's'}"
    )
    return Lowering(by="autocast", model=target, kept=tuple(kept), note=note)


def is_lowered(facts: OnnxFacts) -> bool:
    """Whether something is computed in 16 bits already."""
    return any(
        facts.types.get(value) is not None and facts.types[value].name in _HALF
        for node in facts.nodes
        for value in node.outputs
    )


def kept_model(made: Path, engine: Path) -> Path:
    """The converted model, moved beside the engine; its weights with it."""
    target = engine.with_name(f"{engine.name}.onnx")
    data = made.with_name(f"{made.name}.data")
    if data.exists():
        import onnx

        whole = onnx.load(str(made))
        from trtdoctor.models.conversion import write_model

        write_model(whole, target, beside=True)
        return target
    made.replace(target)
    return target
