"""Engines run in a child: what is asked of it, and what is made of its answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from buildworld import TRT86
from planwriter import plan

from trtdoctor.builder.measure import ToRun, describe, run_engines
from trtdoctor.builder.tensors import from_bytes, to_bytes
from trtdoctor.host import ChildAnswer, Host, Missing
from trtdoctor.model.errors import InputError
from trtdoctor.model.watch import UNHURRIED
from trtdoctor.run.building import Bench
from trtdoctor.run.running import outputs_of, plan_of

Answer = Callable[[dict[str, Any]], ChildAnswer]


class Machine:
    """A machine whose children answer as they are told; it keeps what they were asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.asked = answer, list[dict[str, Any]]()

    def child(self, script: str, payload: dict[str, Any], **more: Any) -> ChildAnswer:
        assert script == "measure_engine"
        self.asked.append({**payload, **more})
        return self.answer(payload)

    @property
    def host(self) -> Host:
        return cast(Host, self)


def returned(value: Any) -> ChildAnswer:
    return ChildAnswer(ending="returned", value=value)


def told(payload: dict[str, Any]) -> ChildAnswer:
    """Two milliseconds for the first engine, three for the second and so on."""
    folder = Path(payload["folder"])
    engines = []
    for number, _ in enumerate(payload["engines"]):
        if payload["profile"]:
            (folder / f"layers-{number}.json").write_text("{}")
            (folder / f"profile-{number}.json").write_text(json.dumps({"a": [0.5], "b": [0.25]}))
        engines.append({"samples": {"wall": [2.0 + number] * 9}, "shapes": {"x": [1, 8]}})
    return returned({"engines": engines, "gpu": "NVIDIA H100"})


def ran(machine: Machine, folder: Path, *engines: ToRun, **more: Any) -> Any:
    return run_engines(
        machine.host, module="tensorrt", python="/py", engines=engines, folder=folder, **more
    )


def test_engines_are_timed_in_turn(tmp_path: Path) -> None:
    machine = Machine(told)
    first = ToRun(path=Path("a.engine"), offset=16, length=100, shapes={"x": (2, 8)})
    found = ran(machine, tmp_path, first, ToRun(path=Path("/b.engine")), seconds=3.0)
    assert [run.measured.wall_ms.median for run in found] == [2.0, 3.0]
    assert found[0].measured.kernels_ms == 0.75 and found[0].measured.launch_bound
    assert found[0].layers == tmp_path / "layers-0.json"
    assert found[1].profile == tmp_path / "profile-1.json"
    (asked,) = machine.asked
    assert asked["engines"][0] == {
        "path": str(Path("a.engine").absolute()),
        "offset": 16,
        "length": 100,
        "shapes": {"x": [2, 8]},
    }
    assert asked["time"] and asked["profile"] and asked["inspect"] and asked["seconds"] == 3.0
    assert asked["python"] == "/py" and asked["deadline"] > 6.0


def test_without_a_profile_there_are_no_layers(tmp_path: Path) -> None:
    (found,) = ran(Machine(told), tmp_path, ToRun(path=Path("a")), profile=False)
    assert found.layers is None and found.profile is None
    assert found.measured.kernels_ms is None and found.measured.launch_bound is None
    (found,) = ran(Machine(told), tmp_path, ToRun(path=Path("a")), time=False)
    assert found.measured is None


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (ChildAnswer(ending="signal", detail="SIGSEGV"), "ended with SIGSEGV"),
        (ChildAnswer(ending="deadline", detail="no answer in 250 s"), "no answer in 250 s"),
        (returned({"failed": "there is no GPU", "engines": []}), "there is no GPU"),
        (
            returned({"failed": "it does not load", "engines": [], "log": ["[ERROR] 6: bad", "x"]}),
            "it does not load; [ERROR] 6: bad",
        ),
        (returned({"engines": []}), "it told nothing"),
    ],
)
def test_why_nothing_could_be_run(tmp_path: Path, answer: ChildAnswer, said: str) -> None:
    found = ran(Machine(lambda payload: answer), tmp_path, ToRun(path=Path("a")))
    assert isinstance(found, str) and said in found


def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    def gone(payload: dict[str, Any]) -> ChildAnswer:
        raise Missing("no such file")

    machine = Machine(gone)
    assert "/py cannot be started: no such file" in ran(machine, tmp_path, ToRun(path=Path("a")))
    found = describe(machine.host, module="t", python="/py", engine=ToRun(path=Path("a")))
    assert found == "/py cannot be started: no such file"


def test_network_tensors_are_described() -> None:
    tensors = [{"name": "x", "input": True, "dtype": "HALF", "format": "HWC8"}]
    engine = ToRun(path=Path("a"))
    machine = Machine(lambda payload: returned({"engines": [{"tensors": tensors}]}))
    assert describe(machine.host, module="t", python="p", engine=engine) == tensors
    assert machine.asked[0]["describe"] is True
    machine = Machine(lambda payload: returned({"failed": "no GPU", "engines": []}))
    assert describe(machine.host, module="t", python="p", engine=engine) == "no GPU"
    machine = Machine(lambda payload: ChildAnswer(ending="signal", detail="SIGABRT"))
    found = describe(machine.host, module="t", python="p", engine=engine)
    assert found == "loading it ended with SIGABRT"


# Samples and outputs --------------------------------------------------------------------------------


def doubling(payload: dict[str, Any]) -> ChildAnswer:
    """An engine in FP16 and HWC8 that doubles what it is given."""
    if payload.get("describe"):
        form = {"dtype": "HALF", "format": "HWC8"}
        tensors = [{"name": "x", "input": True, **form}, {"name": "y", "input": False, **form}]
        return returned({"engines": [{"tensors": tensors}]})
    outputs = []
    for number, ((tensor,), folder) in enumerate(
        (sample, Path(payload["folder"])) for sample in payload["samples"]
    ):
        shape = tuple(tensor["shape"])
        array = from_bytes(Path(tensor["file"]).read_bytes(), "HALF", shape, "HWC8")
        file = folder / f"out-{number}.bin"
        file.write_bytes(to_bytes(array * 2, "HALF", "HWC8"))
        form = {"dtype": "HALF", "format": "HWC8", "shape": list(shape)}
        outputs.append([{"name": "y", "file": str(file), **form}])
    return returned({"engines": [{"outputs": outputs}]})


def bench(answer: Answer) -> Bench:
    machine = Machine(answer)
    made = SimpleNamespace(host=machine, watch=UNHURRIED, world=lambda runtime: TRT86)
    return cast(Bench, made)


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    path = tmp_path / "m.engine"
    path.write_bytes(plan())
    return path


def test_outputs_come_back_as_arrays(engine: Path) -> None:
    samples = [{"x": np.arange(n * 3 * 4).reshape(n, 3, 2, 2) / 8.0} for n in (1, 2)]
    found = outputs_of(bench(doubling), engine, samples)
    assert len(found) == 2
    for sample, output in zip(samples, found, strict=True):
        assert np.array_equal(output["y"], sample["x"] * 2) and output["y"].dtype == np.float16


def test_samples_that_do_not_fit(engine: Path) -> None:
    with pytest.raises(InputError, match="the inputs have nothing for x, which"):
        outputs_of(bench(doubling), engine, [{"z": np.zeros((1, 3, 2, 2))}])


def test_engines_that_cannot_be_run(engine: Path, tmp_path: Path) -> None:
    sample = [{"x": np.zeros((1, 3, 2, 2))}]
    failing = bench(lambda payload: returned({"failed": "no GPU", "engines": []}))
    with pytest.raises(InputError, match="cannot be run here: no GPU"):
        outputs_of(failing, engine, sample)

    def half(payload: dict[str, Any]) -> ChildAnswer:
        return (
            doubling(payload)
            if payload.get("describe")
            else ChildAnswer(ending="signal", detail="SIGSEGV")
        )

    with pytest.raises(InputError, match="ended with SIGSEGV"):
        outputs_of(bench(half), engine, sample)
    text = tmp_path / "notes.txt"
    text.write_text("not an engine")
    with pytest.raises(InputError, match=r"notes\.txt"):
        plan_of(text)


def test_a_plan_is_found_in_its_file(engine: Path) -> None:
    found = plan_of(engine)
    assert (found.path, found.offset) == (engine, 0)
