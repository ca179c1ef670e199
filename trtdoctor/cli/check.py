"""``trtdoctor check``: look at a machine and say whether TensorRT will work on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trtdoctor.model.engine import EngineReport
from trtdoctor.probes import PROBES

from .engine_options import Engines, engine_options, expected_share
from .errors import UserError
from .look import Look
from .options import (
    LookOptions,
    OutputOptions,
    look_options,
    output_options,
    selection_options,
    words,
)


@click.command("check")
@click.argument("engines", metavar="[ENGINE ...]", nargs=-1, type=click.Path(path_type=Path))
@engine_options
@look_options
@selection_options
@output_options
def command(
    engines: tuple[Path, ...],
    no_live: bool,
    no_static: bool,
    expect: str | None,
    **options: Any,
) -> int:
    """Look at this machine: will TensorRT work, is FP16 fast, what must change first?

    With engine files: will this machine run them?

    Installs nothing, changes nothing, opens no connection. Native code runs in child processes
    with a deadline, so that a broken library is a finding and not the end of the run.
    """
    chosen = {key: words(options.pop(key)) for key in ("select", "ignore")}
    output, looking = OutputOptions.take(options), LookOptions.take(options)
    wanted = expected_share(expect)
    if wanted is not None and not engines:
        raise UserError("--expect is about engines; give an engine file")
    given = Engines(engines, live=not no_live, static=not no_static)
    with Look(looking, (*PROBES, *given.probes())) as look:
        # The children are at work: what judging needs is imported meanwhile.
        from trtdoctor.checking.discover import discover
        from trtdoctor.checking.judge import exit_code
        from trtdoctor.knowledge import Knowledge
        from trtdoctor.reporting.examine import Selection, SelectionError, examine

        from .output import emit, fail_on

        catalogue, knowledge, selection = discover(), Knowledge.load(), Selection(**chosen)
        try:
            selection.ignored(catalogue)
        except SelectionError as error:
            raise UserError(str(error)) from None
        snapshot = look.finish(quiet=output.quiet)
    reports: tuple[EngineReport, ...] = ()
    if engines:
        snapshot, reports = given.finish(snapshot, wanted, knowledge)
    report = emit(
        lambda share: examine(
            snapshot,
            catalogue,
            knowledge,
            command="check",
            share=share,
            selection=selection,
            engines=reports,
        ),
        output,
    )
    return exit_code(report.outcomes, fail_on(output), catalogue.problems)
