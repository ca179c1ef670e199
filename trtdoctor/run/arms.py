"""One model in three arms: FP32 without TF32, FP32 with it, and FP16; built, timed in turn, compared."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from trtdoctor.builder.measure import ToRun, run_engines
from trtdoctor.builder.request import BuildRequest
from trtdoctor.model.build import Measurement
from trtdoctor.model.engine import EngineReport
from trtdoctor.model.errors import InputError, TrtdoctorError
from trtdoctor.reporting.look_session import Look, Looking

from .bench import Bench, Building
from .building import build
from .examinations import Examination, judging, with_engine_facts

if TYPE_CHECKING:
    from trtdoctor.engines.comparing import OutputsSeen

_SECONDS = 12.0
# The arms by the names of their files, and what each sets in the request.
_ARMS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("fp32-no-tf32", {"precision": "fp32", "tf32": False}),
    ("fp32", {"precision": "fp32"}),
    ("fp16", {"precision": "fp16"}),
)
_CACHE = "timing.cache"


@dataclass(frozen=True, kw_only=True)
class Arms:
    """What is built, and how it is compared.

    Attributes:
        request: What all arms have in common; its engine and precision are not used.
        runtime: ``tensorrt`` or ``rtx``; None for the first that is there.
        timeout: Seconds that each build may take.
        inputs: What the engines and the model are run with; None for one random sample.
        backend: What runs the model; None for the quickest that is installed.
        budget: The signal to noise that outputs have to keep, in dB.
        keep: A folder in which the engines stay; None for one that goes away.
        through: What calls CUDA; None for the first that is there.
    """

    request: BuildRequest
    runtime: str | None = None
    timeout: float = 3600.0
    inputs: str | None = None
    backend: str | None = None
    budget: float = 40.0
    keep: Path | None = None
    through: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Outputs:
    """Each engine's outputs by its path, the reference's, and the samples that all were run on."""

    by_engine: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    reference: Sequence[Mapping[str, Any]] | None = None
    samples: Sequence[Mapping[str, Any]] = ()
    called: str | None = None
    told: str | None = None
    notes: tuple[str, ...] = ()


def examine_arms(arms: Arms, look: Looking) -> Examination:
    """What ``trtdoctor compare --onnx MODEL.onnx`` judges.

    Raises:
        TrtdoctorError: as for a build, of any of the arms.
    """
    from trtdoctor.engines.comparing import compare_engines
    from trtdoctor.engines.engine_facts import with_comparison
    from trtdoctor.engines.files import read_engines
    from trtdoctor.probes import PROBES

    with ExitStack() as stack:
        folder = arms.keep
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trtdoctor-")))
        _make(folder)
        bench = stack.enter_context(Bench(look, budget=(arms.timeout + 600.0) * 4))
        if arms.request.timing_cache is None:
            # FP16 first, for its log is to tell all timings; the others reuse those of FP32 kernels.
            cached = replace(arms.request, timing_cache=folder / _CACHE)
            arms = replace(arms, request=cached)
        built = [_built(arms, name, change, bench, look, folder) for name, change in _ARMS[::-1]]
        built.reverse()
        built, timing = _timed(arms, built, bench, folder)
        outputs = _run(arms, built, bench, look)
        paths = [Path(engine.path) for engine in built]
        sources = read_engines(paths, static=False)
        with Look(look, PROBES) as looking:
            catalogue, knowledge, selection = judging(engines_only=True)
            snapshot = looking.finish()
        comparisons = []
        hazards = _Hazards(arms, outputs, look)
        for a, b in ((1, 2), (0, 1), (0, 2)):
            seen = _seen(outputs, built[a], built[b])
            found = compare_engines(
                built[a],
                built[b],
                outputs=seen,
                hazards=hazards(seen),
                budget=arms.budget,
                measure="build them on a machine with a GPU",
                compare="run them on a machine with a GPU",
            )
            comparisons.append(msgspec.structs.replace(found, notes=(*found.notes, *timing)))
        # Of the three only the first question is anybody's deployment: is FP16 worth it?
        snapshot = with_engine_facts(snapshot, sources, built, expect=None, live=False)
        snapshot = with_comparison(snapshot, comparisons[0])
        look.watch().tell("")
        return Examination(
            command="compare",
            snapshot=snapshot,
            catalogue=catalogue,
            knowledge=knowledge,
            selection=selection,
            engines=tuple(built),
            comparisons=tuple(comparisons),
            environment=looking.environment,
        )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot make {folder}: {error.strerror}; name another with --keep"
        ) from None


def _built(
    arms: Arms, name: str, change: Mapping[str, Any], bench: Bench, look: Looking, folder: Path
) -> EngineReport:
    target = folder / f"{arms.request.model.stem}.{name}.engine"
    bench.watch.tell(f"building {name}")
    try:
        return build(
            Building(
                request=replace(arms.request, engine=target, **change),
                runtime=arms.runtime,
                timeout=arms.timeout,
                inputs=arms.inputs,
                through=arms.through,
                host_told=False,
            ),
            bench,
            look,
        ).engines[0]
    except TrtdoctorError as error:
        raise type(error)(f"of the three engines {name} cannot be built: {error}") from None


def _timed(
    arms: Arms, built: Sequence[EngineReport], bench: Bench, folder: Path
) -> tuple[list[EngineReport], tuple[str, ...]]:
    """The engines with times that were measured in turn, and what limits them."""
    world = bench.world(arms.runtime)
    if world.no_gpu is not None:
        return list(built), (f"nothing is timed and no outputs are compared: {world.no_gpu}",)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".run-") as place:
        found = run_engines(
            bench.host,
            module=world.module,
            python=world.python,
            engines=[ToRun(path=Path(engine.path)) for engine in built],
            folder=Path(place),
            seconds=_SECONDS,
            profile=False,
            through=arms.through,
            watch=bench.watch,
        )
    if isinstance(found, str):
        note = f"the three could not be run together, so each was timed by itself: {found}"
        return list(built), (note,)
    return [
        msgspec.structs.replace(engine, measured=_joined(engine.measured, run.measured))
        for engine, run in zip(built, found, strict=True)
    ], ()


def _joined(alone: Measurement | None, in_turn: Measurement | None) -> Measurement | None:
    """Times that were measured in turn, with the layers' sum of the engine's own run."""
    if in_turn is None or alone is None:
        return in_turn or alone
    return msgspec.structs.replace(in_turn, kernels_ms=alone.kernels_ms)


def _run(arms: Arms, built: Sequence[EngineReport], bench: Bench, look: Looking) -> _Outputs:
    """All engines and the model on the same inputs."""
    from trtdoctor.models.conversion import load_model
    from trtdoctor.models.emulation import Network, find_backend
    from trtdoctor.models.inputs import find_inputs
    from trtdoctor.models.outputs import reference_outputs
    from trtdoctor.readers.onnxmodel import read_onnx

    from .running import outputs_of

    if bench.world(arms.runtime).no_gpu is not None:
        return _Outputs()
    shapes = {name: shape.opt for name, shape in arms.request.shapes.items()}
    model = arms.request.model
    try:
        inputs = find_inputs(read_onnx(model, shapes=shapes), arms.inputs, shapes)
        samples = list(inputs)
        by_engine = {
            engine.path: outputs_of(
                bench, Path(engine.path), samples, runtime=arms.runtime, through=arms.through
            )
            for engine in built
        }
        bench.watch.tell("running the model on the CPU, for a reference")
        network = Network(load_model(model), find_backend(arms.backend))
        reference = reference_outputs(network, samples, look.watch())
    except TrtdoctorError as error:
        if arms.inputs is not None:
            raise
        return _Outputs(notes=(f"no outputs are compared: {error}",))
    notes = (
        ("the inputs were random numbers, which tell little of your data: give some with --inputs",)
        if inputs.random
        else ()
    )
    return _Outputs(
        by_engine=by_engine,
        reference=reference,
        samples=samples,
        called=f"{network.backend.name} in FP32",
        told=inputs.told,
        notes=notes,
    )


class _Hazards:
    """What FP16 does to the model's nodes, looked for once and only where outputs are doubted."""

    def __init__(self, arms: Arms, outputs: _Outputs, look: Looking) -> None:
        self._arms, self._outputs, self._look = arms, outputs, look
        self._found: Mapping[str, str] | None = None

    def __call__(self, seen: OutputsSeen) -> Mapping[str, str] | None:
        from trtdoctor.engines.comparing import judge_outputs
        from trtdoctor.readers.onnxmodel import read_onnx

        from .compared_outputs import model_hazards

        judged = judge_outputs(seen.differences, budget=self._arms.budget, reference=seen.reference)
        if judged is None or judged.sound:
            return None
        if self._found is None:
            model = self._arms.request.model
            shapes = {name: shape.opt for name, shape in self._arms.request.shapes.items()}
            self._found = model_hazards(
                model,
                read_onnx(model, shapes=shapes),
                self._outputs.samples,
                self._arms.backend,
                self._look.watch(),
            )
        return self._found


def _seen(outputs: _Outputs, a: EngineReport, b: EngineReport) -> OutputsSeen:
    from trtdoctor.engines.comparing import OutputsSeen, compare_outputs

    if not outputs.by_engine:
        return OutputsSeen(notes=outputs.notes)
    return OutputsSeen(
        differences=compare_outputs(
            outputs.by_engine[a.path], outputs.by_engine[b.path], outputs.reference
        ),
        reference=outputs.called,
        inputs=outputs.told,
        notes=outputs.notes,
    )
