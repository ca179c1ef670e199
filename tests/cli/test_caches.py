"""Folders in which ONNX Runtime keeps engines: each engine beside what its cache says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import planwriter
import pytest
from flatbuffers import flexbuffers
from onnx import TensorProto, helper

from trtdoctor.cli.app import run

OWN = "TensorrtExecutionProvider_TRTKernel_graph_main_graph_"
OLD = planwriter.Engine(version=(8, 6, 1, 6))
NEW = planwriter.Engine(version=(10, 0, 1, 6))
RANGES = {"x": [0, 1, 4, 2]}


def cached(
    folder: Path,
    hash: int,
    engine: planwriter.Engine = OLD,
    *,
    sm: str = "89",
    ranges: dict[str, list[int]] | None = RANGES,
) -> Path:
    path = folder / f"{OWN}{hash}_0_0_fp16_sm{sm}.engine"
    path.write_bytes(planwriter.plan(engine))
    if ranges is not None:
        builder = flexbuffers.Builder()
        with builder.Map():
            for name, numbers in ranges.items():
                builder.TypedVectorFromElements(name, numbers)
        path.with_suffix(".profile").write_bytes(bytes(builder.Finish()))
    return path


def context(folder: Path, name: str = "m_ctx.onnx", **attributes: Any) -> Path:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    node = helper.make_node("EPContext", ["x"], ["y"], domain="com.microsoft", **attributes)
    path = folder / name
    onnx.save(helper.make_model(helper.make_graph([node], "g", [x], [y]), ir_version=8), path)
    return path


def stale(
    capsys: pytest.CaptureFixture[str], *arguments: str | Path
) -> tuple[int, str, list[dict]]:
    """Exit code, what ENG014 comes to, and its findings."""
    code = run(["inspect", *map(str, arguments), "--no-live", "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    (outcome,) = (each for each in document["outcomes"] if each["check"]["id"] == "ENG014")
    return code, outcome["status"], outcome["findings"]


def test_a_sound_cache_is_shown_engine_by_engine(tmp_path: Path, capsys) -> None:
    cached(tmp_path, 2697494743358455023), cached(tmp_path, 2, NEW, sm="90")
    (tmp_path / "TensorrtExecutionProvider_cache_sm89.timing").write_bytes(b"ptrt")
    cached(tmp_path, 3, planwriter.Engine(capability=(9, 0)), sm="90").unlink()
    run(["inspect", str(tmp_path), "--no-live"])
    out = " ".join(capsys.readouterr().out.split())
    assert "graph main_graph, part 0, model hash 2697494743358455023, FP16 allowed" in out
    assert "x extent 0: 1 to 4, best 2" in out and "8.6.1.6" in out and "10.0.1.6" in out


def test_what_agrees_is_not_stale(tmp_path: Path, capsys) -> None:
    path = cached(tmp_path, 1)
    assert stale(capsys, tmp_path)[1:] == ("passed", [])
    assert stale(capsys, path)[1] == "passed"
    plain = tmp_path / "model.engine"
    plain.write_bytes(planwriter.plan(OLD))
    assert stale(capsys, plain)[1] == "not_applicable"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sm": "86"}, "compute capability: built for 8.6; now: the plan is for 8.9"),
        ({"sm": "80+"}, "hardware compatibility: built for 8.0 and newer"),
        ({"ranges": None}, "and ONNX Runtime loads it with that file alone"),
        (
            {"ranges": {"x": [0, 1, 8, 2]}},
            "x, extent 0: 1 to 8, best 2; now: the plan has 1 to 4, best 2",
        ),
        (
            {"ranges": {"x": [0, 1, 4, 2, 1, 1, 8, 2]}},
            "x, extent 1: 1 to 8, best 2; now: in the plan it is always 8",
        ),
        ({"ranges": {"x": [2, 1, 8, 2]}}, "x has an extent 2; now: in the plan it has 2"),
        ({"ranges": {"ids": [0, 1, 4, 2], **RANGES}}, "ranges of an input ids"),
        ({"ranges": {"y": [0, 1, 4, 2]}}, "ranges of an input y"),
        ({"ranges": {}}, "no ranges of x"),
    ],
)
def test_what_does_not_belong_to_the_engine_is_stale(
    change: dict, words: str, tmp_path: Path, capsys
) -> None:
    path = cached(tmp_path, 1, **change)
    code, status, (finding,) = stale(capsys, tmp_path)
    assert (code, status, finding["subject"]) == (0, "failed", str(path))
    assert words in finding["message"]
    assert f"rm {path}" in finding["remedy"]["commands"][0]["lines"][0].replace("'", "")


def test_old_profiles_without_the_best_shape_belong_too(tmp_path: Path, capsys) -> None:
    cached(tmp_path, 1, ranges={"x": [0, 1, 4]})
    assert stale(capsys, tmp_path)[1] == "passed"


def test_a_range_of_one_value_may_be_built_in(tmp_path: Path, capsys) -> None:
    cached(tmp_path, 1, ranges={"x": [0, 1, 4, 2, 1, 8, 8, 8]})
    assert stale(capsys, tmp_path)[1] == "passed"


def test_a_damaged_profile_is_told(tmp_path: Path, capsys) -> None:
    path = cached(tmp_path, 1).with_suffix(".profile")
    path.write_bytes(path.read_bytes()[:-1])
    assert "they cannot be read" in stale(capsys, tmp_path)[2][0]["message"]


def test_an_upgrade_leaves_the_engine_of_the_older_tensorrt(tmp_path: Path, capsys) -> None:
    old, new = cached(tmp_path, 11, OLD), cached(tmp_path, 22, NEW)
    _, _, (finding,) = stale(capsys, tmp_path)
    assert (finding["subject"], finding["confidence"]) == (str(old), "likely")
    assert f"{new.name} has 22 for the same part" in finding["message"]


@pytest.mark.parametrize(
    ("version", "sm"), [((8, 6, 1, 6), "89"), ((8, 6, 2, 7), "89"), ((10, 0, 1, 6), "90")]
)
def test_two_models_with_one_graph_name_or_two_gpus_are_not_stale(
    version: tuple, sm: str, tmp_path: Path, capsys
) -> None:
    cached(tmp_path, 11)
    other = planwriter.Engine(version=version, capability=(int(sm[0]), int(sm[1])))
    cached(tmp_path, 22, other, sm=sm)
    assert stale(capsys, tmp_path)[1] == "passed"


def test_context_models_are_held_against_their_engines(tmp_path: Path, capsys) -> None:
    path = cached(tmp_path, 1)
    told = {"embed_mode": 0, "ep_cache_context": path.name, "hardware_architecture": "89"}
    context(tmp_path, **told, ep_sdk_version="8.6.1", onnx_model_filename="m.onnx")
    assert stale(capsys, tmp_path)[1] == "passed"
    run(["inspect", str(tmp_path), "--no-live"])
    text = " ".join(capsys.readouterr().out.split())
    assert "m_ctx.onnx stands for it in ONNX Runtime, of the model m.onnx" in text
    context(tmp_path, **told, ep_sdk_version="10.0.1")
    message = stale(capsys, tmp_path)[2][0]["message"]
    assert "version: built by 10.0.1; now: the plan was built by 8.6.1.6" in message
    path.unlink()
    code, _, (finding,) = stale(capsys, tmp_path)
    assert "there is no such file" in finding["message"] and code == 0


def test_an_engine_that_only_its_context_model_names_is_found(tmp_path: Path, capsys) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "model.plan").write_bytes(planwriter.plan(OLD))
    told = {"ep_cache_context": "deep/model.plan", "hardware_architecture": "90"}
    context(tmp_path, embed_mode=0, **told)
    _, _, (finding,) = stale(capsys, tmp_path)
    assert finding["subject"] == str(tmp_path / "deep" / "model.plan")
    assert "built for 9.0; now: the plan is for 8.9" in finding["message"]


def test_an_engine_inside_a_context_model_is_an_engine(tmp_path: Path, capsys) -> None:
    engine = planwriter.plan(OLD)
    context(tmp_path, embed_mode=1, ep_cache_context=engine, hardware_architecture="86")
    _, _, (finding,) = stale(capsys, tmp_path)
    assert "built for 8.6; now: the plan is for 8.9" in finding["message"]


def test_an_engine_of_a_context_model_needs_no_shape_ranges(tmp_path: Path, capsys) -> None:
    path = cached(tmp_path, 1, ranges=None)
    assert stale(capsys, tmp_path)[1] == "failed"
    context(tmp_path, embed_mode=0, ep_cache_context=path.name, hardware_architecture="89")
    assert stale(capsys, tmp_path)[1] == "passed"


def test_the_provider_of_tensorrt_rtx_marks_every_engine_as_for_newer_ones(
    tmp_path: Path, capsys
) -> None:
    engine = planwriter.plan(planwriter.releases()["rtx-1.7"])
    context(tmp_path, embed_mode=1, ep_cache_context=engine, hardware_architecture="80+")
    assert stale(capsys, tmp_path)[1] == "passed"


def test_a_path_that_leads_out_of_the_folder_is_not_followed(tmp_path: Path, capsys) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    cached(folder, 1)
    for number, engine in enumerate(("../x.engine", "/etc/passwd", "..\\x.engine", "", "\0")):
        context(folder, f"{number}_ctx.onnx", embed_mode=0, ep_cache_context=engine)
    assert stale(capsys, folder)[1] == "passed"


def test_a_name_that_no_file_can_have_is_of_a_file_that_is_not_there(
    tmp_path: Path, capsys
) -> None:
    cached(tmp_path, 1)
    context(tmp_path, embed_mode=0, ep_cache_context="x" * 3000)
    _, _, (finding,) = stale(capsys, tmp_path)
    assert "there is no such file" in finding["message"]
    assert run(["inspect", "x" * 3000]) == 2
    assert "cannot read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), "is a folder without an engine; give an engine file"),
        (("a.profile", "x_cache_sm86.timing"), "trt_engine_cache_enable"),
        (("a.engine.encrypted",), "its engines are encrypted"),
        (("model.onnx", "b.txt"), "is a folder without an engine"),
    ],
)
@pytest.mark.parametrize("command", ["inspect", "check"])
def test_a_folder_without_engines_is_told_in_one_sentence(
    command: str, names: tuple[str, ...], words: str, tmp_path: Path, capsys
) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    assert run([command, str(tmp_path), "--no-live"]) == 2
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1


def test_layers_belong_to_one_engine_and_no_folder(tmp_path: Path, capsys) -> None:
    cached(tmp_path, 1), cached(tmp_path, 2)
    layers = tmp_path / "layers.json"
    layers.write_text('{"Layers": ["conv"], "Bindings": []}')
    assert run(["inspect", str(tmp_path), "--layers", str(layers)]) == 2
    assert "belong to one engine" in capsys.readouterr().err
    assert run(["explain", str(tmp_path)]) == 2
    assert "holds 2 engines" in capsys.readouterr().err


HOSTS = Path(__file__).parents[1] / "hosts"


def test_an_engine_that_does_not_fit_is_passed_over_for_one_that_does(
    tmp_path: Path, capsys
) -> None:
    """As ONNX Runtime does, which finds its engine by name."""
    here = planwriter.Engine(version=(8, 6, 0, 12), capability=(9, 0))
    cached(tmp_path, 11, planwriter.Engine(version=(8, 5, 3, 1)))
    arguments = ["check", str(tmp_path), "--no-live", "--host", str(HOSTS / "healthy-h100-trt86")]

    def found() -> dict[str, str]:
        run([*arguments, "--format", "json"])
        outcomes = json.loads(capsys.readouterr().out)["outcomes"]
        return {each["check"]["id"]: each["status"] for each in outcomes}

    assert (found()["ENG001"], found()["ENG002"]) == ("failed", "failed")
    cached(tmp_path, 22, here, sm="90")
    assert (found()["ENG001"], found()["ENG002"]) == ("passed", "passed")


@pytest.mark.parametrize(
    ("ranges", "status"),
    [
        ([0, 1, 4, 2, 1, 8, 8, 8], "passed"),
        ([0, 1, 4, 2], "passed"),
        ([0, 1, 4, 2, 1, 8, 16, 8], "failed"),
        ([0, 1, 5, 2, 1, 8, 8, 8], "failed"),
    ],
)
def test_a_real_engine_has_ranges_of_one_value_built_in(
    ranges: list[int], status: str, tmp_path: Path, capsys
) -> None:
    """TensorRT-RTX reports a fixed extent where min, opt and max are the same."""
    trt = pytest.importorskip("tensorrt_rtx")
    builder = trt.Builder(trt.Logger(trt.Logger.ERROR))
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    made = network.add_activation(
        network.add_input("x", trt.float32, (-1, -1)), trt.ActivationType.RELU
    )
    network.mark_output(made.get_output(0))
    config = builder.create_builder_config()
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.SM89, 0)
    profile = builder.create_optimization_profile()
    profile.set_shape("x", (1, 8), (2, 8), (4, 8))
    config.add_optimization_profile(profile)
    path = cached(tmp_path, 1, ranges={"x": ranges})
    path.write_bytes(builder.build_serialized_network(network, config))
    assert stale(capsys, tmp_path)[1] == status
