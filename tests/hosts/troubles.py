"""Imagined machines whose driver or whose TensorRT is in trouble."""

from __future__ import annotations

import boards
from pieces import (
    Piece,
    assemble,
    cuda_answer,
    driver,
    gpu_on_bus,
    kernel_module,
    linux,
    no_driver,
    nodes,
    packages,
    pci,
    python,
    returned,
    site,
)
from tensorrts import (
    debian,
    import_fails,
    wheels,
)

from trtdoctor.testing import FakeMachine

P310, P312 = (3, 10, 12), (3, 12, 3)
DEBIAN_FOLDER = "/usr/lib/x86_64-linux-gnu"


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
