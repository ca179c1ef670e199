"""``trtdoctor build``: an engine from a model, with everything recorded that explaining it needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from trtdoctor.builder.request import (
    LEVELS,
    PRECISIONS,
    BuildRequest,
    bytes_of,
    io_of,
    level_of,
    pins_of,
    shapes_of,
    targets_of,
)
from trtdoctor.checking.judge import exit_code
from trtdoctor.model.errors import UsageError
from trtdoctor.run.building import Building, examine_built, files_written
from trtdoctor.run.planning import files_read

from .options import F, OutputOptions, look_options, output_options, refuse_input, take_look
from .output import emit, fail_on


def build_options(function: F) -> F:
    """What a build can be asked for, whichever command asks."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--shapes",
        metavar="NAME=1x3x224x224",
        multiple=True,
        help="What an input with open extents is optimised for. Repeatable; commas part several.",
    ),
    click.option(
        "--min-shapes",
        metavar="NAME=1x3x224x224",
        multiple=True,
        help="The least extents of an input; without it what --shapes says.",
    ),
    click.option(
        "--max-shapes",
        metavar="NAME=8x3x224x224",
        multiple=True,
        help="The most extents of an input; without it what --shapes says.",
    ),
    click.option(
        "--io",
        metavar="fp16|NAME=fp16:hwc8",
        multiple=True,
        help="The type of all FP32 network inputs and outputs, or type and layout of one. Repeatable.",
    ),
    click.option(
        "--pin",
        "pins",
        metavar="NODE=fp32",
        multiple=True,
        help="Keep a node in a type where the builder chooses; * in NODE stands for any characters. "
        "Repeatable.",
    ),
    click.option(
        "--constraints",
        type=click.Choice(["none", "prefer", "obey"]),
        help="How strictly types of nodes are followed; by default prefer where a node is pinned.",
    ),
    click.option(
        "--hardware-compatible",
        type=click.Choice(list(LEVELS)),
        help="Let the engine run on other GPUs too, which costs speed.",
    ),
    click.option(
        "--version-compatible",
        is_flag=True,
        help="Let later releases of TensorRT load the engine.",
    ),
    click.option(
        "--workspace", metavar="SIZE", help="Scratch memory that a kernel may have, such as 4G."
    ),
    click.option(
        "--timing-cache",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Kernel timings that are reused, and kept for the next build.",
    ),
    click.option(
        "--avg-timing",
        metavar="N",
        type=click.IntRange(1, 1000),
        help="How many timings of each kernel the builder averages.",
    ),
    click.option(
        "--tactic-sources",
        metavar="SOURCES",
        help="As trtexec takes them: -CUBLAS,+JIT_CONVOLUTIONS, or a list that replaces the default.",
    ),
    click.option(
        "--optimization-level",
        metavar="0..5",
        type=click.IntRange(0, 5),
        help="How much the builder tries.",
    ),
    click.option(
        "--runtime",
        type=click.Choice(["tensorrt", "rtx"]),
        help="Which product builds; by default the first that --python has.",
    ),
    click.option(
        "--inputs",
        metavar="DATA",
        help="What a conversion is measured with: a .npz file, a folder of them, or random:N.",
    ),
    click.option(
        "--timeout",
        metavar="SECONDS",
        type=click.FloatRange(min=1, max=86400),
        default=3600,
        show_default=True,
        help="How long the builder may take.",
    ),
)


@click.command("build")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("engine", type=click.Path(path_type=Path))
@click.option(
    "--precision",
    type=click.Choice(list(PRECISIONS)),
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
    type=click.Choice(["plan", "autocast", "none"]),
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
    "--cuda",
    type=click.Choice(["cuda-bindings", "pycuda", "ctypes"]),
    help="What calls CUDA to time the engine; by default the first of these that is there.",
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
    cuda: str | None,
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
    read = files_read(model, wanted.inputs)
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
            inputs=wanted.inputs,
            autocast=autocast,
            through=cuda,
            trtexec=trtexec,
        ),
        look,
    )
    report = emit(seen.report, output, record=look.record)
    return exit_code(report, fail_on(output))


class TakenBuild:
    """The options of a build: those of its request by their names there, and the others."""

    def __init__(
        self, request: dict[str, Any], runtime: str | None, inputs: str | None, timeout: float
    ) -> None:
        self.request, self.runtime, self.inputs, self.timeout = request, runtime, inputs, timeout


def taken_build(options: dict[str, Any]) -> TakenBuild:
    """Take a build's options out of a command's keyword arguments.

    Raises:
        UsageError: one of them is not understood.
    """
    shapes = shapes_of(options.pop("shapes"), options.pop("min_shapes"), options.pop("max_shapes"))
    everything, io = io_of(options.pop("io"))
    workspace, level = options.pop("workspace"), options.pop("hardware_compatible")
    sources = options.pop("tactic_sources")
    pins, constraints = pins_of(options.pop("pins")), options.pop("constraints")
    if constraints in ("prefer", "obey") and not pins:
        raise UsageError(f"--constraints {constraints} is about nodes that --pin names; give some")
    request = {
        "shapes": shapes,
        "io": io,
        "io_all": everything,
        "pins": pins,
        "constraints": constraints,
        "hardware_compatible": None if level is None else level_of(level),
        "version_compatible": options.pop("version_compatible"),
        "workspace": None if workspace is None else bytes_of(workspace),
        "timing_cache": options.pop("timing_cache"),
        "avg_timing": options.pop("avg_timing"),
        "tactic_sources": None
        if sources is None
        else tuple(word.strip() for word in sources.split(",") if word.strip()),
        "optimization_level": options.pop("optimization_level"),
    }
    return TakenBuild(
        request, options.pop("runtime"), options.pop("inputs"), options.pop("timeout")
    )
