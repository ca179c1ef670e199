"""Writes plans of every known layout from scratch: no byte of them is NVIDIA's.

Class numbers are made up on purpose: the reader must not depend on them.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

DTYPES = {
    "FP32": 0,
    "FP16": 1,
    "INT8": 2,
    "INT32": 3,
    "BOOL": 4,
    "UINT8": 5,
    "FP8": 6,
    "BF16": 7,
    "INT64": 8,
}


@dataclass(frozen=True)
class Tensor:
    name: str
    dtype: str = "FP32"
    shape: tuple[int, ...] = (1, 8)
    mode: str | None = None
    binding: int = 0


@dataclass(frozen=True)
class LayerSpec:
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    metadata: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    code: int = 9
    myelin: bytes = b""


@dataclass(frozen=True)
class Engine:
    """What is written. ``weights`` is in bytes; ``profiles`` maps inputs to min, opt, max."""

    version: tuple[int, int, int, int] = (8, 6, 1, 6)
    tensors: tuple[Tensor, ...] = (
        Tensor("x", "FP32", (-4, 8), "input", 0),
        Tensor("h", "FP16", (-4, 16)),
        Tensor("y", "INT32", (-4, 4), "output", 1),
    )
    layers: tuple[LayerSpec, ...] = (
        LayerSpec(
            "conv + relu",
            ("x",),
            ("h",),
            "[ONNX Layer: conv]\x1e[ONNX Layer: relu[0]]",
            (
                ("ParameterType", "Convolution"),
                ("Kernel", "[3,3]"),
                ("Weights", '{"Type": "Half", "Count": 432}'),
                ("TacticName", "sm80_own_kernel_f16f16"),
            ),
        ),
        LayerSpec("same", ("h",), ("h",), code=44),
        LayerSpec("last", ("h", "x"), ("y",), "[ONNX Layer: last]", (("ParameterType", "TopK"),)),
    )
    profiles: tuple[dict[str, tuple[tuple[int, ...], ...]], ...] = (
        {"x": ((1, 8), (2, 8), (4, 8))},
    )
    weights: int = 64
    capability: tuple[int, int] = (8, 9)
    multiprocessors: int = 128
    bus: int = 384
    memory: int = 24 << 30
    integrated: bool = False
    level: int = 0
    refit: bool = False
    tf32: bool = True
    sparse: bool = False
    implicit: bool = False
    batch: int = 1
    streaming: bool = False
    verbosity: int = 2
    platform: bytes = b"rtrt"
    mask: int = 0x7E
    padding_items: int = 0

    @property
    def order(self) -> str:
        """Which shape of block this release writes."""
        if self.rtx or self.version >= (10, 9):
            return "C"
        return "A" if self.version < (8,) else "B"

    @property
    def rtx(self) -> bool:
        return self.version[0] == 1


class Stream:
    """Tagged items. ``closes`` from 8.0 on; 8.0 alone ``repeats`` the tags of elements."""

    def __init__(self, version: tuple[int, ...], rtx: bool) -> None:
        modern = rtx or version >= (8, 2)
        self.high = 0x8000 if modern else 0
        self.class_high = 0x8000 if rtx or version >= (8, 0) else 0
        self.closes = rtx or version >= (8, 0)
        self.repeats = not rtx and (8, 0) <= version < (8, 2)
        self.char = 12 if rtx or version >= (8, 0) else 13
        self.string = 0x8018 if modern else (0x8002 if self.closes else 0x0E)
        self.wide = rtx or version >= (10, 0)
        self.out = bytearray()
        self.open_classes: list[int] = []

    def scalar(self, number: int, code: str, value) -> Stream:
        self.out += struct.pack("<HH" + code, number | self.high, 1, value)
        return self

    def u8(self, v):
        return self.scalar(2, "B", v)

    def i8(self, v):
        return self.scalar(3, "b", v)

    def u32(self, v):
        return self.scalar(6, "I", v)

    def i32(self, v):
        return self.scalar(7, "i", v)

    def u64(self, v):
        return self.scalar(8, "Q", v)

    def i64(self, v):
        return self.scalar(9, "q", v)

    def bool(self, v):
        return self.scalar(10, "B", int(v))

    def count(self, v):
        return self.i64(v) if self.wide and not self.rtx_counts else self.u64(v)

    rtx_counts = False

    def array_head(self, element: int, count: int) -> Stream:
        self.out += struct.pack("<HHHQ", 1 | self.high, element, 1, count)
        return self

    def array(self, number: int, code: str, values) -> Stream:
        tag = number | self.high
        self.array_head(tag, len(values))
        for value in values:
            if self.repeats:
                self.out += struct.pack("<HH", tag, 1)
            self.out += struct.pack("<" + code, value)
        return self

    def ints(self, values):
        return self.array(7, "i", values)

    def longs(self, values):
        return self.array(9, "q", values) if self.wide else self.ints(values)

    def chars(self, raw: bytes) -> Stream:
        return self.array(self.char, "B", raw)

    def blob(self, raw: bytes) -> Stream:
        self.array_head(3 | self.high, len(raw))
        self.out += raw
        return self

    def text(self, text: str) -> Stream:
        raw = text.encode()
        self.out += struct.pack("<HHQ", self.string, 1, len(raw))
        self.out += struct.pack("<HHHQ", 1 | self.high, self.char | self.high, 1, len(raw)) + raw
        return self

    def open(self, number: int) -> Stream:
        tag = number | self.class_high
        self.out += struct.pack("<HH", tag, 1)
        self.open_classes.append(tag)
        return self

    def enum(self, number: int, value: int) -> Stream:
        self.out += struct.pack("<HH", number | self.class_high, 1)
        return self.i32(value)

    def close(self) -> Stream:
        tag = self.open_classes.pop()
        if self.closes:
            self.out += struct.pack("<H", ~tag & 0xFFFF)
        return self

    def end_element(self, number: int) -> Stream:
        if self.closes:
            self.out += struct.pack("<H", ~(number | self.class_high) & 0xFFFF)
        return self

    def dims(self, values) -> Stream:
        self.open(0x59).i32(len(values)).longs(values)
        return self.close()

    def classes(self, number: int, count: int) -> Stream:
        return self.array_head(number | self.class_high, count)


def body(engine: Engine) -> bytes:
    s = Stream(engine.version, engine.rtx)
    s.rtx_counts = engine.rtx or engine.version >= (10, 9)
    for part in engine.version:
        s.u8(part)
    _device(s, engine)
    old = not engine.rtx and engine.version < (10, 9)
    if engine.version >= (8, 0) and old:
        s.open(0xB0).i64(engine.weights)
        s.out += b"\x21" * engine.weights
        s.close()
    _flags(s, engine)
    s.text("Network").array(8, "Q", [512])
    _tensors(s, engine)
    _layers(s, engine)
    for _ in range(engine.padding_items):
        s.u64(0)
    if engine.version >= (8, 0) or engine.rtx:
        _pool(s, engine)
        _profiles(s, engine)
    if engine.version >= (8, 5) or engine.rtx:
        s.u32(0x8B8D8B8F)
    return bytes(s.out)


def _device(s: Stream, e: Engine) -> None:
    major, minor = (0, 0) if e.rtx else e.capability
    if e.rtx or e.version >= (8, 6):
        s.enum(0xE5, e.level)
    if e.rtx or e.version >= (10, 9):
        s.open(0x11).open(0x0F)
        machine = (0, 0, 0) if e.rtx else (e.memory, 1 << 20, 0)
        s.i64(machine[0]).u64(machine[1]).u64(machine[2])
        rest = (
            [0] * 10
            if e.rtx
            else [
                1500000,
                9000000,
                e.bus,
                49152,
                102400,
                e.multiprocessors,
                int(e.integrated),
                0,
                0,
            ]
        )
        for value in rest[:9]:
            s.i32(value)
        s.i32(8 if e.rtx else major).i32(minor).i32(512)
        s.close().close()
        return
    s.open(0x12).open(0x10)
    for value in (major, minor, 1500000, 9000000, e.bus):
        s.i32(value)
    s.u64(1 << 20)
    if e.version >= (8, 5):
        s.u64(1 << 19).i32(49152).i32(102400).i32(512)
    else:
        s.u64(49152).u64(65536).u64(512)
    s.i32(e.multiprocessors).bool(e.integrated)
    if e.version >= (7, 1):
        for value in (1024, 0x7FFFFFFF, 65535, 65535):
            s.i32(value)
        s.i64(e.memory)
    s.close().close()


def _flags(s: Stream, e: Engine) -> None:
    if e.rtx or e.version >= (10, 0):
        s.open(0xE8).i32(4 if e.refit else 0).bool(False).bool(True).bool(e.streaming).enum(0x31, 0)
        s.open_classes.pop()
        return
    s.i32(e.batch).bool(e.implicit)
    if e.version >= (8, 0):
        s.bool(e.refit).bool(False).bool(e.tf32).bool(e.sparse).enum(0x34, 0)
    else:
        s.bool(False).i8(3)


def _tensors(s: Stream, e: Engine) -> None:
    copies = max(1, len(e.profiles))
    tensors = list(e.tensors)
    bound = [t for t in e.tensors if t.mode]
    for number in range(1, copies):
        for t in bound:
            tensors.append(
                Tensor(
                    f"{t.name} [profile {number}]",
                    t.dtype,
                    t.shape,
                    t.mode,
                    t.binding + number * len(bound),
                )
            )
    s.count(len(tensors))
    for t in reversed(tensors):
        s.open(0xB1).enum(0x29, 0 if t.mode else 1).open(0xAF)
        s.text(t.name).open(0x3A).i8(0).enum(0x0E, DTYPES[t.dtype]).i8(0)
        s.longs([1] * 8).i32(-(1 << 31)).close()
        s.dims(t.shape)
        if t.mode:
            s.enum(0x27, 0).enum(0x56, int(t.mode == "output")).u32(t.binding)
        else:
            s.open(0x4A).i32(0).i32(0).close()
        s.close().close()


def _references(s: Stream, e: Engine, names: tuple[str, ...]) -> None:
    shapes = {t.name: t.shape for t in e.tensors}
    s.count(len(names)).classes(0x6C, len(names))
    for name in names:
        s.text(name).dims([0] * len(shapes[name])).dims(shapes[name])
        s.end_element(0x6C)


def _layers(s: Stream, e: Engine) -> None:
    s.count(len(e.layers))
    for layer in e.layers:
        s.enum(0x0F, layer.code).open(0x82)
        _references(s, e, layer.inputs)
        _references(s, e, layer.outputs)
        s.text(layer.name)
        if e.rtx or e.version >= (8, 6):
            s.text(layer.metadata)
        s.enum(0x0F, layer.code - (1 << 31) if e.version >= (8, 2) or e.rtx else layer.code).u64(
            77
        ).i32(-1)
        if layer.myelin:
            s.blob(layer.myelin)
        s.close()


def _pool(s: Stream, e: Engine) -> None:
    parts = [b"".join(f"{k}\0{v}\0".encode() for k, v in layer.pairs) for layer in e.layers]
    offsets = [0]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    s.u64(0).open(0xB2).chars(b"".join(parts)).array(9, "q", offsets).close()


def _profiles(s: Stream, e: Engine) -> None:
    bound = sorted((t for t in e.tensors if t.mode), key=lambda t: t.binding)
    if e.version >= (8, 2) or e.rtx:
        s.classes(0x9E, len(e.profiles))
        for profile in e.profiles:
            s.classes(0x9C, len(bound))
            for t in bound:
                s.classes(0x59, 3)
                shapes = profile.get(t.name)
                for index in range(3):
                    if shapes is None:
                        s.i32(-1)
                    else:
                        s.i32(len(shapes[index])).longs(shapes[index])
                    s.end_element(0x59)
                s.end_element(0x9C)
            s.classes(0x9D, 1).bool(False).end_element(0x9D).end_element(0x9E)
        copies = max(1, len(e.profiles))
        s.ints(range(copies + 1)).ints(range(1, copies + 1)).enum(0xA6, e.verbosity)


def block(engine: Engine) -> bytes:
    content = body(engine)
    if engine.order == "A":
        return struct.pack("<4sIIQI", b"ptrt", 97, 211, len(content), zlib.crc32(content)) + content
    if engine.order == "B":
        checksum = zlib.crc32(content) if engine.version < (8, 2) else 0
        return struct.pack("<4sIIIQ", b"ptrt", 0, 236, checksum, len(content)) + content
    return struct.pack("<4sIQI", b"ptrt", 239, len(content), 0) + content


END_MARK = b"\x99\x8b\x8d\x8b"


def plan(engine: Engine | None = None) -> bytes:
    """Write a plan; TensorRT-RTX for versions 1.x, the bare block up to 8.5."""
    engine = engine or Engine()
    inner = block(engine)
    if not engine.rtx and engine.version < (8, 6):
        return inner
    weights = b"\x42" * engine.weights if engine.rtx or engine.version >= (10, 9) else None
    return container(engine, inner, weights)


def container(engine: Engine, inner: bytes, weights: bytes | None) -> bytes:
    sections = [(b"NGNE", inner)] + ([(b"THGW", weights)] if weights is not None else [])
    start = (64 if engine.rtx else 32) + 24 * len(sections)
    table, content, offset = b"", b"", start
    for tag, data in sections:
        padding = -offset % 8
        content += b"\0" * padding
        offset += padding
        table += struct.pack("<4sIQQ", tag, 0, offset, len(data))
        content += data
        offset += len(data)
    padding = -(offset + 4) % 4
    size = offset + padding + 4
    if engine.rtx:
        resident = 0 if engine.streaming else engine.weights
        head = struct.pack(
            "<4sIQQ4B4sI12xIIQ",
            b"vtrt",
            0,
            len(sections),
            size,
            *engine.version,
            b"vtrt",
            engine.mask,
            13020,
            0,
            resident,
        )
    else:
        tag = engine.platform if engine.version >= (10, 0) else b"\0" * 4
        head = struct.pack("<4sIQQ4B4s", b"ftrt", 0, len(sections), size, *engine.version, tag)
    return head + table + content + b"\0" * padding + END_MARK


def legacy_plan() -> bytes:
    """A plan of TensorRT 5.0.6.3: a size, then a flatbuffer with a version and a device."""
    buffer = bytearray(b"\0" * 4)

    def table(fields: list[int | bytes | None]) -> int:
        """Append a vtable and a table of 4-byte fields, None for absent ones; return its place."""
        vtable = len(buffer)
        offsets, at = [], 4
        for value in fields:
            offsets.append(0 if value is None else at)
            at += 0 if value is None else 4
        buffer.extend(struct.pack(f"<HH{len(fields)}H", 4 + 2 * len(fields), at, *offsets))
        while len(buffer) % 4:
            buffer.append(0)
        position = len(buffer)
        buffer.extend(struct.pack("<i", position - vtable))
        for value in fields:
            if value is not None:
                buffer.extend(struct.pack("<i", value))
        return position

    root = table([None, 0, 0])
    struct.pack_into("<I", buffer, 0, root)
    slots = (root + 4, root + 8)
    version = table([5, None, 6, 3])
    struct.pack_into("<I", buffer, slots[0], version - slots[0])
    device = table([0, 6, 2, 1300000, 1300000, 128])
    struct.pack_into("<I", buffer, slots[1], device - slots[1])
    name = len(buffer)
    buffer.extend(struct.pack("<I", 12) + b"Own Tegra 01\0")
    struct.pack_into("<I", buffer, device + 4, name - (device + 4))
    return struct.pack("<Q", 8 + len(buffer)) + bytes(buffer)


def myelin(text: str, version: int = 2022049, constants: bytes = b"\0" * 32) -> bytes:
    raw = text.encode()
    return struct.pack("<4sIQ", b"NLYM", version, len(raw)) + raw + constants


# A statement is one line.
_MATRIX = (
    '  fully_connected={ name="mm" output={"inner 1" } input={"x.1" "w_constant" "alpha" } '
    'kernel=own_stub layers="[ONNX Layer: mm]" }'
)
_FUNCTION = (
    '  function={ name=own_Add fqn=own_Add_0x1 args={ "inner 1" "size" "part^deref" } '
    'input_args={ "inner 1" "size" } output_args={ "part^deref" } grid = { 1 1 1 } '
    "cond_fqn = { function = other } "
    'layers="[ONNX Layer: add]\x1f[ONNX Layer: top}]" }'
)

MYELIN_TEXT = """header {
  version = 5
  region = { name=own size=64 }
  inputs={ "x.1" }
  outputs={ "y.1" }
  tf32=1
  version_compatible=0
  accelerators={sm80 }
}
descriptors {
  tensor={ dims={ 4 8 } mem_prop=0 name="x.1" region="" type=float }
  tensor={ dims={ 4 16 } mem_prop=0 name="inner 1" region="devmem" type=half }
  tensor={ const_payload_size=256 dims={ 8 16 } name="w_constant" region=own-consts type=half }
  tensor={ const_payload_size=4 dims={ 1 } name="alpha" region=own-consts type=float }
  tensor={ dims={ 1 } mem_prop=100 name="size" region="system_hmem" type=int64 }
  sub_tensor={ base="y.1" dims={ 4 4 } mem_prop=0 name="part^deref" type=int32 }
  tensor={ dims={ 4 4 } mem_prop=0 name="y.1" region="" type=int32 }
}
main {
 label bb1:
  shape_call={ name="shapes" stream=0  layers="" subg_id=0 }
MATRIX_STATEMENT
FUNCTION_STATEMENT
}
shape_main {
 label bb2:
  copy={ name="not counted" output={"size" } input={"x.1" } }
}
""".replace("MATRIX_STATEMENT", _MATRIX).replace("FUNCTION_STATEMENT", _FUNCTION)


def releases() -> dict[str, Engine]:
    """One engine a layout."""
    fused = LayerSpec(
        "{ForeignNode[mm...add]}",
        ("x",),
        ("y",),
        "[ONNX Layer: mm]",
        code=35,
        myelin=myelin(MYELIN_TEXT),
    )
    return {
        "6.0": Engine(version=(6, 0, 1, 10), implicit=True, batch=16),
        "7.1": Engine(
            version=(7, 1, 3, 0),
            implicit=True,
            batch=16,
            capability=(7, 2),
            integrated=True,
            multiprocessors=6,
        ),
        "8.0": Engine(version=(8, 0, 1, 6)),
        "8.2": Engine(version=(8, 2, 1, 8)),
        "8.5": Engine(version=(8, 5, 3, 1), refit=True),
        "8.6": Engine(version=(8, 6, 1, 6), level=1, tf32=False, sparse=True),
        "8.6-myelin": Engine(version=(8, 6, 0, 12), layers=(fused,)),
        "10.0": Engine(version=(10, 0, 1, 6)),
        "10.3": Engine(
            version=(10, 3, 0, 30),
            platform=b"utrt",
            capability=(8, 7),
            integrated=True,
            multiprocessors=8,
        ),
        "10.9": Engine(version=(10, 9, 0, 34), layers=(fused,), weights=4096),
        "rtx-1.7": Engine(version=(1, 7, 1, 116), layers=(fused,), weights=4096, refit=True),
        "rtx-1.4-two-profiles": Engine(
            version=(1, 4, 0, 76),
            mask=0x0A,
            layers=(fused,),
            profiles=({"x": ((1, 8), (2, 8), (4, 8))}, {"x": ((1, 8), (8, 8), (8, 8))}),
        ),
    }
