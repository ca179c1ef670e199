"""Engines from the command line: reading the files, loading them, and what is expected of them."""

from __future__ import annotations

import math
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from trtdoctor.engines.evidence import (
    EngineSources,
    engine_report,
    file_fact,
    load_request,
    precision_fact,
    read_file,
)
from trtdoctor.model.engine import EngineReport
from trtdoctor.model.facts import EngineFiles, EngineLoad, EngineLoads, EnginePrecisions
from trtdoctor.model.report import FactRecord, FactStatus, Snapshot
from trtdoctor.probes.engine_loads import engine_loads
from trtdoctor.probes.observing import Probe
from trtdoctor.readers.layers import FormatError, read_layers
from trtdoctor.readers.profile import read_profile

from .errors import UserError
from .streams import complain

F = TypeVar("F", bound=Callable[..., Any])
_DEFAULT_SHARE = 0.5
_BROKEN = frozenset({"truncated", "text-mode", "saved-as-text", "section-range", "damaged"})
_LARGEST_TEXT = 1 << 31
_BROKEN = frozenset({"truncated", "text-mode", "saved-as-text", "section-range", "damaged"})


def engine_options(function: F) -> F:
    """Options of commands that take engines."""
    for option in reversed(
        (
            click.option(
                "--no-live",
                is_flag=True,
                help="Do not load the engines with the TensorRT of --python.",
            ),
            click.option(
                "--no-static",
                is_flag=True,
                help="Do not read layers from the plan's own bytes.",
            ),
            click.option(
                "--expect",
                metavar="fp16[:SHARE]",
                help="Fail unless at least SHARE (0 to 1, default 0.5) of the compute layers are FP16.",
            ),
        )
    ):
        function = option(function)
    return function


def expected_share(text: str | None) -> float | None:
    """The share that ``--expect`` names; None without it.

    Raises:
        UserError: if it is not ``fp16`` or ``fp16:SHARE``.
    """
    if text is None:
        return None
    precision, colon, number = text.partition(":")
    try:
        share = float(number) if colon else _DEFAULT_SHARE
    except ValueError:
        share = math.nan
    if precision.lower() != "fp16" or not 0 < share <= 1:
        raise UserError(
            f"--expect {text} is not understood; write fp16, or fp16:SHARE with SHARE above 0 up to 1"
        )
    return share


class Engines:
    """The engines of one command: read from their files first, then loaded while the look runs."""

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        live: bool,
        static: bool,
        hashed: bool = False,
        layers: Path | None = None,
        profile: Path | None = None,
    ) -> None:
        """Read what the files are.

        Raises:
            UserError: if a file cannot be read, or the options contradict each other.
        """
        if (layers or profile) and len(paths) > 1:
            raise UserError("--layers and --profile belong to one engine; give one engine")
        layers_file = None if layers is None else _parse(layers, read_layers)
        times = None if profile is None else _parse(profile, read_profile)
        self._live = live
        self.sources: list[EngineSources] = []
        for path in paths:
            try:
                file = read_file(path)
            except OSError as error:
                raise UserError(
                    f"cannot read {path}: {error.strerror or error}; give an engine file"
                ) from None
            self.sources.append(
                EngineSources(
                    path=path,
                    file=file,
                    layers_file=layers_file,
                    profile=times,
                    static=static,
                    hashed=hashed,
                )
            )
        if not paths and layers is not None:
            self.sources.append(
                EngineSources(path=layers, layers_file=layers_file, profile=times, static=False)
            )

    def probes(self) -> tuple[Probe, ...]:
        """The probe that loads them; none where nothing is to be loaded."""
        files = [(s.path, s.file) for s in self.sources if s.file is not None and s.file.plan]
        wanted = [s for s in self.sources if s.layers_file is None]
        if not self._live or not files or not wanted:
            return ()
        return (engine_loads([load_request(path, file) for path, file in files if file]),)

    def complain(self) -> int:
        """2, with a sentence on stderr for each file, where none could be inspected soundly; else 0."""
        sentences = []
        for source in self.sources:
            file = source.file
            if file is None:
                return 0
            damage = [p for p in file.problems if p.problem.value in _BROKEN]
            if file.engine is not None and not damage:
                return 0
            parts = (f"{source.path}:", file.what, file.to_do)
            sentences.append(" ".join(part for part in parts if part))
        for sentence in sentences:
            complain(f"trtdoctor: {sentence}")
        return 2 if sentences else 0

    def finish(
        self, snapshot: Snapshot, wanted: float | None
    ) -> tuple[Snapshot, tuple[EngineReport, ...]]:
        """The engines' reports, and the snapshot with the facts of engines added.

        Raises:
            UserError: if a file can no longer be read.
        """
        loads = _loads(snapshot)
        try:
            reports = tuple(
                engine_report(source, loads.get(str(source.path.absolute())))
                for source in self.sources
            )
        except OSError as error:
            raise UserError(f"cannot read {error.filename}: {error.strerror or error}") from None
        files = [file_fact(s.path, s.file) for s in self.sources if s.file is not None]
        precisions = EnginePrecisions(engines=tuple(precision_fact(r, wanted) for r in reports))
        facts = dict(snapshot.facts)
        if files:
            facts[EngineFiles.FACT] = _record(EngineFiles(files=tuple(files)), "the files' bytes")
        facts[EnginePrecisions.FACT] = _record(precisions, "the layers of each engine")
        if not self._live and files:
            facts[EngineLoads.FACT] = FactRecord(
                status=FactStatus.NOT_RUN, reason="--no-live was given"
            )
        return msgspec.structs.replace(snapshot, facts=facts), reports


def _loads(snapshot: Snapshot) -> dict[str, EngineLoad]:
    record = snapshot.facts.get(EngineLoads.FACT)
    if record is None or record.status is not FactStatus.OK:
        return {}
    found = msgspec.convert(record.value, EngineLoads)
    return {load.path: load for load in found.loads}


def _record(value: Any, source: str) -> FactRecord:
    return FactRecord(status=FactStatus.OK, value=msgspec.to_builtins(value), source=source)


def _parse(path: Path, reader: Callable[..., Any]) -> Any:
    try:
        status = path.stat()
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            # A device or a pipe may never end, and no limit on its size would hold.
            raise UserError(f"{path} is not a regular file; save it to one first")
        if status.st_size > _LARGEST_TEXT:
            raise UserError(f"{path} is larger than 2 GiB; give the inspector's output alone")
        return reader(path.read_bytes(), name=str(path))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except FormatError as error:
        raise UserError(str(error)) from None
