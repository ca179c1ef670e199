"""Collects autotuning: layers, their candidates, tactics and times, and conversions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from sys import intern

from .drafts import AttemptDraft, BlockDraft, CandidateDraft, LostDraft
from .log_facts import (
    AddedConversion,
    Conversion,
    ConversionSide,
    InnerKernel,
    Outcome,
    RunnerTiming,
    SkippedTactic,
    TensorFormat,
)
from .scan import Tactics
from .text import Combination, Formats, last_group, number, reformat_of, runner_of, whole

_STARS = " ***"

# A conversion as it is told where nothing is unusual: its formats, then nothing or one runner with its
# tactics and the fastest of them, and behind it a line that ends it.
CONVERSION = (
    rb"PREFIX\*{15} Autotuning Reformat: ([^\n]*) \*{15}\n"
    rb"(?:PREFIX-{15} Timing Runner: (Optimizer Reformat\([^\n]*)\n"
    rb"((?:PREFIXTactic: 0x[0-9a-f]{16} Time: [0-9.e+-]{1,32}\n)+)"
    rb"PREFIX(?:\2 profiling completed in [0-9.e+-]{1,32} seconds\. )?"
    rb"Fastest Tactic: 0x[0-9a-f]{16} Time: ([0-9a-z.+-]{1,32})\n)?"
    rb"(?=PREFIX(?:\*{15} Autotuning |={15} Computing (?:reformatting costs|costs for)))"
)


def text_of(line: bytes) -> str:
    """A message as text, without carriage return and colour codes at its end."""
    text = line.decode("utf-8", "replace").rstrip()
    return text.removesuffix("\x1b[0m").rstrip() if text.endswith("m") else text


class Tuning:
    """Turns the lines of one attempt's autotuning into drafts.

    ``pending`` holds the numbered text of tactic lines since the last runner; ``lost`` takes the
    lines of the build that look right and cannot be read.
    """

    def __init__(self) -> None:
        self.pending: list[Tactics] = []
        self.lost = LostDraft()
        self.attempt: AttemptDraft | None = None
        self._formats = Formats()
        self._combinations: dict[bytes, tuple[bool, Combination | None]] = {}
        self._runners: dict[bytes, tuple[str, str] | None] = {}
        self._pairs: dict[bytes, tuple[TensorFormat, TensorFormat]] = {}
        self._reformats: dict[bytes, str] = {}
        self._block: BlockDraft | None = None
        self._candidate: CandidateDraft | None = None
        self._runner: str | None = None
        self._need: SkippedTactic | None = None
        self._operation: str | None = None
        self._table = False
        # Whether the candidate that the next lines are about is known to be lost.
        self._missing = False

    def costs(self, line: int, body: bytes) -> None:
        """``=============== Computing costs for NAME`` and its kin for conversions."""
        if b"Computing reformatting costs" in body:
            self._open(BlockDraft(line=line, conversions=True))
        elif b"Computing costs for" in body:
            name = text_of(body).partition("Computing costs for")[2].strip()
            named = bool(name)
            block = BlockDraft(line=line, conversions=False, layer=name or None, named=named)
            self._open(block)

    def _open(self, block: BlockDraft) -> None:
        self.close()
        self._runners.clear()
        if self.attempt is not None:
            self._block = block
            self.attempt.blocks.append(block)

    def _lose(self, line: int) -> None:
        """A line could not be read: the open layer, if any, and the build lack what it said."""
        self.lost.add(line)
        if self._block is not None:
            self._block.lose(line)

    def close(self, *, ended: bool = True) -> None:
        """Finish what is open; ``ended`` is false at the end of a log that was cut off."""
        if self._runner is not None:
            self._finish_runner()
        candidate, block = self._candidate, self._block
        if candidate is not None and block is not None:
            results = len(candidate.timings) + len(candidate.without) + len(candidate.skipped)
            if ended and results < candidate.asked and not candidate.chosen:
                # A runner that was asked always answers, so what it said is lost.
                self._lose(candidate.asked_last)
            if block.conversions:
                block.tried.append(candidate.conversion(ended=ended))
            else:
                block.candidates.append(candidate.candidate(ended=ended))
        self._candidate = self._need = self._operation = None
        self._table = self._missing = False
        self.pending.clear()

    def leave(self) -> None:
        """Close everything: the attempt's autotuning is over."""
        self.close()
        self._block = None

    def combination(self, line: int, body: bytes) -> None:
        """``*** Autotuning format combination: A -> B`` or ``*** Autotuning Reformat: A -> B``."""
        self.close()
        if body not in self._combinations:
            text = text_of(body)
            end = text.rfind(_STARS)
            head, _, formats = text[: end if end > len(_STARS) else None].partition(":")
            self._combinations[body] = "Reformat" in head, self._formats.combination(formats)
        conversion, found = self._combinations[body]
        if found is None or (conversion and (len(found[0]), len(found[1])) != (1, 1)):
            # A layer without tensors, as a TrainStation is, has nothing to choose.
            if not body.rstrip(b" *\r").endswith(b":  ->"):
                self._lose(line)
            self._missing = True
            return
        if self._block is None or self._block.conversions is not conversion:
            self._open(BlockDraft(line=line, conversions=conversion))
        self._candidate = CandidateDraft(line=line, formats=found)

    def conversion(self, line: int, found: re.Match[bytes]) -> int:
        """A whole conversion, as :data:`CONVERSION` finds it: how many lines it has.

        Answers 0, and has done no more than to begin a block of conversions, where its lines must be
        handled singly.
        """
        told, runner, tactics, time = found.groups()
        pair = self._pairs.get(told) or self._pair(told)
        named = None
        if runner is not None:
            named = self._reformats.get(runner) or self._reformat(runner)
        if pair is None or (named is None and runner is not None):
            return 0
        self.close()
        block = self._block
        if block is None or not block.conversions:
            self._open(BlockDraft(line=line, conversions=True))
            block = self._block
            if block is None:
                return 0
        if named is None:
            block.tried.append(
                Conversion(line=line, source=pair[0], target=pair[1], outcome=Outcome.UNTIMED)
            )
            return 1
        if block.tensor is None:
            self._name(named)
        lines = 3 + tactics.count(b"\n")
        time_ms = number(time.decode())
        block.tried.append(
            Conversion(
                line=line,
                source=pair[0],
                target=pair[1],
                outcome=Outcome.INFINITE if time_ms is None else Outcome.TIMED,
                time_ms=time_ms,
                time_line=line + lines - 1,
            )
        )
        return lines

    def _pair(self, told: bytes) -> tuple[TensorFormat, TensorFormat] | None:
        """The two formats of a conversion; None where the line must be read as a whole."""
        both = None if _STARS.encode() in told else self._formats.combination(text_of(told))
        if both is None or (len(both[0]), len(both[1])) != (1, 1):
            return None
        self._pairs[told] = both[0][0], both[1][0]
        return self._pairs[told]

    def _reformat(self, told: bytes) -> str | None:
        """The name of a conversion's runner; None where the line must be read as a whole."""
        read = None if b"actic" in told else runner_of(text_of(told))
        if read is None or reformat_of(read[0]) is None:
            return None
        # A block's conversions are those of one tensor, so their runner is the same.
        self._reformats.clear()
        self._reformats[told] = read[0]
        return read[0]

    def starred(self, line: int) -> None:
        """A line that begins as a combination's does, and is none: a candidate is lost."""
        self.close()
        self._lose(line)
        self._missing = True

    def runner(self, line: int, body: bytes) -> None:
        """``--------------- Timing Runner: NAME (RUNNER[0x…])``."""
        self._finish_runner()
        found = self._runners.get(body)
        if found is None and body not in self._runners:
            found = runner_of(text_of(body).partition("Timing Runner: ")[2])
            self._runners[body] = found
        if found is None:
            return
        candidate = self._candidate
        if candidate is not None and (candidate.chosen or body in candidate.runners):
            # Every runner is asked once for a candidate: the line of the next one is missing.
            self.close()
        if self._candidate is None and self._block is not None and not self._missing:
            self._lose(line)
            self._missing = True
        name, self._runner = found
        if self._candidate is not None:
            self._candidate.asked += 1
            self._candidate.asked_last = line
            self._candidate.runners.add(body)
        self._name(name)

    def chose(self, line: int, body: bytes) -> None:
        """``>>> Chose Runner Type: …``, which a builder without a GPU prints untimed."""
        if self._candidate is not None:
            self._candidate.chosen = True

    def _name(self, name: str) -> None:
        block = self._block
        if block is None:
            return
        if not block.conversions:
            block.layer = block.layer or name
            return
        tensors = reformat_of(name)
        if tensors is None:
            block.layer = block.layer or name
            return
        if block.tensor is not None:
            return
        source, target = tensors
        if source is not None and target is not None:
            block.side, block.tensor, block.target = ConversionSide.BETWEEN, source, target
        elif source is not None:
            block.side, block.tensor = ConversionSide.OUT, source
        else:
            block.side, block.tensor = ConversionSide.IN, target

    def fastest(self, line: int, body: bytes) -> None:
        """``Fastest Tactic: 0x… Time: …``, alone or after ``NAME (RUNNER) profiling completed``."""
        if self._candidate is None:
            return
        before, _, after = text_of(body).partition("Fastest Tactic: ")
        tactic, timed, time = after.partition(" Time: ")
        if not timed:
            return
        runner = self._runner
        if runner is None:
            named = runner_of(before.partition(" profiling completed")[0])
            if named is None:
                return
            runner = named[1]
        # The same tactics and kernels are told for many candidates.
        tactic = intern(tactic.strip())
        tactics, kernel = self._listed(tactic)
        self._candidate.timings.append(
            RunnerTiming(
                runner=intern(runner),
                tactic=tactic,
                time_ms=number(time.split(" ")[0]),
                line=line,
                tactics=tactics,
                kernel=kernel,
            )
        )
        self._runner = None
        self.pending.clear()

    def _listed(self, tactic: str) -> tuple[int, str | None]:
        """How many of the pending lines carry a time, and the kernel name of this tactic."""
        if len(self.pending) == 1:
            _, listed, timed = self.pending[0]
        else:
            listed, timed = b"\n".join([body for _, body, _ in self.pending]), None
        if timed is None and (b"skipped" in listed or b"insufficient" in listed):
            for line, body in self._pending_lines():
                if b" Time: " not in body and (b"skipped" in body or b"insufficient" in body):
                    self._skip(line, text_of(body))
        kernel = None
        end = listed.find(b" Tactic: " + tactic.encode("utf-8", "replace"))
        if end >= 0:
            start = listed.rfind(b"Tactic Name: ", 0, end)
            name = listed[start + len(b"Tactic Name: ") : end] if start >= 0 else b"\n"
            kernel = None if b"\n" in name else intern(name.decode("utf-8", "replace").strip())
        return listed.count(b" Time: ") if timed is None else timed, kernel

    def _pending_lines(self) -> Iterator[tuple[int, bytes]]:
        for first, text, _ in self.pending:
            yield from enumerate(text.split(b"\n"), first)

    def _finish_runner(self) -> None:
        """A runner whose summary is missing (the log was cut): its tactics still have times."""
        if self._runner is not None and self._candidate is not None and self.pending:
            best: tuple[float, str, int] | None = None
            for line, body in self._pending_lines():
                before, timed, time = text_of(body).rpartition(" Time: ")
                value = number(time) if timed else None
                if value is not None and (best is None or value < best[0]):
                    best = (value, before.rpartition("Tactic: ")[2].strip(), line)
            tactics, kernel = self._listed(best[1] if best else "")
            if best is not None:
                self._candidate.timings.append(
                    RunnerTiming(
                        runner=self._runner,
                        tactic=best[1],
                        time_ms=best[0],
                        line=best[2],
                        tactics=tactics,
                        kernel=kernel,
                    )
                )
        self._runner = None
        self.pending.clear()

    def no_tactics(self, line: int, body: bytes) -> None:
        """``RUNNER has no valid tactics for …`` or ``Skipping RUNNER: No valid tactics for …``."""
        if self._candidate is None:
            return
        text = text_of(body)
        before, mark, _ = text.partition(" has no valid tactics")
        if not mark:
            before = text.partition(": No valid tactics")[0].partition("Skipping ")[2]
        self._candidate.without.append(intern(before.rpartition(" ")[2]))
        self._runner = None

    def cached(self, line: int, body: bytes) -> None:
        """``NAME [A -> B] got cached result: RUNNER, tactic 0x…, T ms`` of TensorRT 10."""
        before, _, after = text_of(body).partition("] got cached result: ")
        name, opened, formats = before.rpartition(" [")
        found = self._formats.combination(formats)
        parts = after.split(", ")
        if not opened or found is None or len(parts) < 3:
            self.close()
            self._lose(line)
            return
        reformat = name.find("Optimizer Reformat(")
        name = name[max(0, reformat) :]
        conversion = reformat >= 0 and len(found[0]) == len(found[1]) == 1
        self.close()
        if self._block is None or self._block.conversions is not conversion:
            self._open(BlockDraft(line=line, conversions=conversion))
        self._candidate = CandidateDraft(line=line, formats=found)
        self._candidate.asked, self._candidate.asked_last = 1, line
        self._name(name)
        self._candidate.timings.append(
            RunnerTiming(
                runner=parts[0],
                tactic=parts[1].removeprefix("tactic "),
                time_ms=number(parts[2].split(" ")[0]),
                line=line,
                cached=True,
            )
        )

    def memory(self, line: int, body: bytes) -> None:
        """Sentences about memory that a tactic lacked."""
        text = text_of(body)
        if "Exceeded mem budget of" in text:
            available = whole(text.partition("Exceeded mem budget of ")[2])
            requested = whole(text.partition("Need ")[2])
            self._need = SkippedTactic(
                line=line, requested=requested, available=available, text=text.strip()
            )
        elif self._candidate is not None:
            self._skip(line, text)

    def _skip(self, line: int, text: str) -> None:
        if self._candidate is None:
            return
        if self._candidate.skipped and self._candidate.skipped[-1].line == line + 1:
            return  # two lines say it of one tactic, and the second was handled first
        need, self._need = self._need, None
        tactic = None
        if "actic 0x" in text or "actic: 0x" in text:
            tactic = "0x" + text.rpartition("0x")[2].split(" ")[0].strip(".,")
        if need is not None:
            # 10.x prints the budget as the requested size; the need stands on the line before.
            skipped = SkippedTactic(
                line=need.line,
                tactic=tactic,
                requested=need.requested,
                available=need.available,
                text=text.strip(),
            )
        else:
            requested = whole(text.partition("equested: ")[2])
            available = whole(text.partition("vailable: ")[2])
            skipped = SkippedTactic(
                line=line,
                tactic=tactic,
                requested=requested,
                available=available,
                text=text.strip(),
            )
        self._candidate.skipped.append(skipped)

    def foreign(self, line: int, body: bytes) -> None:
        """`` (foreignNode) …``: what Myelin prints while it tunes the inside of a block."""
        if body[14:16] == b"  " and not self._table:
            return  # a row of the table of kernels, beyond the first
        if b"Exceeded mem budget" in body:
            self.memory(line, body)
        elif b"Autotuning op " in body:
            text = text_of(body).partition("Autotuning op ")[2]
            self._operation = text.partition(": ")[0].removesuffix(":")
        elif b"tactic_id, cost" in body:
            self._table = True
        elif self._table:
            self._table = False
            cells = [cell.strip() for cell in text_of(body).partition(")")[2].split(", ")]
            time = number(cells[1]) if len(cells) > 4 else None
            if time is not None and self._operation is not None and self._candidate is not None:
                self._candidate.inner.append(
                    InnerKernel(operation=self._operation, kernel=cells[4], time_ms=time, line=line)
                )

    def added(self, line: int, body: bytes) -> None:
        """``Adding reformat layer: NAME (TENSOR) from A to B``."""
        self.leave()
        text = text_of(body).partition("Adding reformat layer: ")[2]
        before, _, formats = text.rpartition(" from ")
        source, to, target = formats.rpartition(" to ")
        names = last_group(before)
        found = self._formats.combination(f"{source} -> {target}") if to else None
        single = found is not None and (len(found[0]), len(found[1])) == (1, 1)
        if names is None or found is None or not single or self.attempt is None:
            self._lose(line)
            return
        self.attempt.added.append(
            AddedConversion(
                line=line, name=names[0], tensor=names[1], source=found[0][0], target=found[1][0]
            )
        )
