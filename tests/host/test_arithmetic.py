"""Measuring arithmetic on an imagined GPU, whose driver is a library that only counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trtdoctor.host import Host, HostError, TimedOut
from trtdoctor.host.live import LiveBackend
from trtdoctor.model.facts import Arithmetic, MeasuredGpu
from trtdoctor.probes import NotThere, arithmetic

ALL = {
    "fma.rn.f32": 128,
    "fma.rn.f16x2": 256,
    "fma.rn.bf16x2": 256,
    "dp4a.s32.s32": 256,
    "mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16": 1300,
    "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32": 1280,
    "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32": 1290,
    "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32": 640,
    "mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32": 2600,
    "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32": 1024,
    "wgmma.mma_async.sync.aligned.m64n256k16.f32.f16.f16": 2000,
    "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16": 2010,
    "wgmma.mma_async.sync.aligned.m64n256k8.f32.tf32.tf32": 1000,
    "wgmma.mma_async.sync.aligned.m64n256k32.s32.s8.s8": 4000,
    "wgmma.mma_async.sync.aligned.m64n256k32.f32.e4m3.e4m3": 4010,
}
KINDS = (
    "fp32", "fp16", "bf16", "int8", "tensor-fp16", "tensor-fp16-fp32", "tensor-bf16",
    "tensor-tf32", "tensor-int8", "tensor-fp8",
)  # fmt: skip
HOPPER = ("wgmma-fp16", "wgmma-bf16", "wgmma-tf32", "wgmma-int8", "wgmma-fp8")


@pytest.fixture
def host(drivers: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setenv("LD_LIBRARY_PATH", str(drivers))
    imagine(monkeypatch, ALL)
    backend = LiveBackend(budget=60)
    yield Host(backend)
    backend.close()


def imagine(monkeypatch: pytest.MonkeyPatch, rates: dict[str, int], **settings: str) -> None:
    monkeypatch.setenv("FAKE_RATES", ",".join(f"{name}={rate}" for name, rate in rates.items()))
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


def measured(host: Host) -> tuple[MeasuredGpu, ...]:
    value: Arithmetic = arithmetic.look(host).value
    return value.devices


def clocks(gpu: MeasuredGpu) -> dict[str, float | None]:
    return {rate.kind: rate.per_clock for rate in gpu.rates}


def test_what_is_counted_is_what_the_gpu_does(host: Host) -> None:
    (gpu,) = measured(host)
    assert gpu.name == "Imagined GPU"
    assert (gpu.compute_capability, gpu.multiprocessors) == ("9.0", 10)
    assert tuple(rate.kind for rate in gpu.rates) == KINDS + HOPPER
    per_clock = clocks(gpu)
    for kind, instruction in zip(KINDS + HOPPER, ALL, strict=True):
        if kind == "tensor-fp8":
            continue
        assert per_clock[kind] == pytest.approx(ALL[instruction], rel=0.001), kind
    fp32 = gpu.rate_of("fp32")
    assert fp32 is not None and fp32.rate is not None
    # 128 multiply-adds of two operations, 10 SMs, 1.5 GHz.
    assert fp32.rate.median == pytest.approx(3.84, rel=0.001)
    assert fp32.rate.samples == 9 and fp32.rate.low <= fp32.rate.median <= fp32.rate.high
    assert fp32.sm_mhz == pytest.approx(1500, rel=0.001)


def test_fp8_is_not_measured_where_the_assembler_makes_fp16_of_it(host: Host) -> None:
    (gpu,) = measured(host)
    reason = gpu.rates[len(KINDS) - 1].reason
    assert gpu.rate_of("tensor-fp8") is None and reason is not None
    assert reason.startswith("for compute capability 9.0 the driver makes other instructions")


@pytest.mark.parametrize(
    ("capability", "has"),
    [
        ("5.2", ("fp32",)),
        ("6.0", ("fp32", "fp16")),
        ("6.1", ("fp32", "fp16", "int8")),
        ("6.2", ("fp32", "fp16")),
        ("8.6", KINDS[:-1]),
        ("8.9", KINDS),
        ("12.0", KINDS),
    ],
)
def test_kinds_by_compute_capability(
    host: Host, monkeypatch: pytest.MonkeyPatch, capability: str, has: tuple[str, ...]
) -> None:
    imagine(monkeypatch, ALL, FAKE_CC=capability)
    (gpu,) = measured(host)
    assert tuple(rate.kind for rate in gpu.rates if rate.rate) == has
    for rate in gpu.rates:
        assert (rate.rate is None) == (rate.reason is not None)


def test_a_kernel_that_the_driver_refuses_costs_its_own_kind_alone(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    imagine(monkeypatch, {name: rate for name, rate in ALL.items() if "bf16" not in name})
    (gpu,) = measured(host)
    refused = {rate.kind: rate.reason for rate in gpu.rates if rate.rate is None}
    assert set(refused) == {"bf16", "tensor-bf16", "tensor-fp8", "wgmma-bf16"}
    assert "CUDA_ERROR_INVALID_PTX (218) ptxas application ptx input, line 9" in str(
        refused["bf16"]
    )


def test_copies_and_their_limits(host: Host) -> None:
    (gpu,) = measured(host)
    found = {copy.direction: copy for copy in gpu.copies}
    assert [copy.rate and copy.rate.median for copy in gpu.copies] == pytest.approx([200, 100, 100])
    # 1 GHz, both edges, 128 bytes; sixteen lanes of the sixth generation.
    assert found["d2d"].limit == 256.0
    assert found["h2d"].limit == found["d2h"].limit == 121.0


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("FAKE_PINNED", "none", "cuMemAllocHost_v2: CUDA_ERROR_OUT_OF_MEMORY (2)"),
        ("FAKE_FREE", "1000000", "0 MiB of its memory are free"),
    ],
)
def test_no_memory_for_copies(
    host: Host, monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(name, value)
    (gpu,) = measured(host)
    assert gpu.rate_of("fp32") is not None
    assert [copy.reason for copy in gpu.copies] == [reason] * 3


def test_what_nvml_says_meanwhile(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    imagine(monkeypatch, ALL, FAKE_BITS="0x45", FAKE_OTHERS="2")
    (gpu,) = measured(host)
    assert gpu.throttled == ("sw-power-cap", "hw-thermal-slowdown")
    assert (gpu.other_processes, gpu.sm_mhz_before, gpu.sm_mhz_after) == (2, 1485, 1485)


def test_what_nvml_does_not_say_is_null(host: Host) -> None:
    (gpu,) = measured(host)
    assert gpu.throttled is None
    assert gpu.other_processes == 0


def test_two_gpus_one_after_the_other(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    imagine(monkeypatch, ALL, FAKE_COUNT="2")
    one, other = measured(host)
    assert (one.ordinal, other.ordinal) == (0, 1)
    assert other.rate_of("fp16") is not None
    # NVML knows the first of them alone.
    assert (one.sm_mhz_before, other.sm_mhz_before) == (1485, None)


def test_a_gpu_that_gives_no_context(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_CONTEXT", "2")
    (gpu,) = measured(host)
    assert gpu.reason == "cuDevicePrimaryCtxRetain: CUDA_ERROR_OUT_OF_MEMORY (2)"
    assert not gpu.rates


def test_everything_is_given_back(host: Host) -> None:
    payload: dict[str, Any] = {"seconds": 5.0, "sample_ms": 2.0, "samples": 2}
    assert "living at the end: 0" in host.child("arithmetic", payload).output


def test_no_time_is_told(host: Host) -> None:
    payload = {"seconds": -1.0, "sample_ms": 20.0, "samples": 9}
    (gpu,) = host.child("arithmetic", payload).value["devices"]
    assert {told["error"] for told in gpu["kinds"].values()} == {"time"}
    assert gpu["copies_error"] == "time"


@pytest.mark.parametrize(("name", "value"), [("FAKE_COUNT", "0"), ("FAKE_INIT", "100")])
def test_no_gpu_is_absence(
    host: Host, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(NotThere, match="CUDA offers no device"):
        arithmetic.look(host)


def test_a_driver_that_does_not_start_is_no_absence(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_INIT", "999")
    with pytest.raises(HostError, match=r"cuInit: CUDA_ERROR_UNKNOWN \(999\)"):
        arithmetic.look(host)


def test_events_that_count_no_time(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_STILL", "yes")
    (gpu,) = measured(host)
    reasons = {rate.reason for rate in gpu.rates} | {copy.reason for copy in gpu.copies}
    assert "CUDA's events counted no time" in reasons
    assert not any(rate.rate for rate in gpu.rates)


def test_a_gpu_that_hangs(drivers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", str(drivers))
    imagine(monkeypatch, ALL, FAKE_HANG="yes")
    backend = LiveBackend(budget=1)
    try:
        with pytest.raises(TimedOut, match="measuring arithmetic on the GPU: no answer within"):
            arithmetic.look(Host(backend))
    finally:
        backend.close()
