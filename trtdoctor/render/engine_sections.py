"""Engines as titled tables, the same for every renderer: identity, precisions, layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any

from trtdoctor.model.engine import (
    EngineReport,
    Layer,
    LayersSource,
    Precision,
    Role,
    ShapeRange,
    Summary,
)
from trtdoctor.model.finding import Confidence
from trtdoctor.model.plural import count

from .recorded_sections import recorded_sections
from .section import ENGINE_TYPING
from .section import Section as Section
from .section import percent as percent
from .section import size as size

_FULL = frozenset({Precision.FP16})
# Types of arithmetic that need no explanation beside FP16: they are narrower, or not floating point.
_FINE = _FULL | {
    Precision.INT8,
    Precision.INT4,
    Precision.FP8,
    Precision.FP4,
    Precision.INT32,
    Precision.INT64,
    Precision.BOOL,
    Precision.UINT8,
}
_MOST_LISTED = 10
_MOST_KINDS = 500
_SOURCES = {
    LayersSource.LIVE: "from the engine inspector, loaded here",
    LayersSource.LAYERS_FILE: "from the inspector's output that was given",
    LayersSource.BUILD_LOG: "from the log that was given",
    LayersSource.STATIC: "observed in the file (unofficial: likely at best)",
}


def engine_sections(
    engines: tuple[EngineReport, ...],
    *,
    all_layers: bool = False,
    gather_above: int | None = None,
) -> Iterator[Section]:
    """Everything there is to show of what is in the engines, in order.

    Before a table of more than ``gather_above`` layers stands one that counts those that are alike.
    """
    names = names_of(engines)
    if len(engines) > 1:
        yield _comparison(engines, names)
    for engine in engines:
        if engine.tuning is None:
            yield Section(title=names[engine.path], rows=tuple(_identity(engine)))
        yield from recorded_sections(engine, names[engine.path], everything=all_layers)
        if engine.layers and _silent(engine) and not all_layers:
            yield _named(engine)
        elif engine.layers:
            if not _silent(engine):
                yield _precisions(engine)
            listed = _listed(engine)
            if all_layers:
                if gather_above is not None and len(engine.layers) > gather_above:
                    yield _alike(engine.layers)
                yield _layers("Layers, and the ONNX nodes in them", engine.layers, nodes=True)
                for block in engine.blocks:
                    yield _layers(f"Inside {block.name}", block.layers, nodes=True)
            elif listed:
                yield _layers(*listed)


def names_of(engines: tuple[EngineReport, ...]) -> dict[str, str]:
    """The file name of each path, with as many folders before it as tell the files apart."""
    names = {engine.path: PurePath(engine.path) for engine in engines}
    longest = max((len(path.parts) for path in names.values()), default=1)
    for length in range(1, longest + 1):
        short = {path: str(PurePath(*parts.parts[-length:])) for path, parts in names.items()}
        if len(set(short.values())) == len(short):
            return short
    return {path: path for path in names}


def _identity(engine: EngineReport) -> Iterator[tuple[str, str]]:
    if engine.what:
        yield "File", f"{size(engine.size)}. {engine.what}"
    if engine.to_do:
        yield "To do", engine.to_do
    if engine.sha256:
        yield "SHA-256", engine.sha256
    identity = engine.identity
    if identity is not None:
        yield (
            "Made by",
            _sure(
                f"{identity.product or 'unknown product'} {identity.tensorrt_version or ''}".strip(),
                identity.confidence.get("tensorrt_version"),
            ),
        )
        yield "Made for", _made_for(engine)
        if identity.built_on:
            yield "Built on", ", ".join(_built_on(identity.built_on))
        flags = _flags(engine)
        if flags:
            yield "Flags", ", ".join(flags)
        if engine.capture is None:
            yield "Profiling", f"verbosity {identity.profiling_verbosity or 'unknown'}"
        for label, mode in (("Inputs", "input"), ("Outputs", "output")):
            tensors = [t for t in identity.io or () if t.mode == mode]
            for number, tensor in enumerate(tensors):
                yield (
                    (label if number == 0 else ""),
                    f"{tensor.name} {tensor.dtype} {_shape(tensor.shape)}",
                )
        for number, profile in enumerate(identity.profiles or ()):
            for name, extents in profile.items():
                yield f"Profile {number}", f"{name} {_range(extents)}"
        for key, value in identity.metadata.items():
            yield f"  {key}", str(value)
    yield "Typing", ENGINE_TYPING.get(engine.typing, engine.typing.value)
    if engine.capture is None:
        yield "Layers", _source(engine)
    for note in engine.notes:
        yield "Note", note


def _source(engine: EngineReport) -> str:
    source = engine.layers_source
    if source is None:
        return "none could be read"
    return f"{len(engine.layers)}, {_SOURCES.get(source, f'from {source.value}')}"


def _made_for(engine: EngineReport) -> str:
    identity = engine.identity
    assert identity is not None
    known = identity.compute_capabilities
    text = "compute capability " + (", ".join(known) if known else "unknown")
    if known:
        text = _sure(text, identity.confidence.get("compute_capabilities"))
    if identity.hardware_compatibility not in (None, "none"):
        text += f", hardware compatible: {identity.hardware_compatibility}"
    return f"{text}; platform {identity.platform or 'unknown'}"


def _built_on(record: dict[str, Any]) -> Iterator[str]:
    if board := record.get("board"):
        yield str(board)
    for key, word in (
        ("compute_capability", "compute capability {}"),
        ("multiprocessors", "{} multiprocessors"),
        ("bus_bits", "{} bit memory bus"),
    ):
        if record.get(key):
            yield word.format(record[key])
    if record.get("memory_bytes"):
        yield size(int(record["memory_bytes"]))


def _flags(engine: EngineReport) -> list[str]:
    identity = engine.identity
    assert identity is not None
    words = []
    for value, yes, no in (
        (identity.refittable, "refittable", None),
        (identity.tf32_allowed, "TF32 allowed", "TF32 not allowed"),
        (identity.version_compatible, "version compatible", None),
        (identity.weight_streaming, "weight streaming", None),
        (identity.sparse_weights, "sparse weights allowed", None),
    ):
        word = yes if value else no if value is False else None
        if word:
            words.append(word)
    if identity.weights_bytes is not None:
        words.append(f"weights {size(identity.weights_bytes)}")
    return words


def _sure(text: str, confidence: Confidence | None) -> str:
    if confidence is None or confidence is Confidence.CERTAIN:
        return text
    return f"{text} ({confidence.value})"


def _shape(shape: tuple[int, ...] | None) -> str:
    return "[?]" if shape is None else "[" + ", ".join(map(str, shape)) + "]"


def _range(extents: ShapeRange) -> str:
    return f"min {_shape(extents.min)} opt {_shape(extents.opt)} max {_shape(extents.max)}"


def _silent(engine: EngineReport) -> bool:
    """Whether there is a share of FP16 and nothing tells it."""
    summary = engine.summary
    return summary is not None and summary.counted.layers > 0 and summary.fp16_share.layers is None


def _named(engine: EngineReport) -> Section:
    """The layers where no more is told of them than their names."""
    layers = _once(engine)
    timed = any(layer.time_ms is not None for layer in layers)
    if timed:
        layers.sort(key=lambda layer: layer.time_ms or 0.0, reverse=True)
    title = "FP16: unknown, because only the layers' names are known"
    if len(layers) > _MOST_LISTED:
        title += f" ({_MOST_LISTED} of {len(layers)}, --all shows every layer)"
    rows = [
        ("" if layer.time_ms is None else f"{layer.time_ms:.4f}", layer.name)
        for layer in layers[:_MOST_LISTED]
    ]
    if not timed:
        rows_named = tuple(row[1:] for row in rows)
        return Section(title=title, columns=("layer",), rows=rows_named, kind="layers")
    return Section(title=title, columns=("ms", "layer"), rows=tuple(rows), kind="layers")


def _once(engine: EngineReport) -> list[Layer]:
    """The layers of the first optimisation profile, which the shares count; the others repeat them."""
    first = min((layer.profile for layer in engine.layers), default=0)
    return [layer for layer in engine.layers if layer.profile == first]


def _precisions(engine: EngineReport) -> Section:
    """One row a type of layer, one column a precision; compute layers alone."""
    compute = [layer for layer in _once(engine) if layer.role is Role.COMPUTE]
    present = [p for p in Precision if any(layer.precision is p for layer in compute)]
    by_type: dict[str, Counter[Precision]] = {}
    for layer in compute:
        by_type.setdefault(layer.type or "unknown", Counter())[layer.precision] += 1
    rows = [
        (kind, *(str(counts[p]) if counts[p] else "" for p in present), str(sum(counts.values())))
        for kind, counts in sorted(by_type.items(), key=lambda item: (-item[1].total(), item[0]))
    ]
    if len(rows) > 1:
        totals = [str(sum(1 for x in compute if x.precision is p)) for p in present]
        rows.append(("all compute layers", *totals, str(len(compute))))
    return Section(
        title=headline(engine),
        columns=("layer type", *(p.value for p in present), "all"),
        rows=tuple(rows),
    )


def headline(engine: EngineReport) -> str:
    """How much of an engine is FP16, by what is known, in one line."""
    summary = engine.summary or Summary()
    share, conversions = summary.fp16_share, summary.conversions
    parts = [f"{percent(share.layers)} of compute layers"]
    if share.time is not None:
        parts.append(f"{percent(share.time)} of their time")
    if share.weights is not None:
        parts.append(f"{percent(share.weights)} of the weights")
    text = "FP16: " + ", ".join(parts)
    if summary.unknown_share.layers:
        text += f"; unknown: {percent(summary.unknown_share.layers)} of compute layers"
        if summary.unknown_share.time is not None:
            text += f", {percent(summary.unknown_share.time)} of their time"
    if conversions.count:
        one = conversions.count == 1
        text += "; one conversion" if one else f"; {conversions.count} conversions"
        if conversions.share_of_time is not None:
            takes = "takes" if one else "take"
            text += f" {takes} {percent(conversions.share_of_time)} of all time"
    return text


def _listed(engine: EngineReport) -> tuple[str, tuple[Layer, ...]] | None:
    """The layers that are not FP16 and that cost most, by time, else by weights."""
    found = [
        layer
        for layer in _once(engine)
        if layer.role is Role.COMPUTE and layer.precision not in _FINE
    ]
    if not found:
        return None
    timed = any(layer.time_ms is not None for layer in found)
    found.sort(
        key=lambda x: x.time_ms or 0.0 if timed else x.weights.count if x.weights else 0,
        reverse=True,
    )
    shown = tuple(found[:_MOST_LISTED])
    order = "slowest" if timed else "largest"
    more = (
        f" ({len(shown)} of {len(found)}, --all shows every layer)"
        if len(found) > len(shown)
        else ""
    )
    return f"Not FP16, {order} first{more}", shown


def _told_precision(layer: Layer) -> str:
    """A layer's role where it does not compute, else its precision, and how sure that is."""
    if layer.role is not Role.COMPUTE:
        return str(layer.role.value)
    if layer.precision_confidence in (None, Confidence.CERTAIN):
        return str(layer.precision.value)
    return f"{layer.precision.value} ({layer.precision_confidence.value})"


def _alike(layers: tuple[Layer, ...]) -> Section:
    """One row for all layers of the same precision, type and evidence, the most numerous first."""
    kinds: dict[tuple[str, str, str], list[Layer]] = {}
    for layer in layers:
        key = (_told_precision(layer), layer.type or "", "; ".join(layer.precision_evidence))
        kinds.setdefault(key, []).append(layer)
    timed = any(layer.time_ms is not None for layer in layers)
    rows = []
    for (precision, kind, evidence), alike in sorted(kinds.items(), key=lambda item: -len(item[1])):
        row = [str(len(alike)), precision, kind, alike[0].name, evidence]
        if timed:
            row.insert(1, f"{sum(layer.time_ms or 0.0 for layer in alike):.4f}")
        rows.append(tuple(row))
    columns = ["layers", "precision", "type", "the first of them", "evidence"]
    if timed:
        columns.insert(1, "ms")
    title = f"{count(len(layers), 'layer')}, alike ones together"
    if len(rows) > _MOST_KINDS:
        title += f" ({_MOST_KINDS} of {len(rows)} kinds)"
    return Section(title=title, columns=tuple(columns), rows=tuple(rows[:_MOST_KINDS]))


def _layers(title: str, layers: Iterable[Layer], *, nodes: bool = False) -> Section:
    """One row a layer; with ``nodes``, a row below it for each ONNX node that is fused in it."""
    layers = tuple(layers)
    timed = any(layer.time_ms is not None for layer in layers)
    rows = []
    for layer in layers:
        row = [
            _told_precision(layer),
            layer.type or "",
            layer.name,
            "; ".join(layer.precision_evidence),
        ]
        if timed:
            row.insert(1, "" if layer.time_ms is None else f"{layer.time_ms:.4f}")
        rows.append(tuple(row))
        if nodes and layer.onnx_nodes not in ((), (layer.name,)):
            gap = ("",) * (len(row) - 2)
            *above, last = layer.onnx_nodes
            rows += [(*gap, f"├─ {node}", "") for node in above]
            rows.append((*gap, f"└─ {last}", ""))
    columns = ["precision", "type", "layer", "evidence"]
    if timed:
        columns.insert(1, "ms")
    return Section(title=title, columns=tuple(columns), rows=tuple(rows), kind="layers")


def _comparison(engines: tuple[EngineReport, ...], names: dict[str, str]) -> Section:
    rows = []
    for engine in engines:
        identity, summary = engine.identity, engine.summary
        rows.append(
            (
                names[engine.path],
                size(engine.size),
                f"{identity.product} {identity.tensorrt_version}"
                if identity
                else (engine.what or ""),
                ", ".join(identity.compute_capabilities or ("?",)) if identity else "",
                str(summary.counted.layers) if summary else "",
                percent(summary.fp16_share.layers if summary else None),
                percent(summary.unknown_share.layers if summary else None),
                engine.layers_source.value if engine.layers_source else "",
            )
        )
    return Section(
        title=count(len(engines), "engine"),
        columns=("file", "size", "made by", "for", "layers", "FP16", "unknown", "layers from"),
        rows=tuple(rows),
    )
