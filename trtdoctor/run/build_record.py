"""What is recorded of a build beside what its builder tells."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from trtdoctor.builder.hashes import hash_file
from trtdoctor.builder.request import BuildRequest
from trtdoctor.builder.world import World
from trtdoctor.host.live import environment
from trtdoctor.model.build import BuildSettings, FileHash
from trtdoctor.model.codec import write_atomically
from trtdoctor.model.engine_shapes import ShapeRange
from trtdoctor.model.errors import InputError
from trtdoctor.readers.onnxmodel import OnnxFacts

from .bench import Bench, Building
from .lowering import Lowering, is_lowered

# Variables that steer what a builder does, by how their names begin.
_STEERING = (
    "__LUNOWUD",
    "CUBLAS",
    "CUDA_",
    "CUDNN_",
    "MYELIN_",
    "NVIDIA_TF32",
    "TENSORRT_",
    "TRT_",
)
_LONGEST_VALUE = 500
QUANTISING = frozenset({"QuantizeLinear", "DequantizeLinear"})


def what_is_said(
    request: BuildRequest, world: World, strong: bool, facts: OnnxFacts, converted: Lowering
) -> tuple[str, ...]:
    """What of the request is not as its words say."""
    notes = [converted.note] if converted.note else []
    if strong and request.precision in ("fp32", "best", "int8") and is_lowered(facts):
        notes.append(
            f"here the model's types decide, and some are 16-bit: --precision {request.precision} "
            "changes nothing of that"
        )
    elif strong and converted.by is None and not is_lowered(facts) and request.precision != "fp32":
        notes.append(
            f"here the model's types decide and they say FP32, so the engine is FP32 although "
            f"--precision {request.precision} was asked for; --convert plan lowers them"
        )
    if request.precision == "best" and not strong:
        quantised = any(node.op in QUANTISING for node in facts.nodes)
        if not quantised:
            notes.append(
                "INT8 and FP8 were not allowed: the model has no QuantizeLinear and DequantizeLinear "
                "nodes, and without them nobody knows the values' ranges"
            )
    if world.rtx and world.no_gpu is not None:
        notes.append(f"it was built on a CPU and not run: {world.no_gpu}")
    return tuple(notes)


def also_asked(building: Building, bench: Bench) -> tuple[str, ...]:
    """The words of a command line that are about who builds."""
    words = [] if building.runtime is None else ["--runtime", building.runtime]
    if building.trtexec is not None:
        return (*words, "--trtexec", building.trtexec)
    words += [] if building.inputs is None else ["--inputs", building.inputs]
    return (*words, "--python", bench.python)


def settings_told(told: Mapping[str, Any], request: BuildRequest) -> BuildSettings:
    """What was set beside the flags."""
    found = msgspec.convert(told, BuildSettings)
    if request.timing_cache is None:
        return found
    return msgspec.structs.replace(found, timing_cache=str(request.timing_cache.absolute()))


def shape_range(shape: Mapping[str, Any]) -> ShapeRange:
    """Extents as a builder told them."""
    return ShapeRange(min=tuple(shape["min"]), opt=tuple(shape["opt"]), max=tuple(shape["max"]))


def steering() -> dict[str, str]:
    """Variables of this process that steer a build."""
    return {
        name: value[:_LONGEST_VALUE]
        for name, value in sorted(environment().items())
        if name.startswith(_STEERING)
    }


def hashed(path: Path | None) -> FileHash | None:
    """A file as it is now; None where it is not there. Raises InputError: it cannot be read."""
    if path is None or not path.exists():
        return None
    try:
        return hash_file(path)
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror}; name another timing cache"
        ) from None


def zip_file(source: Path, target: Path) -> None:
    """Pack a file by gzip; the same bytes for the same content."""
    with source.open("rb") as plain, gzip.GzipFile(target, "wb", 6, mtime=0) as packed:
        shutil.copyfileobj(plain, packed, 1 << 20)


def keep_cache(made: Path, target: Path) -> None:
    """Put a timing cache where the user wants it. Raises InputError: it cannot be written."""
    try:
        write_atomically(target, made.read_bytes())
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror}; the engine is there") from None
