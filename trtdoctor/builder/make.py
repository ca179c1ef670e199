"""One engine, built in a child of the target interpreter, with its progress told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trtdoctor.host import ChildAnswer, Host, HostError
from trtdoctor.model.errors import InputError
from trtdoctor.model.watch import Watch

from .workshop import Workshop
from .world import World

ENGINE, LOG, CACHE = "engine", "build.log", "timing.cache"
_PROGRESS = "progress.json"
_EVERY_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why there is no engine.

    Attributes:
        kind: What it was: ``parse``, ``open``, ``shape``, ``build``, ``crash``, ``deadline`` and so on.
        about: What the child told of it.
        errors: The errors that TensorRT logged, in their order.
        output: The last that the child printed.
    """

    kind: str
    about: Mapping[str, Any] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    output: str = ""


def make_engine(
    host: Host,
    world: World,
    model: Path,
    settings: Mapping[str, Any],
    workshop: Workshop,
    *,
    timeout: float,
    watch: Watch,
) -> dict[str, Any] | Failure:
    """Build an engine into the workshop.

    Args:
        host: this machine.
        world: the TensorRT that builds.
        model: the ONNX model.
        settings: as :func:`trtdoctor.builder.settings.settings_of` makes them.
        workshop: where everything is written: ``engine``, ``build.log``, ``timing.cache``.
        timeout: seconds that the build may take.
        watch: who is told of the progress.

    Returns:
        What the child told of the build, or why there is no engine.

    Raises:
        InputError: the interpreter cannot be started.
    """
    payload = {
        "module": world.module,
        "model": str(model.absolute()),
        "folder": str(workshop.folder),
        "settings": dict(settings),
    }
    with telling(workshop.path(_PROGRESS), f"{world.name} builds", watch):
        try:
            answer = host.child("build_engine", payload, python=world.python, deadline=timeout)
        except HostError as error:
            raise InputError(f"cannot start {world.python}: {error}") from None
    return _ended(answer)


def _ended(answer: ChildAnswer) -> dict[str, Any] | Failure:
    if answer.ending == "returned":
        told: dict[str, Any] = answer.value or {}
        errors = tuple(told.get("errors", ()))
        if told.get("built") and "refused" not in told:
            return told
        return Failure(
            kind=told.get("refused", "build"), about=told, errors=errors, output=answer.output
        )
    kind = {"deadline": "deadline", "raised": "raised"}.get(answer.ending, "crash")
    return Failure(kind=kind, about={"detail": answer.detail}, output=answer.output)


@contextmanager
def telling(path: Path, what: str, watch: Watch) -> Iterator[None]:
    """Tell what a child writes of its progress into a file, and how long it has taken."""
    over = threading.Event()
    began = time.monotonic()

    def tell() -> None:
        while not over.wait(_EVERY_S):
            phase = ""
            # Not there yet, or not whole: the next look tells.
            with suppress(OSError, ValueError, TypeError, AttributeError):
                told = json.loads(path.read_text())
                step, steps = told.get("step"), told.get("steps")
                done = "" if step is None else f" {step}/{steps}" if steps else f" {step}"
                phase = f": {told['phase']}{done}"
            watch.tell(f"{what}{phase} ({time.monotonic() - began:.0f} s)")

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
