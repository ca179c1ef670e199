"""What FP16 network tensors promise, held against builds that were made with them."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from realbuilds import DATA

import trtdoctor
from trtdoctor.model.cause import Cause
from trtdoctor.model.engine import ChoiceTold, EngineReport
from trtdoctor.model.finding import Confidence

pytest.importorskip("numpy")
CAMPAIGN = Path(__file__).parents[3] / "shared" / "corpus" / "campaign"
PAIRS = {
    path.name.removesuffix(".fp16.log.gz"): (
        path,
        path.with_name(path.name.replace("fp16", "io16", 1)),
    )
    for folder in ("fresh", "fresh2")
    for path in sorted((DATA / folder).glob("*.fp16.log.gz"))
    if path.with_name(path.name.replace(".fp16.", ".io16.")).is_file()
} | {
    name: (
        CAMPAIGN / f"{name}.fp16" / "build.log.gz",
        CAMPAIGN / f"{name}.fp16.io16" / "build.log.gz",
    )
    for name in ("gpt", "sr", "twoheads", "vid")
}


def explained(log: Path, **given: Path) -> EngineReport:
    (engine,) = trtdoctor.explain(log=log, live=False, **given).engines
    return engine


def choice_of(log: Path) -> ChoiceTold:
    if not log.is_file():
        pytest.skip("no corpus beside this checkout")
    choice = explained(log).choice
    assert choice is not None
    return choice


@pytest.mark.parametrize("name", PAIRS)
def test_what_is_promised_was_kept(name):
    """Where a gain is promised, the rebuilt plan's was inside the interval."""
    before, after = PAIRS[name]
    choice = choice_of(before)
    gain = choice.network_io_gain_ms
    if gain is not None and gain[0] > 0.0:
        assert gain[0] <= choice.plan_ms - choice_of(after).plan_ms <= gain[1]


def test_an_engine_that_is_fp16_is_told_what_fp16_network_tensors_would_give():
    engine = explained(
        DATA / "fresh" / "big.fp16.log.gz", layers=DATA / "fresh" / "big.fp16.layers.json"
    )
    assert not engine.explanations
    (advice,) = engine.advice
    assert "x as fp16:hwc8" in advice.text and advice.commands
    assert engine.answer is not None
    assert (
        "another build would still save" in engine.answer
        and "by the builder's timings" in engine.answer
    )
    # Nor is it told twice where it is a layer's cause already.
    caused = explained(DATA / "fresh" / "res3d.fp16.log.gz")
    assert Cause.NETWORK_IO in {told.cause for told in caused.explanations}
    assert not caused.advice


def test_no_number_is_promised_where_noise_is_larger(tmp_path):
    engine = explained(DATA / "fresh" / "dwsep.fp16.log.gz")
    gain = engine.choice and engine.choice.network_io_gain_ms
    assert gain and gain[0] < 0.0 < gain[1]
    assert engine.answer is not None and "may or may not make it faster" in engine.answer
    texts = {
        told.remedy.text
        for told in engine.explanations
        if told.cause is Cause.NETWORK_IO and told.remedy
    }
    assert texts and all("Rebuild and measure" in text for text in texts)
    assert not any(re.search(r"saves [0-9]", text) for text in texts)


def test_a_near_tie_is_the_first_cause_where_nothing_else_is_and_brings_its_remedy():
    first = [
        told
        for path in sorted((DATA / "fresh").glob("*.fp16.log.gz"))
        for told in explained(path).explanations
        if told.cause is Cause.NEAR_TIE
    ]
    assert first
    for told in first:
        assert told.decided_again is not None and told.decided_again.value == "unlikely"
        assert told.remedy is not None and "Make the choice repeatable" in told.remedy.text
        assert any("of plans decide the same" in item.value for item in told.evidence)


# Launches ----------------------------------------------------------------------------------------


def summed_up(
    tmp_path: Path, gpu: str, enqueue: str, *, options: str = "", edit: tuple[str, str] = ("", "")
) -> EngineReport:
    log = tmp_path / "build.log"
    text = gzip.decompress((DATA / "buildlog" / "trt86-cnn.fp16.log.gz").read_bytes()).decode()
    tail = "min = 0.01 ms, max = 9 ms, mean = 0.02 ms, median = {} ms, percentile(99%) = 1 ms"
    log.write_text(
        "&&&& RUNNING TensorRT.trtexec [TensorRT v8600] # trtexec --onnx=m.onnx --fp16 "
        f"--verbose {options}\n{text.replace(*edit)}"
        f"[INFO] Enqueue Time: {tail.format(enqueue)}\n"
        f"[INFO] GPU Compute Time: {tail.format(gpu)}\n"
    )
    return explained(log)


@pytest.mark.parametrize(
    ("gpu", "enqueue", "says"),
    [
        ("0.0451", "0.0449", "enqueuing takes"),
        ("0.0951", "0.0249", "launches, gaps between"),
        ("0.0451", "0.0149", None),
        ("none", "0.0149", None),
    ],
)
def test_launches_are_the_answer_where_the_summary_of_trtexec_shows_it(
    tmp_path, gpu, enqueue, says
):
    """The plan of this build takes 40.7 us."""
    engine = summed_up(tmp_path, gpu, enqueue)
    assert engine.answer is not None
    assert (says in engine.answer) if says else ("launch" not in engine.answer)
    assert any("CUDA graph" in advice.text for advice in engine.advice) is (says is not None)


def test_who_enqueues_for_longer_than_launches_take_waits_for_something_else(tmp_path):
    """As a plugin that synchronises: public logs have 182 ms of enqueuing for 180 ms of computing."""
    answer = summed_up(tmp_path, "179.8", "182.0").answer
    assert answer is not None and "enqueuing takes" not in answer


@pytest.mark.parametrize(
    "options",
    [
        "--useCudaGraph",
        "--streams=2",
        "--infStreams=4",
        "--dumpProfile",
        "--exportProfile=p.json",
    ],
)
def test_a_run_of_another_kind_shows_nothing_of_launches(tmp_path, options):
    for gpu, enqueue in (("0.0451", "0.0449"), ("0.0951", "0.0249")):
        assert "launch" not in (summed_up(tmp_path, gpu, enqueue, options=options).answer or "")


def test_other_shapes_than_the_builder_timed_show_nothing_of_gaps(tmp_path):
    """A batch of 64 takes longer than the kernels that were timed at 8, and not for launches."""
    dynamic = ("Float[1,3,64,64]", "Float[-1,3,64,64]")
    asked = "--optShapes=x:8x3x64x64 --shapes=x:{}x3x64x64"
    for options, told in (("", True), (asked.format(8), True), (asked.format(64), False)):
        answer = summed_up(tmp_path, "0.0951", "0.0249", options=options, edit=dynamic).answer
        assert ("gaps between" in (answer or "")) is told


def test_a_profile_counts_only_where_every_layer_has_its_time(tmp_path):
    log = DATA / "buildlog" / "trt86-cnn.fp16.log.gz"
    names = [layer.name for layer in explained(log).layers]
    profile = tmp_path / "profile.json"

    def told(times: dict[str, float]) -> bool:
        rows = ",".join(f'{{"name": "{name}", "averageMs": {ms}}}' for name, ms in times.items())
        profile.write_text(f'[{{"count": 10}}, {rows}]')
        return "most of a run is likely launches" in (explained(log, profile=profile).answer or "")

    assert told(dict.fromkeys(names, 0.02))
    assert not told(dict.fromkeys(names, 0.006))
    assert not told(dict.fromkeys(names[:-1], 0.05))


def test_without_a_proof_the_fastest_candidates_are_possible_reasons(tmp_path):
    """The last conversions are cut off: nothing is solved as it was, but times were printed."""
    text = gzip.decompress((DATA / "buildlog" / "trt86-cnn.fp16.log.gz").read_bytes()).decode()
    log = tmp_path / "build.log"
    log.write_text(
        re.sub(r"(Autotuning Reformat: .*\n)(?:\[VERBOSE\] (?:-|Tactic|Optim).*\n)+", r"\1", text)
    )
    engine = explained(log)
    possible = [told for told in engine.explanations if told.confidence is Confidence.POSSIBLE]
    for told in possible:
        assert any("fastest candidate" in item.value for item in told.evidence)
    assert not any(told.confidence is Confidence.CERTAIN for told in engine.explanations)


@pytest.mark.parametrize(
    ("asked", "limit", "told"),
    [
        ("workspace:1024MiB", "0.000976562", True),
        ("tacticSharedMem:1,workspace:8GB", "7.62939e-06", True),
        ("workspace:1024", "1024", False),
        ("workspace:2G", "2048", False),
    ],
)
def test_a_workspace_that_trtexec_read_otherwise_is_told(tmp_path, asked, limit, told):
    text = gzip.decompress((DATA / "buildlog" / "trt86-cnn.fp16.log.gz").read_bytes()).decode()
    log = tmp_path / "build.log"
    log.write_text(
        f"&&&& RUNNING TensorRT.trtexec [TensorRT v8600] # trtexec --onnx=m.onnx --memPoolSize={asked}\n"
        "[INFO] === Build Options ===\n"
        f"[INFO] Memory Pools: workspace: {limit} MiB, dlaSRAM: default\n{text}"
    )
    notes = [note for note in explained(log).notes if "does not read" in note]
    assert bool(notes) is told
    if told:
        assert asked.rpartition("workspace")[2] in notes[0] and "build.log:3" in notes[0]
