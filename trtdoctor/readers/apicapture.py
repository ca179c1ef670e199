"""What TensorRT's API capture recorded of a build: the network, layer by layer, and what steered it.

From TensorRT 10.13 on (TensorRT-RTX 1.4) the capture library, ``libtensorrt_shim.so``, writes the calls
that build a network as JSON to ``TRT_SHIM_OUTPUT_JSON_FILE``. Weights of more than eight elements lie in
a .bin file beside it, which is never read. (TensorRT documentation, "TensorRT API Capture and Replay" and
"Environment Variables", 11.4.)

NVIDIA does not document the layout. This is how TensorRT-RTX 1.7.1 writes it; other releases were not
seen: ``{"api_calls": [CALL, ...], "output_bin": "x.bin", "trt_version": 10701}``. Each call has
``class``, ``function``, the number of the ``object`` that it is called on, ``{"return": {"object": N}}``
where it makes one, and its arguments under the names of NvInfer.h, enumerators as numbers. What is not
known is passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from ..model.engine import EngineIdentity, IOTensor, ShapeRange
from ..model.json_bounds import excess
from ..model.recorded import ApiCapture, CapturedLayer
from ..model.typing import Typing
from .errors import FormatError, TooMuch, naming
from .plan.datatypes import TENSORRT_TYPES

MAX_BYTES = 1 << 28

_HOW = (
    "Give the JSON file that TensorRT's API capture writes to TRT_SHIM_OUTPUT_JSON_FILE; its .bin file "
    "holds weights and is not read."
)
_ADDS = ("NetworkDefinition", "Loop", "IfConditional")
_NO_LAYERS = ("addInput", "addLoop", "addIfConditional")
_MIN, _OPT, _MAX = 0, 1, 2
_STRONGLY_TYPED_BIT = 1
_MOST_EXTENTS = 16
_LONGEST = 4096
_MOST_SETTINGS = 100
# NvInfer.h of 10.13 to 10.16 and of 11.0 and 11.1, whose numbers TensorRT-RTX 1.7 has too.
_FLAGS_10 = dict(
    enumerate(
        (
            *("FP16", "INT8", "DEBUG", "GPU_FALLBACK", "REFIT", "DISABLE_TIMING_CACHE", "TF32"),
            *("SPARSE_WEIGHTS", "SAFETY_SCOPE", "OBEY_PRECISION_CONSTRAINTS"),
            *("PREFER_PRECISION_CONSTRAINTS", "DIRECT_IO", "REJECT_EMPTY_ALGORITHMS"),
            *("VERSION_COMPATIBLE", "EXCLUDE_LEAN_RUNTIME", "FP8", "ERROR_ON_TIMING_CACHE_MISS"),
            *("BF16", "DISABLE_COMPILATION_CACHE", "STRIP_PLAN", "REFIT_IDENTICAL"),
            *("WEIGHT_STREAMING", "INT4", "REFIT_INDIVIDUAL", "STRICT_NANS", "MONITOR_MEMORY"),
            *("FP4", "EDITABLE_TIMING_CACHE", "DISTRIBUTIVE_INDEPENDENCE"),
        )
    )
)
_FLAGS_11 = {
    **{2: "DEBUG", 3: "GPU_FALLBACK", 4: "REFIT", 5: "DISABLE_TIMING_CACHE", 6: "TF32"},
    **{7: "SPARSE_WEIGHTS", 8: "SAFETY_SCOPE", 11: "DIRECT_IO", 12: "VERSION_COMPATIBLE"},
    **{13: "EXCLUDE_LEAN_RUNTIME", 15: "ERROR_ON_TIMING_CACHE_MISS"},
    **{17: "DISABLE_COMPILATION_CACHE", 18: "STRIP_PLAN", 19: "REFIT_IDENTICAL"},
    **{20: "WEIGHT_STREAMING", 22: "REFIT_INDIVIDUAL", 23: "STRICT_NANS", 24: "MONITOR_MEMORY"},
    **{26: "EDITABLE_TIMING_CACHE", 27: "DISTRIBUTIVE_INDEPENDENCE"},
    28: "REQUIRE_USER_ALLOCATION",
}
_Call = dict[str, Any]


class Captured(NamedTuple):
    """A capture: what it says of the network as a whole, who decides types in it, and the rest."""

    identity: EngineIdentity
    typing: Typing
    capture: ApiCapture


def is_api_capture(head: bytes) -> bool:
    """Whether a file that begins so is a capture."""
    return head.lstrip()[:1] == b"{" and b'"api_calls"' in head[:_LONGEST]


def read_api_capture(data: bytes, *, name: str | None = None) -> Captured:
    """Reads a capture.

    Args:
        data: The file's bytes, at most 256 MiB of JSON.
        name: What an error calls the file; without it the message names none.

    Raises:
        FormatError: The bytes are no capture, cut, or beyond the limit.
    """
    with naming(name):
        return _read(data)


def _read(data: bytes) -> Captured:
    if len(data) > MAX_BYTES:
        raise TooMuch(f"This file is larger than {MAX_BYTES >> 20} MiB. {_HOW}")
    too_much = excess(data)
    if too_much is not None:
        raise TooMuch(f"This JSON is not read, since {too_much}. {_HOW}")
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise FormatError(
            f"This file is not JSON, or cut: the program that was recorded did not end ({reason}). {_HOW}"
        ) from None
    calls = value.get("api_calls") if isinstance(value, dict) else None
    if not isinstance(calls, list):
        raise FormatError(f"This JSON has no list of API calls. {_HOW}")
    heard = _Heard(_version(value.get("trt_version")))
    for call in calls:
        if isinstance(call, dict) and isinstance(call.get("function"), str):
            heard.hear(call)
    if not heard.networks:
        raise FormatError(f"This capture makes no network. {_HOW}")
    return heard.told(_text(value.get("output_bin")))


def _version(number: object) -> tuple[int, int, int] | None:
    """Major, minor and patch; TensorRT-RTX has a major below any TensorRT that captures."""
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 10**8:
        return None
    return number // 10_000, number // 100 % 100, number % 100


def _text(value: object) -> str | None:
    return value[:_LONGEST] if isinstance(value, str) and value else None


def _number(call: _Call, *keys: str) -> int | None:
    for key in keys:
        value = call.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
            return value
    return None


def _object(value: object) -> int | None:
    return _number(value, "object") if isinstance(value, dict) else None


def _type(call: _Call, *keys: str) -> str | None:
    number = _number(call, *keys)
    return None if number is None else TENSORRT_TYPES.get(number, f"type {number}")


def _extents(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, list) or len(value) > _MOST_EXTENTS:
        return None
    if not all(isinstance(v, int) and not isinstance(v, bool) and abs(v) < 2**63 for v in value):
        return None
    return tuple(value)


@dataclass
class _Layer:
    kind: str
    name: str = ""
    cast_to: str | None = None
    pinned: str | None = None
    output_types: dict[str, str] = field(default_factory=dict)
    weights: str | None = None


@dataclass
class _Tensor:
    name: str = ""
    type: str | None = None
    shape: tuple[int, ...] | None = None


class _Heard:
    """What the calls so far have made. Objects are known by their number in the capture."""

    def __init__(self, version: tuple[int, int, int] | None) -> None:
        self._version = version
        self._rtx = version is not None and version[0] < 8
        old = version is not None and not self._rtx and version[0] < 11
        self._flag_names = _FLAGS_10 if old else _FLAGS_11 if version is not None else {}
        self._calls = 0
        self.networks = 0
        self._built = False
        self._strong = not old if version is not None else None
        self._layers: dict[int, _Layer] = {}
        self._tensors: dict[int, _Tensor] = {}
        self._made_by: dict[int, _Layer] = {}
        self._inputs: list[_Tensor] = []
        self._outputs: list[int] = []
        self._flags: dict[str, bool] = {}
        self._settings: dict[str, str] = {}
        self._targets: list[str] = []
        self._ranges: dict[int, dict[str, dict[int, tuple[int, ...]]]] = {}
        self._profiles: list[int] = []
        self._weights: Counter[str] = Counter()
        self._hears = {
            "createNetworkV2": self._create_network,
            "addInput": self._add_input,
            "getOutput": self._get_output,
            "setName": self._set_name,
            "setType": self._set_type,
            "setPrecision": self._pin,
            "resetPrecision": self._unpin,
            "setOutputType": self._set_output_type,
            "markOutput": self._mark_output,
            "setDimensions": self._set_dimensions,
            "addOptimizationProfile": self._add_profile,
            "buildSerializedNetwork": self._build,
        }

    def hear(self, call: _Call) -> None:
        """Take in one call; a call that is not known changes nothing."""
        self._calls += 1
        function, kind = call["function"], call.get("class")
        made = _object(call.get("return"))
        if kind in _ADDS and function.startswith("add") and function not in _NO_LAYERS:
            self._add(call, function, made)
        elif kind == "BuilderConfig" and function != "addOptimizationProfile":
            self._configure(call, function)
        elif (hear := self._hears.get(function)) is not None:
            hear(call, made)

    def _add(self, call: _Call, function: str, made: int | None) -> None:
        layer = _Layer(function.removeprefix("add"))
        if function == "addCast":
            layer.cast_to = _type(call, "toType")
        most = -1
        for name, value in call.items():
            count = _number(value, "count") if isinstance(value, dict) else None
            if count is not None and count > 0 and name.lower().endswith("weights"):
                kind = _type(value, "type") or "unknown"
                self._weights[kind] += count
                if count > most:
                    layer.weights, most = kind, count
        self._layers[-1 - self._calls if made is None else made] = layer

    def _layer(self, call: _Call) -> _Layer | None:
        number = _number(call, "object")
        return None if number is None else self._layers.get(number)

    def _create_network(self, call: _Call, made: int | None) -> None:
        self.networks += 1
        flags = _number(call, "flags") or 0
        if self._strong is False and flags >> _STRONGLY_TYPED_BIT & 1:
            self._strong = True

    def _add_input(self, call: _Call, made: int | None) -> None:
        tensor = _Tensor(
            _text(call.get("name")) or "", _type(call, "type"), _extents(call.get("dimensions"))
        )
        self._inputs.append(tensor)
        if made is not None:
            self._tensors[made] = tensor

    def _get_output(self, call: _Call, made: int | None) -> None:
        layer = self._layer(call)
        if made is not None and layer is not None:
            self._made_by[made] = layer

    def _set_name(self, call: _Call, made: int | None) -> None:
        number, name = _number(call, "object"), _text(call.get("name"))
        if number is None or name is None:
            return
        if call.get("class") == "Tensor":
            self._tensors.setdefault(number, _Tensor()).name = name
        elif number in self._layers:
            self._layers[number].name = name

    def _set_type(self, call: _Call, made: int | None) -> None:
        number = _number(call, "object")
        if call.get("class") == "Tensor" and number is not None:
            self._tensors.setdefault(number, _Tensor()).type = _type(call, "type")

    def _pin(self, call: _Call, made: int | None) -> None:
        layer = self._layer(call)
        if layer is not None:
            layer.pinned = _type(call, "dataType", "type")

    def _unpin(self, call: _Call, made: int | None) -> None:
        layer = self._layer(call)
        if layer is not None:
            layer.pinned = None

    def _set_output_type(self, call: _Call, made: int | None) -> None:
        layer = self._layer(call)
        kind = _type(call, "dataType", "type")
        if layer is not None and kind is not None and len(layer.output_types) < _MOST_EXTENTS:
            layer.output_types[str(_number(call, "index") or 0)] = kind

    def _mark_output(self, call: _Call, made: int | None) -> None:
        number = _object(call.get("tensor"))
        if number is not None:
            self._outputs.append(number)

    def _set_dimensions(self, call: _Call, made: int | None) -> None:
        number, select = _number(call, "object"), _number(call, "select")
        name, dims = _text(call.get("inputName")), _extents(call.get("dims"))
        if number is not None and select is not None and name is not None and dims is not None:
            self._ranges.setdefault(number, {}).setdefault(name, {})[select] = dims

    def _add_profile(self, call: _Call, made: int | None) -> None:
        number = _object(call.get("profile"))
        if number is not None and len(self._profiles) < _MOST_SETTINGS:
            self._profiles.append(number)

    def _build(self, call: _Call, made: int | None) -> None:
        self._built = True

    def _configure(self, call: _Call, function: str) -> None:
        flag = _number(call, "builderFlag")
        if function in ("setFlag", "clearFlag") and flag is not None:
            self._flags[self._flag_name(flag)] = function == "setFlag"
        elif function == "setFlags":
            bits = _number(call, "builderFlags") or 0
            self._flags = {self._flag_name(n): True for n in range(64) if bits >> n & 1}
        elif function == "setComputeCapability":
            self._target(_number(call, "computeCapability"))
        elif function.startswith("set") and len(self._settings) < _MOST_SETTINGS:
            known = ("api_index", "class", "function", "object", "return")
            told = [
                v for k, v in call.items() if k not in known and isinstance(v, (int, float, str))
            ]
            if told:
                setting = " ".join(str(value)[:_LONGEST] for value in told)
                self._settings[function.removeprefix("set")] = setting

    def _target(self, number: int | None) -> None:
        if number is not None and 10 <= number < 1000 and len(self._targets) < _MOST_SETTINGS:
            self._targets.append(f"{number // 10}.{number % 10}")

    def _flag_name(self, number: int) -> str:
        return self._flag_names.get(number, f"flag {number}")

    def told(self, weights_file: str | None) -> Captured:
        """All that was heard."""
        typing = {True: Typing.STRONG, False: Typing.WEAK, None: Typing.UNKNOWN}[self._strong]
        version = self._version
        identity = EngineIdentity(
            container="api-capture",
            product=None if version is None else "tensorrt-rtx" if self._rtx else "tensorrt",
            tensorrt_version=None if version is None else ".".join(map(str, version)),
            compute_capabilities=tuple(dict.fromkeys(self._targets)) or None,
            io=(*self._io_inputs(), *self._io_outputs()),
            profiles=tuple(self._shapes(number) for number in self._profiles) or None,
            tf32_allowed=self._flags.get("TF32", True) if version is not None else None,
        )
        capture = ApiCapture(
            calls=self._calls,
            layers=tuple(
                CapturedLayer(
                    name=layer.name,
                    kind=layer.kind,
                    cast_to=layer.cast_to,
                    pinned=layer.pinned,
                    output_types=layer.output_types,
                    weights=layer.weights,
                )
                for layer in self._layers.values()
            ),
            networks=self.networks,
            built=self._built,
            flags=tuple(name for name, on in self._flags.items() if on),
            cleared=tuple(name for name, on in self._flags.items() if not on),
            settings=self._settings,
            weights=dict(self._weights.most_common()),
            weights_file=weights_file,
        )
        return Captured(identity, typing, capture)

    def _io_inputs(self) -> Iterator[IOTensor]:
        for tensor in self._inputs:
            yield IOTensor(
                name=tensor.name, mode="input", dtype=tensor.type or "unknown", shape=tensor.shape
            )

    def _io_outputs(self) -> Iterator[IOTensor]:
        for number in dict.fromkeys(self._outputs):
            tensor, layer = self._tensors.get(number, _Tensor()), self._made_by.get(number)
            kind = tensor.type or (layer.cast_to if layer is not None else None)
            name = tensor.name or (layer.name if layer is not None else "")
            yield IOTensor(name=name, mode="output", dtype=kind or "unknown")

    def _shapes(self, number: int) -> dict[str, ShapeRange]:
        return {
            name: ShapeRange(min=told[_MIN], opt=told[_OPT], max=told[_MAX])
            for name, told in self._ranges.get(number, {}).items()
            if {_MIN, _OPT, _MAX} <= told.keys()
        }
