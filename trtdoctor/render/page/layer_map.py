"""An engine's layers as a strip: in execution order, as wide as they take time, coloured by precision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from trtdoctor.model.engine import EngineReport, Explanation, Layer, LayersSource, Role
from trtdoctor.model.finding import Confidence
from trtdoctor.render.build_sections import time
from trtdoctor.render.section import percent

from .looks import CONVERSION, LOOKS, MOVEMENT, UNKNOWN, Look, layer_look

# A thousandth of the widest page is a pixel. What is narrower is drawn together with its neighbours.
_PIXEL = 0.1
# What a map tells of a part, piece by piece, in characters.
_LONGEST = 300
# A name's word on a part takes so much, in percent of the strip, and twice as much on a phone.
_WORD, _WORD_ON_PHONE = 3.6, 10.0
# In pixels: where the strip begins, below the marks, and how high it is.
_TOP, _HEIGHT = 14.0, 46.0


@dataclass(frozen=True, kw_only=True)
class Band:
    """A rectangle of a part, in pixels from above."""

    look: Look
    y: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Part:
    """One layer of a strip, or several slivers together.

    ``x`` and ``width`` are percent of the strip; ``target`` is the index of the layer, or of the
    first, among the engine's.
    """

    x: float
    width: float
    bands: tuple[Band, ...]
    title: str
    target: int
    converts: bool = False
    alert: str = ""

    @property
    def middle(self) -> float:
        """Where a mark stands, percent of the strip."""
        return self.x + self.width / 2

    @property
    def short(self) -> str:
        """What is written on it; nothing where it is too narrow."""
        return self.bands[0].look.short if self.width >= _WORD and len(self.bands) == 1 else ""

    @property
    def narrow(self) -> bool:
        """Whether a phone has no room for that."""
        return self.width < _WORD_ON_PHONE


@dataclass(frozen=True, kw_only=True)
class Share:
    """What all layers of one look have in common. ``time_ms`` is null where no layer tells its time."""

    look: Look
    layers: int
    time_ms: float | None
    share: float
    unit: str = "layer"

    @property
    def named(self) -> str:
        """What there is, for a legend."""
        return f"{self.look.word}: {counted(self.layers, self.unit)}"

    @property
    def told(self) -> str:
        """What there is and how much that is, for a legend."""
        return f"{self.named}, {percent(self.share)}"


@dataclass(frozen=True, kw_only=True)
class Strip:
    """A strip with its legend.

    ``end`` is what stands at its right end, ``extent`` its width in percent of the page's; ``of`` what
    the shares are of.
    """

    label: str
    what: str
    parts: tuple[Part, ...]
    shares: tuple[Share, ...]
    timed: bool = False
    extent: float = 100.0
    end: str
    note: str
    of: str

    @property
    def silent(self) -> bool:
        """Whether the precision of nothing in it is known, so that there are no shares to tell."""
        return all(share.look in (UNKNOWN, MOVEMENT) for share in self.shares)


def counted(number: int, unit: str) -> str:
    """A number of things: one layer, 1,200 layers."""
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def layers_once(engine: EngineReport) -> list[tuple[int, Layer]]:
    """The layers of the first optimisation profile with their indices; the others repeat them."""
    first = min((layer.profile for layer in engine.layers), default=0)
    return [(n, layer) for n, layer in enumerate(engine.layers) if layer.profile == first]


def layer_strips(
    engines: Sequence[EngineReport],
    labels: Sequence[str],
    alerts: Mapping[str, str] | None = None,
) -> tuple[Strip | None, ...]:
    """The strips of engines that are looked at together, all on one scale; None of one without layers.

    Where any of them has no times every layer of all is as wide as every other. ``alerts`` says of
    layers, or of ONNX nodes in them, what is dangerous there.
    """
    found = [layers_once(engine) for engine in engines]
    timed = any(found) and all(any(_has_time(x) for _, x in layers) for layers in found if layers)
    widths = [[_weight(layer, timed) for _, layer in layers] for layers in found]
    widest = max(map(sum, widths), default=0.0)
    return tuple(
        _strip(engine, label, layers, weights, timed, widest, alerts or {}) if layers else None
        for engine, label, layers, weights in zip(engines, labels, found, widths, strict=True)
    )


def _has_time(layer: Layer) -> bool:
    return layer.time_ms is not None and layer.time_ms > 0


def _weight(layer: Layer, timed: bool) -> float:
    return max(0.0, layer.time_ms or 0.0) if timed else 1.0


def _strip(
    engine: EngineReport,
    label: str,
    layers: Sequence[tuple[int, Layer]],
    weights: Sequence[float],
    timed: bool,
    widest: float,
    alerts: Mapping[str, str],
) -> Strip:
    total = sum(weights)
    unit = "node" if engine.layers_source is LayersSource.MODEL else "layer"
    causes = {told.layer: told for told in engine.explanations}
    inside = {block.name: _inside(block.layers) for block in engine.blocks}
    tiles = []
    for (index, layer), weight in zip(layers, weights, strict=True):
        parts = list(layer_words(layer, causes.get(layer.name)))
        if layer.name in inside:
            parts.append(inside[layer.name])
        names = (layer.name, *layer.onnx_nodes)
        tiles.append(
            Tile(
                name=layer.name,
                look=layer_look(layer),
                words="; ".join(parts),
                target=index,
                weight=weight,
                alert="; ".join(dict.fromkeys(alerts[name] for name in names if name in alerts)),
            )
        )
    return Strip(
        label=label,
        what=f"{unit.capitalize()}s of {label} in execution order",
        parts=tuple(gathered(tiles, widest, unit, timed=timed)),
        shares=shares(tiles, unit, timed=timed),
        timed=timed,
        extent=100.0 * total / widest,
        end=time(total) if timed else counted(len(layers), unit),
        note=_note(engine, layers, unit, timed=timed),
        of="of the time" if timed else f"of the {unit}s",
    )


def _note(
    engine: EngineReport, layers: Sequence[tuple[int, Layer]], unit: str, *, timed: bool
) -> str:
    if not timed:
        known = any(_has_time(layer) for _, layer in layers)
        why = "the other's times are unknown" if known else "their times are unknown"
        note = f"All {unit}s are equally wide, because {why}."
    else:
        without = sum(layer.time_ms is None for _, layer in layers)
        note = "A layer is as wide as the time that it takes."
        if without:
            one = without == 1
            note += (
                f" {without:,} of {len(layers):,} layers {'has' if one else 'have'} no time in the "
                f"profile, and so no width."
            )
    if len(layers) < len(engine.layers):
        note += " Only the first optimization profile is drawn."
    return note


def _inside(layers: Sequence[Layer]) -> str:
    kinds = Counter(layer_look(layer).word for layer in layers)
    told = ", ".join(f"{count} {word}" for word, count in kinds.most_common())
    return f"a fused block of {len(layers):,} layers: {told}"


def layer_words(layer: Layer, told: Explanation | None) -> Iterator[str]:
    """What a layer is: its name, type, precision, and why that is not FP16."""
    yield layer.name
    if layer.type:
        yield layer.type
    look = layer_look(layer)
    if layer.role is not Role.COMPUTE:
        yield "converts a data type" if look is CONVERSION else layer.role.value.replace("-", " ")
        return
    sure = layer.precision_confidence
    yield f"{layer.precision.value}{'' if sure in (None, Confidence.CERTAIN) else f' ({sure.value})'}"
    if told is not None:
        yield f"cause {told.cause.value}{f' ({told.confidence.value})' if told.confidence else ''}"


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One layer or node before it is drawn: ``words`` tell it, ``weight`` is how wide it wants to be."""

    name: str
    look: Look
    words: str
    target: int
    weight: float = 1.0
    alert: str = ""


def gathered(
    tiles: Sequence[Tile], widest: float, unit: str, *, timed: bool = False
) -> Iterator[Part]:
    """The parts of a strip: tiles in order, slivers together until they make a pixel.

    ``widest`` is the sum of weights that fills the whole width; weights are milliseconds if ``timed``.
    """
    pixel = _PIXEL * widest / 100.0
    total = sum(tile.weight for tile in tiles)
    waiting: list[Tile] = []
    begin = at = 0.0

    def part() -> Part:
        return _part(waiting, begin * 100.0 / widest, 100.0 / widest, total, unit, timed=timed)

    for tile in tiles:
        if tile.weight >= pixel and waiting:
            yield part()
            waiting = []
        if not waiting:
            begin = at
        waiting.append(tile)
        at += tile.weight
        if at - begin >= pixel:
            yield part()
            waiting = []
    if waiting:
        yield part()


def _part(
    tiles: Sequence[Tile], x: float, scale: float, total: float, unit: str, *, timed: bool
) -> Part:
    weight = sum(tile.weight for tile in tiles)
    alert = "; ".join(dict.fromkeys(tile.alert for tile in tiles if tile.alert))
    if len(tiles) == 1:
        parts = [tiles[0].words]
    else:
        looks = Counter(tile.look.word for tile in tiles)
        parts = [
            f"{counted(len(tiles), unit)}, from {_cut(tiles[0].name)} to {_cut(tiles[-1].name)}",
            ", ".join(f"{count} {word}" for word, count in looks.most_common()),
        ]
    if timed:
        parts.append(f"{time(weight)}, {percent(weight / total if total else None)} of the time")
    if alert:
        parts.append(alert)
    return Part(
        x=x,
        # What takes no time at all is still to be seen and pointed at.
        width=max(weight * scale, _PIXEL / 2),
        bands=tuple(_bands(tiles)),
        title="; ".join(map(_cut, parts)),
        target=next((tile.target for tile in tiles if tile.alert), tiles[0].target),
        converts=any(tile.look is CONVERSION for tile in tiles),
        alert=alert,
    )


def _cut(text: str) -> str:
    """As much of a text as a map tells of it: the table has it whole."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _bands(tiles: Sequence[Tile]) -> Iterator[Band]:
    """One band a look, as high as its share, the greatest above."""
    weights: dict[Look, float] = {}
    for tile in tiles:
        weights[tile.look] = weights.get(tile.look, 0.0) + tile.weight
    total = sum(weights.values())
    y = _TOP
    for look, weight in sorted(weights.items(), key=lambda item: -item[1]):
        height = _HEIGHT * (weight / total if total else 1 / len(weights))
        yield Band(look=look, y=y, height=height)
        y += height


def shares(tiles: Iterable[Tile], unit: str, *, timed: bool = False) -> tuple[Share, ...]:
    """What the tiles of each look have together, in the order of a legend."""
    counts: Counter[Look] = Counter()
    sums: dict[Look, float] = {}
    for tile in tiles:
        counts[tile.look] += 1
        sums[tile.look] = sums.get(tile.look, 0.0) + tile.weight
    total = sum(sums.values())
    return tuple(
        Share(
            look=look,
            layers=counts[look],
            time_ms=sums[look] if timed else None,
            share=sums[look] / total if total else 0.0,
            unit=unit,
        )
        for look in LOOKS
        if counts[look]
    )
