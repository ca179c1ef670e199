"""Made-up TensorRTs, requests and records for tests of building."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trtdoctor.builder.request import BuildRequest
from trtdoctor.builder.world import World
from trtdoctor.model.build import BuildRecord, FileHash, Measurement, Spread

OLD_FLAGS = frozenset({"FP16", "INT8", "TF32"})
WEAK_FLAGS = OLD_FLAGS | {"BF16", "FP8", "VERSION_COMPATIBLE"}


def request(**more: Any) -> BuildRequest:
    return BuildRequest(model=Path("m.onnx"), engine=Path("m.engine"), **more)


def world(
    module: str = "tensorrt",
    version: str = "10.3.0",
    flags: frozenset[str] = WEAK_FLAGS,
    *,
    networks: tuple[str, ...] = ("STRONGLY_TYPED",),
    levels: tuple[str, ...] = ("AMPERE_PLUS",),
    no_gpu: str | None = None,
) -> World:
    return World(
        module=module,
        version=version,
        python="/usr/bin/python3",
        enums={
            "BuilderFlag": flags,
            "NetworkDefinitionCreationFlag": frozenset(networks),
            "HardwareCompatibilityLevel": frozenset(levels),
        },
        progress=True,
        no_gpu=no_gpu,
    )


TRT86 = world(version="8.6.1", flags=OLD_FLAGS | {"VERSION_COMPATIBLE"}, networks=())
TRT85 = world(version="8.5.3", flags=OLD_FLAGS, networks=(), levels=())
TRT103 = world()
TRT11 = world(version="11.0.0", flags=frozenset({"TF32", "VERSION_COMPATIBLE"}))
RTX = world("tensorrt_rtx", "1.7.1", frozenset({"TF32"}), no_gpu="there is none")


def spread(median: float, width: float = 0.01) -> Spread:
    return Spread(median=median, low=median - width, high=median + width, samples=99)


def measured(**clocks: float) -> Measurement:
    return Measurement(
        gpu="NVIDIA H100", compute_capability="9.0", **{k: spread(v) for k, v in clocks.items()}
    )


def record(**more: Any) -> BuildRecord:
    nothing = FileHash(path="f", size=0, sha256="")
    values: dict[str, Any] = {
        "model": FileHash(path="/models/m.onnx", size=0, sha256=""),
        "engine": nothing,
        "log": nothing,
        "product": "tensorrt",
        "version": "8.6.1",
        "through": "python",
    }
    return BuildRecord(**{**values, **more})
