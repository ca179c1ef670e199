"""trtdoctor from Python: the functions behind the commands, and the page that shows them."""

from __future__ import annotations

import doctest
import json
import re
from pathlib import Path

import pytest

import trtdoctor
from trtdoctor.cli.app import run
from trtdoctor.model.codec import encode
from trtdoctor.model.report import Severity, Status, Verdict

ROOT = Path(__file__).parents[1]
HOST = ROOT / "tests" / "hosts" / "imagined-gtx-1080"
LOG = ROOT / "tests" / "data" / "buildlog" / "trt86-cnn.fp16.log.gz"
LAYERS = ROOT / "tests" / "data" / "layers" / "trt86.cnn.io16.layers.json"


def test_the_examples_of_the_page_are_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "python.md").read_text("utf-8")
    blocks = re.findall(r"^```pycon\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 6
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "python.md", None, 0)
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test)
    assert result.attempted > 20
    assert result.failed == 0


def without_times(report: dict) -> dict:
    del report["created"], report["snapshot"]["taken"]
    for item in (*report["outcomes"], *report["snapshot"]["facts"].values()):
        del item["took_ms"]
    return report


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (["check", "--host", HOST], lambda: trtdoctor.check(look=trtdoctor.Looking(host=HOST))),
        (
            ["check", "--host", HOST, "--select", "gpu", "--share"],
            lambda: trtdoctor.check(look=trtdoctor.Looking(host=HOST), select=("gpu",), share=True),
        ),
        (
            ["inspect", "--layers", LAYERS, "--expect", "fp16:0.9"],
            lambda: trtdoctor.inspect(layers=LAYERS, expect=0.9),
        ),
        (["explain", "--log", LOG], lambda: trtdoctor.explain(log=LOG)),
        (
            ["explain", "--log", LOG, "--layers", LAYERS],
            lambda: trtdoctor.explain(log=[LOG], layers=str(LAYERS)),
        ),
    ],
)
def test_a_function_tells_what_its_command_tells(words, call, capsys) -> None:
    run([*map(str, words), "--format", "json"])
    printed = json.loads(capsys.readouterr().out)
    report = call()
    assert capsys.readouterr() == ("", "")
    assert without_times(json.loads(encode(report))) == without_times(printed)


def test_a_saved_report_is_loaded_and_judged_anew(tmp_path: Path) -> None:
    report = trtdoctor.check(look=trtdoctor.Looking(host=HOST))
    path = tmp_path / "report.json"
    path.write_bytes(encode(report))
    loaded = trtdoctor.load(path)
    assert encode(loaded) == encode(report)
    again = trtdoctor.rejudge(loaded, select=["GPU002"])
    assert again.verdict is Verdict.PROBLEMS
    kept = [o.check.id for o in again.outcomes if o.status is not Status.IGNORED]
    assert kept == ["GPU002"]
    assert again.outcomes[0].check.severity in Severity


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda t: trtdoctor.inspect(), trtdoctor.UsageError, "give an engine file"),
        (lambda t: trtdoctor.explain(), trtdoctor.UsageError, "give an engine"),
        (lambda t: trtdoctor.explain(t / "a", build=2), trtdoctor.UsageError, "--build"),
        (lambda t: trtdoctor.inspect(t / "a"), trtdoctor.InputError, "cannot read"),
        (lambda t: trtdoctor.explain(log=t / "a"), trtdoctor.InputError, "cannot read"),
        (lambda t: trtdoctor.explain(onnx=t, log=LOG), trtdoctor.InputError, "cannot read"),
        (lambda t: trtdoctor.load(t / "a"), trtdoctor.InputError, "saved report.json"),
        (lambda t: trtdoctor.load(LOG), trtdoctor.InputError, "JSON"),
        (lambda t: trtdoctor.extract(LOG, t / "b"), trtdoctor.InputError, "no plan in it"),
        (lambda t: trtdoctor.check(select=["nothing"]), trtdoctor.UsageError, "no check or area"),
        (lambda t: trtdoctor.check(LOG, expect=1.5), trtdoctor.UsageError, "at most 1, not 1.5"),
        (
            lambda t: trtdoctor.check(look=trtdoctor.Looking(host=t)),
            trtdoctor.InputError,
            "recording",
        ),
        (
            lambda t: trtdoctor.check(look=trtdoctor.Looking(python=str(t / "python"))),
            trtdoctor.UsageError,
            "python",
        ),
    ],
)
def test_what_a_caller_can_put_right_is_one_sentence(call, error, says, tmp_path, capsys) -> None:
    with pytest.raises(error) as caught:
        call(tmp_path)
    assert isinstance(caught.value, trtdoctor.TrtdoctorError)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr() == ("", "")


def test_progress_is_told_to_whoever_asks(capsys) -> None:
    told: list[str] = []
    trtdoctor.check(look=trtdoctor.Looking(host=HOST, on_progress=told.append))
    assert told[-1] == ""
    assert any(told[:-1])
    assert capsys.readouterr() == ("", "")


def test_the_package_lists_its_functions() -> None:
    assert {"check", "inspect", "explain"} <= set(dir(trtdoctor))
    with pytest.raises(AttributeError, match="no attribute 'chekc'"):
        _ = trtdoctor.chekc
