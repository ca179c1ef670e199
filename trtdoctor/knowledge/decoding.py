"""What error texts mean: the tables' messages and codes found in a text, the first cause first."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from ..model.decoded import Answer, CodeMeaning, Decoded, Nearest, UnknownLine
from ..model.finding import Command, to_run
from ..model.report import Severity
from .knowledge import Knowledge
from .rows import CodeTable, ErrorCode, LogMatch, LogMessage

# Of each message; what stands more often is counted no further.
_MOST_OCCURRENCES = 1000
_MOST_ANSWERS = 24
_MOST_UNKNOWN = 5
# In characters: no message that people look for is longer, and one line can be a whole log.
_LONGEST_LINE = 600

_RANKS = list(Severity)
# Written when a run or a build ended well: what was told before was no reason to fail.
_PASSED = re.compile(r"&&&& PASSED|Engine generation completed in \d")
# In lines: what is shorter was pasted for its error, whatever that looks like.
_PASTED = 5
_LOOKS_LIKE_ERROR = re.compile(
    r"\[E\]|\[F\]|\b(?:ERROR|FATAL|FAILED|INTERNAL_ERROR)\b|\b[A-Z]\w*(?:Error|Exception)\b(?::|$)"
    r"|\b(?i:error|fatal|failure)\s?:|\b(?i:error code) \d|\b(?i:failed to)\b|\bcannot open\b"
)
_INFORMS = re.compile(r"\[(?:I|INFO)\]")
_NUMBER = re.compile(r"-?\d{1,10}|0[xX][0-9a-fA-F]{1,8}")
_OF_CODES = re.compile(r"name$|sentence$|code")
_WORD = re.compile(r"[A-Za-z_]{3,60}")
# Words of every other message; what they have in common makes no two messages near.
_COMMON_WORDS = (
    "error errors the and for with this that not from was are you your trt internal code failed file "
    "cannot could please have has python line"
)
_COMMON = frozenset(_COMMON_WORDS.split())
_SAID_BY = {
    CodeTable.CUDA: "CUDA",
    CodeTable.NVML: "the driver",
    CodeTable.TENSORRT: "TensorRT",
    CodeTable.EXIT: "the operating system",
}
# What may stand in a command that is shown to be copied into a shell.
_HARMLESS = re.compile(r"[\w.+-]{1,100}", re.ASCII)
ATTACH = (
    "the whole log and not its last lines alone; for a build: trtexec --verbose ... > verbose.log 2>&1",
    "what this machine is: trtdoctor check --share -o report.json",
    "of an engine that does not load: trtdoctor inspect MODEL.engine --share -o engine.json",
)


def decode(
    text: str,
    knowledge: Knowledge,
    *,
    numbers: Sequence[int] | None = None,
    name: str | None = None,
    not_read: str | None = None,
) -> Decoded:
    """What a text means, by the tables alone.

    Args:
        text: an error message, a code, the name of one, or a whole log.
        knowledge: the tables.
        numbers: the number of each of the text's lines, where it is a part of something longer.
        name: what the text was read from.
        not_read: what of it was left out, in words.
    """
    text = text.rstrip("\n")
    lines = text.split("\n")
    numbers = numbers or range(1, len(lines) + 1)
    answers = _bare(text.strip(), knowledge)
    unknown: list[UnknownLine] = []
    if not answers:
        found = _Found(text, numbers, knowledge)
        answers = found.answers()
        unknown = found.unknown()
    known = any(not answer.partial for answer in answers)
    if not unknown and not known and numbers[-1] <= _PASTED:
        unknown = [
            UnknownLine(line=number, text=_shown(line))
            for number, line in zip(numbers, lines, strict=False)
            if line.strip() and not _INFORMS.search(line)
        ]
    return Decoded(
        knowledge=knowledge.as_of,
        name=name,
        lines=numbers[-1] if numbers else 0,
        not_read=not_read,
        answers=tuple(answers[:_MOST_ANSWERS]),
        unknown=tuple(unknown[:_MOST_UNKNOWN]),
        unknown_lines=len(unknown),
        nearest=None if known else _nearest([u.text for u in unknown], knowledge),
        attach=() if known else ATTACH,
    )


def code_id(kind: CodeTable, row: ErrorCode) -> str:
    """The permanent name of a numbered error: ``cuda-35``; below zero as ``exit-minus-9``."""
    return f"{kind.value}-{row.code}".replace("--", "-minus-")


def code_answer(kind: CodeTable, row: ErrorCode, *, line: int = 1, text: str = "") -> Answer:
    """What a numbered error means by itself."""
    return Answer(
        id=code_id(kind, row),
        line=line,
        text=text,
        severity=Severity.INFO if row.code == 0 else Severity.ERROR,
        said_by=_SAID_BY[kind],
        meaning=row.meaning,
        next_step=row.next_step,
        source=row.source,
        checks=row.checks,
        code=_meaning(kind, row),
        certainty=row.certainty,
        note=row.note,
    )


def _code_told(
    kind: CodeTable, row: ErrorCode, knowledge: Knowledge, *, line: int, text: str
) -> Answer:
    """What a numbered error means, by the message that always is that one, where there is one."""
    for message in knowledge.all_messages():
        if message.codes is kind and message.code == row.code:
            return msgspec.structs.replace(
                _plain(message), line=line, text=text, code=_meaning(kind, row)
            )
    return code_answer(kind, row, line=line, text=text)


def _meaning(kind: CodeTable, row: ErrorCode) -> CodeMeaning:
    return CodeMeaning(
        kind=kind.value,
        code=row.code,
        name=row.name,
        meaning=row.meaning,
        runtime_name=row.runtime_name,
    )


def _bare(text: str, knowledge: Knowledge) -> list[Answer]:
    """Of a text that is a number, a name or an id and nothing else: every meaning that it has."""
    if not text or len(text) > 100 or "\n" in text:
        return []
    message = next((m for m in knowledge.all_messages() if m.id == text), None)
    if message is not None:
        return [_plain(message)]
    number = _integer(text) if _NUMBER.fullmatch(text) else None
    return [
        _code_told(kind, row, knowledge, line=1, text=text)
        for kind in CodeTable
        for row in knowledge.error_codes(kind)
        if row.code == number
        or text.lower() in (row.name.lower(), (row.runtime_name or "").lower(), code_id(kind, row))
    ]


def _plain(message: LogMessage) -> Answer:
    """What a row says, of no text in particular."""
    return Answer(
        id=message.id,
        line=1,
        text=message.example,
        severity=message.severity,
        said_by=message.said_by,
        meaning=message.meaning,
        next_step=message.next_step,
        source=message.source,
        often=message.often,
        commands=_filled(message.commands, {}),
        checks=message.checks,
        first_seen=message.first,
        last_seen=message.last,
        certainty=message.certainty,
        note=message.note,
        partial=message.generic,
        follower=message.follower,
    )


def _filled(commands: Iterable[str], groups: dict[str, str]) -> tuple[Command, ...]:
    """The commands, with what the message names where it is harmless, else a word in its place."""

    def named(match: re.Match[str]) -> str:
        value = groups.get(match.group(1), "")
        return value if _HARMLESS.fullmatch(value) else match.group(1).upper()

    return to_run(*(re.sub(r"\{([a-z]+)\}", named, command) for command in commands))


class _Found:
    """The messages that stand in one text."""

    def __init__(self, text: str, numbers: Sequence[int], knowledge: Knowledge) -> None:
        self._text = text
        self._numbers = numbers
        self._knowledge = knowledge
        self._starts = [0, *(hit.end() for hit in re.finditer("\n", text))]
        self._passed = max((hit.end() for hit in _PASSED.finditer(text)), default=0)
        # By the place of the line in the text: what it was answered with.
        self._answered: dict[int, list[Answer]] = {}
        for match in knowledge.log_messages(text, generic=True, most=_MOST_OCCURRENCES):
            place = bisect_right(self._starts, match.start) - 1
            self._take(match, place)

    def answers(self) -> list[Answer]:
        """Each message once: the first cause, then errors, warnings and the rest, as they stand."""
        once: dict[tuple[object, ...], Answer] = {}
        for place in sorted(self._answered):
            for answer in self._answered[place]:
                key = (answer.id, answer.code, tuple(answer.details.items()), answer.recovered)
                seen = once.get(key)
                once[key] = (
                    answer if seen is None else msgspec.structs.replace(seen, times=seen.times + 1)
                )
        told = sorted(
            once.values(),
            key=lambda a: (a.recovered, _RANKS.index(a.severity), a.partial, a.follower, a.line),
        )
        return self._causes_first(told)

    def unknown(self) -> list[UnknownLine]:
        """Lines that look like errors and are none that is known."""
        found = []
        for place, start in enumerate(self._starts):
            if start < self._passed or any(not a.partial for a in self._answered.get(place, ())):
                continue
            end = self._starts[place + 1] - 1 if place + 1 < len(self._starts) else len(self._text)
            line = self._text[start : min(end, start + _LONGEST_LINE)]
            if _LOOKS_LIKE_ERROR.search(line):
                found.append(UnknownLine(line=self._numbers[place], text=_shown(line)))
        return found

    def _take(self, match: LogMatch, place: int) -> None:
        message = match.message
        here = self._answered.setdefault(place, [])
        kind, row = message.codes, None
        if kind is not None:
            row = self._code(kind, match)
            if row is None and message.generic:
                return
        if message.generic and here:
            # The line is answered by what is more special than its frame.
            return
        code = None if kind is None or row is None else _meaning(kind, row)
        if code is not None and any(answer.code == code for answer in here):
            return
        line, text, plain = self._numbers[place], self._line(place), _plain(message)
        named: dict[str, str] = {}
        if row is None or kind is None or message.code is not None:
            named = {g: v[:200] for g, v in match.groups.items() if not _OF_CODES.match(g)}
        elif kind is not CodeTable.TENSORRT:
            # The message is a frame of many codes, so that the code's own row says what it means.
            plain = _code_told(kind, row, self._knowledge, line=line, text=text)
        else:
            plain = msgspec.structs.replace(
                plain, meaning=row.meaning, next_step=row.next_step, checks=row.checks
            )
        here.append(
            msgspec.structs.replace(
                plain,
                line=line,
                text=text,
                commands=plain.commands
                if plain.id != message.id
                else _filled(message.commands, match.groups),
                details=named,
                code=code,
                recovered=match.start < self._passed,
                partial=message.generic and kind is CodeTable.TENSORRT,
                follower=message.follower or plain.follower,
            )
        )

    def _code(self, kind: CodeTable, match: LogMatch) -> ErrorCode | None:
        rows = self._knowledge.error_codes(kind)
        if match.message.code is not None:
            return next((row for row in rows if row.code == match.message.code), None)
        groups = match.groups
        number = next((v for k, v in groups.items() if k.startswith("code")), None)
        name, sentence = groups.get("name"), groups.get("sentence", "").lower().rstrip(". ")
        for row in rows:
            if number is not None and row.code == _integer(number):
                return row
            if name is not None and name in (row.name, row.runtime_name):
                return row
            if sentence and sentence == (row.sentence or "").lower().rstrip(". "):
                return row
        return None

    def _line(self, place: int) -> str:
        start = self._starts[place]
        end = self._text.find("\n", start)
        return _shown(self._text[start : end if end >= 0 else len(self._text)])

    def _causes_first(self, told: list[Answer]) -> list[Answer]:
        """What is named as the cause of the first answer, and stands before it, comes before it."""
        messages = {message.id: message for message in self._knowledge.all_messages()}
        ordered, moved = list(told), set[str]()
        while ordered:
            first = ordered[0]
            moved.add(first.id)
            causes = messages[first.id].follows if first.id in messages else ()
            cause = min(
                (
                    a
                    for a in ordered
                    if a.id in causes and a.id not in moved and a.line <= first.line
                ),
                key=lambda answer: answer.line,
                default=None,
            )
            if cause is None or cause.recovered:
                break
            ordered.remove(cause)
            ordered.insert(0, cause)
        return ordered


def _integer(text: str) -> int:
    """A code as it is printed: decimal, hexadecimal, or a status of Windows taken for a signed one."""
    number = int(text, 16 if text[:2].lower() == "0x" else 10)
    # Signals are small; Windows has its errors at the top of 32 bits.
    return number + (1 << 32) if number < -1000 else number


def _shown(line: str) -> str:
    line = line.strip()
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]} ..."


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text)) - _COMMON


def _nearest(texts: Sequence[str], knowledge: Knowledge) -> Nearest | None:
    """The message whose words these lines have most of, if it is a third of either's."""

    def near() -> Iterator[tuple[float, LogMessage]]:
        asked = [_words(text) for text in texts]
        for message in knowledge.all_messages():
            words = _words(message.example)
            shares = [
                len(words & own) / max(1, len(words | own)) for own in asked if len(words & own) > 1
            ]
            yield max(shares, default=0.0), message

    share, message = max(near(), key=lambda pair: pair[0], default=(0.0, None))
    if message is None or share < 0.2:
        return None
    return Nearest(id=message.id, example=message.example, meaning=message.meaning)
