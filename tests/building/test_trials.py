"""Remedies that can be tried by building again: what each changes, and what it promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from buildworld import measured, record, request

from trtdoctor.builder.request import BuildRequest
from trtdoctor.engines.promises import REBUILT, promise, time_of
from trtdoctor.engines.trials import Trial, request_of, trials
from trtdoctor.model.build import BuildSettings, Measurement
from trtdoctor.model.cause import Cause
from trtdoctor.model.engine import ChoiceTold, EngineReport, Explanation, Precision, ReasonTold
from trtdoctor.model.engine_shapes import ShapeRange
from trtdoctor.model.finding import Confidence, Remedy, to_run
from trtdoctor.model.typing import Typing


def told(cause: Cause, *, commands: tuple[str, ...] = (), also: tuple[Cause, ...] = ()) -> Any:
    return Explanation(
        layer=f"layer of {cause.value}",
        precision=Precision.FP32,
        cause=cause,
        confidence=Confidence.CERTAIN,
        other_causes=tuple(
            ReasonTold(cause=other, confidence=Confidence.LIKELY, evidence=()) for other in also
        ),
        remedy=Remedy(text="Do something.", commands=to_run(*commands)),
    )


def report(*explanations: Any, typing: Typing = Typing.WEAK, **more: Any) -> EngineReport:
    return EngineReport(path="m.engine", typing=typing, explanations=explanations, **more)


def choice(*forms: str, io_ms: float = 0.6, gain: tuple[float, float] = (0.3, 0.5)) -> ChoiceTold:
    return ChoiceTold(
        log="build.log",
        build=0,
        profile=0,
        reproduced=True,
        layers=(1, 1),
        conversions=(0, 0),
        plan_ms=1.0,
        network_io_ms=io_ms,
        network_io_gain_ms=gain,
        network_io=forms,
    )


def only(found: tuple[Trial, ...]) -> Trial:
    (one,) = found
    return one


AS_GRAPH = measured(graph_ms=1.0, events_ms=1.2, wall_ms=1.3)


def test_a_promise_is_stretched_and_leaves_room_for_chance() -> None:
    interval, withheld = promise((0.3, 0.5), 1.0, 0.6, AS_GRAPH)
    assert withheld is None and interval is not None
    assert interval == pytest.approx((0.2 * 0.4 - REBUILT, 1.4 * 0.4 + REBUILT))


@pytest.mark.parametrize(
    ("gain", "io_ms", "clocks", "why"),
    [
        (None, 0.6, AS_GRAPH, "the log's numbers give no gain"),
        ((0.3, 0.5), None, AS_GRAPH, "the log's numbers give no gain"),
        ((-0.1, 0.5), 0.6, AS_GRAPH, "so only a build tells"),
        ((0.0, 0.5), 0.6, AS_GRAPH, "so only a build tells"),
        ((0.3, 0.5), 0.6, None, "the engine was not timed"),
        ((0.3, 0.5), 0.6, Measurement(), "the engine was not timed"),
        ((0.3, 0.5), 0.6, measured(events_ms=1.0), "launching kernels may take most"),
        ((0.3, 0.5), 0.6, measured(graph_ms=9.0), "two engines of the same kernels differ"),
    ],
)
def test_promises_that_are_withheld(
    gain: tuple[float, float] | None, io_ms: float | None, clocks: Measurement | None, why: str
) -> None:
    interval, withheld = promise(gain, 1.0, io_ms, clocks)
    assert interval is None and withheld is not None and why in withheld


def test_without_a_graph_launches_must_be_ruled_out() -> None:
    events = measured(events_ms=1.0).events_ms
    clocks = Measurement(events_ms=events, launch_bound=False, compute_capability="9.0")
    interval, withheld = promise((0.3, 0.5), 1.0, 0.6, clocks)
    assert interval is not None and withheld is None


def test_the_clock_that_tells_most() -> None:
    assert time_of(None) is None and time_of(Measurement()) is None
    for name in ("graph_ms", "events_ms", "wall_ms"):
        found = time_of(measured(**{name: 2.0}))
        assert found is not None and found[0] == name and found[1].median == 2.0
    found = time_of(AS_GRAPH)
    assert found is not None and found[0] == "graph_ms"


def test_fp16_network_tensors() -> None:
    told_io = choice("x as fp16:hwc8", "a as b as fp16:chw", "y as fp32:chw")
    found = only(trials(report(choice=told_io, measured=AS_GRAPH), request(), 5))
    assert found.names == ("FP16 network inputs and outputs",)
    assert found.change == {"io": {"x": ("fp16", "hwc8"), "a as b": ("fp16", "chw")}}
    assert found.words == ("--io", "x=fp16:hwc8", "--io", "a as b=fp16:chw")
    assert found.promised_ms is not None and found.withheld is None
    applied = found.applied(request(precision="fp16", workspace=1 << 30))
    assert applied.io["x"] == ("fp16", "hwc8") and applied.workspace == 1 << 30


@pytest.mark.parametrize(
    ("told_io", "wanted"),
    [
        (None, {}),
        (choice(), {}),
        (choice("y as fp32:chw"), {}),
        (choice("x as fp16:chw"), {"io_all": "fp16"}),
        (choice("x as fp16:chw"), {"io": {"x": ("fp16", None)}}),
    ],
)
def test_network_tensors_that_are_not_tried(
    told_io: ChoiceTold | None, wanted: dict[str, Any]
) -> None:
    assert trials(report(choice=told_io, measured=AS_GRAPH), request(**wanted), 5) == ()


@pytest.mark.parametrize(
    ("explained", "wanted", "change"),
    [
        (told(Cause.NOT_ENABLED), {"precision": "fp32"}, {"precision": "fp16"}),
        (told(Cause.INT8_WITHOUT_FP16), {"precision": "int8"}, {"precision": "best"}),
        (
            told(Cause.PINNED, commands=("build",)),
            {"pins": {"/a": "fp32"}, "constraints": "obey"},
            {"pins": {}, "constraints": None},
        ),
        (told(Cause.TACTIC_MEMORY, commands=("build",)), {}, {"workspace": 4 << 30}),
        (
            told(Cause.TACTIC_MEMORY, commands=("build",)),
            {"workspace": 2 << 30},
            {"workspace": 8 << 30},
        ),
        (told(Cause.NEAR_TIE), {}, {"avg_timing": 16}),
        (told(Cause.FASTER_IN_FP32, also=(Cause.NEAR_TIE,)), {}, {"avg_timing": 16}),
    ],
)
def test_each_cause(explained: Any, wanted: dict[str, Any], change: dict[str, Any]) -> None:
    asked = request(**wanted)
    found = only(trials(report(explained), asked, 5))
    assert found.change == change and found.promised_ms is None and found.withheld
    applied = found.applied(asked)
    assert applied != asked
    # What the words say is the change.
    for word in found.words:
        assert word in applied.words()


@pytest.mark.parametrize(
    ("explained", "wanted"),
    [
        # FP16 was allowed.
        (told(Cause.NOT_ENABLED), {"precision": "fp16"}),
        # The gate holds the remedy back.
        (told(Cause.PINNED), {"pins": {"/a": "fp32"}}),
        (told(Cause.TACTIC_MEMORY), {}),
        # What is pinned in a converter's or a parser's way cannot be taken back by the build.
        (told(Cause.PINNED, commands=("build",)), {}),
        (told(Cause.FASTER_IN_FP32, commands=("build",)), {}),
        (told(Cause.UNKNOWN), {}),
        (told(Cause.GRAPH_SAYS_FP32), {}),
    ],
)
def test_causes_that_no_build_cures(explained: Any, wanted: dict[str, Any]) -> None:
    assert trials(report(explained), request(**wanted), 5) == ()


@pytest.mark.parametrize(
    ("wanted", "change"),
    [
        ({"precision": "fp32"}, {"precision": "fp16"}),
        ({"precision": "fp16", "convert": "none"}, {"precision": "fp16", "convert": "plan"}),
        ({"precision": "fp16"}, None),
    ],
)
def test_where_types_decide_the_model_is_converted(
    wanted: dict[str, Any], change: dict[str, Any] | None
) -> None:
    explained = report(told(Cause.GRAPH_SAYS_FP32), told(Cause.NEAR_TIE), typing=Typing.STRONG)
    found = trials(explained, request(**wanted), 5)
    assert [trial.change for trial in found] == ([] if change is None else [change])
    assert all(trial.withheld for trial in found)


def test_several_are_tried_together_and_the_most_promising_first() -> None:
    explained = report(
        told(Cause.NEAR_TIE),
        told(Cause.TACTIC_MEMORY, commands=("build",)),
        choice=choice("x as fp16:chw"),
        measured=AS_GRAPH,
    )
    found = trials(explained, request(), 5)
    assert found[0].names == ("FP16 network inputs and outputs",) and found[0].promised_ms
    assert len(found) == 4
    whole = found[-1]
    assert whole.names == tuple(name for one in found[:-1] for name in one.names)
    assert set(whole.change) == {"io", "avg_timing", "workspace"}
    assert whole.promised_ms is None and whole.withheld
    assert "not the sum" in whole.withheld
    assert len(trials(explained, request(), 2)) == 3
    assert only(trials(explained, request(), 1)).names == found[0].names
    assert trials(explained, request(), 0) == ()


def test_what_contradicts_is_not_tried_together() -> None:
    explained = report(told(Cause.NOT_ENABLED), told(Cause.INT8_WITHOUT_FP16))
    found = trials(explained, request(precision="fp32"), 5)
    assert [trial.change for trial in found] == [{"precision": "fp16"}, {"precision": "best"}]


def again(**more: Any) -> BuildRequest:
    return request_of(record(**more), Path("again.engine"), Path("m.onnx"))


def test_a_record_gives_its_request() -> None:
    shape = ShapeRange(min=(1,), opt=(2,), max=(3,))
    found = again(
        precision="fp16",
        flags=("FP16", "VERSION_COMPATIBLE", "OBEY_PRECISION_CONSTRAINTS"),
        settings=BuildSettings(
            tf32=False,
            workspace_bytes=1 << 30,
            avg_timing_iterations=4,
            builder_optimization_level=2,
            hardware_compatibility_level="AMPERE_PLUS",
            tactic_sources=("CUBLAS", "CUDNN"),
        ),
        shapes={"x": shape},
        io={"x": "fp16:hwc8", "y": "fp16", "z": ":chw4"},
        pins={"/a": "fp32"},
        targets=("8.9",),
    )
    assert found == BuildRequest(
        model=Path("m.onnx"),
        engine=Path("again.engine"),
        precision="fp16",
        tf32=False,
        shapes={"x": shape},
        io={"x": ("fp16", "hwc8"), "y": ("fp16", None), "z": (None, "chw4")},
        pins={"/a": "fp32"},
        constraints="obey",
        hardware_compatible="AMPERE_PLUS",
        version_compatible=True,
        workspace=1 << 30,
        avg_timing=4,
        tactic_sources=("CUBLAS", "CUDNN"),
        optimization_level=2,
        targets=("8.9",),
    )


def test_what_only_the_command_tells() -> None:
    assert again() == BuildRequest(
        model=Path("m.onnx"), engine=Path("again.engine"), precision="fp32"
    )
    assert again(command=("build", "m.onnx", "e", "--strongly-typed")).strongly_typed
    assert again(command=("build", "--convert", "none")).convert == "none"
    assert again(converted_by="autocast").convert == "autocast"
    assert again(command=("build", "--io", "fp16", "--io", "x=fp32")).io_all == "fp16"
    # Which the record has one by one where it did something.
    found = again(command=("build", "--io", "fp16"), io={"x": "fp16"})
    assert found.io_all is None and found.io == {"x": ("fp16", None)}


@pytest.mark.parametrize("capability", ["8.9", "12.0", None])
def test_nothing_is_promised_where_it_was_not_measured(capability: str | None) -> None:
    elsewhere = msgspec.structs.replace(AS_GRAPH, compute_capability=capability)
    interval, withheld = promise((0.3, 0.5), 1.0, 0.6, elsewhere)
    assert interval is None and withheld is not None and "compute capability 9.0 alone" in withheld
