"""``trtdoctor explain``: for each layer that is not FP16, why, proven, with its cost and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trtdoctor.model.report import Report

from .engine_options import Engines, engine_options, expected_share
from .errors import UserError
from .look import Look
from .options import LookOptions, OutputOptions, look_options, output_options


@click.command("explain")
@click.argument("engine", required=False, type=click.Path(path_type=Path))
@click.option(
    "--log",
    "logs",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="The verbose log of the engine's build, plain or gzip. Repeated: logs of other builds of "
    "the same model, to see what flips between them.",
)
@click.option("--build", metavar="N", type=int, help="Which build of a log that holds several.")
@click.option(
    "--onnx",
    metavar="MODEL",
    type=click.Path(path_type=Path),
    help="The ONNX model that the engine was built from.",
)
@click.option(
    "--layers",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Layers from the engine inspector, trtexec or a verbose build log, made anywhere.",
)
@click.option(
    "--profile",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Times of the layers, as trtexec --exportProfile writes them.",
)
@engine_options
@look_options
@output_options
def command(
    engine: Path | None,
    logs: tuple[Path, ...],
    build: int | None,
    onnx: Path | None,
    layers: Path | None,
    profile: Path | None,
    no_live: bool,
    no_static: bool,
    expect: str | None,
    **options: Any,
) -> int:
    """Why is a layer not FP16, what does it cost, and what to change?

    Any of the engine, its layers, its build log, its model and its profile will do; more evidence
    gives better answers, and what is missing is named with the command that makes it.
    """
    output, looking = OutputOptions.take(options), LookOptions.take(options)
    if engine is None and layers is None and not logs:
        raise UserError("give an engine, or --log with its build log, or --layers")
    if build is not None and not logs:
        raise UserError("--build picks a build of a log; give the log with --log")
    wanted = expected_share(expect)
    given = Engines(
        () if engine is None else (engine,),
        live=not no_live,
        static=not no_static,
        layers=layers,
        profile=profile,
    )
    file = given.sources[0].file if engine is not None else None
    if file is not None and file.engine is None:
        raise UserError(
            f"{engine}: {file.what} ENGINE is a plan file; "
            "logs are given with --log, layers with --layers and models with --onnx"
        )
    with Look(looking, given.probes()) as look:
        from trtdoctor.checking.discover import discover
        from trtdoctor.checking.judge import exit_code
        from trtdoctor.knowledge import Knowledge
        from trtdoctor.reporting.examine import ENGINE_AREAS, Selection, examine

        from .output import emit, fail_on
        from .witnesses import explain_engine, read_witnesses

        catalogue, knowledge = discover().only(*ENGINE_AREAS), Knowledge.load()
        witnesses = read_witnesses(logs, build=build, onnx=onnx)
        snapshot = look.finish(quiet=output.quiet)
    snapshot, reports = given.finish(snapshot, wanted, knowledge)
    snapshot, explained = explain_engine(
        snapshot, reports[0] if reports else None, witnesses, knowledge, wanted=wanted
    )

    def make(share: bool) -> Report:
        return examine(
            snapshot,
            catalogue,
            knowledge,
            command="explain",
            share=share,
            selection=Selection(),
            engines=(explained,),
        )

    report = emit(make, output)
    return exit_code(report.outcomes, fail_on(output), catalogue.problems)
