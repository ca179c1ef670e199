"""Nothing private leaves in what is shared: every command, every format, from wherever it comes."""

from __future__ import annotations

import gzip
import json
import stat
import struct
from collections.abc import Callable
from pathlib import Path

import planwriter
import pytest

from trtdoctor.cli.app import run
from trtdoctor.host import Host, Target
from trtdoctor.host.recorded import Recorder, RecordingHeader
from trtdoctor.probes import PROBES
from trtdoctor.reporting.collect import Collection
from trtdoctor.testing import FakeMachine

LOG = Path(__file__).parents[1] / "data/buildlog/trt86-simple.fp16.log.gz"
USER, OTHER, HOST = "zebedee", "wilhelmina", "kestrel-77"
KEY, PASSWORD, TOKEN = "5f4dcc3b5aa765d61d83", "tr0ub4dor", "hf_abcdefghijklmnopqrstuvwx"
MAIL = "quincy.doe@mail.example.org"
SECRETS = (USER, OTHER, HOST, "lab.example", KEY, PASSWORD, TOKEN, "quincy")
TOLD = (
    f"OSError: /data/people/{USER}/x and /home/{OTHER}/y on {HOST.upper()} of {MAIL}: "
    f"password {PASSWORD}, --api-key {KEY}, HF_TOKEN={TOKEN}, C:\\Users\\{OTHER}\\z"
)
FORMATS = (
    "terminal",
    "json",
    "markdown",
    "html",
    "junit",
    "sarif",
    "github",
    "prometheus",
)


def machine() -> FakeMachine:
    inventory = {
        "path": [f"/data/people/{USER}/lib"],
        "denied": [],
        "packages": [],
        "modules": {
            "tensorrt": {"origin": f"/data/people/{USER}/tensorrt/__init__.py", "folders": []}
        },
    }
    return FakeMachine(
        system={"user": USER, "host": f"{HOST}.lab.example", "home": f"/data/people/{USER}"},
        env={
            "LD_LIBRARY_PATH": f"/data/people/{USER}/lib:/home/{OTHER}/lib",
            "VIRTUAL_ENV": f"/data/people/{OTHER}/venv",
        },
        files={"/etc/os-release": f'PRETTY_NAME="Linux of {MAIL}"\n'},
        children={
            "inventory": {"ending": "returned", "value": inventory},
            "import_module": {
                "ending": "returned",
                "value": {"ending": "exception", "detail": TOLD, "libraries": []},
                "output": TOLD,
            },
            "nvml": {"ending": "raised", "detail": TOLD},
            "cuda_driver": {"error": "unusable", "detail": TOLD},
        },
    )


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A recording, an engine, a log and a model, each full of what is private."""
    folder = tmp_path_factory.mktemp("given")
    recorder = Recorder(machine())
    target = Target(path=f"/data/people/{USER}/venv/bin/python", chosen_by="--python")
    Collection(Host(recorder, target=target), PROBES, active=False).finish(budget=30)
    recorder.save(folder / "host", RecordingHeader(taken="2026-01-01T00:00:00Z", target=target))
    metadata = {
        "WANDB_API_KEY": KEY,
        "nested": {"db": [{"password": PASSWORD}], "pin_secret": 123456},
        "author": f"{OTHER} <{MAIL}>, see /home/{OTHER}/run",
        "note": TOLD,
        f"run of {MAIL}": 1,
    }
    head = json.dumps(metadata).encode()
    engine = folder / f"{USER}2_{USER.capitalize()}Model.engine"
    plan = planwriter.plan(planwriter.releases()["8.6"])
    engine.write_bytes(struct.pack("<i", len(head)) + head + plan)
    log = folder / f"{USER}.log"
    lines = gzip.decompress(LOG.read_bytes()).decode()
    log.write_text(f"[01/01/2026-00:00:00] [W] [TRT] {TOLD}\n{lines}[E] Error[1]: {TOLD}\n")
    return {"host": folder / "host", "engine": engine, "log": log, "model": model(folder)}


def model(folder: Path) -> Path:
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node("Relu", ["x"], ["y"], name=f"/of {MAIL}/Relu", doc_string=TOLD)
    x, y = (onnx.helper.make_tensor_value_info(n, 1, [1, 8], doc_string=TOLD) for n in "xy")
    graph = onnx.helper.make_graph([node], f"main of {USER}", [x], [y], doc_string=TOLD)
    made = onnx.helper.make_model(graph, producer_name=f"export by {MAIL}", doc_string=TOLD)
    onnx.helper.set_model_props(made, {"api_key": KEY, "by": TOLD})
    path = folder / f"net-{USER}_{HOST}.onnx"
    path.write_bytes(made.SerializeToString())
    return path


COMMANDS: dict[str, Callable[[dict[str, Path]], list[object]]] = {
    "check": lambda g: ["check", "--host", g["host"]],
    "check ENGINE": lambda g: ["check", g["engine"], "--no-live", "--host", g["host"]],
    "inspect": lambda g: ["inspect", g["engine"], "--no-live", "--all", "--host", g["host"]],
    "explain ENGINE": lambda g: ["explain", g["engine"], "--no-live", "--host", g["host"]],
    "explain --log": lambda g: ["explain", "--log", g["log"], "--host", g["host"]],
    "explain MODEL": lambda g: ["explain", g["model"], "--host", g["host"]],
    "audit": lambda g: ["audit", g["model"], "--inputs", "random:1", "--host", g["host"]],
    "plan": lambda g: ["plan", g["model"], "--host", g["host"]],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_private_is_shared(
    command: str, given: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [str(word) for word in COMMANDS[command](given)]
    saved = tmp_path / "saved.json"
    assert run([*asked, "-o", str(saved)]) in (0, 1, 3), capsys.readouterr().err
    capsys.readouterr()
    unshared = saved.read_text()
    assert USER in unshared and HOST in unshared
    for words in (asked, ["report", "show", str(saved)], ["report", "rejudge", str(saved)]):
        for form in FORMATS:
            run([*words, "--share", "--format", form, *(["-v"] if form == "terminal" else [])])
            shared, said = capsys.readouterr()
            left = {s for s in SECRETS if s.casefold() in shared.replace("\n", "").casefold()}
            assert not left, (words, form, left)
            assert said == ""
            if form not in ("terminal", "github", "prometheus"):
                said_so = (
                    '"applied": true',
                    "private data replaced",
                    '"privateDataReplaced": true',
                )
                assert any(words in shared for words in said_so)


@pytest.mark.parametrize("here", [(), ("--here",)])
def test_nothing_private_is_shared_of_an_error_text(
    here: tuple[str, ...],
    given: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Without --here the text's private data are those of whoever asks.
    for name, value in {"USER": USER, "SUDO_USER": OTHER, "HOSTNAME": HOST, "A_KEY": KEY}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", f"/data/people/{USER}")
    text = tmp_path / f"{USER}.log"
    missing = "libcuda.so.1: cannot open shared object file"
    text.write_text(f"Error: {TOLD}\n/home/{OTHER}/a.py of {USER} on {HOST}: {missing}\n")
    words = ["decode", str(text), *here, *(["--host", str(given["host"])] if here else [])]
    assert run(words) in (0, 1, 3)
    assert USER in capsys.readouterr().out
    for form in ("terminal", "json", "markdown"):
        run([*words, "--share", "--format", form])
        shared, said = capsys.readouterr()
        left = {s for s in SECRETS if s.casefold() in shared.replace("\n", "").casefold()}
        assert not left, (form, left)
        assert said == "" and "libcuda.so.1" in shared
    out = [str(tmp_path / name) for name in ("out.md", "out.json", "out.txt")]
    run([*words, *(word for file in out for word in ("-o", file))])
    (said,) = capsys.readouterr().err.splitlines()
    assert "out.json" in said and "out.txt" in said and "out.md" not in said
    assert USER not in Path(out[0]).read_text() and USER in Path(out[1]).read_text()


@pytest.mark.parametrize("name", ["inspect", "explain"])
def test_what_looks_at_files_alone_knows_whose_machine_this_is(
    name: str,
    given: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("USER", USER)
    monkeypatch.setenv("SUDO_USER", OTHER)
    monkeypatch.setenv("HOSTNAME", HOST)
    monkeypatch.setenv("HOME", f"/data/people/{USER}")
    monkeypatch.setenv("SOME_API_KEY", KEY)
    run([name, str(given["engine"]), "--no-live", "--format", "markdown"])
    shared = capsys.readouterr().out
    assert "private data replaced" in shared
    assert not [secret for secret in SECRETS if secret.casefold() in shared.casefold()]


def test_where_the_names_are_not_known_no_claim_is_made(
    given: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "r.json"
    run(["inspect", str(given["engine"]), "--no-live", "-o", str(saved), "--share"])
    document = json.loads(saved.read_text())
    assert document["snapshot"]["redaction"]["applied"]
    # As an older version left it, which did not ask for the names and claimed all the same.
    del document["snapshot"]["facts"]["system.identity"]
    saved.write_text(json.dumps(document))
    capsys.readouterr()
    for form in ("markdown", "html"):
        run(["report", "show", str(saved), "--format", form])
        shared, said = capsys.readouterr()
        assert "private data replaced" not in shared
        assert "not known" in said and len(said.splitlines()) == 1


def test_what_is_written_with_private_data_is_named_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, mentioned in (("r.json", True), ("s.md", False), ("t.html", False), ("x.txt", True)):
        run(["check", "-o", str(tmp_path / name)])
        assert ("private data" in capsys.readouterr().err) is mentioned
    files = ["-o", str(tmp_path / "u.json"), "-o", str(tmp_path / "v.json")]
    run(["check", *files, "--record", str(tmp_path / "here")])
    (said,) = capsys.readouterr().err.splitlines()
    assert all(name in said for name in ("u.json", "v.json", "here"))
    run(["check", "-o", str(tmp_path / "w.json"), "--share"])
    assert capsys.readouterr().err == ""


def test_a_recording_is_its_users_alone(tmp_path: Path) -> None:
    for _ in range(2):
        run(["check", "--record", str(tmp_path / "here"), "-q"])
        for path in (tmp_path / "here").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            path.chmod(0o644)


@pytest.mark.parametrize(
    "words",
    [
        "check in.json -o in.json",
        "inspect --layers in.json -o in.json",
        "inspect --layers in.json -o link.json",
        "inspect --layers in.json -o hard.json",
        "inspect x.plan --layers in.json --extract ../work/in.json",
        "inspect x.plan --profile in.json -o ../work/in.json",
        "explain --log in.json -o in.json",
        "explain x.plan --log other.log --log in.json -o in.json",
        "explain in.json -o in.json",
        "explain x.plan --onnx in.json -o in.json",
        "report show in.json -o in.json",
        "report rejudge in.json -o ok.md -o in.json",
        "decode in.json -o in.json",
        "decode ./in.json -o link.json",
        "check --host . -o recording.json",
        "check --record new -o new/recording.json",
    ],
)
def test_an_input_is_never_written_over(
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "new").mkdir()
    monkeypatch.chdir(folder)
    for name in ("in.json", "recording.json"):
        Path(name).write_text("precious")
    Path("link.json").symlink_to("in.json")
    Path("hard.json").hardlink_to("in.json")
    before = {path: path.is_file() and path.read_bytes() for path in folder.iterdir()}
    assert run(words.split()) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "is the input" in said and "name another file" in said
    assert {path: path.is_file() and path.read_bytes() for path in folder.iterdir()} == before
