"""Files that are something else than the option is for, as a person gives them by mistake."""

from __future__ import annotations

import os
from pathlib import Path

import planwriter
import pytest

from trtdoctor.cli.app import run


@pytest.mark.parametrize("option", ["--layers", "--profile"])
def test_a_pipe_or_device_is_refused_instead_of_read_without_end(
    option: str, tmp_path: Path, capsys
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    layers = tmp_path / "layers.json"
    layers.write_text('{"Layers": [], "Bindings": []}')
    for never in (str(pipe), "/dev/zero"):
        more = [] if option == "--layers" else ["--layers", str(layers)]
        assert run(["inspect", *more, option, never]) == 2
        assert "not a regular file" in capsys.readouterr().err


GIVEN = {
    "engine": ["inspect", "PATH", "--no-live"],
    "layers": ["inspect", "--layers", "PATH"],
    "profile": ["inspect", "--layers", "LAYERS", "--profile", "PATH"],
    "log": ["explain", "--log", "PATH"],
    "model": ["explain", "--onnx", "PATH"],
    "AutoCast's log": ["explain", "--onnx", "MODEL", "--autocast-log", "PATH"],
    "saved report": ["report", "show", "PATH"],
    "report to judge": ["report", "rejudge", "PATH"],
    "report to compare": ["report", "diff", "PATH", "PATH"],
    "recording": ["check", "--host", "RECORDING"],
}


@pytest.mark.usefixtures("runaway")
@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "hole"])
def test_what_is_no_file_of_use_is_refused_wherever_a_file_is_given(
    given: str, kind: str, files: dict[str, Path], tmp_path: Path, capsys
) -> None:
    path = tmp_path / "answers.jsonl"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        path.touch()
        os.truncate(path, 3 << 30)
        if given == "log":
            pytest.skip("a log of any size is read to its end")
    (tmp_path / "recording.json").write_text("{}")
    words = {
        "PATH": path,
        "LAYERS": files["layers"],
        "MODEL": files["onnx"],
        "RECORDING": tmp_path,
    }
    assert run([str(words.get(word, word)) for word in GIVEN[given]]) == 2
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 1
    assert str(path) in captured.err or given == "recording"


def test_extract_writes_to_a_device_and_never_replaces_it(tmp_path: Path, capsys) -> None:
    plan = tmp_path / "model.engine"
    plan.write_bytes(planwriter.plan(planwriter.releases()["10.3"]))
    device = tmp_path / "device"
    device.symlink_to("/dev/null")
    linked = tmp_path / "linked"
    linked.symlink_to(tmp_path / "bare.plan")
    assert run(["inspect", str(plan), "--no-live", "--extract", str(device)]) == 0
    assert device.is_char_device()
    assert run(["inspect", str(plan), "--no-live", "--extract", str(linked)]) == 0
    assert linked.is_symlink()
    assert (tmp_path / "bare.plan").read_bytes() == plan.read_bytes()
    pipe = tmp_path / "long" / ("x" * 300)
    assert run(["inspect", str(plan), "--no-live", "--extract", str(pipe)]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("trtdoctor: cannot extract")
    assert not list(tmp_path.glob(".trtdoctor-*"))


@pytest.mark.parametrize("command", ["inspect", "explain"])
def test_what_is_no_plan_is_unreadable_input(command: str, tmp_path: Path, capsys) -> None:
    path = tmp_path / "model.engine"
    path.write_text('{"hello": 1}')
    assert run([command, str(path), "--no-live"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert str(path) in err


DATA = Path(__file__).parents[1] / "data"
WAYS = {
    "engine": "as ENGINE, without an option",
    "log": "with --log",
    "layers": "with --layers",
    "profile": "with --profile",
    "onnx": "with --onnx",
}
PLACES = {
    "explain": ("engine", "log", "layers", "profile", "onnx"),
    "inspect": ("engine", "layers", "profile"),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A good file of each kind."""
    helper = pytest.importorskip("onnx").helper
    folder = tmp_path_factory.mktemp("files")
    (folder / "m.engine").write_bytes(planwriter.plan(planwriter.releases()["10.3"]))
    shape = [helper.make_tensor_value_info(name, 1, [4]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", shape[:1], shape[1:])
    (folder / "m.onnx").write_bytes(helper.make_model(graph).SerializeToString())
    return {
        "engine": folder / "m.engine",
        "log": DATA / "buildlog" / "trt86-cnn.fp16.log.gz",
        "layers": DATA / "layers" / "trt86.cnn.fp16.layers.json",
        "profile": DATA / "layers" / "trt86.cnn.fp16.profile.json",
        "onnx": folder / "m.onnx",
    }


@pytest.mark.parametrize(
    ("command", "place", "kind"),
    [(c, place, kind) for c, places in PLACES.items() for place in places for kind in WAYS],
)
def test_a_file_in_the_wrong_place_is_told_its_right_one(
    command: str, place: str, kind: str, files: dict[str, Path], capsys
) -> None:
    given = {"layers": files["layers"]} if place == "profile" else {}
    given = {"log": files["log"]} if place == "onnx" else given
    given[place] = files[kind]
    words = []
    for option, path in given.items():
        words += [str(path)] if option == "engine" else [f"--{option}", str(path)]
    code = run([command, *words, "--no-live"])
    err = capsys.readouterr().err
    # Without an option a file is taken for what it is, and times alone say nothing.
    taken = {(c, "engine", each) for c in PLACES for each in ("log", "layers")}
    taken |= {("inspect", "layers", "log"), ("explain", "engine", "onnx")}
    if (place, kind) == ("engine", "profile"):
        assert code == 2 and err.count("\n") == 1
        assert f"{files[kind]} is a profile of the layers' times, which" in err
        return
    if kind == place or (command, place, kind) in taken:
        assert (code, err) == (0, "")
        return
    assert code == 2
    assert err.count("\n") == 1
    assert str(files[kind]) in err
    assert WAYS[kind] in err
    assert not any(way in err for other, way in WAYS.items() if other != kind)


def test_check_audits_a_model_that_stands_among_engines(files: dict[str, Path], capsys) -> None:
    code = run(["check", str(files["onnx"]), "--no-live"])
    said = capsys.readouterr()
    assert code in (0, 1, 3) and said.err == ""
    assert f"Model {files['onnx']}" in said.out and "ENG007" not in said.out


def test_what_belongs_nowhere_is_told_by_the_option_it_was_given_with(tmp_path: Path, capsys):
    poem = tmp_path / "poem.txt"
    poem.write_text("a poem, not a log\n" * 50)
    for option, says in (("--log", "not a TensorRT build log"), ("--layers", "no TensorRT layer")):
        assert run(["explain", option, str(poem)]) == 2
        assert says in capsys.readouterr().err
