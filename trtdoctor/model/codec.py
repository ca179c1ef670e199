"""JSON in and out: strict in writing, tolerant in reading, never half a file."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from .difference import DIFFERENCE_SCHEMA, Difference
from .errors import InputError
from .facts import FACT_TYPES
from .finding import Command, Tool, to_run, to_write
from .fleet import FLEET_SCHEMA, Fleet
from .json_bounds import excess
from .report import REPORT_SCHEMA, Report

LARGEST_REPORT = 1 << 28
"""In bytes. A report of an engine of ten thousand layers has a tenth of that."""

# How Python keeps a byte that is no UTF-8 in a string.
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
# DEL and C1, what is not seen (Unicode's Cf: marks of direction among it), and other ends of lines.
_OBEYED = re.compile(
    "[\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
)
# What most of a large report is, and holds no commands.
_WITHOUT_COMMANDS = ("layers", "blocks")
# In bytes, before any is indented.
_MOST_INDENTED = 1 << 20


class DocumentError(InputError):
    """A document that cannot be read; the message is one sentence for the user."""


class ForeignDocumentError(DocumentError):
    """It is sound, and something else than a report."""


def printable(text: str) -> str:
    """The text with bytes that are no UTF-8 (surrogate escapes) written out in hexadecimal."""
    if text.isascii():
        return text
    # A lone surrogate that stands for no byte can only come out of somebody's JSON.
    bytes_shown = _ESCAPED_BYTE.sub(lambda m: f"\\x{ord(m.group()) - 0xDC00:02x}", text)
    return bytes_shown.encode("utf-8", "backslashreplace").decode()


def encode(document: Any, *, indent: int = 2) -> bytes:
    """JSON of a document or of plain data, UTF-8, ending in a newline; ``indent`` 0 is one line.

    What is more than a megabyte on one line stays on one line: nobody reads it, and indentation
    would make it half as large again.
    """
    try:
        raw = msgspec.json.encode(document)
    except (UnicodeEncodeError, OverflowError):
        raw = msgspec.json.encode(_encodable(msgspec.to_builtins(document)))
    if indent and len(raw) <= _MOST_INDENTED:
        raw = msgspec.json.format(raw, indent=indent)
    return raw + b"\n"


def _encodable(value: Any) -> Any:
    """Plain data with text that is no UTF-8 shown, and with integers of any size."""
    if isinstance(value, dict):
        return {printable(key): _encodable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encodable(item) for item in value]
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return msgspec.Raw(str(value).encode())
    return printable(value) if isinstance(value, str) else value


def for_terminal(text: str) -> str:
    """JSON in which characters that a terminal would obey or not show are escaped; the same document."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _OBEYED.sub(lambda m: _escape(m.group()), text)


def _escape(character: str) -> str:
    # JSON's escapes are units of UTF-16.
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def schema() -> dict[str, Any]:
    """The JSON Schema of the report document, with that of each fact this version knows.

    A fact of another name, as a plugin or a newer version has it, holds any value.
    """
    (report, *facts), parts = msgspec.json.schema_components(
        (Report, *FACT_TYPES), ref_template="#/$defs/{name}"
    )
    known = parts["Snapshot"]["properties"]["facts"]
    record = known["additionalProperties"]
    known["properties"] = {
        kind.FACT: {
            "allOf": [record],
            "properties": {"value": {"anyOf": [fact, {"type": "null"}]}},
        }
        for kind, fact in zip(FACT_TYPES, facts, strict=True)
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": REPORT_SCHEMA,
        **report,
        "$defs": parts,
    }


def difference_schema() -> dict[str, Any]:
    """The JSON Schema of what differs between two reports."""
    (told,), parts = msgspec.json.schema_components((Difference,), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": DIFFERENCE_SCHEMA,
        **told,
        "$defs": parts,
    }


def fleet_schema() -> dict[str, Any]:
    """The JSON Schema of the fleet document."""
    (fleet,), parts = msgspec.json.schema_components((Fleet,), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": FLEET_SCHEMA,
        **fleet,
        "$defs": parts,
    }


def read_report(data: bytes, *, name: str = "the report") -> Report:
    """Read a saved report.

    Unknown keys are ignored; a newer major schema is refused.

    Raises:
        DocumentError: in one sentence, if the bytes are no report this version can read.
    """
    refuse_excess(data, name)
    try:
        plain = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise no_json(name, error) from None
    refuse_foreign(plain.get("schema") if isinstance(plain, dict) else None, name)
    try:
        return msgspec.convert(_migrated(plain), Report)
    except msgspec.ValidationError as error:
        raise damaged(name, error) from None


def refuse_excess(data: bytes, name: str) -> None:
    """Refuse JSON of more structure than any report has.

    Raises:
        DocumentError: it has more.
    """
    too_much = excess(data)
    if too_much is not None:
        raise DocumentError(
            f"{name} is not a report that can be read ({too_much}); give a report.json of trtdoctor"
        )


def refuse_foreign(schema_id: object, name: str) -> None:
    """Refuse a document that is no report, or of a newer major schema.

    Raises:
        DocumentError: it is one.
    """
    family, _, major = str(schema_id).partition("/")
    if family != "trtdoctor.report" or not re.fullmatch("[0-9]{1,9}", major):
        raise ForeignDocumentError(
            f"{name} is JSON but no trtdoctor report; give a file written by -o report.json"
        )
    if int(major) > int(REPORT_SCHEMA.partition("/")[2]):
        raise DocumentError(
            f"{name} has schema {schema_id}, newer than this trtdoctor reads; update trtdoctor"
        )


def no_json(name: str, error: Exception) -> DocumentError:
    """What is told of bytes that are no JSON."""
    return DocumentError(f"{name} is not JSON ({error}); give a report.json of trtdoctor")


def damaged(name: str, error: Exception) -> DocumentError:
    """What is told of a report whose parts are not what they should be."""
    return DocumentError(f"{name} is a damaged trtdoctor report ({error}); write it anew")


def _migrated(plain: dict[str, Any]) -> dict[str, Any]:
    """The document with what earlier versions wrote otherwise as this one writes it.

    A command was a line of text once, in which only a comment told Python from a shell.
    """
    snapshot = plain.get("snapshot")
    facts = snapshot.get("facts") if isinstance(snapshot, dict) else None
    told: list[Any] = [plain.get(key) for key in ("outcomes", "engines", "models", "comparisons")]
    # The one fact that holds commands: of a build that failed.
    told.append(facts.get("engine.builds") if isinstance(facts, dict) else None)
    while told:
        part = told.pop()
        if isinstance(part, dict):
            lines = part.get("commands")
            if isinstance(lines, list) and any(isinstance(line, str) for line in lines):
                part["commands"] = _commands(lines)
            told += (value for key, value in part.items() if key not in _WITHOUT_COMMANDS)
        elif isinstance(part, list) and part and isinstance(part[0], (dict, list)):
            told += part
    return plain


def _commands(lines: list[Any]) -> list[Any]:
    found: list[Any] = []
    for line in lines:
        if not isinstance(line, str):
            found.append(line)
            continue
        code, said, where = line.partition("  # in the Python that ")
        if not said:
            found += to_run(line)
        elif found and isinstance(found[-1], Command) and found[-1].tool is Tool.PYTHON:
            found[-1] = msgspec.structs.replace(found[-1], lines=(*found[-1].lines, code))
        else:
            found += to_write(code, where=f"the script that {where}")
    return [msgspec.to_builtins(one) if isinstance(one, Command) else one for one in found]


def write_atomically(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Write a file whole or not at all; a device or a pipe is written to, never replaced.

    Args:
        path: the file.
        data: all of its bytes.
        mode: its permissions; None keeps those of the file that is replaced.

    Raises:
        OSError: if the folder cannot be written; nothing is left behind.
    """
    write_all_atomically(path, (data,), mode=mode)


def write_all_atomically(path: Path, chunks: Iterable[bytes], *, mode: int | None = None) -> None:
    """As `write_atomically`, for what is too large to hold at once.

    Raises:
        OSError: as there. What ``chunks`` raises leaves nothing behind either.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:
            stream.writelines(chunks)
        return
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        # What is still a link once all links are followed leads to itself.
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    descriptor, temporary = tempfile.mkstemp(prefix=".trtdoctor-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines(chunks)
            stream.flush()
            os.fsync(stream.fileno())
        if mode is None:
            mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        Path(temporary).chmod(mode)
        Path(temporary).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current
