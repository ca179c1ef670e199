"""Plans built by TensorRT-RTX on the CPU, against the builder's own verbose log."""

from __future__ import annotations

import functools

import pytest

pytest.importorskip("tensorrt_rtx")
pytest.importorskip("onnx")

import rtxmodels

from trtdoctor.readers.plan import Problem, identify, static_layers

TYPES = {
    "Float": "FP32",
    "Half": "FP16",
    "BFloat16": "BF16",
    "FP8": "FP8",
    "Int8": "INT8",
    "Int32": "INT32",
    "Int64": "INT64",
    "Bool": "BOOL",
    "UInt8": "UINT8",
    "Int4": "INT4",
}
NAMES = [name for name, _, _ in rtxmodels.models()]


@functools.cache
def built(name: str, **settings) -> rtxmodels.Build:
    model, profiles = next((m, p) for n, m, p in rtxmodels.models() if n == name)
    try:
        return rtxmodels.build(model, profiles=profiles, **settings)
    except rtxmodels.Unsupported as error:
        pytest.skip(str(error))


def tensors(logged) -> list[tuple[str, str]]:
    return [(tensor.name, TYPES[tensor.dtype]) for tensor in logged]


@pytest.mark.parametrize("name", NAMES)
def test_layers_equal_the_log(name):
    build = built(name)
    found = static_layers(build.plan)
    assert found.complete
    assert build.layers
    assert [layer.name for layer in found.layers] == [layer.name for layer in build.layers]
    for mine, theirs in zip(found.layers, build.layers, strict=True):
        assert mine.type == theirs.type
        assert (mine.tactic or "") == theirs.tactic
        assert [(tensor.name, tensor.dtype) for tensor in mine.inputs] == tensors(theirs.inputs)
        assert [(tensor.name, tensor.dtype) for tensor in mine.outputs] == tensors(theirs.outputs)
        nodes = theirs.metadata.split("[ONNX Layer: ")[1:]
        assert list(mine.onnx_nodes) == [node.rstrip("\x1e\x1f")[:-1] for node in nodes]
        if mine.weights is not None and theirs.constants:
            assert mine.weights.dtype in {TYPES[tensor.dtype] for tensor in theirs.constants}


@pytest.mark.parametrize("name", NAMES)
def test_tensors_and_profiles_equal_the_log(name):
    build = built(name)
    if not build.io:
        pytest.skip("this release's log does not tell them")
    engine = identify(build.plan).engine
    logged = [(n, mode, TYPES[dtype], shape) for n, mode, dtype, shape, _ in build.io]
    assert [(t.name, t.mode, t.dtype, t.shape) for t in engine.io] == logged
    dynamic = any(extent < 0 for *_, shape, _ in build.io for extent in shape)
    if not dynamic:
        assert engine.profiles == ()
        return
    for n, mode, _, _, ranges in build.io:
        if mode == "input":
            mine = [(p[n].min, p[n].opt, p[n].max) for p in engine.profiles]
            assert mine == ranges


def test_identity():
    import tensorrt_rtx

    found = identify(built("conv").plan)
    assert found.problems == ()
    assert not found.newer_than_known
    assert found.engine.product == "tensorrt-rtx"
    assert found.engine.tensorrt_version == tensorrt_rtx.__version__
    assert found.engine.profiling_verbosity == "detailed"
    assert found.engine.refittable is False
    assert found.engine.weight_streaming is False
    assert found.engine.compute_capabilities == ("8.0", "8.6", "8.9", "12.0", "12.1")


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        (("SM75",), ("7.5",)),
        (("SM80",), ("8.0",)),
        (("SM86",), ("8.6",)),
        (("SM89", "SM120"), ("8.9", "12.0")),
        (("SM121",), ("12.1",)),
    ],
)
def test_target_capabilities(capabilities, expected):
    import tensorrt_rtx

    if not all(hasattr(tensorrt_rtx.ComputeCapability, name) for name in capabilities):
        pytest.skip("this release does not know them")
    engine = identify(built("conv", capabilities=capabilities).plan).engine
    assert engine.compute_capabilities == expected


@pytest.mark.parametrize(
    ("verbosity", "word"),
    [("NONE", "none"), ("LAYER_NAMES_ONLY", "names"), ("DETAILED", "detailed")],
)
def test_verbosity_is_told_and_takes_no_layers_away(verbosity, word):
    plan = built("conv", verbosity=verbosity).plan
    assert identify(plan).engine.profiling_verbosity == word
    assert static_layers(plan).layers == static_layers(built("conv").plan).layers


def test_flags():
    assert identify(built("conv", flags=("REFIT_INDIVIDUAL",)).plan).engine.refittable is True
    assert identify(built("conv", flags=("WEIGHT_STREAMING",)).plan).engine.weight_streaming is True
    flags = ("VERSION_COMPATIBLE", "EXCLUDE_LEAN_RUNTIME")
    assert identify(built("conv", flags=flags).plan).engine.version_compatible is True


def test_damage():
    plan = built("conv").plan
    assert {p.problem for p in identify(plan[:-100]).problems} == {Problem.TRUNCATED}
    assert {p.problem for p in identify(plan + b"x").problems} == {Problem.TRAILING_BYTES}
