"""What FP16 saves in a plan by times that were measured, and how a plan of many words looks."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

pytest.importorskip("onnx")

from planted import PLANTED

from trtdoctor.model.conversion_plan import (
    Arm,
    ChangedConstant,
    Conversion,
    ConversionPlan,
    KeptNode,
)
from trtdoctor.model.finding import Command, Remedy, to_run
from trtdoctor.model.model_report import ModelReport
from trtdoctor.models.planning import PlanRequest, make_plan
from trtdoctor.models.planning.times import by_node, saved_by_log, saved_by_profile
from trtdoctor.readers.buildlog import read_build_log
from trtdoctor.readers.profile import read_profile
from trtdoctor.render.plan_sections import plan_sections
from trtdoctor.run.planning import answer_of

DATA = Path(__file__).resolve().parents[1] / "data"


@pytest.mark.parametrize(
    ("layer", "nodes"),
    [
        ("/a", {"/a": 4.0}),
        ("/a + /b", {"/a": 1.0, "/b": 3.0}),
        ("PWN(/b, /a)", {"/a": 1.0, "/b": 3.0}),
        ("{ForeignNode[/a.../b]}", {"/a": 1.0, "/b": 3.0}),
        ("/a + /a + nobody", {"/a": 4.0}),
        ("nobody", {}),
    ],
)
def test_a_fused_layers_time_is_shared_by_work(layer: str, nodes: dict[str, float]) -> None:
    assert by_node({layer: 4.0}, ["/a", "/b"], [1.0, 3.0]) == nodes


def test_nodes_without_work_share_alike() -> None:
    assert by_node({"/a + /b": 4.0}, ["/a", "/b"], [0.0, 0.0]) == {"/a": 2.0, "/b": 2.0}


def test_a_builds_own_times_tell_what_fp16_saves() -> None:
    log = read_build_log(DATA / "buildlog" / "trt86-cnn.fp16.log.gz")
    saved = saved_by_log(log)
    assert len(saved) >= 4 and any(ms > 0 for ms in saved.values())
    assert all(abs(ms) < 1.0 for ms in saved.values())


def test_a_profile_tells_it_less_well() -> None:
    file = DATA / "layers" / "trt86.cnn.io16.profile.json"
    profile = read_profile(file.read_bytes(), name=file.name)
    saved = saved_by_profile(profile)
    assert saved == {each.name: each.ms / 2 for each in profile.times}


def test_times_decide_in_a_plan_and_are_told() -> None:
    case = PLANTED["layer_norm"]()
    request = PlanRequest(
        model=case.model,
        samples=case.samples,
        inputs="two samples",
        weak=False,
        keep_io=True,
        times={"before": 0.5, "bad/square + bad/mean": 0.25, "after": -0.1, "nobody": 9.0},
    )
    plan, _ = make_plan(request)
    everything, mine = plan.arms[0], plan.arms[-1]
    assert everything.saved_ms == pytest.approx(0.65)
    assert mine.saved_ms == pytest.approx(0.4) and mine.meets
    (table,) = [s for s in plan_sections(ModelReport(path="m", plan=plan)) if "Saves" in s.columns]
    assert "0.400 ms" in table.rows[-1]


def told(plan: ConversionPlan, *, verbose: bool = False) -> str:
    model = ModelReport(path="m.onnx", answer=answer_of(plan), plan=plan)
    sections = plan_sections(model, verbose=verbose)
    return "\n".join(
        [
            "\n".join(
                (s.title, *(" | ".join(r.lines if isinstance(r, Command) else r) for r in s.rows))
            )
            for s in sections
        ]
    )


def test_a_plan_of_many_words_is_shortened_and_says_so() -> None:
    keep = tuple(
        KeptNode(label=f"n{i}", op="Pow", reason="why", bfloat16=(True, False, None)[i % 3])
        for i in range(30)
    )
    conversion = Conversion(
        type="BFLOAT16",
        nodes=5,
        casts=-1,
        constants=tuple(
            ChangedConstant(name=f"c{i}", elements=9, clamped=1, flushed=2, examples=((1e9, 3e4),))
            for i in range(14)
        ),
        forced=tuple((f"f{i}", "it has to") for i in range(13)),
        notes=("A note.",),
    )
    plan = ConversionPlan(
        type="BFLOAT16",
        met=True,
        keep=keep,
        conversion=conversion,
        arms=(
            Arm(name="everything that can be", kept=0, sick=3),
            Arm(name="this plan", kept=30, sqnr=None, share_flops=0.5, meets=True),
        ),
        nodes=40,
        inputs="one sample",
        backend="onnx",
        check="it accepts the converted model",
        remedies=(Remedy(text="Build:", commands=to_run("trtexec")),),
        notes=("Another note.",),
    )
    short = told(plan)
    for words in (
        "20 of 30, -v shows all",
        "would do",
        "would not",
        "unknown",
        "1 Cast fewer",
        "5 nodes in BF16",
        "and 3 more",
        "10 shown",
        "1 clamped, 2 became 0",
        "broken, 3 sick",
        "as in FP32",
        "A note.",
        "Another note.",
        "trtexec",
    ):
        assert words in short, words
    assert "n29" in told(plan, verbose=True) and "n29" not in short
    missed = msgspec.structs.replace(plan, met=False, check=None)
    assert "No set of nodes in FP32 was found" in told(missed)
    refused = msgspec.structs.replace(plan, met=False)
    assert "Your own check refuses it" in told(refused)
    one = msgspec.structs.replace(plan, keep=keep[:1], weak=True)
    assert "1 of 40 nodes stays in FP32" in told(one) and "Random samples" in told(one)
