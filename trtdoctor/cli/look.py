"""Looking at a machine, live or recorded, from the options that name it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from trtdoctor import __version__
from trtdoctor.host import Backend, Host
from trtdoctor.host.live import LiveBackend
from trtdoctor.host.recorded import (
    Recorder,
    RecordingError,
    RecordingHeader,
    check_writable,
    load_recording,
)
from trtdoctor.model.report import Snapshot
from trtdoctor.probes import PROBES
from trtdoctor.probes.observing import Probe
from trtdoctor.probes.python import UnusablePython, choose
from trtdoctor.reporting.collect import Collection

from .errors import UserError
from .options import LookOptions

# The children end before the look does, and the look before the deadline: time to judge and write.
_CHILDREN_SHARE, _LOOK_SHARE = 0.88, 0.93


class Look:
    """A look under way. Entering starts it; ``finish`` gives the snapshot; leaving ends all children."""

    def __init__(self, options: LookOptions, probes: Sequence[Probe] = PROBES) -> None:
        """``options.deadline``: seconds from now by which the look has ended, whatever hangs."""
        self._probes = probes
        self._record, self._active = options.record, options.active
        self._deadline = options.deadline
        self._recorder: Recorder | None = None
        self._taken: str | None = None
        self._cleanup = ExitStack()
        try:
            self._host = self._open(options.python, options.host)
        except BaseException:
            self._cleanup.close()
            raise

    def _open(self, python: str | None, replay: Path | None) -> Host:
        backend: Backend
        try:
            if replay is not None:
                if self._record is not None:
                    raise UserError("--host replays and --record saves: give one of them")
                backend, header = load_recording(replay)
                self._active, self._taken = header.active, header.taken or None
                if python is not None and (header.target is None or python != header.target.path):
                    raise UserError(
                        f"--python {python} was not looked at in the recording {replay}; leave it out"
                    )
                return Host(backend, target=header.target)
            if self._record is not None:
                check_writable(self._record)
        except RecordingError as error:
            raise UserError(str(error)) from None
        live = LiveBackend(budget=self._deadline * _CHILDREN_SHARE)
        self._cleanup.callback(live.close)
        backend = live
        if self._record is not None:
            backend = self._recorder = Recorder(live)
        host = Host(backend)
        try:
            host.target = choose(host, python)
        except UnusablePython as error:
            raise UserError(str(error)) from None
        return host

    def __enter__(self) -> Look:
        self._collection = Collection(self._host, self._probes, active=self._active)
        return self

    def __exit__(self, *exception: object) -> None:
        self._cleanup.close()

    def finish(self, *, quiet: bool) -> Snapshot:
        """Wait for the look, save the recording if one was asked for, and return all facts.

        Raises:
            UserError: if the recording cannot be written.
        """
        show = sys.stderr.isatty() and not quiet
        try:
            snapshot = self._collection.finish(
                budget=self._deadline * _LOOK_SHARE,
                taken=self._taken,
                on_progress=_progress if show else None,
            )
        finally:
            if show:
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()
        if self._recorder is not None and self._record is not None:
            header = RecordingHeader(
                tool=__version__,
                taken=snapshot.taken,
                active=self._active,
                target=self._host.target,
            )
            try:
                self._recorder.save(self._record, header)
            except RecordingError as error:
                raise UserError(str(error)) from None
        return snapshot


def _progress(waiting: str) -> None:
    sys.stderr.write(f"\r\x1b[Klooking: {waiting}")
    sys.stderr.flush()
