"""The card names each GPU as the checks do, and joins what CUDA and NVML tell of it."""

from __future__ import annotations

from typing import Any

import pytest

from trtdoctor.knowledge import Knowledge
from trtdoctor.reporting.machine_card import machine_card
from trtdoctor.testing import snapshot_of

ABSENT = {"status": "absent", "reason": "none"}
SILENT = {"status": "timeout", "reason": "no answer"}
L4 = {
    "index": 1,
    "name": "NVIDIA L4",
    "pci_bus_id": "00000000:65:00.0",
    "compute_capability": "8.9",
    "memory_total_bytes": 24 << 30,
}
T4 = {"index": 0, "name": "Tesla T4", "pci_bus_id": "00000000:01:00.0"}
BARE = {"ordinal": 0, "pci_bus_id": "0000:65:00.0"}


def cuda(*devices: dict[str, Any]) -> dict[str, Any]:
    return {"via": "ctypes", "init_code": 0, "devices": list(devices)}


@pytest.mark.parametrize(
    ("gpus", "driver", "expected"),
    [
        ([T4, L4], cuda(BARE), [("cuda:0", "NVIDIA L4", "8.9", 24 << 30)]),
        (
            [T4, {**L4, "mig_mode": "enabled"}],
            cuda({**BARE, "name": "NVIDIA L4 MIG"}),
            [("cuda:0", "NVIDIA L4 MIG", "8.9", None)],
        ),
        (
            [T4, L4],
            SILENT,
            [("gpu:0", "Tesla T4", None, None), ("gpu:1", "NVIDIA L4", "8.9", 24 << 30)],
        ),
    ],
)
def test_a_gpu_has_one_name_and_what_either_source_tells(
    gpus: list[dict[str, Any]], driver: dict[str, Any], expected: list[tuple[Any, ...]]
) -> None:
    facts = {"nvidia.gpus": {"devices": gpus}, "cuda.driver": driver}
    card = machine_card(snapshot_of(facts), Knowledge.load())
    assert card.gpus is not None
    seen = [(g.subject, g.name, g.compute_capability, g.memory_bytes) for g in card.gpus]
    assert seen == expected


@pytest.mark.parametrize(
    ("gpus", "driver", "expected"),
    [(ABSENT, ABSENT, ()), (SILENT, SILENT, None), (SILENT, ABSENT, None), (ABSENT, SILENT, None)],
)
def test_no_gpu_is_claimed_only_where_both_say_so(
    gpus: dict[str, Any], driver: dict[str, Any], expected: tuple[()] | None
) -> None:
    facts = {"nvidia.gpus": gpus, "cuda.driver": driver}
    assert machine_card(snapshot_of(facts), Knowledge.load()).gpus == expected


@pytest.mark.parametrize(
    ("flags", "version", "typing"),
    [
        # TF32 is a precision flag that strongly typed releases have, too.
        (
            {"precision_flags": ["TF32"], "network_flags": ["STRONGLY_TYPED"]},
            "11.4.0.106",
            "strong",
        ),
        ({"precision_flags": ["FP16"], "network_flags": ["STRONGLY_TYPED"]}, "10.9.0.34", "both"),
        ({"precision_flags": ["FP16"], "network_flags": []}, "8.6.1", "weak"),
        # Flags that could not be read leave it to the table, which ends.
        ({}, "8.6.1", "weak"),
        ({}, "12.0.0.1", "unknown"),
    ],
)
def test_a_card_tells_who_decides_precision(
    flags: dict[str, Any], version: str, typing: str
) -> None:
    module = {"module": "tensorrt", "attempt": {"ending": "returned"}, "version": version, **flags}
    facts = {"tensorrt.imports": {"modules": [{**module, "has_builder": True}]}}
    card = machine_card(snapshot_of(facts), Knowledge.load())
    assert card.tensorrts is not None
    assert [found.typing.value for found in card.tensorrts] == [typing]
    assert card.typing.value == (typing if flags else "unknown")
