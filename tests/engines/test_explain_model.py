"""A model without an engine: what strongly typed builds will compute in, by its types alone."""

from __future__ import annotations

import pytest

pytest.importorskip("onnx")

import graphmodels

import trtdoctor
from trtdoctor.model.cause import Cause
from trtdoctor.model.engine import LayersSource, Precision, Role
from trtdoctor.model.finding import Confidence
from trtdoctor.model.typing import Typing


@pytest.fixture
def alone(tmp_path):
    """What is told of a model that is given in the place of an engine."""

    def told(name, **given):
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(graphmodels.MODELS[name]().SerializeToString())
        return trtdoctor.explain(path, live=False, **given).engines[0]

    return told


def causes(engine):
    return {one.layer: (one.cause, one.confidence) for one in engine.explanations}


def test_an_fp32_model_is_fp32_node_by_node_and_gets_the_remedy(alone):
    engine = alone("mlp_fp32")
    assert engine.typing is Typing.STRONG and engine.layers_source is LayersSource.MODEL
    said = causes(engine)
    assert set(said.values()) == {(Cause.GRAPH_SAYS_FP32, Confidence.LIKELY)}
    assert set(said) == {"/fc1/Gemm", "/relu", "/fc2/Gemm", "/sm"}
    assert "0 of the model's 4 compute nodes are FP16" in (engine.answer or "")
    assert any(
        "autocast" in c for one in engine.explanations for c in one.remedy.commands for c in c.lines
    )
    assert any("up to 10 the builder decides" in note for note in engine.notes)
    assert not any(item.source == "engine" for one in engine.explanations for item in one.evidence)


def test_an_fp16_model_has_nothing_to_explain(alone):
    engine = alone("mlp_fp16")
    assert engine.explanations == () and "there is nothing to explain" in (engine.answer or "")


def test_an_island_is_told_between_its_casts(alone):
    said = causes(alone("island_matmul"))
    assert {cause for cause, _ in said.values()} == {Cause.CAST_ISLAND}


def test_quantised_data_is_multiplied_as_such_and_what_else_reads_it_is_unknown(alone):
    engine = alone("qdq_conv_fp32")
    by_type = {}
    for layer in engine.layers:
        if layer.role is Role.COMPUTE:
            by_type.setdefault(layer.type, set()).add(layer.precision)
    assert Precision.INT8 in by_type["Conv"]


@pytest.mark.parametrize("name", graphmodels.MODELS)
def test_what_an_engine_is_told_of_its_model_alone_says_too(name, alone, tmp_path):
    """Each cause that a real build's layers have by their model is the model's own as well."""
    proto = graphmodels.MODELS[name]()
    try:
        plan, _ = graphmodels.build(proto)
    except (ImportError, graphmodels.Unsupported) as error:
        pytest.skip(str(error))
    engine = tmp_path / "built.engine"
    engine.write_bytes(plan)
    model = alone(name)
    (built,) = trtdoctor.explain(engine, onnx=tmp_path / f"{name}.onnx", live=False).engines
    by_types = {
        Cause.GRAPH_SAYS_FP32,
        Cause.GRAPH_SAYS_BF16,
        Cause.DQ_SCALE_FP32,
        Cause.CAST_ISLAND,
    }
    engines_own = {one.cause for one in built.explanations} & by_types
    assert engines_own <= {one.cause for one in model.explanations}
    if not engines_own and not model.explanations:
        halves = {layer.precision for layer in built.layers if layer.role is Role.COMPUTE}
        assert not halves & {Precision.FP32, Precision.TF32, Precision.BF16} or built.explanations


def test_a_model_beside_a_log_or_layers_is_a_witness_and_no_engine(alone, tmp_path):
    from realbuilds import DATA

    engine = alone("mlp_fp32", log=DATA / "buildlog" / "trt86-cnn.fp16.log.gz")
    assert engine.layers_source is LayersSource.BUILD_LOG
    assert any("is not the model of this engine" in note for note in engine.notes)


def test_autocasts_own_rule_is_the_first_evidence_of_the_island_that_it_made(alone, tmp_path):
    nodes = [one.layer for one in alone("island_matmul").explanations]
    log = tmp_path / "autocast.log"
    log.write_text(
        f"[modelopt][onnx] - INFO - Skipping node {nodes[0]}: reference IO out of range: "
        "min=-3.0, max=829.0, range=[-512, 512]\n"
        "[modelopt][onnx] - INFO - Skipping node elsewhere: DisabledOpTypes\n"
    )
    engine = alone("island_matmul", autocast_log=log)
    told = {one.layer: one for one in engine.explanations}
    first = told[nodes[0]].evidence[0]
    assert first.source == "autocast.log:1"
    assert "AutoCast kept" in first.value and "max=829.0" in first.value
    assert not any("elsewhere" in e.value for one in engine.explanations for e in one.evidence)


def test_a_log_of_something_else_is_refused_in_a_sentence(alone, tmp_path):
    log = tmp_path / "other.log"
    log.write_text("nothing of that kind\n")
    with pytest.raises(trtdoctor.InputError, match=r"other.log.*no line of it is AutoCast's"):
        alone("mlp_fp32", autocast_log=log)
