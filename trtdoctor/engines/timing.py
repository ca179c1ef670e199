"""Times of a profile put to an engine's layers, and what is to be said of those that fit none."""

from __future__ import annotations

from trtdoctor.model.engine import Layer
from trtdoctor.model.plural import count
from trtdoctor.readers.profile import Profile, join


def timed(
    layers: tuple[Layer, ...], profile: Profile | None
) -> tuple[tuple[Layer, ...], tuple[str, ...]]:
    """The layers with their times, and notes about times and layers without a counterpart."""
    if profile is None:
        return layers, ()
    joined = join(layers, profile)
    notes = []
    if joined.unmatched_times:
        notes.append(
            f"{count(len(joined.unmatched_times), 'time')} of the profile without a layer, "
            f"such as {joined.unmatched_times[0].name}"
        )
    if joined.untimed_layers:
        notes.append(f"{count(len(joined.untimed_layers), 'layer')} without a time in the profile")
    return joined.layers, tuple(notes)
