"""Writes a converted model, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from ...model.errors import InputError

_LARGEST = (1 << 31) - (64 << 20)
"""Protobuf holds two gigabytes; what is larger has its weights beside it."""
_SMALLEST = 1024


def write_model(model: Any, target: Path, *, beside: bool = False) -> tuple[Path, ...]:
    """Write a ``ModelProto``; what was there is replaced in one step, after all was written.

    Args:
        model: The model; with ``beside`` its large tensors are moved out of it.
        target: The file.
        beside: Whether its weights go to ``TARGET.data``; they do where it is too large otherwise.

    Returns:
        The files that were written.

    Raises:
        InputError: it cannot be written.
    """
    onnx = import_module("onnx")
    beside = beside or _size(model) > _LARGEST
    data = target.with_name(f"{target.name}.data")
    folder = target.parent
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".trtdoctor-") as place:
            made = Path(place) / target.name
            if beside:
                onnx.save_model(
                    model,
                    str(made),
                    save_as_external_data=True,
                    all_tensors_to_one_file=True,
                    location=data.name,
                    size_threshold=_SMALLEST,
                )
            else:
                onnx.save_model(model, str(made))
            written = [made]
            moved = made.with_name(data.name)
            if beside and moved.exists():
                # The weights first: a model without them would be damaged, weights alone are nothing.
                written = [moved, made]
            for path in written:
                path.chmod(0o666 & ~_umask())
                path.replace(folder / path.name)
            return tuple(folder / path.name for path in written[::-1])
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror or error}") from error


def _size(model: Any) -> int:
    return sum(
        len(tensor.raw_data) + 4 * len(tensor.float_data) + 8 * len(tensor.int64_data)
        for tensor in model.graph.initializer
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
