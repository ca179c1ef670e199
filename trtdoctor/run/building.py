"""What ``trtdoctor build`` does: an engine, everything of its build recorded, and its explanation."""

from __future__ import annotations

import datetime
import gzip
import shutil
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from os import fspath
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from trtdoctor.builder.hashes import hash_file
from trtdoctor.builder.make import CACHE, ENGINE, LOG, Failure, make_engine
from trtdoctor.builder.measure import Run, ToRun, run_engines
from trtdoctor.builder.refusals import refusal
from trtdoctor.builder.request import BuildRequest
from trtdoctor.builder.settings import settings_of, typed
from trtdoctor.builder.workshop import Workshop
from trtdoctor.builder.world import World, find_world
from trtdoctor.host import Host
from trtdoctor.host.live import LiveBackend, environment
from trtdoctor.model.build import BuildRecord, FileHash
from trtdoctor.model.codec import encode, write_atomically
from trtdoctor.model.engine import EngineReport
from trtdoctor.model.engine_shapes import ShapeRange
from trtdoctor.model.errors import InputError, UsageError
from trtdoctor.model.watch import Watch
from trtdoctor.reporting.look_session import Looking

from .examinations import Examination, examine_explained

if TYPE_CHECKING:
    from trtdoctor.readers.onnxmodel import OnnxFacts

# Variables that steer what a builder does, by how their names begin.
_STEERING = (
    "__LUNOWUD",
    "CUBLAS",
    "CUDA_",
    "CUDNN_",
    "MYELIN_",
    "NVIDIA_TF32",
    "TENSORRT_",
    "TRT_",
)
_LONGEST_VALUE = 500
_QUANTISING = frozenset({"QuantizeLinear", "DequantizeLinear"})
_HALF = frozenset({"FLOAT16", "BFLOAT16"})


@dataclass(frozen=True, kw_only=True)
class Building:
    """What a build is asked for, and with what it is done.

    Attributes:
        request: The engine that is wanted.
        runtime: ``tensorrt`` or ``rtx``; None for the first that is there.
        timeout: Seconds that the builder may take.
        inputs: What a conversion is measured with: ``data.npz``, a folder of them or ``random:N``.
        autocast: The interpreter that has AutoCast, where that converts.
        through: ``cuda-bindings``, ``pycuda`` or ``ctypes``; None for the first that is there.
        trtexec: A trtexec that builds instead of a Python.
        host_told: Whether the machine is looked at, for the side-car.
    """

    request: BuildRequest
    runtime: str | None = None
    timeout: float = 3600.0
    inputs: str | None = None
    autocast: str | None = None
    through: str | None = None
    trtexec: str | None = None
    host_told: bool = True


def files_written(request: BuildRequest) -> tuple[Path, ...]:
    """Every file that a build may write."""
    from trtdoctor.engines.sidecar import log_path, side_car_path

    engine = request.engine
    beside = (f"{engine.name}.onnx", f"{engine.name}.onnx.data", f"{engine.name}.failed.log.gz")
    return (
        engine,
        side_car_path(engine),
        log_path(engine),
        *(engine.with_name(name) for name in beside),
        *(() if request.timing_cache is None else (request.timing_cache,)),
    )


class Bench:
    """The machine, held for builds and runs: its processes end when it is left."""

    def __init__(self, look: Looking, *, budget: float) -> None:
        """``budget``: seconds that all of its processes together may live."""
        if look.host is not None:
            raise UsageError("a recorded machine builds nothing; leave out --host")
        self._look, self._budget = look, budget
        self._stack = ExitStack()

    def __enter__(self) -> Bench:
        """Raises UsageError: the interpreter cannot be used."""
        from trtdoctor.probes.python import choose

        live = LiveBackend(budget=self._budget)
        self._stack.callback(live.close)
        try:
            self.host = Host(live)
            python = self._look.python
            self.python = choose(self.host, None if python is None else str(python)).path
        except BaseException:
            self._stack.close()
            raise
        self.watch = Watch(tell=self._look.on_progress or (lambda text: None))
        self._worlds: dict[str | None, World] = {}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
        self.watch.tell("")

    def world(self, runtime: str | None) -> World:
        """The TensorRT that builds. Raises InputError: there is none."""
        if runtime not in self._worlds:
            self.watch.tell("starting TensorRT")
            self._worlds[runtime] = find_world(self.host, self.python, runtime)
        return self._worlds[runtime]


def examine_built(building: Building, look: Looking) -> Examination:
    """What :func:`trtdoctor.build` judges: the engine that it built.

    Raises:
        TrtdoctorError: wrong usage, a model that cannot be built, or an engine that cannot be written.
    """
    with Bench(look, budget=building.timeout * 2 + 600.0) as bench:
        return build(building, bench, look)


def build(building: Building, bench: Bench, look: Looking) -> Examination:
    """Build one engine, run it where there is a GPU, explain it, and write its side-car.

    Raises:
        TrtdoctorError: as :func:`examine_built`.
    """
    from trtdoctor.engines.sidecar import SUFFIX, log_path, side_car_path

    request = building.request
    with Workshop(request.engine) as workshop:
        facts = _model(request.model)
        world = bench.world(building.runtime)
        if world.no_gpu is not None and not (world.rtx and request.targets):
            raise InputError(_no_gpu(world))
        strong = typed(request, world)
        quantised = any(node.op in _QUANTISING for node in facts.nodes)
        settings = settings_of(request, world, strong=strong, quantised=quantised)
        model, converted = request.model, _Conversion()
        if strong:
            converted = _converted(building, facts, look, workshop)
            model = converted.model or model
        started = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        cache = _hashed(request.timing_cache)
        told = make_engine(
            bench.host,
            world,
            model,
            settings,
            workshop,
            timeout=building.timeout,
            watch=bench.watch,
        )
        if isinstance(told, Failure):
            raise InputError(_failed(told, building, world, workshop))
        run, notes = _run(building, bench, world, workshop)
        target, log = request.engine, log_path(request.engine)
        _zip(workshop.path(LOG), workshop.path("log.gz"))
        if converted.model is not None:
            converted = replace(converted, model=_kept(converted.model, target))
            model = converted.model or model
        side_car = side_car_path(target)
        with suppress(FileNotFoundError):
            # What it tells is of the engine that is replaced now.
            side_car.unlink()
        workshop.deliver("log.gz", log)
        # Where a link points, not over the link.
        workshop.deliver(ENGINE, workshop.engine)
        if request.timing_cache is not None and workshop.path(CACHE).exists():
            _keep_cache(workshop.path(CACHE), request.timing_cache)
        record = BuildRecord(
            model=hash_file(model, str(model.absolute())),
            given=None
            if converted.model is None
            else hash_file(request.model, str(request.model.absolute())),
            engine=hash_file(target, target.name),
            product=world.product,
            version=world.version,
            through="python",
            program=world.python,
            command=(*request.words(), *_also(building, bench)),
            precision=request.precision,
            converted_by=converted.by,
            kept=converted.kept,
            flags=tuple(told["flags"]),
            settings={
                **told["settings"],
                **({"timing_cache": str(request.timing_cache)} if request.timing_cache else {}),
            },
            shapes={name: _range(shape) for name, shape in told["shapes"].items()},
            io=told["io"],
            pins=told["pins"],
            environment=_steering(),
            timing_cache=cache,
            targets=request.targets,
            started=started,
            took_s=round(told["took_s"], 3),
            log=hash_file(log, log.name),
            notes=(*_said(request, world, strong, facts, converted), *notes),
        )
        first = EngineReport(
            path=fspath(target), build=record, measured=run.measured if run else None
        )
        seen = _explained(first, run, look, hosted=building.host_told)
        seen = replace(seen, command="build")
        write_atomically(side_car, encode(seen.report()))
        assert side_car.name.endswith(SUFFIX)
        return seen


def _explained(first: EngineReport, run: Run | None, look: Looking, *, hosted: bool) -> Examination:
    """The engine as ``explain`` sees it, with all that its build left."""
    from trtdoctor.engines.sidecar import log_path

    record = first.build
    assert record is not None
    seen = examine_explained(
        Path(first.path),
        logs=(log_path(Path(first.path)),),
        build=None,
        onnx=record.model.path,
        layers=run.layers if run else None,
        profile=run.profile if run else None,
        times=None,
        autocast_log=None,
        look=look,
        expect=None,
        # What loading it told, it told when it was run.
        live=False,
        static=True,
        built=first,
        hosted=hosted,
    )
    return seen


# The model -----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Conversion:
    """Who lowered the model's types: the model that came out, and what stayed in FP32."""

    by: str | None = None
    model: Path | None = None
    kept: tuple[str, ...] = ()
    note: str | None = None


def _model(path: Path) -> OnnxFacts:
    from trtdoctor.engines.misplaced import Place, in_place
    from trtdoctor.readers.errors import FormatError
    from trtdoctor.readers.onnxmodel import read_onnx

    try:
        return read_onnx(path)
    except FormatError as error:
        raise InputError(in_place(path, Place.ONNX) or str(error)) from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; give an ONNX model") from None


def _converted(
    building: Building, facts: OnnxFacts, look: Looking, workshop: Workshop
) -> _Conversion:
    """The model that the network is made of, where its types decide what is computed."""
    request = building.request
    if request.precision not in ("fp16", "bf16") or request.convert == "none":
        return _Conversion()
    if _lowered(facts):
        return _Conversion(
            note="the model has 16-bit types already, so it is built as it is and not converted"
        )
    target = workshop.path("converted.onnx")
    if request.convert == "autocast":
        return _by_autocast(building, target)
    return _by_plan(building, look, target)


def _by_plan(building: Building, look: Looking, target: Path) -> _Conversion:
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
    if plan.weak:
        note += ", measured with random inputs, which tell little of real ones (give --inputs)"
    return _Conversion(
        by="plan", model=target, kept=tuple(node.label for node in plan.keep), note=note
    )


def _by_autocast(building: Building, target: Path) -> _Conversion:
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
    return _Conversion(by="autocast", model=target, kept=tuple(kept), note=note)


def _lowered(facts: OnnxFacts) -> bool:
    """Whether something is computed in 16 bits already."""
    return any(
        facts.types.get(value) is not None and facts.types[value].name in _HALF
        for node in facts.nodes
        for value in node.outputs
    )


def _kept(made: Path, engine: Path) -> Path:
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


# What is recorded ----------------------------------------------------------------------------------


def _said(
    request: BuildRequest, world: World, strong: bool, facts: OnnxFacts, converted: _Conversion
) -> tuple[str, ...]:
    """What of the request is not as its words say."""
    notes = [converted.note] if converted.note else []
    if strong and request.precision in ("fp32", "best", "int8") and _lowered(facts):
        notes.append(
            f"here the model's types decide, and some are 16-bit: --precision {request.precision} "
            "changes nothing of that"
        )
    elif strong and converted.by is None and not _lowered(facts) and request.precision != "fp32":
        notes.append(
            f"here the model's types decide and they say FP32, so the engine is FP32 although "
            f"--precision {request.precision} was asked for; --convert plan lowers them"
        )
    if request.precision == "best" and not strong:
        quantised = any(node.op in _QUANTISING for node in facts.nodes)
        if not quantised:
            notes.append(
                "INT8 and FP8 were not allowed: the model has no QuantizeLinear and DequantizeLinear "
                "nodes, and without them nobody knows the values' ranges"
            )
    if world.rtx and world.no_gpu is not None:
        notes.append(f"it was built on a CPU and not run: {world.no_gpu}")
    return tuple(notes)


def _also(building: Building, bench: Bench) -> tuple[str, ...]:
    words = [] if building.runtime is None else ["--runtime", building.runtime]
    words += [] if building.inputs is None else ["--inputs", building.inputs]
    return (*words, "--python", bench.python)


def _range(shape: Mapping[str, Any]) -> ShapeRange:
    return ShapeRange(min=tuple(shape["min"]), opt=tuple(shape["opt"]), max=tuple(shape["max"]))


def _steering() -> dict[str, str]:
    return {
        name: value[:_LONGEST_VALUE]
        for name, value in sorted(environment().items())
        if name.startswith(_STEERING)
    }


def _hashed(path: Path | None) -> FileHash | None:
    if path is None or not path.exists():
        return None
    try:
        return hash_file(path)
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror}; name another timing cache"
        ) from None


def _zip(source: Path, target: Path) -> None:
    with source.open("rb") as plain, gzip.GzipFile(target, "wb", 6, mtime=0) as packed:
        shutil.copyfileobj(plain, packed, 1 << 20)


def _keep_cache(made: Path, target: Path) -> None:
    try:
        write_atomically(target, made.read_bytes())
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}; the engine is there") from None


# Running and failing -------------------------------------------------------------------------------


def _run(
    building: Building, bench: Bench, world: World, workshop: Workshop
) -> tuple[Run | None, tuple[str, ...]]:
    """The engine, run and timed, or why not."""
    request = building.request
    if not request.profile:
        return None, ("it was not run: --no-profile",)
    if world.no_gpu is not None:
        return None, ()
    folder = workshop.path("run")
    folder.mkdir()
    found = run_engines(
        bench.host,
        module=world.module,
        python=world.python,
        engines=(ToRun(path=workshop.path(ENGINE)),),
        folder=folder,
        through=building.through,
        watch=bench.watch,
    )
    if isinstance(found, str):
        return None, (f"it could not be run here, so nothing is timed: {found}",)
    return found[0], ()


def _no_gpu(world: World) -> str:
    if world.rtx:
        return (
            f"{world.name} finds no GPU ({world.no_gpu}); say what it builds for with --target-cc 8.9, "
            "and then it builds without one"
        )
    return (
        f"{world.name} builds on the GPU that the engine is for, and finds none ({world.no_gpu}); "
        "'trtdoctor check' says why"
    )


def _failed(failure: Failure, building: Building, world: World, workshop: Workshop) -> str:
    from trtdoctor.knowledge import Knowledge
    from trtdoctor.knowledge.decoding import decode

    knowledge = Knowledge.load()

    def meaning(text: str) -> tuple[str, str] | None:
        found = decode(text, knowledge)
        first = next((answer for answer in found.answers if not answer.partial), None)
        return None if first is None else (first.meaning, first.next_step)

    log = None
    made = workshop.path(LOG)
    if made.exists() and made.stat().st_size:
        engine = building.request.engine
        target = engine.with_name(f"{engine.name}.failed.log.gz")
        with suppress(OSError, InputError):
            _zip(made, workshop.path("failed.gz"))
            workshop.deliver("failed.gz", target)
            log = str(target)
    return refusal(
        failure,
        model=str(building.request.model),
        name=world.name,
        timeout=building.timeout,
        meaning=meaning,
        log=log,
    )
