"""Outputs of a model, computed here as a reference, and those that are compared with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..model.watch import UNHURRIED, Watch
from .emulation import Network, Values


def in_samples(given: Sequence[Values], like: Sequence[Mapping[str, Any]]) -> list[Values]:
    """Outputs of all samples in one piece, taken apart as the reference's are.

    Samples lie along a leading axis of their own, or one behind the other along the batch. What fits
    neither way stays as it is, and its shape says that it does not fit.
    """
    count = len(like)
    if len(given) != 1 or count < 2:
        return list(given)
    parts: list[Values] = [{} for _ in range(count)]
    for name, array in given[0].items():
        shape = like[0][name].shape if name in like[0] else None
        for index in range(count):
            parts[index][name] = _part(array, shape, index, count)
    return parts


def _part(array: Any, shape: tuple[int, ...] | None, index: int, count: int) -> Any:
    if shape is None or not array.ndim:
        return array
    if array.ndim == len(shape) + 1 and array.shape[0] == count:
        return array[index]
    if shape and array.ndim == len(shape) and array.shape[0] == count * shape[0]:
        return array[index * shape[0] : (index + 1) * shape[0]]
    return array


def reference_outputs(
    network: Network, samples: Iterable[Mapping[str, Any]], watch: Watch = UNHURRIED
) -> list[Values]:
    """What a model gives for each sample, every node in the types that the model has.

    Raises:
        InputError: a node cannot be run, or an input is missing.
        OutOfTime: the time was over.
    """
    made = []
    for number, sample in enumerate(samples, start=1):
        watch.tell(f"running sample {number}")
        made.append(network.run(sample, watch=watch))
    return made
