"""Reads a build log in one pass: which builds are in it, and everything about one of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

from trtdoctor.model.watch import UNHURRIED, Watch

from ...knowledge import NoteKind
from ..errors import FormatError, NoBuild
from ..layers import MAX_LAYERS
from .drafts import AttemptDraft, BuildDraft, LostDraft
from .log_facts import Build, BuildLog, BuildSummary
from .notes import (
    command_of,
    library_of,
    network_input,
    note_of,
    onnx_node,
    phrases,
    setting_of,
    version_of,
)
from .scan import NOTHING, TACTIC, Handler, Scanner
from .stream import Lines, kind_of, open_log
from .text import engine_layer, listed_layer, number, whole
from .tuning import CONVERSION, Tuning, text_of

# A runner times some hundreds of tactics; a file with more between two summaries is no log.
_MOST_PENDING = 1 << 16
_MOST_NOTES = 10_000
_MOST_NODES = 1_000_000

_LONGEST_MESSAGE = 1 << 16


def read_build_log(path: Path, *, build: int | None = None, watch: Watch = UNHURRIED) -> BuildLog:
    """Read a verbose build log, plain or gzip, of any size.

    Args:
        path: the file.
        build: the build's number in the file, from 1; without it the last one that is complete and
            verbose and has ``Layer(...)`` lines, else the last that is complete and verbose, else
            the last complete one, else the last verbose one, else the last.
        watch: how long to read; the rest of the file then counts as not there.

    Raises:
        NoBuild: the file is the log of a run that loads an engine and builds none.
        FormatError: the file is no build log, or has no build of that number; one sentence says
            what it is and what to do.
        OSError: the file cannot be read.
    """
    with open_log(path) as stream:
        return parse_build_log(stream, build=build, name=str(path), watch=watch)


def parse_build_log(
    stream: BinaryIO,
    *,
    build: int | None = None,
    name: str = "the file",
    watch: Watch = UNHURRIED,
) -> BuildLog:
    """Read a build log from an open, seekable binary stream; see :func:`read_build_log`."""
    lines = Lines(stream)
    collector = _Collector(wanted=build)
    number = 1
    stopped = None
    for batch in lines.batches():
        number = collector.scanner.feed(batch, number)
        del collector.tuning.pending[:-_MOST_PENDING]
        watch.tell(f"reading {name}: {lines.size >> 20:,} MiB")
        if watch.left() <= 0.0:
            stopped = "there was no time for more (--deadline)"
            break
    count = number - 1
    stopped = stopped or lines.limit
    kept = collector.finish(count)
    if not collector.summaries and collector.loads:
        raise NoBuild(
            f"{name} has no build in it, but a run that loads an engine, so it cannot tell why layers "
            "are what they are. Give the log of the engine's build."
        )
    if not collector.summaries and stopped:
        raise FormatError(
            f"{name} was not read to its end, since {stopped}, and up to there no line is of TensorRT's "
            "builder. Give the log from the build's beginning on."
        )
    if not collector.summaries:
        raise FormatError(
            f"{name} is not a TensorRT build log: it is {kind_of(lines.head)}. "
            "Give the builder's output with verbose logging (trtexec --verbose, polygraphy -vv, "
            "trt.Logger(trt.Logger.VERBOSE))."
        )
    if kept is None:
        raise FormatError(
            f"{name} has {len(collector.summaries)} build(s), and no number {build}; "
            f"choose 1 to {len(collector.summaries)}."
        )
    return BuildLog(
        lines=count,
        size=lines.size,
        unparsed=collector.unparsed,
        damaged=lines.damaged,
        stopped=stopped,
        builds=tuple(collector.summaries),
        build=kept,
    )


class _Collector:
    """What the lines mean for builds; autotuning itself is :class:`Tuning`'s."""

    def __init__(self, *, wanted: int | None) -> None:
        self._wanted = wanted
        self._kept: Build | None = None
        self._draft = BuildDraft(number=1, first_line=1)
        self._in_layers = False
        self._in_listing = False
        self._loading = False
        self._lost = 0
        self.summaries: list[BuildSummary] = []
        # Whether an engine is loaded, in whatever run.
        self.loads = False
        self.tuning = Tuning()
        starts = self._starts()
        self.scanner = Scanner(
            starts=starts,
            anywhere=(
                (b"Fastest Tactic: ", self.tuning.fastest),
                (b"o valid tactics", self.tuning.no_tactics),
            ),
            idle=(b"] inputs: [", b"] outputs: ["),
            phrases=self._phrases(),
            strays=(*self._told(), *self._noted()),
            tactics=self.tuning.pending,
            group=(starts[b"******"], CONVERSION, self._conversion),
        )

    @property
    def unparsed(self) -> int:
        """Lines that look like one of the builder's and could not be read."""
        return self._lost + self.tuning.lost.count

    def _starts(self) -> dict[bytes, Handler]:
        tuning = self.tuning
        table: dict[bytes, Handler] = {
            b"Tactic": TACTIC,
            b"------": tuning.runner,
            b">>>>>>": tuning.chose,
            b"Fastes": tuning.fastest,
            b" (fore": tuning.foreign,
            b"******": self._combination,
            b"======": self._costs,
            b"Layer(": self._layer,
            b"Layers": self._listing,
            b"Skippi": self._skipping,
            b"Adding": self._adding,
            b"Retarg": self._part,
            b"Parsin": self._node,
            b"Markin": self._output,
            b"Origin": self._original,
            b"Buildi": self._strategy,
            b"Applyi": self._applying,
            b"Constr": self._profile,
            b"Format": self._selected,
            b"Engine": self._engine,
            b"Use ba": self._verdict,
            b"Chose ": self._verdict,
            b"Skip b": self._verdict,
            b"Loaded": self._library,
            b"Detect": self._detected,
            b"&&&& R": self._running,
            b"&&&& P": self._ran,
            b"&&&& F": self._ran,
        }
        for start in (
            b"Precis",
            b"LayerP",
            b"LayerO",
            b"Input(",
            b"Output",
            b"avgTim",
            b"Builde",
            b"Select",
            b"Comput",
            b"Enqueu",
            b"GPU Co",
        ):
            table[start] = self._setting
        for start in (b"builde", b"Memory", b"timing", b"Strong", b"Tensor", b"Layer ", b"DLACor"):
            table[start] = self._setting
        for start in (
            b"Runnin",
            b"Local ",
            b"Global",
            b"Deleti",
            b"Using ",
            b"Some t",
            b"Import",
            b"Castin",
            b"Plugin",
            b"Regist",
            b"[MemUs",
            b"After ",
            b"Search",
            b"Kernel",
            b"Finali",
        ):
            table[start] = NOTHING
        return table

    def _phrases(self) -> tuple[tuple[bytes, Handler], ...]:
        tuning = self.tuning
        return (
            (b"got cached result: ", tuning.cached),
            (b"Layer(", self._layer_inside),
            *self._told(),
            (b"requirements combinations were removed", self._removed),
            (b"insufficient memory", tuning.memory),
            *self._noted(),
            (b" | ", self._setting),
        )

    def _told(self) -> tuple[tuple[bytes, Handler], ...]:
        """Lines that may be the only ones of their prefix."""
        return (
            (b", LayerType: ", self._listed),
            (b" output network tensors", self._detected),
            (b"Loaded engine size: ", self._engine_loaded),
        )

    def _noted(self) -> tuple[tuple[bytes, Handler], ...]:
        return tuple((phrase, self._note) for phrase in phrases())

    # Builds and attempts -------------------------------------------------------------------------

    def _begin(self, line: int) -> None:
        """A new build starts on this line, unless nothing came before."""
        if not self._draft.empty:
            self._end(line - 1)
            self._draft = BuildDraft(number=len(self.summaries) + 1, first_line=line)

    def _end(self, line: int) -> None:
        draft = self._draft
        self.tuning.close(ended=draft.complete)
        self.tuning.leave()
        self.tuning.attempt = None
        self._in_layers = self._in_listing = False
        draft.last_line = line
        draft.lost, self.tuning.lost = self.tuning.lost, LostDraft()
        self._lost += draft.lost.count
        if draft.empty:
            return
        self.summaries.append(draft.summary())
        if self._wanted is not None:
            if draft.number == self._wanted:
                self._kept = draft.build()
        elif self._kept is None or _worth(draft) >= _worth(self._kept):
            self._kept = draft.build()

    def finish(self, last_line: int) -> Build | None:
        """End the last build; answers the one that was asked for."""
        self._end(last_line)
        return self._kept

    def _running(self, line: int, body: bytes) -> None:
        """``&&&& RUNNING``: a run of trtexec begins; one that loads an engine builds none."""
        self._run(line)
        text = text_of(body)
        command = command_of(line, text)
        if command is not None and "--loadEngine" in command.value:
            self._loading = self.loads = True
            return
        self._draft.version = version_of(text)
        if command is not None:
            self._draft.settings.append(command)

    def _ran(self, line: int, body: bytes) -> None:
        """``&&&& PASSED`` or ``&&&& FAILED``: nothing that follows is of this run."""
        if body.startswith(b"&&&& P") and self._draft.detected:
            # Before TensorRT 8 no other line of a quiet build tells its end.
            self._draft.generated = True
        self._run(line + 1)

    def _detected(self, line: int, body: bytes) -> None:
        """``Detected 1 inputs and 1 output network tensors``, which every builder says."""
        self._draft.detected = not self._loading or self._draft.detected

    def _run(self, first_line: int) -> None:
        """A run begins or ends here: what came before is not the next build's."""
        self._loading = False
        self._end(first_line - 1)
        self._draft = BuildDraft(number=len(self.summaries) + 1, first_line=first_line)

    def _original(self, line: int, body: bytes) -> None:
        self._loading = False
        if self._draft.attempts or self._draft.layers:
            self._begin(line)

    def _strategy(self, line: int, body: bytes) -> None:
        text = text_of(body)
        if "Building graph using backend strategy" in text:
            if self._draft.ended:
                self._begin(line)
            self._draft.strategy = whole(text.partition("backend strategy")[2])
            self._attempt(line, 0)

    def _applying(self, line: int, body: bytes) -> None:
        if b"generic optimizations" in body and self._draft.ended:
            self._begin(line)

    def _profile(self, line: int, body: bytes) -> None:
        text = text_of(body)
        profile = whole(text.partition("optimization profile number ")[2])
        if profile is None:
            return
        if self._draft.ended:
            self._begin(line)
        current = self.tuning.attempt
        if current is None or current.blocks:
            self._attempt(line, profile)
        else:
            current.profile = profile

    def _attempt(self, line: int, profile: int) -> None:
        self._loading = False
        self.tuning.leave()
        attempt = AttemptDraft(line=line, strategy=self._draft.strategy, profile=profile)
        self._draft.attempts.append(attempt)
        self.tuning.attempt = attempt

    def _tuned(self, line: int) -> None:
        if self._draft.ended:
            self._begin(line)
        if self.tuning.attempt is None:
            self._attempt(line, 0)

    def _costs(self, line: int, body: bytes) -> None:
        if b" Computing " in body:
            self._tuned(line)
            self.tuning.costs(line, body)

    def _combination(self, line: int, body: bytes) -> None:
        if b" Autotuning " in body:
            self._tuned(line)
            self.tuning.combination(line, body)
        elif self.tuning.attempt is not None:
            self.tuning.starred(line)

    def _conversion(self, line: int, found: re.Match[bytes]) -> int:
        """All lines of a conversion, as :data:`CONVERSION` finds them; answers how many."""
        self._tuned(line)
        return self.tuning.conversion(line, found)

    def _removed(self, line: int, body: bytes) -> None:
        self._tuned(line)
        count = whole(text_of(body).partition(" requirements")[0].rpartition(" ")[2])
        if count is not None and self.tuning.attempt is not None:
            self.tuning.attempt.removed.append((line, count))

    def _selected(self, line: int, body: bytes) -> None:
        text = text_of(body)
        if "Formats and tactics selection" in text:
            self.tuning.leave()
            if self.tuning.attempt is not None:
                self.tuning.attempt.finished = True
                seconds = text.partition("completed in ")[2].split(" ")[0]
                self.tuning.attempt.selection_s = number(seconds)

    def _verdict(self, line: int, body: bytes) -> None:
        """How 10.x compares its strategies: initial choice, better one, or skipped one."""
        text = text_of(body)
        if "backend strategy" not in text or self.tuning.attempt is None:
            return
        strategy = whole(text.partition("backend strategy ")[2])
        estimate = number(text.partition("estimated inference time (")[2].partition(")")[0])
        for attempt in reversed(self._draft.attempts):
            if attempt.strategy != strategy:
                break
            attempt.estimate_ms = estimate
            attempt.verdict_line = line

        if not text.startswith("Skip"):
            self._draft.chosen_strategy = strategy

    # The engine ----------------------------------------------------------------------------------

    def _engine(self, line: int, body: bytes) -> None:
        if body.startswith(b"Engine Layer Information"):
            self.tuning.leave()
            if self._draft.layers:
                # One build lists its engine once.
                self._begin(line)
            self._in_layers = True
            self._draft.ended = True
        elif body.startswith((b"Engine generation completed", b"Engine built in")):
            text = text_of(body)
            self._draft.generated = True
            seconds = text.partition(" in ")[2].split(" ")[0]
            self._draft.total_s = number(seconds)
            self._draft.total_line = line

    def _layer(self, line: int, body: bytes) -> None:
        if not self._in_layers or len(body) > _LONGEST_MESSAGE:
            return
        layer = engine_layer(text_of(body), line)
        if layer is None:
            self.tuning.lost.add(line)
        else:
            self._draft.layers.append(layer)

    def _layer_inside(self, line: int, body: bytes) -> None:
        if self._in_layers:
            self._layer(line, body[body.find(b"Layer(") :])

    def _listing(self, line: int, body: bytes) -> None:
        """``Layers:``, which heads the inspector's text: TensorRT-RTX and 11 end a build with it.

        An engine that is loaded later in the same run is listed alike, so the first list counts, and
        none before an engine was made.
        """
        draft = self._draft
        ended = draft.generated and not (draft.layers or draft.listing or self._loading)
        self._in_listing = ended and body.strip() == b"Layers:"

    def _listed(self, line: int, body: bytes) -> None:
        if self._in_listing and len(self._draft.listing) < MAX_LAYERS:
            found = listed_layer(text_of(body[max(0, body.find(b"Name: ")) :]))
            if found is not None:
                self._draft.listing.append(found)

    # The network and the rest --------------------------------------------------------------------

    def _adding(self, line: int, body: bytes) -> None:
        if body.startswith(b"Adding reformat layer: "):
            self.tuning.added(line, body)
        elif b" engine(s) to plan file" in body:
            self._draft.written = True
        elif body.startswith(b"Adding network input: "):
            if self._draft.attempts:
                self._begin(line)
            found = network_input(line, text_of(body))
            if found is not None:
                self._draft.inputs.append(found)

    def _part(self, line: int, body: bytes) -> None:
        """``Retargeting A to B``: what wrote A writes its part of the concatenation B instead."""
        part, to, joined = text_of(body).removeprefix("Retargeting ").partition(" to ")
        if to and " to " not in joined:
            self._draft.parts.append((part, joined))

    def _output(self, line: int, body: bytes) -> None:
        name = text_of(body).partition(" as output: ")[2]
        if name:
            self._draft.outputs.append(name)

    def _node(self, line: int, body: bytes) -> None:
        if len(self._draft.nodes) >= _MOST_NODES:
            return
        node = onnx_node(line, text_of(body))
        if node is not None:
            self._draft.nodes.append(node)

    def _skipping(self, line: int, body: bytes) -> None:
        if b"insufficient" in body:
            self.tuning.memory(line, body)
        else:
            self.tuning.no_tactics(line, body)

    def _setting(self, line: int, body: bytes) -> None:
        if len(body) > _LONGEST_MESSAGE or len(self._draft.settings) >= _MOST_NOTES:
            return
        if self._loading:
            return
        text = text_of(body)
        found = setting_of(line, text)
        if found is not None:
            self._draft.settings.append(found)
            if found.key.casefold() == "tensorrt version":
                self._draft.version = version_of(text) or self._draft.version
        else:
            self._note(line, body)

    def _engine_loaded(self, line: int, body: bytes) -> None:
        self.loads = True

    def _library(self, line: int, body: bytes) -> None:
        if body.startswith(b"Loaded engine size: "):
            self._engine_loaded(line, body)
        found = None if self._loading else library_of(line, text_of(body))
        if found is not None:
            self._draft.settings.append(found[0])
            self._draft.version = self._draft.version or found[1]

    def _note(self, line: int, body: bytes) -> None:
        if len(body) > _LONGEST_MESSAGE or self._loading:
            return
        if len(self._draft.notes) >= _MOST_NOTES and b"buildSerializedNetwork" not in body:
            return
        note = note_of(line, text_of(body))
        if note is None:
            return
        if note.kind is NoteKind.ERROR or note.kind is NoteKind.NO_IMPLEMENTATION:
            if self._draft.written and "buildSerializedNetwork" in note.text:
                # This build's plan was written, so another one failed, of which no more is told.
                self._begin(line)
            self._draft.failed = self._draft.failed or "buildSerializedNetwork" in note.text
        if len(self._draft.notes) < _MOST_NOTES:
            self._draft.notes.append(note)


def _worth(build: BuildDraft | Build) -> tuple[bool, bool, bool]:
    """By what a build is preferred to another; one without ``Layer(...)`` lines cannot be solved."""
    return build.complete, build.verbose, bool(build.layers)
