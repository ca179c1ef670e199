"""Whatever the bytes, the readers answer: a value or one sentence, in bounded time."""

from __future__ import annotations

import json
import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trtdoctor.precision.layers import classify_layers, summarize, uses_tensor_cores
from trtdoctor.readers.layers import FormatError, read_layers
from trtdoctor.readers.profile import join, read_profile

DATA = Path(__file__).parents[2] / "data" / "layers"
SEEDS = [p.read_bytes() for p in sorted(DATA.iterdir())]
LOG = (
    b"[V] Engine Layer Information:\nLayer(CaskConvolution): a + b, Tactic: 0x1, x (Half[1,2:8]), "
    b"y (Float[-1]) -> z (Int8[1])\n[I] [TRT] Layers:\nName: q, LayerType: gemm, Inputs: [ { Name: "
    b"x, Dimensions: [1], Format/Datatype: Half }], Outputs: [], TacticName: s, Metadata: \n\n"
)

quick = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def answer(data: bytes) -> None:
    try:
        file = read_layers(data)
    except FormatError as error:
        assert 10 < len(str(error)) < 500
    else:
        layers = classify_layers(file.layers, io=file.io or ())
        assert msgspec.json.encode(layers) and msgspec.json.encode(file)
        for profile in {layer.profile for layer in layers}:
            msgspec.json.encode(summarize(layers, profile=profile))
    try:
        profile = read_profile(data)
    except FormatError as error:
        assert 10 < len(str(error)) < 500
    else:
        join((), profile)


@quick
@given(st.binary(max_size=2000))
def test_any_bytes(data):
    answer(data)


@quick
@given(st.sampled_from([*SEEDS, LOG]), st.randoms(use_true_random=False))
def test_mutated_files(data, rng: random.Random):
    blob = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(blob))
        kind = rng.randrange(4)
        if kind == 0:
            blob[at] = rng.randrange(256)
        elif kind == 1:
            del blob[at : at + rng.randint(1, 200)]
        elif kind == 2:
            blob[at:at] = blob[at : at + rng.randint(1, 200)]
        else:
            blob[at:at] = rng.choice(
                [b'"', b"{", b"[", b"\0", b"\x1e", b"\\u", b"-> ", b" }", b"]"]
            )
        if not blob:
            break
    answer(bytes(blob))


KEYS = [
    *("Name", "LayerType", "Inputs", "Outputs", "Constants", "Layers", "Bindings", "Dimensions"),
    *("Format", "Datatype", "Format/Datatype", "I/O Tensors", "ProfileInfo", "MinShape", "Type"),
    *("OptShape", "MaxShape", "TacticName", "TacticValue", "Metadata", "Weights", "Count"),
    *("Location", "Origin", "count", "name", "timeMs"),
]

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=8,
        )
    ),
    max_leaves=40,
)


@pytest.mark.slow
@quick
@given(values)
def test_json_of_the_wrong_shape(value):
    answer(json.dumps(value).encode())
    answer(json.dumps({"Layers": [value]}).encode())


@quick
@given(st.text(max_size=300))
def test_any_tactic_name(name):
    assert uses_tensor_cores(name) in (True, False, None)


@pytest.mark.slow
@pytest.mark.usefixtures("runaway")
@pytest.mark.parametrize(
    "piece",
    [
        "Name: a, LayerType: b, Inputs: [ { Name: ",
        "{ Name: x, Dimensions: [",
        ", Inputs: [",
        "Layer(",
        "Layer(a): b, Tactic: 0x1, ",
        "x (Half[1]), ",
        "((((",
        "[V] ",
        "Layers:\n",
        "Engine Layer Information:\n",
        "Tactic Name: a Tactic: 0x1\n",
        ", TacticName: ",
        ', Weights: {"Type": "Half", "Count": 1',
        "[",
        '{"Name": "a"}',
        '{"Name": "[ONNX Layer: ',
        '"',
        "\\",
        " [profile 1]",
    ],
)
def test_repetition_costs_linear_time(piece):
    for head in ("", "Engine Layer Information:\n", "Layers:\nName: a, LayerType: b, Inputs: [ "):
        data = (head + piece * (1_000_000 // len(piece))).encode()
        answer(data)


@pytest.mark.slow
@pytest.mark.usefixtures("runaway")
def test_long_names_cost_linear_time():
    for text in ("[ONNX Layer: ", "a + ", "_xmma_f16", "{ForeignNode[", "__myl_Cast", "E4M3 "):
        long = text * (1_000_000 // len(text))
        layer = {"Name": long, "LayerType": long, "TacticName": long, "Metadata": long}
        layer |= {"Inputs": [{"Name": long, "Format/Datatype": long}], "Outputs": []}
        answer(json.dumps({"Layers": [layer]}).encode())
