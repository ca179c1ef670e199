"""Reads an ONNX model's types and nodes; weights are never held, and external data never opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import FormatError, naming
from ..files.kinds import Container
from ..files.onnxfile import recognise_onnx
from ..files.recognise import MAGICS, recognise
from ..files.source import Source, open_source
from .bounds import Allowance
from .flatten import Flattener
from .onnx_facts import OnnxFacts, OnnxUnavailable
from .shapes import inferred_shapes
from .slim import slim
from .types import OperatorTypes


def read_onnx(
    model: Path | bytes,
    *,
    name: str | None = None,
    shapes: Mapping[str, Sequence[int]] | None = None,
) -> OnnxFacts:
    """The facts of one model.

    Args:
        model: The file, or its bytes.
        name: What evidence calls it; by default the file's name.
        shapes: Infer the shapes of values, with these for inputs that the model leaves open; None
            for the declared ones alone.

    Raises:
        FormatError: This is not an ONNX model, or a damaged or unreasonably large one.
        OnnxUnavailable: The ``onnx`` package is missing or broken.
        OSError: The file cannot be read.
    """
    path = model if isinstance(model, Path) else None
    with naming(str(path) if path else name), open_source(model) as source:
        return _read(source, name or (path.name if path else "model.onnx"), shapes)


def _read(source: Source, name: str, shapes: Mapping[str, Sequence[int]] | None) -> OnnxFacts:
    seen = recognise_onnx(source)
    if seen is None:
        raise FormatError(_what_else(source))
    if seen.damaged:
        raise FormatError(f"This is an ONNX model, but {seen.damaged}. Copy it again.")
    allowed = Allowance(source.size)
    data = slim(source, allowed)
    onnx = _package()
    try:
        parsed: Any = onnx.ModelProto.FromString(data)
        found = None if shapes is None else inferred_shapes(onnx, parsed, shapes)
        return Flattener(parsed, OperatorTypes(onnx), allowed, found).facts(name)
    except FormatError:
        raise
    except (ValueError, RecursionError, _decode_error()) as error:
        raise FormatError(
            f"This is a damaged ONNX model ({type(error).__name__}). Copy or export it again."
        ) from error


def _what_else(source: Source) -> str:
    if source.read(0, 4) in MAGICS:
        what = "This is a TensorRT engine, not an ONNX model."
    else:
        other = recognise(source)
        known = other.container is not Container.UNKNOWN
        what = f"This is not an ONNX model. {other.what}" if known else "This is not an ONNX model."
    return f"{what} Give the model that the engine was built from."


def _package() -> ModuleType:
    try:
        import_module("onnx.defs")
        import_module("onnx.shape_inference")
        return import_module("onnx")
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == "onnx"
        state = "is missing" if missing else f"does not load ({error})"
        raise OnnxUnavailable(
            f"The onnx package {state}. Install it again: pip install --force-reinstall onnx"
        ) from error
    except (AttributeError, TypeError, RuntimeError, OSError, SyntaxError, ValueError) as error:
        raise OnnxUnavailable(
            f"The onnx package does not load ({type(error).__name__}: {error}). "
            "Install it again: pip install --force-reinstall onnx"
        ) from error


def _decode_error() -> type[Exception]:
    found: type[Exception] = import_module("google.protobuf.message").DecodeError
    return found
