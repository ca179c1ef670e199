"""``-o FOLDER/``: one file a machine, named after it, over nobody else's report."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from trtdoctor.model.codec import DocumentError, encode, write_atomically
from trtdoctor.model.errors import InputError
from trtdoctor.model.given_files import read_whole
from trtdoctor.model.report import Report
from trtdoctor.model.report_head import ReportHead, read_head
from trtdoctor.reporting.fleet_summary import MachineKey, Summary, summarise

from .options import refuse_input
from .streams import complain

_LARGEST = 64 << 20
# Of a name, in characters: file systems take 255 bytes, and folders and copies want some of them.
_LONGEST = 120
_MOST_NAMES = 1000
# So that a host name can be found out from its pseudonym only by guessing it, and that slowly.
_ROUNDS = 200_000


@dataclass(frozen=True)
class Named:
    """What a report's file is called, and what it is a report of."""

    stem: str
    machine: MachineKey
    hidden: bool


def name_of(report: Report, written: Report) -> Named:
    """The name of a machine's report: its host name, or a stable pseudonym.

    Args:
        report: With its private data.
        written: The same as it is written, with pseudonyms maybe.
    """
    head = read_head(encode(report))
    machine = summarise(head, file="", digest=b"").machine
    hidden = written.snapshot.redaction.applied
    stem = _safe(machine.host) if machine.host and not hidden else ""
    if not stem:
        hidden = True
        stem = _pseudonym(machine)
    given = [engine.path for engine in written.engines] + [it.path for it in written.models]
    if report.command != "check" or given:
        stem += f".{report.command}"
    if given:
        more = f"+{len(given) - 1}" if len(given) > 1 else ""
        file = re.split(r"[/\\]", given[0])[-1]
        stem += f".{_safe(file) or 'file'}{more}"
    return Named(stem[:_LONGEST], machine, hidden)


def put_into(folder: Path, data: bytes, named: Named, inputs: tuple[Path, ...]) -> Path:
    """Write a report into a folder; one of the same machine and question is replaced.

    Returns:
        The file.

    Raises:
        InputError: if the folder cannot be written.
        UsageError: if the file is one of ``inputs``.
    """
    ours = read_head(data)
    try:
        folder.mkdir(exist_ok=True)
        for number in range(1, _MOST_NAMES + 1):
            file = folder / f"{named.stem}{f'-{number}' if number > 1 else ''}.json"
            if _written(file, data, ours, named, inputs):
                if number > 1:
                    complain(
                        f"trtdoctor: wrote {file}, for {named.stem}.json is another machine's report, "
                        "or one of other files or another Python"
                    )
                return file
    except OSError as error:
        raise InputError(
            f"cannot write into {folder}: {error.strerror}; choose a folder that you may write to"
        ) from None
    raise InputError(
        f"cannot write into {folder}: it holds {_MOST_NAMES:,} other reports called {named.stem}; "
        "choose another folder"
    )


def _written(
    file: Path, data: bytes, ours: ReportHead, named: Named, inputs: tuple[Path, ...]
) -> bool:
    """Whether the file was free or this machine's, and now holds the report."""
    if not os.path.lexists(file):
        try:
            _write_new(file, data)
            return True
        except FileExistsError:
            # Somebody else was faster; it may be a report of another machine with this name.
            pass
    if not _replaceable(file, ours, named):
        return False
    refuse_input(file, *inputs)
    write_atomically(file, data)
    return True


def _replaceable(file: Path, ours: ReportHead, named: Named) -> bool:
    if file.is_symlink():
        return False
    try:
        theirs = read_head(read_whole(file, most=_LARGEST))
    except (OSError, DocumentError):
        return False
    other, own = _summary(theirs), _summary(ours)
    if theirs.command != ours.command or other.asked != own.asked:
        return False
    # A pseudonym in the name is made of the machine: it stands for what the report does not tell.
    return (named.hidden and other.machine.host is None and own.machine.host is None) or (
        named.machine.may_be(other.machine)
    )


def _summary(head: ReportHead) -> Summary:
    return summarise(head, file="", digest=b"")


def _write_new(file: Path, data: bytes) -> None:
    """Write a file whole, and only where there is none.

    Raises:
        FileExistsError: there is one.
        OSError: it cannot be written; nothing is left behind.
    """
    temporary = file.with_name(f".trtdoctor-{os.getpid()}-{os.urandom(6).hex()}")
    write_atomically(temporary, data)
    try:
        try:
            os.link(temporary, file)
        except FileExistsError:
            raise
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
                raise
            # A file system without links: the name is taken first, and then what it names.
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            temporary.replace(file)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _pseudonym(machine: MachineKey) -> str:
    """The same for each report of a machine, as long as it keeps its name and its GPUs."""
    known = "\n".join((machine.host or "", *sorted(machine.gpus)))
    if not known:
        return "machine"
    digest = hashlib.pbkdf2_hmac("sha256", known.encode("utf-8", "replace"), b"trtdoctor", _ROUNDS)
    return f"machine-{digest.hex()[:12]}"


def _safe(name: str) -> str:
    """A name with nothing that a file system, a shell or a web page would obey."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-")[: _LONGEST // 2]
