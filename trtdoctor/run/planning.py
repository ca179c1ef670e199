"""What ``trtdoctor plan`` sees: a model, run on samples, and which of its nodes stay in FP32."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from trtdoctor.model.errors import InputError, UsageError
from trtdoctor.model.facts import OnnxPlan, OnnxPlans
from trtdoctor.model.given_files import read_whole
from trtdoctor.model.model_report import ModelReport
from trtdoctor.model.watch import OutOfTime, Watch
from trtdoctor.reporting.look_session import Look, Looking

from .auditing import record
from .examinations import Examination, File, judging

if TYPE_CHECKING:
    from trtdoctor.model.conversion_plan import ConversionPlan
    from trtdoctor.model.model_report import PrecisionMap
    from trtdoctor.models.conversion import Converted

_LARGEST_LOG = 1 << 28
_LONGEST_AUTOCAST = 3600.0


@dataclass(frozen=True, kw_only=True)
class Planning:
    """What a plan is asked for.

    Attributes:
        inputs: ``data.npz``, a folder of them, or ``random:N``; None for one random sample.
        shapes: Shapes of inputs whose extents the model leaves open.
        budget: The signal to noise that the outputs are to have, in dB.
        to: ``fp16`` or ``bf16``.
        io: ``keep`` for network inputs and outputs in FP32, or the type's own name.
        check: The user's own command; ``{}`` in it is the candidate's path, else it comes last.
        check_timeout: Its seconds.
        backend: ``onnxruntime`` or ``onnx``; None for the quickest that is installed.
        autocast_log: What AutoCast printed: its set is measured beside the plan's.
        autocast: An interpreter with ModelOpt, whose AutoCast is run for its own set.
        log: The verbose log of a build, whose own times tell what FP16 saves where.
        profile: Times of an engine's layers, which tell it less well.
        resume: A file that keeps what was measured, so that the next run goes on from there.
        target: Where the converted model is written; None for nowhere.
    """

    inputs: str | None = None
    shapes: Mapping[str, tuple[int, ...]]
    budget: float = 40.0
    to: str = "fp16"
    io: str = "keep"
    check: str | None = None
    check_timeout: float = 600.0
    backend: str | None = None
    autocast_log: File | None = None
    autocast: str | None = None
    log: File | None = None
    profile: File | None = None
    resume: File | None = None
    target: File | None = None


def examine_plan(model: File, *, planning: Planning, look: Looking) -> Examination:
    """What :func:`trtdoctor.plan` judges.

    Raises:
        TrtdoctorError: wrong usage, a model that cannot be run, or data that do not fit it.
    """
    from trtdoctor.probes import identity

    path = Path(model)
    watch = look.watch()
    with Look(look, (identity,)) as looking:
        catalogue, knowledge, selection = judging(models=True)
        try:
            plan, converted, named, types = _planned(path, planning, look)
        except OutOfTime:
            raise InputError(
                f"{path}: the time was over before the model had run once in FP32; "
                "give it more with --deadline"
            ) from None
        snapshot = looking.finish()
    watch.tell("")
    plan = _written(path, plan, converted, planning, named)
    report = ModelReport(
        path=fspath(model),
        size=path.stat().st_size,
        answer=answer_of(plan),
        maps=(types,),
        plan=plan,
    )
    mine = next((arm for arm in plan.arms if arm.name == "this plan"), None)
    told = OnnxPlan(
        path=fspath(model),
        met=plan.met,
        budget=plan.budget,
        reached=None if mine is None else mine.sqnr,
        check=plan.check,
        nodes=plan.nodes,
        measured=plan.measured,
    )
    facts = {**snapshot.facts, OnnxPlans.FACT: record(OnnxPlans(plans=(told,)), "the model, run")}
    return Examination(
        command="plan",
        snapshot=msgspec.structs.replace(snapshot, facts=facts),
        catalogue=catalogue,
        knowledge=knowledge,
        selection=selection,
        models=(report,),
        environment=looking.environment,
    )


def files_read(model: File, inputs: str | None) -> tuple[Path, ...]:
    """Every file that a run of a model reads, which no output may replace: its weights among them."""
    from trtdoctor.readers.errors import FormatError
    from trtdoctor.readers.files.source import open_source
    from trtdoctor.readers.onnxmodel.tensor_places import tensor_places

    path = Path(model)
    found = [path, *inputs_read(inputs)]
    # What is no model is told when it is read.
    with contextlib.suppress(FormatError, OSError), open_source(path) as source:
        places = {place.location.path for place in tensor_places(source) if place.location}
        found += [path.parent / name for name in sorted(places) if "\0" not in name]
    return tuple(found)


def inputs_read(inputs: str | None) -> tuple[Path, ...]:
    """Every file that a model's or an engine's inputs are read from."""
    from trtdoctor.models.inputs import is_random

    if inputs is None or is_random(inputs):
        return ()
    data = Path(inputs)
    return (data, *(data.iterdir() if data.is_dir() else ()))


def _planned(
    path: Path, planning: Planning, look: Looking
) -> tuple[ConversionPlan, Converted, frozenset[str], PrecisionMap]:
    from trtdoctor.models.audit import map_where_types_decide
    from trtdoctor.models.conversion import load_model
    from trtdoctor.models.inputs import find_inputs
    from trtdoctor.models.planning import PlanRequest, make_plan
    from trtdoctor.readers.onnxmodel import TensorType, read_onnx

    watch = look.watch()
    if planning.budget <= 0:
        raise UsageError(f"a budget is above 0 dB, not {planning.budget:g}")
    watch.tell("reading the model")
    try:
        facts = read_onnx(path, shapes={})
        inputs = find_inputs(facts, planning.inputs, planning.shapes)
        loaded = load_model(path)
        samples = list(inputs)
        others = _others(planning, path, samples, watch)
        accept = None if planning.check is None else _check(planning, path)
        plan, converted = make_plan(
            PlanRequest(
                model=loaded,
                samples=samples,
                inputs=inputs.told,
                weak=inputs.random,
                budget=planning.budget,
                to=TensorType.FLOAT16 if planning.to == "fp16" else TensorType.BFLOAT16,
                keep_io=planning.io == "keep",
                backend=planning.backend,
                others=others,
                times=_times(planning),
                resume=None if planning.resume is None else Path(planning.resume),
                accept=accept,
            ),
            watch,
        )
    except InputError as error:
        if str(path) in str(error):
            raise
        raise InputError(f"{path}: {error}") from error
    except OSError as error:
        name = error.filename or path
        raise InputError(f"cannot read {name}: {error.strerror or error}") from error
    named = frozenset(node.label for node in facts.nodes if node.name == node.label)
    return plan, converted, named, map_where_types_decide(facts)


def _others(
    planning: Planning, model: Path, samples: Sequence[Mapping[str, Any]], watch: Watch
) -> dict[str, Sequence[str]]:
    if planning.autocast is not None:
        from trtdoctor.models.planning.autocast_run import kept_by_autocast

        watch.tell("asking AutoCast for its own choice")
        seconds = min(max(watch.left(), 1.0), _LONGEST_AUTOCAST)
        return {"AutoCast's own": kept_by_autocast(planning.autocast, model, samples[0], seconds)}
    if planning.autocast_log is None:
        return {}
    from trtdoctor.readers.autocastlog import read_autocast_log

    path = Path(planning.autocast_log)
    found = read_autocast_log(read_whole(path, most=_LARGEST_LOG), name=str(path))
    return {"AutoCast's own": tuple(found.kept)}


def _times(planning: Planning) -> dict[str, float]:
    """What FP16 saves by layer, in milliseconds; the log's own times before a profile's."""
    from trtdoctor.models.planning.times import saved_by_log, saved_by_profile

    if planning.log is not None:
        from trtdoctor.readers.buildlog import read_build_log

        return saved_by_log(read_build_log(Path(planning.log)))
    if planning.profile is not None:
        from trtdoctor.readers.profile import MAX_BYTES, read_profile

        path = Path(planning.profile)
        return saved_by_profile(read_profile(read_whole(path, most=MAX_BYTES), name=str(path)))
    return {}


def _check(planning: Planning, path: Path) -> Callable[[Converted], bool]:
    """The user's own check as a question about a converted model."""
    from trtdoctor.models.planning.accept import Acceptance

    assert planning.check is not None
    return Acceptance(planning.check, path, planning.check_timeout)


def _written(
    path: Path,
    plan: ConversionPlan,
    converted: Converted,
    planning: Planning,
    named: frozenset[str],
) -> ConversionPlan:
    from trtdoctor.models.conversion import write_model
    from trtdoctor.models.planning.commands import remedies

    conversion = plan.conversion
    target = None
    if planning.target is not None:
        target = Path(planning.target)
        write_model(converted.model, target, beside=_beside(converted.model, path))
        if conversion is not None:
            conversion = msgspec.structs.replace(conversion, path=fspath(planning.target))
    told = remedies(fspath(path), None if target is None else str(target), plan.keep, named)
    return msgspec.structs.replace(plan, conversion=conversion, remedies=told)


def _beside(model: Any, path: Path) -> bool:
    """Whether the weights of the original lay in other files."""
    import onnx

    original = onnx.load(str(path), load_external_data=False)
    return any(tensor.data_location == 1 for tensor in original.graph.initializer)


def answer_of(plan: ConversionPlan) -> str:
    """What there is to say of a plan, in two sentences."""
    kind = {"FLOAT16": "FP16", "BFLOAT16": "BF16"}.get(plan.type, plan.type)
    mine = next((arm for arm in plan.arms if arm.name == "this plan"), None)
    reached = "as in FP32" if mine is None or mine.sqnr is None else f"at {mine.sqnr:.0f} dB"
    whole = plan.arms[0] if plan.arms else None
    share = (
        ""
        if mine is None or mine.share_flops is None
        else f" {mine.share_flops:.1%} of the work is in {kind},"
    )
    if not plan.met and plan.check is not None and mine is not None and mine.meets:
        return (
            f"Your own check refuses it, although the worst output is {reached} and the budget is "
            f"{plan.budget:g} dB: {plan.check}."
        )
    if not plan.met:
        return (
            f"No set of nodes in FP32 was found that meets the budget of {plan.budget:g} dB: the best "
            f"leaves the worst output {reached}. Something in the model is not to be rounded to {kind}, "
            "or time did not suffice."
        )
    if not plan.keep:
        by = "With random samples all" if plan.weak else "All"
        return (
            f"{by} {plan.nodes:,} nodes can be {kind}: the worst output is {reached}, and the budget is "
            f"{plan.budget:g} dB. No value in between breaks or dies."
        )
    before = ""
    if whole is not None:
        broken = (
            "values break or die"
            if whole.sick
            else f"the worst output is at {whole.sqnr or 0:.0f} dB"
        )
        before = f" All in {kind}, {broken}."
    if plan.weak:
        before += " Random samples clear nothing: what likely breaks by its meaning stays, too."
    number = len(plan.keep)
    return (
        f"{number:,} of {plan.nodes:,} nodes {'stays' if number == 1 else 'stay'} in FP32:{share} and the "
        f"worst output is {reached} (budget {plan.budget:g} dB).{before}"
    )
