"""The engine made in its workshop, by Python or by trtexec; how it ran there, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from trtdoctor.builder.make import ENGINE, LOG, Failure, make_engine
from trtdoctor.builder.measure import Run, ToRun, run_engines
from trtdoctor.builder.refusals import refusal
from trtdoctor.builder.trtexec import build_by_trtexec
from trtdoctor.builder.workshop import Workshop
from trtdoctor.builder.world import World
from trtdoctor.model.errors import InputError
from trtdoctor.readers.onnxmodel import OnnxFacts

from .bench import Bench, Building
from .build_record import zip_file


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


def made_engine(
    building: Building,
    bench: Bench,
    world: World,
    model: Path,
    settings: Mapping[str, Any],
    facts: OnnxFacts,
    workshop: Workshop,
) -> tuple[dict[str, Any], Run | None, tuple[str, ...]] | Failure:
    """The engine in the workshop, by Python or by trtexec, and how it ran."""
    if building.trtexec is None:
        told = make_engine(
            bench.host,
            world,
            model,
            settings,
            workshop,
            timeout=building.timeout,
            watch=bench.watch,
        )
        return (
            told if isinstance(told, Failure) else (told, *_run(building, bench, world, workshop))
        )
    io = tuple(
        tuple((value.name, value.type.name if value.type else "") for value in side)
        for side in (facts.inputs, facts.outputs)
    )
    found = build_by_trtexec(
        bench.host,
        world,
        model,
        building.request,
        settings,
        (io[0], io[1]),
        workshop,
        timeout=building.timeout,
        watch=bench.watch,
    )
    if isinstance(found, Failure):
        return found
    notes = () if building.request.profile else ("it was not run: --no-profile",)
    return (*found, notes)


def no_gpu(world: World) -> str:
    """Why there is nothing to build on, and what to do."""
    if world.rtx:
        return (
            f"{world.name} finds no GPU ({world.no_gpu}); say what it builds for with --target-cc 8.9, "
            "and then it builds without one"
        )
    return (
        f"{world.name} builds on the GPU that the engine is for, and finds none ({world.no_gpu}); "
        "'trtdoctor check' says why"
    )


def failed_build(failure: Failure, building: Building, world: World, workshop: Workshop) -> str:
    """Why there is no engine, in a sentence; its log is kept beside where the engine would be."""
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
            zip_file(made, workshop.path("failed.gz"))
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
