"""The engine checks on real files, as the readers see them, against machines made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from trtdoctor.checking.discover import Catalogue
from trtdoctor.checking.judge import judge
from trtdoctor.engines.engine_facts import with_engines
from trtdoctor.engines.files import read_engines
from trtdoctor.knowledge import Knowledge
from trtdoctor.model.facts import Attempt, Ending, EngineLoad, EngineLoads
from trtdoctor.model.report import Finding, Outcome, Severity, Status
from trtdoctor.testing import snapshot_of

NOTHING = {"status": "absent", "reason": "none"}


@pytest.fixture
def corpus(shared: Path) -> Path:
    return shared / "corpus"


def machine(version: str, name: str, cc: str, **more: Any) -> dict[str, Any]:
    module = "tensorrt_rtx" if version.startswith("1.") else "tensorrt"
    device = {
        "ordinal": 0,
        "name": name,
        "compute_capability": cc,
        "pci_bus_id": "0000:65:00.0",
        **more,
    }
    imported = {"module": module, "attempt": {"ending": "returned"}, "version": version}
    return {
        "system.os": {"system": "Linux", "kernel": "6.8.0", "machine": "x86_64"},
        "nvidia.gpus": {
            "devices": [
                {
                    "index": 0,
                    "name": name,
                    "pci_bus_id": "00000000:65:00.0",
                    "compute_capability": cc,
                    "memory_total_bytes": 80 << 30,
                    "memory_free_bytes": 79 << 30,
                }
            ]
        },
        "cuda.driver": {"via": "ctypes", "init_code": 0, "devices": [device]},
        "tensorrt.imports": {"modules": [imported]},
        "tensorrt.installs": NOTHING,
    }


def judged(
    catalogue: Catalogue,
    files: list[Path],
    facts: dict[str, Any],
    loads: tuple[EngineLoad, ...] = (),
) -> tuple[Outcome, ...]:
    snapshot = snapshot_of(
        {**facts, EngineLoads.FACT: msgspec.to_builtins(EngineLoads(loads=loads))}
    )
    sources = read_engines(files, static=False)
    snapshot = with_engines(snapshot, sources, (), wanted=None, live=True)
    checks = [check for check in catalogue.checks if check.id[:3] in ("ENG", "PRC")]
    outcomes, problems = judge(snapshot, checks, Knowledge.load())
    assert not problems, problems
    assert not [o for o in outcomes if o.status is Status.CRASHED]
    return outcomes


def found(*given: Any) -> list[tuple[str, str, Finding]]:
    return [
        (outcome.check.id, Path(finding.subject or "").name, finding)
        for outcome in judged(*given)
        if outcome.check.severity is not Severity.INFO
        for finding in outcome.findings
    ]


def ids(findings: list[tuple[str, str, Finding]]) -> list[str]:
    return [f"{check} {name}" for check, name, _ in findings]


H100 = machine("8.6.0", "NVIDIA H100 80GB HBM3", "9.0", multiprocessors=132)


def test_engines_on_the_machine_that_built_them(catalogue: Catalogue, corpus: Path) -> None:
    plans = sorted(corpus.glob("h100-trt86/*/engine.plan"))
    assert len(plans) >= 15
    outcomes = judged(catalogue, plans, H100)
    assert {
        outcome.status for outcome in outcomes if outcome.check.severity is not Severity.INFO
    } == {
        Status.PASSED,
        Status.NOT_APPLICABLE,
    }


def test_each_engine_of_another_version_is_told_once(catalogue: Catalogue, corpus: Path) -> None:
    plans = sorted(corpus.glob("h100-trt85/*/engine.plan"))
    findings = found(catalogue, plans, H100)
    assert ids(findings) == ["ENG001 engine.plan"] * len(plans)
    assert {finding.confidence.value for *_, finding in findings} == {"certain"}


def test_another_gpu_but_for_the_hardware_compatible_engine(
    catalogue: Catalogue, corpus: Path
) -> None:
    ada = machine("8.6.0", "NVIDIA L4", "8.9", multiprocessors=58)
    given = [corpus / f"h100-trt86/tiny.{name}/engine.plan" for name in ("fp16", "hc")]
    findings = found(catalogue, given, ada)
    assert [(check, finding.subject) for check, _, finding in findings] == [
        ("ENG002", str(given[0]))
    ]
    assert "9.0" in findings[0][2].message and "8.9" in findings[0][2].message


def test_damage_of_one_file_and_version_of_another(
    catalogue: Catalogue, corpus: Path, tmp_path: Path
) -> None:
    whole = (corpus / "h100-trt86/tiny.fp16/engine.plan").read_bytes()
    made = {
        "cut.plan": whole[: len(whole) // 2],
        "tail.plan": whole + b"more",
        "text.plan": whole.replace(b"\n", b"\r\n"),
        "lfs.plan": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n",
        "empty.plan": b"",
        "yolo.engine": b"\x15\0\0\0" + b'{"task": "detect"}   ' + whole,
    }
    paths = [corpus / "h100-trt85/tiny.fp16/engine.plan"]
    for name, content in made.items():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(content)
    assert ids(found(catalogue, paths, H100)) == [
        "ENG001 engine.plan",
        "ENG005 cut.plan",
        "ENG005 tail.plan",
        "ENG005 text.plan",
        "ENG006 yolo.engine",
        "ENG007 lfs.plan",
        "ENG007 empty.plan",
    ]


def test_public_engines_each_have_their_reasons(catalogue: Catalogue, corpus: Path) -> None:
    plans = sorted(corpus.glob("public/plans/*.plan"))
    assert plans
    findings = found(catalogue, plans, machine("11.4.0.106", "NVIDIA H100", "9.0"))
    spoken = {finding.subject for *_, finding in findings}
    # TensorRT 11 loads nothing that is older than 10, and none was built on an H100.
    assert spoken == {str(plan) for plan in plans}


LOGS = {
    "h100-trt85/rejected/bad.garbage": "do not begin as a plan",
    "h100-trt85/rejected/bad.trunc": "shorter or longer than its own header says",
    "h100-trt86/rejected/bad.flip": "bytes inside the plan make no sense",
    "h100-trt86/rejected/bad.garbage": "do not begin as a plan",
    "h100-trt86/rejected/bad.onnx": "do not begin as a plan",
    "h100-trt86/rejected/bad.trunc": "shorter or longer than its own header says",
}


@pytest.mark.parametrize("name", LOGS)
def test_what_tensorrt_really_said_is_decoded(
    name: str, catalogue: Catalogue, corpus: Path
) -> None:
    log = (corpus / f"{name}.load.log").read_text("utf-8", "replace")
    plan = corpus / "h100-trt86/tiny.fp16/engine.plan"
    load = EngineLoad(
        path=str(plan.absolute()),
        module="tensorrt",
        version="8.6.0",
        attempt=Attempt(ending=Ending.RETURNED),
        loaded=False,
        log=tuple(line for line in log.splitlines() if line.startswith("[ERROR]")),
    )
    ((check, _, finding),) = found(catalogue, [plan], H100, (load,))
    assert check == "ENG011"
    assert LOGS[name] in finding.message
