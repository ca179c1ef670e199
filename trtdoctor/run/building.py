"""What ``trtdoctor build`` does: an engine, everything of its build recorded, and its explanation."""

from __future__ import annotations

import datetime
from contextlib import suppress
from dataclasses import replace
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from trtdoctor.builder.hashes import hash_file
from trtdoctor.builder.make import CACHE, ENGINE, LOG, Failure
from trtdoctor.builder.measure import Run
from trtdoctor.builder.request import BuildRequest
from trtdoctor.builder.settings import settings_of, typed
from trtdoctor.builder.workshop import Workshop
from trtdoctor.model.build import BuildRecord
from trtdoctor.model.codec import encode, write_atomically
from trtdoctor.model.engine import EngineReport
from trtdoctor.model.errors import InputError
from trtdoctor.reporting.look_session import Looking

from .bench import Bench, Building, world_of
from .build_made import failed_build, made_engine, no_gpu
from .build_record import (
    QUANTISING,
    also_asked,
    hashed,
    keep_cache,
    settings_told,
    shape_range,
    steering,
    what_is_said,
    zip_file,
)
from .examinations import Examination, examine_explained
from .lowering import Lowering, kept_model, lowered, read_model

if TYPE_CHECKING:
    pass


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
    try:
        return _built(building, bench, look)
    except OSError as error:
        what = error.filename or building.request.engine
        raise InputError(
            f"cannot build {building.request.engine}: {what}: {error.strerror or error}; free some space, "
            "or name a file that can be written"
        ) from None


def _built(building: Building, bench: Bench, look: Looking) -> Examination:
    from trtdoctor.engines.sidecar import SUFFIX, log_path, side_car_path

    request = building.request
    with Workshop(request.engine) as workshop:
        facts = read_model(request.model)
        building, world = world_of(building, bench)
        if world.no_gpu is not None and not (world.rtx and request.targets):
            raise InputError(no_gpu(world))
        strong = typed(request, world)
        quantised = any(node.op in QUANTISING for node in facts.nodes)
        settings = settings_of(request, world, strong=strong, quantised=quantised)
        model, converted = request.model, Lowering()
        if strong:
            converted = lowered(building, facts, look, workshop)
            model = converted.model or model
        started = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        cache = hashed(request.timing_cache)
        made = made_engine(building, bench, world, model, settings, facts, workshop)
        if isinstance(made, Failure):
            raise InputError(failed_build(made, building, world, workshop))
        told, run, notes = made
        target, log = request.engine, log_path(request.engine)
        zip_file(workshop.path(LOG), workshop.path("log.gz"))
        if converted.model is not None:
            converted = replace(converted, model=kept_model(converted.model, target))
            model = converted.model or model
        side_car = side_car_path(target)
        with suppress(FileNotFoundError):
            # What it tells is of the engine that is replaced now.
            side_car.unlink()
        workshop.deliver("log.gz", log)
        # Where a link points, not over the link.
        workshop.deliver(ENGINE, workshop.engine)
        if request.timing_cache is not None and workshop.path(CACHE).exists():
            keep_cache(workshop.path(CACHE), request.timing_cache)
        record = BuildRecord(
            model=hash_file(model, str(model.absolute())),
            given=None
            if converted.model is None
            else hash_file(request.model, str(request.model.absolute())),
            engine=hash_file(target, target.name),
            product=world.product,
            version=world.version,
            through="trtexec" if building.trtexec else "python",
            program=world.python,
            command=(*request.words(), *also_asked(building, bench)),
            precision=request.precision,
            converted_by=converted.by,
            kept=converted.kept,
            flags=tuple(told["flags"]),
            settings=settings_told(told["settings"], request),
            shapes={name: shape_range(shape) for name, shape in told["shapes"].items()},
            io=told["io"],
            pins=told["pins"],
            environment=steering(),
            timing_cache=cache,
            targets=request.targets,
            started=started,
            took_s=round(told["took_s"], 3),
            log=hash_file(log, log.name),
            notes=(*what_is_said(request, world, strong, facts, converted), *notes),
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
    """The engine as ``explain`` sees it, with all that its build left and that can be read."""
    from trtdoctor.engines.sidecar import log_path

    record = first.build
    assert record is not None
    log = log_path(Path(first.path))

    def explained(logs: tuple[Path, ...], told: EngineReport, layers: Path | None) -> Examination:
        return examine_explained(
            Path(first.path),
            logs=logs,
            build=None,
            onnx=record.model.path,
            layers=layers,
            profile=run.profile if run and layers else None,
            times=None,
            autocast_log=None,
            look=look,
            expect=None,
            # What loading it told, it told when it was run.
            live=False,
            static=True,
            built=told,
            hosted=hosted,
        )

    layers = run.layers if run else None
    try:
        return explained((log,), first, layers)
    except InputError as error:
        # The engine is there and works: that one of its witnesses cannot be read must not cost it.
        notes = (*record.notes, f"not all that the build left could be read: {error}")
        told = msgspec.structs.replace(first, build=msgspec.structs.replace(record, notes=notes))
        return explained((), told, None)
