"""What a build can be asked for, whichever command asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from trtdoctor.builder.request import LEVELS, bytes_of, io_of, level_of, pins_of, shapes_of
from trtdoctor.model.errors import UsageError

from .options import F
from .words import OneOf


def build_options(function: F) -> F:
    """What a build can be asked for, whichever command asks."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--shapes",
        "opt_shapes",
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
        type=OneOf(["none", "prefer", "obey"]),
        help="How strictly types of nodes are followed; by default prefer where a node is pinned.",
    ),
    click.option(
        "--hardware-compatible",
        type=OneOf(list(LEVELS)),
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
        type=OneOf(["tensorrt", "rtx"]),
        help="Which product builds; by default the first that --python has.",
    ),
    click.option(
        "--cuda",
        type=OneOf(["cuda-bindings", "pycuda", "ctypes"]),
        help="What calls CUDA to time engines; by default the first of these that is there.",
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


class TakenBuild:
    """The options of a build: those of its request by their names there, and the others."""

    def __init__(
        self, request: dict[str, Any], runtime: str | None, timeout: float, through: str | None
    ) -> None:
        self.request, self.runtime, self.timeout, self.through = request, runtime, timeout, through


def taken_build(options: dict[str, Any]) -> TakenBuild:
    """Take a build's options out of a command's keyword arguments.

    Raises:
        UsageError: one of them is not understood.
    """
    shapes = shapes_of(
        options.pop("opt_shapes"), options.pop("min_shapes"), options.pop("max_shapes")
    )
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
    return TakenBuild(request, options.pop("runtime"), options.pop("timeout"), options.pop("cuda"))
