"""What a plan costs: against one run of the model, node by node, for a long CNN and a transformer.

    python benchmarks/planning.py

A row tells the nodes, the seconds of one FP32 run node by node, of the plan, their ratio, and how many
nodes stay in FP32. ``loud`` inputs make every norm that is written out overflow.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "models")]

from zoo import FLOAT, Writer, _block  # noqa: E402

from trtdoctor.models.emulation import Network, find_backend  # noqa: E402
from trtdoctor.models.planning import PlanRequest, make_plan  # noqa: E402


def cnn(blocks: int = 84, channels: int = 64) -> tuple[Any, str, tuple[int, ...]]:
    w = Writer()
    x = w.node("Relu", [w.conv("x", "stem", channels, 3, 7, stride=4)], "stem/relu")
    for block in range(blocks):
        name = f"block{block}"
        y = w.batch_norm(w.conv(x, f"{name}/1", channels, channels, 1), f"{name}/bn1", channels)
        y = w.node("Relu", [y], f"{name}/relu")
        y = w.batch_norm(w.conv(y, f"{name}/2", channels, channels), f"{name}/bn2", channels)
        x = w.node("Relu", [y], f"{name}/relu2")
    x = w.node("Flatten", [w.node("GlobalAveragePool", [x], "gap")], "flatten")
    shape = (1, 3, 224, 224)
    return (
        w.model({"x": (FLOAT, list(shape))}, {w.linear(x, "fc", channels, 1000): [1, 1000]}),
        "x",
        shape,
    )


def transformer(
    layers: int = 12, width: int = 768, tokens: int = 128
) -> tuple[Any, str, tuple[int, ...]]:
    w = Writer()
    x = "x"
    for layer in range(layers):
        x = _block(w, x, f"layer{layer}", width, written_out=True)
    x = w.layer_norm(x, "norm", width, written_out=True)
    shape = (1, tokens, width)
    return w.model({"x": (FLOAT, list(shape))}, {x: list(shape)}), "x", shape


def main() -> None:
    print(
        "| model | nodes | one run | plan | ratio | in FP32 |\n| --- | --- | --- | --- | --- | --- |"
    )
    for name, made, loud in (
        ("CNN", cnn(), 1.0),
        ("transformer", transformer(), 1.0),
        ("transformer, loud", transformer(), 400.0),
    ):
        model, tensor, shape = made
        source = np.random.default_rng(1)
        sample = {tensor: (source.standard_normal(shape) * loud).astype(np.float32)}
        network = Network(model, find_backend())
        network.run(sample)
        begun = time.perf_counter()
        network.run(sample)
        once = time.perf_counter() - begun
        begun = time.perf_counter()
        plan, _ = make_plan(PlanRequest(model=model, samples=[sample], inputs="", weak=False))
        took = time.perf_counter() - begun
        nodes = len(model.graph.node)
        print(
            f"| {name} | {nodes} | {once:.2f} s | {took:.1f} s | {took / once:.0f} | {len(plan.keep)} |"
        )


if __name__ == "__main__":
    main()
