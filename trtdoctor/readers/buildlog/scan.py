"""Finds what a line is, fast, in whatever dialect it comes; knows no meaning.

Loggers differ in what they put before TensorRT's message, and in nothing else. So the length of
that prefix is learnt from messages that cannot be mistaken, and a line is then told by the six
bytes after it. Only lines that begin with a layer's name need a search, and only lines with an
unknown prefix need learning.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Handler = Callable[[int, bytes], None]

# Lines of tactics: the number of the first, their text, and how many carry a time where no other
# line is among them.
Tactics = tuple[int, bytes, int | None]

# Takes what a group's pattern found: the number of the first line, and the match. Answers how many
# lines it took, 0 where they must be handled singly.
Taker = Callable[[int, "re.Match[bytes]"], int]

KEY = 6
SET_NAME = b" Set Tactic Name: "
# In every line that tells of a layer's tactics, so that the others need one look.
TOLD = b"actic"
# Stands in a group's pattern for what the logger prints before a message.
PREFIX = b"PREFIX"
_PREFIXES = 8
_MOST_TABLES = 32
_TAIL = 4
_REACH = 240

# Nothing that is wanted fits into a line that is shorter than a message's start.
_LONG_LINE = re.compile(rb"\n[^\n]{%d}" % KEY)

# Where lines that say nothing are as dense as this, in bytes for each, what is ahead is searched for
# phrases at once: fewer where the expected prefix stands before them, for such a line costs less.
_DENSE = 120
_DENSE_STRANGE = 400
_DENSE_LINES = 4
_SHORTEST_LOOK = 1 << 10
_LONGEST_LOOK = 1 << 16

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
_ANCHORED = re.compile(b"|".join(map(re.escape, _ANCHORS)))
# What no logger prints anything before.
_BARE = (b"Layer(", b"&&&& ")


class Scanner:
    """Feeds lines to handlers.

    Args:
        starts: handlers by the first six bytes of the message.
        anywhere: handlers by phrases that no prefix can hold, for the many lines that begin with a
            layer's name; they get the whole line. ``TOLD`` is in each of the phrases.
        idle: phrases of such lines that say nothing of use.
        phrases: handlers by a phrase, in the order to try them, for what is rare.
        strays: the same for lines with a prefix that is not known, as those of another severity.
        tactics: a list that collects the lines of tactics, the bulk of a log: the number of the
            first line and the text of one line or several.
        group: a handler in ``starts``, the pattern of whole lines of which its line is the first,
            and what takes them at once.
    """

    def __init__(
        self,
        *,
        starts: dict[bytes, Handler],
        anywhere: tuple[tuple[bytes, Handler], ...],
        idle: tuple[bytes, ...],
        phrases: tuple[tuple[bytes, Handler], ...],
        strays: tuple[tuple[bytes, Handler], ...],
        tactics: list[Tactics],
        group: tuple[Handler, bytes, Taker] | None = None,
    ) -> None:
        self._starts = starts
        self._anywhere = anywhere
        self._idle = idle
        self._phrases = phrases
        self._strays = strays
        # What is left to try for a line that none of the strays' phrases is in.
        tried = {phrase for phrase, _ in strays}
        self._unstrayed = tuple(row for row in phrases if row[0] not in tried)
        # A line without any of these, and without a known prefix, says nothing.
        wanted = [TOLD, *idle, *(phrase for phrase, _ in (*strays, *phrases)), *_BARE, *_ANCHORS]
        self._wanted = tuple(dict.fromkeys(wanted))
        self._tactics = tactics
        self._opener, self._pattern, self._take = group or (_nobody, b"", _never)
        self._known: list[tuple[int, bytes]] = []
        self._tables: dict[bytes, dict[bytes, Handler]] = {}
        self._groups: dict[
            tuple[int, bytes | None], Callable[[bytes, int], re.Match[bytes] | None]
        ] = {}
        self._at = 0
        # Where the next runner's summary begins, and the one whose tactics must be taken singly.
        self._summary = -1
        self._mixed = -1
        self._tail: bytes | None = None
        self._look = _SHORTEST_LOOK

    def feed(self, text: bytes, first: int) -> int:
        """Handle whole lines, of which ``first`` is the first's number; answers the next number."""
        find = text.find
        tactic, nothing, opener = TACTIC, NOTHING, self._opener
        at, tail = self._at, self._tail
        self._summary = self._mixed = -1
        get, back, others = self._expected()
        number, start, size = first, 0, len(text)
        # Up to where nothing that is wanted stands in the text, and the last lines that said nothing.
        clear = last = dense = 0
        while start < size:
            end = find(b"\n", start)
            # The last bytes of the prefix count too: a line without it must not match by chance.
            here = start + at
            handler = get(text[here - back : here + KEY]) if here < end else None
            if handler is not None:
                if handler is tactic:
                    number, start = self._run(text, number, start, end)
                    continue
                if handler is opener:
                    number, after = self._grouped(text, number, start)
                    if after != start:
                        start = after
                        continue
                if handler is not nothing:
                    handler(number, text[here:end])
            elif end - start < KEY:
                found = _LONG_LINE.search(text, end)
                after = found.start() + 1 if found else size
                number += text.count(b"\n", start, after)
                start = after
                continue
            elif end > clear or (others and self._begins(text, start, end, others)):
                line = text[start:end]
                if TOLD in line and SET_NAME in line:
                    number, start = self._run(text, number, start, end)
                    continue
                if not self._missed(number, line, at):
                    near = end - last < (_DENSE if line[at - back : at] == tail else _DENSE_STRANGE)
                    dense, last = dense + 1 if near else 0, end
                    if dense >= _DENSE_LINES:
                        clear, dense = self._looked(text, end), 0
                elif self._at != at or self._tail is not tail:
                    at, tail = self._at, self._tail
                    get, back, others = self._expected()
            number += 1
            start = end + 1
        return number

    def _expected(
        self,
    ) -> tuple[Callable[[bytes], Handler | None], int, list[tuple[int, bytes]]]:
        """How to look up a line with the expected prefix, how many bytes of that count; the others."""
        tail = self._tail or b""
        others = [known for known in self._known if known != (self._at, tail)]
        if tail in self._tables:
            return self._tables[tail].get, len(tail), others
        if len(self._tables) < _MOST_TABLES:
            self._tables[tail] = {tail + start: handler for start, handler in self._starts.items()}
            return self._tables[tail].get, len(tail), others
        # So many prefixes have no logger, and a table takes longer to make than they are expected.
        starts = self._starts.get
        return (
            lambda key: starts(key[len(tail) :]) if key.startswith(tail) else None,
            len(tail),
            others,
        )

    def _begins(self, text: bytes, start: int, end: int, prefixes: list[tuple[int, bytes]]) -> bool:
        """Whether a line begins as a message does, behind one of these prefixes."""
        for length, tail in prefixes:
            here = start + length
            if (
                here < end
                and text[here - len(tail) : here] == tail
                and text[here : here + KEY] in self._starts
            ):
                return True
        return False

    def _grouped(self, text: bytes, number: int, start: int) -> tuple[int, int]:
        """Take groups as long as one follows the other; answers the next line and where it is."""
        match = self._groups.get((self._at, self._tail))
        if match is None:
            if len(self._groups) == _MOST_TABLES:
                return number, start
            tail = self._tail or b""
            prefix = rb"[^\n]{%d}%b" % (self._at - len(tail), re.escape(tail))
            match = re.compile(self._pattern.replace(PREFIX, prefix)).match
            self._groups[self._at, self._tail] = match
        while (found := match(text, start)) is not None:
            lines = self._take(number, found)
            if not lines:
                break
            number += lines
            start = found.end()
        return number, start

    def _looked(self, text: bytes, start: int) -> int:
        """Up to where the text from here on holds nothing that is wanted."""
        stop = end = min(len(text), start + self._look)
        find = text.find
        for phrase in self._wanted:
            found = find(phrase, start, stop)
            if found >= 0:
                stop = found
        if stop == end:
            self._look = min(self._look * 2, _LONGEST_LOOK)
        else:
            self._look = max(self._look // 2, _SHORTEST_LOOK)
        return stop

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

    def _missed(self, number: int, line: bytes, at: int) -> bool:
        """Handle a line that has another prefix or no known start; answers whether anything did."""
        if TOLD in line:
            for phrase, handler in self._anywhere:
                if phrase in line:
                    handler(number, line)
                    return True
        for phrase in self._idle:
            if phrase in line:
                return True
        body, phrases = line[at:], self._phrases
        if self._tail is None or line[at - len(self._tail) : at] != self._tail:
            if self._other_prefix(number, line):
                return True
            for phrase, handler in self._strays:
                if phrase in line:
                    handler(number, line)
                    return True
            body, phrases = line, self._unstrayed
        for phrase, handler in phrases:
            if phrase in line:
                handler(number, body)
                return True
        return False

    def _other_prefix(self, number: int, line: bytes) -> bool:
        """Handle a line whose prefix is not the expected one, if it has one of the others."""
        if line.startswith(_BARE):
            self._start(number, line, 0)
            return True
        for length, tail in self._known:
            if line[length - len(tail) : length] == tail and self._start(number, line, length):
                self._at, self._tail = length, tail
                return True
        if _ANCHORED.search(line, 0, _REACH) is None:
            return False
        for anchor in _ANCHORS:
            length = line.find(anchor, 0, _REACH)
            if length >= 0 and b"Layer(" not in line[:length]:
                self._learn(length, line[max(0, length - _TAIL) : length])
                self._start(number, line, length)
                return True
        return False

    def _learn(self, length: int, tail: bytes) -> None:
        """Expect this prefix from now on."""
        self._at, self._tail = length, tail
        self._known = [(length, tail), *self._known[: _PREFIXES - 1]]

    def _start(self, number: int, line: bytes, at: int) -> bool:
        handler = self._starts.get(line[at : at + KEY])
        if handler is None:
            return False
        if handler is TACTIC:
            self._tactics.append((number, line, None))
        elif handler is not NOTHING:
            handler(number, line[at:])
        return True


def TACTIC(number: int, line: bytes) -> None:
    """Marks the starts of tactic lines in the table; never called."""


def NOTHING(number: int, line: bytes) -> None:
    """Marks lines that are known and say nothing of use; never called."""


def _nobody(number: int, line: bytes) -> None:
    """Begins a group where there are none; no line is its."""


def _never(number: int, found: re.Match[bytes]) -> int:
    return 0
