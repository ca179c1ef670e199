"""Prints what writing a report costs, by format and number of layers.

    python benchmarks/rendering.py [--layers 500,5000,50000]

The layers and explanations of a real network are repeated under new names. Times are processor
time, from the report in memory to the text; ``share`` is with private data replaced first. The
yardstick of ``ratio`` is ``json.dumps`` of the same report as plain data.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import trtdoctor  # noqa: E402
from trtdoctor.model.codec import encode  # noqa: E402
from trtdoctor.model.report import Report  # noqa: E402
from trtdoctor.render.html import render_html  # noqa: E402
from trtdoctor.render.markdown import render_markdown  # noqa: E402
from trtdoctor.render.terminal import TerminalOptions, render_terminal  # noqa: E402
from trtdoctor.reporting.redact import Redactor  # noqa: E402

DATA = ROOT / "tests" / "data"
LOG = DATA / "buildlog" / "trt86-simple.fp16.log.gz"
LAYERS = DATA / "layers" / "trt86.simple.fp16.layers.json"


def explained() -> Report:
    """The report of a small real engine, explained by its build log."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "build.log"
        log.write_bytes(gzip.decompress(LOG.read_bytes()))
        return trtdoctor.explain(log=log, layers=LAYERS, live=False)


def grown(report: Report, number: int, command: str) -> Report:
    """The same with so many layers, each with an explanation where one of its kind has one."""
    change = msgspec.structs.replace
    engine = report.engines[0]
    explained = {told.layer: told for told in engine.explanations}
    layers, explanations = [], []
    for index in range(number):
        layer = engine.layers[index % len(engine.layers)]
        name = f"/block.{index}{layer.name}"
        nodes = tuple(f"/block.{index}{node}" for node in layer.onnx_nodes)
        layers.append(change(layer, name=name, onnx_nodes=nodes))
        if layer.name in explained:
            explanations.append(change(explained[layer.name], layer=name))
    engine = change(engine, layers=tuple(layers), explanations=tuple(explanations))
    return change(report, engines=(engine,), command=command)


def shared(report: Report) -> Report:
    return Redactor(report.snapshot).report(report)


def measure(work: Callable[[], str | bytes]) -> tuple[float, int]:
    """Processor time in seconds, and the bytes of the result."""
    started = time.process_time()
    text = work()
    took = time.process_time() - started
    return took, len(text.encode("utf-8", "replace") if isinstance(text, str) else text)


def rows(report: Report, number: int) -> Iterator[tuple[str, str, float, int, float]]:
    """Command, format, seconds, bytes and ratio of each rendering of so many layers."""
    for command, every in (
        ("explain", TerminalOptions(verbose=1)),
        ("inspect", TerminalOptions(all_layers=True)),
    ):
        made = grown(report, number, command)
        plain = msgspec.to_builtins(made)
        yardstick, _ = measure(lambda plain=plain: json.dumps(plain))
        for name, work in (
            ("json", lambda made=made: encode(made)),
            ("json share", lambda made=made: encode(shared(made))),
            ("markdown share", lambda made=made: render_markdown(shared(made))),
            ("html share", lambda made=made: render_html(shared(made))),
            ("terminal", lambda made=made: render_terminal(made, TerminalOptions())),
            ("terminal, all", lambda made=made, o=every: render_terminal(made, o)),
        ):
            took, size = measure(work)
            yield command, name, took, size, took / max(yardstick, 1e-4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", default="500,5000,50000")
    report = explained()
    print(f"{'layers':>7} {'command':8} {'format':16} {'s':>7} {'bytes':>12} {'ratio':>7}")
    for number in map(int, parser.parse_args().layers.split(",")):
        for command, name, took, size, ratio in rows(report, number):
            print(f"{number:7} {command:8} {name:16} {took:7.2f} {size:12} {ratio:7.2f}")


if __name__ == "__main__":
    main()
