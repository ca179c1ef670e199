"""A model's nodes as strips and as a table: which type each gets, what FP16 would do, what a plan keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trtdoctor.model.engine import Precision
from trtdoctor.model.hazard import Effect
from trtdoctor.model.model_report import ModelReport, PrecisionMap, Region
from trtdoctor.model.typing import Typing

from .layer_map import Strip, Tile, counted, gathered, shares
from .looks import CHOICE, Look, look_of


@dataclass(frozen=True, kw_only=True)
class NodeRow:
    """One node; ``types`` are by map, in the order of the model's maps."""

    number: int
    name: str
    types: tuple[str, ...]
    why: str
    hazard: str
    kept: str


def alerts_of(model: ModelReport) -> dict[str, str]:
    """What FP16 would break at each node, by label; what is harmless is no alert."""
    found: dict[str, str] = {}
    for hazard in model.hazards or ():
        if hazard.effect is not Effect.HARMLESS:
            words = f"{hazard.kind.value}: {hazard.effect.value} ({hazard.confidence.value})"
            for node in hazard.nodes:
                found[node] = f"{found[node]}; {words}" if node in found else words
    return found


def model_strips(model: ModelReport) -> Iterator[Strip]:
    """One strip for each map of the model, and one for its plan."""
    alerts = alerts_of(model)
    for found in model.maps:
        how = "types decide" if found.typing is Typing.STRONG else "the builder decides"
        tiles = list(_tiles(found, alerts))
        if tiles:
            yield _strip(f"Where {how}: {found.releases}", tiles, _note(found))
    plan = model.plan
    if plan is None or not model.maps:
        return
    look = look_of_type(plan.type)
    kept = {node.label: node.reason for node in plan.keep}
    tiles = [
        Tile(
            name=name,
            look=look_of_type("FLOAT") if name in kept else look,
            words=f"{name}; {f'stays in FP32: {kept[name]}' if name in kept else look.word}",
            target=number,
            alert=alerts.get(name, "") if name not in kept else "",
        )
        for number, (name, _) in enumerate(_nodes(model.maps[0]))
    ]
    if tiles:
        label = f"As planned: {counted(len(kept), 'node')} in FP32"
        yield _strip(label, tiles, _note(model.maps[0]))


def look_of_type(name: str) -> Look:
    """The look of one of ONNX's names of types."""
    known = {"FLOAT": Precision.FP32, "FLOAT16": Precision.FP16, "BFLOAT16": Precision.BF16}
    return look_of(Precision(known.get(name, Precision.UNKNOWN)))


def node_rows(model: ModelReport) -> Iterator[NodeRow]:
    """One row for each node that the maps name, in the first map's order."""
    if not model.maps:
        return
    alerts = alerts_of(model)
    kept = {node.label: node.reason for node in model.plan.keep} if model.plan else {}
    others: list[Mapping[str, Region]] = [dict(_nodes(found)) for found in model.maps[1:]]
    for number, (name, region) in enumerate(_nodes(model.maps[0])):
        regions = [region, *(other.get(name) for other in others)]
        why = next((each.because for each in regions if each and each.because), None)
        yield NodeRow(
            number=number,
            name=name,
            types=tuple(_types(each) if each else "" for each in regions),
            why=why or "",
            hazard=alerts.get(name, ""),
            kept=kept.get(name, ""),
        )


def _types(region: Region) -> str:
    return " or ".join(precision.value for precision in region.precisions)


def _nodes(found: PrecisionMap) -> Iterator[tuple[str, Region]]:
    for region in found.regions:
        for name in region.nodes:
            yield name, region


def _tiles(found: PrecisionMap, alerts: Mapping[str, str]) -> Iterator[Tile]:
    for number, (name, region) in enumerate(_nodes(found)):
        one = len(region.precisions) == 1
        words = f"{name}; {_types(region)}"
        if region.because:
            words += f": {region.because}"
        yield Tile(
            name=name,
            look=look_of(region.precisions[0]) if one else CHOICE,
            words=words,
            target=number,
            alert=alerts.get(name, ""),
        )


def _note(found: PrecisionMap) -> str:
    named = sum(len(region.nodes) for region in found.regions)
    whole = sum(region.work.nodes for region in found.regions)
    note = "Compute nodes, all equally wide, region by region in the model's order."
    if named < whole:
        note += f" The report names {named:,} of {whole:,}; only these are drawn."
    return note


def _strip(label: str, tiles: list[Tile], note: str) -> Strip:
    return Strip(
        label=label,
        what=f"Nodes. {label}",
        parts=tuple(gathered(tiles, float(len(tiles)), "node")),
        shares=shares(tiles, "node"),
        end=counted(len(tiles), "node"),
        note=note,
        of="of the nodes drawn",
    )
