"""trtdoctor build against a script that builds the same engine and keeps nothing: TensorRT-RTX, on the CPU.

    python benchmarks/building.py [-o table.md]

Both log verbosely, since TensorRT's own verbose messages cost what they cost; medians of five runs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from launch import launched
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).resolve().parent.parent
BARE = """
import sys
import tensorrt_rtx as trt
class Log(trt.ILogger):
    def __init__(self):
        trt.ILogger.__init__(self)
        self.file = open(sys.argv[3], "w")
    def log(self, severity, message):
        self.file.write(message + "\\n")
log = Log()
builder = trt.Builder(log)
network = builder.create_network(0)
parser = trt.OnnxParser(network, log)
assert parser.parse_from_file(sys.argv[1])
config = builder.create_builder_config()
config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
config.num_compute_capabilities = 1
config.set_compute_capability(trt.ComputeCapability.SM89, 0)
open(sys.argv[2], "wb").write(builder.build_serialized_network(network, config))
"""


def model(path: Path, layers: int, width: int) -> None:
    rng = np.random.default_rng(1)
    nodes, stored, value = [], [], "x"
    for index in range(layers):
        weight = (rng.standard_normal((width, width)) * 0.05).astype(np.float32)
        stored.append(numpy_helper.from_array(weight, f"w{index}"))
        nodes.append(helper.make_node("MatMul", [value, f"w{index}"], [f"m{index}"], f"/mm{index}"))
        nodes.append(helper.make_node("Relu", [f"m{index}"], [f"r{index}"], f"/relu{index}"))
        value = f"r{index}"
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [8, width])],
        [helper.make_tensor_value_info(value, TensorProto.FLOAT, [8, width])],
        stored,
    )
    onnx.save(helper.make_model(graph, ir_version=9), path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    rows = [
        "| layers | engine MB | bare s | trtdoctor s | ratio |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        source = folder / "m.onnx"
        for layers, width in ((10, 256), (100, 256), (400, 256), (100, 1024)):
            model(source, layers, width)
            bare = [sys.executable, "-c", BARE, str(source), "b.engine", "b.log"]
            ours = [sys.executable, "-m", "trtdoctor", "build", str(source), "t.engine", "-q"]
            ours += ["--precision", "fp32", "--runtime", "rtx", "--target-cc", "8.9"]
            ours += ["--python", sys.executable]
            environment = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
            took = [
                statistics.median(launched(words, environment, folder).wall for _ in range(5))
                for words in (bare, ours)
            ]
            size = (folder / "t.engine").stat().st_size / 1e6
            rows.append(
                f"| {layers} | {size:.1f} | {took[0]:.2f} | {took[1]:.2f} | {took[1] / took[0]:.1f} |"
            )
            print(rows[-1], flush=True)
    text = "\n".join(rows)
    if options.output:
        options.output.write_text(f"{text}\n")


if __name__ == "__main__":
    main()
