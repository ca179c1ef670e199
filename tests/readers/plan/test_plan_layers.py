"""The layers that a plan's own bytes tell of."""

from __future__ import annotations

from dataclasses import replace

import planwriter
import pytest
from planwriter import LayerSpec, Tensor

from trtdoctor.model.engine import LayerTensor, LayerWeights, Precision
from trtdoctor.readers.plan import static_layers

RELEASES = planwriter.releases()
PLAIN = [name for name, engine in RELEASES.items() if len(engine.layers) == 3]
FUSED = ["10.9", "rtx-1.7", "rtx-1.4-two-profiles"]


@pytest.mark.parametrize("name", PLAIN)
def test_names_order_and_tensors(name):
    found = static_layers(planwriter.plan(RELEASES[name]))
    assert found.complete
    assert found.reason is None
    assert [layer.name for layer in found.layers] == ["conv + relu", "same", "last"]
    assert found.layers[0].inputs == (LayerTensor(name="x", dtype="FP32", shape=(-1, 8)),)
    assert found.layers[0].outputs == (LayerTensor(name="h", dtype="FP16", shape=(-1, 16)),)
    assert [tensor.name for tensor in found.layers[2].inputs] == ["h", "x"]
    assert found.layers[2].outputs[0].dtype == "INT32"


@pytest.mark.parametrize("name", [name for name in PLAIN if RELEASES[name].version >= (8, 0)])
def test_keys_and_values(name):
    first, same, last = static_layers(planwriter.plan(RELEASES[name])).layers
    assert first.type == "Convolution"
    assert first.tactic == "sm80_own_kernel_f16f16"
    assert first.weights == LayerWeights(dtype="FP16", count=432)
    assert same.weights is None and same.tactic is None
    assert last.type == "TopK"


def test_before_8_0_there_are_no_types():
    assert {layer.type for layer in static_layers(planwriter.plan(RELEASES["7.1"])).layers} == {
        None
    }


def test_a_layer_without_keys_is_no_operation_where_its_number_says_so():
    layers = static_layers(planwriter.plan(RELEASES["8.6"])).layers
    assert layers[1].type == "NoOp"
    other = replace(RELEASES["8.6"].layers[1], code=25)
    engine = replace(RELEASES["8.6"], layers=(*RELEASES["8.6"].layers[:1], other))
    assert static_layers(planwriter.plan(engine)).layers[1].type is None


def test_onnx_nodes():
    layers = static_layers(planwriter.plan(RELEASES["8.6"])).layers
    assert layers[0].onnx_nodes == ("conv", "relu[0]")
    assert layers[1].onnx_nodes == ()


def test_precision_is_left_to_others():
    for layer in static_layers(planwriter.plan(RELEASES["8.6"])).layers:
        assert layer.precision is Precision.UNKNOWN
        assert layer.precision_confidence is None


@pytest.mark.parametrize("name", FUSED)
def test_a_fused_block_is_opened(name):
    found = static_layers(planwriter.plan(RELEASES[name]))
    shapes, product, add = found.layers
    assert [layer.name for layer in found.layers] == [
        "shapes_myl0_0",
        "mm_myl0_1",
        "own_Add_myl0_2",
    ]
    assert [layer.type for layer in found.layers] == ["shape_call", "gemm", "kgen"]
    assert shapes.inputs == shapes.outputs == ()
    assert product.inputs == (LayerTensor(name="x", dtype="FP32"),)
    assert product.outputs == (LayerTensor(name="inner 1_myl0", dtype="FP16"),)
    assert product.weights == LayerWeights(dtype="FP16", count=128)
    assert product.tactic == "own_stub"
    # Host scalars are no tensors of the layer; a part of a tensor has the tensor's name.
    assert [tensor.name for tensor in add.inputs] == ["inner 1_myl0"]
    assert add.outputs == (LayerTensor(name="y", dtype="INT32"),)
    assert add.onnx_nodes == ("add", "top}")
    assert [(block.name, block.compiler) for block in found.blocks] == [
        ("{ForeignNode[mm...add]}", "2.22.49")
    ]


def test_up_to_8_6_a_fused_block_stays_one_layer():
    found = static_layers(planwriter.plan(RELEASES["8.6-myelin"]))
    assert [(layer.name, layer.type) for layer in found.layers] == [
        ("{ForeignNode[mm...add]}", "Myelin")
    ]
    assert len(found.blocks[0].layers) == 3


def test_programs_are_numbered_and_stand_where_their_block_stood():
    block = RELEASES["10.9"].layers[0]
    between = LayerSpec("between", ("y",), ("y",))
    engine = replace(RELEASES["10.9"], layers=(block, between, replace(block, name="{again}")))
    names = [layer.name for layer in static_layers(planwriter.plan(engine)).layers]
    assert names[2:5] == ["own_Add_myl0_2", "between", "shapes_myl1_0"]


def test_a_program_nested_in_the_constants_is_not_counted():
    nested = planwriter.myelin(planwriter.MYELIN_TEXT, constants=planwriter.MYELIN_TEXT.encode())
    fused = replace(RELEASES["10.9"].layers[0], myelin=nested)
    engine = replace(RELEASES["10.9"], layers=(fused,))
    assert len(static_layers(planwriter.plan(engine)).layers) == 3


def test_layers_without_inputs():
    tensors = (*RELEASES["8.6"].tensors, Tensor("c", "FP32", (3,)))
    constant = LayerSpec("constant", (), ("c",), pairs=(("ParameterType", "Constant"),))
    use = LayerSpec("use", ("x", "c"), ("y",))
    for name in ("8.0", "8.6", "10.3"):
        engine = replace(RELEASES[name], tensors=tensors, layers=(constant, use))
        first, second = static_layers(planwriter.plan(engine)).layers
        assert (first.inputs, first.outputs[0].name) == ((), "c")
        assert [tensor.name for tensor in second.inputs] == ["x", "c"]


def test_names_of_any_kind_survive():
    names = ("", " ", "a\nb\u2028c", "\u0000", "é😀", "[ONNX Layer: x]", "x" * 5000)
    for name in names:
        layer = LayerSpec(name, ("x",), ("y",))
        engine = replace(RELEASES["8.6"], layers=(layer,))
        assert static_layers(planwriter.plan(engine)).layers[0].name == name


def test_a_truncated_plan_gives_what_is_there():
    plan = planwriter.plan(RELEASES["8.6"])
    cut = static_layers(plan[: plan.index(b"ParameterType")])
    assert not cut.complete
    assert cut.reason == "The plan is cut short."
    assert [layer.name for layer in cut.layers] == ["conv + relu", "same", "last"]
    assert cut.layers[0].type is None


def test_no_plan_has_no_layers():
    assert static_layers(b"hello").layers == ()
    assert static_layers(b"hello").reason
