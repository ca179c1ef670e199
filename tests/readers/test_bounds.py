"""Files that cost more than their size: read within a limit, or refused in one sentence."""

from __future__ import annotations

import random
from pathlib import Path

import fuzz_all
import hostile
import pytest

from trtdoctor.model.errors import InputError
from trtdoctor.model.json_bounds import excess
from trtdoctor.readers.errors import FormatError, TooMuch
from trtdoctor.readers.layers import read_layers
from trtdoctor.readers.onnxmodel import read_onnx
from trtdoctor.readers.profile import read_profile
from trtdoctor.run import load

SIZE = 6_000_000
CASES = [(kind, name) for kind, cases in hostile.KINDS.items() for name in cases]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), CASES)
def test_memory_is_in_proportion_to_the_file(kind: str, name: str, tmp_path: Path) -> None:
    data = hostile.KINDS[kind][name](SIZE)
    cost = hostile.cost(kind, data, tmp_path)
    assert cost.trouble is None
    assert cost.peak_bytes < 150e6 + 20 * len(data), cost.said


@pytest.mark.usefixtures("runaway")
def test_what_is_too_much_is_told_with_what_to_do(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_bytes(hostile.REPORTS["a report of lists"](2_000_000))
    told = {
        "objects": (read_layers, hostile.LAYERS["inputs without anything"](2_000_000)),
        "tensors": (read_layers, hostile.LAYERS["tensors of a log's line"](3_000_000)),
        "layers": (read_layers, hostile.LAYERS["lines of nothing"](500_000)),
        "keys": (read_profile, hostile.PROFILES["names and times"](4_000_000)),
        "values": (read_onnx, hostile.MODELS["values without anything"](1_000_000)),
        "unfold": (read_onnx, hostile.MODELS["functions that call functions"](0)),
        "lists": (load, report),
    }
    for words, (read, given) in told.items():
        with pytest.raises(InputError, match=words) as caught:
            read(given)
        assert "\n" not in str(caught.value)
        assert "Give" in str(caught.value) or "give" in str(caught.value)


def test_a_file_of_very_many_equal_names_still_numbers_each() -> None:
    node = hostile.field(1, hostile.field(2, b"y") + hostile.field(4, b"Relu"))
    facts = read_onnx(hostile.model(node * 5))
    made = [node.outputs[0] for node in facts.nodes]
    assert made == ["y", "y #2", "y #3", "y #4", "y #5"]


def test_no_tensor_has_as_many_elements_as_a_hostile_shape_claims() -> None:
    facts = read_onnx(hostile.MODELS["huge shapes"](2000))
    assert {weight.elements for weight in facts.initializers} == {None}


def test_structure_is_counted_and_not_the_bytes() -> None:
    assert excess("[" + "1," * 1000 + "1]") is None
    assert excess(b"{}" * 200_000) is None
    assert "objects" in (excess(b"{}" * 300_000) or "")
    assert excess("x" * 50_000_000 + "{" * 600_000) is None


def test_too_much_stays_so_once_it_is_named() -> None:
    with pytest.raises(TooMuch, match="given"):
        read_layers(hostile.LAYERS["lists"](2_000_000), name="given.json")
    assert issubclass(TooMuch, FormatError)


@pytest.mark.usefixtures("runaway")
def test_a_few_inputs_of_the_long_fuzz_break_no_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = random.Random(11)
    for name, reader in fuzz_all.readers(tmp_path).items():
        for _ in range(12):
            fuzz_all.attempt(name, reader, fuzz_all.mutated(source, reader))
        assert reader.broken == 0, name
