"""The conversion from end to end: read, survey, rewrite, check, write."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from importlib import import_module
from pathlib import Path
from typing import Any

import onnx

from ...model.errors import InputError
from ...model.given_files import read_whole
from ...readers.errors import naming
from ...readers.onnxmodel import FormatError, TensorType, read_onnx
from ...readers.onnxmodel.external import Files, external_span
from .result import Converted
from .rewrite import Rewriter
from .stored import DTYPES
from .survey import Survey
from .tree import grow

_EXTERNAL = onnx.TensorProto.EXTERNAL
_MOST_BYTES = (2 << 30) - (64 << 20)
_MOST_READ = 1 << 36


def convert(
    model: Path | Any,
    *,
    keep: Collection[str] = (),
    to: TensorType = TensorType.FLOAT16,
    keep_io: bool = False,
) -> Converted:
    """A model with its FP32 part in FP16 or BF16.

    Integers, booleans, DOUBLE and what is FP16 already stay as they are. Nodes for which ONNX has
    no FP16, of other domains, or with weights that FP16 does not hold stay in FP32 and are told.

    Args:
        model: Its file, or the parsed message, which is not changed.
        keep: Labels of nodes that stay in FP32.
        to: FLOAT16 or BFLOAT16.
        keep_io: Whether the network's inputs and outputs stay FLOAT.

    Raises:
        FormatError: It is no ONNX model, or a damaged one, or external data are missing or outside
            of its folder.
        InputError: What comes out does not stand onnx's check.
        OSError: A file cannot be read.
    """
    if to not in DTYPES:
        raise ValueError(f"{to} is none of {', '.join(kind.value for kind in DTYPES)}")
    name, external = None, False
    if isinstance(model, Path):
        name = str(model)
        read_onnx(model)
        proto, external = _load(model)
    else:
        proto = onnx.ModelProto()
        proto.CopyFrom(model)
    with naming(name):
        return _convert(proto, keep, to, keep_io, external)


def _load(path: Path) -> tuple[Any, bool]:
    with naming(str(path)):
        try:
            proto = onnx.ModelProto.FromString(read_whole(path, most=_MOST_BYTES))
        except _decode_error() as error:
            raise FormatError("It is a damaged ONNX model. Copy or export it again.") from error
        external = False
        with Files() as files:
            for tensor in onnx.external_data_helper._get_all_tensors(proto):
                if tensor.data_location == _EXTERNAL:
                    external = True
                    span = external_span(tensor, path, files, None)
                    pieces = files.pieces(span, 1 << 20)
                    tensor.raw_data = b"".join(piece.tobytes() for piece in pieces)
                    tensor.data_location = onnx.TensorProto.DEFAULT
                    del tensor.external_data[:]
    return proto, external


def _convert(
    proto: Any, keep: Collection[str], to: TensorType, keep_io: bool, external: bool
) -> Converted:
    sound = _complaint(proto) is None
    if sound and proto.ByteSize() < _MOST_BYTES:
        # Types that operators alone do not tell, as of what comes out of a sequence.
        inferred = onnx.shape_inference.infer_shapes(proto)
        del proto.graph.value_info[:]
        proto.graph.value_info.extend(inferred.graph.value_info)
    graph, names = grow(proto)
    survey = Survey(graph, keep, to, keep_io=keep_io)
    rewriter = Rewriter(survey, names, to, keep_io=keep_io)
    made = onnx.ModelProto()
    made.CopyFrom(_shell(proto))
    made.graph.CopyFrom(rewriter.write(graph))
    made.ir_version = max(made.ir_version, 4)
    complaint = _complaint(made) if sound else None
    if complaint is not None:
        raise InputError(f"its conversion does not stand onnx's check: {complaint}")
    return Converted(
        model=made,
        to=to,
        changes=tuple(rewriter.changes),
        left=tuple(survey.left),
        casts=tuple(rewriter.casts),
        narrow=tuple(node.label for node in survey.order if survey.narrow(node)),
        external=external,
    )


def _shell(proto: Any) -> Any:
    """All of a model but its graph and its functions."""
    shell = onnx.ModelProto()
    for field, value in proto.ListFields():
        if field.name in ("graph", "functions", "training_info"):
            continue
        if isinstance(value, (int, str, bytes)):
            setattr(shell, field.name, value)
        else:
            getattr(shell, field.name).extend(value)
    known = {(o.domain, o.version) for o in shell.opset_import}
    for function in proto.functions:
        for opset in function.opset_import:
            if not any(opset.domain == domain for domain, _ in known):
                shell.opset_import.append(opset)
                known.add((opset.domain, opset.version))
    return shell


def _decode_error() -> type[Exception]:
    found: type[Exception] = import_module("google.protobuf.message").DecodeError
    return found


def _complaint(proto: Any) -> str | None:
    """What onnx's checker finds wrong; None where nothing, or where it cannot look."""
    if proto.ByteSize() >= _MOST_BYTES:
        return None
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        return " ".join(str(error).split())[:300]
    return None


def write_model(converted: Converted, target: Path) -> tuple[Path, ...]:
    """Write a converted model, whole or not at all.

    Its weights go into a file beside it where those of the original did, and where they do not fit
    into one message.

    Returns:
        The files.

    Raises:
        InputError: They cannot be written.
    """
    model = converted.model
    data = target.with_name(target.name + ".data")
    apart = converted.external or model.ByteSize() >= _MOST_BYTES
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
            written = Path(folder) / "model.onnx"
            if apart:
                copy = onnx.ModelProto()
                copy.CopyFrom(model)
                onnx.save_model(
                    copy,
                    written,
                    save_as_external_data=True,
                    location=data.name,
                    size_threshold=1024,
                )
            else:
                written.write_bytes(model.SerializeToString())
            files = []
            if (Path(folder) / data.name).exists():
                (Path(folder) / data.name).replace(data)
                files.append(data)
            written.replace(target)
            return (target, *files)
    except OSError as error:
        raise InputError(
            f"cannot write {target}: {error.strerror or error}; choose a folder that you may write to"
        ) from None
