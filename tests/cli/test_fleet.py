"""``trtdoctor report fleet`` as it is called: formats, exit codes, what is piped in, one bad file."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import msgspec
import pytest
from fleetmaker import machine, made_up_fleet, write

import trtdoctor
from trtdoctor.cli.app import run
from trtdoctor.cli.options import OutputOptions
from trtdoctor.cli.report_fleet import refuse_formats
from trtdoctor.model.codec import encode
from trtdoctor.model.report import Tool
from trtdoctor.render.fleet_html import render_fleet_html
from trtdoctor.render.fleet_markdown import render_fleet_markdown
from trtdoctor.render.fleet_terminal import render_fleet_terminal
from trtdoctor.render.terminal import TerminalOptions
from trtdoctor.reporting.fleet import put_together
from trtdoctor.run.gathering import find_reports, gather


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    reports = folder / "reports"
    reports.mkdir()
    write(reports, *made_up_fleet())
    old = machine("node01", "h100-no-tensorrt", taken="2026-10-01T08:00:00Z")
    write(reports, old, names=("node01-before",))
    write(reports, machine("node18", version="0.0.9", taken="2026-09-01T08:00:00Z"))
    (reports / "node19.json").write_bytes(encode(machine("node19"))[:-200])
    (reports / "layers.json").write_text('{"Layers": []}')
    (reports / "README.txt").write_text("Collected on Sunday.")
    return folder


@pytest.mark.parametrize("suffix", ["txt", "md", "html", "json"])
def test_a_fleet_looks_as_agreed(
    made_up: Path, suffix: str, golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made_up)
    share = suffix in ("md", "html")
    gathered = gather(find_reports(["reports"]), share=share)
    made = put_together(
        gathered.hidden if share else gathered.summaries,
        gathered.others,
        tool=Tool(version="0", knowledge="2026-11-01"),
        created="2026-11-02T08:00:00Z",
        share=share,
    )
    text = {
        "txt": lambda: render_fleet_terminal(made, TerminalOptions(width=100)),
        "md": lambda: render_fleet_markdown(made),
        "html": lambda: render_fleet_html(made),
        "json": lambda: encode(made).decode(),
    }[suffix]()
    # The frame of every page is another test's.
    golden(f"fleet.1.{suffix}", re.sub(r"(?s)<(style|script)>.*?</\1>|sha256-[^&]*", "", text))


@pytest.mark.parametrize(
    ("recordings", "options", "code"),
    [
        (["healthy-h100-trt86"], [], 0),
        (["healthy-h100-trt86", "h100-no-tensorrt"], [], 1),
        (["healthy-h100-trt86", "h100-no-tensorrt"], ["--fail-on", "never"], 0),
        (["imagined-gtx-1080"], [], 0),
        (["imagined-gtx-1080"], ["--fail-on", "warning"], 1),
        (["healthy-h100-trt86", "imagined-unknown-gpu"], ["--fail-on", "warning"], 3),
        (["imagined-unknown-gpu", "h100-no-tensorrt"], [], 1),
    ],
)
def test_exit_codes_are_those_of_the_worst_machine(
    recordings: list[str],
    options: list[str],
    code: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = write(tmp_path, *(machine(f"n{n}", name) for n, name in enumerate(recordings)))
    singly = {run(["report", "show", str(file), "-q", *options]) for file in files}
    capsys.readouterr()
    assert run(["report", "fleet", str(tmp_path), "-q", *options]) == code
    assert code in singly
    out, err = capsys.readouterr()
    assert out.count("\n") == 1 and not err


def test_a_report_that_cannot_be_read_leaves_the_fleet_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, machine("n1"))
    (tmp_path / "n2.json").write_bytes((tmp_path / "n1.json").read_bytes()[:5000])
    assert run(["report", "fleet", str(tmp_path)]) == 3
    out = " ".join(capsys.readouterr().out.split())
    assert "n2.json: cannot be read: it is not JSON (Input data was truncated)" in out
    assert out.endswith("no problems found on 1 machine, but 1 file could not be read.")


def test_what_is_piped_in_is_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encode(machine("n1")) + encode(machine("n2", "h100-no-tensorrt"))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert run(["report", "fleet", "-", "--format", "json"]) == 1
    made = json.loads(capsys.readouterr().out)
    assert [m["name"] for group in made["groups"] for m in group["machines"]] == ["n2", "n1"]


@pytest.mark.parametrize(
    "words", ["", "gone.json", "empty", "empty/nothing.json", "/dev/null", "nulls.json -o x.xml"]
)
def test_without_reports_it_is_one_sentence_and_2(
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "nulls.json").write_bytes(bytes(100))
    assert run(["report", "fleet", *words.split()]) == 2
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1 and "Traceback" not in err


@pytest.mark.parametrize("asked", [{"format": "junit"}, {"files": (Path("fleet.xml"),)}])
def test_formats_that_tell_one_machine_are_refused(asked: dict) -> None:
    plain = {"files": (), "format": "terminal", "share": None, "fail_on": "error"}
    output = OutputOptions(**(plain | asked), verbose=0, quiet=False, no_color=True)
    with pytest.raises(trtdoctor.UsageError, match="report fleet"):
        refuse_formats(output)


def test_no_report_is_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, machine("n1"))
    before = (tmp_path / "n1.json").read_bytes()
    assert run(["report", "fleet", ".", "-o", "n1.json"]) == 2
    assert "it is the input" in capsys.readouterr().err
    assert (tmp_path / "n1.json").read_bytes() == before
    assert run(["report", "fleet", ".", "-o", "fleet.json", "-o", "fleet.html"]) == 0
    # What it wrote lies among the reports now, and is none.
    capsys.readouterr()
    assert run(["report", "fleet", "."]) == 0
    out = capsys.readouterr().out
    assert "fleet.json: no report: JSON, but no report of trtdoctor" in out


def test_all_groups_and_names_are_there_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, *(machine(f"n{n:02}", driver=f"535.{n}") for n in range(30)))
    run(["report", "fleet", str(tmp_path)])
    assert "and 10 more groups; -v shows all of them" in capsys.readouterr().out
    run(["report", "fleet", str(tmp_path), "-v"])
    out = capsys.readouterr().out
    assert all(f"n{n:02}" in out for n in range(30)) and "more groups;" not in out
    run(["report", "fleet", str(tmp_path), "--format", "json"])
    assert len(json.loads(capsys.readouterr().out)["groups"]) == 30


def test_the_schema_of_a_fleet_can_be_had(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", "schema", "--of", "fleet"]) == 0
    assert json.loads(capsys.readouterr().out)["$id"] == "trtdoctor.fleet/1"


def test_the_page_loads_nothing_and_names_its_parts(tmp_path: Path) -> None:
    write(tmp_path, machine("n1"), machine("n2", "h100-no-tensorrt"))
    page = render_fleet_html(trtdoctor.fleet([tmp_path]))
    assert "default-src &#39;none&#39;" in page and "http" not in page.replace("http-equiv", "")
    assert '<th scope="row"' in page and '<th scope="col"' in page
    assert 'role="region" aria-labelledby="matrix"' in page
    # A mark is told in words too.
    assert page.count('<td class="state error"><span aria-hidden="true">✗</span> found</td>') == 1


def test_names_with_markup_are_text(tmp_path: Path) -> None:
    bad = '<img src=x onerror=alert(1)>|`*_"\x1b[2J\n'
    (tmp_path / "a.json").write_bytes(msgspec.json.encode(machine(bad)))
    made = trtdoctor.fleet([tmp_path])
    assert "<img" not in render_fleet_html(made)
    assert "<img" not in render_fleet_markdown(made).replace("\\<img", "")
    assert "\x1b" not in render_fleet_terminal(made, TerminalOptions())


def host(tmp_path: Path, name: str) -> Path:
    """A recorded machine under another name."""
    import shutil

    source = Path(__file__).resolve().parents[1] / "hosts" / "healthy-h100-trt86"
    copy = tmp_path / f"recording-{abs(hash(name))}"
    shutil.copytree(source, copy)
    answers = copy / "answers.jsonl"
    answers.write_text(answers.read_text().replace("h100-box", name))
    return copy


def listed(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def checked(folder: Path, recording: Path, *options: str) -> int:
    return run(["check", "-q", "--host", str(recording), "-o", f"{folder}/", *options])


def test_each_machine_has_its_file_and_a_newer_report_replaces_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    one, two = host(tmp_path, "alpha.example"), host(tmp_path, "beta")
    for recording in (one, two, one):
        assert checked(folder, recording) == 0
    assert sorted(listed(folder)) == ["alpha.example.json", "beta.json"]
    assert run(["report", "fleet", str(folder), "-q"]) == 0


def test_another_machine_of_the_same_name_loses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    write(folder, machine("alpha", "imagined-gtx-1080"))
    before = (folder / "alpha.json").read_bytes()
    one = host(tmp_path, "alpha")
    assert checked(folder, one) == 0
    assert "alpha-2.json, for alpha.json is another machine's" in capsys.readouterr().err
    assert checked(folder, one) == 0
    assert sorted(listed(folder)) == ["alpha-2.json", "alpha.json"]
    assert (folder / "alpha.json").read_bytes() == before


@pytest.mark.parametrize("there", ["text", "empty", "link", "folder"])
def test_what_is_no_report_is_never_replaced(
    there: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    victim, place = tmp_path / "victim", folder / "alpha.json"
    victim.write_text("precious")
    {
        "text": lambda: place.write_text("precious"),
        "empty": lambda: place.write_text(""),
        "link": lambda: place.symlink_to(victim),
        "folder": place.mkdir,
    }[there]()
    assert checked(folder, host(tmp_path, "alpha")) == 0
    assert (folder / "alpha-2.json").is_file()
    assert victim.read_text() == "precious"
    assert there != "text" or place.read_text() == "precious"


def test_shared_its_name_is_a_stable_pseudonym(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    recording = host(tmp_path, "alpha")
    for _ in range(2):
        assert checked(folder, recording, "--share") == 0
    (name,) = listed(folder)
    assert name.startswith("machine-") and "alpha" not in (folder / name).read_text()
    assert checked(folder, host(tmp_path, "beta"), "--share") == 0
    assert len(listed(folder)) == 2


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..", "a b;rm -rf $HOME", "\u202eevil", "x" * 250, "-rf", ".x"]
)
def test_a_host_name_leads_nowhere_else(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from trtdoctor.cli.report_folder import name_of
    from trtdoctor.model.codec import read_report

    report = read_report(msgspec.json.encode(machine(name)))
    stem = name_of(report, report).stem
    assert stem and len(stem) <= 120 and not set(stem) & set("/ ;$\u202e\\")
    assert stem[0] not in ".-"


def test_a_file_that_is_read_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (file,) = write(tmp_path, machine("alpha"))
    before = file.read_bytes()
    assert run(["report", "rejudge", str(file), "-o", str(tmp_path)]) == 2
    assert "it is the input" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_other_commands_tell_command_and_file_in_the_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    layers = Path(__file__).resolve().parents[1] / "data/layers/trt86.simple.fp16.layers.json"
    folder = tmp_path / "out"
    for _ in range(2):
        run(["inspect", "--layers", str(layers), "--no-live", "-q", "-o", f"{folder}/"])
    (name,) = listed(folder)
    assert ".inspect." in name and name.endswith(".json")


def test_a_folder_whose_parent_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checked(tmp_path / "no" / "where", host(tmp_path, "alpha")) == 2
    assert "there is no folder" in capsys.readouterr().err
