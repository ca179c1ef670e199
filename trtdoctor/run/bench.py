"""The machine held for builds and runs, what a build is asked for, and the TensorRT that builds."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import TracebackType

from trtdoctor.builder.request import BuildRequest
from trtdoctor.builder.trtexec import find_trtexec
from trtdoctor.builder.world import World, find_world
from trtdoctor.host import Host, HostError
from trtdoctor.host.live import LiveBackend
from trtdoctor.model.errors import InputError, UsageError
from trtdoctor.model.watch import Watch
from trtdoctor.reporting.look_session import Looking


@dataclass(frozen=True, kw_only=True)
class Building:
    """What a build is asked for, and with what it is done.

    Attributes:
        request: The engine that is wanted.
        runtime: ``tensorrt`` or ``rtx``; None for the first that is there.
        timeout: Seconds that the builder may take.
        inputs: What a conversion is measured with: ``data.npz``, a folder of them or ``random:N``.
        autocast: The interpreter that has AutoCast, where that converts.
        through: ``cuda-bindings``, ``pycuda`` or ``ctypes``; None for the first that is there.
        trtexec: A trtexec that builds instead of a Python.
        host_told: Whether the machine is looked at, for the side-car.
    """

    request: BuildRequest
    runtime: str | None = None
    timeout: float = 3600.0
    inputs: str | None = None
    autocast: str | None = None
    through: str | None = None
    trtexec: str | None = None
    host_told: bool = True


class Bench:
    """The machine, held for builds and runs: its processes end when it is left."""

    def __init__(self, look: Looking, *, budget: float) -> None:
        """``budget``: seconds that all of its processes together may live."""
        if look.host is not None:
            raise UsageError("a recorded machine builds nothing; leave out --host")
        self._look, self._budget = look, budget
        self._stack = ExitStack()

    def __enter__(self) -> Bench:
        """Raises UsageError: the interpreter cannot be used."""
        from trtdoctor.probes.python import choose

        live = LiveBackend(budget=self._budget)
        self._stack.callback(live.close)
        try:
            self.host = Host(live)
            python = self._look.python
            self.python = choose(self.host, None if python is None else str(python)).path
        except BaseException:
            self._stack.close()
            raise
        self.watch = Watch(tell=self._look.on_progress or (lambda text: None))
        self._worlds: dict[str | None, World] = {}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
        self.watch.tell("")

    def world(self, runtime: str | None, trtexec: str | None = None) -> World:
        """The TensorRT that builds. Raises InputError: there is none."""
        if trtexec is not None:
            return find_trtexec(self.host, trtexec)
        if runtime not in self._worlds:
            self.watch.tell("starting TensorRT")
            self._worlds[runtime] = find_world(self.host, self.python, runtime)
        return self._worlds[runtime]


def world_of(building: Building, bench: Bench) -> tuple[Building, World]:
    """What builds: the TensorRT of the Python, else the trtexec on PATH, which is not TensorRT-RTX."""
    try:
        return building, bench.world(building.runtime, building.trtexec)
    except InputError:
        try:
            other = building.trtexec is not None or building.runtime == "rtx"
            found = None if other else bench.host.which("trtexec")
        except HostError:
            found = None
        if found is None or building.request.targets:
            raise
        return replace(building, trtexec=found), bench.world(None, found)
