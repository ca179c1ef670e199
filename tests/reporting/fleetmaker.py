"""Reports of machines of a fleet, made from the recorded hosts under other names."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from trtdoctor.checking.discover import discover
from trtdoctor.host import Host
from trtdoctor.host.recorded import load_recording
from trtdoctor.knowledge import Knowledge
from trtdoctor.probes import PROBES
from trtdoctor.reporting.collect import Collection
from trtdoctor.reporting.examine import Selection, examine

HOSTS = Path(__file__).resolve().parents[1] / "hosts"
TAKEN = "2026-11-01T08:00:00Z"
HEALTHY = "healthy-h100-trt86"


@cache
def _judged(recording: str) -> str:
    backend, header = load_recording(HOSTS / recording)
    collection = Collection(Host(backend, target=header.target), PROBES, active=header.active)
    snapshot = collection.finish(budget=60, taken=TAKEN)
    report = examine(
        snapshot,
        discover(),
        Knowledge.load(),
        command="check",
        share=False,
        selection=Selection(),
    )
    plain = msgspec.to_builtins(report)
    plain["created"] = TAKEN
    plain["tool"] |= {"version": "0.1.0", "knowledge": "2026-11-01"}
    return json.dumps(plain)


def machine(
    name: str | None,
    recording: str = HEALTHY,
    *,
    taken: str = TAKEN,
    gpus: str | None = "",
    version: str = "0.1.0",
    driver: str | None = None,
) -> dict[str, Any]:
    """One machine's report as plain data.

    ``gpus`` begins the UUIDs, the machine's name where it is empty, and None is GPUs without any;
    ``driver`` stands in place of the recorded one in the card.
    """
    plain: dict[str, Any] = json.loads(_judged(recording))
    plain["snapshot"]["taken"] = taken
    plain["tool"]["version"] = version
    facts = plain["snapshot"]["facts"]
    facts["system.os"]["value"]["host"] = name
    for gpu in (facts["nvidia.gpus"].get("value") or {"devices": []})["devices"]:
        gpu["uuid"] = None if gpus is None else f"GPU-{gpus or name}-{gpu['index']}"
    facts["python.target"]["value"]["chosen_by"] = "the first python3 on PATH"
    if driver is not None:
        plain["machine"]["driver"] = driver
    return plain


def write(folder: Path, *reports: dict[str, Any], names: tuple[str, ...] = ()) -> list[Path]:
    """Write reports into a folder, each under its machine's name or one that is given."""
    files = []
    for number, report in enumerate(reports):
        host = report["snapshot"]["facts"]["system.os"]["value"]["host"]
        file = folder / f"{names[number] if names else host}.json"
        file.write_text(json.dumps(report), "utf-8")
        files.append(file)
    return files


def made_up_fleet() -> list[dict[str, Any]]:
    """Twelve machines alike, and what goes wrong among them."""
    fleet = [machine(f"node{number:02}") for number in range(1, 13)]
    fleet.append(machine("node13", driver="535.54.03"))
    fleet.append(machine("node14", "h100-no-tensorrt"))
    fleet += [machine(f"node{number}", "h100-no-device-visible") for number in (15, 16)]
    fleet.append(machine("node17", "imagined-smi-hangs"))
    fleet.append(machine("bench", "imagined-unknown-gpu"))
    fleet.append(machine("desk", "imagined-gtx-1080"))
    return fleet
