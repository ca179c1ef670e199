"""Sentences of the log that matter beside the timings, and the banner's settings."""

from __future__ import annotations

import re
from functools import cache

from ...knowledge import Knowledge, NoteKind
from .log_facts import NetworkTensor, Note, OnnxNode, Setting

_SETTINGS = frozenset(
    {
        "precision",
        "layerprecisions",
        "layeroutputtypes",
        "layer device types",
        "precision constraints",
        "input(s)s format",
        "output(s)s format",
        "avgtiming",
        "builderoptimizationlevel",
        "memory pools",
        "timingcachemode",
        "timingcachefile",
        "tensorrt version",
        "tactic sources",
        "allow gpu fallback for dla",
        "dlacore",
        "flags",
        "engine capability",
        "profiling verbosity",
        "selected device",
        "compute capability",
        "enqueue time",
        "gpu compute time",
    }
)


_LIBRARY = re.compile(
    r"libnvinfer_builder_resource(?:_sm\d{2,3})?\.so\.(\d{1,3}(?:\.\d{1,3}){2,3})(?![\w.])"
)


@cache
def _sentences() -> tuple[tuple[str, re.Pattern[str], NoteKind], ...]:
    """What each sentence holds, its pattern and its kind; the table is read once a process."""
    return tuple(
        (row.phrase, re.compile(row.regex), row.kind)
        for row in Knowledge.load().noted_messages()
        if row.kind is not None and row.phrase is not None
    )


@cache
def phrases() -> tuple[bytes, ...]:
    """One of these is in every line that makes a note; in the order to try them."""
    return tuple(dict.fromkeys(phrase.encode() for phrase, _, _ in _sentences()))


def note_of(line: int, text: str) -> Note | None:
    """The note that a line makes, or None."""
    for phrase, pattern, kind in _sentences():
        if phrase in text and (found := pattern.search(text)):
            subject = found.groupdict().get("layer")
            return Note(kind=kind, line=line, text=text.strip(), subject=subject)
    return None


def setting_of(line: int, text: str) -> Setting | None:
    """``Key: value`` of trtexec or ``Key | value`` of Polygraphy, if the key matters."""
    for mark in (": ", "|", ":"):
        key, found, value = text.partition(mark)
        key = key.rpartition("] ")[2].strip()
        if found and key.casefold() in _SETTINGS:
            return Setting(key=key, value=value.strip(), line=line)
    return None


def command_of(line: int, text: str) -> Setting | None:
    """The command behind ``&&&& RUNNING TensorRT.trtexec [...] #``, as the setting ``command``."""
    command = text.partition("] # ")[2].strip()
    return Setting(key="command", value=command, line=line) if command else None


def library_of(line: int, text: str) -> tuple[Setting, str] | None:
    """``Loaded shared library libnvinfer_builder_resource_sm89.so.10.16.0``, and the release in it.

    Releases from 10 on have one such library for each kind of GPU.
    """
    found = _LIBRARY.search(text)
    if found is None:
        return None
    return Setting(key="builder resource", value=found.group(0), line=line), found.group(1)


def version_of(text: str) -> str | None:
    """``[TensorRT v101601]`` or ``TensorRT version: 8.6.1`` as a dotted version."""
    digits = text.partition("[TensorRT v")[2].partition("]")[0]
    if digits.isdigit() and 4 <= len(digits) <= 6:
        number = int(digits)
        scale = 1000 if len(digits) == 4 else 10000
        return f"{number // scale}.{number % scale // 100}.{number % 100}"
    dotted = text.partition("TensorRT version: ")[2].split(" ")[0].strip()
    parts = dotted.split(".")
    if len(parts) > 1 and all(part.isdigit() for part in parts):
        return dotted
    return None


def network_input(line: int, text: str) -> NetworkTensor | None:
    """``Adding network input: x with dtype: float32, dimensions: (-1, 1024)``."""
    rest = text.partition("Adding network input: ")[2]
    name, _, rest = rest.partition(" with dtype: ")
    dtype, found, dims = rest.partition(", dimensions: (")
    if not found or not name:
        return None
    try:
        extents = tuple(int(part) for part in dims.partition(")")[0].split(",") if part.strip())
    except ValueError:
        return None
    return NetworkTensor(name=name, dtype=dtype, dims=extents, line=line)


def onnx_node(line: int, text: str) -> OnnxNode | None:
    """``Parsing node: NAME [OP]``."""
    rest = text.partition("Parsing node: ")[2]
    name, opened, op = rest.rpartition(" [")
    if not opened or not op.endswith("]"):
        return None
    return OnnxNode(name=name, op=op[:-1], line=line)
