"""The probe that measures arithmetic and copies on each GPU, in a child of trtdoctor's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trtdoctor.host import Host, HostError
from trtdoctor.model.facts import Arithmetic, ArithmeticRate, CopyRate, MeasuredGpu, Rate
from trtdoctor.model.spreads import spread

from .asking import answered
from .nvml import clock_reasons
from .observing import Cost, NotThere, Observed, probe

# Nine samples are the fewest whose interval of 19 times of 20 leaves out the extremes on both sides.
_PAYLOAD = {"seconds": 20.0, "sample_ms": 20.0, "samples": 9}
_DEADLINE = 30.0
_NO_TIME = (
    "no time was left for it; CUDA_VISIBLE_DEVICES=N in front of the command measures GPU N alone"
)
_NO_DEVICE = "CUDA_ERROR_NO_DEVICE"
# A lane of PCIe carries so many 10^9 bytes a second, by the link's generation, before its overhead.
_LANE = {1: 0.25, 2: 0.5, 3: 0.985, 4: 1.969, 5: 3.938, 6: 7.563}


@probe(Arithmetic, Cost.ACTIVE)
def arithmetic(host: Host) -> Observed[Arithmetic]:
    """Own small kernels and copies, timed by CUDA events, one GPU after the other."""
    said = answered(
        host.child("arithmetic", _PAYLOAD, deadline=_DEADLINE), "measuring arithmetic on the GPU"
    )
    if "loader" in said:
        loader = str(said["loader"])
        if loader.startswith("libcuda.so.1:") and "No such file" in loader:
            raise NotThere("there is no libcuda.so.1", source="the loader")
        raise HostError(f"libcuda.so.1 cannot be loaded: {loader}")
    if "refused" in said:
        if _NO_DEVICE in str(said["refused"]):
            raise NotThere("CUDA offers no device", source="cuInit")
        raise HostError(str(said["refused"]))
    devices = tuple(_device(raw) for raw in said["devices"])
    if not devices:
        raise NotThere("CUDA offers no device", source="cuDeviceGetCount")
    return Observed(
        value=Arithmetic(devices=devices), source="kernels of its own, timed by CUDA events"
    )


def _device(raw: dict[str, Any]) -> MeasuredGpu:
    major, minor, units = raw.get("major"), raw.get("minor"), raw.get("multiprocessors")
    capability = f"{major}.{minor}" if major is not None and minor is not None else None
    before, after = raw.get("before") or {}, raw.get("after") or {}
    return MeasuredGpu(
        ordinal=raw["ordinal"],
        name=raw.get("name"),
        pci_bus_id=raw.get("pci"),
        compute_capability=capability,
        multiprocessors=units,
        rates=tuple(
            _arithmetic(kind, told, capability, units)
            for kind, told in (raw.get("kinds") or {}).items()
        ),
        copies=tuple(_copies(raw)),
        sm_mhz_before=before.get("sm_mhz"),
        sm_mhz_after=after.get("sm_mhz"),
        throttled=_throttled(raw.get("kinds") or {}),
        other_processes=raw.get("processes"),
        reason=raw.get("error"),
    )


def _arithmetic(
    kind: str, told: dict[str, Any], capability: str | None, units: int | None
) -> ArithmeticRate:
    if "ms" not in told:
        return ArithmeticRate(kind=kind, reason=_why_not(told, capability))
    per_clock = None
    if told["cycles"] and units:
        per_clock = round(told["fma"] / told["cycles"] / units, 2)
    return ArithmeticRate(
        kind=kind,
        instruction=told["instruction"],
        rate=_rate(2 * told["fma"] / 1e12, told["ms"]),
        per_clock=per_clock,
        sm_mhz=_clock(told),
    )


def _why_not(told: dict[str, Any], capability: str | None) -> str:
    error = str(told.get("error"))
    if error == "time":
        return _NO_TIME
    if error == "emulated":
        return (
            f"for compute capability {capability} the driver makes other instructions of this one, so "
            "what was timed would not be it"
        )
    if error == "none":
        return f"compute capability {capability} has no such instruction"
    return error


def _clock(told: dict[str, Any]) -> float | None:
    """The SM's clock in MHz, by its own counters; by NVML where their timer is too coarse."""
    cycles, nanoseconds = float(told["cycles"]), float(told["nanoseconds"])
    if cycles and nanoseconds > 1_000_000:
        megahertz = cycles / nanoseconds * 1000
        if 50 < megahertz < 10_000:
            return round(megahertz, 1)
    seen = (told.get("during") or {}).get("sm_mhz")
    return None if seen is None else float(seen)


def _rate(amount: float, milliseconds: Sequence[float]) -> Rate:
    """``amount`` in each of the samples, by the second."""
    found = spread([amount * 1000 / ms for ms in milliseconds])
    if found is None:
        raise HostError(f"measuring arithmetic on the GPU: {len(milliseconds)} samples are too few")
    median, low, high = (float(f"{value:.5g}") for value in (found.median, found.low, found.high))
    return Rate(median=median, low=low, high=high, samples=found.samples)


def _throttled(kinds: dict[str, Any]) -> tuple[str, ...] | None:
    """Why the clocks were held down while any kind ran; None where NVML never said."""
    seen = [(told.get("during") or {}).get("bits") for told in kinds.values()]
    known = [bits for bits in seen if bits is not None]
    if not known:
        return None
    together = 0
    for bits in known:
        together |= bits
    return tuple(reason for reason in clock_reasons(together) if reason != "gpu-idle")


def _copies(raw: dict[str, Any]) -> list[CopyRate]:
    error = raw.get("copies_error")
    copies = []
    for direction in ("d2d", "h2d", "d2h"):
        told = (raw.get("copies") or {}).get(direction)
        if told is None:
            if error is not None:
                reason = _NO_TIME if error == "time" else str(error)
                copies.append(CopyRate(direction=direction, reason=reason))
            continue
        each = 2 if direction == "d2d" else 1
        rate = _rate(each * told["bytes"] / 1e9, told["ms"])
        limit = _memory_limit(raw) if direction == "d2d" else _link_limit(told.get("link"))
        # A link that is no PCIe, as NVLink-C2C, is faster than what NVML tells of PCIe.
        if limit is not None and rate.median > limit:
            limit = None
        copies.append(CopyRate(direction=direction, rate=rate, limit=limit))
    return copies


def _memory_limit(raw: dict[str, Any]) -> float | None:
    """Both edges of the memory's clock, as wide as its bus, in 10^9 bytes a second."""
    kilohertz, bits = raw.get("memory_khz"), raw.get("bus_bits")
    if not kilohertz or not bits:
        return None
    return round(float(2 * kilohertz * 1000 * bits) / 8 / 1e9, 1)


def _link_limit(link: Sequence[int | None] | None) -> float | None:
    generation, width = link if link and len(link) == 2 else (None, None)
    if generation not in _LANE or not width:
        return None
    return round(_LANE[generation] * width, 1)
