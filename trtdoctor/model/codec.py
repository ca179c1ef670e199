"""JSON in and out: strict in writing, tolerant in reading, never half a file."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from .report import REPORT_SCHEMA, Report


class DocumentError(Exception):
    """A document that cannot be read; the message is one sentence for the user."""


def printable(text: str) -> str:
    """The text with bytes that are no UTF-8 (surrogate escapes) written out in hexadecimal."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text


def map_text(value: Any, change: Callable[[str], str]) -> Any:
    """A copy of plain JSON data with every string, keys included, passed through ``change``."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): map_text(item, change) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [map_text(item, change) for item in value]
    return value


def encode(document: Any, *, indent: int = 2) -> bytes:
    """JSON of a document or of plain data, UTF-8, ending in a newline; ``indent`` 0 is one line."""
    try:
        raw = msgspec.json.encode(document)
    except UnicodeEncodeError:
        raw = msgspec.json.encode(map_text(msgspec.to_builtins(document), printable))
    return (msgspec.json.format(raw, indent=indent) if indent else raw) + b"\n"


def schema() -> dict[str, Any]:
    """The JSON Schema of the report document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": REPORT_SCHEMA,
        **msgspec.json.schema(Report),
    }


def read_report(data: bytes, *, name: str = "the report") -> Report:
    """Read a saved report.

    Unknown keys are ignored; a newer major schema is refused.

    Raises:
        DocumentError: in one sentence, if the bytes are no report this version can read.
    """
    try:
        plain = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DocumentError(
            f"{name} is not JSON ({error}); give a report.json of trtdoctor"
        ) from None
    schema_id = plain.get("schema") if isinstance(plain, dict) else None
    family, _, major = str(schema_id).partition("/")
    if family != "trtdoctor.report" or not major.isdigit():
        raise DocumentError(
            f"{name} is JSON but no trtdoctor report; give a file written by -o report.json"
        )
    if int(major) > int(REPORT_SCHEMA.partition("/")[2]):
        raise DocumentError(
            f"{name} has schema {schema_id}, newer than this trtdoctor reads; update trtdoctor"
        )
    try:
        return msgspec.convert(plain, Report)
    except msgspec.ValidationError as error:
        raise DocumentError(
            f"{name} is a damaged trtdoctor report ({error}); write it anew"
        ) from None


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        OSError: if the folder cannot be written; nothing is left behind.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:
            stream.write(data)
        return
    target = path.resolve()
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
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
