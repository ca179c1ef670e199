"""The plan finds what has to stay in FP32, keeps little else, and what it promises it verified."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
from onnx import helper
from planted import FLOAT, PLANTED, Net, normal
from zoo import ZOO

from trtdoctor.models.conversion import convert, load_model
from trtdoctor.models.emulation import Network, Rounding, deviation, find_backend
from trtdoctor.models.inputs import find_inputs
from trtdoctor.models.planning import PlanRequest, make_plan
from trtdoctor.models.planning.choice import Candidate, choose
from trtdoctor.readers.onnxmodel import TensorType, read_onnx


def planned(model: Any, samples: list[Mapping[str, Any]], **more: Any) -> Any:
    request = PlanRequest(
        model=model, samples=samples, inputs="samples", **{"keep_io": True, "weak": False, **more}
    )
    return make_plan(request)


@pytest.mark.parametrize("name", PLANTED)
def test_what_was_planted_is_kept_and_no_node_too_many(name: str) -> None:
    case = PLANTED[name]()
    plan, converted = planned(case.model, case.samples)
    kept = {node.label for node in plan.keep}
    assert plan.met
    assert kept and kept <= case.region
    assert not plan.arms[0].meets and plan.arms[-1].meets
    assert all(node.reason for node in plan.keep)
    onnx.checker.check_model(converted.model, full_check=True)


@pytest.mark.parametrize("name", ["layer_norm", "positions", "tiny_epsilon"])
def test_the_converted_model_does_what_was_promised(name: str) -> None:
    """By onnx's own reference, which computes FP16 nodes in FP16."""
    case = PLANTED[name]()
    plan, converted = planned(case.model, case.samples)
    reference = pytest.importorskip("onnx.reference")
    for sample in case.samples:
        (was,) = reference.ReferenceEvaluator(case.model).run(None, sample)
        (now,) = reference.ReferenceEvaluator(converted.model).run(None, sample)
        assert deviation(was, now).sqnr > plan.budget


def test_a_model_that_fp16_holds_keeps_nothing() -> None:
    net = Net()
    value = net.node("Relu", [net.linear("x", "first")], "relu")
    model = net.model({"x": (FLOAT, (8, net.width))}, net.linear(value, "second"))
    plan, converted = planned(model, [{"x": normal(8, net.width)}])
    assert plan.met and plan.keep == () and plan.measured == 0
    assert plan.arms[-1].share_flops == 1.0
    assert [node.op_type for node in converted.model.graph.node].count("Cast") == 2


def test_a_budget_that_nothing_meets_is_missed_and_said_so() -> None:
    net = Net()
    model = net.model({"x": (FLOAT, (8, net.width))}, net.linear("x", "only"))
    plan, _ = planned(model, [{"x": normal(8, net.width)}], budget=390.0)
    # With all in FP32 nothing is lost, so that it is met, and by keeping all.
    assert plan.met and len(plan.keep) == plan.nodes


def test_bfloat16_is_tried_for_what_is_kept() -> None:
    case = PLANTED["layer_norm"]()
    plan, _ = planned(case.model, case.samples)
    assert {node.bfloat16 for node in plan.keep} <= {True, False}
    whole, _ = planned(case.model, case.samples, to=TensorType.BFLOAT16, budget=20.0)
    assert whole.keep == () and whole.met


def test_other_sets_are_measured_beside_it() -> None:
    case = PLANTED["layer_norm"]()
    plan, _ = planned(case.model, case.samples, others={"mine": ["bad/square", "nobody"]})
    arms = {arm.name: arm for arm in plan.arms}
    assert arms["mine"].kept == 1 and not arms["mine"].meets
    assert arms["this plan"].meets


def test_the_users_own_check_decides_in_the_end() -> None:
    case = PLANTED["layer_norm"]()
    seen = []

    def strict(converted: Any) -> bool:
        seen.append(len(converted.conversion.kept))
        return "before" in converted.conversion.kept

    plan, converted = planned(case.model, case.samples, accept=strict)
    assert plan.met and "before" in converted.conversion.kept
    assert {node.label for node in plan.keep} == set(converted.conversion.kept)
    assert len(seen) > 1
    plan, _ = planned(case.model, case.samples, accept=lambda converted: False)
    assert not plan.met and "none" in plan.check


def test_onnxruntime_hides_what_casts_around_each_node_show() -> None:
    """A whole FP16 graph on its CPU is lifted to FP32; node by node the norm dies."""
    runtime = pytest.importorskip("onnxruntime")
    case = PLANTED["layer_norm"]()
    whole = convert(case.model, keep_io=True).model
    session = runtime.InferenceSession(
        whole.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    network = Network(case.model, find_backend("onnxruntime"))
    sample = case.samples[0]
    was = next(iter(network.run(sample).values()))
    hidden = session.run(None, sample)[0]
    assert deviation(was, hidden).sqnr > 40
    narrow = [step.index for step in network.steps if step.node.op != "Constant"]
    rounded = network.run(sample, narrow=narrow, rounding=Rounding(TensorType.FLOAT16))
    assert deviation(was, next(iter(rounded.values()))).sqnr < 10


@pytest.mark.parametrize("backend", ["onnx", "onnxruntime"])
def test_both_backends_see_the_same(backend: str) -> None:
    pytest.importorskip(backend)
    case = PLANTED["power"]()
    plan, _ = planned(case.model, case.samples, backend=backend)
    assert {node.label for node in plan.keep} == {"bad/cube", "bad/scale"}
    assert plan.backend.startswith(backend)


@pytest.mark.parametrize(
    ("was", "now", "sqnr", "sick"),
    [
        ([1.0, 2.0], [1.0, 2.0], math.inf, False),
        ([1.0, 2.0], [1.0, np.inf], -math.inf, True),
        ([1.0, np.inf], [1.0, np.inf], math.inf, False),
        ([3.0, 4.0], [3.0, 4.5], 20.0, False),
        ([[1.0, 2, 3, 4]], [[0.0, 0, 0, 0]], 0.0, True),
        ([[0.0, 0, 0, 0]], [[0.0, 0, 0, 0]], math.inf, False),
        ([], [], math.inf, False),
    ],
)
def test_how_far_a_value_is_from_what_it_was(was: Any, now: Any, sqnr: float, sick: bool) -> None:
    found = deviation(np.array(was, np.float32), np.array(now, np.float32))
    assert found.sqnr == pytest.approx(sqnr) and found.sick is sick


def test_the_cheapest_set_is_chosen_with_few_casts() -> None:
    candidates = [
        Candidate(index=i, noise=noise, saved=saved, must=must)
        for i, (noise, saved, must) in enumerate(
            [
                (0.1, 10.0, False),
                (0.1, 1.0, False),
                (0.0, 1.0, True),
                (0.0, 0.1, False),
                (0.0, 1, True),
            ]
        )
    ]
    assert choose(candidates, {}, 0.15) == {1, 2, 4}
    # Between two that must stay, one that saves less than its Casts cost stays too.
    assert choose(candidates, {(2, 3): 5.0, (3, 4): 5.0}, 0.15) == {1, 2, 3, 4}
    assert choose(candidates[:2], {}, 0.5) == frozenset()


def test_control_flow_is_one_unit() -> None:
    then = helper.make_graph(
        [helper.make_node("Mul", ["h", "h"], ["a"], name="inner")],
        "then",
        [],
        [helper.make_tensor_value_info("a", FLOAT, ("n", "m"))],
    )
    other = helper.make_graph(
        [helper.make_node("Identity", ["h"], ["b"], name="else")],
        "other",
        [],
        [helper.make_tensor_value_info("b", FLOAT, ("n", "m"))],
    )
    net = Net()
    value = net.linear("x", "before")
    net.nodes[-1].output[0] = "h"
    value = net.node("If", ["c"], "choose", then_branch=then, else_branch=other)
    model = net.model(
        {"x": (FLOAT, (8, net.width)), "c": (onnx.TensorProto.BOOL, ())}, net.linear(value, "after")
    )
    samples = [{"x": normal(8, net.width, scale=400.0), "c": np.array(True)}]
    plan, converted = planned(model, samples)
    assert plan.met
    onnx.checker.check_model(converted.model, full_check=True)
    assert any("choose" in note for note in converted.conversion.notes)


def test_the_first_and_last_case(shared: Path) -> None:
    """Where an earlier remedy destroyed half of the rows in silence."""
    hazards = shared / "corpus" / "hazards"
    model = load_model(hazards / "ln_ac.onnx")
    data = np.load(hazards / "ln_cal.npz")["x"].astype(np.float16)
    plan, _ = planned(model, [{"x": data}])
    assert {"/ln/Pow", "/ln/ReduceMean_1"} <= {node.label for node in plan.keep}
    assert not plan.arms[0].meets and plan.met


def test_random_samples_clear_nothing_that_likely_breaks() -> None:
    model = ZOO["unet"]()
    samples = [{"noise": normal(1, 4, 16, 16), "step": np.array([[1]])}]
    weak, _ = planned(model, samples, weak=True)
    assert {"time/Cast", "time/Mul", "time/Sin", "time/Cos"} <= {node.label for node in weak.keep}
    assert all("random samples" in node.reason for node in weak.keep)
    sure, _ = planned(model, [{**samples[0], "step": np.array([[999]])}])
    assert "time/Mul" in {node.label for node in sure.keep}


@pytest.mark.parametrize("name", ZOO)
def test_architectures_are_planned_with_little_in_fp32(name: str, tmp_path: Path) -> None:
    model = ZOO[name]()
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    inputs = find_inputs(read_onnx(path, shapes={}), "random:2", {})
    plan, converted = planned(model, list(inputs))
    assert plan.met and len(plan.keep) <= 3
    assert plan.arms[-1].share_flops > 0.95
    onnx.checker.check_model(converted.model, full_check=True)
    weak, _ = planned(model, list(inputs), weak=True)
    assert weak.met and {n.label for n in plan.keep} <= {n.label for n in weak.keep}
    assert weak.arms[-1].share_flops > 0.8
