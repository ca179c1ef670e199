"""Any subset of the files, whole and broken, right and wrong kinds."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from realbuilds import DATA, layers_of, log_of, text_of

from trtdoctor.engines.files import read_witnesses
from trtdoctor.engines.log_testimony import damages, failure_of
from trtdoctor.knowledge import Knowledge
from trtdoctor.model.errors import InputError
from trtdoctor.model.watch import Watch

NAMES = ["stem + stem_relu", "c1 + c1_relu", "c2 + c2_relu", "c3 + c3_relu", "gap", "head"]
RIGHT = {
    **dict.fromkeys(NAMES, ("network-io", "conversion-costs-more")),
    "head": ("network-io", "faster-in-fp32"),
}


@pytest.fixture
def profile(tmp_path):
    path = tmp_path / "profile.json"
    path.write_text(json.dumps({"c1 + c1_relu": 0.25, "head": 0.01}))
    return path


@pytest.mark.parametrize("with_layers", [True, False])
@pytest.mark.parametrize("with_profile", [True, False])
def test_the_log_tells_with_and_without_layers(causes, profile, with_layers, with_profile):
    arguments = ["--log", log_of("cnn.fp16")]
    arguments += ["--layers", layers_of("cnn.fp16")] if with_layers else []
    arguments += ["--profile", profile] if with_profile and with_layers else []
    found = causes(*arguments)
    assert found.pop("head") in ("network-io", "faster-in-fp32")
    assert found == dict.fromkeys(NAMES[:-1], "network-io")


def missing_lines(found: dict) -> list[str]:
    return [line for item in found["missing"] for one in item["commands"] for line in one["lines"]]


def test_times_of_a_profile_reach_the_layers(document, profile):
    found = document("--layers", layers_of("cnn.fp16"), "--profile", profile)
    assert {x["name"]: x["time_ms"] for x in found["layers"]}["c1 + c1_relu"] == 0.25


def test_layers_alone_leave_the_cause_unknown_and_name_what_would_tell(document):
    found = document("--layers", layers_of("cnn.fp16"))
    assert {e["cause"] for e in found["explanations"]} == {"unknown"}
    assert all(e["confidence"] is None for e in found["explanations"])
    assert any("log" in item["text"] and item["commands"] for item in found["missing"])


def test_plain_and_packed_logs_are_one(document, tmp_path):
    plain = tmp_path / "build.log.gz"
    plain.write_text(text_of("cnn.fp16"))  # the name lies
    packed = document("--log", log_of("cnn.fp16"))
    unpacked = document("--log", plain)
    assert [e["cause"] for e in packed["explanations"]] == [
        e["cause"] for e in unpacked["explanations"]
    ]
    assert packed["choice"]["plan_ms"] == unpacked["choice"]["plan_ms"]


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.8, 0.95, 0.999])
@pytest.mark.parametrize("engine_at_hand", [True, False])
def test_a_log_that_breaks_off_claims_nothing_certain(document, tmp_path, share, engine_at_hand):
    whole = text_of("cnn.fp16")
    cut = tmp_path / "cut.log"
    cut.write_text(whole[: int(len(whole) * share)])
    layers = ["--layers", layers_of("cnn.fp16")] if engine_at_hand else []
    found = document("--log", cut, *layers)
    for told in found["explanations"]:
        assert told["cause"] in (*RIGHT[told["layer"]], "unknown")
        assert told["confidence"] != "certain"


def test_a_packed_log_that_breaks_off_is_read_as_far_as_it_goes(explain, tmp_path):
    cut = tmp_path / "cut.log.gz"
    data = log_of("cnn.fp16").read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    code, out, err = explain("--log", cut)
    assert code in (0, 2, 3)
    assert "Traceback" not in out + err


def test_of_two_builds_the_last_counts_and_build_picks_another(causes, tmp_path):
    both = tmp_path / "both.log.gz"
    both.write_bytes(gzip.compress((text_of("cnn.noflag") + text_of("cnn.fp16")).encode()))
    assert causes("--log", both)["gap"] == "network-io"
    assert causes("--log", both, "--build", "2")["gap"] == "network-io"
    assert set(causes("--log", both, "--build", "1").values()) == {"not-enabled"}


def test_a_failed_build_behind_a_whole_one_does_not_hide_it(causes, tmp_path):
    both = tmp_path / "both.log"
    failed = gzip.decompress((DATA / "explain" / "bigmlp.pin_obey.log.gz").read_bytes()).decode()
    both.write_text(text_of("cnn.fp16") + failed)
    assert causes("--log", both)["gap"] == "network-io"


def test_a_failed_build_alone_explains_no_layer(document):
    found = document("--log", DATA / "explain" / "bigmlp.pin_obey.log.gz")
    assert found["layers"] == []
    assert found["explanations"] == []
    assert found["choice"] is None


WRONG = {
    "layers given as a log": ("--log", "layers"),
    "a log given as layers": ("--layers", "log"),
    "layers given as a model": ("--layers", "layers", "--onnx", "layers"),
    "layers given as a profile": ("--layers", "layers", "--profile", "layers"),
    "text given as a log": ("--log", "text"),
    "nothing in the log": ("--log", "empty"),
    "a folder as a log": ("--log", "folder"),
    "no such log": ("--log", "absent"),
    "no such engine": ("absent",),
    "no such build": ("--log", "log", "--build", "9"),
    "nothing given": (),
    "only a model": ("--onnx", "text"),
    "a share that is none": ("--log", "log", "--expect", "fp16:lots"),
}


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_file_is_one_sentence_and_exit_code_2(explain, tmp_path, words):
    (tmp_path / "text").write_text("a poem, not a log\n" * 50)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    files = {"layers": layers_of("cnn.fp16"), "log": log_of("cnn.fp16")}
    files |= {name: tmp_path / name for name in ("text", "empty", "folder", "absent")}
    code, out, err = explain(*(files.get(word, word) for word in WRONG[words]))
    assert code == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("trtdoctor: ")
    assert "Traceback" not in err
    assert "bug" not in err


OTHER_LOGS = ["cnn.noflag", "cnn.pin_obey", "simple.fp16"]


@pytest.mark.parametrize("other", OTHER_LOGS)
def test_the_log_of_another_build_proves_nothing(document, other):
    found = document("--layers", layers_of("cnn.fp16"), "--log", log_of(other))
    assert {e["cause"] for e in found["explanations"]} == {"unknown"}
    assert found["choice"] is None
    assert any("another build" in note for note in found["notes"])
    assert found["typing"] == "unknown"


def test_kernel_names_tell_a_plan_from_the_log_of_another_build(document, shared):
    builds = shared / "corpus" / "h100-trt86"
    plan = builds / "tiny.fp16" / "engine.plan"
    if not plan.is_file():
        pytest.skip("no plan of a real build at hand")
    own = document(plan, "--log", builds / "tiny.fp16" / "build.log.gz")
    assert {e["cause"] for e in own["explanations"]} == {"network-io"}
    other = document(plan, "--log", builds / "tiny.hc" / "build.log.gz")
    assert {e["cause"] for e in other["explanations"]} == {"unknown"}


@pytest.mark.parametrize("name", ["mobile.fp16", "mobile.fp32"])
def test_an_engine_whose_layers_the_log_does_not_list(document, name):
    layers = DATA / "explain" / f"{name}.layers.json"
    other = {"mobile.fp16": "mobile.fp32", "mobile.fp32": "mobile.fp16"}[name]
    found = document("--layers", layers, "--log", DATA / "explain" / f"{other}.log.gz")
    assert {e["cause"] for e in found["explanations"]} == {"unknown"}
    assert any("is not in it" in note for note in found["notes"])


def test_several_logs_show_what_flips(document):
    io16 = DATA / "explain" / "bigmlp.io16.log.gz"
    found = document("--log", DATA / "explain" / "bigmlp.fp16.log.gz", "--log", io16)
    flips = next(note for note in found["notes"] if "flip" in note)
    assert "4 of 4 layers flip" in flips
    assert "/gemm_11/Gemm (TF32, there FP16)" in flips
    assert found["choice"]["log"].endswith("bigmlp.fp16.log.gz")


def test_expecting_fp16_fails_where_it_was_not_delivered(explain):
    assert explain("--log", log_of("cnn.fp16"), "--layers", layers_of("cnn.fp16"))[0] == 0
    for wanted, code in (("fp16", 1), ("fp16:0.5", 1)):
        arguments = ("--log", log_of("cnn.fp16"), "--layers", layers_of("cnn.fp16"))
        assert explain(*arguments, "--expect", wanted)[0] == code, wanted
    assert explain("--layers", layers_of("cnn.io16"), "--expect", "fp16")[0] == 0


def test_which_of_several_builds_was_taken_is_told(document, tmp_path):
    log = tmp_path / "build.log"
    quiet = "[VERBOSE] Original: 3 layers\n[VERBOSE] Engine generation completed in 1 seconds.\n"
    log.write_text(text_of("cnn.noflag") + quiet)
    notes = document("--log", log)["notes"]
    assert any("holds 2 builds; number 1 (from line 1) was taken" in note for note in notes)
    assert not any("holds 2" in note for note in document("--log", log, "--build", "1")["notes"])


LOADS = (
    "&&&& RUNNING TensorRT.trtexec [TensorRT v8501] # trtexec --loadEngine=m.engine --dumpLayerInfo\n"
    "[05/26/2023-16:10:43] [I] === Build Options ===\n"
    "[05/26/2023-16:10:43] [I] Precision: FP32\n"
    "[05/26/2023-16:10:44] [I] [TRT] Loaded engine size: 98 MiB\n"
)
LISTS = (
    "[05/26/2023-16:10:44] [I] Layers:\n"
    "Name: conv, LayerType: CaskConvolution, Inputs: [ { Name: x, Dimensions: [1,8], "
    "Format/Datatype: Row major linear FP16 }], Outputs: [ { Name: y, Dimensions: [1,8], "
    'Format/Datatype: Row major linear FP16 }], ParameterType: Convolution, Weights: {"Type": '
    '"Half", "Count": 64}, TacticName: sm80_xmma_fprop_implicit_gemm_f16f16_f16f16_f16_nhwckrsc\n\n'
    "Bindings:\nx\ny\n"
)
PASSED = "&&&& PASSED TensorRT.trtexec [TensorRT v8501] # trtexec --loadEngine=m.engine\n"


def test_a_run_that_loads_an_engine_tells_its_layers_and_no_cause(document, tmp_path):
    log = tmp_path / "load.log"
    log.write_text(LOADS + LISTS + PASSED)
    found = document("--log", log)
    assert [layer["precision"] for layer in found["layers"]] == ["FP16"]
    assert any("loads the engine and builds none" in note for note in found["notes"])
    assert found["choice"] is None and found["identity"] is None


def test_a_run_that_loads_an_engine_and_lists_nothing_is_told_as_one(explain, tmp_path):
    log = tmp_path / "load.log"
    log.write_text(LOADS + PASSED)
    code, out, err = explain("--log", log)
    assert (code, out) == (2, "")
    assert "has no build in it, but a run that loads an engine" in err
    assert err.count("\n") == 1


def test_a_load_before_a_build_does_not_hide_it(causes, tmp_path):
    log = tmp_path / "both.log"
    log.write_text(LOADS + LISTS + PASSED + text_of("cnn.fp16"))
    assert causes("--log", log)["gap"] == "network-io"


def test_a_log_that_is_not_verbose_says_so_and_what_would_tell(document, tmp_path):
    log = tmp_path / "quiet.log"
    log.write_text(
        "&&&& RUNNING TensorRT.trtexec # trtexec --onnx=m.onnx --int8\n"
        "[02/22/2021-15:13:11] [I] === Build Options ===\n"
        "[02/22/2021-15:13:11] [I] Precision: FP32+INT8\n"
        "[02/22/2021-15:14:48] [I] [TRT] Detected 1 inputs and 1 output network tensors.\n"
        "&&&& PASSED TensorRT.trtexec # trtexec --onnx=m.onnx --int8\n"
    )
    found = document("--log", log)
    assert "log is not verbose" in found["answer"]
    assert any(
        "--verbose" in command
        for item in found["missing"]
        for one in item["commands"]
        for command in one["lines"]
    )


def test_a_profile_beside_a_log_alone_times_the_logs_layers(document):
    profile = DATA / "layers" / "trt86.cnn.fp16.profile.json"
    found = document("--log", log_of("cnn.fp16"), "--profile", profile)
    assert any(layer["time_ms"] for layer in found["layers"])


def test_names_alone_give_way_to_the_layers_of_the_log(document, tmp_path):
    whole = json.loads(layers_of("cnn.fp16").read_text(), strict=False)
    names = tmp_path / "names.json"
    names.write_text(json.dumps({**whole, "Layers": [layer["Name"] for layer in whole["Layers"]]}))
    alone, both = (
        document("--layers", names),
        document("--layers", names, "--log", log_of("cnn.fp16")),
    )
    assert alone["summary"]["fp16_share"]["layers"] is None
    assert both["layers_source"] == "build-log"
    assert {e["cause"] for e in both["explanations"]} == {"network-io"}
    assert not any("their names" in note for note in both["notes"])


@pytest.mark.parametrize(
    ("errors", "says"),
    [
        (
            "[E] Could not find any implementation for node conv due to insufficient workspace. See "
            "verbose log for requested sizes.\n[E] 10: [optimizer.cpp::computeCosts::3728] Error Code "
            "10: Internal Error (Could not find any implementation for node conv.)\n",
            "raise the workspace limit",
        ),
        (
            "[E] 4: Error Code 4: Internal Error (Calibration failure occurred with no scaling "
            "factors detected.)\n[E] 2: [builder.cpp::buildSerializedNetwork::751] Error Code 2: "
            "Internal Error (Assertion engine != nullptr failed. )\n",
            "give a calibrator",
        ),
        ("[E] 1: [x.cpp::y::1] Error Code 1: Something (nobody knows)\n", "nobody knows"),
        (
            "[W] Tactic Device request: 4608MB Available: 3904MB. Device memory is insufficient to use "
            "tactic.\n[E] 10: Error Code 10: Internal Error (Could not find any implementation for node "
            "conv.)\n",
            "free memory on the GPU",
        ),
        (
            "[E] 1: Error Code 1: Cuda Runtime (an illegal memory access was encountered)\n",
            "compute-sanitizer",
        ),
        ("[I] going on\nSegmentation fault (core dumped)\n", "faulthandler"),
    ],
)
def test_a_failed_build_ends_with_1_and_the_next_step(explain, tmp_path, errors, says):
    log = tmp_path / "failed.log"
    log.write_text(
        "[V] Original: 3 layers\n[V] =============== Computing costs for conv\n"
        "[V] *************** Autotuning format combination: Float(8,1) -> Float(8,1) "
        f"***************\n{errors}"
    )
    code, out, _ = explain("--log", log)
    assert code == 1
    assert "made no engine" in out
    assert says in " ".join(out.split())
    assert "build-failed" in out


def test_a_warning_before_the_error_that_ended_a_build_is_told_beside_it(document, tmp_path):
    log = tmp_path / "failed.log"
    log.write_text(
        "[V] Original: 3 layers\n[V] =============== Computing costs for conv\n"
        "[W] Tactic Device request: 4608MB Available: 3904MB. Device memory is insufficient\n"
        "[E] 10: Error Code 10: Internal Error (Could not find any implementation for node conv.)\n"
    )
    failure = document("--log", log)["failure"]
    assert (failure["line"], failure["before"][0]) == (4, 3)
    assert failure["meaning"].startswith("no kernel") and failure["error"] == "tactic-memory"


def test_a_log_that_was_cut_off_after_a_warning_is_no_failed_build(explain, tmp_path):
    log = tmp_path / "cut.log"
    log.write_text(
        "[V] Original: 3 layers\n[V] =============== Computing costs for conv\n"
        "[W] CUDA lazy loading is not enabled. Enabling it can reduce memory usage\n"
        "[W] Tactic Device request: 4608MB Available: 3904MB. Device memory is insufficient\n"
        "[V] *************** Autotuning format combination: Float(8,1) -> Float(8,1) "
        "***************\n"
    )
    _, out, _ = explain("--log", log)
    assert "made no engine" not in out and "build-failed" not in out


def test_a_log_with_the_inspectors_text_alone_says_that_it_cannot_be_solved(document, tmp_path):
    """TensorRT 10 writes it so where the profiling verbosity is detailed."""
    log = tmp_path / "detailed.log"
    lines = text_of("cnn.fp16").partition("[VERBOSE] Engine Layer Information")[0]
    listed = (DATA / "layers" / "rtx171.attn_fp16.txt").read_text()
    log.write_text(lines + listed)
    found = document("--log", log)
    assert found["layers"] and found["choice"] is None
    assert any("cannot be solved again" in note for note in found["notes"])


def test_a_log_of_tensorrt_rtx_asks_for_more_in_its_own_words(document, tmp_path):
    log = tmp_path / "rtx.log"
    log.write_text(
        "[W] In JIT build, strongly typed is enabled by default.\n[V] Original: 1 layers\n"
        "[V] Engine generation completed in 0.1 seconds.\n[V] Engine Layer Information:\n"
        "Layer(Myelin): {ForeignNode[fc]}, Tactic: 0x0, x (Float[1,8]) -> y (Float[1,4])\n"
    )
    found = document("--log", log)
    assert found["identity"]["product"] == "tensorrt-rtx"
    commands = [
        command for item in found["missing"] for one in item["commands"] for command in one["lines"]
    ]
    assert any(command.startswith("tensorrt_rtx ") for command in commands)
    assert not any(command.startswith("trtexec ") for command in commands)


def test_a_log_that_there_was_no_time_for_is_no_failed_build(tmp_path: Path) -> None:
    """Its end was not read, neither for layers nor for errors."""
    log = tmp_path / "build.log"
    text = (
        "[V] [TRT] Adding network input: x with dtype: float32, dimensions: (1, 2)\n"
        + "[V] [TRT] a word of no meaning\n" * 100_000
    )
    log.write_text(text + "[E] [TRT] Error Code 4: Internal Error (no optimization profile)\n")
    (given,) = read_witnesses([log], build=None, onnx=None, watch=Watch(left=lambda: 0.0)).logs
    assert given.stopped is not None and "--deadline" in given.stopped
    assert given.ending is None
    assert failure_of(given, Knowledge.load()) is None
    (note,) = damages([given], Knowledge.load())
    assert note.startswith(f"{log} was not read to its end")


def test_a_log_whose_build_there_was_no_time_to_come_to_is_not_called_another_thing(
    tmp_path: Path,
) -> None:
    log = tmp_path / "build.log"
    log.write_text("a line of another program\n" * 100_000)
    with pytest.raises(
        InputError, match=r"not read to its end, since there was no time .*--deadline"
    ):
        read_witnesses([log], build=None, onnx=None, watch=Watch(left=lambda: 0.0))
