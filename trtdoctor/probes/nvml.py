"""Probes that ask NVML: the library itself, and every GPU it lists.

One child asks all of NVML once and hands back the raw values and codes; they get their names and
units here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from trtdoctor.host import Host, HostError
from trtdoctor.model.facts import Fabric, Gpu, Gpus, Nvml

from .asking import answered
from .nvidia import device_node_paths
from .observing import Cost, NotThere, Observed, probe

_SYSTEM = (
    "nvmlSystemGetDriverVersion",
    "nvmlSystemGetNVMLVersion",
    "nvmlSystemGetCudaDriverVersion_v2",
)
# Field by field: the NVML functions to try in turn, and their arguments after the handle. Of the
# arguments, clock 1 is SM and 2 memory; error 1 is uncorrected, counter 0 since the driver's start;
# sensor 0 is the GPU's own.
_DEVICE: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
    "name": (("nvmlDeviceGetName",), ()),
    "uuid": (("nvmlDeviceGetUUID",), ()),
    "serial": (("nvmlDeviceGetSerial",), ()),
    "pci": (("nvmlDeviceGetPciInfo",), ()),
    "compute_capability": (("nvmlDeviceGetCudaComputeCapability",), ()),
    "memory": (("nvmlDeviceGetMemoryInfo",), ()),
    "mig_mode": (("nvmlDeviceGetMigMode",), ()),
    "ecc_mode": (("nvmlDeviceGetEccMode",), ()),
    "ecc_uncorrected": (("nvmlDeviceGetTotalEccErrors",), (1, 0)),
    "sm_clock_mhz": (("nvmlDeviceGetClockInfo",), (1,)),
    "sm_clock_max_mhz": (("nvmlDeviceGetMaxClockInfo",), (1,)),
    "memory_clock_mhz": (("nvmlDeviceGetClockInfo",), (2,)),
    "memory_clock_max_mhz": (("nvmlDeviceGetMaxClockInfo",), (2,)),
    "throttle_reasons": (
        (
            "nvmlDeviceGetCurrentClocksEventReasons",
            "nvmlDeviceGetCurrentClocksThrottleReasons",
        ),
        (),
    ),
    "utilisation": (("nvmlDeviceGetUtilizationRates",), ()),
    "power_watts": (("nvmlDeviceGetPowerUsage",), ()),
    "power_limit_watts": (("nvmlDeviceGetEnforcedPowerLimit",), ()),
    "power_default_limit_watts": (("nvmlDeviceGetPowerManagementDefaultLimit",), ()),
    "temperature_celsius": (("nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature"), (0,)),
    "pcie_generation": (("nvmlDeviceGetCurrPcieLinkGeneration",), ()),
    "pcie_generation_max": (("nvmlDeviceGetMaxPcieLinkGeneration",), ()),
    "pcie_width": (("nvmlDeviceGetCurrPcieLinkWidth",), ()),
    "pcie_width_max": (("nvmlDeviceGetMaxPcieLinkWidth",), ()),
    "persistence_mode": (("nvmlDeviceGetPersistenceMode",), ()),
    "compute_mode": (("nvmlDeviceGetComputeMode",), ()),
    "compute_processes": (
        (
            "nvmlDeviceGetComputeRunningProcesses_v3",
            "nvmlDeviceGetComputeRunningProcesses_v2",
            "nvmlDeviceGetComputeRunningProcesses",
        ),
        (),
    ),
}
# Bits of nvmlDeviceGetCurrentClocksEventReasons, nvml.h.
_REASONS = {
    0x1: "gpu-idle",
    0x2: "applications-clocks-setting",
    0x4: "sw-power-cap",
    0x8: "hw-slowdown",
    0x10: "sync-boost",
    0x20: "sw-thermal-slowdown",
    0x40: "hw-thermal-slowdown",
    0x80: "hw-power-brake-slowdown",
    0x100: "display-clock-setting",
    0x200: "board-limit",
    0x400: "reliability",
}
_FABRIC_STATES = ("not-supported", "not-started", "in-progress", "completed")
_COMPUTE_MODES = ("default", "exclusive-thread", "prohibited", "exclusive-process")
_DRIVER_NOT_LOADED = 9


def _ask(host: Host) -> dict[str, Any]:
    answer = host.child("nvml", {"system": _SYSTEM, "device": _DEVICE})
    said = answered(answer, "asking NVML")
    if not isinstance(said, dict) or not ("loader" in said or "init" in said):
        raise HostError("asking NVML: the child's answer has no result of nvmlInit")
    return said


def _no_such_library(loader: str) -> bool:
    """Whether the loader missed the library itself, not something that the library needs."""
    return loader.startswith("libnvidia-ml.so.1:") and "No such file" in loader


def _value(answer: dict[str, Any], key: str) -> Any:
    return (answer.get(key) or {}).get("value")


@probe(Nvml, Cost.LIGHT)
def nvml(host: Host) -> Observed[Nvml]:
    """How ``nvmlInit`` ended, and the versions NVML tells."""
    said = _ask(host)
    if "loader" in said:
        if _no_such_library(said["loader"]):
            raise NotThere("the loader finds no libnvidia-ml.so.1", source="libnvidia-ml.so.1")
        raise HostError(f"libnvidia-ml.so.1 cannot be loaded: {said['loader']}")
    code, error = said["init"]
    library = said.get("library")
    in_name = re.search(r"\.so\.(\d+\.\d+(?:\.\d+)*)$", library or "")
    cuda = _value(said, "nvmlSystemGetCudaDriverVersion_v2")
    return Observed(
        value=Nvml(
            init_code=code,
            init_error=error,
            driver_version=_value(said, "nvmlSystemGetDriverVersion"),
            nvml_version=_value(said, "nvmlSystemGetNVMLVersion"),
            cuda_driver_version=cuda_version(cuda) if cuda else None,
            library=library,
            library_version=in_name.group(1) if in_name else None,
        ),
        source="nvml: nvmlInit_v2",
    )


def cuda_version(number: int) -> str:
    """``13000`` as ``13.0``, ``12080`` as ``12.8``: 1000 * major + 10 * minor."""
    return f"{number // 1000}.{number % 1000 // 10}"


@probe(Gpus, Cost.LIGHT)
def gpus(host: Host) -> Observed[Gpus]:
    """Every GPU that NVML lists, with what it refuses to say written down by name."""
    said = _ask(host)
    code = 0 if "loader" in said else said["init"][0]
    missing = "loader" in said and _no_such_library(said["loader"])
    if missing or code == _DRIVER_NOT_LOADED:
        # Without a node below /dev no GPU can be reached, whatever else is installed.
        why = "no NVML library" if missing else "nvmlInit: the driver is not loaded"
        if not device_node_paths(host):
            raise NotThere(f"{why}, and no device node of NVIDIA's below /dev", source="nvml, /dev")
        raise HostError(f"{why}, so the GPUs behind the device nodes could not be asked")
    if "loader" in said:
        raise HostError(f"libnvidia-ml.so.1 cannot be loaded: {said['loader']}")
    if code != 0:
        raise HostError(f"nvmlInit: {said['init'][1]} ({code})")
    if _value(said, "count") is None:
        raise HostError(f"nvmlDeviceGetCount: {said['count']['error'][1]}")
    devices = tuple(_gpu(index, raw) for index, raw in enumerate(said["devices"]))
    if not devices:
        raise NotThere("NVML lists no GPU", source="nvml: nvmlDeviceGetCount_v2")
    return Observed(value=Gpus(devices=devices), source="nvml")


def _gpu(index: int, raw: dict[str, Any]) -> Gpu:
    errors = {}
    for key, answer in raw.items():
        if answer and answer.get("error"):
            functions = _DEVICE[key][0] if key in _DEVICE else (_EXTRA[key],)
            code, text = answer["error"]
            errors[functions[0]] = f"{text} ({code})" if code >= 0 else str(text)

    def take(key: str, change: Callable[[Any], Any] = lambda value: value) -> Any:
        value = _value(raw, key)
        return None if value is None else change(value)

    def watts(milliwatts: int) -> float:
        return round(milliwatts / 1000, 3)

    fabric = take("fabric")
    return Gpu(
        index=index,
        name=take("name"),
        uuid=take("uuid"),
        serial=take("serial"),
        pci_bus_id=take("pci", lambda pci: pci.get("busId")),
        compute_capability=take("compute_capability", lambda pair: f"{pair[0]}.{pair[1]}"),
        memory_total_bytes=take("memory", lambda memory: memory["total"]),
        memory_free_bytes=take("memory", lambda memory: memory["free"]),
        memory_used_bytes=take("memory", lambda memory: memory["used"]),
        mig_mode=take("mig_mode", lambda pair: _switch(pair[0])),
        ecc_mode=take("ecc_mode", lambda pair: _switch(pair[0])),
        ecc_uncorrected=take("ecc_uncorrected"),
        sm_clock_mhz=take("sm_clock_mhz"),
        sm_clock_max_mhz=take("sm_clock_max_mhz"),
        memory_clock_mhz=take("memory_clock_mhz"),
        memory_clock_max_mhz=take("memory_clock_max_mhz"),
        throttle_reasons=take("throttle_reasons", clock_reasons),
        utilisation_percent=take("utilisation", lambda rates: rates["gpu"]),
        power_watts=take("power_watts", watts),
        power_limit_watts=take("power_limit_watts", watts),
        power_default_limit_watts=take("power_default_limit_watts", watts),
        temperature_celsius=take("temperature_celsius"),
        pcie_generation=take("pcie_generation"),
        pcie_generation_max=take("pcie_generation_max"),
        pcie_width=take("pcie_width"),
        pcie_width_max=take("pcie_width_max"),
        persistence_mode=take("persistence_mode", _switch),
        compute_mode=take("compute_mode", lambda mode: _named(_COMPUTE_MODES, mode)),
        compute_processes=take("compute_processes"),
        fabric=Fabric(state=_named(_FABRIC_STATES, fabric["state"]), status=fabric["status"])
        if fabric
        else None,
        errors=errors,
    )


_EXTRA = {"handle": "nvmlDeviceGetHandleByIndex", "fabric": "nvmlDeviceGetGpuFabricInfoV"}


def _switch(mode: int) -> str:
    return _named(("disabled", "enabled"), mode)


def _named(names: tuple[str, ...], number: int) -> str:
    return names[number] if 0 <= number < len(names) else f"unknown ({number})"


def clock_reasons(bits: int) -> tuple[str, ...]:
    """Names of the bits of ``nvmlDeviceGetCurrentClocksEventReasons``, lowest first."""
    named = [name for bit, name in _REASONS.items() if bits & bit]
    rest = bits & ~sum(_REASONS)
    return (*named, f"unknown (0x{rest:x})") if rest else tuple(named)
