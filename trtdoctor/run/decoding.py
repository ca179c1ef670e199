"""What an error text means, and the checks that find out about it on a machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from os import fspath
from pathlib import Path

import msgspec

from trtdoctor.knowledge import Knowledge
from trtdoctor.knowledge.decoding import decode
from trtdoctor.model.decoded import Decoded
from trtdoctor.model.errors import InputError
from trtdoctor.model.given_files import open_regular
from trtdoctor.model.report import Redaction, Snapshot
from trtdoctor.reporting.look_session import Look, Looking

from .examinations import Examination, File, examine_machine

LARGEST_PIPED = 64 << 20
"""In bytes: of what is piped in no more is read, for a pipe may never end."""
# Their checks judge a file, which a text does not hold.
_OF_FILES = ("ENG", "PRC", "BLD")


def decode_text(text: str) -> Decoded:
    """What a text means, by the tables alone."""
    return decode(text, Knowledge.load())


def decode_file(path: File) -> Decoded:
    """What the errors in a file mean.

    Raises:
        InputError: if the file cannot be read or is no text.
    """
    from trtdoctor.readers.errors import naming
    from trtdoctor.readers.errortext import read_error_text

    name = fspath(path)
    try:
        with naming(name), open_regular(Path(path)) as stream:
            read = read_error_text(stream)
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror}; give a text file") from None
    return decode(
        read.text, Knowledge.load(), numbers=read.numbers, name=name, not_read=read.not_read
    )


def decode_bytes(data: bytes, *, name: str) -> Decoded:
    """What the errors in what was piped in mean; of more than ``LARGEST_PIPED`` only the beginning.

    Raises:
        InputError: if it is empty or no text.
    """
    from trtdoctor.readers.errors import naming
    from trtdoctor.readers.errortext import read_error_text

    rest = None
    if len(data) > LARGEST_PIPED:
        rest = f"what comes after the first {LARGEST_PIPED >> 20} MiB; give the file's name instead"
    with naming(name):
        read = read_error_text(BytesIO(data[:LARGEST_PIPED]))
    return decode(
        read.text,
        Knowledge.load(),
        numbers=read.numbers,
        name=name,
        not_read="; ".join(part for part in (read.not_read, rest) if part) or None,
    )


@dataclass(frozen=True)
class Decoding:
    """What a text means, and what the checks saw that find out about it, if they were asked.

    It is told as often as wanted, with or without private data.
    """

    decoded: Decoded
    look: Looking
    seen: Examination | None = None

    def told(self, *, share: bool = False) -> Decoded:
        """With ``share``, the names of the user, the host and the homes become pseudonyms.

        Raises:
            TrtdoctorError: as :func:`trtdoctor.check` does.
        """
        here = None if self.seen is None else self.seen.report(share=share)
        decoded = msgspec.structs.replace(self.decoded, here=here)
        if not share:
            return decoded
        from trtdoctor.reporting.redact import Redactor

        snapshot, environment = self._whose
        redactor = Redactor(snapshot, environment)
        # A report is judged of pseudonyms, and has been.
        hidden = redactor.document(self.decoded)
        redaction = Redaction(applied=redactor.knows_names, count=redactor.count)
        return msgspec.structs.replace(hidden, here=here, redaction=redaction)

    @cached_property
    def _whose(self) -> tuple[Snapshot, Mapping[str, str]]:
        """Whose names may stand in the text."""
        if self.seen is not None:
            return self.seen.snapshot, self.seen.environment
        from trtdoctor.probes import identity

        with Look(self.look, (identity,)) as looking:
            return looking.finish(), looking.environment


def look_here(decoded: Decoded, look: Looking) -> Decoding:
    """The same, with what its checks see on a machine; with nothing where none of them looks at one.

    Raises:
        TrtdoctorError: as :func:`trtdoctor.check` does.
    """
    wanted = machine_checks(decoded.checks)
    if not wanted:
        return Decoding(decoded, look)
    seen = examine_machine(
        look=look, select=wanted, ignore=(), expect=None, live=False, static=False
    )
    return Decoding(decoded, look, seen)


def machine_checks(checks: Iterable[str]) -> tuple[str, ...]:
    """Those checks that look at a machine and need no file."""
    return tuple(check for check in checks if not check.startswith(_OF_FILES))
