"""Imagined machines that are no plain PC: Jetson, WSL, containers, virtual and many GPUs."""

from __future__ import annotations

import boards
from measured import measured, tiny_engines
from pieces import (
    PCI,
    UNSUPPORTED,
    Piece,
    assemble,
    cuda_answer,
    cuda_device,
    docker,
    driver,
    gpu_on_bus,
    kernel_module,
    linux,
    no_driver,
    nvml_answer,
    nvml_device,
    pci,
    python,
    returned,
    site,
    smi,
    value,
)
from tensorrts import (
    builder,
    debian,
    system_bindings,
    wheels,
)

from trtdoctor.testing import FakeMachine

P310, P312 = (3, 10, 12), (3, 12, 3)
DEBIAN_FOLDER = "/usr/lib/x86_64-linux-gnu"


def _jetson() -> Piece:
    """An AGX Orin with JetPack 6.1; its NVML knows little of an integrated GPU."""
    lib = "/usr/lib/aarch64-linux-gnu"
    known = {"name": value("Orin (nvgpu)"), "persistence_mode": value(0), "compute_mode": value(0)}
    refused = {key: UNSUPPORTED for key in nvml_device(boards.ORIN) if key not in known}
    offered = {**cuda_device(boards.ORIN), "pci": "0000:00:00.0", "integrated": 1}
    libcuda, libml = f"{lib}/nvidia/libcuda.so.1.1", f"{lib}/nvidia/libnvidia-ml.so.1"
    release = (
        "# R36 (release), REVISION: 4.0, GCID: 37537400, BOARD: generic, EABI: aarch64, "
        "DATE: Fri Sep 13 04:36:44 UTC 2024\n"
    )
    return Piece(
        files={
            "/etc/nv_tegra_release": release,
            "/var/lib/nvpmodel/status": "pmode:0002",
            "/etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=MAXN >\n< POWER_MODEL ID=2 NAME=MODE_30W >\n",
            "/proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\0",
            "/var/lib/dpkg/info/nvidia-jetpack.list": "/.\n",
            "/var/lib/dpkg/status": "Package: nvidia-jetpack\nStatus: install ok installed\n"
            "Version: 6.1+b123\n\n",
            **kernel_module("540.4.0", "aarch64"),
            **{f"/dev/{name}": "" for name in ("nvmap", "nvhost-gpu", "nvhost-ctrl-gpu")},
            **{f"/dev/{name}": "" for name in ("nvidia0", "nvidiactl")},
            **pci("0001:00:00.0", "0x10de", "0x060400", "0x229e"),
            libcuda: "",
            libml: "",
            "/usr/sbin/nvidia-smi": "",
            "/usr/local/cuda-12.6/version.json": '{"cuda": {"version": "12.6.11"}}',
        },
        links={
            f"{lib}/nvidia/libcuda.so.1": libcuda,
            f"{lib}/libcuda.so.1": libcuda,
            "/usr/local/cuda": "/usr/local/cuda-12.6",
        },
        cache={"libcuda.so.1": f"{lib}/nvidia/libcuda.so.1", "libnvidia-ml.so.1": libml},
        commands={"nvidia-smi": smi("540.4.0", "12.6")},
        children={
            "nvml": nvml_answer("540.4.0", 12060, [{**refused, **known}], libml),
            "cuda_driver": cuda_answer(12060, [offered], libcuda),
        },
    )


def _orin_base() -> tuple[Piece, ...]:
    system = linux(kernel="5.15.148-tegra", machine="aarch64", memory_kb=64_300_000)
    for path in [path for path in system.files if path.startswith(PCI)]:
        del system.files[path]
    return system, _jetson()


def jetson_orin() -> FakeMachine:
    libraries = debian("10.3.0", "10.3.0.30-1+cuda12.5", machine="aarch64")
    own = site(P310, None)
    return assemble(
        *_orin_base(),
        libraries,
        python(P310, venv=None, machine="aarch64"),
        system_bindings(own, "10.3.0", libraries, library="10.3.0.30", machine="aarch64"),
        builder(),
        measured(
            boards.ORIN,
            mhz=1300.0,
            per_clock={
                "fp32": 127.2,
                "fp16": 254.0,
                "bf16": 127.0,
                "int8": 255.0,
                "tensor-fp16": 1010.0,
                "tensor-fp16-fp32": 1008.0,
                "tensor-bf16": 1008.0,
                "tensor-tf32": 504.0,
                "tensor-int8": 2016.0,
            },
            memory=(3_199_000, 256),
            link=None,
        ),
        tiny_engines("10.3.0", 5.1, 0.62),
    )


def jetson_orin_pip_tensorrt() -> FakeMachine:
    return assemble(
        *_orin_base(),
        debian("10.3.0", "10.3.0.30-1+cuda12.5", machine="aarch64"),
        python(P310, machine="aarch64"),
        wheels(site(P310), "10.13.3.9", machine="aarch64"),
    )


def _wsl() -> tuple[Piece, ...]:
    lent = "/usr/lib/wsl/lib"
    board = boards.RTX_4070
    system = linux(kernel="5.15.167.4-microsoft-standard-WSL2", memory_kb=16_300_000)
    for path in [path for path in system.files if path.startswith(PCI)]:
        del system.files[path]
    device = {**nvml_device(board), "persistence_mode": value(1)}
    windows = Piece(
        files={
            "/dev/dxg": "",
            f"{lent}/libcuda.so.1": "",
            f"{lent}/libnvidia-ml.so.1": "",
            f"{lent}/nvidia-smi": "",
            **pci("5582:00:00.0", "0x1414", "0x030200", "0x008e"),
        },
        env={"PATH": f"/usr/local/bin:/usr/sbin:/usr/bin:{lent}:/mnt/c/WINDOWS/system32"},
        cache={name: f"{lent}/{name}" for name in ("libcuda.so.1", "libnvidia-ml.so.1")},
        commands={"nvidia-smi": smi("560.94", "12.6", "560.35.02")},
        children={
            "nvml": nvml_answer("560.94", 12060, [device], f"{lent}/libnvidia-ml.so.1"),
            "cuda_driver": cuda_answer(12060, [cuda_device(board)], f"{lent}/libcuda.so.1"),
        },
    )
    windows.children["nvml"]["value"]["nvmlSystemGetNVMLVersion"] = value("12.560.35.02")
    return system, windows, python(P310), wheels(site(P310), "10.9.0.34")


def wsl() -> FakeMachine:
    return assemble(*_wsl())


def wsl_shadowed() -> FakeMachine:
    libcuda = f"{DEBIAN_FOLDER}/libcuda.so.535.183.01"
    libml = f"{DEBIAN_FOLDER}/libnvidia-ml.so.535.183.01"
    linux_driver = Piece(
        files={libcuda: "", libml: ""},
        links={
            f"{DEBIAN_FOLDER}/libcuda.so.1": libcuda,
            f"{DEBIAN_FOLDER}/libnvidia-ml.so.1": libml,
        },
        cache={name: f"{DEBIAN_FOLDER}/{name}" for name in ("libcuda.so.1", "libnvidia-ml.so.1")},
        commands={
            "nvidia-smi": {
                "exit_code": 9,
                "stdout": "Failed to initialize NVML: Driver Not Loaded\n",
                "stderr": "",
            }
        },
        children={
            "nvml": returned({"init": [9, "Driver Not Loaded"], "library": libml}),
            "cuda_driver": cuda_answer(12020, [], libcuda, init=(100, "CUDA_ERROR_NO_DEVICE")),
        },
    )
    return assemble(*_wsl(), linux_driver)


def mig() -> FakeMachine:
    """One instance 3g.40gb of an A100, named by CUDA_VISIBLE_DEVICES."""
    board = boards.A100
    whole = driver("550.144.03", 12040, board)
    device = nvml_device(board) | {"mig_mode": value([1, 1]), "utilisation": UNSUPPORTED}
    part = cuda_device(board) | {
        "name": f"{board.name} MIG 3g.40gb",
        "memory": 42_144_366_592,
        "multiprocessors": 42,
        "l2": 20_971_520,
    }
    library = f"{DEBIAN_FOLDER}/libcuda.so.550.144.03"
    whole.children |= {
        "nvml": nvml_answer("550.144.03", 12040, [device], library.replace("cuda", "nvidia-ml")),
        "cuda_driver": cuda_answer(12040, [part], library),
    }
    instance = {"CUDA_VISIBLE_DEVICES": "MIG-5c89852c-d268-5c3c-9a8a-1b2c3d4e5f60"}
    return assemble(
        linux(), whole, Piece(env=instance), python(P310), wheels(site(P310), "10.13.3.9")
    )


def vgpu() -> FakeMachine:
    """A guest with a virtual GPU: the host keeps power, clocks, heat and the link to itself."""
    return assemble(
        linux(),
        driver("550.90.07", 12040, boards.A10_VGPU),
        python(P310),
        wheels(site(P310), "10.9.0.34"),
    )


def dgx_fabric_manager_down() -> FakeMachine:
    version = "550.90.07"
    whole = driver(version, 12040, *[boards.H100_SXM] * 8)
    switches: dict[str, str] = {}
    for number in range(4):
        switches |= pci(f"0000:{0x80 + number:02x}:00.0", "0x10de", "0x068000", "0x22a3")
    library = f"{DEBIAN_FOLDER}/libcuda.so.{version}"
    stopped = Piece(
        files={
            **switches,
            **{f"/dev/nvidia-nvswitch{n}": "" for n in ("ctl", *range(4))},
            "/usr/bin/nv-fabricmanager": "",
        },
        commands={
            "nv-fabricmanager": {
                "exit_code": 0,
                "stdout": f"Fabric Manager version is : {version}\n",
                "stderr": "",
            }
        },
        children={
            "cuda_driver": cuda_answer(
                12040, [], library, init=(802, "CUDA_ERROR_SYSTEM_NOT_READY")
            )
        },
    )
    return assemble(
        linux(kernel="5.15.0-1053-nvidia", memory_kb=2_113_000_000),
        whole,
        stopped,
        python(P310),
        wheels(site(P310), "10.13.3.9"),
    )


def _ngc(version: str) -> tuple[Piece, ...]:
    libraries = debian(version, f"{version}.9-1+cuda13.0")
    where = "/usr/local/lib/python3.12/dist-packages"
    own = python(P312, venv=None)
    own.path.append(where)
    return (
        linux(name="Ubuntu 24.04.3 LTS", kernel="6.8.0-85-generic", libc="glibc 2.39"),
        docker(
            NVIDIA_VISIBLE_DEVICES="all",
            NVIDIA_DRIVER_CAPABILITIES="compute,utility,video",
            NVIDIA_PRODUCT_NAME="TensorRT",
            NVIDIA_BUILD_ID="214638433",
        ),
        Piece(
            files={
                "/usr/local/cuda-13.0/version.json": '{"cuda": {"version": "13.0.1"}}',
                "/usr/local/cuda-13.0/compat/lib.real/libcuda.so.1": "",
            },
            links={"/usr/local/cuda": "/usr/local/cuda-13.0"},
            system={"user": "root", "home": "/root", "host": "5f0c3a9d7e21"},
        ),
        libraries,
        own,
        system_bindings(where, f"{version}.9", libraries),
    )


def ngc_container() -> FakeMachine:
    return assemble(*_ngc("10.13.3"), driver("580.82.07", 13000, boards.L4))


def container_without_gpu() -> FakeMachine:
    """``docker run`` without ``--gpus``: the host's kernel shows through, its devices do not."""
    on_host = gpu_on_bus(boards.L4.device, held_by="nvidia", class_code="0x030200")
    return assemble(*_ngc("10.13.3"), on_host, Piece(files=kernel_module("580.82.07")), no_driver())
