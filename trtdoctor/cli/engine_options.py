"""The options of commands that take engines, and the share that ``--expect`` names."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import click

from trtdoctor.model.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])
_DEFAULT_SHARE = 0.5


def engine_options(function: F) -> F:
    """Options of commands that take engines."""
    for option in reversed(
        (
            click.option(
                "--no-live",
                is_flag=True,
                help="Do not load the engines with the TensorRT of --python.",
            ),
            click.option(
                "--no-static",
                is_flag=True,
                help="Do not read layers from the plan's own bytes.",
            ),
            click.option(
                "--expect",
                metavar="fp16[:SHARE]",
                help="Fail unless at least SHARE (0 to 1, default 0.5) of the compute layers are FP16.",
            ),
        )
    ):
        function = option(function)
    return function


def expected_share(text: str | None) -> float | None:
    """The share that ``--expect`` names; None without it.

    Raises:
        UsageError: if it is not ``fp16`` or ``fp16:SHARE``.
    """
    if text is None:
        return None
    precision, colon, number = text.partition(":")
    try:
        share = float(number) if colon else _DEFAULT_SHARE
    except ValueError:
        share = math.nan
    if precision.lower() != "fp16" or not 0 < share <= 1:
        raise UsageError(
            f"--expect {text} is not understood; write fp16, or fp16:SHARE with SHARE above 0 up to 1"
        )
    return share
