"""Options of commands that run models."""

from __future__ import annotations

import click

from trtdoctor.model.errors import UsageError

from .options import F
from .words import OneOf


def input_options(function: F) -> F:
    """What a model is run with, and by what."""
    for option in reversed(
        (
            click.option(
                "--inputs",
                metavar="DATA",
                help="What the model is run with: a .npz file (an array for each input, one sample or "
                "many), the .json of Polygraphy's --save-inputs, a folder of such files, or random:N.",
            ),
            click.option(
                "--shape",
                "shapes",
                metavar="NAME=1x3x224x224",
                multiple=True,
                help="The shape of an input whose extents the model leaves open. Repeatable.",
            ),
            click.option(
                "--backend",
                type=OneOf(["onnxruntime", "onnx"]),
                help="What runs the model; by default onnxruntime where it is installed, else onnx's "
                "own slow reference.",
            ),
        )
    ):
        function = option(function)
    return function


def shape_of(text: str) -> tuple[str, tuple[int, ...]]:
    """A value of ``--shape`` as a name and extents.

    Raises:
        UsageError: it is none.
    """
    name, found, extents = text.rpartition("=")
    parts = extents.lower().split("x") if extents else []
    if not found or not name or any(not (p.isascii() and p.isdigit()) for p in parts):
        raise UsageError(f"--shape takes NAME=1x3x224x224, not {text}")
    return name, tuple(map(int, parts))
