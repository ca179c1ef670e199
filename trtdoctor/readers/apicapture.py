"""What TensorRT's API capture recorded of a build: the functions that were called, and constants.

From TensorRT 10.13 on (TensorRT-RTX 1.4) the capture library, ``libtensorrt_shim.so``, writes the calls
that build a network as JSON to ``TRT_SHIM_OUTPUT_JSON_FILE``, with weights of up to eight elements; larger
ones lie in a .bin file beside it, which is never read. (TensorRT documentation, "TensorRT API Capture and
Replay" and "Environment Variables", 11.4.)

NVIDIA does not document how the JSON is laid out. So nothing here depends on that: the names of API
functions and of constants are counted wherever they stand, as keys or as texts. Whatever is written as
a number, an enumerator say, is not understood and not told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from ..model.json_bounds import excess
from ..model.recorded import ApiCapture
from .errors import FormatError, TooMuch, naming

MAX_BYTES = 1 << 28

_HOW = (
    "Give the JSON file that TensorRT's API capture writes to TRT_SHIM_OUTPUT_JSON_FILE; its .bin file "
    "holds weights and is not read."
)
_CALL = re.compile(
    r"(?:nvinfer1::)?(?:v_\d+_\d+::)?(?:I[A-Z]\w*(?:::|\.|_))?"
    r"((?:add|set|mark|unmark|create|build|clear|reset)[A-Z]\w{0,80})"
)
_CONSTANT = re.compile(r"(?:nvinfer1::)?(?:([A-Z]\w{1,40})::)?(k[A-Z][A-Z0-9_]{0,40})")
_LONGEST_NAME = 200
_MOST_NAMES = 2000
_MOST_VERSIONS = 10
_LONGEST_VERSION = 100
# A file with none of these records no build.
_OF_A_BUILD = ("createNetworkV2", "createBuilderConfig", "buildSerializedNetwork", "addInput")
_MARKS = tuple(f'{mark}"'.encode() for mark in _OF_A_BUILD)


def is_api_capture(head: bytes) -> bool:
    """Whether a file that begins so is a capture, as far as that can be seen."""
    return head.lstrip()[:1] in (b"{", b"[") and any(mark in head for mark in _MARKS)


def read_api_capture(data: bytes, *, name: str | None = None) -> ApiCapture:
    """Counts what a capture names.

    Args:
        data: The file's bytes, at most 256 MiB of JSON.
        name: What an error calls the file; without it the message names none.

    Raises:
        FormatError: The bytes are no capture, cut, or beyond the limit.
    """
    with naming(name):
        return _read(data)


def _read(data: bytes) -> ApiCapture:
    if len(data) > MAX_BYTES:
        raise TooMuch(f"This file is larger than {MAX_BYTES >> 20} MiB. {_HOW}")
    too_much = excess(data)
    if too_much is not None:
        raise TooMuch(f"This JSON is not read, since {too_much}. {_HOW}")
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = str(error) if isinstance(error, ValueError) else "nested too deeply"
        raise FormatError(f"This file is no JSON ({reason}). {_HOW}") from None
    calls, constants, versions = Counter[str](), Counter[str](), dict[str, str]()
    for key, text in _texts(value):
        if call := _CALL.fullmatch(text):
            _count(calls, call[1])
        elif constant := _CONSTANT.fullmatch(text):
            _count(constants, "::".join(part for part in constant.groups() if part))
        elif key is not None and "version" in key.lower() and len(versions) < _MOST_VERSIONS:
            versions.setdefault(key[:_LONGEST_VERSION], text[:_LONGEST_VERSION])
    if not any(call in calls for call in _OF_A_BUILD):
        raise FormatError(f"This JSON names none of the calls that build a network. {_HOW}")
    return ApiCapture(
        calls=dict(calls.most_common()),
        constants=dict(constants.most_common()),
        versions=versions,
    )


def _count(counter: Counter[str], name: str) -> None:
    if name in counter or len(counter) < _MOST_NAMES:
        counter[name] += 1


def _texts(value: Any) -> Iterator[tuple[str | None, str]]:
    """All short texts, in order: keys without a key of their own, and values with theirs."""
    waiting: list[tuple[str | None, Any]] = [(None, value)]
    while waiting:
        key, item = waiting.pop()
        if isinstance(item, str):
            if len(item) <= _LONGEST_NAME:
                yield key, item
        elif isinstance(item, dict):
            for name in item:
                if len(name) <= _LONGEST_NAME:
                    yield None, name
            waiting += reversed([(name, inner) for name, inner in item.items()])
        elif isinstance(item, list):
            waiting += reversed([(key, inner) for inner in item])
        elif key is not None and isinstance(item, int) and "version" in key.lower():
            yield key, str(item)
