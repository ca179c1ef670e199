"""Machines made by hand from facts, recorded as ``check --host`` replays them.

``python tests/hosts/imagined.py [FOLDER]`` writes each machine's recording anew, into this folder
unless another is given.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import boards
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
    nodes,
    nvml_answer,
    nvml_device,
    packages,
    pci,
    python,
    returned,
    site,
    smi,
    value,
)
from tensorrts import (
    debian,
    import_fails,
    lean_wheels,
    rtx_wheels,
    system_bindings,
    wheels,
)

from trtdoctor import __version__
from trtdoctor.diagnosis.collect import Collection
from trtdoctor.host import Host
from trtdoctor.host.recorded import Recorder, RecordingHeader
from trtdoctor.probes import PROBES, choose
from trtdoctor.testing import FakeMachine

NOTE = "Made by hand from facts by tests/hosts/imagined.py; not recorded on a machine."
TAKEN = "2026-11-22T12:00:00Z"
P310, P312 = (3, 10, 12), (3, 12, 3)
DEBIAN_FOLDER = "/usr/lib/x86_64-linux-gnu"


class Imagined(NamedTuple):
    make: Callable[[], FakeMachine]
    active: bool = False


def builder(module: str = "tensorrt", *, fast_fp16: bool = True, tf32: bool = True) -> Piece:
    """A Builder that could be made, as TensorRT up to 10 answers."""
    said = {"ending": "returned", "log": [], "fast_fp16": fast_fp16, "fast_int8": True}
    return Piece(
        children={f"make_builder:{module}": returned({**said, "tf32": tf32, "plugins": 61})}
    )


# --- Jetson ---------------------------------------------------------------------------------------


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
        system_bindings(own, "10.3.0", libraries, machine="aarch64"),
        builder(),
    )


def jetson_orin_pip_tensorrt() -> FakeMachine:
    return assemble(
        *_orin_base(),
        debian("10.3.0", "10.3.0.30-1+cuda12.5", machine="aarch64"),
        python(P310, machine="aarch64"),
        wheels(site(P310), "10.13.3.9", machine="aarch64"),
    )


# --- WSL ------------------------------------------------------------------------------------------


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


# --- GPUs and the TensorRT for them ---------------------------------------------------------------


def gtx_1080() -> FakeMachine:
    return assemble(
        linux(name="Ubuntu 20.04.6 LTS", kernel="5.15.0-130-generic", libc="glibc 2.31"),
        driver("535.183.01", 12020, boards.GTX_1080),
        python((3, 8, 10)),
        wheels(site((3, 8, 10)), "8.6.1", ""),
    )


def gtx_1650() -> FakeMachine:
    return assemble(
        linux(),
        driver("550.120", 12040, boards.GTX_1650),
        python(P310),
        wheels(site(P310), "10.9.0.34"),
        builder(tf32=False),
    )


def rtx_5090_old_tensorrt() -> FakeMachine:
    return assemble(
        linux(name="Ubuntu 24.04.2 LTS", kernel="6.11.0-21-generic", libc="glibc 2.39"),
        driver("570.133.20", 12080, boards.RTX_5090),
        python(P312),
        wheels(site(P312), "10.6.0"),
    )


def rtx_4090_trt11() -> FakeMachine:
    return assemble(
        linux(name="Ubuntu 24.04.3 LTS", kernel="6.14.0-33-generic", libc="glibc 2.39"),
        driver("580.95.05", 13000, boards.RTX_4090),
        python(P312),
        wheels(site(P312), "11.4.0.106", "cu13"),
    )


def rtx_and_trt() -> FakeMachine:
    where = site(P312)
    return assemble(
        linux(name="Ubuntu 24.04.3 LTS", kernel="6.14.0-33-generic", libc="glibc 2.39"),
        driver("580.95.05", 13000, boards.RTX_4070),
        python(P312),
        wheels(where, "10.16.1.11"),
        lean_wheels(where, "10.16.1.11"),
        rtx_wheels(where, "1.7.1.116"),
    )


def laptop_idle() -> FakeMachine:
    return assemble(
        linux(memory_kb=16_100_000),
        driver("550.120", 12040, boards.RTX_4060_LAPTOP),
        python(P310),
        wheels(site(P310), "10.13.3.9"),
    )


def volta_trt_10_9() -> FakeMachine:
    return assemble(
        linux(),
        driver("550.144.03", 12040, boards.V100),
        python(P310),
        wheels(site(P310), "10.9.0.34"),
    )


def unknown_gpu() -> FakeMachine:
    return assemble(
        linux(name="Ubuntu 24.04.3 LTS", kernel="6.14.0-33-generic", libc="glibc 2.39"),
        driver("620.10", 13050, boards.FUTURE),
        python(P312),
        wheels(site(P312), "11.4.0.106", "cu13"),
    )


def driver_too_old() -> FakeMachine:
    return assemble(
        linux(),
        driver("470.256.02", 11040, boards.T4),
        python(P310),
        wheels(site(P310), "10.9.0.34"),
    )


# --- servers and what is cut from them -------------------------------------------------------------


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


# --- containers -----------------------------------------------------------------------------------


def _ngc(version: str) -> tuple[Piece, ...]:
    libraries = debian(version, f"{version}.9-1+cuda13.0")
    where = "/usr/local/lib/python3.12/dist-packages"
    own = python(P312, venv=None)
    own.path.append(where)
    return (
        linux(name="Ubuntu 24.04.3 LTS", kernel="6.8.0-85-generic", libc="glibc 2.39"),
        docker(NVIDIA_VISIBLE_DEVICES="all", NVIDIA_DRIVER_CAPABILITIES="compute,utility,video"),
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


# --- drivers in trouble ---------------------------------------------------------------------------


def _desktop(whole: Piece, *more: Piece) -> FakeMachine:
    return assemble(linux(), whole, *more, python(P310), wheels(site(P310), "10.9.0.34"))


def driver_mismatch() -> FakeMachine:
    """The driver was updated and the machine not restarted."""
    whole = driver("535.183.01", 12020, boards.RTX_3090)
    library = f"{DEBIAN_FOLDER}/libcuda.so.535.183.01"
    old = Piece(
        files=kernel_module("535.161.07"),
        commands={
            "nvidia-smi": {
                "exit_code": 18,
                "stdout": "Failed to initialize NVML: Driver/library version mismatch\n"
                "NVML library version: 535.183\n",
                "stderr": "",
            }
        },
        children={
            "nvml": returned(
                {
                    "init": [18, "RM has detected an NVML/RM version mismatch."],
                    "library": library.replace("cuda", "nvidia-ml"),
                }
            ),
            "cuda_driver": cuda_answer(
                12020, [], library, init=(803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH")
            ),
        },
    )
    return _desktop(whole, old)


def nodes_denied() -> FakeMachine:
    whole = driver("550.144.03", 12040, boards.RTX_3090)
    library = f"{DEBIAN_FOLDER}/libcuda.so.550.144.03"
    refused = {"kind": "other", "size": 0, "readable": False, "writable": False}
    closed = Piece(
        files=dict.fromkeys(nodes(1), refused),
        commands={
            "nvidia-smi": {
                "exit_code": 4,
                "stdout": "Failed to initialize NVML: Insufficient Permissions\n",
                "stderr": "",
            }
        },
        children={
            "nvml": returned(
                {
                    "init": [4, "Insufficient Permissions"],
                    "library": library.replace("cuda", "nvidia-ml"),
                }
            ),
            "cuda_driver": cuda_answer(12040, [], library, init=(100, "CUDA_ERROR_NO_DEVICE")),
        },
    )
    return _desktop(whole, closed)


def smi_hangs() -> FakeMachine:
    """A GPU that fell silent: whoever asks the driver for it waits for ever."""
    silent = {"output": "", "ending": "deadline", "detail": "no answer within 20 s"}
    hung = Piece(
        commands={
            "nvidia-smi": {
                "error": "timeout",
                "detail": "/usr/bin/nvidia-smi did not end within 10 s",
            }
        },
        children={"nvml": silent, "cuda_driver": silent},
    )
    return _desktop(driver("550.144.03", 12040, boards.RTX_3090), hung)


def no_driver_desktop() -> FakeMachine:
    sound = Piece(files=pci("0000:01:00.1", "0x10de", "0x040300", "0x1aef"))
    card = gpu_on_bus(boards.RTX_3090.device, held_by="nouveau", class_code="0x030000")
    return _desktop(card, sound, no_driver())


def no_nvidia_laptop() -> FakeMachine:
    graphics = Piece(files=pci("0000:00:02.0", "0x8086", "0x030000", "0xa7a0"))
    return assemble(
        linux(memory_kb=16_100_000),
        graphics,
        no_driver(),
        python(P310),
        wheels(site(P310), "10.9.0.34"),
    )


# --- TensorRT in trouble --------------------------------------------------------------------------


def import_segfault() -> FakeMachine:
    where = site(P310)
    died = import_fails(
        "signal",
        "SIGSEGV",
        "Fatal Python error: Segmentation fault\n\nCurrent thread 0x00007f1c2a9c4000 (most recent "
        f'call first):\n  File "<frozen importlib._bootstrap>", line 241 in _call_with_frames_removed\n'
        f'  File "{where}/tensorrt/__init__.py", line 75 in <module>\n',
    )
    return assemble(
        linux(),
        driver("550.144.03", 12040, boards.RTX_3090),
        python(P310),
        wheels(where, "10.9.0.34", import_answer=died),
    )


def half_installed() -> FakeMachine:
    """The bindings for CUDA 13 alone, as pip leaves them where NVIDIA's index is out of reach."""
    where = site(P312)
    missing = import_fails(
        "exception",
        "ImportError: libnvonnxparser.so.11: cannot open shared object file: No such file or directory",
    )
    whole = wheels(where, "11.4.0.106", "cu13", import_answer=missing)
    bindings = Piece(
        libraries={p: v for p, v in whole.libraries.items() if "/tensorrt_bindings/" in p},
        packages=packages(where, {"numpy": "2.2.6", "tensorrt-cu13-bindings": "11.4.0.106"}, {}),
        modules={"tensorrt_bindings": f"{where}/tensorrt_bindings"},
        children={"import_module:tensorrt_bindings": missing},
    )
    return assemble(
        linux(name="Ubuntu 24.04.3 LTS", kernel="6.14.0-33-generic", libc="glibc 2.39"),
        driver("580.95.05", 13000, boards.RTX_4090),
        python(P312),
        bindings,
    )


def several_installs() -> FakeMachine:
    """The index's TensorRT in Python beside an older one of Debian packages with its trtexec."""
    return assemble(
        linux(),
        driver("550.144.03", 12040, boards.RTX_3090),
        debian("10.3.0", "10.3.0.26-1+cuda12.5"),
        python(P310),
        wheels(site(P310), "10.13.3.9"),
    )


MACHINES: dict[str, Imagined] = {
    "healthy-imagined-jetson-orin": Imagined(jetson_orin, active=True),
    "imagined-jetson-orin-pip-tensorrt": Imagined(jetson_orin_pip_tensorrt),
    "healthy-imagined-wsl": Imagined(wsl),
    "imagined-wsl-shadowed": Imagined(wsl_shadowed),
    "imagined-gtx-1080": Imagined(gtx_1080),
    "imagined-gtx-1650": Imagined(gtx_1650, active=True),
    "imagined-rtx-5090-old-tensorrt": Imagined(rtx_5090_old_tensorrt),
    "imagined-container-without-gpu": Imagined(container_without_gpu),
    "healthy-imagined-rtx-4090-trt11": Imagined(rtx_4090_trt11),
    "healthy-imagined-rtx-and-trt": Imagined(rtx_and_trt),
    "healthy-imagined-ngc-container": Imagined(ngc_container),
    "healthy-imagined-laptop-idle": Imagined(laptop_idle),
    "healthy-imagined-mig": Imagined(mig),
    "imagined-vgpu": Imagined(vgpu),
    "imagined-dgx-fabric-manager-down": Imagined(dgx_fabric_manager_down),
    "imagined-driver-mismatch": Imagined(driver_mismatch),
    "imagined-nodes-denied": Imagined(nodes_denied),
    "imagined-smi-hangs": Imagined(smi_hangs),
    "imagined-import-segfault": Imagined(import_segfault),
    "imagined-half-installed": Imagined(half_installed),
    "imagined-several-installs": Imagined(several_installs),
    "imagined-driver-too-old": Imagined(driver_too_old),
    "imagined-volta-trt-10.9": Imagined(volta_trt_10_9),
    "imagined-unknown-gpu": Imagined(unknown_gpu),
    "imagined-no-driver-desktop": Imagined(no_driver_desktop),
    "imagined-no-nvidia-laptop": Imagined(no_nvidia_laptop),
}


def record(name: str, folder: Path) -> None:
    """Look at an imagined machine with today's probes and save what they were answered."""
    imagined = MACHINES[name]
    recorder = Recorder(imagined.make())
    host = Host(recorder)
    host.target = choose(host, None)
    Collection(host, PROBES, active=imagined.active).finish(budget=30, taken=TAKEN)
    header = RecordingHeader(
        tool=__version__, taken=TAKEN, note=NOTE, active=imagined.active, target=host.target
    )
    recorder.save(folder / name, header)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for name in MACHINES:
        record(name, folder)


if __name__ == "__main__":
    main()
