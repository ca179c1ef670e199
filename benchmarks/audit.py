"""An audit of 100 000 nodes: at most 5 s, and a node costs as much in a large model as in a small.

    python benchmarks/audit.py [--nodes 100000] [--directory DIR]

Writes models of transformer-like blocks: all in FP32, with one FP32 island in a hundred blocks as a
converter leaves them, and with two Casts in every block. Audits each whole and a tenth of it, in a
fresh interpreter, and prints seconds of processor time, microseconds for a node and the ratio of
these. Ends with status 1 where the first two pass the limit or the ratio passes 2.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(__file__).parents[1]
SECONDS, RATIO = 5.0, 2.0
BLOCK = 10
KINDS = {"fp32": 0, "fp16 with islands": 100, "casts in every block": 1}
RUN = r"""
import json, sys, time
import trtdoctor.models.audit, trtdoctor.render.terminal
begun = time.process_time()
import trtdoctor
report = trtdoctor.audit(sys.argv[1])
print(json.dumps({"seconds": time.process_time() - begun,
                  "nodes": report.models[0].identity.nodes}))
"""


def main() -> int:
    """Measure; status 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--directory", type=Path)
    given = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory(dir=given.directory) as folder:
        for kind, every in KINDS.items():
            per_node = []
            for nodes in (given.nodes // 10, given.nodes):
                path = Path(folder) / "model.onnx"
                write(path, nodes // BLOCK, every)
                seconds, counted = measured(path)
                per_node.append(seconds / counted * 1e6)
                print(f"{kind:22} {counted:>9,} nodes {seconds:6.2f} s {per_node[-1]:6.1f} us/node")
            ratio = per_node[1] / per_node[0]
            print(f"{kind:22} ratio {ratio:.2f}")
            failed |= ratio > RATIO or (every != 1 and seconds > SECONDS)
    return int(failed)


def write(path: Path, blocks: int, every: int) -> None:
    """A model of that many blocks; ``every`` so many of them one has an FP32 part between Casts."""
    half = every > 1
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    other = TensorProto.FLOAT if half else TensorProto.FLOAT16
    data = np.float16 if half else np.float32
    nodes, last = [], "x"
    for block in range(blocks):
        place = f"/model/encoder/layers.{block}/attention"
        values = [f"{place}/out{step}" for step in range(BLOCK)]
        island = bool(every) and block % every == 0
        steps = [
            ("MatMul", [last, "w"], {}),
            ("Add", [values[0], "b"], {}),
            ("Relu", [values[1]], {}),
            ("Reshape", [values[2], "shape"], {}),
            ("Softmax", [values[3]], {}),
            ("Mul", [values[4], last], {}),
            ("Cast", [values[5]], {"to": other}) if island else ("Neg", [values[5]], {}),
            ("Sigmoid", [values[6]], {}),
            ("Cast", [values[7]], {"to": kind}) if island else ("Abs", [values[7]], {}),
            ("Add", [values[8], last], {}),
        ]
        for step, (op, inputs, attributes) in enumerate(steps):
            made = values[step]
            nodes.append(
                helper.make_node(op, inputs, [made], name=f"{place}/{op}_{step}", **attributes)
            )
        last = values[-1]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, [8, 8])],
        [helper.make_tensor_value_info(last, kind, [8, 8])],
        [
            numpy_helper.from_array(np.ones((8, 8), data), "w"),
            numpy_helper.from_array(np.ones(8, data), "b"),
            numpy_helper.from_array(np.array([8, 8]), "shape"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    path.write_bytes(model.SerializeToString())


def measured(path: Path) -> tuple[float, int]:
    """Seconds of processor time for one audit, and how many nodes it saw."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    told = json.loads(done.stdout)
    return told["seconds"], told["nodes"]


if __name__ == "__main__":
    raise SystemExit(main())
