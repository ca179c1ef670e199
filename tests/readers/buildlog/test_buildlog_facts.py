"""What the reader takes out of logs that TensorRT wrote."""

from __future__ import annotations

import pytest

from trtdoctor.readers.buildlog import ConversionSide, NoteKind, Outcome


def tuning(build, layer):
    return next(t for t in build.chosen[0].layers if t.layer == layer)


@pytest.fixture
def simple(text, parse):
    return parse(text("trt86-simple.fp16"))


def test_counts(simple):
    assert (simple.lines, simple.unparsed) == (1738, 0)
    assert [(b.number, b.complete, b.layers) for b in simple.builds] == [(1, True, 5)]
    build = simple.build
    assert build.verbose and build.names_costs is False
    assert [(i.name, i.dtype, i.dims) for i in build.inputs] == [("x", "float32", (-1, 1024))]
    assert build.outputs == ("y",)
    assert [n.op for n in build.nodes] == ["Gemm", "Relu", "Gemm"]
    assert len(build.chosen[0].layers) == 4


def test_candidates_with_times_tactics_and_lines(simple, text):
    lines = text("trt86-simple.fp16").splitlines()
    layer = tuning(simple.build, "/fc1/Gemm + /relu/Relu")
    texts = [c.inputs[0].text + " " + c.outputs[0].text for c in layer.candidates]
    assert texts[0] == "Float(1024,1,1,1) Float(1024,1,1,1)"
    best = next(c for c in layer.candidates if c.inputs[0].text == "Half(128,1:8,128,128)"
                and c.outcome is Outcome.TIMED)  # fmt: skip
    assert best.best is not None
    assert (best.best.runner, best.best.tactic) == ("CaskGemmConvolution", "0x00000000000207e5")
    assert best.best.time_ms == 0.0062317
    assert [t.runner for t in best.timings] == ["CaskConvolution", "CaskGemmConvolution"]
    assert set(best.without_tactics) == {"CublasConvolution", "CaskFlattenConvolution"}
    assert "Half(128,1:8,128,128) -> Half(128,1:8,128,128)" in lines[best.line - 1]
    assert "Time: 0.0062317" in lines[best.best.line - 1]
    half = best.inputs[0]
    assert (half.dtype, half.strides, half.vector, half.vector_axis) == (
        "Half", (128, 1, 128, 128), 8, 1)  # fmt: skip


def test_the_fastest_kernels_name_and_the_number_timed(simple, text):
    layer = tuning(simple.build, "/fc1/Gemm + /relu/Relu")
    cask = layer.candidates[0].timings[0]
    raw = text("trt86-simple.fp16").splitlines()
    start = layer.candidates[0].line
    assert cask.tactics == sum("Time:" in line for line in raw[start : cask.line - 1])
    assert cask.kernel is not None and "tf32" in cask.kernel and " " not in cask.kernel


def test_no_valid_tactics_is_not_untimed(simple):
    layer = tuning(simple.build, "/fc1/Gemm + /relu/Relu")
    linear = next(c for c in layer.candidates if c.inputs[0].text == "Half(1024,1,1,1)")
    assert linear.outcome is Outcome.NO_TACTICS
    assert len(linear.without_tactics) == 5


def test_conversions_by_tensor(simple):
    sets = simple.build.chosen[0].conversions
    assert [(s.tensor, s.side) for s in sets] == [
        ("x", ConversionSide.OUT),
        ("reshape_before_/fc1/Gemm_out_tensor", ConversionSide.OUT),
        ("/relu/Relu_out_tensor", ConversionSide.OUT),
        ("/fc2/Gemm_out_tensor", ConversionSide.OUT),
        ("y", ConversionSide.IN),
    ]
    y = sets[-1].conversions[0]
    assert (y.source.text, y.target.text, y.time_ms) == ("Half(10,1)", "Float(10,1)", 0.00544396)
    assert any(c.outcome is Outcome.UNTIMED and c.time_ms is None for c in sets[2].conversions)


def test_the_choice_and_the_notes(simple):
    build = simple.build
    added = build.chosen[0].added
    assert [(a.name, a.tensor) for a in added] == [
        (
            "Reformatted Input Tensor 0 to /fc1/Gemm + /relu/Relu",
            "reshape_before_/fc1/Gemm_out_tensor",
        )
    ]
    assert [layer.type for layer in build.layers] == [
        "NoOp", "NoOp", "CaskGemmConvolution", "CaskConvolution", "NoOp"]  # fmt: skip
    fc1 = build.layers[2]
    assert fc1.inputs[0].dims == (-1, 1024, 1, 1) and fc1.inputs[0].vector == 4
    note = build.noted(NoteKind.NON_CONFORMING)[0]
    assert note.subject == "/fc1/Gemm + /relu/Relu"
    # Weights out of range are about accuracy and prove no cause.
    assert {note.kind for note in build.notes} == {NoteKind.NON_CONFORMING}


@pytest.mark.parametrize(
    ("line", "kind", "subject"),
    [
        ("[W] [TRT] FP16 support requested on hardware without native FP16 support, performance "
         "will be negatively affected.", NoteKind.HARDWARE, None),
        ("[W] [TRT] Half2 support requested on hardware without native FP16 support, performance "
         "will be negatively affected.", NoteKind.HARDWARE, None),
        ("[I] Set layer a (b) to precision fp16", NoteKind.PIN, "a (b)"),
        ("[W] Weakly-typed networks have been deprecated in TensorRT. You can use", NoteKind.TYPING,
         None),
        ("[V] [TRT] No valid obedient candidate choices for node " + "a + " * 500 + "b that meet the "
         "preferred precision. The remaining", NoteKind.NO_CONFORMING, "a + " * 500 + "b"),
        ("[E] Error Code 10: Internal Error (Could not find any implementation for node {ForeignNode"
         "[a...b]}. In computeCosts at optimizer.cpp:4265)", NoteKind.NO_IMPLEMENTATION,
         "{ForeignNode[a...b]}"),
        ("[E] Could not find any implementation for node a.b due to insufficient workspace. See",
         NoteKind.NO_IMPLEMENTATION, "a.b"),
        ("[E] 4: [network.cpp::validate] Error Code 4: API Usage Error (x)", NoteKind.ERROR, None),
    ],
)  # fmt: skip
def test_sentences_of_any_severity(parse, line, kind, subject):
    log = f"[V] [TRT] Adding network input: x with dtype: float32, dimensions: (1)\n{line}\n"
    (note,) = parse(log).build.notes
    assert (note.kind, note.subject, note.line) == (kind, subject, 2)


def test_removed_combinations_belong_to_their_layer(text, parse):
    layers = parse(text("trt86-cnn.pin_obey")).build.chosen[0].layers
    assert [t.removed for t in layers] == [0, 0, 11, 0, 0, 0, 0]
    assert [t.layer for t in layers if t.removed] == ["c2 + c2_relu"]


def test_version_8_5(text, parse):
    log = parse(text("trt85-tiny.fp16"))
    raw = text("trt85-tiny.fp16").splitlines()
    assert log.unparsed == 0 and log.build.complete
    layer = tuning(log.build, "tc1 + tc1_relu")
    first = layer.candidates[0]
    assert first.best is not None and first.best.kernel is not None
    assert first.best.kernel in " ".join(raw[first.line : first.best.line])
    assert first.best.tactics > 5
    assert raw[first.best.line - 1].endswith(f"Time: {first.best.time_ms}")


def test_a_cast_is_named_by_its_conversions(text, parse):
    sets = parse(text("trt86-casts.fp16")).build.chosen[0].conversions
    assert "to_f16" in [s.layer for s in sets]


STRATEGIES = """\
[07/07/2026-02:11:00] [V] [TRT] Building graph using backend strategy 4
[07/07/2026-02:11:00] [V] [TRT] =============== Computing costs for conv + relu
[07/07/2026-02:11:00] [V] [TRT] *************** Autotuning format combination: Float(4,1) -> Float(4,1) ***************
[07/07/2026-02:11:00] [V] [TRT] --------------- Timing Runner: conv + relu (CaskConvolution[0x80000009])
[07/07/2026-02:11:00] [V] [TRT] Tactic: 0x0000000000000001 Time: 0.005
[07/07/2026-02:11:00] [V] [TRT] conv + relu (CaskConvolution[0x80000009]) profiling completed in 0.1 seconds. Fastest Tactic: 0x0000000000000001 Time: 0.005
[07/07/2026-02:11:00] [V] [TRT] *************** Autotuning format combination: Half(4,1) -> Half(4,1) ***************
[07/07/2026-02:11:00] [V] [TRT] --------------- Timing Runner: conv + relu (Myelin[0x80000023])
[07/07/2026-02:11:00] [V] [TRT]  (foreignNode) [pass.cpp:2131: run_passes] Exceeded mem budget of 2688. Need 852992
[07/07/2026-02:11:00] [W] [TRT] UNSUPPORTED_STATE: Skipping tactic 0 due to insufficient memory on requested size of 2688 detected for tactic 0x0000000000000000.
[07/07/2026-02:11:00] [V] [TRT] conv + relu (Myelin[0x80000023]) profiling completed in 1.0 seconds. Fastest Tactic: 0xd15ea5edd15ea5ed Time: inf
[07/07/2026-02:11:00] [V] [TRT] Skipping CaskConvolution: No valid tactics for conv + relu
[07/07/2026-02:11:01] [V] [TRT] Formats and tactics selection completed in 0.4 seconds.
[07/07/2026-02:11:01] [V] [TRT] Use backend strategy 4 with estimated inference time (0.33) as the initial choice.
[07/07/2026-02:11:01] [V] [TRT] Building graph using backend strategy 3
[07/07/2026-02:11:01] [V] [TRT] =============== Computing costs for conv + relu
[07/07/2026-02:11:01] [V] [TRT] conv + relu [Float(4,1) -> Float(4,1)] got cached result: CaskConvolution, tactic 0x0000000000000001, 0.005 ms
[07/07/2026-02:11:01] [V] [TRT] Formats and tactics selection completed in 0.1 seconds.
[07/07/2026-02:11:01] [V] [TRT] Chose this engine with backend strategy 3 since its estimated inference time (0.31) is faster than the previous engine with estimated inference time (0.33).
[07/07/2026-02:11:01] [V] [TRT] Building graph using backend strategy 2
[07/07/2026-02:11:01] [V] [TRT] Skip backend strategy 2since its estimated inference time (0.32) is not faster than the previous engine with estimated inference time (0.31).
[07/07/2026-02:11:01] [V] [TRT] Engine Layer Information:
Layer(CaskConvolution): conv + relu, Tactic: 0x0000000000000001, x (Float[-1,4]) -> y (Float[-1,4])
"""  # noqa: E501


def test_strategies_of_version_10(parse):
    build = parse(STRATEGIES).build
    assert [(a.strategy, a.estimate_ms) for a in build.attempts] == [
        (4, 0.33), (3, 0.31), (2, 0.32)]  # fmt: skip
    assert [a.strategy for a in build.chosen] == [3]
    cached = build.chosen[0].layers[0].candidates[0]
    assert cached.best is not None and cached.best.cached and cached.best.time_ms == 0.005
    half = build.attempts[0].layers[0].candidates[1]
    assert half.outcome is Outcome.INFINITE
    assert [(s.requested, s.available, s.line) for s in half.skipped] == [(852992, 2688, 9)]
    assert half.without_tactics == ("CaskConvolution",)


def test_the_same_sentence_with_named_layers_and_settings(parse):
    build = parse(
        "&&&& RUNNING TensorRT.trtexec [TensorRT v101601] [b11] # trtexec\n"
        "[07/07/2026-02:10:59] [I] === Build Options ===\n"
        "[07/07/2026-02:10:59] [I] Precision: FP32+FP16\n"
        "[07/07/2026-02:10:59] [V] [TRT] Original: 3 layers\n"
        "[07/07/2026-02:10:59] [V] [TRT] Building graph using backend strategy 2\n"
        "[07/07/2026-02:10:59] [W] [TRT] Default DLA is enabled but layer pool (a b) is not"
        " supported on DLA, falling back to GPU.\n"
        "[07/07/2026-02:10:59] [W] [TRT] No implementation of layer a + b obeys the requested"
        " constraints in strict mode. No conforming implementation was found\n"
    ).build
    assert build.version == "10.16.1"
    assert build.setting("precision").value == "FP32+FP16"
    kinds = {note.kind: note.subject for note in build.notes}
    assert kinds[NoteKind.DLA_FALLBACK] == "pool (a b)"
    assert kinds[NoteKind.NO_CONFORMING] == "a + b"
    assert not build.complete
