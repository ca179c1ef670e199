"""Converts a whole model: what is decided, rewritten and told."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ...model.conversion_plan import Conversion
from ...readers.errors import naming
from ...readers.onnxmodel import FormatError, OnnxFacts, OnnxNode, TensorType
from .decide import SUBGRAPHS
from .decider import Decider
from .in_memory import facts_of, main_nodes, stored_floats
from .load import load_model
from .operands import Schemas
from .rewrite import Rewriter


@dataclass(frozen=True)
class Converted:
    """A converted model, a ``ModelProto``, and what was done to it."""

    model: Any
    conversion: Conversion


def convert(
    given: Path | Any,
    *,
    keep: Collection[str] = (),
    to: TensorType = TensorType.FLOAT16,
    keep_io: bool = False,
) -> Converted:
    """A model with all nodes that can be in a 16-bit type, but those to keep.

    Args:
        given: A file, or a ``ModelProto`` without local functions, which is not changed.
        keep: Labels of nodes that stay in FP32.
        to: FLOAT16 or BFLOAT16.
        keep_io: Whether network inputs and outputs stay as they are, with Casts inside.

    Raises:
        InputError: external data are missing or lie outside the model's folder, or ONNX refuses it.
        FormatError: the file is no ONNX model, or a damaged one.
        OSError: it cannot be read.
    """
    if not isinstance(given, Path):
        return _convert(given, keep, to, keep_io=keep_io)
    original = load_model(given)
    with naming(str(given)):
        try:
            return _convert(original, keep, to, keep_io=keep_io)
        except FormatError:
            raise
        except (AttributeError, LookupError, StopIteration, TypeError, ValueError) as error:
            # What breaks the rules of ONNX can break anything: onnx says which rule it was.
            complaint = _complaint(original)
            if complaint is None:
                raise
            raise FormatError(
                f"This is not a valid ONNX model: {complaint} Export it again."
            ) from error


def _complaint(model: Any) -> str | None:
    """Which rule of ONNX's a model breaks, in one line; None where none is known."""
    checker = import_module("onnx.checker")
    try:
        checker.check_model(model)
    except (checker.ValidationError, ValueError) as error:
        return " ".join(str(error).split())[:300]
    return None


def _convert(original: Any, keep: Collection[str], to: TensorType, *, keep_io: bool) -> Converted:
    facts = facts_of(original)
    nodes = main_nodes(original, facts)
    schemas = Schemas(import_module("onnx"), facts.opsets, to)
    arrays = stored_floats(original)
    decider = Decider(facts, nodes, schemas, arrays, to=to, keep_io=keep_io)
    decision = decider.decide(keep)
    rewriter = Rewriter(original, facts, nodes, decision, schemas, arrays, to, keep_io=keep_io)
    model = rewriter.model()
    return Converted(
        model,
        Conversion(
            type=to.value,
            nodes=len(decision.narrow),
            kept=tuple(n.label for n in nodes if n.label in set(keep)),
            casts=_casts(model) - _casts(original),
            constants=tuple(rewriter.changes),
            forced=tuple(decision.forced.items()),
            notes=tuple(_notes(facts, nodes)),
        ),
    )


def _casts(model: Any) -> int:
    return sum(node.op_type == "Cast" for node in model.graph.node)


def _notes(facts: OnnxFacts, nodes: list[OnnxNode]) -> Iterator[str]:
    subgraphs = [node.label for node in nodes if node.op in SUBGRAPHS]
    if subgraphs:
        yield f"What is inside {_few(subgraphs)} stays in FP32, with Casts around."
    foreign = sorted({node.domain for node in nodes if node.domain not in ("", "ai.onnx")})
    if foreign:
        yield f"Operators of {_few(foreign)} stay as they are: which types they take is not known."
    if TensorType.DOUBLE in facts.types.values():
        yield "Values of DOUBLE stay as they are; TensorRT computes them in FP32."


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
