"""The reports of a fleet: found in folders, read one at a time, put beside each other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from os import fspath
from pathlib import Path

from trtdoctor.knowledge import Knowledge
from trtdoctor.model.codec import DocumentError, ForeignDocumentError, printable
from trtdoctor.model.errors import InputError
from trtdoctor.model.fleet import Fleet, NotCounted, Why
from trtdoctor.model.given_files import read_whole
from trtdoctor.model.report import Tool
from trtdoctor.model.report_head import ReportHead, read_head
from trtdoctor.model.watch import UNHURRIED, Watch
from trtdoctor.reporting.fleet import put_together
from trtdoctor.reporting.fleet_summary import Summary, summarise
from trtdoctor.version import __version__

from .examinations import File

LARGEST = 64 << 20
"""In bytes, of one file or of what is piped in. A report of an engine of 20 000 layers has as many."""
PIPED = "standard input"
# Of folders within folders, and of what lies in all of them.
_MOST_DEEP, _MOST_ENTRIES = 8, 100_000


@dataclass
class Found:
    """The files that may be reports, and what lay beside them and is none."""

    files: list[Path] = field(default_factory=list)
    others: list[NotCounted] = field(default_factory=list)
    given: set[Path] = field(default_factory=set)

    def leave(self, path: File, reason: str, why: Why = Why.NO_REPORT) -> None:
        """Tell a file that is not read."""
        self.others.append(NotCounted(file=printable(fspath(path)), why=why, reason=reason))


def find_reports(paths: Iterable[File]) -> Found:
    """The files given, and those in the folders given whose names end in ``.json``.

    Folders within folders are gone into, through no link; what begins with a dot is passed over.

    Raises:
        InputError: if a path is not there.
    """
    found = Found()
    seen: set[tuple[int, int]] = set()
    for path in map(Path, paths):
        try:
            there = path.stat()
            if path.is_dir():
                _walk(path, found, seen)
                continue
        except OSError as error:
            raise InputError(
                f"cannot read {path}: {error.strerror}; give saved reports, or a folder of them"
            ) from None
        if (there.st_dev, there.st_ino) not in seen:
            seen.add((there.st_dev, there.st_ino))
            found.files.append(path)
            found.given.add(path)
    return found


def _walk(folder: Path, found: Found, seen: set[tuple[int, int]]) -> None:
    entries = 0
    waiting = [(folder, 0)]
    while waiting:
        place, depth = waiting.pop()
        try:
            with os.scandir(place) as listing:
                inside = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            found.leave(place, f"the folder cannot be read: {error.strerror}", Why.UNREADABLE)
            continue
        entries += len(inside)
        if entries > _MOST_ENTRIES:
            found.leave(place, f"more than {_MOST_ENTRIES:,} files; give fewer", Why.UNREADABLE)
            return
        below: list[tuple[Path, int]] = []
        for entry in inside:
            if not entry.name.startswith("."):
                below += _entry(Path(entry.path), entry, depth, found, seen)
        waiting += reversed(below)


def _entry(
    path: Path, entry: os.DirEntry[str], depth: int, found: Found, seen: set[tuple[int, int]]
) -> Iterator[tuple[Path, int]]:
    """Takes a file up, and yields a folder to go into."""
    try:
        if entry.is_dir():
            if entry.is_symlink():
                found.leave(path, "a link to a folder, which is not followed")
            elif depth >= _MOST_DEEP:
                found.leave(path, f"a folder more than {_MOST_DEEP} deep", Why.UNREADABLE)
            else:
                yield path, depth + 1
        elif path.suffix.lower() != ".json":
            found.leave(path, "its name does not end in .json")
        elif not entry.is_file():
            stuck = entry.is_symlink() and not path.exists()
            found.leave(path, "a link that leads nowhere" if stuck else "it is not a regular file")
        else:
            there = entry.stat()
            if (there.st_dev, there.st_ino) not in seen:
                seen.add((there.st_dev, there.st_ino))
                found.files.append(path)
    except OSError as error:
        found.leave(path, f"it cannot be read: {error.strerror}", Why.UNREADABLE)


@dataclass
class Gathered:
    """What was read of a fleet; a fleet is made of it as often as wanted, shared or not."""

    summaries: list[Summary]
    hidden: list[Summary]
    others: list[NotCounted]

    def fleet(self, *, share: bool = False) -> Fleet:
        """The machines grouped; with ``share``, under pseudonyms, if they were read for that."""
        return put_together(
            self.hidden if share else self.summaries,
            self.others,
            tool=Tool(version=__version__, knowledge=Knowledge.load().as_of),
            created=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            share=share,
        )


def gather(
    found: Found, *, piped: bytes | None = None, share: bool = False, watch: Watch = UNHURRIED
) -> Gathered:
    """Read the reports, one at a time, and keep of each what a fleet tells.

    Args:
        found: Which files.
        piped: What was piped in: reports, one behind the other.
        share: Also keep the texts with pseudonyms, which takes several times as long.
        watch: Is told which file is being read.

    Raises:
        InputError: if none of them is a report.
    """
    reading = _Reading(found, share=share)
    if piped is not None:
        if len(piped) > LARGEST:
            rest = f"what comes after the first {LARGEST >> 20} MiB was not read"
            found.leave(PIPED, rest, Why.UNREADABLE)
        reading.read(piped[:LARGEST], PIPED, given=True)
    for number, path in enumerate(found.files, 1):
        watch.tell(f"reading report {number:,} of {len(found.files):,}: {path.name}")
        reading.file(path)
    if not reading.summaries:
        raise _nothing(found)
    return Gathered(reading.summaries, reading.hidden, found.others)


def _nothing(found: Found) -> InputError:
    others = found.others
    if not others:
        return InputError("there is no report to read; give saved reports, or a folder of them")
    first = others[0]
    more = f" ({len(others) - 1:,} more files are none either)" if len(others) > 1 else ""
    return InputError(
        f"none of the files is a report of a machine: {first.file}: {first.reason}{more}; give what "
        "'trtdoctor check -o report.json' wrote"
    )


class _Reading:
    """Reads one report after the other, and holds none of them."""

    def __init__(self, found: Found, *, share: bool) -> None:
        self._found, self._share = found, share
        self.heads = 0
        self.summaries: list[Summary] = []
        self.hidden: list[Summary] = []

    def file(self, path: Path) -> None:
        try:
            data = read_whole(path, most=LARGEST)
        except OSError as error:
            reason = f"it cannot be read: {error.strerror}"
            self._found.leave(path, reason, Why.UNREADABLE)
            return
        self.read(data, fspath(path), given=path in self._found.given)

    def read(self, data: bytes, name: str, *, given: bool) -> None:
        """Take up what is in a file; one that was ``given`` by name was meant to be a report."""
        if not data.strip():
            self._found.leave(name, "it is empty", Why.UNREADABLE)
            return
        try:
            self._take(data, name)
        except ForeignDocumentError:
            why = Why.UNREADABLE if given else Why.NO_REPORT
            self._found.leave(name, "JSON, but no report of trtdoctor", why)
        except DocumentError as error:
            if not self._several(data, name):
                self._found.leave(name, _short(error), Why.UNREADABLE)

    def _take(self, data: bytes, name: str) -> None:
        head = read_head(data, name="it")
        self.heads += 1
        if head.command != "check":
            reason = f"a report of '{head.command}', which is about files and no machine"
            self._found.leave(name, reason, Why.OTHER_COMMAND)
            return
        summary = summarise(head, file=printable(name), digest=hashlib.sha256(data).digest())
        if self._share:
            self.hidden.append(_hidden(summary, head))
        self.summaries.append(summary)

    def _several(self, data: bytes, name: str) -> bool:
        """Whether reports were in it, one behind the other, as the logs of several pods are."""
        before, broken, foreign = self.heads, 0, 0
        for number, part in enumerate(documents(data), 1):
            try:
                self._take(part, f"{name}, part {number}")
            except ForeignDocumentError:
                foreign += 1
            except DocumentError:
                broken += 1
        if self.heads == before:
            return False
        if broken:
            said = (
                "1 part of it is not a report"
                if broken == 1
                else f"{broken} parts of it are not reports"
            )
            self._found.leave(name, f"{said} that can be read", Why.UNREADABLE)
        if foreign:
            said = "1 part of it is" if foreign == 1 else f"{foreign} parts of it are"
            self._found.leave(name, f"{said} JSON, but no report of trtdoctor")
        return True


def _hidden(summary: Summary, head: ReportHead) -> Summary:
    from trtdoctor.reporting.redact import Redactor

    redactor = Redactor(head.snapshot.whole())
    return summary.reworded(redactor.text, knows_names=redactor.knows_names)


def _short(error: Exception) -> str:
    return str(error).rpartition("; ")[0] or str(error)


def documents(data: bytes) -> Iterator[bytes]:
    """The parts of a text that begin as a JSON document of trtdoctor's does, and end where it would.

    It writes one on one line, or with a brace alone on the first and the last line.
    """
    opened: list[bytes] = []
    for line in data.split(b"\n"):
        bare = line.rstrip()
        if bare.startswith(b"{"):
            if opened:
                # The one before has no end.
                yield b"\n".join(opened)
                opened = []
            if len(bare) > 1:
                yield bare
            else:
                opened = [bare]
        elif opened:
            opened.append(line)
            if bare == b"}":
                yield b"\n".join(opened)
                opened = []
    if opened:
        yield b"\n".join(opened)
