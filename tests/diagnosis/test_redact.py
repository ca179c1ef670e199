"""Private data become pseudonyms wherever they stand; relations and meaning survive."""

from __future__ import annotations

import msgspec

from trtdoctor.diagnosis.redact import Redactor
from trtdoctor.model.report import Problem, Snapshot
from trtdoctor.testing import snapshot_of

UUID = "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"


def facts(**changes: object) -> Snapshot:
    os = {
        "system": "Linux",
        "kernel": "6.1 built by alice@buildbox",
        "machine": "x86_64",
        "host": "gpu-box-17.corp.example",
        "user": "alice",
        "home": "/home/alice",
    }
    return snapshot_of(
        {
            "system.os": {**os, **changes},
            "nvidia.gpus": {
                "devices": [{"index": 0, "name": "NVIDIA H100", "uuid": UUID, "serial": "165022"}]
            },
            "system.environment": {
                "variables": {
                    "CUDA_VISIBLE_DEVICES": UUID[:12],
                    "LD_LIBRARY_PATH": "/home/alice/lib:/home/bob/lib:/usr/local/nvidia/lib",
                    "MY_API_KEY": "hunter2hunter2",
                },
                "asked": [],
            },
            "python.target": {
                "status": "failed",
                "reason": "https://al:pw@index gpu-box-17 165022",
            },
        }
    )


def everything(snapshot: Snapshot) -> str:
    return msgspec.json.encode(snapshot).decode()


def test_nothing_private_is_left() -> None:
    text = everything(Redactor(facts()).snapshot(facts()))
    for secret in (
        "alice",
        "bob",
        "gpu-box",
        "corp.example",
        UUID[:12],
        "165022",
        "hunter2",
        "al:pw",
    ):
        assert secret not in text


def test_relations_survive() -> None:
    shared = Redactor(facts()).snapshot(facts())
    gpu = shared.facts["nvidia.gpus"].value["devices"][0]
    variables = shared.facts["system.environment"].value["variables"]
    assert variables["CUDA_VISIBLE_DEVICES"] == gpu["uuid"] == "<uuid-1>"
    assert variables["LD_LIBRARY_PATH"].endswith(":/usr/local/nvidia/lib")
    first, second, _ = variables["LD_LIBRARY_PATH"].split(":")
    assert first == "/home/<user-1>/lib"
    assert second == "/home/<user-2>/lib"
    assert "built by <user-1>@buildbox" in shared.facts["system.os"].value["kernel"]


def test_it_says_that_and_how_often() -> None:
    shared = Redactor(facts()).snapshot(facts())
    assert shared.redaction.applied
    assert shared.redaction.count >= 10


def test_the_same_machine_gives_the_same_pseudonyms() -> None:
    assert everything(Redactor(facts()).snapshot(facts())) == everything(
        Redactor(facts()).snapshot(facts())
    )


def test_a_common_name_is_replaced_in_its_field_alone() -> None:
    given = facts(host="nvidia", user="root", home="/root")
    shared = Redactor(given).snapshot(given)
    assert shared.facts["system.os"].value["host"] == "<host-1>"
    assert shared.facts["nvidia.gpus"].value["devices"][0]["name"] == "NVIDIA H100"
    assert "nvidia.gpus" in shared.facts
    assert "/usr/local/nvidia/lib" in everything(shared)


def test_the_original_is_untouched() -> None:
    given = facts()
    before = everything(given)
    Redactor(given).snapshot(given)
    assert everything(given) == before


def test_other_parts_of_a_report_are_redacted_too() -> None:
    problem = Problem(where="plugin", message="File /home/alice/x.py on gpu-box-17")
    assert Redactor(facts()).document(problem).message == "File /home/<user-1>/x.py on <host-2>"
