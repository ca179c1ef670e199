"""What was given beside an engine is believed only where nothing shows that it is another's."""

from __future__ import annotations

from pathlib import Path

import pytest

from trtdoctor.engines.belonging import layers_contradict, log_contradicts, model_contradicts
from trtdoctor.model.engine import IOTensor, Layer, Role
from trtdoctor.model.typing import Typing
from trtdoctor.readers.buildlog import Build, EngineLayer, EngineTensor
from trtdoctor.readers.onnxmodel import OnnxFacts, OnnxNode, OnnxValue, TensorType

MODEL = OnnxFacts(
    source="model.onnx",
    inputs=(OnnxValue(name="x", type=TensorType.FLOAT16),),
    outputs=(OnnxValue(name="y", type=TensorType.FLOAT16),),
    nodes=(OnnxNode(name="/conv", label="/conv", op="Conv", inputs=("x",), outputs=("y",)),),
)


def layer(name: str, *, nodes: tuple[str, ...] = (), tactic: str | None = None) -> Layer:
    return Layer(name=name, type="conv", onnx_nodes=nodes, tactic_id=tactic, role=Role.COMPUTE)


def build(*names: str, tactic: str = "0x1") -> Build:
    tensor = EngineTensor(name="x", dtype="Half", dims=(1,))
    lines = (
        EngineLayer(line=n, type="conv", name=name, tactic=tactic, inputs=(tensor,), outputs=())
        for n, name in enumerate(names, 1)
    )
    return Build(
        number=1, first_line=1, last_line=9, complete=True, verbose=True, layers=tuple(lines)
    )


def io(name: str, dtype: str, mode: str = "input") -> tuple[IOTensor, ...]:
    return (IOTensor(name=name, mode=mode, dtype=dtype),)


def test_layers_without_a_common_name_are_of_another_engine() -> None:
    assert layers_contradict([layer("a")], [layer("b")]) == "none of their names is in the file"
    assert layers_contradict([layer("a")], [layer("a"), layer("b")]) is None
    assert layers_contradict([layer("a [profile 1]")], [layer("a")]) is None


@pytest.mark.parametrize("fused", ["{ForeignNode[a...b]}", "__myl_Fc_myl0_1", "a_myl0_3"])
def test_names_of_fused_regions_contradict_nothing(fused: str) -> None:
    assert layers_contradict([layer(fused)], [layer("b")]) is None
    assert layers_contradict([layer("b")], [layer(fused)]) is None


def test_nothing_told_contradicts_nothing() -> None:
    assert layers_contradict([], [layer("b")]) is None
    assert log_contradicts([], build("a")) is None
    assert log_contradicts([layer("a")], build()) is None
    assert model_contradicts([], (), MODEL, typing=Typing.STRONG) is None


def test_a_log_of_other_layers_or_tactics_is_of_another_build() -> None:
    assert log_contradicts([layer("a")], build("a")) is None
    assert log_contradicts([layer("a")], build("b")) == "the engine's only layer is not in it"
    assert log_contradicts([layer("a"), layer("c")], build("a")) == (
        "the engine's layer c is not in it"
    )
    assert log_contradicts([layer("a")], build("a", "b")) == "its layer b is not in the engine"
    assert log_contradicts([layer("a", tactic="0x2")], build("a")) == (
        "a runs tactic 0x2, in the log 0x1"
    )
    assert log_contradicts([layer("a", tactic="0x0000000000000001")], build("a")) is None


def test_an_engine_with_other_inputs_is_not_of_this_model() -> None:
    def found(tensors: tuple[IOTensor, ...], typing: Typing) -> str | None:
        return model_contradicts([], tensors, MODEL, typing=typing)

    assert found(io("images", "FP16"), Typing.STRONG) == "it has no input images, as the engine has"
    assert found(io("out", "FP16", "output"), Typing.STRONG) is None
    told = "its input x is FP16, the engine's is FP32"
    assert found(io("x", "FP32"), Typing.STRONG) == told
    assert found(io("x", "FP32"), Typing.WEAK) is None
    assert found(io("x", "FP32"), Typing.UNKNOWN) is None
    assert found(io("x", "FP16"), Typing.STRONG) is None


def test_layers_of_other_nodes_are_not_of_this_model() -> None:
    def found(*layers: Layer) -> str | None:
        return model_contradicts(layers, (), MODEL, typing=Typing.WEAK)

    assert found(layer("k1", nodes=("/conv",))) is None
    assert found(layer("/conv + /relu")) is None
    assert found(layer("k1", nodes=("/other",))) == (
        "the engine's layers are made of nodes that it does not have, such as /other"
    )
    assert found(layer("PWN(/a) + (Unnamed Layer* 1)"), layer("plain")) is None


def test_a_real_log_belongs_to_its_own_layers_alone() -> None:
    from trtdoctor.precision.layers import classify_layers
    from trtdoctor.readers.buildlog import read_build_log
    from trtdoctor.readers.layers import read_layers

    data = Path(__file__).parents[1] / "data" / "explain"
    logs = sorted(data.glob("*.log.gz"))
    own = other = 0
    for log in logs:
        layers = data / log.name.replace(".log.gz", ".layers.json")
        if not layers.exists():
            continue
        given = classify_layers(read_layers(layers.read_bytes()).layers)
        for candidate in logs:
            reason = log_contradicts(given, read_build_log(candidate).build)
            if candidate is log:
                own += 1
                assert reason is None, (log.name, reason)
            else:
                other += reason is not None
    assert own >= 5
    assert other >= own
