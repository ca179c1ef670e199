"""Machines made by hand for the tests of the probes, and how to take their facts."""

from __future__ import annotations

from typing import Any

import msgspec

from trtdoctor.host import Answer, Backend, Host, Target
from trtdoctor.model.report import FactRecord, FactStatus
from trtdoctor.probes import PROBES
from trtdoctor.reporting.collect import Collection
from trtdoctor.testing import FakeMachine

SITE = "/opt/venv/lib/python3.10/site-packages"
UNSUPPORTED = {"error": [3, "Not Supported"]}


def facts(backend: Backend, *, active: bool = False) -> dict[str, FactRecord]:
    host = Host(backend, target=Target(path="/opt/venv/bin/python", chosen_by="VIRTUAL_ENV"))
    return Collection(host, PROBES, active=active).finish(budget=20).facts


def ok(record: FactRecord) -> Any:
    assert record.status is FactStatus.OK, record
    return msgspec.json.decode(msgspec.json.encode(record.value))


def value(said: Any) -> Answer:
    return {"value": said}


def returned(said: Any) -> Answer:
    return {"ending": "returned", "value": said}


def inventory(packages: dict[str, str], modules: tuple[str, ...] = ()) -> Answer:
    return returned(
        {
            "path": [SITE],
            "denied": [],
            "packages": [
                {"name": name, "version": version, "location": SITE}
                for name, version in packages.items()
            ],
            "modules": {name: {"origin": f"{SITE}/{name}/__init__.py"} for name in modules},
        }
    )


def nvml(device: Answer, *, driver: str = "580.159.04", cuda: int = 13000) -> Answer:
    return returned(
        {
            "init": [0, None],
            "library": f"/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.{driver}",
            "nvmlSystemGetDriverVersion": value(driver),
            "nvmlSystemGetNVMLVersion": value(f"13.{driver}"),
            "nvmlSystemGetCudaDriverVersion_v2": value(cuda),
            "count": value(1),
            "devices": [device],
        }
    )


H100 = {
    "name": value("NVIDIA H100 80GB HBM3"),
    "uuid": value("GPU-11111111-2222-3333-4444-555555555555"),
    "serial": value("1650000000000"),
    "pci": value({"busId": "00000000:0A:00.0", "domain": 0}),
    "compute_capability": value([9, 0]),
    "memory": value({"total": 85520809984, "free": 84000000000, "used": 1520809984}),
    "mig_mode": value([0, 0]),
    "ecc_mode": value([1, 1]),
    "ecc_uncorrected": value(0),
    "sm_clock_mhz": value(345),
    "sm_clock_max_mhz": value(1980),
    "memory_clock_mhz": value(2619),
    "memory_clock_max_mhz": value(2619),
    "throttle_reasons": value(0x1 | 0x20 | 0x8000),
    "utilisation": value({"gpu": 7, "memory": 1}),
    "power_watts": value(71234),
    "power_limit_watts": value(700000),
    "power_default_limit_watts": value(700000),
    "temperature_celsius": value(31),
    "pcie_generation": value(5),
    "pcie_generation_max": value(5),
    "pcie_width": value(16),
    "pcie_width_max": value(16),
    "persistence_mode": value(1),
    "compute_mode": value(3),
    "compute_processes": value(2),
    "fabric": value({"state": 2, "status": 0}),
}
SMI = """
+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 580.159.04             Driver Version: 580.159.04     CUDA Version: 13.0     |
+-----------------------------------------+------------------------+----------------------+
"""


def h100(**changes: Any) -> FakeMachine:
    pci = "/sys/bus/pci/devices"
    made: dict[str, Any] = {
        "env": {"PATH": "/usr/bin", "CUDA_VISIBLE_DEVICES": "0"},
        "files": {
            "/proc/driver/nvidia/version": (
                "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  "
                "Release Build  (root@host)\nGCC version:  gcc 12.3.0\n"
            ),
            f"{pci}/0000:0a:00.0/vendor": "0x10de\n",
            f"{pci}/0000:0a:00.0/class": "0x030200\n",
            f"{pci}/0000:0a:00.0/device": "0x2330\n",
            f"{pci}/0000:0b:00.0/vendor": "0x10de\n",
            f"{pci}/0000:0b:00.0/class": "0x068000\n",
            f"{pci}/0000:0b:00.0/device": "0x22a3\n",
            f"{pci}/0000:00:00.0/vendor": "0x8086\n",
            "/dev/nvidiactl": "",
            "/dev/nvidia0": "",
            "/dev/nvidia-uvm": "",
            "/dev/null": "",
            "/usr/bin/nvidia-smi": "",
            "/usr/bin/ldconfig": "",
            "/usr/bin/nv-fabricmanager": "",
            "/proc/1/comm": "systemd\n",
            "/proc/412/comm": "nv-fabricmanage\n",
            "/usr/local/cuda-12.8/version.json": '{"cuda": {"version": "12.8.1"}}',
            "/usr/local/cuda-12.8/compat/libcuda.so.1": "",
            "/usr/lib/x86_64-linux-gnu/libnvinfer.so.10.16.1": "",
            "/usr/lib/x86_64-linux-gnu/libnvinfer_lean.so.10.16.1": "",
            "/usr/src/tensorrt/bin/trtexec": "",
        },
        "links": {
            f"{pci}/0000:0a:00.0/driver": "/sys/bus/pci/drivers/nvidia",
            "/usr/lib/x86_64-linux-gnu/libnvinfer.so.10": (
                "/usr/lib/x86_64-linux-gnu/libnvinfer.so.10.16.1"
            ),
        },
        "commands": {
            "nvidia-smi": {"exit_code": 0, "stdout": SMI},
            "nv-fabricmanager": {
                "exit_code": 0,
                "stdout": "Fabric Manager version is : 580.159.04\n",
            },
            "ldconfig": {
                "exit_code": 0,
                "stdout": "2 libs found in cache `/etc/ld.so.cache'\n"
                "\tlibnvinfer.so.10 (libc6,x86-64) => "
                "/usr/lib/x86_64-linux-gnu/libnvinfer.so.10\n"
                "\tlibc.so.6 (libc6,x86-64) => /lib/x86_64-linux-gnu/libc.so.6\n"
                "\tlibm.so.6 (libc6) => /lib/i386-linux-gnu/libm.so.6\n",
            },
            "dpkg-query": {"exit_code": 0, "stdout": "10.16.1.11-1+cuda13.1"},
        },
        "libraries": {
            "/usr/lib/x86_64-linux-gnu/libnvinfer.so.10.16.1": {
                "soname": "libnvinfer.so.10",
                "needed": ["libc.so.6", "libm.so.6", "libnvinfer.so.10"],
                "machine": "x86_64",
            },
        },
        "children": {
            "nvml": nvml(H100),
            "cuda_driver": returned(
                {
                    "via": "cuda-bindings",
                    "init": 0,
                    "version": 13000,
                    "library": "/usr/lib/x86_64-linux-gnu/libcuda.so.580.159.04",
                    "devices": [{"name": "NVIDIA H100 80GB HBM3", "major": 9, "minor": 0}],
                }
            ),
            "inventory": inventory(
                {
                    "tensorrt": "10.13.0.35",
                    "tensorrt-cu12": "10.13.0.35",
                    "tensorrt-cu12-bindings": "10.13.0.35",
                    "tensorrt-cu12-libs": "10.12.0.36",
                    "tensorrt-cu13": "10.14.1.48",
                    "tensorrt-lean-cu12": "10.13.0.35",
                    "nvidia-cuda-runtime-cu12": "12.8.90",
                    "tensorrt-llm": "1.0.0",
                },
                ("tensorrt", "tensorrt_bindings", "tensorrt_lean"),
            ),
            "import_module:tensorrt": returned(
                {
                    "ending": "returned",
                    "version": "10.13.0.35",
                    "library_version": [101300],
                    "has_builder": True,
                    "builder_flags": ["BF16", "DEBUG", "FP16", "INT8"],
                    "network_flags": ["EXPLICIT_BATCH", "STRONGLY_TYPED"],
                    "has_fast_fp16_query": True,
                }
            ),
            "import_module:tensorrt_lean": {"ending": "signal", "detail": "SIGSEGV"},
            "make_builder:tensorrt": returned(
                {"ending": "returned", "fast_fp16": True, "plugins": 61, "log": ["[W] x"]}
            ),
        },
    }
    for key, change in changes.items():
        made[key] = {**made[key], **change}
    return FakeMachine(**made)
