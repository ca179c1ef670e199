"""``trtdoctor inspect``: what is in an engine file, and which precision each layer got."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from trtdoctor.model.codec import write_all_atomically
from trtdoctor.model.report import Report

from .engine_options import Engines, engine_options, expected_share
from .errors import UserError
from .look import Look
from .options import LookOptions, OutputOptions, look_options, output_options


@click.command("inspect")
@click.argument("engines", metavar="[ENGINE ...]", nargs=-1, type=click.Path(path_type=Path))
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
    help="Times of the layers: trtexec --exportProfile, or a JSON object of names and milliseconds.",
)
@click.option("--all", "all_layers", is_flag=True, help="Show every layer.")
@click.option("--hash", "hashed", is_flag=True, help="Also compute the SHA-256 of each file.")
@click.option(
    "--extract",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the bare plan out of the file that wraps it.",
)
@engine_options
@look_options
@output_options
def command(
    engines: tuple[Path, ...],
    layers: Path | None,
    profile: Path | None,
    all_layers: bool,
    hashed: bool,
    extract: Path | None,
    no_live: bool,
    no_static: bool,
    expect: str | None,
    **options: Any,
) -> int:
    """What is in engine files: identity (no TensorRT and no GPU needed), layers, precisions.

    Where the TensorRT of --python fits an engine, it is loaded in a child process for the layers;
    host code inside a plan is never allowed to run. Otherwise layers come from the plan's bytes.
    """
    output, looking = OutputOptions.take(options), LookOptions.take(options)
    if not engines and layers is None:
        raise UserError("give an engine file, or --layers with the inspector's output")
    wanted = expected_share(expect)
    given = Engines(
        engines,
        live=not no_live,
        static=not no_static,
        hashed=hashed,
        layers=layers,
        profile=profile,
    )
    if extract is not None:
        _extract(given, extract)
    with Look(looking, given.probes()) as look:
        from trtdoctor.checking.discover import discover
        from trtdoctor.checking.judge import exit_code
        from trtdoctor.knowledge import Knowledge
        from trtdoctor.reporting.examine import ENGINE_AREAS, Selection, examine

        from .output import emit, fail_on

        catalogue, knowledge = discover().only(*ENGINE_AREAS), Knowledge.load()
        snapshot = look.finish(quiet=output.quiet)
    snapshot, reports = given.finish(snapshot, wanted, knowledge)

    def make(share: bool) -> Report:
        return examine(
            snapshot,
            catalogue,
            knowledge,
            command="inspect",
            share=share,
            selection=Selection(),
            engines=reports,
        )

    report = emit(make, output, all_layers=all_layers)
    return given.complain() or exit_code(report.outcomes, fail_on(output), catalogue.problems)


def _extract(given: Engines, target: Path) -> None:
    from trtdoctor.readers.plan import extract

    if len(given.sources) != 1 or given.sources[0].file is None:
        raise UserError("--extract takes one engine file")
    source, file = given.sources[0].path, given.sources[0].file
    if file.plan is None:
        raise UserError(f"{source}: {file.what} There is no plan in it to extract.")
    try:
        if target.exists() and target.samefile(source):
            raise UserError(
                f"--extract {target} would overwrite the file itself; name another file"
            )
        write_all_atomically(target, extract(source, file.plan))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot extract the plan of {source} to {target}: {reason}") from None
    print(f"trtdoctor: wrote the bare plan to {target}", file=sys.stderr)
