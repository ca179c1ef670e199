"""How fast two engines are, by one clock, and by what factor they differ, with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from trtdoctor.model.build import Measurement, Spread
from trtdoctor.model.engine import EngineReport

PROFILE = "profile"
# The nearer to what a kernel takes, and the less of the host is in it, the better it compares.
_CLOCKS = ("graph_ms", "events_ms", "wall_ms", "single_ms")
# Two GPUs of a kind drift by a few per cent; beyond this the clocks explain more than the engines.
_SAME_CLOCK = 0.05


@dataclass(frozen=True, kw_only=True)
class Times:
    """Both times by one clock.

    Attributes:
        a: A's time.
        b: B's time.
        clock: Which clock, a field of `Measurement`, or `PROFILE` for the sum of layers' times.
        gain: By what factor B is faster, and its interval.
        why_not: Why there is no factor that counts; one clause.
        notes: What else bears on it.
    """

    a: Spread | None = None
    b: Spread | None = None
    clock: str | None = None
    gain: tuple[float, float, float] | None = None
    why_not: str | None = None
    notes: tuple[str, ...] = ()


def compare_times(a: EngineReport, b: EngineReport, *, apart: str | None) -> Times:
    """The best clock that both sides have, and the factor where it means something.

    Args:
        a: The engine that is there.
        b: The other.
        apart: Why the two do not do the same work, where they do not.
    """
    first, second = a.measured, b.measured
    if first is None or second is None:
        return _by_profile(a, b, apart)
    clock = next(
        (c for c in _CLOCKS if getattr(first, c) is not None and getattr(second, c) is not None),
        None,
    )
    if clock is None:
        return _by_profile(a, b, apart)
    ours: Spread = getattr(first, clock)
    theirs: Spread = getattr(second, clock)
    why_not = apart or _elsewhere(first, second) or _impossible(ours, theirs)
    gain = None if why_not else _ratio(ours, theirs)
    notes = tuple(_notes(first, second))
    return Times(a=ours, b=theirs, clock=clock, gain=gain, why_not=why_not, notes=notes)


def _ratio(a: Spread, b: Spread) -> tuple[float, float, float]:
    """A's time by B's; both intervals at their worst."""
    return a.median / b.median, a.low / b.high, a.high / b.low


def _impossible(a: Spread, b: Spread) -> str | None:
    sound = all(0 < each.low <= each.median <= each.high for each in (a, b))
    return None if sound else "a measured time is none"


def _elsewhere(a: Measurement, b: Measurement) -> str | None:
    """Why two measurements are not of the same thing."""
    for what, one, other in (
        ("GPU", a.gpu, b.gpu),
        ("compute capability", a.compute_capability, b.compute_capability),
    ):
        if one is not None and other is not None and one != other:
            return f"A was measured on {what} {one} and B on {other}"
    if a.shapes and b.shapes and a.shapes != b.shapes:
        return f"A was measured with {_shapes(a)} and B with {_shapes(b)}"
    if a.sm_mhz and b.sm_mhz:
        ours, theirs = max(a.sm_mhz), max(b.sm_mhz)
        if abs(ours - theirs) > _SAME_CLOCK * max(ours, theirs):
            return f"the GPU ran at {ours:,} MHz for A and at {theirs:,} MHz for B"
    if bool(a.throttled) != bool(b.throttled):
        side, why = ("A", a.throttled) if a.throttled else ("B", b.throttled)
        return f"the GPU's clocks were held down while {side} was measured ({', '.join(why)})"
    if bool(a.other_processes) != bool(b.other_processes):
        side = "A" if a.other_processes else "B"
        return f"other processes computed on the GPU while {side} was measured"
    return None


def _shapes(measured: Measurement) -> str:
    return ", ".join(
        f"{name} {'x'.join(map(str, extents)) or 'scalar'}"
        for name, extents in measured.shapes.items()
    )


def _notes(a: Measurement, b: Measurement) -> list[str]:
    notes = []
    unknown = [
        what
        for what, told in (("GPU", a.gpu and b.gpu), ("shapes", a.shapes and b.shapes))
        if not told
    ]
    if unknown:
        notes.append(
            f"nothing shows that both were measured with the same {' and '.join(unknown)}; the factor "
            "holds only where they were"
        )
    if a.throttled and b.throttled:
        notes.append("the GPU's clocks were held down while both engines were measured")
    if a.other_processes and b.other_processes:
        notes.append("other processes computed on the GPU while both engines were measured")
    for side, each in (("A", a), ("B", b)):
        notes += [f"{side}: {note}" for note in each.notes]
        if each.launch_bound:
            notes.append(
                f"{side} spends its time on starting kernels, not on running them: a CUDA graph or a "
                "larger batch helps more than another precision"
            )
    if a.through != b.through and a.through and b.through:
        notes.append(f"A was measured through {a.through} and B through {b.through}")
    return notes


# By profiles -------------------------------------------------------------------------------------


def _by_profile(a: EngineReport, b: EngineReport, apart: str | None) -> Times:
    """The sums of the layers' own times, which have no interval and leave out gaps."""
    missing = _missing(a, b)
    ours, theirs = layer_times(a), layer_times(b)
    if ours is None or theirs is None:
        return Times(why_not=apart or missing)
    note = (
        "the times are the sums of the layers' own times in the profiles: they have no interval and "
        "leave out the gaps between kernels"
    )
    return Times(
        a=_alone(ours), b=_alone(theirs), clock=PROFILE, why_not=apart or missing, notes=(note,)
    )


def _missing(a: EngineReport, b: EngineReport) -> str:
    sides = [side for side, each in (("A", a), ("B", b)) if each.measured is None]
    if len(sides) == 2:
        return "neither engine was measured as a whole"
    if not sides:
        return "no clock measured both engines"
    return f"{sides[0]} was not measured as a whole"


def _alone(time: float) -> Spread:
    return Spread(median=time, low=time, high=time, samples=1)


def layer_times(engine: EngineReport) -> float | None:
    """The sum of the layers' times in milliseconds; None where there is no profile."""
    measured = engine.measured
    if measured is not None and measured.kernels_ms is not None:
        return measured.kernels_ms
    times = [layer.time_ms for layer in engine.layers if layer.time_ms is not None]
    total = sum(times)
    return total if times and isfinite(total) else None
