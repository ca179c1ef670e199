"""A look at a machine, live or recorded: which interpreter is meant, how long it may take."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from trtdoctor.host import Backend, Host
from trtdoctor.host.live import LiveBackend, environment
from trtdoctor.host.recorded import Recorder, RecordingHeader, check_writable, load_recording
from trtdoctor.model.errors import UsageError
from trtdoctor.model.report import Snapshot
from trtdoctor.model.watch import Watch, silently
from trtdoctor.probes.observing import Probe
from trtdoctor.probes.python import choose
from trtdoctor.version import __version__

from .collect import Collection

# The children end before the look does, and the look before the deadline: time to judge and write.
_CHILDREN_SHARE, _LOOK_SHARE = 0.88, 0.93
# And reading and solving end before it: time for all that is told of what they found.
_EVIDENCE_SHARE = 0.8


@dataclass(frozen=True, kw_only=True)
class Looking:
    """Which machine and which interpreter to look at, and how.

    Attributes:
        python: the interpreter whose TensorRT is meant; without it that of the active virtual or
            conda environment, else the first ``python3`` on PATH, else trtdoctor's own.
        active: also run probes that use the GPU.
        deadline: seconds from now by which the look, reading and solving have ended, whatever hangs
            and however large the evidence is.
        record: a folder to save what the probes saw into.
        host: a folder that was saved so, to be looked at instead of this machine.
        on_progress: called with what is being done or waited for, as often as that changes, and with
            an empty text at the end.
        meanwhile: called once while the look is under way, to prepare what comes after it.
    """

    python: str | PathLike[str] | None = None
    active: bool = False
    deadline: float = 45.0
    record: str | PathLike[str] | None = None
    host: str | PathLike[str] | None = None
    on_progress: Callable[[str], None] | None = None
    meanwhile: Callable[[], None] | None = None

    def watch(self) -> Watch:
        """What reading and solving go by, which end before the deadline from now on."""
        ends_at = time.monotonic() + self.deadline * _EVIDENCE_SHARE
        return Watch(left=lambda: ends_at - time.monotonic(), tell=self.on_progress or silently)


class Look:
    """A look under way. Entering starts it; ``finish`` gives the snapshot; leaving ends all children."""

    def __init__(self, looking: Looking, probes: Sequence[Probe]) -> None:
        """Open the machine or the recording.

        Raises:
            UsageError: if the options contradict each other.
            InputError: if the recording or the interpreter cannot be used.
        """
        self._looking = looking
        self._probes = probes
        self._record = None if looking.record is None else Path(looking.record)
        self._active, self._taken = looking.active, ""
        self._recorder: Recorder | None = None
        # For redaction alone, so neither a fact nor a part of a recording: it is full of secrets.
        self.environment: Mapping[str, str] = {} if looking.host is not None else environment()
        self._cleanup = ExitStack()
        try:
            self._host = self._live() if looking.host is None else self._saved(Path(looking.host))
        except BaseException:
            self._cleanup.close()
            raise

    def _saved(self, folder: Path) -> Host:
        looking = self._looking
        if self._record is not None:
            raise UsageError("--host replays and --record saves: give one of them")
        backend, header = load_recording(folder)
        self._active, self._taken = header.active, header.taken
        python = None if looking.python is None else str(looking.python)
        if python is not None and (header.target is None or python != header.target.path):
            raise UsageError(
                f"--python {python} was not looked at in the recording {folder}; leave it out"
            )
        return Host(backend, target=header.target)

    def _live(self) -> Host:
        looking = self._looking
        if self._record is not None:
            check_writable(self._record)
        live = LiveBackend(budget=looking.deadline * _CHILDREN_SHARE)
        self._cleanup.callback(live.close)
        backend: Backend = live
        if self._record is not None:
            backend = self._recorder = Recorder(live)
        host = Host(backend)
        host.target = choose(host, None if looking.python is None else str(looking.python))
        return host

    def __enter__(self) -> Look:
        self._collection = Collection(self._host, self._probes, active=self._active)
        return self

    def __exit__(self, *exception: object) -> None:
        self._cleanup.close()

    def finish(self) -> Snapshot:
        """Wait for the look, save the recording if one was asked for, and return all facts.

        Raises:
            InputError: if the recording cannot be written.
        """
        if self._looking.meanwhile is not None:
            self._looking.meanwhile()
        try:
            snapshot = self._collection.finish(
                budget=self._looking.deadline * _LOOK_SHARE,
                taken=self._taken or None,
                on_progress=self._looking.on_progress,
            )
        finally:
            if self._looking.on_progress is not None:
                self._looking.on_progress("")
        if self._recorder is not None and self._record is not None:
            header = RecordingHeader(
                tool=__version__,
                taken=snapshot.taken,
                active=self._active,
                target=self._host.target,
            )
            self._recorder.save(self._record, header)
        return snapshot
