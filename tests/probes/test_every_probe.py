"""Every probe on machines that answer nothing, refuse everything or talk garbage."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from trtdoctor.host import Answer, Backend, Host, Question, Target
from trtdoctor.model.facts import FACT_TYPES
from trtdoctor.model.report import FactRecord, FactStatus
from trtdoctor.probes import PROBES, Probe
from trtdoctor.reporting.collect import Collection
from trtdoctor.testing import FakeMachine

TARGET = Target(path="/opt/python/bin/python", chosen_by="--python")
GARBAGE: tuple[Answer, ...] = (
    {"ending": "returned", "value": None},
    {"ending": "returned", "value": []},
    {"ending": "returned", "value": "\x1b[31m\ufffd"},
    {"ending": "returned", "value": {"init": "no", "devices": 7, "packages": {}, "modules": []}},
    {"ending": "returned", "value": {"init": [0, None], "count": {"value": 1}, "devices": [{}]}},
    {"ending": "returned", "value": {"loader": "wrong ELF class: ELFCLASS32"}},
    {"ending": "raised", "detail": "ImportError: No module named 'pynvml'"},
    {"ending": "exit", "detail": "exit status 3", "output": "\x00rubbish\x1e"},
    {"ending": "signal", "detail": "SIGSEGV", "output": ""},
    {"ending": "deadline", "detail": "no answer within 20 s"},
    {"error": "missing", "detail": "/opt/python/bin/python: No such file or directory"},
    {"error": "denied", "detail": "/opt/python/bin/python: Permission denied"},
)


def look(backend: Backend, probe: Probe) -> FactRecord:
    host = Host(backend, target=TARGET)
    record = Collection(host, [probe], active=True).finish(budget=10).facts[probe.provides.FACT]
    if record.status is FactStatus.OK:
        msgspec.convert(record.value, probe.provides)
    else:
        assert record.reason and record.value is None
    return record


def test_the_probes_are_the_facts() -> None:
    """Those of engines and models come from the files that the user gives, not from the machine."""
    given = ("engine.", "onnx.")
    machine = tuple(kind for kind in FACT_TYPES if not kind.FACT.startswith(given))
    assert tuple(probe.provides for probe in PROBES) == machine


@pytest.fixture(params=PROBES, ids=lambda p: p.provides.FACT)
def probe(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_an_empty_machine(probe: Probe) -> None:
    record = look(FakeMachine(), probe)
    # Its children die, so nothing that only a child can know may be claimed absent.
    asks_children = probe.provides.FACT.split(".")[0] in ("python", "framework", "tensorrt")
    if asks_children or probe.provides.FACT in ("nvidia.nvml", "nvidia.gpus", "cuda.driver"):
        assert record.status is FactStatus.FAILED, record


def test_a_machine_where_everything_is_denied(probe: Probe) -> None:
    record = look(FakeMachine(denied=("",)), probe)
    assert record.status is not FactStatus.ABSENT or probe.provides.FACT == "system.wsl"


class Refusing:
    """Refuses every file; answers what no permission can refuse."""

    def answer(self, question: Question) -> Answer:
        if question.kind == "env":
            return {"value": "/usr/bin" if question.about["name"] == "PATH" else None}
        if question.kind == "system":
            return FakeMachine().answer(question)
        return {"error": "denied", "detail": "Permission denied"}


def test_a_machine_that_refuses_every_file(probe: Probe) -> None:
    record = look(Refusing(), probe)
    claims = ("system.wsl", "system.library_path", "system.image")
    assert record.status is not FactStatus.ABSENT or probe.provides.FACT in claims, record


@pytest.mark.parametrize("answer", GARBAGE, ids=lambda a: str(a)[:60])
def test_children_and_commands_that_talk_garbage(probe: Probe, answer: Answer) -> None:
    names = ("nvml", "cuda_driver", "inventory", "interpreter", "import_module", "make_builder")
    names += ("arithmetic", "tiny_engine")
    talk = {"exit_code": 0, "stdout": "\x1b]0;x\x07 => = \x00 Version: \x1e", "stderr": "\ufffd"}
    programs = ("nvidia-smi", "ldconfig", "nv-fabricmanager", "dpkg-query")
    machine = FakeMachine(
        env={"PATH": "/usr/bin", "LD_LIBRARY_PATH": "/opt/lib:::relative"},
        files={
            **{f"/usr/bin/{name}": "" for name in programs},
            **{f"/opt/lib/libnvinfer{x}.so.10": "" for x in ("", "_lean")},
            "/etc/ld.so.cache": "",
            "/dev/nvidia0": "",
            "/proc/driver/nvidia/version": "\x00\x00garbage",
            "/proc/meminfo": "garbage",
            "/etc/nv_tegra_release": "garbage",
            "/sys/bus/pci/devices/0000:01:00.0/vendor": "garbage",
            "/usr/local/cuda-1/version.json": "[]",
            "/usr/local/cuda/lib64/libcudart.so.": "",
        },
        libraries={"/opt/lib/libnvinfer.so.10": {"error": "unusable", "detail": "no ELF"}},
        commands=dict.fromkeys(programs, talk),
        children=dict.fromkeys(names, answer),
    )
    record = look(machine, probe)
    asks_children = probe.provides.FACT.split(".")[0] in ("python", "framework")
    told_nothing = probe.provides.FACT in (
        "nvidia.nvml",
        "nvidia.gpus",
        "cuda.driver",
        "cuda.arithmetic",
    )
    if asks_children or told_nothing:
        assert record.status is not FactStatus.ABSENT, record
    if answer.get("ending") == "deadline" and (asks_children or told_nothing):
        assert record.status is FactStatus.TIMEOUT
