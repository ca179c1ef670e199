"""The command that converts an ONNX model to FP16 with AutoCast of NVIDIA ModelOpt."""

from __future__ import annotations

import re
from functools import lru_cache

from .commands import Commands
from .quoting import join, renamed

# More names than this make no command that anybody would read.
MOST_NODES = 50


def autocast(
    commands: Commands, *, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()
) -> tuple[str, str]:
    """The command and the path of the model that it writes.

    Args:
        commands: for the user's model and ModelOpt.
        include: names of nodes to convert whatever AutoCast's rules say.
        exclude: names of nodes that stay FP32, beside those of the model that FP16 would break.
    """
    fragile = commands.context.fragile or ()
    kinds: tuple[str, ...] = ()
    if len(exclude) + len(fragile) <= MOST_NODES:
        exclude = tuple(dict.fromkeys((*exclude, *(name for name, _ in fragile))))
    else:
        # Whole kinds take more with them than need be, which costs time and no accuracy.
        kinds = _kinds(fragile)
    target = renamed(commands.model, ".fp16.onnx")
    words = ["python", "-m", "modelopt.onnx.autocast", "--onnx_path", commands.model]
    words += ["--output_path", target, "--low_precision_type", "fp16"]
    for option, nodes in (("--nodes_to_include", include), ("--nodes_to_exclude", exclude)):
        if 0 < len(nodes) <= MOST_NODES and option in commands.tools.autocast:
            words += [option, *map(_pattern, nodes)]
    if kinds and "--op_types_to_exclude" in commands.tools.autocast:
        words += ["--op_types_to_exclude", *kinds]
    return join(tuple(words)), target


# Asked of the same nodes for every layer of a model.
@lru_cache(maxsize=4)
def _kinds(fragile: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(op for _, op in fragile))


def _pattern(name: str) -> str:
    """A regular expression for one node: AutoCast matches from the start of names."""
    return re.escape(name) + "$"
