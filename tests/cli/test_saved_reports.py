"""``trtdoctor list`` and ``report``, and how the program ends, within this process."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from trtdoctor import __version__
from trtdoctor.cli import app
from trtdoctor.knowledge import Knowledge
from trtdoctor.model.codec import difference_schema

HOSTS = Path(__file__).resolve().parents[1] / "hosts"
HEALTHY, SICK = HOSTS / "healthy-h100-trt86", HOSTS / "h100-no-tensorrt"


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]):
    """Runs a command; returns its code, what it printed and what it complained about."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = app.run([str(argument) for argument in arguments])
        seen = capsys.readouterr()
        return code, seen.out, seen.err

    return run


@pytest.fixture
def reports(tmp_path: Path, told) -> tuple[Path, Path]:
    """The reports of a healthy machine and of the same without TensorRT."""
    files = (tmp_path / "healthy.json", tmp_path / "sick.json")
    for host, file in zip((HEALTHY, SICK), files, strict=True):
        assert told("check", "--host", host, "-o", file, "--fail-on", "never")[0] == 0
    return files


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("checks", "tensorrt-missing"),
        ("causes", "near-tie"),
        ("facts", "nvidia.gpus"),
        ("tables", "compute_capabilities"),
    ],
)
def test_what_there_is_can_be_listed(kind: str, says: str, told) -> None:
    code, out, err = told("list", kind)
    assert (code, err) == (0, "")
    assert says in out


@pytest.mark.parametrize("table", Knowledge.load().tables(), ids=lambda table: table.name)
def test_every_row_of_a_table_tells_its_source(table, told) -> None:
    code, out, _ = told("list", "tables", table.name)
    assert code == 0
    assert sum(line.startswith("source: ") for line in out.splitlines()) == table.rows


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("list", "tables", "nonsense"), "no table 'nonsense'"),
        (("list", "checks", "GPU001"), "trtdoctor why GPU001"),
        (("list", "everything"), "--help"),
        (("report", "show", "/nowhere/report.json"), "/nowhere/report.json"),
        (("report", "diff", "/etc/passwd", "/etc/passwd"), "/etc/passwd"),
        (("nonsense",), "nonsense"),
    ],
)
def test_wrong_usage_is_one_sentence(arguments: tuple[str, ...], says: str, told) -> None:
    code, out, err = told(*arguments)
    assert (code, out) == (2, "")
    assert says in err and err.count("\n") == 1


def test_a_difference_names_the_outcomes_and_the_facts(reports, told) -> None:
    code, out, _ = told("report", "diff", *reports)
    assert code == 1
    (missing,) = [line for line in out.splitlines() if line.startswith("TRT001 ")]
    assert "tensorrt-missing: passed" in missing and " -> failed (" in missing
    assert any(line.startswith("tensorrt.installs.value") for line in out.splitlines())


def test_a_report_does_not_differ_from_itself(reports, told) -> None:
    code, out, _ = told("report", "diff", reports[0], reports[0])
    assert code == 0
    assert out == "The reports agree in every outcome and every fact.\n"


def test_a_check_that_only_one_report_knows_is_a_difference(reports, told) -> None:
    document = json.loads(reports[0].read_text())
    gone = document["outcomes"].pop()["check"]["id"]
    reports[1].write_text(json.dumps(document))
    code, out, _ = told("report", "diff", *reports)
    assert code == 1
    assert f"{gone} " in out and out.endswith("-> no such check\n")


def test_a_difference_is_a_document(reports, told, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("d.json", "d.md", "d.txt")]
    outputs = [word for file in files for word in ("-o", file)]
    code, out, err = told("report", "diff", *reports, "--format", "json", *outputs)
    document = json.loads(out)
    assert code == 1 and document == json.loads(files[0].read_text())
    jsonschema.validate(document, difference_schema())
    assert document["schema"] == "trtdoctor.difference/1"
    assert [document[side]["verdict"] for side in ("before", "after")] == ["healthy", "problems"]
    missing = next(each for each in document["outcomes"] if each["check"]["id"] == "TRT001")
    assert (missing["before"]["status"], missing["after"]["status"]) == ("passed", "failed")
    installs = [each for each in document["facts"] if each["fact"] == "tensorrt.installs"]
    assert all(each["path"].startswith(".") for each in installs) and installs
    assert files[1].read_text().startswith("### trtdoctor: ")
    assert files[2].read_text() == told("report", "diff", *reports)[1]
    assert "private data" in err


def test_a_difference_without_any_is_a_document_too(reports, told) -> None:
    code, out, _ = told("report", "diff", reports[0], reports[0], "--format", "json")
    assert code == 0
    assert json.loads(out)["outcomes"] == json.loads(out)["facts"] == []
    code, out, _ = told("report", "diff", reports[0], reports[0], "--format", "markdown")
    assert code == 0 and "agree in every outcome" in out


def test_a_difference_is_no_page_and_is_never_written_onto_a_report(reports, told) -> None:
    for target, says in (("d.html", "writes .json, .md and .txt"), (reports[1], "is the input")):
        code, out, err = told("report", "diff", *reports, "-o", target)
        assert (code, out) == (2, "") and says in err


def test_the_schemas_are_printed(told) -> None:
    for kind in ("report", "difference"):
        code, out, _ = told("report", "schema", "--of", kind)
        assert code == 0 and json.loads(out)["$id"] == f"trtdoctor.{kind}/1"


@pytest.mark.parametrize("command", ["show", "rejudge"])
def test_a_saved_report_keeps_its_code_and_can_be_shared(command: str, reports, told) -> None:
    healthy, sick = reports
    assert told("report", command, healthy)[0] == 0
    code, out, _ = told("report", command, sick, "--format", "markdown")
    assert code == 1
    assert out.startswith("### trtdoctor: ")


def test_a_check_that_is_none_cannot_be_selected(reports, told) -> None:
    code, _, err = told("report", "rejudge", reports[0], "--select", "GPU999")
    assert code == 2
    assert "GPU999" in err


def test_this_machine_recorded_is_this_machine_replayed(tmp_path: Path, told) -> None:
    live, again = tmp_path / "live.json", tmp_path / "again.json"
    code, _, _ = told("check", "--record", tmp_path / "here", "-o", live)
    assert code == told("check", "--host", tmp_path / "here", "-o", again)[0]
    seen = [
        [(o["check"]["id"], o["status"]) for o in json.loads(file.read_text())["outcomes"]]
        for file in (live, again)
    ]
    assert seen[0] == seen[1]


def test_the_version_and_the_help(told) -> None:
    assert told("--version") == (0, f"trtdoctor {__version__}\n", "")
    code, out, _ = told("--help")
    assert code == 0
    assert all(f"\n  {command} " in out for command in ("check", "inspect", "explain", "report"))


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (ZeroDivisionError("by zero"), 2, "a bug in trtdoctor: ZeroDivisionError: by zero"),
        (FileNotFoundError(2, "No such file", "/x"), 2, "a bug in trtdoctor: FileNotFoundError"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_how_the_program_ends(
    error: BaseException,
    code: int,
    says: str,
    told,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(app.program, "main", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    seen, out, err = told("check")
    assert (seen, out) == (code, "")
    assert says in err
    # A bug leaves a file to report it with, and nothing else does.
    kept = [path.read_text() for path in tmp_path.iterdir()]
    assert len(kept) == ("bug" in says)
    assert all(__version__ in text and type(error).__name__ in text for text in kept)
