"""Causes from the log alone: the right ones, with evidence, and flipping with one number."""

from __future__ import annotations

import io
import re

import pytest

from trtdoctor.model.report import Confidence
from trtdoctor.model.typing import Typing
from trtdoctor.precision.log import Cause, analyse, causes_of
from trtdoctor.readers.buildlog import parse_build_log

SURE, LIKELY, POSSIBLE = Confidence.CERTAIN, Confidence.LIKELY, Confidence.POSSIBLE


def told(reasons):
    return [(r.cause, r.confidence) for r in reasons.reasons]


def edit(content, line, old, new):
    lines = content.splitlines(keepends=True)
    assert old in lines[line - 1], lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new)
    return "".join(lines)


LABELS = {
    "trt86-cnn.noflag": {
        layer: [(Cause.NOT_ENABLED, SURE)]
        for layer in (
            "stem + stem_relu",
            "c1 + c1_relu",
            "c2 + c2_relu",
            "c3 + c3_relu",
            "gap",
            "head",
        )
    },
    "trt85-cnn.noflag": {
        layer: [(Cause.NOT_ENABLED, SURE)]
        for layer in (
            "stem + stem_relu",
            "c1 + c1_relu",
            "c2 + c2_relu",
            "c3 + c3_relu",
            "gap",
            "head",
        )
    },
    "trt86-cnn.fp16": {
        **{
            layer: [(Cause.NETWORK_IO, LIKELY), (Cause.CONVERSION_COSTS_MORE, SURE)]
            for layer in ("stem + stem_relu", "c1 + c1_relu", "c2 + c2_relu", "c3 + c3_relu", "gap")
        },
        "head": [(Cause.NETWORK_IO, LIKELY), (Cause.FASTER_IN_FP32, SURE)],
    },
    "trt86-cnn.pin_obey": {
        "stem + stem_relu": [(Cause.FASTER_IN_FP32, SURE)],
        "c2 + c2_relu": [(Cause.PINNED, SURE)],
        **{
            layer: [(Cause.CONVERSION_COSTS_MORE, SURE)]
            for layer in ("c1 + c1_relu", "c3 + c3_relu", "gap", "head")
        },
    },
    "trt86-encoder.fp16": {},
    "trt86-casts.fp16": {
        "mm1": [(Cause.FASTER_IN_FP32, SURE)],
        **{layer: [(Cause.CONVERSION_COSTS_MORE, SURE)] for layer in ("PWN(exp16)", "mean", "div")},
    },
    "trt86-topk.fp16": {
        "mm1": [(Cause.CONVERSION_COSTS_MORE, SURE)],
        "softmax + topk": [(Cause.FASTER_IN_FP32, SURE)],
    },
}


@pytest.mark.parametrize("name", LABELS)
def test_labels(text, explain, name):
    found = explain(text(name))
    # Whether noise decides is another question, and has tests of its own.
    causes = {
        layer: [(cause, sure) for cause, sure in told(r) if cause is not Cause.NEAR_TIE]
        for layer, r in found.items()
    }
    assert causes == LABELS[name]
    for reasons in found.values():
        assert all(reason.evidence for reason in reasons.reasons)


def test_the_evidence_is_in_the_log(text, explain):
    content = text("trt86-cnn.pin_obey")
    lines = content.splitlines()
    reason = explain(content)["c2 + c2_relu"].reasons[0]
    removed = next(e for e in reason.evidence if "removed" in e.value)
    line = int(removed.source.partition(":")[2])
    assert lines[line - 1].startswith("[VERBOSE] 11 requirements combinations were removed")


def test_weight_range_warnings_are_no_cause(text, explain):
    reasons = explain(text("trt86-simple.fp16"))
    assert all(
        "weights" not in e.value for r in reasons.values() for c in r.reasons for e in c.evidence
    )


# One number in the log, and the answer is another ------------------------------------------------


def test_a_cheap_conversion_turns_the_layers_fp16(text, solve, explain):
    content = text("trt86-simple.fp16")
    analysis = solve(content)[1]
    fc1 = next(v for v in analysis.verdicts if v.layer == "/fc1/Gemm + /relu/Relu")
    change = next(c for c in fc1.forced.changes if c.conversion and c.after_line)
    cheap = edit(content, change.after_line, f"Time: {change.after_ms:g}", "Time: 0.0005")
    again = solve(cheap)[1]
    half = {layer.name for layer in again.choice.solved_layers if layer.half}
    assert half == {"/fc1/Gemm + /relu/Relu", "/fc2/Gemm"}
    assert not again.choice.reproduced  # the log still ends with the FP32 engine
    # What is left are the layer's own fastest candidates: no proof, with their lines.
    (reason,) = explain(cheap)["/fc1/Gemm + /relu/Relu"].reasons
    assert reason.confidence is Confidence.POSSIBLE
    assert [item.value.partition(" takes ")[0] for item in reason.evidence] == [
        "its fastest candidate without Half tensors",
        "its fastest candidate with Half tensors",
    ]


def slower(content, layer, runner_lines, new):
    """Raise the time of every Half candidate of a layer."""
    for line, time in runner_lines:
        content = edit(content, line, f"Fastest Tactic: {time[0]} Time: {time[1]:g}",
                       f"Fastest Tactic: {time[0]} Time: {new}")  # fmt: skip
    return content


def half_timings(build, layer):
    tuning = next(t for t in build.chosen[0].layers if t.layer == layer)
    return [
        (timing.line, (timing.tactic, timing.time_ms))
        for candidate in tuning.candidates
        if candidate.inputs[0].dtype == "Half"
        for timing in candidate.timings
        if timing.time_ms is not None
    ]


def test_slow_half_kernels_make_it_faster_in_fp32(text, solve, explain):
    content = text("trt86-cnn.fp16")
    build, _ = solve(content)
    layer = "c2 + c2_relu"
    slow = slower(content, layer, half_timings(build, layer), "0.5")
    assert told(explain(slow)[layer]) == [(Cause.FASTER_IN_FP32, SURE)]


def test_half_kernels_timed_inf_are_no_kernels(text, solve, explain):
    content = text("trt86-cnn.fp16")
    build, _ = solve(content)
    layer = "c2 + c2_relu"
    found = explain(slower(content, layer, half_timings(build, layer), "inf"))[layer]
    assert told(found) == [(Cause.NO_FP16_KERNEL, SURE)]
    assert any("inf" in e.value for e in found.reasons[0].evidence)


def without_half(content, layer, runner="Timing Runner: "):
    """Drop the layer's Half combinations, as a build does in which it was never enumerated."""
    out, dropping, block = [], False, []
    for line in content.splitlines(keepends=True):
        if "Autotuning" in line or "Computing" in line or "Adding reformat" in line:
            if block and not any(f"{runner}{layer} (" in kept for kept in block):
                out.extend(block)
            block, dropping = [], "combination: Half" in line
        if dropping:
            block.append(line)
        else:
            out.append(line)
    return "".join(out)


def test_half_never_enumerated_although_its_twins_have_it(text, explain):
    found = explain(without_half(text("trt86-cnn.fp16"), "c2 + c2_relu"))["c2 + c2_relu"]
    assert told(found) == [(Cause.PINNED, LIKELY), (Cause.NO_FP16_KERNEL, POSSIBLE)]


def test_half_never_enumerated_and_nothing_to_compare_with(text, explain):
    found = explain(without_half(text("trt86-topk.fp16"), "softmax + topk"))["softmax + topk"]
    assert told(found) == [(Cause.NO_FP16_KERNEL, LIKELY)]


def test_no_valid_tactics_is_another_kind(text, solve, explain):
    content = text("trt86-topk.fp16")
    build, _ = solve(content)
    layer = "softmax + topk"
    lines = content.splitlines(keepends=True)
    for line, _time in half_timings(build, layer):
        none = "[VERBOSE] LogSoftmaxTopK has no valid tactics for this config, skipping\n"
        lines[line - 1] = none
    content = re.sub(r"(?m)^\[VERBOSE\] Tactic: 0x0+3e[0-9a-f] Time: .*\n", "\n", "".join(lines))
    content = content.replace(">>>>>>>>>>>>>>> Chose Runner Type: LogSoftmaxTopK", "")
    found = explain(content)[layer]
    assert found.reasons[0].cause is Cause.NO_FP16_KERNEL
    assert "no valid tactics" in found.reasons[0].evidence[0].value


def test_a_half_tactic_without_memory(text, solve, explain):
    content = text("trt86-cnn.fp16")
    build, _ = solve(content)
    layer = "c2 + c2_relu"
    timings = half_timings(build, layer)
    content = slower(content, layer, timings, "inf")
    lines = content.splitlines(keepends=True)
    lines.insert(
        timings[0][0] - 1,
        "[WARNING] UNSUPPORTED_STATE: Skipping tactic 0 due to insufficient memory on requested "
        "size of 4096 detected for tactic 0x0000000000000000.\n",
    )
    found = explain("".join(lines))[layer]
    assert told(found)[0] == (Cause.TACTIC_MEMORY, LIKELY)
    assert found.reasons[0].scratch_bytes is None


def test_what_skipped_half_tactics_asked_for_is_the_workspace_to_give(text, solve, explain):
    content = text("trt86-cnn.fp16")
    layer = "c2 + c2_relu"
    timings = half_timings(solve(content)[0], layer)
    lines = slower(content, layer, timings, "inf").splitlines(keepends=True)
    for asked in (4 << 20, 6 << 20):
        lines[timings[0][0] - 1 : timings[0][0] - 1] = [
            f"[VERBOSE]  (foreignNode) Exceeded mem budget of 2688. Need {asked}\n",
            "[WARNING] UNSUPPORTED_STATE: Skipping tactic 0 due to insufficient memory on requested "
            "size of 2688 detected for tactic 0x0000000000000000.\n",
        ]
    (reason, *_) = explain("".join(lines))[layer].reasons
    assert reason.cause is Cause.TACTIC_MEMORY
    assert reason.scratch_bytes == 6 << 20


def test_the_banner_that_asks_for_fp16_excludes_not_enabled(text, explain):
    content = text("trt86-cnn.noflag")
    banner = "[INFO] === Build Options ===\n[INFO] Precision: FP32+FP16\n"
    assert all(not r.reasons for r in explain(banner + content).values())
    off = banner.replace("+FP16", "")
    assert all(told(r) == [(Cause.NOT_ENABLED, SURE)] for r in explain(off + content).values())


def test_int8_without_fp16(text, explain):
    content = text("trt86-cnn.noflag").replace("Float(65536,1,2048,64)", "Int8(65536,1,2048,64)")
    causes = {r.cause for reasons in explain(content).values() for r in reasons.reasons}
    assert causes == {Cause.INT8_WITHOUT_FP16}


def test_dla(text, explain):
    line = (
        "[WARNING] Default DLA is enabled but layer c2 is not supported on DLA, "
        "falling back to GPU.\n"
    )
    content = text("trt86-cnn.noflag")
    at = content.index("[VERBOSE] Applying generic")
    found = explain(content[:at] + line + content[at:])
    assert told(found["c2 + c2_relu"])[0] == (Cause.DLA_FALLBACK, SURE)
    assert told(found["c1 + c1_relu"])[0] == (Cause.NOT_ENABLED, SURE)


def test_a_fused_block_is_said_to_be_one(text, solve, explain):
    content = text("trt86-encoder.fp16")
    analysis = solve(content)[1]
    half = analysis.choice.solved_layers[0]
    slow = edit(content, half.line, f"Time: {half.time_ms:g}", "Time: 0.05")
    engine = slow.index("Engine Layer Information")
    fp32 = (
        slow[:engine]
        + "Engine Layer Information:\n"
        + (
            "Layer(Myelin): {ForeignNode[e.norm1.weight.../e/Add_1]}, Tactic: 0x0000000000000000, "
            "x (Float[1,64,256]) -> y (Float[1,64,256])\n"
        )
    )
    fp32 = "".join(li for li in fp32.splitlines(keepends=True) if "Adding reformat" not in li)
    reasons = explain(fp32)["{ForeignNode[e.norm1.weight.../e/Add_1]}"]
    assert told(reasons) == [(Cause.FASTER_IN_FP32, SURE), (Cause.INSIDE_FUSED_BLOCK, SURE)]


def test_a_near_tie_is_a_reason_of_its_own(text, solve, explain):
    content = text("trt86-cnn.fp16")
    _, analysis = solve(content)
    forced = next(v.forced for v in analysis.verdicts if v.layer == "c2 + c2_relu")
    change = max(
        (c for c in forced.changes if c.conversion and c.after_line), key=lambda c: c.after_ms
    )
    closer = change.after_ms - forced.margin_ms + 0.0001
    tied = edit(content, change.after_line, f"Time: {change.after_ms:g}", f"Time: {closer:g}")
    assert Cause.NEAR_TIE in [cause for cause, _ in told(explain(tied)["c2 + c2_relu"])]


def test_in_an_unknown_world_nothing_is_not_enabled(text, explain):
    named = re.sub(
        r"Computing costs for \n(.*\n)(\[VERBOSE\] -+ Timing Runner: )(.*) (\(\w+\[)",
        r"Computing costs for \3\n\1\2\3 \4",
        text("trt86-cnn.noflag").replace("Loaded shared library", ""),
    )
    found = explain(named)
    assert found and all(not reasons.reasons for reasons in found.values())


@pytest.mark.parametrize("computes", [True, False])
def test_kernels_inside_a_block_between_integers_are_told(computes):
    """A language model goes from tokens to tokens, and multiplies matrices on the way."""
    block = "{ForeignNode[embed...argmax]}"
    inside = [
        " (foreignNode) Autotuning op mm: ",
        " (foreignNode) tactic_id, cost(in ms), cost/fastest_cost, prediction_correlation, kernel",
        " (foreignNode)   0, 0.01, 1, 1, sm80_xmma_gemm_f32f32_tf32f32_f32_tn_n, 0x1, {}",
    ]
    lines = [
        "Original: 9 layers",
        f"=============== Computing costs for {block}",
        "*************** Autotuning format combination: Int32(8,1) -> Int32(8,1) ***************",
        f"--------------- Timing Runner: {block} (Myelin[0x80000023])",
        *(inside if computes else ()),
        "Tactic: 0x0000000000000000 Time: 0.02",
        f"{block} (Myelin[0x80000023]) profiling completed in 0.1 seconds. "
        "Fastest Tactic: 0x0000000000000000 Time: 0.02",
        "Engine Layer Information:",
    ]
    layer = f"Layer(Myelin): {block}, Tactic: 0x0, a (Int32[1,8]) -> b (Int32[1,8])"
    text = "\n".join([*(f"[V] {line}" for line in lines), layer]) + "\n"
    build = parse_build_log(io.BytesIO(text.encode())).build
    attempt = build.chosen[0]
    found = causes_of(build, attempt, analyse(build, attempt), typing=Typing.WEAK)
    values = [item.value for reasons in found for r in reasons.reasons for item in r.evidence]
    assert any("inside, mm ran sm80_xmma_gemm" in value for value in values) is computes
    assert bool(found) is computes
