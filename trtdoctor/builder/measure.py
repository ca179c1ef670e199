"""Engines run and timed in a child of the target interpreter."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trtdoctor.host import Host, HostError
from trtdoctor.model.build import Measurement
from trtdoctor.model.watch import UNHURRIED, Watch

from .make import telling
from .samples import measurement

# Loading an engine and making its context, on top of what is measured, in seconds.
_LOADING_S = 240.0


@dataclass(frozen=True, kw_only=True)
class ToRun:
    """An engine that is to be run.

    Attributes:
        path: The file that holds its plan.
        offset: Where the plan begins in it.
        length: How long the plan is; None for all that follows.
        shapes: Extents of its inputs; what is not named has what it was optimised for.
    """

    path: Path
    offset: int = 0
    length: int | None = None
    shapes: Mapping[str, Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SampleTensor:
    """One network input of one sample: its name, the file with its bytes, and its extents."""

    name: str
    file: Path
    shape: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What running an engine told.

    Attributes:
        measured: How long it takes; None where it was not timed.
        layers: The file with the inspector's JSON.
        profile: The file with each layer's times.
        outputs: For each sample, what the child told of each output.
    """

    measured: Measurement | None
    layers: Path | None
    profile: Path | None
    outputs: tuple[tuple[Mapping[str, Any], ...], ...] = ()


def run_engines(
    host: Host,
    *,
    module: str,
    python: str,
    engines: Sequence[ToRun],
    folder: Path,
    seconds: float = 6.0,
    time: bool = True,
    profile: bool = True,
    samples: Sequence[Sequence[SampleTensor]] = (),
    through: str | None = None,
    watch: Watch = UNHURRIED,
) -> tuple[Run, ...] | str:
    """Run engines, timed in turn so that what drifts drifts for all of them alike.

    Args:
        host: this machine.
        module: the Python module that loads them.
        python: the interpreter that has it.
        engines: what is run.
        folder: an empty folder for what the child writes.
        seconds: how long timing may take, about.
        time: whether they are timed.
        profile: whether each layer is timed and the inspector asked, too.
        samples: inputs whose outputs are wanted.
        through: ``cuda-bindings``, ``pycuda`` or ``ctypes``; None for the first that is there.
        watch: who is told.

    Returns:
        What each told, or why nothing could be run.
    """
    payload = {
        "module": module,
        "engines": [_asked(one) for one in engines],
        "folder": str(folder),
        "seconds": seconds,
        "time": time,
        "profile": profile,
        "inspect": profile,
        "samples": [
            [{"name": t.name, "file": str(t.file), "shape": list(t.shape)} for t in sample]
            for sample in samples
        ],
        "through": through,
    }
    deadline = _LOADING_S + len(engines) * (seconds + 10.0)
    with telling(folder / "progress.json", "running the engine", watch):
        try:
            answer = host.child("measure_engine", payload, python=python, deadline=deadline)
        except HostError as error:
            return f"{python} cannot be started: {error}"
    if answer.ending != "returned":
        return f"running the engine ended with {answer.detail}"
    told = answer.value
    if told.get("failed") or len(told["engines"]) != len(engines):
        heard = next((line for line in reversed(told.get("log", ())) if "ERROR" in line), "")
        return f"{told.get('failed') or 'it told nothing'}{f'; {heard}' if heard else ''}"
    return tuple(
        _run(told, number, folder, timed=time, profiled=profile) for number in range(len(engines))
    )


def describe(
    host: Host, *, module: str, python: str, engine: ToRun, through: str | None = None
) -> list[dict[str, Any]] | str:
    """Each network tensor's name, type, extents and layout as TensorRT tells them, or why not."""
    payload = {
        "module": module,
        "engines": [_asked(engine)],
        "describe": True,
        "seconds": 0.0,
        "through": through,
    }
    try:
        answer = host.child("measure_engine", payload, python=python, deadline=_LOADING_S)
    except HostError as error:
        return f"{python} cannot be started: {error}"
    if answer.ending != "returned":
        return f"loading it ended with {answer.detail}"
    if answer.value.get("failed"):
        return str(answer.value["failed"])
    tensors: list[dict[str, Any]] = answer.value["engines"][0]["tensors"]
    return tensors


def _asked(one: ToRun) -> dict[str, Any]:
    return {
        "path": str(one.path.absolute()),
        "offset": one.offset,
        "length": one.length,
        "shapes": {name: list(shape) for name, shape in one.shapes.items()},
    }


def _run(told: Mapping[str, Any], number: int, folder: Path, *, timed: bool, profiled: bool) -> Run:
    layers, profile = folder / f"layers-{number}.json", folder / f"profile-{number}.json"
    times = json.loads(profile.read_text()) if profiled and profile.exists() else None
    measured = measurement(told, number, times) if timed else None
    return Run(
        measured=measured,
        layers=layers if profiled and layers.exists() else None,
        profile=profile if times else None,
        outputs=tuple(tuple(sample) for sample in told["engines"][number].get("outputs", ())),
    )
