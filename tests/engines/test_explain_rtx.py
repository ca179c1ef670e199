"""The strongly typed world: engines that TensorRT-RTX builds on the CPU, and their models."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("tensorrt_rtx")
pytest.importorskip("onnx")

import graphmodels


@pytest.fixture
def built(tmp_path):
    """Builds a model; the engine's, the model's and the log's paths."""

    def build(name):
        proto = graphmodels.MODELS[name]()
        try:
            plan, log = graphmodels.build(proto)
        except graphmodels.Unsupported as error:
            pytest.skip(str(error))
        paths = [tmp_path / f"{name}.{suffix}" for suffix in ("engine", "onnx", "log")]
        paths[0].write_bytes(plan)
        paths[1].write_bytes(proto.SerializeToString())
        paths[2].write_text(log)
        return paths

    return build


@pytest.mark.parametrize("with_log", [True, False])
def test_an_fp32_engine_alone_follows_its_model_and_asks_for_it(document, built, with_log):
    engine, _, log = built("mlp_fp32")
    found = document(engine, *(["--log", log] if with_log else []))
    assert found["typing"] == "strong"
    told = {(e["cause"], e["confidence"]) for e in found["explanations"]}
    assert told == {("graph-says-fp32", "likely")}
    assert not any(e["remedy"]["commands"] for e in found["explanations"])
    commands = [
        command for item in found["missing"] for one in item["commands"] for command in one["lines"]
    ]
    assert any("--onnx" in command and str(engine) in command for command in commands)


@pytest.mark.parametrize("with_log", [True, False])
def test_the_model_decides_with_and_without_the_log(document, built, with_log):
    engine, model, log = built("mlp_fp32")
    found = document(engine, "--onnx", model, *(["--log", log] if with_log else []))
    assert {e["cause"] for e in found["explanations"]} == {"graph-says-fp32"}
    assert {e["confidence"] for e in found["explanations"]} == {"certain"}
    assert found["choice"] is None
    assert not any("another build" in note for note in found["notes"])


def test_the_deciding_casts_are_named_and_an_island_that_is_free_is_kept(document, built):
    engine, model, _ = built("island_softmax")
    (told,) = document(engine, "--onnx", model)["explanations"]
    assert told["cause"] == "cast-island"
    shown = {(e["source"].partition(": ")[2], e["value"]) for e in told["evidence"]}
    assert ("node /up", "Cast to FLOAT") in shown
    assert ("node /down", "Cast to FLOAT16") in shown
    # One kernel with FP16 at its edges holds it, so taking the Casts out would gain nothing.
    assert told["remedy"]["commands"] == [] and "no conversion" in told["remedy"]["text"]


def test_no_flag_of_the_weak_world_is_recommended(document, built):
    engine, model, _ = built("attention_fp32")
    for told in document(engine, "--onnx", model)["explanations"]:
        commands = " ".join(line for one in told["remedy"]["commands"] for line in one["lines"])
        assert not re.search(r"--fp16\b|--precisionConstraints|BuilderFlag\.FP16", commands)


def test_another_model_proves_nothing(document, built):
    engine, _, _ = built("mlp_fp32")
    _, other, _ = built("mlp_fp16")
    found = document(engine, "--onnx", other)
    assert found["explanations"] == document(engine)["explanations"]
    assert any("is not the model of this engine" in note for note in found["notes"])


@pytest.mark.parametrize("name", ["mlp_fp16", "island_matmul", "conv_norm_fp16"])
def test_a_model_that_ends_all_fp16_leaves_nothing_to_explain(explain, document, built, name):
    engine, model, _ = built(name)
    assert document(engine, "--onnx", model)["explanations"] == []
    code, out, _ = explain(engine, "--onnx", model, "--expect", "fp16", "--no-color")
    assert code == 0
    assert "there is nothing to explain" in " ".join(out.split())


def test_fp32_network_tensors_of_an_fp16_model_are_told_once_and_explain_no_layer(document, built):
    engine, model, _ = built("io_cast_fp16")
    found = document(engine, "--onnx", model)
    (note,) = found["notes"]
    assert "/in_cast, /out_cast" in note
    assert found["explanations"] == []
    assert document(engine)["notes"] == []


@pytest.mark.parametrize(
    "name", ["island_matmul_chain", "head_fp32", "qdq_fp32", "dq_int8_input", "attention_fp16"]
)
def test_beside_other_types_an_engine_alone_does_not_tell_what_its_model_says(
    document, built, name
):
    engine, _, _ = built(name)
    told = document(engine)["explanations"]
    assert {e["cause"] for e in told} == {"unknown"}
