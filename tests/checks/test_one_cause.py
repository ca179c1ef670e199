"""Whole machines: a sick one gives one finding for one cause, a healthy one none."""

from __future__ import annotations

from typing import Any

import pytest

from trtdoctor.checking.discover import Catalogue
from trtdoctor.checking.judge import judge
from trtdoctor.knowledge import Knowledge
from trtdoctor.model.report import Severity, Status
from trtdoctor.testing import snapshot_of

AREAS = ("SYS", "CTR", "DRV", "GPU", "CUD")
ABSENT = {"status": "absent", "reason": "not there"}
NODES = {
    "nodes": [
        {"path": path, "accessible": True}
        for path in ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia0")
    ]
}
NOT_SUPPORTED = dict.fromkeys(
    (
        "nvmlDeviceGetCudaComputeCapability",
        "nvmlDeviceGetMemoryInfo",
        "nvmlDeviceGetCurrentClocksEventReasons",
        "nvmlDeviceGetCurrPcieLinkWidth",
        "nvmlDeviceGetEccMode",
        "nvmlDeviceGetTotalEccErrors",
    ),
    "Not Supported (3)",
)


def gpu(name: str, cc: str, **more: Any) -> dict[str, Any]:
    return {
        "index": 0,
        "name": name,
        "pci_bus_id": "00000000:65:00.0",
        "compute_capability": cc,
        "memory_total_bytes": 24 << 30,
        "memory_free_bytes": 23 << 30,
        "ecc_mode": "enabled",
        "ecc_uncorrected": 0,
        "throttle_reasons": ["gpu-idle"],
        "utilisation_percent": 0,
        "pcie_generation": 1,
        "pcie_generation_max": 4,
        "pcie_width": 16,
        "pcie_width_max": 16,
        **more,
    }


def machine(name: str = "NVIDIA L4", cc: str = "8.9", **more: Any) -> dict[str, Any]:
    device = {"ordinal": 0, "name": name, "compute_capability": cc, "pci_bus_id": "0000:65:00.0"}
    bus = {"address": "0000:65:00.0", "device_id": "0x27b8", "class_code": "0x030200"}
    return {
        "system.container": ABSENT,
        "system.wsl": ABSENT,
        "system.jetson": ABSENT,
        "system.memory": {"total_bytes": 64 << 30, "available_bytes": 60 << 30},
        "system.disk": {
            "volumes": [
                {"path": "/tmp", "purpose": "t", "total_bytes": 1 << 40, "free_bytes": 1 << 39}
            ]
        },
        "system.environment": {
            "variables": {},
            "asked": ["NVIDIA_TF32_OVERRIDE", "CUDA_LAUNCH_BLOCKING"],
        },
        "nvidia.driver": {"version": "580.159.04"},
        "nvidia.pci": {"devices": [{**bus, "driver": "nvidia"}]},
        "nvidia.nodes": NODES,
        "nvidia.nvml": {
            "init_code": 0,
            "driver_version": "580.159.04",
            "nvml_version": "13.580.159.04",
        },
        "nvidia.smi": {"exit_code": 0, "driver_version": "580.159.04"},
        "nvidia.gpus": {"devices": [gpu(name, cc)]},
        "nvidia.fabric_manager": ABSENT,
        "cuda.driver": {"via": "ctypes", "init_code": 0, "version": "13.0", "devices": [device]},
        "cuda.runtimes": ABSENT,
        "cuda.arithmetic": {"status": "not_run", "reason": "uses the GPU"},
        "tensorrt.installs": {
            "installs": [
                {
                    "product": "tensorrt",
                    "kind": "pip",
                    "version": "10.16.0",
                    "location": "/v",
                    "cuda_major": 13,
                }
            ]
        },
        "tensorrt.imports": {
            "modules": [
                {
                    "module": "tensorrt",
                    "attempt": {"ending": "returned"},
                    "file": "/v/tensorrt/__init__.py",
                    "version": "10.16.0",
                }
            ]
        },
        **more,
    }


def failing(code: int) -> dict[str, Any]:
    return {"via": "ctypes", "init_code": code}


def trt(version: str) -> dict[str, Any]:
    attempt = {"ending": "returned"}
    return {"modules": [{"module": "tensorrt", "attempt": attempt, "version": version}]}


NO_USER_SPACE = {"nvidia.nvml": ABSENT, "nvidia.gpus": ABSENT, "cuda.driver": ABSENT}
NO_USER_SPACE |= {"nvidia.smi": ABSENT, "nvidia.nodes": ABSENT}
BROKEN_NVML = {"status": "failed", "reason": "NVML did not start"}
SILENT = {"status": "timeout", "reason": "no answer within 20 s"}
ORIN = {"ordinal": 0, "name": "Orin", "compute_capability": "8.7", "integrated": True}
DOCKER = {"engine": "docker", "evidence": ["/.dockerenv exists"]}

HEALTHY = {
    "server": machine(),
    "desktop": machine(
        "NVIDIA GeForce RTX 4090",
        "8.9",
        **{
            "nvidia.gpus": {
                "devices": [
                    gpu(
                        "NVIDIA GeForce RTX 4090",
                        "8.9",
                        ecc_mode="disabled",
                        ecc_uncorrected=None,
                        memory_free_bytes=20 << 30,
                    )
                ]
            }
        },
    ),
    "container": machine(**{"system.container": DOCKER}),
    "container without utility": machine(
        **{
            "system.container": {**DOCKER, "driver_capabilities": "compute"},
            "nvidia.nvml": ABSENT,
            "nvidia.gpus": ABSENT,
            "nvidia.smi": ABSENT,
        }
    ),
    "DGX": machine(
        "NVIDIA H100 80GB HBM3",
        "9.0",
        **{
            "nvidia.gpus": {
                "devices": [gpu("NVIDIA H100", "9.0", fabric={"state": "completed", "status": 0})]
            },
            "nvidia.fabric_manager": {"version": "580.159.04", "running": True},
        },
    ),
    "MIG": machine(
        "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
        "9.0",
        **{
            "nvidia.gpus": {
                "devices": [
                    gpu(
                        "NVIDIA H100 80GB HBM3",
                        "9.0",
                        mig_mode="enabled",
                        memory_free_bytes=0,
                        utilisation_percent=None,
                    )
                ]
            }
        },
    ),
    "vGPU": machine(
        "NVIDIA A10-8Q",
        "8.6",
        **{
            "nvidia.gpus": {
                "devices": [
                    {
                        "index": 0,
                        "name": "NVIDIA A10-8Q",
                        "pci_bus_id": "00000000:65:00.0",
                        "errors": NOT_SUPPORTED,
                    }
                ]
            }
        },
    ),
    "WSL": machine(
        "NVIDIA GeForce RTX 4090",
        "8.9",
        **{
            "system.wsl": {"version": 2, "driver_folder": True},
            "nvidia.driver": ABSENT,
            "nvidia.pci": ABSENT,
            "nvidia.nodes": {"nodes": [{"path": "/dev/dxg", "accessible": True}]},
            "nvidia.nvml": {
                "init_code": 0,
                "driver_version": "581.15",
                "nvml_version": "13.580.65.05",
            },
            "nvidia.gpus": {
                "devices": [
                    {
                        **gpu("NVIDIA GeForce RTX 4090", "8.9"),
                        "ecc_mode": None,
                        "ecc_uncorrected": None,
                        "errors": {"nvmlDeviceGetEccMode": "Not Supported (3)"},
                    }
                ]
            },
        },
    ),
    "Jetson without NVML": machine(
        **{
            **NO_USER_SPACE,
            "system.jetson": {"model": "Jetson AGX Orin", "l4t": "35.4.1"},
            "nvidia.driver": ABSENT,
            "nvidia.pci": ABSENT,
            "cuda.driver": {**failing(0), "version": "11.4", "devices": [ORIN]},
            "tensorrt.imports": trt("8.5.2"),
        }
    ),
    "Jetson with an NVML that refuses": machine(
        **{
            "system.jetson": {"model": "Jetson AGX Orin", "l4t": "36.4.3"},
            "nvidia.driver": {"version": "540.4.0"},
            "nvidia.pci": ABSENT,
            "nvidia.nodes": {"nodes": [{"path": "/dev/nvmap", "accessible": True}]},
            "nvidia.nvml": {"init_code": 0, "driver_version": "540.4.0"},
            "nvidia.gpus": {
                "devices": [{"index": 0, "name": "Orin (nvgpu)", "errors": NOT_SUPPORTED}]
            },
            "cuda.driver": {**failing(0), "version": "12.6", "devices": [ORIN]},
            "tensorrt.imports": trt("10.3.0"),
        }
    ),
}

SICK = {
    "container without a GPU": (
        machine(**{**NO_USER_SPACE, "system.container": DOCKER}),
        "container-without-gpu",
    ),
    "container without compute": (
        machine(
            **{
                "system.container": {**DOCKER, "driver_capabilities": "utility"},
                "cuda.driver": ABSENT,
            }
        ),
        "container-driver-capabilities",
    ),
    "no driver": (machine(**{**NO_USER_SPACE, "nvidia.driver": ABSENT}), "driver-missing"),
    "driver not loaded": (
        machine(
            **{
                "nvidia.driver": ABSENT,
                "nvidia.nodes": ABSENT,
                "nvidia.nvml": {"init_code": 9},
                "nvidia.gpus": BROKEN_NVML,
                "nvidia.smi": {"exit_code": 9, "message": "couldn't communicate"},
                "cuda.driver": failing(100),
            }
        ),
        "driver-missing",
    ),
    "driver without its CUDA library": (machine(**{"cuda.driver": ABSENT}), "driver-missing"),
    "updated without a restart": (
        machine(
            **{
                "nvidia.nvml": {"init_code": 18},
                "nvidia.gpus": BROKEN_NVML,
                "nvidia.smi": {"exit_code": 18, "message": "version mismatch"},
                "cuda.driver": failing(803),
            }
        ),
        "driver-library-mismatch",
    ),
    "denied nodes": (
        machine(
            **{
                "nvidia.nodes": {
                    "nodes": [{**node, "accessible": False} for node in NODES["nodes"]]
                },
                "nvidia.nvml": {"init_code": 4},
                "nvidia.gpus": BROKEN_NVML,
                "nvidia.smi": {"exit_code": 4, "message": "Insufficient Permissions"},
                "cuda.driver": failing(100),
            }
        ),
        "device-nodes-denied",
    ),
    "a lost GPU": (
        machine(
            **{
                "nvidia.gpus": {
                    "devices": [
                        {
                            "index": 0,
                            "errors": {
                                **NOT_SUPPORTED,
                                "nvmlDeviceGetHandleByIndex": "GPU is lost (15)",
                            },
                        }
                    ]
                },
                "nvidia.smi": {"exit_code": 15, "message": "GPU is lost"},
                "cuda.driver": failing(999),
            }
        ),
        "gpu-lost",
    ),
    "fabric manager down": (
        machine(
            **{
                "nvidia.gpus": {
                    "devices": [gpu("NVIDIA H100", "9.0", fabric={"state": "in-progress"})]
                },
                "nvidia.fabric_manager": {"version": "580.159.04", "running": False},
                "cuda.driver": failing(802),
            }
        ),
        "fabric-manager-down",
    ),
    "everything hangs": (
        machine(
            **{
                "nvidia.nvml": SILENT,
                "nvidia.gpus": SILENT,
                "nvidia.smi": SILENT,
                "cuda.driver": SILENT,
            }
        ),
        "cuda-init-fails",
    ),
    "everything hidden": (
        machine(**{"cuda.driver": {**failing(100), "visible_devices": ""}}),
        "no-gpu-visible",
    ),
    "WSL with a Linux driver": (
        machine(
            **{
                "system.wsl": {
                    "version": 2,
                    "driver_folder": True,
                    "shadowing": ["/usr/lib/x86_64-linux-gnu/libcuda.so.535.183.01"],
                },
                "nvidia.driver": ABSENT,
                "nvidia.pci": ABSENT,
                "nvidia.nodes": ABSENT,
                "nvidia.nvml": {"init_code": 0, "driver_version": "581.15"},
                "cuda.driver": failing(100),
            }
        ),
        "wsl-driver-shadowed",
    ),
    "driver too old": (
        machine(
            **{
                "nvidia.driver": {"version": "550.54.15"},
                "nvidia.nvml": {"init_code": 0, "driver_version": "550.54.15"},
            }
        ),
        "driver-too-old-for-cuda",
    ),
    "RTX 5090 with an old TensorRT": (
        machine(
            "NVIDIA GeForce RTX 5090",
            "12.0",
            **{"tensorrt.imports": trt("10.7.0"), "tensorrt.installs": ABSENT},
        ),
        "gpu-outside-tensorrt-support",
    ),
    "GTX 1080": (
        machine(
            "NVIDIA GeForce GTX 1080",
            "6.1",
            **{"tensorrt.imports": trt("8.6.1"), "tensorrt.installs": ABSENT},
        ),
        "hardware-no-fast-fp16",
    ),
    "GTX 1650": (machine("NVIDIA GeForce GTX 1650", "7.5"), "hardware-no-tensor-cores"),
}


def outcomes_of(facts: dict[str, Any], catalogue: Catalogue) -> list[Any]:
    checks = [check for check in catalogue.checks if check.id.startswith(AREAS)]
    outcomes, problems = judge(snapshot_of(facts), checks, Knowledge.load())
    assert not problems, problems[0].detail
    return list(outcomes)


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_machine_has_no_error_and_no_warning(name: str, catalogue: Catalogue) -> None:
    outcomes = outcomes_of(HEALTHY[name], catalogue)
    grave = [o for o in outcomes if o.check.severity is not Severity.INFO]
    assert not [f.message for o in grave for f in o.findings]
    unknown = {o.check.name: o.reason for o in grave if o.status is Status.UNKNOWN}
    assert not unknown


@pytest.mark.parametrize("name", SICK)
def test_one_cause_gives_one_finding(name: str, catalogue: Catalogue) -> None:
    facts, expected = SICK[name]
    outcomes = outcomes_of(facts, catalogue)
    assert [o.check.name for o in outcomes if o.findings] == [expected]
    errors = [
        o
        for o in outcomes
        if o.check.severity is Severity.ERROR and o.status in (Status.UNKNOWN, Status.CRASHED)
    ]
    # Neither a TensorRT told by its import alone nor a lost GPU tells all that is asked of it.
    undecided = {o.check.name for o in errors}
    assert undecided <= {"driver-too-old-for-cuda", "gpu-outside-tensorrt-support"}


def test_nothing_could_be_looked_at_and_nothing_passes(catalogue: Catalogue) -> None:
    denied = {name: {"status": "denied", "reason": "no permission"} for name in machine()}
    outcomes = outcomes_of(denied, catalogue)
    assert {o.status for o in outcomes} == {Status.UNKNOWN}


def test_nothing_is_there(catalogue: Catalogue) -> None:
    absent = dict.fromkeys(machine(), ABSENT)
    outcomes = outcomes_of(absent, catalogue)
    assert [o.check.name for o in outcomes if o.findings] == ["driver-missing"]
    assert not [o.check.name for o in outcomes if o.status is Status.UNKNOWN]
