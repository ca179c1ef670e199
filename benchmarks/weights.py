"""Reading a model's stored numbers against numpy's minimum and maximum of the same mapped file.

    python benchmarks/weights.py [MEGABYTES]

Prints the ratio of the times, the best of four each, the file in the page cache; and the memory that
ten sparse gigabytes take.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from trtdoctor.readers.onnxmodel.weights import scan_weights  # noqa: E402


def model(folder: Path, count: int) -> Path:
    tensor = TensorProto(name="w", data_type=1, dims=[count], data_location=1)
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "w.bin"
    path = folder / "m.onnx"
    onnx.save(helper.make_model(helper.make_graph([], "g", [], [], [tensor])), path)
    return path


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 800
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        count = megabytes * 250_000
        source = np.random.default_rng(0)
        with (folder / "w.bin").open("wb") as file:
            for _ in range(10):
                source.standard_normal(count // 10, dtype=np.float32).tofile(file)
        path = model(folder, count // 10 * 10)
        numpy_s, mine_s = [], []
        for _ in range(4):
            mapped = np.memmap(folder / "w.bin", np.float32, "r")
            begun = time.perf_counter()
            mapped.min(), mapped.max()
            numpy_s.append(time.perf_counter() - begun)
            del mapped
            begun = time.perf_counter()
            scan_weights(path)
            mine_s.append(time.perf_counter() - begun)
        print(
            f"numpy {min(numpy_s):.3f} s, trtdoctor {min(mine_s):.3f} s, ratio {min(mine_s) / min(numpy_s):.2f}"
        )
        ten = 10 << 30
        with (folder / "w.bin").open("wb") as file:
            file.truncate(ten)
        path = model(folder, ten // 4)
        begun = time.perf_counter()
        scan_weights(path)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"10 GB, sparse: {time.perf_counter() - begun:.1f} s, peak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main()
