"""Loads a whole model with its weights, functions laid open."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from ...model.errors import InputError
from ...readers.errors import naming
from ...readers.files.source import open_source
from ...readers.onnxmodel.external import ExternalFiles, ExternalRefused
from ...readers.onnxmodel.tensor_places import tensor_places

_WIDTHS = {
    "FLOAT": 4,
    "DOUBLE": 8,
    "FLOAT16": 2,
    "BFLOAT16": 2,
    "INT64": 8,
    "UINT64": 8,
    "INT32": 4,
    "UINT32": 4,
    "INT16": 2,
    "UINT16": 2,
    "INT8": 1,
    "UINT8": 1,
    "BOOL": 1,
}


def load_model(path: Path) -> Any:
    """The model of a file, a ``ModelProto`` with its external data and with functions inlined.

    Raises:
        InputError: external data are missing or lie outside the model's folder; or ONNX refuses it.
        FormatError: it is no ONNX model, or a damaged one.
        OSError: it cannot be read.
    """
    onnx = import_module("onnx")
    helper = import_module("onnx.external_data_helper")
    _check_external(path)
    try:
        model = onnx.load(str(path), load_external_data=False)
        helper.load_external_data_for_model(model, str(path.parent))
        if model.functions:
            model = import_module("onnx.inliner").inline_local_functions(model)
    except OSError:
        raise
    except Exception as error:
        # The package raises whatever its parts do.
        raise InputError(f"{path}: onnx cannot load it: {_first_line(error)}") from error
    return model


def _check_external(path: Path) -> None:
    with naming(str(path)), open_source(path) as source:
        places = tensor_places(source)
    with ExternalFiles(path.parent) as files:
        for place in places:
            if place.location is None:
                continue
            width = _WIDTHS.get(place.type.value if place.type else "", 0)
            try:
                files.open(
                    place.location, width * (place.elements or 0) or place.location.length or 0
                )
            except ExternalRefused as error:
                raise InputError(
                    f"{path}: of its tensor {place.name or 'without a name'} {error}"
                ) from error


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), repr(error))
