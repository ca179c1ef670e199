"""Which layers of two engines do the same work, however each build fused them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from engines import engine, layer, reformat
from hypothesis import given, settings
from hypothesis import strategies as st

from trtdoctor.engines.comparing import compare_engines
from trtdoctor.engines.comparing.alignment import Group, align, compared_layers
from trtdoctor.engines.comparing.changes import changed_layers
from trtdoctor.model.engine import EngineReport, Layer, Precision, Role


def names(groups: tuple[Group, ...]) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    return {(tuple(x.name for x in g.a), tuple(x.name for x in g.b)) for g in groups}


def test_one_layer_of_one_is_three_of_the_other() -> None:
    a = [layer("conv + bn + relu", "conv", "bn", "relu"), layer("fc", "fc")]
    b = [layer("c", "conv"), layer("n", "bn"), layer("r", "relu"), layer("fc", "fc")]
    assert names(align(a, b)) == {(("conv + bn + relu",), ("c", "n", "r")), (("fc",), ("fc",))}


def test_layers_that_overlap_are_one_group() -> None:
    a = [layer("p", "n1", "n2"), layer("q", "n3")]
    b = [layer("r", "n1"), layer("s", "n2", "n3")]
    assert names(align(a, b)) == {(("p", "q"), ("r", "s"))}


def test_without_metadata_the_names_list_the_nodes() -> None:
    a = [layer("/b/Conv + PWN(/Tanh_1)"), layer("PWN(PWN(/Mul), /Add)")]
    b = [
        layer("/b/Conv", "/b/Conv"),
        layer("t", "/Tanh_1"),
        layer("PWN(/Mul)", "/Mul"),
        layer("PWN(/Add)", "/Add"),
    ]
    assert names(align(a, b)) == {
        (("/b/Conv + PWN(/Tanh_1)",), ("/b/Conv", "t")),
        (("PWN(PWN(/Mul), /Add)",), ("PWN(/Mul)", "PWN(/Add)")),
    }


def test_a_block_takes_the_layers_between_its_ends() -> None:
    """Of a fused block only the ends are told; what lies between them is in it too."""
    a = [layer("{ForeignNode[first...last]}", reads=("x",), makes=("y",))]
    b = [
        layer("first", "first", reads=("x",), makes=("m1",)),
        layer("middle", "middle", reads=("Reformatted Input Tensor 0 to middle",), makes=("m2",)),
        layer("last", "last", reads=("m2",), makes=("y",)),
        layer("after", "after", reads=("y",), makes=("z",)),
    ]
    between = [reformat("m1", "Reformatted Input Tensor 0 to middle", "FP32", "FP16")]
    found = names(align(a, b, between=between))
    assert found == {
        (("{ForeignNode[first...last]}",), ("first", "middle", "last")),
        ((), ("after",)),
    }


def test_a_block_that_tells_what_is_inside() -> None:
    a = [layer("{ForeignNode[w...out]}")]
    b = [layer("k1_myl0_1", "mm"), layer("k2_myl0_2", "sm")]
    inside = {"{ForeignNode[w...out]}": ("mm", "sm")}
    assert names(align(a, b, inside=inside)) == {
        (("{ForeignNode[w...out]}",), ("k1_myl0_1", "k2_myl0_2"))
    }


def test_kernels_are_the_same_under_new_numbers() -> None:
    a, b = [layer("__myl_Fc_myl0_3")], [layer("__myl_Fc_myl2_7")]
    assert names(align(a, b)) == {(("__myl_Fc_myl0_3",), ("__myl_Fc_myl2_7",))}


def test_unnamed_layers_are_matched_by_what_they_make() -> None:
    a = [layer("(Unnamed Layer* 6) [Shuffle]", makes=("y",))]
    b = [layer("(Unnamed Layer* 9) [Shuffle]", makes=("y",))]
    assert len(names(align(a, b))) == 1


def test_a_constant_that_all_share_joins_nothing() -> None:
    a = [layer(f"a{i}", f"n{i}", "/Constant") for i in range(20)]
    b = [layer(f"b{i}", f"n{i}", "/Constant") for i in range(20)]
    assert len(align(a, b)) == 20


def test_what_nothing_links_stays_alone() -> None:
    assert names(align([layer("p", "p")], [layer("q", "q")])) == {(("p",), ()), ((), ("q",))}


def test_conversions_and_other_profiles_are_left_out() -> None:
    found = compared_layers(
        engine(
            "a",
            layer("c", "c"),
            reformat("x", "Reformatted Input Tensor 0 to c", "FP32", "FP16"),
            layer("s", "s", role=Role.DATA_MOVEMENT, type="Shuffle"),
            layer("k", "k", role=Role.CONSTANT),
            layer("c", "c", profile=1),
        )
    )
    assert [each.name for each in found] == ["c", "s"]


_node = st.sampled_from([f"n{i}" for i in range(12)])
_layers = st.lists(
    st.builds(
        layer,
        st.sampled_from(["p", "q + n3", "{ForeignNode[n1...n5]}", "(Unnamed Layer* 1)", "PWN(n2)"]),
        reads=st.lists(_node, max_size=2).map(tuple),
        makes=st.lists(_node, max_size=2).map(tuple),
    ).flatmap(
        lambda made: st.lists(_node, max_size=3, unique=True).map(
            lambda nodes: layer(
                made.name,
                *nodes,
                reads=tuple(t.name for t in made.inputs),
                makes=tuple(t.name for t in made.outputs),
            )
        )
    ),
    max_size=12,
)


@settings(max_examples=100, deadline=None)
@given(_layers, _layers, _layers)
def test_every_layer_is_in_one_group(a: list[Layer], b: list[Layer], between: list[Layer]) -> None:
    groups = align(a, b, between=between)
    for side, given_ in (("a", a), ("b", b)):
        found = [id(each) for group in groups for each in getattr(group, side)]
        assert Counter(found) == Counter(map(id, given_))
    assert all(group.a or group.b for group in groups)
    # Whatever shares a node that is not everywhere is together, whichever side is called A.
    again = align(b, a, between=between)
    assert {(frozenset(map(id, g.a)), frozenset(map(id, g.b))) for g in groups} == {
        (frozenset(map(id, g.b)), frozenset(map(id, g.a))) for g in again
    }


def thousands(number: int, fused: int, precision: Precision) -> EngineReport:
    made = []
    for i in range(0, number, fused):
        nodes = [f"n{j}" for j in range(i, i + fused)]
        passed = f"Reformatted Input Tensor 0 to {i + fused}"
        reads = f"Reformatted Input Tensor 0 to {i}" if i else "x"
        tensors: dict[str, Any] = {"reads": (reads,), "makes": (f"t{i}",)}
        made.append(layer(" + ".join(nodes), *nodes, precision=precision, ms=0.1, **tensors))
        made.append(reformat(f"t{i}", passed, "FP32", "FP16"))
    return engine("e", *made)


@pytest.mark.slow
def test_thousands_of_layers_are_compared_in_linear_time(runaway: None) -> None:
    a, b = thousands(40000, 1, Precision.FP32), thousands(40000, 2, Precision.FP16)
    found = compare_engines(a, b)
    assert len(found.layers) == 20000 and len(found.conversions_removed) == 20000
    alone = [layer(f"k{i}", f"m{i}", reads=(f"t{i}",), makes=(f"t{i + 1}",)) for i in range(20000)]
    other = [layer(f"l{i}", f"n{i}", reads=(f"t{i}",), makes=(f"t{i + 1}",)) for i in range(20000)]
    assert sum(len(group.a) for group in align(alone, other)) == 20000


# What changed ------------------------------------------------------------------------------------


def test_only_what_differs_is_listed_the_dearest_first() -> None:
    half = {"precision": Precision.FP16}
    groups = align(
        [layer("p", "p", ms=0.1), layer("q", "q", ms=0.9), layer("r", "r", ms=0.3)],
        [
            layer("p", "p", ms=0.05, **half),
            layer("q", "q", ms=0.5, **half),
            layer("r", "r", ms=0.31),
        ],
    )
    changed, alike = changed_layers(groups)
    assert [each.nodes for each in changed] == [("q",), ("p",)]
    assert alike == 1
    assert changed[0].a_ms == 0.9 and changed[0].b_precision == (Precision.FP16,)


def test_a_time_counts_beyond_noise_and_where_it_matters() -> None:
    groups = align(
        [layer("p", "p", ms=1.0), layer("q", "q", ms=0.001)],
        [layer("p", "p", ms=1.3), layer("q", "q", ms=0.002)],
    )
    changed, alike = changed_layers(groups)
    assert [each.nodes for each in changed] == [("p",)] and alike == 1


def test_what_is_unknown_is_no_difference() -> None:
    groups = align([layer("p", "p", precision=Precision.UNKNOWN)], [layer("p", "p")])
    assert changed_layers(groups) == ((), 1)


def test_a_copy_that_takes_no_time_is_missed_by_nobody() -> None:
    moving = layer("s", "s", role=Role.DATA_MOVEMENT, type="Shuffle", ms=0.0)
    assert changed_layers(align([moving, layer("p", "p")], [layer("p", "p")])) == ((), 1)
    only = changed_layers(align([], [layer("new", "new")]))[0]
    assert only[0].a == () and only[0].b == ("new",)
