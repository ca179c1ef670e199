"""Files that cost far more than their size where reading has no bound, each of about a given size.

For tests and for benchmarks/growth.py: by the name of the case, what the file is given as, and its
bytes.
"""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

HEAD = "Engine Layer Information:\n"
LINE = "Layer(a): b, Tactic: 0x1, "
_NAMED = '{"Layers":[{"Name":"a","LayerType":"b","Metadata":"'
_SHAPES = '{"MinShape":[],"OptShape":[],"MaxShape":[]}'
_PROFILED = '{"Layers":["a"],"I/O Tensors":[{"Name":"a","ProfileInfo":['
_INPUTS = "Layers:\nName: a, LayerType: b, Inputs: [ "


def repeated(piece: str, before: str = "", after: str = "") -> Callable[[int], bytes]:
    """So many pieces, apart by commas, between two ends."""

    def write(size: int) -> bytes:
        return (before + ",".join([piece] * (size // (len(piece) + 1))) + after).encode()

    return write


def run_on(piece: str, before: str = "", after: str = "") -> Callable[[int], bytes]:
    """As `repeated`, with nothing between the pieces."""
    return lambda size: (before + piece * (size // len(piece)) + after).encode()


def numbered(piece: str, before: str = "", after: str = "") -> Callable[[int], bytes]:
    """As `repeated`, with each piece's number in it."""

    def write(size: int) -> bytes:
        count = size // (len(piece) + 6)
        return (before + ",".join(piece % number for number in range(count)) + after).encode()

    return write


LAYERS = {
    "layers without anything": repeated("{}", '{"Layers":[', "]}"),
    "inputs without anything": repeated("{}", '{"Layers":[{"Name":"a","Inputs":[', "]}]}"),
    "outputs without anything": repeated("{}", '{"Layers":[{"Name":"a","Outputs":[', "]}]}"),
    "named inputs": numbered('{"Name":"%d"}', '{"Layers":[{"Name":"a","Inputs":[', "]}]}"),
    "extents": repeated("1", '{"Layers":[{"Name":"a","Inputs":[{"Dimensions":[', "]}]}]}"),
    "keys of the file": numbered('"%d":1', '{"Layers":[],', "}"),
    "keys of a layer": numbered('"%d":1', '{"Layers":[{"Name":"a","LayerType":"b",', "}]}"),
    "one key again and again": repeated('"a":1', '{"Layers":[],', "}"),
    "names of layers": numbered('"%d"', '{"Layers":[', "]}"),
    "names of bindings": numbered('"%d"', '{"Layers":["a"],"Bindings":[', "]}"),
    "metadata": run_on("[ONNX Layer: a]", _NAMED, '"}]}'),
    "entries of metadata": run_on("[ONNX Layer: a]\\u001e", _NAMED, '"}]}'),
    "one long name": run_on("a", '{"Layers":[{"Name":"', '","LayerType":"b"}]}'),
    "profiles of a tensor": repeated(_SHAPES, _PROFILED, "]}]}"),
    "lists": repeated("[]", "[", "]"),
    "lists one after the other": repeated("[]"),
    "lists in lists": run_on("["),
    "objects in objects": run_on('{"a":'),
    "engines": repeated('{"Layers":[]}', "[", "]"),
    "lines of nothing": run_on("a\n", "Layers:\n"),
    "lines of layers": run_on("Name: a, LayerType: b\n", "Layers:\n"),
    "tensors of a line": run_on("{ Name: a, Dimensions: [] }, ", _INPUTS, "]\n"),
    "layers of a log": run_on("Layer(a): b, Tactic: 0x1,  ->\n", HEAD),
    "tensors of a log's line": run_on("x (Half[1]), ", HEAD + LINE, "x (Half[1]) -> y (Half[1])\n"),
}  # fmt: skip
PROFILES = {
    "times": numbered('{"name":"%d","averageMs":1}', '[{"count":1},', "]"),
    "the same time again and again": repeated('{"name":"a","averageMs":1}', '[{"count":1},', "]"),
    "keys of one entry": repeated('"a":1', '[{"name":"b",', "}]"),
    "names and times": repeated('"a":1', "{", "}"),
    "runs": repeated("1", '{"a":[', "]}"),
    "lists in a profile": repeated("[]", "[", "]"),
}
_REPORT = '{"schema":"trtdoctor.report/1",'
REPORTS = {
    "a report of lists": repeated("[]", _REPORT + '"outcomes":[', "]}"),
    "a report of lists in lists": run_on("[", _REPORT + '"outcomes":'),
    "a report of keys": numbered('"%d":1', _REPORT, "}"),
    "a report of one key": repeated('"schema":""', "{", "}"),
    "a report that is one text": run_on("a", _REPORT + '"command":"', '"}'),
}


def field(number: int, body: bytes) -> bytes:
    """A field of a protobuf message that holds bytes."""
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def model(graph: bytes, more: bytes = b"") -> bytes:
    """A model with a graph of these fields."""
    opset = field(8, b"\x0a\x00\x10\x11") + field(8, b"\x0a\x02my\x10\x01")
    return b"\x08\x08" + field(7, graph) + opset + more


def in_graph(piece: bytes) -> Callable[[int], bytes]:
    """A model whose graph repeats one field."""
    return lambda size: model(piece * (size // len(piece)))


def _node(op: bytes, *more: bytes, inputs: bytes = b"x", output: bytes = b"x") -> bytes:
    return field(1, field(1, inputs) + field(2, output) + field(4, op) + b"".join(more))


def nested_ifs(size: int) -> bytes:
    """Twenty Ifs inside each other, and as many nodes inside as the size allows."""
    relu = _node(b"Relu")
    graph = relu * (size // len(relu))
    for _ in range(20):
        branch = field(5, field(1, b"then_branch") + field(6, graph) + b"\xa0\x01\x05")
        graph = field(1, field(4, b"If") + field(2, b"y") + field(3, b"n") + branch)
    return model(graph)


def functions(size: int) -> bytes:
    """Functions that each call the one before twice; small at any size."""
    made = []
    for level in range(25):
        call = field(4, b"F%d" % (level - 1)) + field(7, b"my") + field(1, b"p")
        calls = b"".join(field(7, call + field(2, out)) for out in (b"q", b"r")) if level else b""
        made.append(
            field(
                25,
                field(1, b"F%d" % level)
                + field(4, b"p")
                + field(5, b"q")
                + calls
                + field(10, b"my"),
            )
        )
    top = field(1, field(4, b"F24") + field(7, b"my") + field(1, b"x") + field(2, b"y"))
    return model(top, b"".join(made))


MODELS = {
    "nodes without anything": in_graph(field(1, b"")),
    "nodes": in_graph(_node(b"Relu", inputs=b"a", output=b"b")),
    "nodes in a chain": lambda size: model(
        b"".join(
            _node(b"Relu", inputs=b"t%d" % n, output=b"t%d" % (n + 1)) for n in range(size // 28)
        )
    ),
    "values without anything": in_graph(field(13, b"")),
    "declared values": in_graph(field(13, field(1, b"a"))),
    "initialisers without bytes": in_graph(field(5, b"\x10\x01")),
    "huge shapes": in_graph(field(5, (b"\x08" + b"\xff" * 8 + b"\x7f") * 60 + b"\x10\x01")),
    "attributes without anything": in_graph(field(1, field(5, b"") * 1500)),
    "inputs of a node": lambda size: model(field(1, field(1, b"a") * (size // 3))),
    "one long name of a node": lambda size: model(field(1, field(3, b"a" * size))),
    "Ifs inside each other": nested_ifs,
    "functions that call functions": functions,
    "fields of the model": lambda size: model(b"") + field(14, b"") * (size // 2),
}

STREAMS = {
    "opens": b"\x55\x80\x01\x00",
    "numbers": struct.pack("<HHQ", 0x8008, 1, 0),
    "opened numbers": b"\x55\x80\x01\x00" + struct.pack("<HHI", 0x8007, 1, 1),
    "array counts": b"\x01\x80\x07\x80\x01\x00" + struct.pack("<Q", 1 << 61),
    "empty arrays": b"\x01\x80\x07\x80\x01\x00" + bytes(8),
    "strings of nothing": struct.pack("<HHQHHHQ", 0x8018, 1, 0, 0x8001, 0x800C, 1, 0),
    "blob of blobs": struct.pack("<HHQ", 0x8008, 1, 1 << 63),
}


def recording(size: int) -> bytes:
    """A recording's answers: one folder with very many names."""
    names = ",".join(f'"{number}"' for number in range(size // 9))
    return f'{{"ask":"list","about":{{"path":"/"}},"answer":{{"names":[{names}]}}}}\n'.encode()


RECORDINGS: dict[str, Callable[[int], bytes]] = {
    "names of a folder": recording,
    "answers without anything": run_on(json.dumps({"ask": "a", "about": {}, "answer": {}}) + "\n"),
    "an answer of lists": repeated(
        "[]", '{"ask":"list","about":{"path":"/"},"answer":{"names":[', "]}}\n"
    ),
    "empty lines": run_on("\n"),
}


_ARRAY = '{"array":"","polygraphy_class":"ndarray"}'
_RUNS = '{"polygraphy_class":"RunResults","lst":['
_TUNED = '{"tuner_version":"1","tuning_expr":"-a","default_build_route":""}\n'
TIMES = {
    "times": repeated('{"computeMs":1}', "[", "]"),
    "entries without anything": repeated("{}", "[", "]"),
    "keys of an entry": numbered('"%d":1', '[{"computeMs":1,', "}]"),
}
TUNINGS = {
    "routes": run_on('{"build_route":"-a=1","crash":false,"gpu_time":1}\n', _TUNED),
    "settings": numbered("-a%d=1", _TUNED + '{"build_route":"', '"}\n{"build_route":""}\n'),
    "empty lines": run_on("\n", _TUNED),
    "losses": numbered('"%d":1', _TUNED + '{"build_route":"","accuracy_loss":{', "}}\n"),
}
ARRAYS = {
    "arrays without anything": numbered('"%d":' + _ARRAY, "[{", "}]"),
    "samples": repeated("{}", "[", "]"),
    "runners": repeated('["a",[]]', _RUNS, "]}"),
    "iterations": repeated("{}", _RUNS + '["a",[', "]]]}"),
}
_CALL = '{"class":"Builder","function":"createNetworkV2"}'
_LAYER = '{"class":"NetworkDefinition","function":"addSoftMax"}'
_FLAG = '{"class":"BuilderConfig","function":"setFlag","builderFlag":%d}'
_SETTING = '{"class":"BuilderConfig","function":"setA%d","level":1}'
CAPTURES = {
    "layers": repeated(_LAYER, f'{{"api_calls":[{_CALL},', "]}"),
    "flags": numbered(_FLAG, f'{{"api_calls":[{_CALL},', "]}"),
    "settings": numbered(_SETTING, f'{{"api_calls":[{_CALL},', "]}"),
    "calls without anything": repeated("{}", f'{{"api_calls":[{_CALL},', "]}"),
    "keys of a call": numbered('"%d":1', f'{{"api_calls":[{_CALL},{{"function":"a",', "}]}"),
}


def cached_profile(size: int) -> bytes:
    """A map of very many keys that are all one, and vectors that are all one."""
    count = min(size // 10, 0xFFFF)
    vector = struct.pack("<II", 1, 7)
    keys = struct.pack("<I", count)
    at = len(vector) + 2
    body = vector + b"a\0" + keys
    body += b"".join(struct.pack("<I", at + 4 + 4 * n - 8) for n in range(count))
    start = at + 4
    body += struct.pack("<III", len(body) - start, 4, count)
    begin = len(body)
    body += b"".join(struct.pack("<I", begin + 4 * n - 4) for n in range(count))
    body += bytes([11 << 2 | 2]) * count
    return body + struct.pack("<I", len(body) - begin) + bytes([9 << 2 | 2, 4])


Writer = Callable[[int], bytes]
KINDS: dict[str, dict[str, Writer]] = {
    "layers": LAYERS,
    "profile": PROFILES,
    "model": MODELS,
    "report": REPORTS,
    "recording": RECORDINGS,
    "times": TIMES,
    "tuning": TUNINGS,
    "arrays": ARRAYS,
    "capture": CAPTURES,
    "cached profile": {"entries": cached_profile},
}
_ROOT = Path(__file__).resolve().parents[2]
_READ = r"""
import json, re, sys, time
from pathlib import Path
import onnx
from trtdoctor.engines.files import read_engines
from trtdoctor.host.recorded import load_recording
from trtdoctor.model.errors import InputError
from trtdoctor.readers.onnxmodel import read_onnx
from trtdoctor.readers.apicapture import read_api_capture
from trtdoctor.readers.ortcache import read_cached_profile
from trtdoctor.readers.polygraphy import parse_runs
from trtdoctor.readers.profile import read_profile
from trtdoctor.readers.times import measurement, read_times
from trtdoctor.readers.tuningcache import read_tuning_cache
from trtdoctor.run import load

READ = {
    "layers": lambda path: read_engines([], static=False, layers=path),
    "profile": lambda path: read_profile(path.read_bytes()),
    "model": read_onnx,
    "report": load,
    "recording": lambda path: load_recording(path.parent),
    "times": lambda path: measurement(read_times(path.read_bytes())),
    "tuning": lambda path: read_tuning_cache(path.read_bytes()),
    "arrays": lambda path: parse_runs(path.read_bytes()),
    "capture": lambda path: read_api_capture(path.read_bytes()),
    "cached profile": lambda path: read_cached_profile(path.read_bytes()),
}
said = ""
begun = time.process_time()
try:
    READ[sys.argv[1]](Path(sys.argv[2]))
except InputError as error:
    said = str(error)
seconds = time.process_time() - begun
# Not getrusage: its peak is inherited from the process that started this one.
peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024
print(json.dumps([seconds, peak, said]))
"""


class Cost(NamedTuple):
    """What reading a file took: processor time, and the peak of the process's memory.

    Attributes:
        said: The sentence by which it was refused; empty where it was read.
        trouble: How the process ended instead, where it did not end well.
    """

    seconds: float = 0
    peak_bytes: int = 0
    said: str = ""
    trouble: str | None = None


def cost(kind: str, data: bytes, folder: Path) -> Cost:
    """Read a file of one of `KINDS` in a process of its own."""
    folder.joinpath("recording.json").write_text("{}")
    path = folder / "answers.jsonl"
    path.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", _READ, kind, str(path)],
        capture_output=True,
        text=True,
        cwd=_ROOT,
        timeout=600,
    )
    if done.returncode:
        return Cost(trouble=done.stderr)
    return Cost(*json.loads(done.stdout))
