"""``trtdoctor build``: an engine from a model, with everything recorded that explaining it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trtdoctor.builder.request import PRECISIONS, BuildRequest, targets_of
from trtdoctor.checking.judge import exit_code
from trtdoctor.run.bench import Building
from trtdoctor.run.building import examine_built, files_written
from trtdoctor.run.planning import files_read

from .build_options import build_options, taken_build
from .options import OutputOptions, look_options, output_options, refuse_input, take_look
from .output import emit, fail_on
from .words import OneOf


@click.command("build")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("engine", type=click.Path(path_type=Path))
@click.option(
    "--precision",
    type=OneOf(list(PRECISIONS)),
    default="fp16",
    show_default=True,
    help="What the builder may choose. Where the model's types decide (TensorRT 11, TensorRT-RTX), "
    "fp16 and bf16 convert the model first.",
)
@click.option("--no-tf32", is_flag=True, help="No TF32 kernels in FP32 layers.")
@click.option(
    "--strongly-typed",
    is_flag=True,
    help="Let the model's types decide in TensorRT 9 and 10 too.",
)
@build_options
@click.option(
    "--target-cc",
    metavar="8.9,12.0",
    help="Compute capabilities that TensorRT-RTX builds for; it needs no GPU then.",
)
@click.option(
    "--convert",
    type=OneOf(["plan", "autocast", "none"]),
    default="plan",
    show_default=True,
    help="Who lowers the model's types where they decide: trtdoctor plan, NVIDIA's AutoCast, nobody.",
)
@click.option("--autocast", metavar="PYTHON", help="An interpreter that has NVIDIA ModelOpt.")
@click.option("--no-profile", is_flag=True, help="Do not run and time the engine.")
@click.option(
    "--trtexec",
    metavar="PATH",
    help="Build with this trtexec, where no Python has TensorRT.",
)
@click.option(
    "--inputs",
    metavar="DATA",
    help="What a conversion is measured with: a .npz file, a folder of them, or random:N.",
)
@look_options
@output_options
def command(
    model: Path,
    engine: Path,
    precision: str,
    no_tf32: bool,
    strongly_typed: bool,
    target_cc: str | None,
    convert: str,
    autocast: str | None,
    no_profile: bool,
    trtexec: str | None,
    inputs: str | None,
    **options: Any,
) -> int:
    """Build an engine, and record everything that explaining it needs.

    Beside ENGINE come ENGINE.trtdoctor.json, a report with how it was built, its layers, their times
    and why each is not FP16, and ENGINE.build.log.gz, the builder's verbose log. check, inspect,
    explain and compare find them by themselves. The engine is run and timed where there is a GPU.
    Nothing is left half written, whatever ends the build.
    """
    wanted = taken_build(options)
    request = BuildRequest(
        model=model,
        engine=engine,
        precision=precision,
        tf32=not no_tf32,
        strongly_typed=strongly_typed,
        targets=() if target_cc is None else targets_of(target_cc),
        convert=convert,
        profile=not no_profile,
        **wanted.request,
    )
    read = files_read(model, inputs)
    for written in files_written(request):
        refuse_input(written, *read)
    output = OutputOptions.take(options)
    look = take_look(options, output)
    output.keep(*read, *files_written(request), look=look)
    seen = examine_built(
        Building(
            request=request,
            runtime=wanted.runtime,
            timeout=wanted.timeout,
            inputs=inputs,
            autocast=autocast,
            through=wanted.through,
            trtexec=trtexec,
        ),
        look,
    )
    report = emit(seen.report, output, record=look.record)
    return exit_code(report, fail_on(output))
