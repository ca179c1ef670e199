"""What two engines tell of themselves, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trtdoctor.model.comparison import SideBySide
from trtdoctor.model.engine import EngineReport, IOTensor, Summary
from trtdoctor.model.plural import count

_MOST_TENSORS = 6


def side_by_side(
    a: EngineReport, b: EngineReport, *, memory: tuple[int | None, int | None] = (None, None)
) -> tuple[SideBySide, ...]:
    """Each property that at least one of the engines tells.

    Args:
        a: The engine that is there.
        b: The other.
        memory: What running each takes on the GPU beside its weights, in bytes.
    """
    ours, theirs = dict(_told(a, memory[0])), dict(_told(b, memory[1]))
    return tuple(
        SideBySide(what=what, a=ours[what], b=theirs[what], same=ours[what] == theirs[what])
        for what in ours
        if ours[what] is not None or theirs[what] is not None
    )


def _told(engine: EngineReport, memory: int | None) -> Iterator[tuple[str, str | None]]:
    """The same labels for every engine, in order."""
    yield from _identity(engine)
    yield "size", _bytes(engine.size)
    yield "weights", _bytes(engine.identity.weights_bytes if engine.identity else None)
    yield "context memory", _bytes(memory)
    yield from _shares(engine)
    yield from _run(engine)


def _identity(engine: EngineReport) -> Iterator[tuple[str, str | None]]:
    identity, build = engine.identity, engine.build
    made_by = " ".join(
        part
        for part in (
            identity.product if identity else None,
            identity.tensorrt_version if identity else None,
        )
        if part
    )
    yield "made by", made_by or None
    yield "made for", _made_for(engine)
    yield "platform", identity.platform if identity else None
    yield "typing", None if engine.typing.value == "unknown" else engine.typing.value
    yield "asked for", None if build is None else _asked(engine)
    yield "flags", None if build is None else ", ".join(build.flags) or "none"
    yield "TF32 allowed", _yes(identity.tf32_allowed if identity else None)
    for mode in ("input", "output"):
        tensors = [t for t in (identity.io if identity else None) or () if t.mode == mode]
        yield f"{mode}s", _tensors(tensors)
    yield "profiling verbosity", identity.profiling_verbosity if identity else None


def _made_for(engine: EngineReport) -> str | None:
    identity = engine.identity
    if identity is None or not identity.compute_capabilities:
        return None
    text = f"compute capability {', '.join(identity.compute_capabilities)}"
    if identity.hardware_compatibility not in (None, "none"):
        text += f" ({identity.hardware_compatibility})"
    return text


def _asked(engine: EngineReport) -> str:
    build = engine.build
    assert build is not None
    text = build.precision
    if build.converted_by is not None:
        text += f", converted by {build.converted_by}"
        if build.kept:
            text += f", {count(len(build.kept), 'node')} kept in FP32"
    return text


def _tensors(tensors: Sequence[IOTensor]) -> str | None:
    if not tensors:
        return None
    listed = ", ".join(map(_tensor, tensors[:_MOST_TENSORS]))
    more = len(tensors) - _MOST_TENSORS
    return listed + (f" and {more} more" if more > 0 else "")


def _tensor(tensor: IOTensor) -> str:
    if tensor.shape is None:
        return f"{tensor.name} {tensor.dtype}"
    shape = "x".join("?" if extent < 0 else str(extent) for extent in tensor.shape)
    return f"{tensor.name} {tensor.dtype} {shape or 'scalar'}"


def _shares(engine: EngineReport) -> Iterator[tuple[str, str | None]]:
    summary = engine.summary
    found = summary or Summary()
    told = summary is not None
    yield "compute layers", str(found.counted.layers) if told else None
    kinds = ", ".join(
        f"{count} {precision.value}" for precision, count in found.layers_by_precision.items()
    )
    yield "by precision", kinds or None
    for what in ("layers", "time", "weights"):
        yield f"FP16 by {what}", _percent(getattr(found.fp16_share, what))
    unknown = found.unknown_share.layers
    yield "unknown by layers", _percent(unknown) if unknown else None
    conversions = found.conversions
    yield "conversions", str(conversions.count) if told else None
    share = conversions.share_of_time
    of_all = "" if share is None else f", {_percent(share)} of all time"
    spent = conversions.time_ms
    yield "time of conversions", None if spent is None else f"{spent:.4f} ms{of_all}"


def _run(engine: EngineReport) -> Iterator[tuple[str, str | None]]:
    measured = engine.measured
    gpu = None if measured is None else measured.gpu
    yield "measured on", gpu
    for label, field in (("copying inputs", "h2d_ms"), ("copying outputs", "d2h_ms")):
        spread = None if measured is None else getattr(measured, field)
        yield label, None if spread is None else f"{spread.median:.4f} ms"
    launch = None if measured is None else measured.launch_bound
    yield "launch-bound", _yes(launch)


def _yes(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.1%}"


def _bytes(number: int | None) -> str | None:
    if number is None:
        return None
    value = float(number)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
