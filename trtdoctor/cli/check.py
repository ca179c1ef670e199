"""``trtdoctor check``: look at a machine and say whether TensorRT will work on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .errors import UserError
from .look import Look
from .options import OutputOptions, look_options, output_options, selection_options, words


@click.command("check")
@look_options
@selection_options
@output_options
def command(
    python: str | None,
    active: bool,
    deadline: float,
    record: Path | None,
    host: Path | None,
    **options: Any,
) -> int:
    """Look at this machine: will TensorRT work, is FP16 fast, what must change first?

    Installs nothing, changes nothing, opens no connection. Native code runs in child processes
    with a deadline, so that a broken library is a finding and not the end of the run.
    """
    chosen = {key: words(options.pop(key)) for key in ("select", "ignore")}
    output = OutputOptions.take(options)
    with Look(python=python, active=active, deadline=deadline, record=record, host=host) as look:
        # The children are at work: what judging needs is imported meanwhile.
        from trtdoctor.diagnosis.discover import discover
        from trtdoctor.diagnosis.examine import Selection, SelectionError, examine
        from trtdoctor.diagnosis.judge import exit_code
        from trtdoctor.knowledge import Knowledge

        from .output import emit, fail_on

        catalogue, knowledge, selection = discover(), Knowledge.load(), Selection(**chosen)
        try:
            selection.ignored(catalogue)
        except SelectionError as error:
            raise UserError(str(error)) from None
        snapshot = look.finish(quiet=output.quiet)
    report = emit(
        lambda share: examine(
            snapshot, catalogue, knowledge, command="check", share=share, selection=selection
        ),
        output,
    )
    return exit_code(report.outcomes, fail_on(output), catalogue.problems)
