"""``trtdoctor compare``: is one engine worth it in place of another?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trtdoctor.builder.request import BuildRequest, targets_of
from trtdoctor.checking.judge import exit_code
from trtdoctor.model.errors import UsageError
from trtdoctor.run.arms import Arms, examine_arms
from trtdoctor.run.comparing import Comparing, Side, examine_compared
from trtdoctor.run.planning import files_read, inputs_read
from trtdoctor.run.running import engine_runner, engine_timer

from .build_options import build_options, taken_build
from .given import GivenFile
from .given import told as told_of
from .model_options import input_options, shape_of
from .options import F, OutputOptions, look_options, output_options, take_look
from .output import emit, fail_on

_BESIDE = (
    ("layers", "Layers of {} from the engine inspector, trtexec or a verbose build log."),
    ("profile", "Times of the layers of {}, as trtexec --exportProfile writes them."),
    ("times", "Times of whole inferences of {}, as trtexec --exportTimes writes them."),
    ("outputs", "What {} gave: a .npz file, or what polygraphy --save-outputs wrote."),
)


def _beside_options(function: F) -> F:
    """For each engine what belongs beside it."""
    for name, told in reversed(_BESIDE):
        for side in ("b", "a"):
            option = click.option(
                f"--{name}-{side}",
                metavar="FILE",
                type=GivenFile(),
                help=told.format(side.upper()),
            )
            function = option(function)
    return function


@click.command("compare")
@click.argument("a", required=False, type=GivenFile())
@click.argument("b", required=False, type=GivenFile())
@_beside_options
@click.option(
    "--onnx",
    metavar="MODEL",
    type=click.Path(path_type=Path),
    help="The ONNX model that both were built from; it is run on the CPU for a reference.",
)
@input_options
@click.option(
    "--budget",
    metavar="DB",
    type=float,
    default=40.0,
    show_default=True,
    help="The ratio of signal to noise that outputs have to keep, in dB.",
)
@build_options
@click.option(
    "--target-cc",
    metavar="8.9,12.0",
    help="Compute capabilities that TensorRT-RTX builds the three engines for, without a GPU.",
)
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the three engines in DIR.",
)
@click.option("--no-live", is_flag=True, help="Do not load the engines with --python's TensorRT.")
@click.option("--no-static", is_flag=True, help="Do not read layers from the plans' own bytes.")
@look_options
@output_options
def command(
    a: Path | None,
    b: Path | None,
    onnx: Path | None,
    inputs: str | None,
    shapes: tuple[str, ...],
    backend: str | None,
    budget: float,
    target_cc: str | None,
    keep: Path | None,
    no_live: bool,
    no_static: bool,
    **options: Any,
) -> int:
    """Is engine B worth it in place of engine A: how precise, how fast, how near are its outputs?

    Each may be an engine, its layers alone or a report that was saved of it. Layers that do the same
    work are put side by side however each build fused them. What is not known is said, with the
    command that tells.

    With --onnx MODEL alone, three engines are built and compared: FP32 without TF32, FP32 with it,
    and FP16; --shapes and the options after it are for these builds.
    """
    output = OutputOptions.take(options)
    look = take_look(options, output)
    beside = {
        side: {name: options.pop(f"{name}_{side}") for name, _ in _BESIDE} for side in ("a", "b")
    }
    wanted = taken_build(options)
    if a is None and b is None and onnx is not None:
        output.keep(*files_read(onnx, inputs), look=look)
        arms = Arms(
            request=BuildRequest(
                model=onnx,
                engine=onnx.with_name(f"{onnx.stem}.engine"),
                targets=() if target_cc is None else targets_of(target_cc),
                **wanted.request,
            ),
            runtime=wanted.runtime,
            timeout=wanted.timeout,
            inputs=inputs,
            backend=backend,
            budget=budget,
            keep=keep,
            through=wanted.through,
        )
        report = emit(examine_arms(arms, look).report, output, record=look.record)
        return exit_code(report, fail_on(output))
    if a is None or b is None:
        raise UsageError(
            "give two engines: trtdoctor compare A B, where B is to replace A; each may be a plan, the "
            "inspector's output or a saved report.json"
        )
    files = [path for each in beside.values() for path in each.values()]
    read = inputs_read(inputs) if onnx is None else files_read(onnx, inputs)
    output.keep(a, b, *files, *read, look=look)
    seen = examine_compared(
        Side(file=a, **beside["a"]),
        Side(file=b, **beside["b"]),
        comparing=Comparing(
            onnx=onnx,
            inputs=inputs,
            shapes=dict(map(shape_of, shapes)),
            backend=backend,
            budget=budget,
            run=engine_runner(look, wanted.runtime, wanted.through),
            time=None if no_live else engine_timer(look, wanted.runtime, wanted.through),
        ),
        look=look,
        live=not no_live,
        static=not no_static,
    )
    report = emit(told_of(seen).report, output, record=look.record)
    return exit_code(report, fail_on(output))
