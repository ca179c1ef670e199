"""Causes from made-up engines and graphs, and from engines of TensorRT 8.6 as its inspector told."""

from __future__ import annotations

from pathlib import Path

import pytest

from trtdoctor.model.cause import Cause
from trtdoctor.model.engine import Layer, LayerTensor, LayerWeights
from trtdoctor.model.report import Confidence
from trtdoctor.model.typing import Typing
from trtdoctor.precision.graph import graph_reasons
from trtdoctor.precision.layers import classify_layers
from trtdoctor.precision.reasons import LayerReasons
from trtdoctor.readers.layers import read_layers
from trtdoctor.readers.onnxmodel import (
    OnnxFacts,
    OnnxInitializer,
    OnnxNode,
    OnnxValue,
    TensorType,
)

DATA = Path(__file__).parents[2] / "data" / "layers"
SURE, LIKELY, POSSIBLE = Confidence.CERTAIN, Confidence.LIKELY, Confidence.POSSIBLE
F, H, B = TensorType.FLOAT, TensorType.FLOAT16, TensorType.BFLOAT16
SHORT = {"F": F, "H": H, "B": B, "I": TensorType.INT64, "Q": TensorType.INT8}


def graph(text: str, *, weights: str = "", inputs: str = "", outputs: str = "") -> OnnxFacts:
    """``label Op in1,in2 -> out:F`` a line; values elsewhere as ``name:F``."""
    types: dict[str, TensorType] = {}

    def values(words: str) -> list[str]:
        names = []
        for word in words.replace(",", " ").split():
            name, _, kind = word.partition(":")
            if kind:
                types[name] = SHORT[kind]
            names.append(name)
        return names

    stored, given = values(weights), values(inputs)
    nodes = []
    for line in text.strip().splitlines():
        left, _, right = line.partition("->")
        label, op, *rest = left.split(maxsplit=2)
        nodes.append(
            OnnxNode(
                label=label,
                name=label,
                op=op,
                inputs=tuple(values(rest[0] if rest else "")),
                outputs=tuple(values(right)),
                stash_type=F if op == "LayerNormalization" else None,
            )
        )
    made = values(outputs)
    return OnnxFacts(
        source="m.onnx",
        initializers=tuple(OnnxInitializer(name=n, type=types[n], elements=64) for n in stored),
        inputs=tuple(OnnxValue(name=n, type=types.get(n)) for n in given),
        outputs=tuple(OnnxValue(name=n, type=types.get(n)) for n in made),
        nodes=tuple(nodes),
        types=types,
    )


def tensors(words: str) -> tuple[LayerTensor, ...]:
    pairs = (word.split(":") for word in words.split())
    return tuple(LayerTensor(name=name, dtype=kind) for name, kind in pairs)


def layer(
    name: str,
    kind: str,
    inputs: str,
    outputs: str,
    nodes: tuple[str, ...] = (),
    weights: str | None = None,
) -> Layer:
    return Layer(
        name=name,
        type=kind,
        inputs=tensors(inputs),
        outputs=tensors(outputs),
        onnx_nodes=nodes,
        weights=LayerWeights(dtype=weights, count=64) if weights else None,
    )


def why(
    *layers: Layer, model: OnnxFacts | None = None, typing: Typing = Typing.STRONG
) -> dict[str, list[tuple[Cause, Confidence]]]:
    return {
        r.layer: told(r)
        for r in graph_reasons(classify_layers(layers), model, typing=Typing(typing))
    }


def told(reasons: LayerReasons) -> list[tuple[Cause, Confidence]]:
    return [(reason.cause, reason.confidence) for reason in reasons.reasons]


def gemm(name: str, kind: str, nodes: tuple[str, ...]) -> Layer:
    return layer(name, "gemm", f"a:{kind}", f"b:{kind}", nodes, weights=kind)


ISLAND = graph(
    """
    /mm1 MatMul x,w1 -> a:H
    /up Cast a -> af:F
    /mm2 MatMul af,w2 -> bf:F
    /down Cast bf -> b:H
    /mm3 MatMul b,w3 -> y:H
    """,
    weights="w1:H w2:F w3:H",
    inputs="x:H",
    outputs="y:H",
)


def test_the_engine_decides_what_happened():
    assert why(gemm("a", "FP32", ("/mm2",)), model=ISLAND) == {"a": [(Cause.CAST_ISLAND, SURE)]}
    assert why(gemm("a", "FP16", ("/mm2",)), model=ISLAND) == {}


def test_an_fp32_layer_of_fp16_nodes_has_no_reason_in_the_graph():
    assert why(gemm("a", "FP32", ("/mm1",)), model=ISLAND) == {"a": []}


def test_without_metadata_the_layers_own_name_is_a_weaker_witness():
    assert why(gemm("/mm2_myl0_1", "FP32", ()), model=ISLAND) == {
        "/mm2_myl0_1": [(Cause.CAST_ISLAND, LIKELY)]
    }


def test_a_layer_of_nodes_in_two_types_is_likely_at_most():
    assert why(gemm("a", "FP32", ("/mm1", "/mm2")), model=ISLAND) == {
        "a": [(Cause.CAST_ISLAND, LIKELY)]
    }


def test_casts_at_the_network_s_edges_are_no_island():
    model = graph(
        """
        /up Cast x -> xf:F
        /mm MatMul xf,w -> yf:F
        /down Cast yf -> y:H
        """,
        weights="w:F",
        inputs="x:H",
        outputs="y:H",
    )
    assert why(gemm("a", "FP32", ("/mm",)), model=model) == {"a": [(Cause.GRAPH_SAYS_FP32, SURE)]}


def test_an_island_right_after_the_input_is_one():
    model = graph(
        """
        /up Cast x -> xf:F
        /norm Softmax xf -> nf:F
        /down Cast nf -> n:H
        /mm MatMul n,w -> y:H
        """,
        weights="w:H",
        inputs="x:H",
        outputs="y:H",
    )
    found = why(layer("a", "softmax", "x:FP32", "y:FP32", ("/norm",)), model=model)
    assert found == {"a": [(Cause.CAST_ISLAND, SURE)]}


def test_a_result_that_leaves_in_fp32_too_is_not_surrounded():
    model = graph(
        """
        /mm1 MatMul x,w -> a:H
        /up Cast a -> af:F
        /sm Softmax af -> s:F
        /down Cast s -> sh:H
        /mm2 MatMul sh,w -> y:H
        """,
        weights="w:H",
        inputs="x:H",
        outputs="y:H s:F",
    )
    found = why(layer("a", "softmax", "x:FP32", "y:FP32", ("/sm",)), model=model)
    assert found == {"a": [(Cause.GRAPH_SAYS_FP32, SURE)]}


def test_data_that_began_in_fp32_are_no_island_though_they_end_in_a_cast():
    model = graph(
        """
        /ln1 LayerNormalization x,g -> n1:F
        /d1 Cast n1 -> h1:H
        /mm1 MatMul h1,w -> m1:H
        /u1 Cast m1 -> f1:F
        /add Add x,f1 -> r:F
        /ln2 LayerNormalization r,g -> n2:F
        /d2 Cast n2 -> h2:H
        /mm2 MatMul h2,w -> y:H
        """,
        weights="w:H g:F",
        inputs="x:F",
        outputs="y:H",
    )
    found = why(layer("a", "kgen", "x:FP32", "y:FP32", ("/ln2",)), model=model)
    assert found == {"a": [(Cause.GRAPH_SAYS_FP32, SURE)]}


def test_types_of_unknown_operators_weaken_the_answer():
    model = graph(
        "/custom Custom x -> a\n/mm MatMul x,w -> y:F", weights="w:F", inputs="x:F", outputs="y:F"
    )
    found = why(gemm("a", "FP32", ("/custom", "/mm")), model=model)
    assert found == {"a": [(Cause.GRAPH_SAYS_FP32, LIKELY)]}
    found = why(gemm("a", "FP32", ("/custom",)), model=model)
    assert found == {"a": [(Cause.GRAPH_SAYS_FP32, LIKELY)]}


def test_bf16_is_told_as_what_it_is():
    model = graph("/mm MatMul x,w -> y:B", weights="w:B", inputs="x:B", outputs="y:B")
    assert why(gemm("a", "BF16", ("/mm",)), model=model) == {"a": [(Cause.GRAPH_SAYS_BF16, SURE)]}
    assert why(gemm("a", "FP32", ("/mm",)), model=model) == {"a": []}


def test_double_counts_as_fp32():
    model = graph("/mm MatMul x,w -> y:F", weights="w:F", inputs="x:F", outputs="y:F")
    double = dict.fromkeys(model.types, TensorType.DOUBLE)
    values = (OnnxValue(name="x", type=TensorType.DOUBLE),)
    model = OnnxFacts(source="m.onnx", inputs=values, outputs=(), nodes=model.nodes, types=double)
    assert why(gemm("a", "FP32", ("/mm",)), model=model) == {"a": [(Cause.GRAPH_SAYS_FP32, SURE)]}


def test_layers_without_nodes_count_only_where_the_whole_graph_is_fp32():
    model = graph("/mm MatMul x,w -> y:F", weights="w:F", inputs="x:F", outputs="y:F")
    known, bare = gemm("a", "FP32", ("/mm",)), gemm("loop_gemm", "FP32", ())
    assert why(known, bare, model=model)["loop_gemm"] == [(Cause.GRAPH_SAYS_FP32, SURE)]
    # Not one layer names a node of this model: it may be any model.
    assert why(bare, model=model) == {"loop_gemm": []}
    assert why(bare, gemm("b", "FP32", ("/mm2",)), model=ISLAND)["loop_gemm"] == []


def test_quantisation_carries_the_type_on():
    model = graph(
        """
        /q QuantizeLinear x,s -> q:Q
        /dq DequantizeLinear q,s -> d:F
        /sm Softmax d -> y:F
        """,
        weights="s:F",
        inputs="x:F",
        outputs="y:F",
    )
    layers = classify_layers([layer("a", "softmax", "d:FP32", "y:FP32", ("/sm",))])
    (found,) = graph_reasons(layers, model, typing=Typing.STRONG)
    assert [place.name for place in found.reasons[0].places] == ["x"]


def test_normalization_between_fp16_layers():
    chain = (
        layer("c1", "conv", "x:FP16", "a:FP16", weights="FP16"),
        layer("r1", "Reformat", "a:FP16", "b:FP32"),
        layer("norm", "Normalization", "b:FP32", "c:FP32"),
        layer("r2", "Reformat", "c:FP32", "d:FP16"),
        layer("c2", "conv", "d:FP16", "y:FP16", weights="FP16"),
    )
    assert why(*chain, typing=Typing.WEAK) == {"norm": [(Cause.NORMALIZATION_FP32, LIKELY)]}
    assert why(*chain, typing=Typing.UNKNOWN) == {"norm": []}
    assert why(*chain[2:], typing=Typing.WEAK) == {"norm": []}


def test_a_plugin_between_conversions():
    before = layer("r1", "Reformat", "a:FP16", "b:FP32")
    plugin = layer("p", "PluginV2", "b:FP32", "c:FP32")
    after = layer("r2", "Reformat", "c:FP32", "d:FP16")
    assert why(before, plugin, after, typing=Typing.WEAK) == {"p": [(Cause.PLUGIN_FORMATS, LIKELY)]}
    assert why(before, plugin, typing=Typing.WEAK) == {"p": [(Cause.PLUGIN_FORMATS, POSSIBLE)]}
    assert why(plugin, typing=Typing.WEAK) == {"p": []}


def test_int8_beside_fp32_without_any_fp16():
    eight = layer("q", "conv", "a:INT8", "b:INT8", weights="INT8")
    full = layer("f", "conv", "b:FP32", "c:FP32", weights="FP32")
    half = layer("h", "conv", "c:FP16", "d:FP16", weights="FP16")
    assert why(eight, full, typing=Typing.WEAK) == {"f": [(Cause.INT8_WITHOUT_FP16, LIKELY)]}
    assert why(eight, full, half, typing=Typing.WEAK) == {"f": []}
    assert why(full, typing=Typing.WEAK) == {"f": []}
    assert why(eight, full, typing=Typing.STRONG) == {"f": []}
    assert why(eight, full, typing=Typing.UNKNOWN) == {"f": []}


@pytest.mark.parametrize("typing", [Typing.WEAK, Typing.STRONG, Typing.UNKNOWN])
def test_integers_are_locked_in_every_world(typing):
    assert why(layer("i", "ElementWise", "a:INT32", "b:BOOL"), typing=Typing(typing)) == {
        "i": [(Cause.TYPE_LOCKED, SURE)]
    }


@pytest.mark.parametrize("name", ["casts.fp16", "encoder.fp16", "simple.fp16", "topk.fp16"])
def test_weakly_typed_engines_owe_nothing_to_casts_in_the_graph(name, shared):
    pytest.importorskip("onnx")
    from trtdoctor.readers.onnxmodel import read_onnx

    model = read_onnx(shared / "corpus/h100-trt86/onnx" / f"{name.partition('.')[0]}.onnx")
    file = read_layers((DATA / f"trt86.{name}.layers.json").read_bytes())
    layers = classify_layers(file.layers)
    found = graph_reasons(layers, model, typing=Typing.WEAK)
    causes = {reason.cause for reasons in found for reason in reasons.reasons}
    assert causes <= {Cause.INSIDE_FUSED_BLOCK, Cause.TYPE_LOCKED}


def test_a_fused_region_hides_its_types():
    file = read_layers((DATA / "trt86.encoder.fp16.layers.json").read_bytes())
    found = graph_reasons(classify_layers(file.layers), None, typing=Typing.WEAK)
    blocks = [r for r in found if "ForeignNode" in r.layer]
    assert blocks
    assert {tuple(told(r)) for r in blocks} == {((Cause.INSIDE_FUSED_BLOCK, SURE),)}


@pytest.mark.parametrize(("beside", "sure"), [(True, LIKELY), (False, POSSIBLE)])
def test_a_fused_region_between_integers_is_locked_but_may_hide_floats(beside, sure):
    """One that is the whole network may go from tokens to tokens through floats."""
    region = layer("{ForeignNode[cast_5...cast_6]}", "Myelin", "a:INT32", "b:INT64")
    other = layer("c", "CaskConvolution", "x:FP16", "y:FP16")
    found = why(region, *((other,) if beside else ()), typing=Typing.WEAK)
    assert found[region.name] == [(Cause.TYPE_LOCKED, sure), (Cause.INSIDE_FUSED_BLOCK, SURE)]


def test_a_fused_region_with_one_float_at_its_edges_is_not_locked():
    region = layer("{ForeignNode[a...b]}", "Myelin", "a:INT32", "b:INT64 c:FP32")
    assert why(region)[region.name] == [(Cause.INSIDE_FUSED_BLOCK, SURE)]


@pytest.mark.slow
def test_long_chains_and_many_casts_take_no_time():
    lines, last = [], "x"
    for index in range(20_000):
        up, out, down = f"u{index}:F", f"s{index}:F", f"d{index}:H"
        lines += [
            f"/up{index} Cast {last} -> {up}",
            f"/sm{index} Softmax u{index} -> {out}",
            f"/down{index} Cast s{index} -> {down}",
        ]
        last = f"d{index}"
    model = graph("\n".join(lines), inputs="x:H", outputs=f"{last}:H")
    layers = [
        layer(f"l{i}", "softmax", f"a{i}:FP32", f"b{i}:FP32", (f"/sm{i}",)) for i in range(20_000)
    ]
    found = graph_reasons(classify_layers(layers), model, typing=Typing.STRONG)
    assert len(found) == 20_000


# What the compiler widens inside a kernel --------------------------------------------------------

HALVES = """
    /mm1 MatMul x,w1 -> a:H
    /sqrt Sqrt a -> r:H
    /div Div r,two -> b:H
    /mm3 MatMul b,w1 -> y:H
    """


def kernel(inputs: str = "a:FP16", outputs: str = "b:FP16", *nodes: str) -> Layer:
    name = "__myl_CastSqrtCastDivCast_myl0_1"
    return layer(name, "kgen", inputs, outputs, nodes or ("/sqrt", "/div"))


def widened(*layers: Layer, text: str = HALVES, weights: str = "w1:H two:H", **others: str):
    model = graph(text, weights=weights, **{"inputs": "x:H", "outputs": "y:H", **others})
    return [reason for found in why(*layers, model=model).values() for reason in found]


def test_casts_of_a_kernel_whose_nodes_know_fp16_alone_are_the_compilers():
    assert widened(kernel()) == [(Cause.COMPUTED_IN_FP32_INSIDE, LIKELY)]


@pytest.mark.parametrize(
    "change",
    [
        ("/sqrt Sqrt a -> r:H", "/sqrt Sqrt a -> r"),  # a type that is not known
        ("/sqrt Sqrt a -> r:H", "/cast Cast a -> i:I\n/sqrt Sqrt a,i -> r:H"),  # a Cast beside
        ("/sqrt Sqrt a -> r:H", "/sqrt Sqrt a,i -> r:H"),  # computed with integers
    ],
)
def test_a_cast_that_may_be_the_models_own_proves_nothing(change):
    assert widened(kernel(), text=HALVES.replace(*change), inputs="x:H i:I") == []


def test_an_fp32_operand_of_the_kernel_is_the_models_own():
    assert widened(kernel(), weights="w1:H two:F") == []


def test_edges_that_are_not_all_fp16_tell_of_another_cast():
    for edges in (("a:FP16 i:INT32", "b:FP16"), ("a:FP16", "b:FP32"), ("a:FP16", "b:FP16 i:BOOL")):
        assert Cause.COMPUTED_IN_FP32_INSIDE not in dict(widened(kernel(*edges)))


def test_of_nodes_that_are_not_the_models_nothing_is_known():
    assert widened(kernel("a:FP16", "b:FP16", "/elsewhere")) == []


# Without the model -------------------------------------------------------------------------------


def test_an_engine_that_is_all_fp32_follows_its_model():
    layers = gemm("a", "FP32", ()), gemm("b", "FP32", ())
    assert why(*layers) == {name: [(Cause.GRAPH_SAYS_FP32, LIKELY)] for name in "ab"}


@pytest.mark.parametrize("typing", [Typing.WEAK, Typing.UNKNOWN])
def test_where_the_builder_may_decide_types_an_fp32_engine_proves_nothing(typing):
    assert why(gemm("a", "FP32", ()), typing=typing) == {"a": []}


@pytest.mark.parametrize(
    "other",
    [
        gemm("b", "FP16", ()),
        gemm("b", "BF16", ()),
        layer("b", "kgen", "a:INT8", "b:FP32"),
        layer("{ForeignNode[b]}", "myelin", "a:FP32", "b:FP32"),
    ],
)
def test_beside_other_types_or_what_cannot_be_seen_the_engine_alone_proves_nothing(other):
    assert why(gemm("a", "FP32", ()), other)["a"] == []


# The scale of a DequantizeLinear -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "expected"), [("s:F", [(Cause.DQ_SCALE_FP32, SURE)]), ("s:H", []), ("s", [])]
)
def test_only_a_scale_that_is_known_to_be_fp32_is_a_cause(scale, expected):
    result = {"s:F": "d:F", "s:H": "d:H", "s": "d"}[scale]
    after = {"s:F": "m:F", "s:H": "m:H", "s": "m"}[scale]
    model = graph(
        f"""
        /dq DequantizeLinear q,s -> {result}
        /mm MatMul d,w -> {after}
        /down Cast m -> y:H
        """,
        weights="w:F",
        inputs=f"q:Q {scale}",
        outputs="y:H",
    )
    assert why(gemm("a", "FP32", ("/mm",)), model=model) == {"a": expected}
