"""Finds what a line is, fast, in whatever dialect it comes; knows no meaning.

Loggers differ in what they put before TensorRT's message, and in nothing else. So the length of
that prefix is learnt from messages that cannot be mistaken, and a line is then told by the six
bytes after it. Only lines that begin with a layer's name need a search, and only lines with an
unknown prefix need learning.
"""

from __future__ import annotations

from collections.abc import Callable

Handler = Callable[[int, bytes], None]

# Lines of tactics: the number of the first, their text, and how many carry a time where no other
# line is among them.
Tactics = tuple[int, bytes, int | None]

KEY = 6
SET_NAME = b" Set Tactic Name: "
_PREFIXES = 8
_TAIL = 4
_REACH = 240

# Messages that start exactly where the logger's prefix ends, and that nothing else prints.
_ANCHORS = (
    b"*************** Autotuning ",
    b"--------------- Timing Runner: ",
    b"=============== Computing ",
    b">>>>>>>>>>>>>>> Chose Runner",
    b"Loaded shared library ",
    b"[MemUsageChange] ",
    b"[MemUsageStats] ",
    b"Plugin creator ",
    b"Registered plugin creator",
    b"Adding network input: ",
    b"Parsing node: ",
    b"Registering ",
    b"Original: ",
    b"Applying generic optimizations",
    b"Building graph using backend",
    b"Reserving memory for host IO",
    b"Constructing optimization profile",
    b"Adding reformat layer: ",
    b"Retargeting ",
    b"Formats and tactics selection",
    b"Engine Layer Information:",
    b"Engine generation completed",
    b"Graph optimization time",
    b"Local timing cache in use",
    b"Global timing cache in use",
    b"=== Model Options ===",
    b"=== Build Options ===",
    b"Engine built in ",
    b"Building engine with configuration",
    b"Tactic Name: ",
    b"Tactic: 0x",
)


class Scanner:
    """Feeds lines to handlers.

    Args:
        starts: handlers by the first six bytes of the message.
        anywhere: handlers by phrases that no prefix can hold, for the many lines that begin with a
            layer's name; they get the whole line.
        phrases: handlers by a phrase, in the order to try them, for what is rare.
        strays: the same for lines with a prefix that is not known, as those of another severity.
        tactics: a list that collects the lines of tactics, the bulk of a log: the number of the
            first line and the text of one line or several.
    """

    def __init__(
        self,
        *,
        starts: dict[bytes, Handler],
        anywhere: tuple[tuple[bytes, Handler], ...],
        phrases: tuple[tuple[bytes, Handler], ...],
        strays: tuple[tuple[bytes, Handler], ...],
        tactics: list[Tactics],
    ) -> None:
        self._starts = starts
        self._anywhere = anywhere
        self._phrases = phrases
        self._strays = strays
        self._tactics = tactics
        self._known: list[tuple[int, bytes]] = []
        self._tables: dict[bytes, dict[bytes, Handler]] = {}
        self._at = 0
        # Where the next runner's summary begins, and the one whose tactics must be taken singly.
        self._summary = -1
        self._mixed = -1
        self._tail: bytes | None = None

    def feed(self, text: bytes, first: int) -> int:
        """Handle whole lines, of which ``first`` is the first's number; answers the next number."""
        find = text.find
        tactic = TACTIC
        at = self._at
        self._summary = self._mixed = -1
        get, back = self._expected()
        number, start, size = first, 0, len(text)
        while start < size:
            end = find(b"\n", start)
            # The last bytes of the prefix count too: a line without it must not match by chance.
            here = start + at
            handler = get(text[here - back : here + KEY]) if here < end else None
            if handler is tactic:
                number, start = self._run(text, number, start, end)
                continue
            line = text[start:end]
            if handler is not None:
                handler(number, line[at:])
            elif SET_NAME in line:
                number, start = self._run(text, number, start, end)
                continue
            elif line:
                at = self._missed(number, line, at)
                get, back = self._expected()
            number += 1
            start = end + 1
        self._at = at
        return number

    def _expected(self) -> tuple[Callable[[bytes], Handler | None], int]:
        """How to look up a line with the expected prefix, and how many bytes of that count."""
        tail = self._tail or b""
        if tail not in self._tables:
            self._tables[tail] = {tail + start: handler for start, handler in self._starts.items()}
        return self._tables[tail].get, len(tail)

    def _run(self, text: bytes, number: int, start: int, end: int) -> tuple[int, int]:
        """Take all tactic lines of a runner at once, unless something else is between them.

        Answers the number and the position of the next line.
        """
        if self._summary < end:
            self._summary = text.find(b"Fastest Tactic: ", end)
            if self._summary < 0:
                self._summary = len(text)
        last = self._summary
        if last < len(text) and last != self._mixed:
            stop = text.rfind(b"\n", start, last) + 1
            lines = text.count(b"\n", start, stop)
            names = text.count(SET_NAME, start, stop)
            timed = text.count(b" Time: ", start, stop)
            if lines == names + timed and text.find(b"---------------", start, stop) < 0:
                self._tactics.append((number, text[start : stop - 1], timed))
                return number + lines, stop
            self._mixed = last
        self._tactics.append((number, text[start:end], None))
        return number + 1, end + 1

    def _missed(self, number: int, line: bytes, at: int) -> int:
        """Handle a line that has another prefix or no known start; answers the prefix to expect."""
        for phrase, handler in self._anywhere:
            if phrase in line:
                handler(number, line)
                return at
        body = line[at:]
        if self._tail is None or line[at - len(self._tail) : at] != self._tail:
            body = line
            found = self._other_prefix(number, line, at)
            if found is not None:
                return found
            for phrase, handler in self._strays:
                if phrase in line:
                    handler(number, line)
                    return at
        for phrase, handler in self._phrases:
            if phrase in line:
                handler(number, body)
                break
        return at

    def _other_prefix(self, number: int, line: bytes, at: int) -> int | None:
        """Handle a line whose prefix is not the expected one, if it has one of the others."""
        if line.startswith((b"Layer(", b"&&&& ")):
            self._start(number, line, 0)
            return at
        for length, tail in self._known:
            if line[length - len(tail) : length] == tail and self._start(number, line, length):
                self._tail = tail
                return length
        for anchor in _ANCHORS:
            length = line.find(anchor, 0, _REACH)
            if length >= 0 and b"Layer(" not in line[:length]:
                self._tail = line[max(0, length - _TAIL) : length]
                self._known = [(length, self._tail), *self._known[: _PREFIXES - 1]]
                self._start(number, line, length)
                return length
        return None

    def _start(self, number: int, line: bytes, at: int) -> bool:
        handler = self._starts.get(line[at : at + KEY])
        if handler is None:
            return False
        if handler is TACTIC:
            self._tactics.append((number, line, None))
        else:
            handler(number, line[at:])
        return True


def TACTIC(number: int, line: bytes) -> None:
    """Marks the starts of tactic lines in the table; never called."""
