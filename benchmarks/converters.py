"""trtdoctor plan against AutoCast and onnxconverter-common: what each keeps in FP32, its error, its time.

    python benchmarks/converters.py --python ENV/bin/python [-o table.md]

ENV needs ``nvidia-modelopt[onnx]`` and ``onnxconverter-common``; no GPU is needed. Each converted
model is run node by node, every FP16 node rounded, and compared with the FP32 model's own values:
at the outputs, and at every value that has the same name.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "models")]

import onnx  # noqa: E402
from planted import PLANTED  # noqa: E402
from zoo import ZOO  # noqa: E402

from trtdoctor.models.emulation import Network, deviation, find_backend  # noqa: E402
from trtdoctor.models.inputs import find_inputs  # noqa: E402
from trtdoctor.models.planning import PlanRequest, make_plan  # noqa: E402
from trtdoctor.readers.onnxmodel import read_onnx  # noqa: E402

COMMON = (
    "import sys, onnx; from onnxconverter_common import float16; "
    "m = onnx.load(sys.argv[1]); "
    "onnx.save(float16.convert_float_to_float16(m, keep_io_types=True), sys.argv[2])"
)


def cases(folder: Path) -> list[tuple[str, Path, list[dict[str, Any]]]]:
    found = []
    for name, function in ZOO.items():
        path = folder / f"{name}.onnx"
        onnx.save(function(), path)
        samples = list(find_inputs(read_onnx(path, shapes={}), "random:2", {}))
        found.append((name, path, samples))
    for name, make in PLANTED.items():
        case = make()
        path = folder / f"{name}.onnx"
        onnx.save(case.model, path)
        found.append((name, path, case.samples))
    return found


def looked_at(original: Path, converted: Path, samples: list[dict[str, Any]]) -> str:
    """The worst output in dB, and how many values died or broke on the way."""
    backend = find_backend()
    before, after = (Network(onnx.load(path), backend) for path in (original, converted))
    worst, sick = float("inf"), set()
    for sample in samples:
        values: dict[str, Any] = {}
        was = before.run(sample, see=values.__setitem__)
        kinds = {v.name: v.type.tensor_type.elem_type for v in after.model.graph.input}
        given = {
            name: value.astype(np.float16)
            if kinds[name] == 10 and value.dtype == np.float32
            else value
            for name, value in sample.items()
        }

        def see(name: str, value: Any, values: dict[str, Any] = values) -> None:
            known = values.get(name)
            floats = known is not None and known.dtype.kind == value.dtype.kind == "f"
            if floats and deviation(known, value.astype(np.float32)).sick:
                sick.add(name)

        now = after.run(given, see=see)
        for name, value in was.items():
            other = now[name]
            other = other.astype(np.float32) if other.dtype == np.float16 else other
            worst = min(worst, deviation(value, other).sqnr)
    told = (
        "broken"
        if worst == -float("inf")
        else "exact"
        if worst == float("inf")
        else f"{worst:.0f} dB"
    )
    return f"{told}, {len(sick)} sick" if sick else told


def wide(path: Path, original: Path) -> int:
    """How many of the original's computing nodes have FP32 operands or results in the converted model."""
    facts = read_onnx(path, shapes={})
    names = {node.label for node in read_onnx(original).nodes}
    return sum(
        node.label in names
        and node.op not in ("Cast", "Constant", "Resize")
        and any(
            facts.types.get(v) is not None and facts.types[v].value == "FLOAT"
            for v in (*node.inputs, *node.outputs)
        )
        for node in facts.nodes
    )


def other(
    words: list[str], original: Path, made: Path, samples: list[dict[str, Any]]
) -> tuple[str, ...]:
    begun = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    took = time.perf_counter() - begun
    if done.returncode or not made.exists():
        said = (done.stderr.strip().splitlines() or ["no reason"])[-1]
        return ("", f"fails: {said[:60]}", f"{took:.1f} s")
    try:
        return (str(wide(made, original)), looked_at(original, made, samples), f"{took:.1f} s")
    except Exception as error:  # noqa: BLE001 - whatever another converter makes is a row
        return (str(wide(made, original)), f"does not run: {str(error)[:60]}", f"{took:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", required=True)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    rows = [
        "| model | nodes | plan: FP32 | error | time | AutoCast: FP32 | error | time "
        "| converter-common: FP32 | error | time |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, path, samples in cases(folder):
            data = folder / f"{name}.npz"
            np.savez(data, **samples[0])
            begun = time.perf_counter()
            request = PlanRequest(
                model=onnx.load(path), samples=samples, inputs="", weak=False, keep_io=True
            )
            plan, converted = make_plan(request)
            took = time.perf_counter() - begun
            mine = folder / f"{name}.plan.onnx"
            onnx.save(converted.model, mine)
            cells = (str(len(plan.keep)), looked_at(path, mine, samples), f"{took:.1f} s")
            cast = folder / f"{name}.ac.onnx"
            words = [options.python, "-m", "modelopt.onnx.autocast", "--onnx_path", str(path)]
            words += ["--output_path", str(cast), "--low_precision_type", "fp16"]
            words += ["--keep_io_types", "--calibration_data", str(data)]
            cells += other(words, path, cast, samples)
            common = folder / f"{name}.cc.onnx"
            words = [options.python, "-c", COMMON, str(path), str(common)]
            cells += other(words, path, common, samples)
            number = len(onnx.load(path).graph.node)
            rows.append(f"| {name} | {number} | {' | '.join(cells)} |")
            print(rows[-1], flush=True)
    if options.output:
        options.output.write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
