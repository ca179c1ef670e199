"""Arrays as Polygraphy and numpy save them: inputs and outputs of a network, sample by sample.

Polygraphy's JSON (``polygraphy/json/serde.py`` and ``comparator/struct.py``, read at 0.53.6) marks each
object with the class that it encodes:

- an array is ``{"array": TEXT, "polygraphy_class": "ndarray"}``, the text a .npy file in base64
- ``--save-inputs FILE.json`` writes a list with one object of arrays by name for each iteration
- ``--save-outputs FILE.json`` writes ``{"lst": [[RUNNER, [ITERATION, ...]], ...],
  "polygraphy_class": "RunResults"}``; an iteration's ``outputs`` are arrays by name, each within an
  object ``{"values": ARRAY, "polygraphy_class": "LazyArray"}``
- a path without suffix is a folder, with a file such as ``0000000000.json`` for each iteration

Old versions wrote ``"__polygraphy_encoded_ndarray": "polygraphy_serialized_json_type"`` instead of the
mark, and older ones the bytes of a .npz archive as Latin-1 text; both are read. Nothing is unpickled:
an array of Python objects and a tensor that PyTorch saved are refused.
"""

from __future__ import annotations

import base64
import binascii
import io
import math
import os
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ..model.errors import InputError
from ..model.given_files import open_regular, read_whole
from ..model.json_bounds import excess
from .errors import FormatError, TooMuch, naming

MAX_BYTES = 1 << 31
"""The largest JSON file that is read."""

MAX_UNPACKED = 1 << 32
"""The most bytes of arrays that are unpacked from one .npz archive."""

_HOW = (
    "Give what `polygraphy run MODEL.onnx --onnxrt --save-inputs inputs.json "
    "--save-outputs outputs.json` writes, or a .npz file with an array for each tensor."
)
_MARK = "polygraphy_class"
_OLD_MARK = "__polygraphy_encoded_"
_OLD_VALUE = "polygraphy_serialized_json_type"
_NUMBERS = "biuf"
_NPY = b"\x93NUMPY"
_ZIP = b"PK\x03\x04"
# What numpy raises of headers that are no dict, or one of something else.
_DAMAGED = (
    *(ValueError, TypeError, SyntaxError, tokenize.TokenError),
    *(OverflowError, EOFError, MemoryError, RecursionError),
)
_Sample = dict[str, Any]


class Run(NamedTuple):
    """What one runner put out: its name, and the outputs of each iteration by name."""

    runner: str
    samples: list[dict[str, Any]]


def read_arrays(path: Path, *, runner: str | None = None) -> list[dict[str, Any]]:
    """Arrays by name, one dict for each sample.

    Args:
        path: Polygraphy's JSON of inputs or outputs, a folder with a file for each iteration, or a
            .npz archive, which is one sample.
        runner: Whose outputs, where there are those of several.

    Raises:
        InputError: The file cannot be read, or is none of these.
    """
    runs = read_runs(path)
    if runner is not None:
        runs = [run for run in runs if run.runner == runner]
        if not runs:
            raise InputError(f"{path} has no outputs of a runner {runner!r}")
    if len(runs) > 1:
        names = ", ".join(repr(run.runner) for run in runs)
        raise InputError(
            f"{path} holds the outputs of several runners, {names}; save those of one runner"
        )
    return runs[0].samples


def read_runs(path: Path) -> list[Run]:
    """What each runner put out; inputs and a .npz archive are those of a runner without a name.

    Raises:
        InputError: The file cannot be read, or is none of these.
    """
    if os.path.isdir(path):  # noqa: PTH112 - no name is too long for it
        files = sorted(path.glob("*.json"))
        if not files:
            raise InputError(f"{path} is a folder without a .json file. {_HOW}")
        runs: dict[str, Run] = {}
        for file in files:
            for run in _one_file(file):
                runs.setdefault(run.runner, Run(run.runner, [])).samples.extend(run.samples)
        return list(runs.values())
    return _one_file(path)


def parse_runs(data: bytes, *, name: str | None = None) -> list[Run]:
    """What each runner put out, from the bytes of Polygraphy's JSON.

    Raises:
        FormatError: The bytes are no such JSON, or hold what is not read.
    """
    with naming(name):
        return _runs(_parsed(data))


def is_polygraphy(head: bytes) -> bool:
    """Whether the first bytes of a file look like Polygraphy's JSON of arrays."""
    start = head.lstrip()
    marks = (_MARK.encode(), _OLD_MARK.encode())
    return start.startswith((b"{", b"[")) and any(
        mark in head for mark in (*marks, b'"array": "k05VTVBZ', b'"array": "UEsDB')
    )


def _one_file(path: Path) -> list[Run]:
    try:
        with open_regular(path) as file:
            magic = file.read(len(_NPY))
        if magic.startswith(_ZIP):
            return [Run("", [_archive(path)])]
        if magic == _NPY:
            raise FormatError(
                f"{path}: This file holds one array and no name. "
                "Give a .npz file, which holds each tensor under its name."
            )
        return parse_runs(read_whole(path, most=MAX_BYTES), name=str(path))
    except MemoryError:
        raise InputError(f"{path} holds more than fits into memory; give fewer samples") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None


def _archive(path: Path) -> _Sample:
    with open_regular(path) as file, naming(str(path)):
        return _unpacked(file)


def _unpacked(file: Any) -> _Sample:
    made: _Sample = {}
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > MAX_UNPACKED:
                raise TooMuch(
                    f"This archive unpacks to more than {MAX_UNPACKED >> 30} GiB. Give fewer samples."
                )
            for member in members:
                name = member.filename.removesuffix(".npy")
                made[name] = _npy(archive.read(member), name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FormatError(f"This is no .npz archive that can be read ({error}). {_HOW}") from None
    if not made:
        raise FormatError(f"This archive holds no array. {_HOW}")
    return made


def _parsed(data: bytes) -> Any:
    if len(data) > MAX_BYTES:
        raise TooMuch(f"This file is larger than {MAX_BYTES >> 30} GiB. Give fewer samples.")
    if not data.strip():
        raise FormatError(f"This file is empty. {_HOW}")
    too_much = excess(data)
    if too_much is not None:
        raise TooMuch(f"This JSON is not read, since {too_much}. {_HOW}")
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise FormatError(f"This file is not JSON ({reason}). {_HOW}") from None


def _runs(value: Any) -> list[Run]:
    if _kind(value) == "RunResults":
        runs = list(_results(value.get("lst")))
        if not runs or not all(run.samples for run in runs):
            raise FormatError(f"This file holds no runner's outputs. {_HOW}")
        return runs
    samples = value if isinstance(value, list) else [value]
    if not samples or not all(isinstance(sample, dict) and sample for sample in samples):
        raise FormatError(f"This JSON holds no samples with arrays by name. {_HOW}")
    return [Run("", [_sample(sample) for sample in samples])]


def _results(pairs: Any) -> Iterator[Run]:
    for pair in pairs if isinstance(pairs, list) else ():
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)):
            raise FormatError(f"This file does not say which runner put out what. {_HOW}")
        iterations = pair[1] if isinstance(pair[1], list) else []
        outputs = [each.get("outputs") if isinstance(each, dict) else None for each in iterations]
        yield Run(pair[0], [_sample(each) for each in outputs])


def _sample(value: Any) -> _Sample:
    if not isinstance(value, dict):
        raise FormatError(f"This JSON has a sample without arrays by name. {_HOW}")
    return {str(name): _decoded(item, str(name)) for name, item in value.items()}


def _kind(value: Any) -> str | None:
    """The class that an object encodes, by the mark of new and of old versions."""
    if not isinstance(value, dict):
        return None
    told = value.get(_MARK)
    if isinstance(told, str):
        return told
    old = (k for k, v in value.items() if v == _OLD_VALUE and k.startswith(_OLD_MARK))
    return next((key.removeprefix(_OLD_MARK) for key in old), None)


def _decoded(value: Any, name: str) -> Any:
    kind = _kind(value)
    if kind in ("LazyArray", "LazyNumpyArray"):
        value = value.get("values")
        kind = _kind(value)
    if kind == "FormattedArray":
        raise FormatError(
            f"{name!r} is saved in a vectorised format, which is not read. "
            "Save the outputs with linear formats."
        )
    if kind == "Tensor":
        raise FormatError(
            f"{name!r} is a tensor that PyTorch saved, which is not unpickled. "
            "Save it as numpy's: polygraphy run --data-loader-backend-module numpy"
        )
    text = value.get("array") if isinstance(value, Mapping) else None
    if kind != "ndarray" or not isinstance(text, str):
        raise FormatError(f"{name!r} is not an array. {_HOW}")
    return _array(_bytes(text, name), name)


def _bytes(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pass
    try:
        data = text.encode("latin-1")
    except UnicodeEncodeError:
        data = b""
    if not data.startswith((_NPY, _ZIP)):
        raise FormatError(f"the text of the array {name!r} is damaged. Save it again.")
    return data


def _array(data: bytes, name: str) -> Any:
    """One array from the bytes of a .npy file, or of an archive with it, as old versions wrote."""
    if data.startswith(_ZIP):
        return next(iter(_unpacked(io.BytesIO(data)).values()))
    return _npy(data, name)


def _npy(data: bytes, name: str) -> Any:
    """One array from the bytes of a .npy file.

    Raises:
        FormatError: It is damaged, of no numbers, or claims more than it holds.
    """
    numpy = import_module("numpy")
    formats = numpy.lib.format
    stream = io.BytesIO(data)
    try:
        version = formats.read_magic(stream)
        read_header = {
            (1, 0): formats.read_array_header_1_0,
            (2, 0): formats.read_array_header_2_0,
        }.get(version)
        if read_header is None:
            raise ValueError(f"version {version}")
        shape, _, dtype = read_header(stream)
        if dtype.kind not in _NUMBERS:
            raise FormatError(
                f"the array {name!r} is of {dtype}, and numbers and booleans alone are read. "
                "Save it as one of numpy's own types, float32 say."
            )
        # numpy takes the memory that a header claims before it reads what is there.
        if math.prod(shape) * dtype.itemsize != len(data) - stream.tell():
            raise ValueError(f"its shape is {shape}, and it holds another number of bytes")
        stream.seek(0)
        return numpy.load(stream, allow_pickle=False)
    except FormatError:
        raise
    except _DAMAGED as error:
        reason = str(error).split("\n", 1)[0]
        raise FormatError(f"the array {name!r} is damaged ({reason}). Save it again.") from None
