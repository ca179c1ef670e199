"""ONNX models made here, read back: types, names, and what a reader must stand."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from trtdoctor.readers.onnxmodel import FormatError, OnnxFacts, TensorType, read_onnx

np = pytest.importorskip("numpy")
onnx = pytest.importorskip("onnx")
T, h, nh = onnx.TensorProto, onnx.helper, onnx.numpy_helper

ROOT = Path(__file__).parents[3]
n = h.make_node


def model(nodes, inputs=(), outputs=(), constants=(), *, opset=19, functions=(), value_info=()):
    graph = h.make_graph(
        nodes,
        "g",
        [h.make_tensor_value_info(*i) for i in inputs],
        [h.make_tensor_value_info(*o) for o in outputs],
        list(constants),
        value_info=[h.make_tensor_value_info(*v) for v in value_info],
    )
    imports = [h.make_opsetid("", opset), h.make_opsetid("my", 1)]
    return h.make_model(graph, opset_imports=imports, functions=list(functions), ir_version=9)


def read(proto) -> OnnxFacts:
    return read_onnx(proto.SerializeToString(), name="m.onnx")


X, W = ("x", T.FLOAT16, [4, 4]), nh.from_array(np.zeros((4, 4), np.float16), "w")


def type_after(*nodes, opset=19, constants=(), inputs=(X,)) -> TensorType | None:
    return read(model(list(nodes), inputs, constants=[W, *constants], opset=opset)).types.get("y")


def scalar(name, dtype):
    return nh.from_array(np.array(1, dtype), name)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (n("MatMul", ["x", "w"], ["y"]), "FLOAT16"),
        (n("Gemm", ["x", "w"], ["y"]), "FLOAT16"),
        (n("Softmax", ["x"], ["y"]), "FLOAT16"),
        (n("Concat", ["x", "w"], ["y"], axis=0), "FLOAT16"),
        (n("Cast", ["x"], ["y"], to=T.FLOAT), "FLOAT"),
        (n("CastLike", ["x", "i"], ["y"]), "INT64"),
        (n("Greater", ["x", "w"], ["y"]), "BOOL"),
        (n("IsNaN", ["x"], ["y"]), "BOOL"),
        (n("Shape", ["x"], ["y"]), "INT64"),
        (n("ArgMax", ["x"], ["y"]), "INT64"),
        (n("NonZero", ["x"], ["y"]), "INT64"),
        (n("TopK", ["x", "i"], ["v", "y"]), "INT64"),
        (n("Split", ["x"], ["a", "y"], num_outputs=2), "FLOAT16"),
        (n("Where", ["c", "x", "w"], ["y"]), "FLOAT16"),
        (n("Pow", ["x", "i"], ["y"]), "FLOAT16"),
        (n("Gather", ["x", "i"], ["y"]), "FLOAT16"),
        (n("OneHot", ["i", "i", "x"], ["y"]), "FLOAT16"),
        (n("Dropout", ["x"], ["d", "y"]), "BOOL"),
        (n("LayerNormalization", ["x", "w"], ["a", "y"]), "FLOAT"),
        (n("LayerNormalization", ["x", "w"], ["y"]), "FLOAT16"),
        (n("QuantizeLinear", ["x", "w"], ["y"]), "UINT8"),
        (n("QuantizeLinear", ["x", "w", "q"], ["y"]), "INT8"),
        (n("DequantizeLinear", ["q", "f", "q"], ["y"]), "FLOAT"),
        (n("DynamicQuantizeLinear", ["f"], ["y", "s", "z"]), "UINT8"),
        (n("Constant", [], ["y"], value=scalar("v", np.float32)), "FLOAT"),
        (n("Constant", [], ["y"], value_int=3), "INT64"),
        (n("ConstantOfShape", ["i"], ["y"]), "FLOAT"),
        (n("ConstantOfShape", ["i"], ["y"], value=h.make_tensor("v", T.BOOL, [1], [1])), "BOOL"),
        (n("RandomNormal", [], ["y"], shape=[4]), "FLOAT"),
        (n("RandomNormalLike", ["x"], ["y"]), "FLOAT16"),
        (n("MatMulInteger", ["q", "q"], ["y"]), "INT32"),
        (n("Range", ["i", "i", "i"], ["y"]), "INT64"),
        (n("Custom", ["x"], ["y"], domain="acme"), None),
        (n("NoSuchOperator", ["x"], ["y"]), None),
        (n("Relu", ["nowhere"], ["y"]), None),
        # Operands that disagree: no type is guessed.
        (n("Add", ["x", "f"], ["y"]), None),
    ],
)
def test_types_follow_from_operators(node, expected):
    constants = [scalar("i", np.int64), scalar("f", np.float32), scalar("q", np.int8)]
    found = type_after(node, constants=[*constants, scalar("c", np.bool_)])
    assert found == (TensorType(expected) if expected else None)


@pytest.mark.parametrize(
    ("op", "opset", "expected"),
    [
        ("Celu", 12, True),
        ("Celu", 22, True),
        ("CumSum", 13, True),
        ("CumSum", 14, False),
        ("NonMaxSuppression", 11, True),
        ("Resize", 19, False),  # its scales are FLOAT, its data need not be
        ("Relu", 19, False),
        ("Softmax", 13, False),
        ("ArgMax", 13, False),
        ("Gather", 13, False),
        ("Unheard", 19, False),
    ],
)
def test_operators_that_onnx_has_for_float_alone(op, opset, expected):
    (node,) = read(model([n(op, ["x"], ["y"])], [X], opset=opset)).nodes
    assert node.float_only is expected


def test_of_another_domain_s_operators_nothing_is_known():
    (node,) = read(model([n("Celu", ["x"], ["y"], domain="mine")], [X])).nodes
    assert not node.float_only


def test_what_operators_define_counts_more_than_what_the_model_declares():
    stale = [("a", T.FLOAT, [4, 4]), ("b", T.FLOAT, [4, 4])]
    nodes = [n("Relu", ["x"], ["a"]), n("Custom", ["a"], ["b"], domain="acme")]
    types = read(model(nodes, [X], value_info=stale)).types
    assert (types["a"], types["b"]) == (TensorType.FLOAT16, TensorType.FLOAT)


def test_inputs_outputs_and_constants():
    external = T(name="e", data_type=T.FLOAT, dims=[1 << 20, 1 << 20])
    external.data_location = T.EXTERNAL
    external.external_data.add(key="location", value="missing.bin")
    inputs = [X, ("w", T.FLOAT16, [4, 4])]
    facts = read(
        model([n("MatMul", ["x", "w"], ["y"])], inputs, [("y", 10, [4, 4])], [W, external])
    )
    assert [(v.name, v.type) for v in facts.inputs] == [("x", TensorType.FLOAT16)]
    assert [(v.name, v.type) for v in facts.outputs] == [("y", TensorType.FLOAT16)]
    told = [(i.name, i.type, i.elements, i.external) for i in facts.initializers]
    assert told == [
        ("w", TensorType.FLOAT16, 16, False),
        ("e", TensorType.FLOAT, 1 << 40, True),
    ]
    assert facts.opsets == {"": 19, "my": 1}


def test_names_as_tensorrt_s_parser_gives_them():
    body = h.make_function(
        "my", "Block", ["p"], ["q"], [n("Relu", ["p"], ["q"])], [h.make_opsetid("", 19)]
    )
    then = h.make_graph(
        [n("Block", ["x"], ["t"], name="/call", domain="my")],
        "then",
        [],
        [h.make_tensor_value_info("t", T.FLOAT16, [4, 4])],
    )
    other = h.make_graph(
        [n("Exp", ["x"], ["t"])], "else", [], [h.make_tensor_value_info("t", T.FLOAT16, [4, 4])]
    )
    nodes = [n("If", ["c"], ["y"], then_branch=then, else_branch=other)]
    facts = read(model(nodes, [X, ("c", T.BOOL, [])], functions=[body]))
    assert {node.label for node in facts.nodes} == {
        "node_of_q | /call (Block) | then (then_branch) | node_of_y (If)",
        "node_of_t | else (else_branch) | node_of_y (If)",
        "node_of_y",
    }
    assert facts.types["y"] is TensorType.FLOAT16
    assert len([name for name in facts.types if name.startswith("t ")]) == 1


def test_a_function_s_type_argument_comes_from_its_call():
    cast = n("Cast", ["p"], ["q"])
    reference = cast.attribute.add()
    reference.name, reference.ref_attr_name, reference.type = "to", "kind", onnx.AttributeProto.INT
    body = h.make_function(
        "my", "To", ["p"], ["q"], [cast], [h.make_opsetid("", 19)], attributes=["kind"]
    )
    facts = read(
        model([n("To", ["x"], ["y"], domain="my", kind=T.BFLOAT16)], [X], functions=[body])
    )
    (node,) = facts.nodes
    assert facts.types[node.outputs[0]] is TensorType.BFLOAT16


def test_loops_hand_types_through():
    body = h.make_graph(
        [n("Identity", ["c"], ["d"]), n("Tanh", ["s"], ["t"]), n("Cast", ["t"], ["u"], to=T.FLOAT)],
        "body",
        [
            h.make_tensor_value_info("i", T.INT64, []),
            h.make_tensor_value_info("c", T.BOOL, []),
            h.make_tensor_value_info("s", T.FLOAT16, [4, 4]),
        ],
        [
            h.make_tensor_value_info("d", T.BOOL, []),
            h.make_tensor_value_info("t", T.FLOAT16, [4, 4]),
            h.make_tensor_value_info("u", T.FLOAT, [4, 4]),
        ],
    )
    nodes = [n("Loop", ["m", "", "x"], ["y", "z"], body=body, name="/loop")]
    types = read(model(nodes, [X], constants=[scalar("m", np.int64)])).types
    assert (types["y"], types["z"]) == (TensorType.FLOAT16, TensorType.FLOAT)


def test_the_types_of_real_models_are_those_of_shape_inference():
    graphmodels = pytest.importorskip("graphmodels")
    compared = 0
    for make in graphmodels.MODELS.values():
        proto = make()
        inferred = onnx.shape_inference.infer_shapes(proto)
        theirs = {
            value.name: TensorType(T.DataType.Name(value.type.tensor_type.elem_type))
            for value in inferred.graph.value_info
            if value.type.tensor_type.elem_type
        }
        mine = read(proto).types
        assert {name: mine[name] for name in theirs if name in mine} == {
            name: kind for name, kind in theirs.items() if name in mine
        }
        # What a local function gives back goes by the name that it has inside.
        assert proto.functions or set(theirs) <= set(mine)
        compared += len(theirs)
    assert compared > 100


# What a reader must stand --------------------------------------------------------------------------


def big(path: Path, megabytes: int) -> None:
    """A model with one weight of this size, written as a file with a hole."""
    size = megabytes << 20
    facts = model([n("MatMul", ["x", "v"], ["y"], name="/mm")], [X], [("y", 10, [4, 4])])

    def varint(value: int) -> bytes:
        parts = bytearray()
        while value > 0x7F:
            parts.append(value & 0x7F | 0x80)
            value >>= 7
        return bytes([*parts, value])

    tensor = T(name="v", data_type=T.FLOAT16, dims=[size // 2]).SerializeToString()
    raw = b"\x4a" + varint(size)
    held = tensor + raw
    graph = facts.graph.SerializeToString()
    inner = b"\x2a" + varint(len(held) + size)
    facts.ClearField("graph")
    whole = b"\x3a" + varint(len(graph) + len(inner) + len(held) + size)
    start = facts.SerializeToString() + whole + graph + inner + held
    with path.open("wb") as file:
        file.write(start)
        file.truncate(len(start) + size)


def test_weights_are_not_read(tmp_path):
    path = tmp_path / "big.onnx"
    big(path, 3000)
    tracemalloc.start()
    facts = read_onnx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert facts.source == "big.onnx"
    assert [(i.name, i.elements) for i in facts.initializers] == [("v", 1500 << 20)]
    assert facts.types["y"] is TensorType.FLOAT16
    assert peak < 64 << 20


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"hello world, this is text\n" * 20, "not an ONNX model"),
        (b"ftrt" + bytes(100), "This is a TensorRT engine"),
        (bytes(range(256)) * 8, "not an ONNX model"),
    ],
)
def test_what_is_no_model_is_told(data, words):
    with pytest.raises(FormatError, match=words):
        read_onnx(data)


def test_a_model_cut_short():
    whole = model([n("MatMul", ["x", "w"], ["y"])], [X], constants=[W]).SerializeToString()
    with pytest.raises(FormatError, match="cut short"):
        read_onnx(whole[:-40])


def test_damage_is_an_error_or_a_value():
    nodes = [n("MatMul", ["x", "w"], ["a"], name="/mm"), n("Cast", ["a"], ["y"], to=T.FLOAT)]
    weight = nh.from_array(np.zeros((64, 64), np.float16), "w")
    whole = model(nodes, [X], [("y", 1, [4, 4])], [weight]).SerializeToString()
    dice = random.Random(3)
    for _ in range(1500):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            data[dice.randrange(min(len(data), 400))] = dice.randrange(256)
        if dice.random() < 0.3:
            del data[dice.randrange(len(data)) :]
        try:
            read_onnx(bytes(data))
        except FormatError as error:
            assert str(error).endswith(".")


@pytest.mark.slow
def test_functions_that_call_themselves_or_unfold_without_end():
    opset = [h.make_opsetid("", 19), h.make_opsetid("my", 1)]
    itself = h.make_function("my", "F", ["p"], ["q"], [n("F", ["p"], ["q"], domain="my")], opset)
    with pytest.raises(FormatError, match="deep"):
        read(model([n("F", ["x"], ["y"], domain="my")], [X], functions=[itself]))
    levels = [h.make_function("my", "F0", ["p"], ["q"], [], opset)]
    for level in range(1, 25):
        calls = [n(f"F{level - 1}", ["p"], [out], domain="my") for out in ("q", "r")]
        levels.append(h.make_function("my", f"F{level}", ["p"], ["q"], calls, opset))
    with pytest.raises(FormatError, match="unfold"):
        read(model([n("F24", ["x"], ["y"], domain="my")], [X], functions=levels))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise ImportError('libprotobuf.so: cannot open')", "does not load"),
        ("raise TypeError('Descriptors cannot be created directly.')", "does not load"),
        ("raise ModuleNotFoundError('No module named onnx', name='onnx')", "is missing"),
    ],
)
def test_a_broken_onnx_package_is_one_clear_error(tmp_path, source, words):
    (tmp_path / "onnx.py").write_text(source)
    (tmp_path / "m.onnx").write_bytes(model([n("Relu", ["x"], ["y"])], [X]).SerializeToString())
    program = (
        "import sys; from pathlib import Path\n"
        "from trtdoctor.readers.onnxmodel import OnnxUnavailable, read_onnx\n"
        "try: read_onnx(Path(sys.argv[1]))\n"
        "except OnnxUnavailable as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "m.onnx")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert words in done.stdout, done.stderr
    assert "pip install" in done.stdout
