"""What the gate clears changes no value of a real model tenfold more than FP16's own rounding does."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx")

import trtdoctor
from trtdoctor.models.conversion import load_model
from trtdoctor.models.emulation import Network, Rounding, deviation, find_backend
from trtdoctor.models.inputs import find_inputs
from trtdoctor.precision.numbers import Cleared, Gate
from trtdoctor.readers.onnxmodel import OnnxFacts, TensorType, read_onnx
from trtdoctor.readers.onnxmodel.weights import scan_weights

# Signal to noise in dB. Rounding to FP16 once leaves 70 or more; tenfold the error is 20 dB less.
ENOUGH = 50.0


def islands(facts: OnnxFacts) -> list[list[str]]:
    """Nodes that pass FP32 values to each other, without a Cast between."""
    groups: list[tuple[set[str], list[str]]] = []
    for node in facts.nodes:
        names = {n for n in node.outputs if facts.types.get(n) is TensorType.FLOAT}
        if node.op == "Cast" or not names:
            continue
        touched = [group for group in groups if group[0] & set(node.inputs)]
        groups = [group for group in groups if group not in touched]
        values = names.union(*(group[0] for group in touched))
        groups.append((values, [label for group in touched for label in group[1]] + [node.label]))
    return [labels for _, labels in groups]


def cleared_of(path: Path) -> set[str]:
    """The nodes that the gate clears, asked for each alone and for each island."""
    facts = read_onnx(path, shapes={})
    gate = Gate(facts, scan_weights(path))
    asked = [*islands(facts), *([n.label] for n in facts.nodes)]
    found = [gate.verdict(labels) for labels in asked]
    return {label for each in found if isinstance(each, Cleared) for label in each.nodes}


def worst(path: Path, labels: set[str], inputs: str | None = None) -> float:
    """The least ratio of signal to noise of any value where these nodes are rounded; -inf if sick."""
    facts = read_onnx(path, shapes={})
    network = Network(load_model(path), find_backend())
    narrow = [step.index for step in network.steps if step.node.label in labels]
    least = float("inf")
    for sample in find_inputs(facts, inputs or "random:1", {}):
        was: dict[str, Any] = {}
        now: dict[str, Any] = {}
        network.run(sample, see=was.__setitem__)
        rounding = Rounding(TensorType.FLOAT16)
        network.run(sample, narrow=narrow, rounding=rounding, see=now.__setitem__)
        for name in was:
            found = deviation(was[name], now[name])
            least = min(least, float("-inf") if found.sick else found.sqnr)
    return least


def test_what_is_cleared_in_any_model_stays_as_good(shared: Path) -> None:
    corpus = shared / "corpus"
    models = [*(corpus / "hazards").glob("*.onnx"), *(corpus / "strong").glob("*/model.onnx")]
    cleared = {path: labels for path in models if (labels := cleared_of(path))}
    assert corpus / "strong" / "attn_sm32" / "model.onnx" in cleared
    for path, labels in cleared.items():
        assert worst(path, labels) >= ENOUGH, path


def test_the_norm_that_a_remedy_once_destroyed_is_kept_and_would_die(shared: Path) -> None:
    folder = shared / "corpus" / "hazards"
    path = folder / "ln_ac.onnx"
    facts = read_onnx(path, shapes={})
    island = {n.label for n in facts.nodes if n.op in ("Pow", "ReduceMean", "Sqrt", "Div")}
    assert not cleared_of(path) & island
    assert worst(path, island, str(folder / "ln_cal.npz")) < ENOUGH


def converted_by(command: str, facts: OnnxFacts) -> set[str]:
    """The nodes that an AutoCast command converts whatever its rules say."""
    words = shlex.split(command)
    if "--nodes_to_include" not in words:
        return set()
    start = words.index("--nodes_to_include") + 1
    patterns = itertools.takewhile(lambda word: not word.startswith("--"), words[start:])
    named = {node.label for node in facts.nodes}
    return {label for pattern in patterns for label in named if re.match(pattern, label)}


def test_no_remedy_that_explain_prints_raises_the_error_tenfold(shared: Path) -> None:
    """What its commands convert by force, by model alone and beside an engine."""
    corpus = shared / "corpus"
    models = [*(corpus / "hazards").glob("*.onnx"), *(corpus / "strong").glob("*/model.onnx")]
    followed = 0
    for path in models:
        facts = read_onnx(path, shapes={})
        given = [trtdoctor.explain(onnx=path)]
        plans = [*path.parent.glob(f"{path.stem}.*plan"), *path.parent.glob("*.plan")]
        given += [trtdoctor.explain(plan, onnx=path, live=False) for plan in plans[:1]]
        commands = {
            line
            for report in given
            for engine in report.engines
            for told in engine.explanations
            for command in (told.remedy.commands if told.remedy is not None else ())
            for line in command.lines
        }
        for command in commands:
            labels = converted_by(command, facts)
            if labels:
                followed += 1
                assert worst(path, labels) >= ENOUGH, (path, command)
    assert followed
