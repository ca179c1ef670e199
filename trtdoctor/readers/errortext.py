"""Text that errors stand in, as long as it may be: a bounded part of it, with its lines' numbers.

Of a long log the beginning and the end are kept, for the first cause stands near one of them. The
verbose lines of TensorRT are left out, which tell of no error and are nearly all of a build's log.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from .buildlog.stream import Lines, kind_of
from .errors import FormatError

# In bytes; a log without its verbose lines that is larger repeats itself.
_MOST_HEAD = 2 << 20
_MOST_TAIL = 2 << 20
# In bytes: the rest of a longer line is data, and no message.
_LONGEST_LINE = 1 << 14
# What is read at all, unpacked.
_MOST_READ = 1 << 30

_VERBOSE = re.compile(rb"^.{0,80}?\[(?:V|VERBOSE|TRACE)\]|^\[TensorRT\] VERBOSE: ")
# Verbose up to 9.x; it tells that errors before it were survived.
_ENDED_WELL = b"Engine generation completed in"


@dataclass(frozen=True, kw_only=True)
class ErrorText:
    """The lines that were kept, the number of each from 1, and what was left out, in words."""

    text: str
    numbers: tuple[int, ...]
    not_read: str | None = None

    def between(self, first: int, last: int) -> ErrorText:
        """The lines from one number to another, both with."""
        start, end = bisect_left(self.numbers, first), bisect_right(self.numbers, last)
        lines = self.text.split("\n")[start:end]
        return ErrorText(text="\n".join(lines), numbers=self.numbers[start:end])


def read_error_text(stream: BinaryIO) -> ErrorText:
    """The part of a file or pipe that errors can stand in; plain or gzip, UTF-8 or UTF-16.

    Raises:
        FormatError: it is empty or no text.
        OSError: as reading does.
    """
    lines = Lines(stream)
    head: list[tuple[int, bytes]] = []
    tail: deque[tuple[int, bytes]] = deque()
    head_size = tail_size = number = dropped = read = 0
    limit: str | None = None
    for batch in lines.batches():
        read += len(batch)
        for line in batch.removesuffix(b"\n").split(b"\n"):
            number += 1
            if _VERBOSE.match(line) and _ENDED_WELL not in line:
                continue
            kept = (number, line[:_LONGEST_LINE].rstrip(b"\r"))
            if not dropped and not tail and head_size < _MOST_HEAD:
                head.append(kept)
                head_size += len(kept[1]) + 1
                continue
            tail.append(kept)
            tail_size += len(kept[1]) + 1
            while tail_size > _MOST_TAIL:
                tail_size -= len(tail.popleft()[1]) + 1
                dropped += 1
        if read > _MOST_READ:
            limit = f"what comes after its first {_MOST_READ >> 20:,} MiB"
            break
    if not number:
        raise FormatError("it is empty; give a text with an error message in it")
    if b"\x00" in lines.head[:4096] and not lines.head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FormatError(f"it is {kind_of(lines.head)}; give a text with an error message in it")
    parts = [limit, lines.limit, lines.damaged]
    if dropped:
        parts.insert(0, f"{dropped:,} lines between line {head[-1][0]:,} and line {tail[0][0]:,}")
    every = tuple(chain(head, tail))
    return ErrorText(
        text="\n".join(line.decode("utf-8", "replace") for _, line in every),
        numbers=tuple(number for number, _ in every),
        not_read="; ".join(part for part in parts if part) or None,
    )
