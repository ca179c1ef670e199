"""``trtdoctor compare`` from files: engines, layers alone, saved reports, times and outputs."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import planwriter
import pytest
from engines import engine, layer, measured
from onnx.reference import ReferenceEvaluator
from savedengines import DATA, VALUES, chain, outputs, saved, softmax_model, told

import trtdoctor
from trtdoctor.cli.app import run
from trtdoctor.model.codec import encode, read_report
from trtdoctor.model.comparison import Comparison
from trtdoctor.model.engine import Precision
from trtdoctor.model.finding import to_run
from trtdoctor.run.comparing import Comparing, Side, examine_compared


def test_faster_and_as_good_passes(two: Any, tmp_path: Path, capsys: Any) -> None:
    a, b = outputs(tmp_path, y_a=VALUES), outputs(tmp_path, y_b=VALUES * 1.0001)
    beside = ["--outputs-a", str(a), "--outputs-b", str(b)]
    assert run(["compare", *map(str, two), *beside, "--fail-on", "warning"]) == 0
    out = capsys.readouterr().out
    assert "Worth it: B is 2.00 times as fast as A" in out and "80 dB" in out
    assert "FP32 → FP16" in out


def test_broken_outputs_fail(two: Any, tmp_path: Path, capsys: Any) -> None:
    broken = VALUES.copy()
    broken[0, :3] = np.nan
    a, b = outputs(tmp_path, y_a=VALUES), outputs(tmp_path, y_b=broken)
    assert run(["compare", *map(str, two), "--outputs-a", str(a), "--outputs-b", str(b)]) == 1
    out = capsys.readouterr().out
    assert "PRC003 outputs-not-finite" in out and "3 NaN" in out
    assert "Not worth it" in out and "Suspected" in out


def test_not_faster_fails_where_warnings_do(two: Any, capsys: Any) -> None:
    swapped = [str(two[1]), str(two[0])]
    assert run(["compare", *swapped]) == 0
    assert run(["compare", *swapped, "--fail-on", "warning"]) == 1
    assert "PRC004 engine-not-worth-it" in capsys.readouterr().out


def test_what_cannot_be_told_is_inconclusive(two: Any, capsys: Any) -> None:
    assert run(["compare", *map(str, two), "--fail-on", "warning"]) == 3
    assert "  Run:\n      trtdoctor compare" in capsys.readouterr().out
    assert run(["compare", *map(str, two)]) == 0


def test_quiet_says_the_verdict_alone(two: Any, capsys: Any) -> None:
    run(["compare", *map(str, two), "-q", "--ignore", "PRC004"])
    run(["compare", *map(str, two), "-q"])
    out = capsys.readouterr().out
    assert "B is 2.00 times" in out and "Side by side" not in out


def test_a_report_of_a_comparison_is_a_document(two: Any, tmp_path: Path, capsys: Any) -> None:
    target = tmp_path / "c.json"
    assert run(["compare", *map(str, two), "-o", str(target)]) == 0
    report = read_report(target.read_bytes())
    assert report.command == "compare" and len(report.engines) == 2
    assert told(report).gain is not None
    again = trtdoctor.rejudge(report)
    assert again.comparisons == report.comparisons
    assert [o.status for o in again.outcomes] == [o.status for o in report.outcomes]
    capsys.readouterr()
    for form in ("terminal", "markdown", "html"):
        assert run(["report", "show", str(target), "--format", form]) in (0, 3)
        assert "2.00 times as fast" in capsys.readouterr().out


def test_shared_reports_hide_who_made_them(tmp_path: Path) -> None:
    home = tmp_path / "home" / "somebody"
    home.mkdir(parents=True)
    a = engine("/home/somebody/a.engine", *chain(), measured=measured(1.0))
    b = engine("/home/somebody/b.engine", *chain(), measured=measured(1.0))
    report = trtdoctor.compare(
        saved(home / "a.json", a), saved(home / "b.json", b), live=False, share=True
    )
    assert b"somebody" not in encode(report)


def test_names_make_no_lines_of_their_own(tmp_path: Path, capsys: Any) -> None:
    evil = "conv\n  Verdict  forged\r\x1b[31m <script>|"
    made = [
        engine(
            evil,
            layer(evil, evil, reads=("x",), makes=(evil,), precision=precision, ms=1.0),
            layer(evil * 9, "tail", reads=(evil,), makes=("y",)),
            measured=measured(1.0, gpu=evil, notes=(evil,)),
            notes=(evil,),
        )
        for precision in (Precision.FP32, Precision.FP16)
    ]
    paths = [saved(tmp_path / f"{n}.json", each) for n, each in enumerate(made)]
    broken = VALUES.copy()
    broken[:] = np.nan
    beside = [
        *("--outputs-a", str(outputs(tmp_path, y_a=VALUES))),
        *("--outputs-b", str(outputs(tmp_path, y_b=broken))),
    ]
    for form in ("terminal", "markdown", "html"):
        assert run(["compare", *map(str, paths), *beside, "--no-live", "--format", form]) == 1
        out = capsys.readouterr().out
        assert "forged" in out and "\x1b" not in out
        # A page runs lines together as it likes.
        lines = out.splitlines() if form != "html" else []
        assert not any(line.strip().startswith("Verdict  forged") for line in lines)
        assert form == "terminal" or "<script>" not in out.replace("\\<script\\>", "")


# Times -------------------------------------------------------------------------------------------


def times(path: Path, middle: float) -> Path:
    entries = [
        {
            "startComputeMs": 2.0 * i,
            "endComputeMs": 2.0 * i + middle,
            "computeMs": middle * (1 + 0.001 * (i % 7)),
            "latencyMs": middle,
        }
        for i in range(100)
    ]
    path.write_text(json.dumps(entries))
    return path


def test_times_of_trtexec_make_the_factor(tmp_path: Path) -> None:
    plan = planwriter.plan(planwriter.releases()["8.6"])
    for name in ("a.engine", "b.engine"):
        (tmp_path / name).write_bytes(plan)
    report = trtdoctor.compare(
        tmp_path / "a.engine",
        tmp_path / "b.engine",
        times=(times(tmp_path / "a.json", 1.0), times(tmp_path / "b.json", 0.8)),
        live=False,
    )
    gain = told(report).gain
    assert gain is not None and gain[1] < 1.25 < gain[2] + 0.01
    assert told(report).clock == "events_ms"
    assert any(
        "nothing shows that both were measured with the same GPU" in n for n in told(report).notes
    )


def test_what_is_missing_names_the_command(tmp_path: Path) -> None:
    plan = planwriter.plan(planwriter.releases()["8.6"])
    for name in ("a.engine", "b b.engine"):
        (tmp_path / name).write_bytes(plan)
    a, b = tmp_path / "a.engine", tmp_path / "b b.engine"
    both = told(trtdoctor.compare(a, b, live=False))
    assert "measure both on one idle GPU" in both.verdict
    assert both.commands == to_run(
        f"trtdoctor compare {a} '{b}' --inputs data.npz --onnx MODEL.onnx"
    )
    one = trtdoctor.compare(a, b, times=(times(tmp_path / "a.json", 1.0), None), live=False)
    assert "measure it on the GPU that A was measured on" in told(one).verdict
    first, second = times(tmp_path / "a.json", 1.0), times(tmp_path / "b.json", 0.5)
    assert (
        told(trtdoctor.compare(a, b, times=(first, second), live=False)).commands == both.commands
    )
    layers = DATA / "explain" / "mobile.fp16.layers.json"
    alone = told(trtdoctor.compare(layers, layers, live=False)).commands
    assert alone[0].lines[0] == "trtexec --loadEngine=A.engine --exportTimes=a.times.json"
    assert alone[1].lines[0].endswith("--times-a a.times.json --times-b b.times.json")


# The model as a reference ------------------------------------------------------------------------


def reference_of(path: Path, x: Any) -> Any:
    (found,) = ReferenceEvaluator(onnx.load(path)).run(None, {"x": x})
    return found


def test_the_model_tells_which_engine_is_right(two: Any, tmp_path: Path) -> None:
    model = softmax_model(tmp_path / "m.onnx")
    x = np.random.default_rng(5).standard_normal((1, 8)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    right = reference_of(model, x)
    wrong = np.full_like(right, 0.125)
    a, b = outputs(tmp_path, y_a=right), outputs(tmp_path, y_b=wrong)
    given: dict[str, Any] = {"onnx": model, "inputs": str(tmp_path / "x.npz"), "live": False}
    found = told(trtdoctor.compare(*two, outputs=(a, b), **given))
    assert found.worth is False and found.reference is not None and "in FP32" in found.reference
    assert "agrees with the reference" in found.verdict
    assert found.inputs == f"1 sample of {tmp_path / 'x.npz'}"
    assert found.suspects
    # The hazard that the model itself shows is named beside the layer.
    assert all(name.partition(":")[0] in ("conv", "softmax") for name in found.suspects)
    turned = told(trtdoctor.compare(*two, outputs=(b, a), **given))
    assert turned.worth is True and not turned.suspects


def test_samples_in_one_piece_are_taken_apart(two: Any, tmp_path: Path) -> None:
    model = softmax_model(tmp_path / "m.onnx")
    x = np.random.default_rng(5).standard_normal((3, 8)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    right = np.concatenate([reference_of(model, row[None]) for row in x])
    a, b = outputs(tmp_path, y_a=right), outputs(tmp_path, y_b=right[:, None])
    found = told(
        trtdoctor.compare(
            *two, outputs=(a, b), onnx=model, inputs=str(tmp_path / "x.npz"), live=False
        )
    )
    assert found.worth is True and found.inputs is not None and "3 samples" in found.inputs


# Engines that are run ----------------------------------------------------------------------------


def engines_here(folder: Path) -> tuple[Path, Path]:
    plan = planwriter.plan(planwriter.releases()["8.6"])
    paths = folder / "a.engine", folder / "b.engine"
    for path in paths:
        path.write_bytes(plan)
    return paths


def ran(a: Path, b: Path, **more: Any) -> Comparison:
    """A comparison with what runs engines put in place of a GPU."""
    seen = examine_compared(
        Side(file=a),
        Side(file=b),
        comparing=Comparing(**more),
        look=trtdoctor.Looking(),
        live=False,
        static=True,
    )
    return told(seen.report())


def test_engines_are_run_on_the_inputs_and_timed_in_turn(tmp_path: Path) -> None:
    a, b = engines_here(tmp_path)
    (engine_a,) = trtdoctor.inspect(a, live=False).engines
    assert engine_a.identity is not None
    wanted = [t for t in engine_a.identity.io or () if t.mode == "input"]
    calls: list[Any] = []

    def runner(path: Path, samples: Any) -> Any:
        calls.append((path, [sorted(sample) for sample in samples]))
        return [{"y": VALUES} for _ in samples]

    def timer(paths: Any) -> Any:
        calls.append(tuple(paths))
        return measured(1.0), measured(0.5)

    shapes = {t.name: tuple(max(1, extent) for extent in t.shape or ()) for t in wanted}
    found = ran(a, b, inputs="random:2", shapes=shapes, run=runner, time=timer)
    names = sorted(shapes)
    assert calls == [(a, b), (a, [names, names]), (b, [names, names])]
    assert found.worth is True and found.inputs == "2 random samples"
    assert any("random numbers" in note for note in found.notes)


def test_engines_that_cannot_be_run_are_compared_without_it(tmp_path: Path, two: Any) -> None:
    a, b = engines_here(tmp_path)

    def refuses(*_: Any) -> Any:
        raise trtdoctor.InputError("there is no GPU")

    found = ran(a, b, inputs="random:1", run=refuses, time=lambda _: "there is no GPU")
    assert found.worth is None and not found.outputs
    assert "the engines were not run: there is no GPU" in found.notes

    def runner(path: Path, samples: Any) -> Any:
        return [{"y": VALUES} for _ in samples]

    found = ran(a, b, inputs="random:1", run=runner, time=lambda _: (measured(1.0),))
    assert found.outputs and found.worth is None
    assert any("not timed here" in note for note in found.notes)
    # What was measured elsewhere and saved is not measured again.
    assert ran(*two, time=refuses).gain is not None
    gone = ran(*two, inputs="random:1", run=runner)
    assert any("is a report of a.engine, which is not here" in note for note in gone.notes)


@pytest.mark.parametrize("form", ["txt", "md", "html"])
def test_what_a_comparison_looks_like(
    form: str, tmp_path: Path, golden: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mobile.fp32", "mobile.fp16"):
        shutil.copy(DATA / "explain" / f"{name}.layers.json", f"{name}.json")
    y = VALUES
    broken = VALUES.astype(np.float16).astype(np.float32)
    np.savez("a.npz", y=y, aux=np.arange(4))
    np.savez("b.npz", y=broken, aux=np.arange(4))
    target = Path(f"c.{form}")
    arguments = [
        "mobile.fp32.json",
        "mobile.fp16.json",
        "--outputs-a",
        "a.npz",
        "--outputs-b",
        "b.npz",
    ]
    run(["compare", *arguments, "--no-live", "-o", str(target), "--no-share"])
    text = target.read_text("utf-8")
    text = re.sub(r"looked \d{4}-\d\d-\d\dT[\d:]+Z", "looked TIME", text)
    golden(f"compare.0.{form}", text)
