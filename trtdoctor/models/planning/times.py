"""What each node saves in FP16 by times that were measured on a GPU: a build's own, or a profile's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ...precision.candidates import is_half, touches_floats
from ...readers.buildlog import BuildLog
from ...readers.profile import Profile

# How TensorRT joins the names of nodes that it fused (8 to 10, and the ForeignNode of Myelin).
_JOINTS = re.compile(r"\s\+\s|,\s?|\.\.\.|\{ForeignNode\[|\]\}|PWN\(|\)|\|\|")


def saved_by_log(log: BuildLog) -> dict[str, float]:
    """Milliseconds that FP16 saves, by the name of each layer that was timed in both types."""
    found: dict[str, float] = {}
    for attempt in log.build.chosen or log.build.attempts:
        for tuned in attempt.layers:
            if tuned.layer is None:
                continue
            times: dict[bool, list[float]] = {True: [], False: []}
            for candidate in tuned.candidates:
                best = candidate.best.time_ms if candidate.best is not None else None
                if best is not None and touches_floats(candidate):
                    times[is_half(candidate)].append(best)
            if times[True] and times[False]:
                found[tuned.layer] = min(times[False]) - min(times[True])
    return found


def saved_by_profile(profile: Profile) -> dict[str, float]:
    """Half of each layer's time: which share FP16 saves a profile of one type does not tell."""
    return {each.name: each.ms / 2 for each in profile.times}


def by_node(
    layers: Mapping[str, float], labels: Sequence[str], work: Iterable[float]
) -> dict[str, float]:
    """The layers' milliseconds by node, shared among the nodes of a fused layer by their work.

    Args:
        layers: Milliseconds by the layers' names.
        labels: Of all nodes.
        work: Of each, in any unit.
    """
    known = dict(zip(labels, work, strict=True))
    found: dict[str, float] = {}
    for name, ms in layers.items():
        parts = [part.strip() for part in _JOINTS.split(name)]
        mine = [part for part in dict.fromkeys(parts) if part in known]
        total = sum(known[part] for part in mine)
        for part in mine:
            share = known[part] / total if total else 1 / len(mine)
            found[part] = found.get(part, 0.0) + ms * share
    return found
