"""How long the numbers of a model's weights take, beside one numpy pass over the same mapped file.

    python benchmarks/weights.py [--mib 512] [--sparse-gib 10] [--rounds 5]

Weights are normally distributed, as trained ones are, so that every piece holds subnormal numbers of
FP16, which have to be counted. The pass is ``array.min(), array.max()`` over the mapped file, which
lies in the page cache. Then a file that is as large as told but holds nothing, in a process of its
own: its time and its largest resident set.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from trtdoctor.readers.onnxmodel.weights import scan_weights  # noqa: E402

ALONE = """
import resource, sys, time
from pathlib import Path
from trtdoctor.readers.onnxmodel.weights import scan_weights
start = time.perf_counter()
found = scan_weights(Path(sys.argv[1]))
took = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
print(f"{found.bytes_read / 2**30:.1f} GiB without content: {took:.1f} s, {peak} MiB resident")
"""


def model(folder: Path, size: int) -> Path:
    """A model with one external FLOAT tensor of so many bytes in ``w.bin``."""
    tensor = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=[size // 4])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="w.bin")
    graph = onnx.helper.make_graph([], "g", [], [], [tensor])
    path = folder / "m.onnx"
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())
    return path


def ratio(folder: Path, size: int, rounds: int) -> None:
    path = model(folder, size)
    piece = np.random.default_rng(0).standard_normal(1 << 20).astype(np.float32) * np.float32(0.02)
    with (folder / "w.bin").open("wb") as file:
        for _ in range(size // piece.nbytes):
            file.write(piece.tobytes())
    passes, scans = [], []
    for _ in range(rounds):
        start = time.perf_counter()
        mapped = np.memmap(folder / "w.bin", dtype=np.float32, mode="r")
        mapped.min(), mapped.max()
        passes.append(time.perf_counter() - start)
        start = time.perf_counter()
        scan_weights(path)
        scans.append(time.perf_counter() - start)
    one, ours = statistics.median(passes), statistics.median(scans)
    print(f"{size >> 20} MiB: numpy {one:.3f} s, scan_weights {ours:.3f} s, ratio {ours / one:.2f}")


def sparse(folder: Path, size: int) -> None:
    path = model(folder, size)
    with (folder / "w.bin").open("wb") as file:
        file.truncate(size)
    subprocess.run([sys.executable, "-c", ALONE, str(path)], check=True, cwd=ROOT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mib", type=int, default=512)
    parser.add_argument("--sparse-gib", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ratio(Path(folder), given.mib << 20, given.rounds)
        sparse(Path(folder), given.sparse_gib << 30)


if __name__ == "__main__":
    main()
