"""What the fuzzer gives to the readers of what other programs recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from trtdoctor.readers.apicapture import read_api_capture
from trtdoctor.readers.ortcache import parse_name, read_cached_profile, read_contexts
from trtdoctor.readers.polygraphy import parse_runs
from trtdoctor.readers.times import measurement, read_times
from trtdoctor.readers.tuningcache import read_tuning_cache

DATA = Path(__file__).parents[1] / "data" / "recorded"


def _times() -> bytes:
    keys = ("startEnqMs", "endEnqMs", "startInMs", "endInMs", "startComputeMs", "endComputeMs")
    entry = {key: number / 10 for number, key in enumerate(keys)}
    entry |= {"h2dMs": 0.1, "inMs": 0.1, "computeMs": 0.5, "d2hMs": 0.1, "latencyMs": 0.7}
    return json.dumps([entry] * 9).encode()


def _tuning() -> bytes:
    head = {"tuner_version": "2", "tuning_expr": "-a=[1|2]", "default_build_route": "-a=1"}
    head |= {"accuracy_parameter": {"epsilon": 0.5}}
    line = {"iter": 0, "build_route": "-a=1 -b:c=[x y]", "crash": False, "error_message": ""}
    line |= {"accuracy_loss": {"y": 0.1}, "gpu_time": 0.2}
    return b"\n".join(json.dumps(each).encode() for each in (head, *[line] * 5))


# As the flatbuffers package writes {"ids": [0, 1, 8, 4], "x": [1, 1, 300, 128]}.
_PROFILE = bytes.fromhex("6964730004000108047800000400010001002c01800002170f020102170f2c2d042401")
# One EPContext node, as onnx writes it.
_CONTEXT = bytes.fromhex(
    "08083a80020ab8010a01781202793022094550436f6e746578742a110a0a656d6265645f6d6f64651800a00102"
    "2a240a1065705f63616368655f636f6e74657874220d785f736d38362e656e67696e65a001032a1a0a0e65705f"
    "73646b5f76657273696f6e2205312e332e30a001032a1e0a1568617264776172655f6172636869746563747572"
    "6522023836a001032a200a136f6e6e785f6d6f64656c5f66696c656e616d652206782e6f6e6e78a001033a0d63"
    "6f6d2e6d6963726f736f66740a1d0a017812017a220452656c752a0f0a05616c706861150000c03fa001011201"
    "675a0f0a0178120a0a08080112040a02080162100a027930120a0a08080112040a0208014202101c"
)


def _times_read(data: bytes) -> None:
    measurement(read_times(data))


def _name(data: bytes) -> None:
    parse_name(data.decode("utf-8", "replace"))


READERS: dict[str, tuple[Callable[[bytes], object], list[bytes]]] = {
    "inference times": (_times_read, [_times()]),
    "tuning caches": (read_tuning_cache, [_tuning()]),
    "API captures": (
        read_api_capture,
        [path.read_bytes() for path in sorted(DATA.glob("*.capture.json"))],
    ),
    "Polygraphy's arrays": (
        parse_runs,
        [path.read_bytes() for path in sorted(DATA.glob("*.json"))],
    ),
    "cached profiles": (read_cached_profile, [_PROFILE]),
    "context models": (read_contexts, [_CONTEXT, (DATA / "relu_and_mask.onnx").read_bytes()]),
    "names of engines": (
        _name,
        [b"TensorrtExecutionProvider_TRTKernel_graph_main_graph_26974947_0_0_fp16_sm86.engine"],
    ),
}
