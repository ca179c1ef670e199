"""The solution against the builder's own, and what solving again tells."""

from __future__ import annotations

import io

import msgspec
import pytest

from trtdoctor.precision.log.analysis import decided
from trtdoctor.precision.log.noise import CONVERSIONS, KERNELS, measured_again
from trtdoctor.precision.log.problem import TermKind
from trtdoctor.precision.log.problem_from_log import problem_of
from trtdoctor.readers.buildlog import parse_build_log, read_build_log

US = 1000


@pytest.mark.parametrize(
    ("name", "layers", "conversions", "total"),
    [
        ("trt86-cnn.fp16", 7, 2, 40.69),
        ("trt86-simple.fp16", 4, 1, 18.59),
        ("trt86-encoder.fp16", 1, 2, 32.23),
        ("trt86-cnn.pin_obey", 7, 3, 40.94),
        ("trt86-casts.fp16", 8, 0, 16.35),
        ("trt86-topk.fp16", 4, 0, 14.25),
        ("trt86-twoin.fp16", 8, 4, 74.59),
        ("trt86-twoin.fp16b", 8, 2, 67.76),
        ("trt85-tiny.fp16", 2, 0, 18.30),
        ("trt85-cnn.noflag", 7, 2, 49.48),
    ],
)
def test_the_builders_plan_is_reproduced(text, solve, name, layers, conversions, total):
    choice = solve(text(name))[1].choice
    assert choice.reproduced and choice.certain
    assert choice.layers == choice.vectors == (layers, layers)
    assert choice.conversions == (conversions, conversions)
    assert choice.plan_ms * US == pytest.approx(total, abs=0.005)
    assert choice.logged_ms == pytest.approx(choice.plan_ms)


@pytest.mark.parametrize(
    ("name", "layer", "total"),
    [
        ("trt86-cnn.fp16", "c2 + c2_relu", 42.12),
        ("trt86-simple.fp16", "/fc2/Gemm", 20.31),
        ("trt86-encoder.fp16", "{ForeignNode[e.norm1.weight.../e/Add_1]}", 32.54),
    ],
)
def test_the_best_plan_the_other_way(text, solve, name, layer, total):
    analysis = solve(text(name))[1]
    forced = next(v.forced for v in analysis.verdicts if v.layer == layer)
    assert forced is not None and forced.known
    assert forced.total_ms * US == pytest.approx(total, abs=0.005)
    assert forced.margin_ms == pytest.approx(forced.total_ms - analysis.choice.plan_ms)
    assert forced.kernels_ms + forced.conversions_ms == pytest.approx(forced.margin_ms)


def test_the_split_stands_on_lines_of_the_log(text, solve):
    content = text("trt86-simple.fp16")
    lines = content.splitlines()
    analysis = solve(content)[1]
    fc1 = next(v for v in analysis.verdicts if v.layer == "/fc1/Gemm + /relu/Relu")
    assert fc1.forced is not None
    assert fc1.forced.flips == ("/fc1/Gemm + /relu/Relu", "/fc2/Gemm")
    assert fc1.region == "/fc1/Gemm + /relu/Relu ... /fc2/Gemm (2 layers)"
    cited = [
        (line, ms)
        for change in fc1.forced.changes
        for line, ms in (
            (change.before_line, change.before_ms),
            (change.after_line, change.after_ms),
        )
        if line is not None
    ]
    assert len(cited) >= 6
    for line, ms in cited:
        assert f"Time: {ms:g}" in lines[line - 1]


def test_conversions_of_the_plan_have_lines_and_names(text, solve):
    stem, head = solve(text("trt86-cnn.fp16"))[1].choice.converted
    assert (stem.tensor, stem.layer, stem.into) == ("x", "stem + stem_relu", True)
    assert stem.time_ms * US == pytest.approx(4.665, abs=0.001) and stem.line is not None
    assert (head.tensor, head.time_ms) == ("e", 0.0)  # one pixel: the same addresses


def test_readers_of_a_tensor_share_one_conversion(text, solve):
    """Two layers read the tensor in FP32: its writer's output is converted once, for both."""
    content = text("trt86-twoin.fp16b")
    converted = solve(content)[1].choice.converted
    shared = [c for c in converted if c.tensor == "Relu_14_out0"]
    assert [(c.layer, c.into, c.port) for c in shared] == [
        ("/conv_13/Conv + /relu_14/Relu", False, 0)]  # fmt: skip
    line = shared[0].line
    assert line is not None
    assert f"Time: {shared[0].time_ms:g}" in content.splitlines()[line - 1]


def test_an_output_that_nobody_reads_is_no_network_tensor(text, solve):
    """The values of an ArgMax are dropped, so their format is neither fixed nor to be advised."""
    for name in ("trt86-twoin.fp16", "trt86-twoin.fp16b", "trt86-topk.fp16"):
        build, analysis = solve(text(name))
        for asked in (analysis.io_linear, analysis.io_best):
            named = {form.tensor for form in asked.formats} if asked is not None else set()
            assert named <= {*build.outputs, *(tensor.name for tensor in build.inputs)}


def test_fp16_network_tensors_are_an_estimate_and_a_rebuild_agrees(text, solve):
    io = solve(text("trt86-simple.fp16"))[1].io_linear
    assert io is not None and io.falls
    # The log of the build with FP16 network tensors sums to 15.63 us.
    assert io.total_ms * US == pytest.approx(15.63, abs=0.05)
    assert {(f.tensor, f.dtype, f.layout) for f in io.formats} == {
        ("x", "Half", "chw"), ("y", "Half", "chw")}  # fmt: skip


def test_the_layout_is_named_where_row_major_would_hurt(text, solve):
    analysis = solve(text("trt85-tiny.fp16"))[1]
    assert analysis.io_linear is not None and not analysis.io_linear.falls
    best = analysis.io_best
    assert best is not None and best.falls
    assert {(f.tensor, f.layout) for f in best.formats} == {("x", "hwc8"), ("y", "hwc8")}


def test_a_near_tie_is_told_for_half_layers_too(text, solve):
    verdict = solve(text("trt86-encoder.fp16"))[1].verdicts[0]
    assert verdict.half and verdict.near_tie
    assert 0.5 < verdict.again < 0.8
    cnn = solve(text("trt86-cnn.fp16"))[1]
    again = {v.layer: v for v in cnn.verdicts}
    # A margin of 1.4 us in 41 us: about one build in four decides otherwise.
    assert 0.7 < again["c2 + c2_relu"].again < 0.8 and again["c2 + c2_relu"].near_tie
    assert again["head"].again > again["c2 + c2_relu"].again


@pytest.mark.parametrize(
    ("share", "word"),
    [(1.0, "certain"), (0.95, "certain"), (0.94, "likely"), (0.8, "likely"), (0.79, "unlikely")],
)
def test_a_near_tie_is_what_another_build_is_not_likely_to_decide_the_same(
    text, solve, share, word
):
    """One rule for both words, so that they cannot contradict each other."""
    verdict = solve(text("trt86-encoder.fp16"))[1].verdicts[0]
    again = decided(share)
    assert again.value == word
    one = msgspec.structs.replace(verdict, again=share, decided_again=again)
    assert one.near_tie is (word == "unlikely")


def test_kernels_and_conversions_vary_each_in_their_own_way(text):
    """As between builds: every time by itself, conversions more than kernels, with heavy tails."""
    import numpy as np

    build = parse_build_log(io.BytesIO(text("trt86-cnn.fp16").encode())).build
    problem = problem_of(build, build.chosen[0])
    values = problem.values()
    drawn = np.log(np.array(list(measured_again(problem, values)))[:, 2:] / values[2:])
    kinds = [term.kind for term in problem.terms[2:]]
    for kind, scale in ((TermKind.KERNEL, KERNELS), (TermKind.CONVERSION, CONVERSIONS)):
        some = drawn[:, [one is kind for one in kinds]]
        core = np.quantile(some, 0.84) - np.quantile(some, 0.16)
        assert scale < core / 2 < 1.3 * scale
        assert np.abs(some).max() > 4 * scale
        assert abs(np.corrcoef(some[:, 0], some[:, 1])[0, 1]) < 0.3
    other = next(iter(measured_again(problem, values, seed=1)))
    assert not np.allclose(other, next(iter(measured_again(problem, values))))


def test_noise_is_reproducible(text, solve):
    content = text("trt86-encoder.fp16")
    assert solve(content)[1] == solve(content)[1]


def test_cached_times_come_from_identical_text(text, solve):
    """TensorRT 8 prints no time for a conversion in its cache; the solution needs some of them."""
    content = text("trt86-simple.fp16")
    build, analysis = solve(content)
    untimed = [c for s in build.chosen[0].conversions for c in s.conversions if c.time_ms is None]
    assert untimed and analysis.choice.unknown_terms == 0


def corpus(pattern):
    from pathlib import Path

    root = Path(__file__).parents[4] / "shared" / "corpus"
    return sorted(root.glob(pattern))


@pytest.mark.parametrize("path", corpus("h100-*/*/build.log.gz") + corpus("public/*build*.gz"),
                         ids=lambda p: f"{p.parts[-3]}/{p.parts[-2]}")  # fmt: skip
def test_every_given_log_is_reproduced(path):
    from trtdoctor.precision.log import analyse

    build = read_build_log(path).build
    for attempt in build.chosen:
        analysis = analyse(build, attempt)
        assert analysis is not None and analysis.choice.reproduced


def test_the_corpus_is_there():
    if not corpus("h100-*/*/build.log.gz"):
        pytest.skip("no corpus beside the checkout")
