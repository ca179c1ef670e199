"""What ONNX Runtime's TensorRT providers leave beside engines: names, shape ranges, context models."""

from __future__ import annotations

import onnx
import pytest
from flatbuffers import flexbuffers
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from trtdoctor.readers.errors import FormatError
from trtdoctor.readers.ortcache import (
    DimRange,
    EpContext,
    parse_name,
    read_cached_profile,
    read_contexts,
)

OWN = "TensorrtExecutionProvider_TRTKernel_graph_"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            OWN + "main_graph_2697494743358455023_0_0_fp16_sm86",
            ("main_graph", "2697494743358455023", 0, ("FP16",), "8.6", False, False),
        ),
        (
            OWN + "torch-jit-export_11340214133003188726_252_46",
            ("torch-jit-export", "11340214133003188726", 252, (), None, False, False),
        ),
        (
            OWN + "g_1_2_main_graph_1_0_0_fp16_int8_sm80+.stripped",
            ("g_1_2_main_graph", "1", 0, ("FP16", "INT8"), "8.0", True, True),
        ),
        (
            "c1-256-10_229366337926929018_0_fp16_sm120",
            ("c1-256-10", "229366337926929018", 0, ("FP16",), "12.0", False, False),
        ),
        (
            "NvTensorRTRTXExecutionProvider_TRTKernel_graph_x_5_1_2_sm89",
            ("x", "5", 1, (), "8.9", False, False),
        ),
        ("yolov8n_b1-16_fp16_sm86", None),
        ("model_20260101_1", None),
        ("model", None),
        ("", None),
    ],
)
def test_a_name_tells_hash_types_and_gpu(name: str, told: tuple | None) -> None:
    found = parse_name(f"{name}.engine")
    if told is None:
        assert found is None
        return
    assert found is not None
    assert told == (
        *(found.graph, found.model_hash, found.subgraph, found.types),
        *(found.compute_capability, found.newer_too, found.stripped),
    )


def flex(entries: dict[str, list[int]]) -> bytes:
    """As the provider writes it: a map of typed vectors."""
    builder = flexbuffers.Builder()
    with builder.Map():
        for name, numbers in entries.items():
            builder.TypedVectorFromElements(name, numbers)
    return bytes(builder.Finish())


def test_ranges_of_new_and_of_old_profiles() -> None:
    found = read_cached_profile(flex({"ids": [0, 1, 8, 4, 1, 1, 512, 128], "x": [0, 1, 16]}))
    assert found["ids"] == (
        DimRange(profile=0, dim=0, min=1, max=8, opt=4),
        DimRange(profile=0, dim=1, min=1, max=512, opt=128),
    )
    assert found["x"] == (DimRange(profile=0, dim=0, min=1, max=16),)


def test_several_profiles_and_ranges_that_nothing_was_seen_of() -> None:
    found = read_cached_profile(
        flex(
            {
                "a": [0, 1, 4, 2, 0, 5, 9, 7],
                "b": [2, 2**31 - 1, -(2**31), 2**31 - 1],
                "c": [0, 9, 1, 1],
                "d": [1, 1],
            }
        )
    )
    assert [each.profile for each in found["a"] or ()] == [0, 1]
    assert found["b"] == () and found["c"] is None and found["d"] is None


def test_twelve_numbers_are_read_the_way_that_adds_up() -> None:
    new = [0, 1, 8, 4, 1, 1, 8, 4, 2, 1, 8, 4]
    assert len(read_cached_profile(flex({"x": new}))["x"] or ()) == 3
    old = [0, 1, 8, 1, 2, 8, 2, 3, 9, 3, 4, 20]
    assert len(read_cached_profile(flex({"x": old}))["x"] or ()) == 4


ROW = st.tuples(st.integers(0, 63), *[st.integers(-(2**63), 2**63 - 1)] * 3).map(
    lambda row: (row[0], *sorted(row[1:]))
)


@given(
    st.dictionaries(
        st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=20),
        st.lists(ROW, min_size=1, max_size=9, unique_by=lambda row: row[0]),
        max_size=9,
    )
)
def test_the_same_numbers_as_the_flatbuffers_package_writes(entries: dict[str, list]) -> None:
    written = {
        name: [n for dim, low, opt, high in rows for n in (dim, low, high, opt)]
        for name, rows in entries.items()
    }
    assert read_cached_profile(flex(written)) == {
        name: tuple(
            DimRange(profile=0, dim=dim, min=low, max=high, opt=opt) for dim, low, opt, high in rows
        )
        for name, rows in entries.items()
    }


SOUND = flex({"ids": [0, 1, 8, 4], "mask": [0, 1, 8, 4, 1, 1, 300, 128]})


@given(st.integers(0, len(SOUND) - 1), st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused(at: int, byte: int) -> None:
    data = bytearray(SOUND)
    data[at] = byte
    try:
        read_cached_profile(bytes(data))
    except FormatError as error:
        assert "\n" not in str(error)


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (read_cached_profile, read_contexts):
        try:
            read(data)
        except FormatError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("data", [b"", b"\0\0\0", SOUND[:-1], SOUND[5:], b"\x01\x04\x01" * 9])
def test_what_is_no_profile_is_told_with_what_to_do(data: bytes) -> None:
    with pytest.raises(FormatError, match=r"^x\.profile: This file .* delete both"):
        read_cached_profile(data, name="x.profile")


def context_model(*contexts: dict[str, object]) -> bytes:
    nodes = [
        helper.make_node("EPContext", ["x"], [f"y{n}"], domain="com.microsoft", **attributes)
        for n, attributes in enumerate(contexts)
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    outputs = [
        helper.make_tensor_value_info(f"y{n}", TensorProto.FLOAT, [1]) for n in range(len(nodes))
    ]
    nodes.append(helper.make_node("Relu", ["x"], ["z"], alpha=1.5))
    graph = helper.make_graph(nodes, "g", [x], outputs)
    return helper.make_model(graph, ir_version=8).SerializeToString()


def test_context_models_name_engine_gpu_version_and_model() -> None:
    data = context_model(
        {
            "embed_mode": 0,
            "ep_cache_context": "x_sm86.engine",
            "hardware_architecture": "86",
            "onnx_model_filename": "x.onnx",
            "ep_sdk_version": "1.3.0",
        },
        {"embed_mode": 1, "ep_cache_context": b"ftrt" * 4000, "hardware_architecture": "80+"},
        {"hardware_architecture": "no number"},
    )
    assert read_contexts(data) == (
        EpContext(
            engine="x_sm86.engine", compute_capability="8.6", version="1.3.0", model="x.onnx"
        ),
        EpContext(embedded=True, compute_capability="8.0", newer_too=True),
        EpContext(embedded=True),
    )


def test_a_cut_context_model_is_refused_and_another_model_has_none() -> None:
    data = context_model({"embed_mode": 1})
    with pytest.raises(FormatError, match=r"^m_ctx\.onnx: .*cut short"):
        read_contexts(data[:-9], name="m_ctx.onnx")
    assert read_contexts(context_model()) == ()
    assert onnx.load_from_string(data).graph.node[0].op_type == "EPContext"
