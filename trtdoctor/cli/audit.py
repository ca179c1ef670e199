"""``trtdoctor audit``: what an ONNX model tells of FP16 before any build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trtdoctor.checking.judge import exit_code
from trtdoctor.run.auditing import Auditing, examine_models
from trtdoctor.run.planning import files_read

from .engine_options import expected_share
from .given import GivenFile, told
from .model_options import input_options, shape_of
from .options import OutputOptions, look_options, output_options, take_look
from .output import emit, fail_on


@click.command("audit")
@click.argument("models", nargs=-1, required=True, type=GivenFile(".onnx"))
@click.option(
    "--tensorrt",
    metavar="VERSION",
    help="The release that it is to be built with, such as 10.9, 11.4 or rtx-1.7. Without it: what is "
    "installed for --python, else both worlds.",
)
@input_options
@click.option("--no-weights", is_flag=True, help="Do not read the numbers that the model stores.")
@click.option(
    "--autocast-log",
    metavar="FILE",
    type=GivenFile(),
    help="What ModelOpt's AutoCast printed when it made the model: which rule kept which node.",
)
@click.option(
    "--expect",
    metavar="fp16:SHARE",
    help="Exit with 1 unless at least this share of compute nodes is FP16, such as fp16:0.9.",
)
@look_options
@output_options
def command(
    models: tuple[Path, ...],
    tensorrt: str | None,
    inputs: str | None,
    shapes: tuple[str, ...],
    backend: str | None,
    no_weights: bool,
    autocast_log: Path | None,
    expect: str | None,
    **options: Any,
) -> int:
    """What of an ONNX model will be FP16, what breaks there, and what is refused, before any build?

    Told from the model's own types, shapes and stored numbers; with --inputs also from its values
    over all samples. Where TensorRT decides by itself (up to 10), what may become FP16 is told.
    """
    output = OutputOptions.take(options)
    look = take_look(options, output)
    read = [path for model in models for path in files_read(model, inputs)]
    output.keep(*read, autocast_log, look=look)
    seen = examine_models(
        *models,
        auditing=Auditing(
            inputs=inputs,
            shapes=dict(map(shape_of, shapes)),
            tensorrt=tensorrt,
            weights=not no_weights,
            backend=backend,
            autocast_log=autocast_log,
            expect=expected_share(expect),
        ),
        look=look,
    )
    report = emit(told(seen).report, output, record=look.record)
    return exit_code(report, fail_on(output))
