"""The probes: each looks at one thing and returns one fact. They never judge."""

from __future__ import annotations

from .arithmetic import arithmetic
from .cuda import cuda_driver, cuda_runtimes
from .installs import tensorrt_installs
from .libraries import libraries
from .nvidia import device_nodes, fabric_manager, kernel_driver, nvidia_smi, pci_devices
from .nvml import gpus, nvml
from .observing import Cost, NotThere, Observed, Probe, probe
from .python import (
    UnusablePython,
    choose,
    onnx_runtime,
    packages,
    python_target,
    torch_tensorrt,
)
from .system import (
    container,
    disk,
    environment,
    identity,
    image,
    jetson,
    library_path,
    memory,
    operating_system,
    power_mode,
    wsl,
)
from .tensorrt import own_modules, tensorrt_builders, tensorrt_imports, working_directory
from .tiny_engine import tiny_engines

PROBES: tuple[Probe, ...] = (
    operating_system,
    identity,
    container,
    image,
    wsl,
    jetson,
    power_mode,
    memory,
    disk,
    environment,
    library_path,
    kernel_driver,
    pci_devices,
    device_nodes,
    nvml,
    nvidia_smi,
    gpus,
    fabric_manager,
    cuda_driver,
    cuda_runtimes,
    arithmetic,
    python_target,
    packages,
    onnx_runtime,
    torch_tensorrt,
    tensorrt_installs,
    tensorrt_imports,
    own_modules,
    working_directory,
    tensorrt_builders,
    tiny_engines,
    libraries,
)

__all__ = [
    "PROBES",
    "Cost",
    "NotThere",
    "Observed",
    "Probe",
    "UnusablePython",
    "arithmetic",
    "choose",
    "identity",
    "probe",
    "python_target",
    "tensorrt_installs",
    "tiny_engines",
]
