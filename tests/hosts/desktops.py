"""Imagined PCs, each with a GPU and the TensorRT that somebody put onto it."""

from __future__ import annotations

import boards
from measured import measured, tiny_engines
from pieces import (
    assemble,
    driver,
    linux,
    python,
    site,
)
from tensorrts import (
    builder,
    lean_wheels,
    rtx_wheels,
    wheels,
)

from trtdoctor.testing import FakeMachine

P310, P312 = (3, 10, 12), (3, 12, 3)
DEBIAN_FOLDER = "/usr/lib/x86_64-linux-gnu"


def gtx_1080() -> FakeMachine:
    return assemble(
        linux(name="Ubuntu 20.04.6 LTS", kernel="5.15.0-130-generic", libc="glibc 2.31"),
        driver("535.183.01", 12020, boards.GTX_1080),
        python((3, 8, 10)),
        wheels(site((3, 8, 10)), "8.6.1", "", runtime="12.1.105"),
    )


def gtx_1650() -> FakeMachine:
    return assemble(
        linux(),
        driver("550.120", 12040, boards.GTX_1650),
        python(P310),
        wheels(site(P310), "10.9.0.34"),
        builder(tf32=False),
        measured(
            boards.GTX_1650,
            mhz=1665.0,
            per_clock={
                "fp32": 63.6,
                "fp16": 127.3,
                "int8": 254.0,
                "tensor-fp16": 120.0,
                "tensor-fp16-fp32": 60.0,
                "tensor-int8": 240.0,
            },
            memory=(4_001_000, 128),
            link=(3, 16),
        ),
        tiny_engines("10.9.0.34", 5.4, 2.9),
    )


def fp16_held_back() -> FakeMachine:
    """A board whose tensor cores do a quarter of what its kind does, while FP32 is whole."""
    return assemble(
        linux(),
        driver("550.120", 12040, boards.RTX_3090),
        python(P310),
        wheels(site(P310), "10.9.0.34"),
        builder(),
        measured(
            boards.RTX_3090,
            mhz=1695.0,
            per_clock={
                "fp32": 127.1,
                "fp16": 127.0,
                "bf16": 127.0,
                "int8": 254.0,
                "tensor-fp16": 128.0,
                "tensor-fp16-fp32": 64.0,
                "tensor-bf16": 255.0,
                "tensor-tf32": 127.0,
                "tensor-int8": 1015.0,
            },
            memory=(9_751_000, 384),
            link=(4, 16),
        ),
        tiny_engines("10.9.0.34", 0.52, 0.49),
    )


def rtx_5090_old_tensorrt() -> FakeMachine:
    return assemble(
        linux(name="Ubuntu 24.04.2 LTS", kernel="6.11.0-21-generic", libc="glibc 2.39"),
        driver("570.133.20", 12080, boards.RTX_5090),
        python(P312),
        wheels(site(P312), "10.6.0", library="10.6.0.26"),
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
