"""Files for tests of comparing: saved reports of made-up engines, outputs, a small model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import conversionmodels
import msgspec
import numpy as np
import onnx
from engines import layer
from onnx import TensorProto as T

import trtdoctor
from trtdoctor.model.codec import encode
from trtdoctor.model.comparison import Comparison
from trtdoctor.model.engine import EngineReport
from trtdoctor.model.report import Report

DATA = Path(__file__).parents[1] / "data"


def saved(path: Path, report: EngineReport) -> Path:
    """A report of one engine, as ``inspect -o report.json`` writes it."""
    empty = trtdoctor.inspect(layers=DATA / "layers" / "trt86.cnn.io16.layers.json", live=False)
    path.write_bytes(encode(msgspec.structs.replace(empty, engines=(report,))))
    return path


def chain(**more: Any) -> tuple[Any, ...]:
    return (
        layer("conv", "conv", reads=("x",), makes=("m",), **more),
        layer("softmax", "softmax", reads=("m",), makes=("y",), **more),
    )


def outputs(folder: Path, **arrays: Any) -> Path:
    path = folder / f"{next(iter(arrays))}.npz"
    np.savez(path, **{name.partition("_")[0]: array for name, array in arrays.items()})
    return path


VALUES = np.random.default_rng(1).standard_normal((2, 50)).astype(np.float32)


def told(report: Report) -> Comparison:
    (found,) = report.comparisons
    return found


def softmax_model(path: Path) -> Path:
    """A softmax over differences that FP16 rounds away, behind a convolution's worth of weights."""
    proto = conversionmodels.model(
        [
            onnx.helper.make_node("MatMul", ["x", "w"], ["m"], name="conv"),
            onnx.helper.make_node("Softmax", ["m"], ["y"], name="softmax", axis=-1),
        ],
        [("x", T.FLOAT, [1, 8])],
        [("y", T.FLOAT, [1, 8])],
        [conversionmodels.w("w", 8, 8, scale=30000.0)],
    )
    onnx.save(proto, path)
    return path
