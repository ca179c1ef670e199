"""``Layer(...)`` lines of every release are read alike, and whatever else is given is refused fast."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trtdoctor.readers.layerlines import LAYER_LINE, LayerLine, LineTensor, head_of, read_layer_line


def tensors(*told):
    return tuple(LineTensor(name=name, dtype=dtype, dims=dims) for name, dtype, dims in told)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "Layer(CaskConvolution): a, Tactic: 0x0000000000020a14, x (Half[-1,3]) -> y (Float[])",
            ("a", "0x0000000000020a14", [("x", "Half", (-1, 3))], [("y", "Float", ())]),
        ),
        (
            "Layer(CaskConvolution): c1, Tactic: -9153228964338181824, x[Float(1,28)] -> y[Half(8)]",
            ("c1", "-9153228964338181824", [("x", "Float", (1, 28))], [("y", "Half", (8,))]),
        ),
        (
            "Layer(NoOp): n, Tactic: 0x1 , x[Float(1)], (Unnamed Layer* 2) [Shuffle]_output[Int32()]"
            " -> y[Float(1)] ",
            ("n", "0x1", [("x", "Float", (1,)), ("(Unnamed Layer* 2) [Shuffle]_output", "Int32", ())],
             [("y", "Float", (1,))]),
        ),
        (
            "Layer(FC): 2-layer MLP: (Unnamed Layer* 8) [Fully Connected] -> PWN(a, b), Tactic: 0, "
            "Reformatted Input Tensor 0 to a -> b[Float(1)] -> y[Float(2)]",
            ("2-layer MLP: (Unnamed Layer* 8) [Fully Connected] -> PWN(a, b)", "0",
             [("Reformatted Input Tensor 0 to a -> b", "Float", (1,))], [("y", "Float", (2,))]),
        ),
        (
            "Layer(Conv): c, Tactic: 0x1, x[Slice(1)], 2 (Half[1]) -> y (Half[1])",
            ("c", "0x1", [("x[Slice(1)], 2", "Half", (1,))], [("y", "Half", (1,))]),
        ),
        (
            "Layer(Constant): k, Tactic: 0x0,  -> c (Float[1,10]), d (Bool[])",
            ("k", "0x0", [], [("c", "Float", (1, 10)), ("d", "Bool", ())]),
        ),
        ("Layer(P): p, Tactic: 0x0, x (Float[1]) -> ", ("p", "0x0", [("x", "Float", (1,))], [])),
        ("Layer(P): p, Tactic: 0x0,  -> ", ("p", "0x0", [], [])),
    ],
)  # fmt: skip
def test_what_a_line_tells(line, expected):
    read = read_layer_line(line)
    name, tactic, before, after = expected
    assert read is not None and (read.name, read.tactic) == (name, tactic)
    assert (read.inputs, read.outputs) == (tensors(*before), tensors(*after))


def test_vectors_and_extents_that_are_no_numbers():
    read = read_layer_line(
        "Layer(C): c, Tactic: 0x1, x (Half[1,64:8,(# 2 (SHAPE x))]), z (Half[1,64:8,9]) ->"
    )
    assert read is not None and read.inputs == (
        LineTensor(name="x", dtype="Half", dims=None),
        LineTensor(name="z", dtype="Half", dims=(1, 64, 9), vector=8, vector_axis=1),
    )  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Layer(C) c, Tactic: 0x1, x (Half[1]) -> y (Half[1])",
        "Layer(C): c, x (Half[1]) -> y (Half[1])",
        "Layer(C): c, Tactic: 0xzz, x (Half[1]) -> y (Half[1])",
        "Layer(C): c, Tactic: 0x1, x (Half[1]) -> y (Half[1",
        "Layer(C): c, Tactic: 0x1, x (Half[1]) -> y",
        "Layer(C): c, Tactic: 0x1, x (Half[1]), z (Half[1])",
        "Layer(C): c, Tactic: 0x1",
        "Layer(C): c, Tactic: 0x1, x (Half[1]) -> y (Half[1]) -> z (Half[1])",
        "Layer(C): c, Tactic: 0x1, x (Half[1]) -> y[Half(1)]",
    ],
)
def test_a_cut_or_damaged_line_is_refused(line):
    assert read_layer_line(line) is None


def test_the_head_of_a_line_that_is_cut():
    assert head_of("Layer(C): a, b + c, Tactic: 0x1, x (Ha") == ("C", "a, b + c")
    assert head_of("Layer(C): a, b + c, Tac") == ("C", "a, b + c, Tac")


names = st.text(
    st.sampled_from("ab/_. +*:,()[]{}->"), min_size=1, max_size=20
).map(str.strip).filter(
    # What only a type, an arrow after one, or a tactic can be.
    lambda name: name and not name.endswith((",", "->", " -")) and "])" not in name
    and ")]" not in name and not name.startswith(("->", "> "))
)  # fmt: skip
shapes = st.lists(st.integers(-9, 10**6), max_size=5).map(tuple)
told = st.builds(
    LineTensor,
    name=names,
    dtype=st.sampled_from(["Half", "Float", "Int8", "BFloat16", "FP8"]),
    dims=shapes,
) | st.builds(
    LineTensor,
    name=names,
    dtype=st.just("Half"),
    dims=st.tuples(st.integers(1, 9), st.integers(1, 512)),
    vector=st.sampled_from([2, 8, 32]),
    vector_axis=st.just(1),
)
tactics = st.integers(0, 2**64 - 1).map("0x{:016x}".format) | st.integers(-(2**63), 2**63 - 1).map(
    str
)


@settings(max_examples=500, deadline=None)
@given(
    st.builds(
        LayerLine,
        type=st.sampled_from(["NoOp", "CaskConvolution", "PluginV2"]),
        name=names,
        tactic=tactics,
        inputs=st.lists(told, max_size=3).map(tuple),
        outputs=st.lists(told, max_size=3).map(tuple),
    ),
    st.sampled_from(["{name} ({dtype}[{dims}])", "{name}[{dtype}({dims})]"]),
)
def test_what_is_written_is_read(line, form):
    def written(tensor):
        dims = [str(extent) for extent in tensor.dims]
        if tensor.vector_axis is not None:
            dims[tensor.vector_axis] += f":{tensor.vector}"
        return form.format(name=tensor.name, dtype=tensor.dtype, dims=",".join(dims))

    before, after = (", ".join(map(written, side)) for side in (line.inputs, line.outputs))
    text = f"Layer({line.type}): {line.name}, Tactic: {line.tactic}, {before} -> {after}"
    assert read_layer_line(text) == line


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["Layer(", "C", "): ", ", ", "Tactic: ", "0x1", "-12", " (", "[", "Half", "1", ",", ":8",
             "])", ")]", "(", " -> ", "->", "\n", "é", " "]
        ),
        max_size=40,
    )
)  # fmt: skip
def test_any_text(pieces):
    text = "".join(pieces)
    for line in (text, f"Layer(C): {text}", f"Layer(C): a, Tactic: 0x1, {text}"):
        read = read_layer_line(line)
        assert read is None or read.type
        if LAYER_LINE.match(line):
            assert head_of(line)[0]


@pytest.mark.usefixtures("runaway")
@pytest.mark.parametrize(
    "piece", [", Tactic: ", "x (Half[1]), ", "x[Half(1)], ", " (Half[", "[Half(", "1,", " -> ", "("]
)
def test_repetition_costs_linear_time(piece):
    for end in ("", "])", ")]", "x (Half[1])", "x[Half(1)]"):
        line = "Layer(C): a, Tactic: 0x1, " + piece * (1_000_000 // len(piece)) + end
        read_layer_line(line)
