"""Small made-up engines for tests of comparing: layers, network tensors, measured times."""

from __future__ import annotations

from typing import Any

from trtdoctor.model.build import Measurement, Spread
from trtdoctor.model.engine import (
    EngineIdentity,
    EngineReport,
    IOTensor,
    Layer,
    LayersSource,
    LayerTensor,
    LayerWeights,
    Precision,
    Role,
)
from trtdoctor.precision.layers import summarize


def layer(
    name: str,
    *nodes: str,
    precision: Precision = Precision.FP32,
    reads: tuple[str, ...] = (),
    makes: tuple[str, ...] = (),
    dtypes: tuple[str, str] | None = None,
    ms: float | None = None,
    role: Role = Role.COMPUTE,
    weights: int | None = None,
    **more: Any,
) -> Layer:
    before, after = dtypes or (precision.value, precision.value)
    return Layer(
        name=name,
        type=more.pop("type", "CaskConvolution" if role is Role.COMPUTE else "Reformat"),
        onnx_nodes=nodes,
        inputs=tuple(LayerTensor(name=tensor, dtype=before) for tensor in reads),
        outputs=tuple(LayerTensor(name=tensor, dtype=after) for tensor in makes),
        weights=None if weights is None else LayerWeights(dtype=before, count=weights),
        precision=precision,
        role=role,
        time_ms=ms,
        **more,
    )


def reformat(reads: str, makes: str, before: str, after: str, *, ms: float | None = None) -> Layer:
    return layer(
        f"Reformatting CopyNode for {makes}",
        reads=(reads,),
        makes=(makes,),
        dtypes=(before, after),
        precision=Precision(before) if before == after else Precision.MIXED,
        role=Role.DATA_MOVEMENT,
        ms=ms,
    )


def spread(median: float, width: float = 0.01, samples: int = 100) -> Spread:
    return Spread(
        median=median, low=median * (1 - width), high=median * (1 + width), samples=samples
    )


def measured(median: float, width: float = 0.01, **more: Any) -> Measurement:
    values = {
        "gpu": "NVIDIA H100",
        "compute_capability": "9.0",
        "shapes": {"x": (1, 8)},
        "events_ms": spread(median, width),
        **more,
    }
    return Measurement(**values)


def tensor(name: str, mode: str = "input", dtype: str = "FP32", *shape: int) -> IOTensor:
    return IOTensor(name=name, mode=mode, dtype=dtype, shape=shape or (1, 8))


def engine(
    path: str, *layers: Layer, io: tuple[IOTensor, ...] | None = None, **more: Any
) -> EngineReport:
    network = (tensor("x"), tensor("y", "output")) if io is None else io
    identity = EngineIdentity(
        container="plan", product="tensorrt", tensorrt_version="8.6.1.6", io=network
    )
    return EngineReport(
        path=path,
        identity=more.pop("identity", identity),
        layers_source=LayersSource.LIVE,
        layers=layers,
        summary=summarize(layers) if layers else None,
        **more,
    )
