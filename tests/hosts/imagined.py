"""Machines made by hand from facts, recorded as ``check --host`` replays them.

``python tests/hosts/imagined.py [FOLDER]`` writes each machine's recording anew, into this folder
unless another is given.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import desktops
import systems
import troubles

from trtdoctor.host import Host
from trtdoctor.host.recorded import Recorder, RecordingHeader
from trtdoctor.probes import PROBES, choose
from trtdoctor.reporting.collect import Collection
from trtdoctor.testing import FakeMachine

NOTE = "Made by hand from facts by tests/hosts/imagined.py; not recorded on a machine."
TAKEN = "2026-11-22T12:00:00Z"


class Imagined(NamedTuple):
    make: Callable[[], FakeMachine]
    active: bool = False


MACHINES: dict[str, Imagined] = {
    "healthy-imagined-jetson-orin": Imagined(systems.jetson_orin, active=True),
    "imagined-jetson-orin-pip-tensorrt": Imagined(systems.jetson_orin_pip_tensorrt),
    "healthy-imagined-wsl": Imagined(systems.wsl),
    "imagined-wsl-shadowed": Imagined(systems.wsl_shadowed),
    "imagined-gtx-1080": Imagined(desktops.gtx_1080),
    "imagined-gtx-1650": Imagined(desktops.gtx_1650, active=True),
    "imagined-fp16-held-back": Imagined(desktops.fp16_held_back, active=True),
    "imagined-rtx-5090-old-tensorrt": Imagined(desktops.rtx_5090_old_tensorrt),
    "imagined-container-without-gpu": Imagined(systems.container_without_gpu),
    "healthy-imagined-rtx-4090-trt11": Imagined(desktops.rtx_4090_trt11),
    "healthy-imagined-rtx-and-trt": Imagined(desktops.rtx_and_trt),
    "healthy-imagined-ngc-container": Imagined(systems.ngc_container),
    "healthy-imagined-laptop-idle": Imagined(desktops.laptop_idle),
    "healthy-imagined-mig": Imagined(systems.mig),
    "healthy-imagined-vgpu": Imagined(systems.vgpu),
    "imagined-dgx-fabric-manager-down": Imagined(systems.dgx_fabric_manager_down),
    "imagined-driver-mismatch": Imagined(troubles.driver_mismatch),
    "imagined-nodes-denied": Imagined(troubles.nodes_denied),
    "imagined-smi-hangs": Imagined(troubles.smi_hangs),
    "imagined-import-segfault": Imagined(troubles.import_segfault),
    "imagined-half-installed": Imagined(troubles.half_installed),
    "imagined-several-installs": Imagined(troubles.several_installs),
    "imagined-driver-too-old": Imagined(desktops.driver_too_old),
    "imagined-volta-trt-10.9": Imagined(desktops.volta_trt_10_9),
    "imagined-unknown-gpu": Imagined(desktops.unknown_gpu),
    "imagined-no-driver-desktop": Imagined(troubles.no_driver_desktop),
    "imagined-no-nvidia-laptop": Imagined(troubles.no_nvidia_laptop),
}


def record(name: str, folder: Path) -> None:
    """Look at an imagined machine with today's probes and save what they were answered."""
    imagined = MACHINES[name]
    recorder = Recorder(imagined.make())
    host = Host(recorder)
    host.target = choose(host, None)
    Collection(host, PROBES, active=imagined.active).finish(budget=30, taken=TAKEN)
    header = RecordingHeader(taken=TAKEN, note=NOTE, active=imagined.active, target=host.target)
    recorder.save(folder / name, header)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for name in MACHINES:
        record(name, folder)


if __name__ == "__main__":
    main()
