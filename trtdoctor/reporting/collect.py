"""Collect: run the probes in parallel and write down how each look ended. Judges nothing."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

import msgspec

from trtdoctor.host import Denied, Host, HostError, NotRecorded, TimedOut
from trtdoctor.model.facts import EngineLoads
from trtdoctor.model.report import FactRecord, FactStatus, Snapshot
from trtdoctor.probes.observing import Cost, NotThere, Probe

_STACK = 1 << 20


def utc_now() -> str:
    """The time now, UTC, ISO 8601 to the second."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Collection:
    """A look at a host under way. Made by ``start``; ``finish`` waits for it."""

    def __init__(self, host: Host, probes: Sequence[Probe], *, active: bool) -> None:
        self._started = time.monotonic()
        self._answers: queue.SimpleQueue[tuple[Probe, FactRecord]] = queue.SimpleQueue()
        self._records: dict[str, FactRecord] = {}
        self._order = [probe.provides.FACT for probe in probes]
        self._waiting: dict[str, Probe] = {}
        # Two dozen threads of the usual 8 MiB each do not fit where address space is limited.
        self._stack_size = threading.stack_size(_STACK)
        on_gpu = [probe for probe in probes if probe.cost is Cost.ACTIVE]
        if active:
            self._start(on_gpu, host)
        else:
            reason = "uses the GPU; ask for it with --active"
            for probe in on_gpu:
                record = FactRecord(status=FactStatus.NOT_RUN, reason=reason)
                self._records[probe.provides.FACT] = record
        # Probes that start processes go first, so that the processes run while files are read.
        for probe in sorted(probes, key=lambda p: p.cost is Cost.PASSIVE):
            if probe.cost is not Cost.ACTIVE:
                self._start([probe], host)

    def _start(self, probes: Sequence[Probe], host: Host) -> None:
        """Look with these, one after the other: two that use the GPU at once would time each other."""
        self._waiting |= {probe.provides.FACT: probe for probe in probes}

        def look() -> None:
            for probe in probes:
                self._answers.put((probe, _look(probe, host)))

        # Daemon threads: one that hangs in a read must not keep the program from ending.
        thread = threading.Thread(target=look, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            # Out of threads or memory by a limit of this user's: one fact less, not no report.
            record = FactRecord(status=FactStatus.FAILED, reason=str(error))
            for probe in probes:
                self._answers.put((probe, record))

    def finish(
        self,
        *,
        budget: float,
        taken: str | None = None,
        on_progress: Callable[[str], None] | None = None,
    ) -> Snapshot:
        """All facts. What is not in after ``budget`` seconds from the start is a ``timeout``.

        ``taken``: when the machine was looked at, if that was not now.
        """
        while self._waiting:
            left = self._started + budget - time.monotonic()
            if on_progress:
                on_progress(f"looking: {', '.join(sorted(self._waiting)[:3])}")
            try:
                probe, record = self._answers.get(timeout=max(0.0, left))
            except queue.Empty:
                break
            self._records[probe.provides.FACT] = record
            del self._waiting[probe.provides.FACT]
        threading.stack_size(self._stack_size)
        for name in self._waiting:
            self._records[name] = FactRecord(
                status=FactStatus.TIMEOUT, reason=f"no answer within {budget:g} s"
            )
        facts = {name: self._records[name] for name in self._order}
        return Snapshot(taken=taken or utc_now(), facts=facts)


def _look(probe: Probe, host: Host) -> FactRecord:
    started = time.perf_counter()

    def record(status: FactStatus, reason: str | None, source: str = "") -> FactRecord:
        took = round((time.perf_counter() - started) * 1000, 1)
        return FactRecord(status=status, reason=reason, source=source, took_ms=took)

    try:
        seen = probe.look(host)
        value = msgspec.to_builtins(seen.value)
    except NotThere as reason:
        return record(FactStatus.ABSENT, str(reason), reason.source)
    except Denied as error:
        return record(FactStatus.DENIED, str(error))
    except TimedOut as error:
        return record(FactStatus.TIMEOUT, str(error))
    except HostError as error:
        return record(FactStatus.FAILED, str(error))
    except NotRecorded as error:
        # A trtdoctor that had no such probe yet recorded what uses the GPU: nobody looked.
        if probe.cost is Cost.ACTIVE:
            return record(FactStatus.NOT_RUN, "the recording was made without looking at it")
        if probe.provides is EngineLoads:
            # Whoever records a machine need not have the engine; its file tells most of what matters.
            return record(FactStatus.NOT_RUN, str(error))
        return record(FactStatus.FAILED, str(error))
    except Exception as error:  # noqa: BLE001  a probe that raises costs its fact, not the run
        return record(FactStatus.FAILED, f"{type(error).__name__}: {error}")
    return msgspec.structs.replace(record(FactStatus.OK, None, seen.source), value=value)
