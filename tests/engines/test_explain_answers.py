"""What explain says: the contract's JSON, evidence that can be looked up, answers that flip."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from realbuilds import DATA, layers_of, log_of, text_of

import trtdoctor
from trtdoctor.cli.app import run
from trtdoctor.model.cause import Cause, DecidedAgain
from trtdoctor.model.errors import TrtdoctorError

LOGS = ["cnn.fp16", "cnn.pin_obey", "cnn.noflag", "simple.fp16", "casts.fp16", "topk.fp16"]


@pytest.fixture
def cnn(document):
    return document("--log", log_of("cnn.fp16"), "--layers", layers_of("cnn.fp16"))


def test_the_json_has_what_the_contract_says(cnn):
    choice = cnn["choice"]
    assert choice["reproduced"] is True
    assert choice["layers"] == [7, 7]
    assert choice["conversions"] == [2, 2]
    assert choice["plan_ms"] == pytest.approx(0.04069, abs=1e-5)
    assert cnn["typing"] == "weak"
    assert len(cnn["explanations"]) == 6
    keys = "layer precision cause confidence region decided_again other_causes evidence cost remedy"
    for told in cnn["explanations"]:
        assert set(keys.split()) <= told.keys()
        assert told["region"]
        assert told["decided_again"] in ("unlikely", "likely", "certain")
        cost = told["cost"]
        assert set(cost) >= {"margin_ms", "kernels_ms", "conversions_ms", "plan_ms"}
        assert cost["margin_ms"] == pytest.approx(cost["kernels_ms"] + cost["conversions_ms"])
        assert cost["margin_ms"] > 0
        assert all(set(item) == {"source", "value"} for item in told["evidence"])
        assert told["remedy"]["text"]


def test_layers_that_flip_together_share_a_region(cnn):
    regions = {e["layer"]: e["region"] for e in cnn["explanations"]}
    inner = {regions[layer] for layer in ("c1 + c1_relu", "c2 + c2_relu", "c3 + c3_relu", "gap")}
    assert len(inner) == 1


@pytest.mark.parametrize("name", LOGS)
def test_every_line_number_in_the_evidence_shows_what_it_is_cited_for(document, name):
    lines = text_of(name).splitlines()
    cited = 0
    for told in document("--log", log_of(name))["explanations"]:
        for reason in (told, *told["other_causes"]):
            for item in reason["evidence"]:
                file, _, line = item["source"].rpartition(":")
                if not line.isdigit():
                    continue
                cited += 1
                assert file.endswith(".log.gz")
                text = lines[int(line) - 1]
                time = re.search(r"takes ([\d.]+) us", item["value"])
                if time:
                    logged = re.search(r"Time: ([\d.e-]+)", text)
                    assert logged, (item, text)
                    assert float(logged[1]) * 1000 == pytest.approx(float(time[1]), abs=0.006)
    assert cited


@pytest.mark.parametrize("name", LOGS)
def test_nothing_is_said_about_weights(explain, name):
    for form in ("terminal", "json", "markdown"):
        _, out, _ = explain("--log", log_of(name), "-v", "--format", form)
        assert "subnormal" not in out
        assert "weights are affected" not in out


@pytest.mark.parametrize("name", ["cnn.fp16", "simple.fp16"])
def test_tensor_core_kernels_are_told_as_tf32(document, name):
    found = document("--log", log_of(name), "--layers", layers_of(name))
    kernels = {x["name"]: x for x in found["layers"] if "tf32" in (x["tactic"] or "")}
    assert kernels
    told = {e["layer"]: e["precision"] for e in found["explanations"]}
    assert {told[layer] for layer in kernels} == {"TF32"}


@pytest.mark.parametrize("name", LOGS)
@pytest.mark.parametrize("with_layers", [True, False])
def test_data_movement_is_never_explained(document, name, with_layers):
    layers = ["--layers", layers_of(name)] if with_layers else []
    found = document("--log", log_of(name), *layers)
    kinds = {x["name"]: x["type"] for x in found["layers"]}
    moved = {"NoOp", "Reformat", "Shuffle", "Constant", "Slice", "Concatenation"}
    assert moved & set(kinds.values())
    assert not moved & {kinds[e["layer"]] for e in found["explanations"]}


BLOCKS = {
    "encoder.fp16": ["--log", log_of("encoder.fp16"), "--layers", layers_of("encoder.fp16")],
    "encoder.fp16 without layers": ["--log", log_of("encoder.fp16")],
    "encoder.fp32, layers alone": ["--layers", layers_of("encoder.fp32")],
    "vitblock": ["--log", DATA / "explain" / "vitblock.fp16.log.gz"],
}


@pytest.mark.parametrize("name", BLOCKS)
def test_nothing_is_claimed_about_the_inside_of_a_block(document, name):
    found = document(*BLOCKS[name])
    (block,) = [x for x in found["layers"] if x["name"].startswith("{ForeignNode")]
    assert block["precision"] == "unknown"
    for told in found["explanations"]:
        assert told["precision"] == "unknown"
        assert told["cause"] in ("inside-fused-block", "unknown")


# One number in the log, another answer ------------------------------------------------------------


def half_kernels(text: str, time: str) -> str:
    """The text with another time for every Half candidate."""
    parts = text.split("Autotuning format combination: ")
    return "Autotuning format combination: ".join(
        re.sub(r"Time: \S+", f"Time: {time}", part) if part.startswith("Half") else part
        for part in parts
    )


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("0.00999", {"faster-in-fp32"}),
        ("0.00451", {"conversion-costs-more", "network-io"}),
        ("inf", {"no-fp16-kernel"}),
    ],
)
def test_the_time_of_half_kernels_decides_the_cause(causes, tmp_path, time, expected):
    log = tmp_path / "build.log"
    log.write_text(half_kernels(text_of("topk.fp16"), time))
    assert set(causes("--log", log).values()) <= expected


def test_one_faster_half_kernel_flips_one_layer(document, tmp_path):
    log = tmp_path / "build.log"
    for text, first in (
        (text_of("topk.fp16"), {"faster-in-fp32"}),
        (text_of("topk.fp16").replace("0.00969752", "0.0091"), {"conversion-costs-more"}),
    ):
        log.write_text(text)
        told = {e["layer"]: e for e in document("--log", log)["explanations"]}["softmax + topk"]
        all_causes = {told["cause"], *(other["cause"] for other in told["other_causes"])}
        assert first <= all_causes
        assert len({"faster-in-fp32", "conversion-costs-more"} & all_causes) == 1


def test_a_cheaper_conversion_makes_the_plan_another_and_nothing_certain(document, tmp_path):
    text = text_of("cnn.fp16")
    log = tmp_path / "build.log"
    target = "Autotuning Reformat: Float(12288,4096,64,1) -> Half(4096,1:4,64,1)"
    head, found, tail = text.partition(target)
    assert found
    tail, count = re.subn(r"Time: \S+", "Time: 0.0004", tail, count=4)
    assert count == 4
    log.write_text(head + found + tail)
    changed = document("--log", log)
    assert changed["choice"]["reproduced"] is False
    assert all(e["confidence"] != "certain" for e in changed["explanations"])


# The screen ---------------------------------------------------------------------------------------


def test_the_answer_comes_first_and_names_both_plans(explain):
    _, out, _ = explain("--log", log_of("simple.fp16"), "--no-color")
    words = " ".join(out.split())
    assert words.startswith("Why not FP16?")
    assert "0 of 2 compute layers are FP16" in words
    assert "20.31 us instead of 18.59 us" in words
    assert "15.62 us" in words
    assert "Reproduced the builder's plan: 4 of 4 layers, 1 of 1 conversions" in words


def test_verbose_shows_more_evidence_with_line_numbers(explain):
    arguments = ("--log", log_of("cnn.fp16"), "--no-color")
    short, long = explain(*arguments)[1], explain(*arguments, "-v")[1]
    assert short.count(".log.gz:") < long.count(".log.gz:")


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_other_forms_tell_the_same(explain, form, tmp_path):
    target = tmp_path / f"report.{'md' if form == 'markdown' else 'html'}"
    code, _, err = explain("--log", log_of("cnn.pin_obey"), "-o", target)
    assert code == 0, err
    text = target.read_text().replace("\\", "")
    assert "c2 + c2_relu" in text
    assert "pinned" in text
    assert "Traceback" not in text


def test_markup_in_a_layer_name_is_escaped(explain, tmp_path):
    layers = tmp_path / "layers.json"
    hostile = "<script>alert(1)</script>"
    layers.write_text(layers_of("cnn.noflag").read_text("utf-8").replace("head", hostile))
    target = tmp_path / "report.html"
    explain("--layers", layers, "-o", target)
    assert "<script>alert" not in target.read_text()


def test_a_saved_report_holds_the_explanations(explain, tmp_path):
    target = tmp_path / "report.json"
    explain("--log", log_of("cnn.pin_obey"), "-o", target)
    (engine,) = json.loads(target.read_text())["engines"]
    causes = {e["layer"]: e["cause"] for e in engine["explanations"]}
    assert causes["c2 + c2_relu"] == "pinned"


def test_escapes_in_a_log_do_not_reach_the_terminal(explain, tmp_path):
    log = tmp_path / "build.log"
    log.write_text(text_of("cnn.fp16").replace("c2", "\x1b[31mc2\x07"))
    _, out, err = explain("--log", log)
    assert "\x1b[31m" not in out + err
    assert "\x07" not in out + err
    assert "c2" in out


@pytest.mark.parametrize("time", ["nan", "-1", "1e308", "0", "inf", "soon"])
def test_times_that_are_none_do_not_break_it(document, tmp_path, time):
    log = tmp_path / "build.log"
    text = text_of("simple.fp16")
    for start in (0, 1, 2):
        count = 0

        def some(match, start=start):
            nonlocal count
            count += 1
            return f"Time: {time}" if count % 3 == start else match[0]

        log.write_text(re.sub(r"Time: \S+", some, text))
        found = document("--log", log)
        for told in found["explanations"]:
            assert told["cause"] == "unknown" or told["evidence"]


def test_a_banner_without_fp16_proves_it_for_a_log_that_is_not_verbose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """10.16's trtexec says ``Strongly Typed`` there where the model's types decide."""
    log = tmp_path / "quiet.log"
    lines = (
        "&&&& RUNNING TensorRT.trtexec [TensorRT v101601] [b11] # trtexec --onnx=m.onnx",
        "[01/01/2026-00:00:00] [I] === Build Options ===",
        "[01/01/2026-00:00:00] [I] Precision: {precision}",
        "[01/01/2026-00:00:00] [I] TensorRT version: 10.16.1",
        "[01/01/2026-00:00:00] [I] Engine built in 1.2 sec.",
    )
    layers = tmp_path / "layers.json"
    tensor = {"Dimensions": [1, 8], "Format/Datatype": "Row major linear FP32"}
    layer = {
        "Name": "fc",
        "LayerType": "CaskGemmMatrixMultiply",
        "Inputs": [{"Name": "x", **tensor}],
        "Outputs": [{"Name": "y", **tensor}],
        "Weights": {"Type": "Float", "Count": 64},
        "TacticName": "sm80_xmma_gemm_f32f32_f32f32_f32_tn_n",
    }
    layers.write_text(json.dumps({"Layers": [layer], "Bindings": ["x", "y"]}))
    for precision, cause in (("FP32", "not-enabled"), ("FP32+FP16", "unknown")):
        log.write_text("\n".join(lines).format(precision=precision) + "\n")
        words = ["explain", "--log", str(log), "--layers", str(layers), "--format", "json"]
        assert run(words) == 0
        (engine,) = json.loads(capsys.readouterr().out)["engines"]
        assert [told["cause"] for told in engine["explanations"]] == [cause], precision


def test_times_that_the_log_does_not_tell_are_told(document, tmp_path):
    """A candidate that a cache answered, and no other in the log is like it."""
    cached = tmp_path / "build.log"
    first = re.compile(
        r"(Autotuning format combination: Float\(12288,4096,64,1\) -> Float\(32768,1024,32,1\) .*\n)"
        r"(?:(?!.*Autotuning).*\n)*"
    )
    cached.write_text(first.sub(r"\1", text_of("cnn.fp16"), count=1))
    lacking = document("--log", cached)["notes"]
    assert any("does not tell the time of one kernel or conversion" in note for note in lacking)
    whole = document("--log", log_of("cnn.fp16"))["notes"]
    assert not any("does not tell the time" in note for note in whole)


@pytest.mark.slow
@pytest.mark.parametrize(
    "log",
    sorted((Path(__file__).parents[1] / "data").glob("*/*.fp16*.log.gz")),
    ids=lambda path: path.name,
)
def test_what_stands_in_one_group_has_one_margin_and_one_word_on_another_build(log):
    """And a near tie is told exactly where another build may decide otherwise."""
    try:
        (engine,) = trtdoctor.explain(log=log, live=False).engines
    except TrtdoctorError:
        return
    groups = {}
    for told in engine.explanations:
        ties = {told.cause, *(other.cause for other in told.other_causes)}
        assert (Cause.NEAR_TIE in ties) is (told.decided_again is DecidedAgain.UNLIKELY)
        if told.region is not None and told.cost is not None:
            key = (told.cause, told.region)
            one = (round(told.cost.margin_ms, 6), told.decided_again)
            assert groups.setdefault(key, one) == one
