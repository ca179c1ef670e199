"""``trtdoctor check``: look at a machine and say whether TensorRT will work on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trtdoctor.checking.judge import exit_code
from trtdoctor.run.examinations import examine_machine

from .engine_options import engine_options, expected_share
from .given import GivenFile, told
from .options import (
    OutputOptions,
    look_options,
    output_options,
    selection_options,
    take_look,
    words,
)
from .output import emit, fail_on
from .streams import complain


@click.command("check")
@click.argument(
    "engines",
    metavar="[ENGINE | FOLDER | MODEL.onnx ...]",
    nargs=-1,
    type=GivenFile(),
)
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

    With engine files, or folders in which ONNX Runtime keeps engines: will this machine run them? With
    ONNX models: what `trtdoctor audit` finds
    in them for the TensorRT that is installed.

    Installs nothing, changes nothing, opens no connection. Native code runs in child processes
    with a deadline, so that a broken library is a finding and not the end of the run.
    """
    chosen = {key: words(options.pop(key)) for key in ("select", "ignore")}
    output = OutputOptions.take(options)
    look = take_look(options, output)
    output.keep(*engines, look=look)
    seen = examine_machine(
        *engines,
        look=look,
        expect=expected_share(expect),
        live=not no_live,
        static=not no_static,
        **chosen,
    )
    for note in seen.notes:
        complain(f"trtdoctor: {note}")
    report = emit(told(seen).report, output, record=look.record)
    return exit_code(report, fail_on(output))
