"""PyTorch's files: which of them hold a plan, and where. Nothing in them is ever unpickled."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from .kinds import Container, Encoding, PlanSpan, Recognised
from .pickles import PickledString, pickled_strings
from .source import Source

_LEGACY = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
_LEGACY_PICKLES = 5
_PICKLE = re.compile(rb"\x80[\x02-\x05][\x95}(\]cq]")
_PLAN_MAGICS = (b"ftrt", b"vtrt", b"ptrt")
_BASE64_MAGICS = (b"ZnRydA", b"dnRydA", b"cHRydA")
_DEVICE = re.compile(rb"\d{1,3}%(\d{1,2})%(\d)%\d{1,2}%([^%]{1,128})$")
_PLATFORM = re.compile(rb"(linux_x86_64|linux_aarch64|win_x86_64)$")
_END = struct.Struct("<4sHHHHIIH")
_END64_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_ENTRY = struct.Struct("<4sHHHHHHIIIHHHHHII")
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_DIRECTORY_LIMIT = 8 << 20
_MOST_ENTRIES = 65_536
_MOST_PICKLES = 8


class _Member(NamedTuple):
    name: bytes
    offset: int
    size: int
    stored: bool


def recognise_torch(source: Source, head: bytes) -> Recognised | None:
    """Say what a zip file, a pickle or an old torch file is; None for anything else."""
    if head.startswith(_LEGACY):
        return _saved(_Strings(pickled_strings(source, 0, source.size, _LEGACY_PICKLES)), False)
    if _PICKLE.match(head):
        strings = _Strings(pickled_strings(source, 0, source.size))
        return _saved(strings, False) if strings.plan is not None else None
    if not head.startswith(b"PK\x03\x04"):
        return None
    members = list(_members(source))
    if not members:
        return Recognised(
            container=Container.ARCHIVE,
            what="This is a zip archive, cut short or damaged.",
            to_do="Copy it again.",
            damaged="its directory is missing",
        )
    if any(member.name == b"tfplan" for member in members):
        return Recognised(
            container=Container.TERRAFORM,
            what="This is a plan of Terraform, not TensorRT's.",
            to_do="Check that this is the file that was meant.",
        )
    pickles = [member for member in members if member.name.endswith(b".pkl")]
    if not pickles:
        return Recognised(
            container=Container.ARCHIVE,
            what="This is a zip archive.",
            to_do="Unpack it with `unzip`.",
        )
    script = any(b"/code/" in m.name or m.name.endswith(b"/constants.pkl") for m in members)
    return _saved(_Strings(_all_strings(source, pickles)), script)


class _Strings:
    """What matters of a pickle's strings."""

    def __init__(self, strings: Iterator[PickledString]) -> None:
        self.plan: PlanSpan | None = None
        self.torch2trt = False
        self.torch_tensorrt = False
        self.metadata: dict[str, str] = {}
        keys = set()
        for string in strings:
            head = string.head
            if string.length == len(head) and head in (b"engine", b"input_names"):
                keys.add(head)
            elif head[:4] in _PLAN_MAGICS and string.length > 64:
                encoding = Encoding.UTF8 if string.text else Encoding.RAW
                self._found(string, encoding)
            elif head[:6] in _BASE64_MAGICS and string.length > 64:
                self.torch_tensorrt = True
                self._found(string, Encoding.BASE64)
            elif string.length == len(head):
                self._describe(head)
        self.torch2trt = len(keys) == 2

    def _found(self, string: PickledString, encoding: Encoding) -> None:
        if self.plan is None:
            self.plan = PlanSpan(offset=string.offset, length=string.length, encoding=encoding)

    def _describe(self, text: bytes) -> None:
        device = _DEVICE.match(text)
        if device:
            self.torch_tensorrt = True
            self.metadata["compute_capability"] = f"{int(device[1])}.{int(device[2])}"
            self.metadata["device"] = device[3].decode("utf-8", "replace")
        elif _PLATFORM.match(text):
            self.metadata["platform"] = text.decode()


def _saved(strings: _Strings, script: bool) -> Recognised:
    if strings.plan is not None and strings.torch2trt:
        container, name = Container.TORCH2TRT, "a torch2trt module"
    elif strings.torch_tensorrt and (script or strings.plan is not None):
        container, name = Container.TORCH_TENSORRT, "a Torch-TensorRT module"
    elif script:
        container, name = Container.TORCHSCRIPT, "a TorchScript module"
    else:
        container, name = Container.TORCH, "a pickle, as torch.save writes"
    if strings.plan is None:
        return Recognised(
            container=container,
            what=f"This is {name}; no plan was found in it.",
            to_do="Export the model to ONNX and build a plan from that.",
            metadata=strings.metadata,
        )
    return Recognised(
        container=container,
        what=f"This is {name} with a plan inside.",
        to_do="Load it with the library that wrote it, or extract the plan.",
        plan=strings.plan,
        metadata=strings.metadata,
    )


def _all_strings(source: Source, pickles: list[_Member]) -> Iterator[PickledString]:
    for member in pickles[:_MOST_PICKLES]:
        if not member.stored:
            continue
        local = source.read(member.offset, _LOCAL.size)
        if len(local) < _LOCAL.size or local[:4] != b"PK\x03\x04":
            continue
        *_, name_length, extra_length = _LOCAL.unpack(local)
        start = member.offset + _LOCAL.size + name_length + extra_length
        yield from pickled_strings(source, start, min(source.size, start + member.size))


def _members(source: Source) -> Iterator[_Member]:
    """Read a zip file's directory, within limits."""
    directory = _directory(source)
    if directory is None:
        return
    offset, size = directory
    raw = source.read(offset, min(size, _DIRECTORY_LIMIT))
    position = 0
    for _ in range(_MOST_ENTRIES):
        if position + _ENTRY.size > len(raw) or raw[position : position + 4] != b"PK\x01\x02":
            return
        entry = _ENTRY.unpack_from(raw, position)
        method, stored_size, name_length, extra_length, comment_length, local = (
            entry[4],
            entry[8],
            entry[10],
            entry[11],
            entry[12],
            entry[16],
        )
        start = position + _ENTRY.size
        name = raw[start : start + name_length]
        extra = raw[start + name_length : start + name_length + extra_length]
        if 0xFFFFFFFF in (stored_size, entry[9], local):
            stored_size, local = _wide(extra, stored_size, entry[9], local)
        yield _Member(name, local, stored_size, method == 0)
        position = start + name_length + extra_length + comment_length


def _wide(extra: bytes, stored: int, whole: int, local: int) -> tuple[int, int]:
    """Return size and offset; the 64-bit field has only those that did not fit 32 bits."""
    position = 0
    while position + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, position)
        if tag == 1:
            values = extra[position + 4 : position + 4 + length]
            at = 8 if whole == 0xFFFFFFFF else 0
            if stored == 0xFFFFFFFF:
                stored = int.from_bytes(values[at : at + 8], "little")
                at += 8
            if local == 0xFFFFFFFF:
                local = int.from_bytes(values[at : at + 8], "little")
            break
        position += 4 + length
    return stored, local


def _directory(source: Source) -> tuple[int, int] | None:
    tail_start = max(0, source.size - 65_557)
    tail = source.read(tail_start, 65_557)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(tail):
        return None
    end = _END.unpack_from(tail, at)
    size, offset = end[5], end[6]
    if 0xFFFFFFFF in (size, offset) or end[4] == 0xFFFF:
        locator = at - _END64_LOCATOR.size
        if locator >= 0 and tail[locator : locator + 4] == b"PK\x06\x07":
            where = _END64_LOCATOR.unpack_from(tail, locator)[2]
            raw = source.read(where, _END64.size)
            if len(raw) == _END64.size and raw[:4] == b"PK\x06\x06":
                wide = _END64.unpack(raw)
                size, offset = wide[8], wide[9]
    return offset, size
