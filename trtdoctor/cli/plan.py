"""``trtdoctor plan``: which nodes of a model stay in FP32, measured, and the converted model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trtdoctor.checking.judge import exit_code
from trtdoctor.model.errors import UsageError
from trtdoctor.run.planning import Planning, examine_plan, files_read

from .model_options import input_options, shape_of
from .options import OutputOptions, look_options, output_options, refuse_input, take_look
from .output import emit, fail_on
from .words import OneOf


@click.command("plan")
@click.argument("model", type=click.Path(path_type=Path))
@input_options
@click.option(
    "--budget",
    metavar="DB",
    default="40dB",
    show_default=True,
    help="The ratio of signal to noise that the outputs are to have.",
)
@click.option(
    "--check",
    metavar="CMD",
    help="Your own accuracy command: it gets a candidate's path in place of {} (or last) and ends "
    "with 0 if that will do.",
)
@click.option(
    "--check-timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=1),
    default=600,
    show_default=True,
    help="How long --check may take for one candidate.",
)
@click.option(
    "--to",
    type=OneOf(["fp16", "bf16"]),
    default="fp16",
    show_default=True,
    help="The type of all other nodes.",
)
@click.option(
    "--io",
    type=OneOf(["keep", "convert"]),
    default="keep",
    show_default=True,
    help="Network inputs and outputs: as they are, with Casts inside, or of the new type too.",
)
@click.option(
    "--autocast-log",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="What ModelOpt's AutoCast printed: what it keeps in FP32 is measured beside the plan.",
)
@click.option(
    "--autocast",
    metavar="PYTHON",
    help="An interpreter with NVIDIA ModelOpt: its AutoCast is run on the same data, and what it keeps "
    "is measured beside the plan.",
)
@click.option(
    "--log",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The verbose log of a build with FP16 allowed: its own times tell what FP16 saves where.",
)
@click.option(
    "--profile",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Times of an engine's layers (trtexec --exportProfile), where there is no log.",
)
@click.option(
    "--resume",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Keep what was measured in FILE, and go on from there where it is given again.",
)
@look_options
@output_options
def command(
    model: Path,
    inputs: str | None,
    shapes: tuple[str, ...],
    budget: str,
    check: str | None,
    check_timeout: float,
    to: str,
    io: str,
    autocast_log: Path | None,
    autocast: str | None,
    log: Path | None,
    profile: Path | None,
    resume: Path | None,
    backend: str | None,
    **options: Any,
) -> int:
    """Which nodes of an ONNX model have to stay in FP32, measured on this machine's CPU?

    Each node is rounded to FP16 alone, and what that does to the outputs is measured; the fewest
    that have to stay in FP32 are chosen, and the whole is verified end to end. Without --inputs it is
    run with one random sample, which tells little of the ranges of real data. -o MODEL.fp16.onnx
    writes the converted model, -o with .json, .md, .html or .txt the report. No GPU is needed. It may
    take ten minutes unless --deadline says otherwise; what was not measured by then is told.

    Exit codes: 0 the budget is met, 1 it is not.
    """
    targets = [Path(name) for name in options["output"] if Path(name).suffix.lower() == ".onnx"]
    if len(targets) > 1:
        raise UsageError("one converted model is written; give one -o with .onnx")
    options["output"] = tuple(
        name for name in options["output"] if Path(name).suffix.lower() != ".onnx"
    )
    read = (*files_read(model, inputs), *(each for each in (autocast_log, log, profile) if each))
    for target in targets:
        _refuse(target, *read)
    context = click.get_current_context()
    if context.get_parameter_source("deadline") is not click.core.ParameterSource.COMMANDLINE:
        # Running a model takes longer than looking at a machine.
        options["deadline"] = 600
    output = OutputOptions.take(options)
    look = take_look(options, output)
    output.keep(*read, look=look)
    if resume is not None:
        refuse_input(resume, *read)
    seen = examine_plan(
        model,
        planning=Planning(
            inputs=inputs,
            shapes=dict(map(shape_of, shapes)),
            budget=_decibels(budget),
            to=to,
            io="keep" if io == "keep" else to,
            check=check,
            check_timeout=check_timeout,
            backend=backend,
            autocast_log=autocast_log,
            autocast=autocast,
            log=log,
            profile=profile,
            resume=resume,
            target=targets[0] if targets else None,
        ),
        look=look,
    )
    report = emit(seen.report, output, record=look.record)
    return exit_code(report, fail_on(output))


def _refuse(target: Path, *read: Path) -> None:
    # Weights that do not fit into the model are written beside it.
    for path in (target, target.with_name(f"{target.name}.data")):
        refuse_input(path, *read)
    if target.is_dir():
        raise UsageError(f"cannot write {target}: it is a folder; name a file in it")
    if not target.absolute().parent.is_dir():
        raise UsageError(
            f"cannot write {target}: there is no folder {target.absolute().parent}; make it or choose "
            "another"
        )


def _decibels(text: str) -> float:
    number = text[:-2] if text.lower().endswith("db") else text
    try:
        value = float(number)
    except ValueError:
        value = float("nan")
    if not 0 < value < 400:
        raise UsageError(f"--budget takes decibels above 0, such as 40dB, not {text}")
    return value
