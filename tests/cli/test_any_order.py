"""Files without an option are taken for what they are, in any order, and folders for what is in them."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import shutil
from pathlib import Path
from typing import Any

import planwriter
import pytest

from trtdoctor.cli.app import run
from trtdoctor.engines.misplaced import Place
from trtdoctor.engines.sorting import sort_explained
from trtdoctor.model.errors import InputError
from trtdoctor.model.watch import Watch

DATA = Path(__file__).parents[1] / "data"
AUTOCAST = "[modelopt][onnx] - INFO - Skipping node /fc/Gemm: DisabledOpTypes\n"


@pytest.fixture
def kit(tmp_path: Path) -> dict[str, Path]:
    """All that there can be of one engine, under names that say nothing."""
    helper = pytest.importorskip("onnx").helper
    shape = [helper.make_tensor_value_info(name, 1, [4]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", shape[:1], shape[1:])
    folder = tmp_path / "kit"
    folder.mkdir()
    files = {
        name: folder / f"{number}.bin"
        for number, name in enumerate(
            ("engine", "log", "onnx", "layers", "profile", "times", "autocast")
        )
    }
    files["engine"].write_bytes(planwriter.plan(planwriter.releases()["10.3"]))
    shutil.copy(DATA / "buildlog" / "trt86-cnn.fp16.log.gz", files["log"])
    files["onnx"].write_bytes(helper.make_model(graph).SerializeToString())
    shutil.copy(DATA / "layers" / "trt86.cnn.fp16.layers.json", files["layers"])
    shutil.copy(DATA / "layers" / "trt86.cnn.fp16.profile.json", files["profile"])
    files["times"].write_text(json.dumps([{"computeMs": 0.5 + n / 1000} for n in range(9)]))
    files["autocast"].write_text(AUTOCAST)
    return files


def test_each_file_is_taken_for_what_it_is_in_any_order(kit: dict[str, Path]) -> None:
    for order in itertools.islice(itertools.permutations(kit.values()), 0, 5040, 720):
        found = sort_explained(order, {})
        assert found.engine == kit["engine"] and found.logs == (kit["log"],)
        assert found.onnx == kit["onnx"] and found.layers == kit["layers"]
        assert found.profile == kit["profile"] and found.times == kit["times"]
        assert found.autocast == kit["autocast"] and set(found.files) == set(kit.values())
        assert found.chosen == ()


def test_order_changes_nothing_of_the_answer(kit: dict[str, Path], capsys: Any) -> None:
    files = [str(kit[name]) for name in ("layers", "log", "profile")]
    told = []
    for order in (files, files[::-1]):
        assert run(["explain", *order]) == 0
        told.append(capsys.readouterr())
    given = [str(kit["layers"]), "--log", str(kit["log"]), "--profile", str(kit["profile"])]
    assert run(["explain", *given]) == 0
    told.append(capsys.readouterr())
    assert told[0] == told[1] == told[2] and told[0].err == ""


def test_of_several_logs_the_first_counts_and_an_option_comes_before(
    kit: dict[str, Path], tmp_path: Path
) -> None:
    other = tmp_path / "other.log"
    other.write_bytes(gzip.decompress(kit["log"].read_bytes()))
    assert sort_explained([other, kit["log"]], {}).logs == (other, kit["log"])
    assert sort_explained([other], {Place.LOG: (kit["log"],)}).logs == (kit["log"], other)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("engine", "are 2 engines: `trtdoctor compare` takes two"),
        ("onnx", "are 2 ONNX models: give the one that is meant"),
        ("layers", "are 2 lists of layers"),
        ("profile", "are 2 profiles"),
        ("times", "are 2 times"),
        ("autocast", "are 2 logs of AutoCast"),
    ],
)
def test_two_of_a_kind_are_one_sentence(
    kind: str, says: str, kit: dict[str, Path], tmp_path: Path, capsys: Any
) -> None:
    again = tmp_path / "again.bin"
    shutil.copy(kit[kind], again)
    assert run(["explain", str(kit[kind]), str(kit["log"]), str(again)]) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert says in said.err and str(kit[kind]) in said.err and str(again) in said.err


def test_an_option_and_a_file_of_its_kind_are_two(
    kit: dict[str, Path], tmp_path: Path, capsys: Any
):
    other = tmp_path / "other.onnx"
    shutil.copy(kit["onnx"], other)
    assert run(["explain", str(other), "--onnx", str(kit["onnx"])]) == 2
    assert "are 2 ONNX models" in capsys.readouterr().err


def test_what_is_nothing_of_these_is_told_what_it_is(
    kit: dict[str, Path], tmp_path: Path, capsys: Any
) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><p>sign in")
    for files in ([page], [kit["engine"], page], [page, kit["log"]]):
        assert run(["explain", *map(str, files)]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and str(page) in said
        assert "web page" in said and "explain reads an engine" in said
    assert run(["explain", str(kit["engine"]), str(tmp_path / "gone.log")]) == 2
    assert "No such file" in capsys.readouterr().err
    tuning = tmp_path / "tuning.json"
    lines = [{"tuner_version": "2", "tuning_expr": "-a=[1|2]"}]
    lines += [{"build_route": f"-a={n}", "crash": False, "gpu_time": n} for n in (1, 2)]
    tuning.write_text("\n".join(map(json.dumps, lines)))
    assert run(["explain", str(tuning)]) == 2
    said = capsys.readouterr().err
    assert "from which nothing is explained" in said and "`trtdoctor inspect`" in said


def test_what_nobody_knows_is_taken_for_the_engine(
    kit: dict[str, Path], tmp_path: Path, capsys: Any
) -> None:
    short = tmp_path / "short.engine"
    short.write_bytes(bytes(range(1, 200)))
    assert run(["explain", str(short)]) == 2
    alone = capsys.readouterr().err
    assert run(["explain", str(kit["onnx"]), str(short)]) == 2
    assert capsys.readouterr().err == alone and str(short) in alone


@pytest.mark.parametrize("kind", ["profile", "times", "autocast"])
def test_times_alone_explain_nothing(kind: str, kit: dict[str, Path], capsys: Any) -> None:
    assert run(["explain", str(kit[kind])]) == 2
    said = capsys.readouterr().err
    assert "explains nothing alone" in said and said.count("\n") == 1


def test_a_log_of_any_size_is_known_by_its_beginning(kit: dict[str, Path], tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    large.write_bytes(gzip.decompress(kit["log"].read_bytes()))
    os.truncate(large, 1 << 30)
    assert sort_explained([large], {}).logs == (large,)


def test_a_folder_stands_for_what_is_in_it(kit: dict[str, Path], capsys: Any) -> None:
    folder = kit["engine"].parent
    kit["engine"].unlink()
    (folder / "notes.txt").write_text("a poem")
    (folder / "below").mkdir()
    assert run(["explain", str(folder)]) == 0
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    for name in ("log", "onnx", "layers", "profile", "times", "autocast"):
        assert str(kit[name]) in said.err
    assert "notes.txt" not in said.err
    assert "FP16" in said.out


def test_what_is_given_by_name_is_not_looked_for_in_the_folder(
    kit: dict[str, Path], tmp_path: Path
) -> None:
    log, folder = tmp_path / "mine.log", kit["log"].parent
    shutil.copy(kit["log"], log)
    shutil.copy(kit["log"], folder / "second.log")
    found = sort_explained([folder, log], {})
    assert found.logs == (log,) and found.engine == kit["engine"]
    assert kit["log"] not in found.chosen
    found = sort_explained([folder], {Place.LOG: (log,)})
    assert found.logs == (log,)


def test_a_folder_with_several_of_a_kind_names_them(kit: dict[str, Path], capsys: Any) -> None:
    folder = kit["log"].parent
    shutil.copy(kit["log"], folder / "second.log")
    assert run(["explain", str(folder)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "holds 2 build logs (1.bin and second.log): give those that are meant" in said


def test_the_log_that_bears_the_engines_name_is_its_own(kit: dict[str, Path]) -> None:
    folder = kit["log"].parent
    own = folder / f"{kit['engine'].name}.build.log.gz"
    shutil.copy(kit["log"], own)
    assert sort_explained([folder], {}).logs == (own,)


def test_an_empty_folder_and_one_without_time_are_sentences(tmp_path: Path, capsys: Any) -> None:
    assert run(["explain", str(tmp_path)]) == 2
    assert "nothing in it that can be explained" in capsys.readouterr().err
    (tmp_path / "a").touch()
    with pytest.raises(InputError, match="no time"):
        sort_explained([tmp_path], {}, watch=Watch(left=lambda: -1.0))


def test_inspect_takes_layers_and_times_among_its_files(kit: dict[str, Path], capsys: Any) -> None:
    assert run(["inspect", str(kit["profile"]), str(kit["layers"]), "--no-live"]) == 0
    assert "%" in capsys.readouterr().out
    every = [str(kit[name]) for name in ("times", "engine", "profile", "layers")]
    assert run(["inspect", *every, "--no-live"]) == 0
    assert capsys.readouterr().err == ""
    assert run(["inspect", str(kit["log"])]) == 0
    assert run(["inspect", str(kit["times"])]) == 2
    assert "says nothing alone" in capsys.readouterr().err
    twice = [str(kit["layers"]), "--layers", str(kit["layers"])]
    assert run(["inspect", str(kit["engine"]), *twice]) == 2
    assert "are 2 lists of layers" in capsys.readouterr().err
