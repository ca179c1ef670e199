"""Pieces that imagined machines are put together from, in the shape of real answers.

A piece is a small part of a machine (an operating system, a driver with its GPUs, a TensorRT in a
Python); ``assemble`` joins pieces into one. What is not given is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from trtdoctor.host import Answer
from trtdoctor.testing import FakeMachine

PCI = "/sys/bus/pci/devices"
VENV = "/home/somebody/venv"
UNSUPPORTED: Answer = {"error": [3, "Not Supported"]}
_LIBC = ("libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0", "librt.so.1")
_USUAL = (*_LIBC, "libstdc++.so.6")
_FLAGS = {"x86_64": "x86-64", "aarch64": "AArch64"}
_MODULES = ("tensorrt", "tensorrt_rtx", "tensorrt_lean", "tensorrt_dispatch", "tensorrt_bindings")


@dataclass
class Piece:
    """A part of a machine. ``cache`` is the loader's cache: path by soname, first come first."""

    files: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    commands: dict[str, Answer] = field(default_factory=dict)
    children: dict[str, Answer] = field(default_factory=dict)
    libraries: dict[str, Answer] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    system: dict[str, str] = field(default_factory=dict)
    cache: dict[str, str] = field(default_factory=dict)
    packages: list[Answer] = field(default_factory=list)
    modules: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)


def assemble(*pieces: Piece) -> FakeMachine:
    """One machine of all pieces; of two answers to one question the later piece's counts."""
    whole = Piece()
    for piece in pieces:
        for name, part in vars(piece).items():
            known = getattr(whole, name)
            if isinstance(part, list):
                known.extend(part)
            else:
                known.update(part)
    machine = whole.system.get("machine", "x86_64")
    listed = "".join(
        f"\t{soname} (libc6,{_FLAGS[machine]}) => {path}\n" for soname, path in whole.cache.items()
    )
    whole.commands.setdefault(
        "ldconfig",
        {
            "exit_code": 0,
            "stdout": f"{len(whole.cache)} libs found in cache `/etc/ld.so.cache'\n{listed}",
        },
    )
    whole.children.setdefault(
        "inventory",
        returned(
            {
                "path": list(dict.fromkeys(whole.path)),
                "denied": [],
                "packages": whole.packages,
                "modules": {name: _spec(whole.modules.get(name)) for name in _MODULES},
            }
        ),
    )
    names = ("files", "env", "commands", "children", "libraries", "links", "system")
    return FakeMachine(**{name: getattr(whole, name) for name in names})


def _spec(folder: str | None) -> Answer | None:
    if folder is None:
        return None
    return {"origin": f"{folder}/__init__.py", "folders": [folder], "namespace": False}


def value(said: Any) -> Answer:
    return {"value": said}


def returned(said: Any) -> Answer:
    return {"output": "", "ending": "returned", "value": said}


def elf(needed: Sequence[str], soname: str | None = None, machine: str = "x86_64") -> Answer:
    loader = "ld-linux-aarch64.so.1" if machine == "aarch64" else "ld-linux-x86-64.so.2"
    return {
        "needed": [*needed, "libstdc++.so.6", "libm.so.6", "libgcc_s.so.1", "libc.so.6", loader],
        "rpath": [],
        "runpath": ["$ORIGIN"],
        "soname": soname,
        "machine": machine,
        "executable_stack": False,
    }


def linux(
    *,
    name: str = "Ubuntu 22.04.5 LTS",
    kernel: str = "6.8.0-52-generic",
    libc: str = "glibc 2.35",
    machine: str = "x86_64",
    memory_kb: int = 65_700_000,
) -> Piece:
    """A distribution with its C library and its own Python, and a PCI bus without a GPU."""
    triplet = f"{machine}-linux-gnu"
    loader = "ld-linux-aarch64.so.1" if machine == "aarch64" else "ld-linux-x86-64.so.2"
    number = name.split()[1]
    release = f'PRETTY_NAME="{name}"\nID={name.split()[0].lower()}\nVERSION_ID="{number[:5]}"\n'
    return Piece(
        files={
            "/etc/os-release": release,
            "/proc/meminfo": (f"MemTotal: {memory_kb} kB\nMemAvailable: {memory_kb * 4 // 5} kB\n"),
            "/proc/1/cgroup": "0::/init.scope\n",
            "/proc/1/comm": "systemd\n",
            "/dev/null": "",
            "/usr/bin/python3": "",
            "/usr/sbin/ldconfig": "",
            **pci("0000:00:00.0", "0x8086", "0x060000", "0x4668"),
        },
        env={"PATH": "/usr/local/bin:/usr/sbin:/usr/bin"},
        system={"release": kernel, "machine": machine, "libc": libc},
        cache={name: f"/lib/{triplet}/{name}" for name in (*_USUAL, loader)},
    )


def pci(address: str, vendor: str, class_code: str, device: str) -> dict[str, str]:
    folder = f"{PCI}/{address}"
    return {
        f"{folder}/vendor": f"{vendor}\n",
        f"{folder}/class": f"{class_code}\n",
        f"{folder}/device": f"{device}\n",
    }


def gpu_on_bus(device: str, *, bus: int = 1, held_by: str | None, class_code: str) -> Piece:
    address = f"0000:{bus:02x}:00.0"
    links = {f"{PCI}/{address}/driver": f"/sys/bus/pci/drivers/{held_by}"} if held_by else {}
    return Piece(files=pci(address, "0x10de", class_code, device), links=links)


def docker(**env: str) -> Piece:
    return Piece(files={"/.dockerenv": "", "/proc/1/cgroup": "0::/\n"}, env=env)


@dataclass(frozen=True, kw_only=True)
class Board:
    """A GPU as CUDA and NVML tell of it. ``nvml`` replaces NVML's answers by name."""

    name: str
    cc: tuple[int, int]
    memory: int
    device: str
    multiprocessors: int
    l2: int
    class_code: str = "0x030000"
    nvml: dict[str, Answer] = field(default_factory=dict)


# What a GeForce board at rest says; boards for servers say more.
_AT_REST: dict[str, Answer] = {
    "serial": UNSUPPORTED,
    "mig_mode": UNSUPPORTED,
    "ecc_mode": UNSUPPORTED,
    "ecc_uncorrected": UNSUPPORTED,
    "sm_clock_mhz": value(210),
    "sm_clock_max_mhz": value(2100),
    "memory_clock_mhz": value(405),
    "memory_clock_max_mhz": value(9501),
    "throttle_reasons": value(0x1),
    "utilisation": value({"gpu": 0, "memory": 0}),
    "power_watts": value(17_250),
    "power_limit_watts": value(200_000),
    "power_default_limit_watts": value(200_000),
    "temperature_celsius": value(36),
    "pcie_generation": value(1),
    "pcie_generation_max": value(3),
    "pcie_width": value(16),
    "pcie_width_max": value(16),
    "persistence_mode": value(0),
    "compute_mode": value(0),
    "compute_processes": value(0),
    "fabric": UNSUPPORTED,
}
SERVER: dict[str, Answer] = {
    "serial": value("1320000000000"),
    "mig_mode": UNSUPPORTED,
    "ecc_mode": value([1, 1]),
    "ecc_uncorrected": value(0),
    "sm_clock_max_mhz": value(1410),
    "memory_clock_mhz": value(1215),
    "memory_clock_max_mhz": value(1215),
    "pcie_generation": value(4),
    "pcie_generation_max": value(4),
    "persistence_mode": value(1),
}


def uuid(bus: int) -> str:
    return f"GPU-{bus:02x}000000-1111-2222-3333-444444444444"


def nvml_device(board: Board, bus: int = 1) -> Answer:
    free = board.memory - (420 << 20)
    return {
        "name": value(board.name),
        "uuid": value(uuid(bus)),
        "pci": value({"busId": f"00000000:{bus:02X}:00.0", "domain": 0, "bus": bus, "device": 0}),
        "compute_capability": value(list(board.cc)),
        "memory": value({"total": board.memory, "free": free, "used": 420 << 20}),
        **_AT_REST,
        **board.nvml,
    }


def cuda_device(board: Board, bus: int = 1) -> Answer:
    return {
        "name": board.name,
        "pci": f"0000:{bus:02x}:00.0",
        "uuid": uuid(bus),
        "memory": board.memory,
        "major": board.cc[0],
        "minor": board.cc[1],
        "multiprocessors": board.multiprocessors,
        "integrated": 0,
        "l2": board.l2,
    }


def nvml_answer(driver: str, cuda: int, devices: Sequence[Answer], library: str) -> Answer:
    return returned(
        {
            "init": [0, None],
            "library": library,
            "devices": list(devices),
            "nvmlSystemGetDriverVersion": value(driver),
            "nvmlSystemGetNVMLVersion": value(f"{cuda // 1000}.{driver}"),
            "nvmlSystemGetCudaDriverVersion_v2": value(cuda),
            "count": value(len(devices)),
        }
    )


def cuda_answer(
    version: int | None,
    devices: Sequence[Answer],
    library: str,
    *,
    init: tuple[int, str | None] = (0, None),
) -> Answer:
    return returned(
        {
            "init": init[0],
            "version": version,
            "devices": list(devices),
            "error": init[1],
            "via": "ctypes",
            "library": library,
            "tried": [
                ["pycuda", "ModuleNotFoundError: No module named 'pycuda'"],
                ["cuda-bindings", "ModuleNotFoundError: No module named 'cuda'"],
            ],
        }
    )


def smi(driver: str, cuda: str, program: str | None = None) -> Answer:
    head = f"NVIDIA-SMI {program or driver:<18}Driver Version: {driver:<14} CUDA Version: {cuda}"
    return {"exit_code": 0, "stdout": f"| {head:<88}|\n", "stderr": ""}


def kernel_module(driver: str, machine: str = "x86_64") -> dict[str, str]:
    flavour = "Open Kernel Module for" if int(driver.split(".")[0]) >= 560 else "Kernel Module "
    text = f"NVRM version: NVIDIA UNIX {flavour} {machine}  {driver}  Release Build\n"
    return {"/proc/driver/nvidia/version": text}


def nodes(gpus: int, *more: str) -> dict[str, Any]:
    names = ("nvidiactl", "nvidia-uvm", *(f"nvidia{n}" for n in range(gpus)), *more)
    return {f"/dev/{name}": "" for name in names}


def driver(
    version: str, cuda: int, *boards: Board, folder: str = "/usr/lib/x86_64-linux-gnu"
) -> Piece:
    """A driver of Linux that works, and the GPUs that it drives, from PCI bus 1 on."""
    on_bus = [
        gpu_on_bus(board.device, bus=bus, held_by="nvidia", class_code=board.class_code)
        for bus, board in enumerate(boards, 1)
    ]
    libcuda, libml = f"{folder}/libcuda.so.{version}", f"{folder}/libnvidia-ml.so.{version}"
    listed = [nvml_device(board, bus) for bus, board in enumerate(boards, 1)]
    offered = [cuda_device(board, bus) for bus, board in enumerate(boards, 1)]
    files = {**kernel_module(version), **nodes(len(boards)), "/usr/bin/nvidia-smi": ""}
    for piece in on_bus:
        files.update(piece.files)
    return Piece(
        files={**files, libcuda: "", libml: ""},
        links={
            f"{folder}/libcuda.so.1": libcuda,
            f"{folder}/libnvidia-ml.so.1": libml,
            **{path: to for piece in on_bus for path, to in piece.links.items()},
        },
        cache={
            "libcuda.so.1": f"{folder}/libcuda.so.1",
            "libnvidia-ml.so.1": f"{folder}/libnvidia-ml.so.1",
        },
        commands={"nvidia-smi": smi(version, f"{cuda // 1000}.{cuda % 1000 // 10}")},
        children={
            "nvml": nvml_answer(version, cuda, listed, libml),
            "cuda_driver": cuda_answer(cuda, offered, libcuda),
        },
    )


def no_driver() -> Piece:
    """What NVML and CUDA answer where no library of the driver is installed."""

    def unfound(name: str) -> Answer:
        text = f"{name}: cannot open shared object file: No such file or directory"
        return returned({"loader": text})

    return Piece(
        children={"nvml": unfound("libnvidia-ml.so.1"), "cuda_driver": unfound("libcuda.so.1")}
    )


def packages(site: str, versions: dict[str, str], requires: dict[str, list[str]]) -> list[Answer]:
    listed: list[Answer] = []
    for name, version in versions.items():
        package: Answer = {"name": name, "version": version, "location": site}
        if name in requires:
            package["requires"] = requires[name]
        listed.append(package)
    return listed


def python(
    version: tuple[int, int, int] = (3, 10, 12), *, venv: str | None = VENV, machine: str = "x86_64"
) -> Piece:
    """The interpreter that is looked at: a virtual environment, or the system's own."""
    prefix = venv or "/usr"
    path = f"{venv}/bin/python" if venv else "/usr/bin/python3"
    said = {
        "executable": path,
        "version": list(version),
        "implementation": "CPython",
        "prefix": prefix,
        "base_prefix": "/usr",
        "system_site_packages": "false" if venv else None,
        "machine": machine,
        "free_threaded": False,
    }
    minor = f"python{version[0]}.{version[1]}"
    return Piece(
        files={path: ""},
        env={"VIRTUAL_ENV": venv} if venv else {},
        children={"interpreter": returned(said)},
        path=[f"/usr/lib/{minor}", site(version, venv)],
    )


def site(version: tuple[int, int, int], venv: str | None = VENV) -> str:
    minor = f"python{version[0]}.{version[1]}"
    return f"{venv}/lib/{minor}/site-packages" if venv else f"/usr/lib/{minor}/dist-packages"


def mapped(paths: Iterable[str]) -> list[Answer]:
    return [{"path": path, "name": path.rpartition("/")[2]} for path in sorted(paths)]
