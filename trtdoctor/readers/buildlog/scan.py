"""Finds what a line is, fast, in whatever dialect it comes; knows no meaning.

Loggers differ in what they put before TensorRT's message, and in nothing else. So the length of that
prefix is learnt from messages that cannot be mistaken, and a line is then told by the six bytes after
it. Only lines that begin with a layer's name need a search, and only lines with an unknown prefix
need learning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

Handler = Callable[[int, bytes], None]

KEY = 6
_PREFIXES = 8
_TAIL = 4
_REACH = 240

# Messages that start exactly where the logger's prefix ends, and that nothing else prints.
_ANCHORS = (
    b"*************** Autotuning ",
    b"--------------- Timing Runner: ",
    b"=============== Computing ",
    b">>>>>>>>>>>>>>> Chose Runner",
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
)


class Scanner:
    """Feeds lines to handlers.

    Args:
        starts: handlers by the first six bytes of the message.
        phrases: handlers by a phrase anywhere in the line, in the order to try them.
        tactics: a list that collects the numbered lines of tactics, the bulk of a log.
    """

    def __init__(
        self,
        *,
        starts: dict[bytes, Handler],
        phrases: tuple[tuple[bytes, Handler], ...],
        tactics: list[tuple[int, bytes]],
    ) -> None:
        self._starts = starts
        self._phrases = phrases
        self._tactics = tactics
        self._known: list[tuple[int, bytes]] = []
        self._at = 0
        self.recognised = 0

    def feed(self, lines: Iterable[bytes], first: int) -> None:
        """Handle lines, the first of which has the number ``first``."""
        get = self._starts.get
        keep = self._tactics.append
        tactic = TACTIC
        at = self._at
        for number, line in enumerate(lines, first):
            handler = get(line[at : at + KEY])
            if handler is tactic:
                keep((number, line))
            elif handler is not None:
                handler(number, line[at:])
                self.recognised += 1
            elif line:
                at = self._missed(number, line, at)
        self._at = at

    def _missed(self, number: int, line: bytes, at: int) -> int:
        """Handle a line that has another prefix or no known start; answers the prefix to expect."""
        if line.startswith((b"Layer(", b"&&&& ")):
            self._start(number, line, 0)
            return at
        for length, tail in self._known:
            if line[length - len(tail) : length] == tail and self._start(number, line, length):
                return length
        ours = any(line[n - len(tail) : n] == tail for n, tail in self._known)
        if not ours:
            learnt = self._learn(line)
            if learnt is not None:
                self._start(number, line, learnt)
                return learnt
        for phrase, handler in self._phrases:
            if phrase in line:
                handler(number, line[at:] if ours else line)
                self.recognised += 1
                break
        return at

    def _start(self, number: int, line: bytes, at: int) -> bool:
        handler = self._starts.get(line[at : at + KEY])
        if handler is None:
            return False
        self.recognised += 1
        if handler is TACTIC:
            self._tactics.append((number, line))
        else:
            handler(number, line[at:])
        return True

    def _learn(self, line: bytes) -> int | None:
        for anchor in _ANCHORS:
            length = line.find(anchor, 0, _REACH)
            if length >= 0:
                self._known.insert(0, (length, line[max(0, length - _TAIL) : length]))
                del self._known[_PREFIXES:]
                return length
        return None


def TACTIC(number: int, line: bytes) -> None:
    """Marks the starts of tactic lines in the table; never called."""
