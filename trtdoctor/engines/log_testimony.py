"""What a build log tells of the engine that its build made: layers, causes, and the proof of them.

The builder's choice is solved again once, here; everything else is read off that.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trtdoctor.knowledge import Knowledge
from trtdoctor.knowledge.decoding import decode
from trtdoctor.model.decoded import Answer
from trtdoctor.model.engine import (
    BuildFailure,
    ChoiceTold,
    EngineIdentity,
    Layer,
    LayerTensor,
    Precision,
    Role,
)
from trtdoctor.model.finding import Confidence, Evidence
from trtdoctor.model.report import Severity
from trtdoctor.model.typing import Typing
from trtdoctor.model.watch import UNHURRIED, OutOfTime, Watch
from trtdoctor.precision.layers import classify_layers
from trtdoctor.precision.log import (
    Analysis,
    BuiltOn,
    NetworkFormat,
    analyse,
    built_on,
    causes_of,
    mistaken_workspace,
    no_fast_fp16,
    not_enabled_by_banner,
)
from trtdoctor.precision.log.witness import Witness
from trtdoctor.precision.reasons import LayerReasons, Reason
from trtdoctor.precision.times import in_us
from trtdoctor.precision.typing import typing_of_build
from trtdoctor.readers.buildlog import Attempt, Build, Note, NoteKind, Outcome
from trtdoctor.readers.layers.dtypes import dtype_of
from trtdoctor.readers.layers.names import split_profile

from .given import GivenLog

_LAST_ERRORS = 8
# In lines that are not verbose: before TensorRT's errors, and at the end of a log without any.
_LINES_BEFORE = 10
_LAST_LINES = 12


@dataclass(frozen=True, kw_only=True)
class _Solved:
    """One profile's attempt with what solving it told, or why it was not solved."""

    attempt: Attempt
    analysis: Analysis | None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class LogTestimony:
    """One log with its builder's choice solved again, once for each optimisation profile."""

    log: GivenLog
    typing: Typing
    solved: tuple[_Solved, ...]
    hardware: Reason | None = None

    @property
    def build(self) -> Build:
        """The build that speaks."""
        return self.log.build

    @property
    def analysis(self) -> Analysis | None:
        """What solving the first solvable profile told."""
        return next((one.analysis for one in self.solved if one.analysis), None)

    @property
    def unsolved(self) -> tuple[str, ...]:
        """Why attempts were not solved, or only with times that are not in the log."""
        lacking = (one.analysis.choice.unknown_terms if one.analysis else 0 for one in self.solved)
        number = sum(lacking)
        times = "one kernel or conversion" if number == 1 else f"{number} kernels or conversions"
        note = f"{self.log.name} does not tell the time of {times} that the builder weighed"
        doubt = "what rests on its solution is likely at most"
        return (
            *(one.reason for one in self.solved if one.reason),
            *self._unreached(),
            *((f"{note}; {doubt}",) if number else ()),
            *self._mistaken(),
            *((self._unlisted,) if self._inspected and self.typing is not Typing.STRONG else ()),
        )

    def _unreached(self) -> Iterable[str]:
        """What there was no time to solve."""
        for one in self.solved:
            analysis = one.analysis
            if analysis is not None and analysis.unreached:
                reached = len(analysis.verdicts)
                yield (
                    f"causes of {reached} of {reached + analysis.unreached} layers that can be FP16 "
                    "were solved in time; of the others only what the log says of each alone counts; "
                    "a longer --deadline gives time"
                )
            elif analysis is not None and analysis.io_unreached:
                yield (
                    "there was no time to solve the plan again with FP16 network inputs and outputs; "
                    "a longer --deadline gives time"
                )

    def _mistaken(self) -> tuple[str, ...]:
        """That the workspace is not what the command means, which costs kernels and time."""
        found = mistaken_workspace(self.build, Witness(self.log.short))
        return (f"{found.value} ({found.source})",) if found else ()

    @property
    def _inspected(self) -> bool:
        """Whether the log has the builder's times, and its engine in the inspector's text alone."""
        timed = any(
            candidate.outcome is Outcome.TIMED
            for attempt in self.build.chosen
            for tuning in attempt.layers
            for candidate in tuning.candidates
        )
        return timed and bool(self.build.listing) and not self.build.layers

    @property
    def _unlisted(self) -> str:
        return (
            f"{self.log.name} lists its engine as the inspector does, with fused blocks taken apart, so "
            "the builder's choice cannot be solved again; a build without detailed profiling verbosity "
            "lists it as the builder chose it"
        )

    def layers(self) -> tuple[Layer, ...]:
        """The layers of the engine that the log ends with; kernels as the solution names them."""
        if not self.build.layers:
            return self.build.listing
        kernels = {
            planned.name: planned.kernel
            for one in self.solved
            if one.analysis is not None
            for planned in one.analysis.choice.solved_layers
        }
        named = _names_of_tactics(self.build)
        return tuple(
            Layer(
                name=layer.name,
                type=layer.type,
                inputs=tuple(_tensor(t.name, t.dtype, t.dims) for t in layer.inputs),
                outputs=tuple(_tensor(t.name, t.dtype, t.dims) for t in layer.outputs),
                # A later profile's kernels come from the timing cache, by number alone.
                tactic=kernels.get(layer.name) or named.get(layer.tactic),
                tactic_id=layer.tactic,
                profile=split_profile(layer.name)[1],
            )
            for layer in self.build.layers
        )

    def reasons(self) -> Iterable[LayerReasons]:
        """Why layers are not FP16, as far as the log proves it."""
        for one in self.solved:
            yield from causes_of(
                self.build,
                one.attempt,
                one.analysis,
                typing=self.typing,
                log=self.log.short,
                hardware=self.hardware,
            )

    def whole_build(self) -> Reason | None:
        """The cause that the banner alone proves, for every layer of the build."""
        return self.hardware or not_enabled_by_banner(
            self.build, Witness(self.log.short), self.typing
        )

    def identity(self) -> EngineIdentity | None:
        """What the log tells of the engine that was made; None where it tells nothing."""
        gpu, version = built_on(self.build), self.build.version
        command = self.build.setting("command")
        # Only TensorRT-RTX builds for a GPU that is not there yet, and says so.
        rtx = any("In JIT build" in note.text for note in self.build.noted(NoteKind.TYPING))
        if gpu is None and version is None and command is None and not rtx:
            return None
        confidence = {"tensorrt_version": Confidence.LIKELY} if version else {}
        if gpu is not None:
            # The command may ask for other GPUs than the builder's own.
            confidence["compute_capabilities"] = Confidence.LIKELY
        return EngineIdentity(
            container="build-log",
            product="tensorrt-rtx" if rtx else "tensorrt" if version else None,
            tensorrt_version=version,
            compute_capabilities=(gpu.compute_capability,) if gpu else None,
            built_on=_record(gpu) if gpu else None,
            metadata={"command": command.value} if command else {},
            confidence=confidence,
        )

    def half_blocks(self, layers: Iterable[Layer]) -> dict[str, tuple[Evidence, ...]]:
        """Fused blocks whose FP16 variant the builder chose, with its time and the other one's."""
        unknown = {layer.name for layer in layers if layer.precision is Precision.UNKNOWN}
        found: dict[str, tuple[Evidence, ...]] = {}
        for one in self.solved:
            analysis = one.analysis
            if analysis is None:
                continue
            verdicts = {verdict.layer: verdict for verdict in reversed(analysis.verdicts)}
            for planned in analysis.choice.solved_layers:
                if planned.name not in unknown or not planned.half or not planned.same_type:
                    continue
                source = f"{self.log.short}:{planned.line or planned.candidate_line}"
                value = f"the builder chose the block's FP16 variant: {in_us(planned.time_ms)}"
                evidence = [Evidence(source=source, value=value)]
                verdict = verdicts.get(planned.name)
                if verdict is not None and verdict.forced is not None:
                    total = f"{in_us(verdict.forced.total_ms)} instead of {in_us(analysis.choice.plan_ms)}"
                    value = f"solved again with the block's other variant: {total}"
                    evidence.append(Evidence(source=self.log.short, value=value))
                found[planned.name] = tuple(evidence)
        return found

    def choice(self) -> ChoiceTold | None:
        """How solving again compares with the log, for the report.

        None where nothing was solved, or where the log tells no time at all.
        """
        analysis = self.analysis
        if analysis is None or not analysis.choice.plan_ms:
            return None
        choice = analysis.choice
        forced = [v.forced for v in analysis.verdicts if v.forced and v.known and not v.half]
        cheapest = min(forced, key=lambda found: found.total_ms, default=None)
        io = analysis.network_io
        return ChoiceTold(
            log=self.log.name,
            build=self.build.number,
            profile=choice.profile,
            reproduced=choice.reproduced,
            layers=choice.layers,
            conversions=choice.conversions,
            plan_ms=choice.plan_ms,
            alternative_ms=cheapest.total_ms if cheapest else None,
            alternative_kernels_ms=cheapest.kernels_ms if cheapest else None,
            alternative_conversions_ms=cheapest.conversions_ms if cheapest else None,
            network_io_ms=io.total_ms if io else None,
            network_io_gain_ms=(io.gain.low_ms, io.gain.high_ms) if io and io.gain else None,
            network_io=tuple(f"{f.tensor} as {_format(f)}" for f in io.formats) if io else (),
        )


def hear(log: GivenLog, knowledge: Knowledge, watch: Watch = UNHURRIED) -> LogTestimony:
    """Solve what the builder solved, as far as there is time.

    Where numpy or the solver's library is missing or broken, the log's other testimony stands
    without them.
    """
    typing = typing_of_build(log.build, knowledge)
    return LogTestimony(
        log=log,
        typing=typing,
        hardware=no_fast_fp16(log.build, Witness(log.short), typing, knowledge),
        solved=tuple(_solved(log.build, attempt, watch) for attempt in log.build.chosen),
    )


def _solved(build: Build, attempt: Attempt, watch: Watch) -> _Solved:
    try:
        return _Solved(attempt=attempt, analysis=analyse(build, attempt, watch))
    except ImportError as error:
        reason = f"the builder's choice could not be solved again: {error}"
    except OutOfTime:
        reason = (
            "there was no time to solve the builder's choice again, so only what the log says of each "
            "layer alone counts; a longer --deadline gives time"
        )
    return _Solved(attempt=attempt, analysis=None, reason=reason)


def failure_of(log: GivenLog, knowledge: Knowledge) -> BuildFailure | None:
    """What ended a build that made no engine: of the errors at its end the first cause that is known.

    TensorRT's last line often says no more than that a line before it was an error, and a run may
    end in an error that is none of TensorRT's.
    """
    build = log.build
    if build.layers or build.listing:
        return None
    ends = build.noted(NoteKind.ERROR, NoteKind.NO_IMPLEMENTATION, NoteKind.NO_CONFORMING)
    if told := _first_known(log, ends, knowledge):
        error = next((a for a in told if a.severity is Severity.ERROR), told[0])
        cause = told[0]
        return BuildFailure(
            line=error.line,
            text=error.text,
            meaning=error.meaning,
            next_step=cause.next_step,
            error=cause.id,
            often=cause.often,
            commands=cause.commands,
            before=(cause.line, cause.text) if cause.line < error.line else None,
        )
    return BuildFailure(line=ends[-1].line, text=ends[-1].text) if ends else None


def _first_known(log: GivenLog, ends: Sequence[Note], knowledge: Knowledge) -> list[Answer]:
    """What is known at the end of a log of a failed build, first what the others follow from."""
    if log.ending is None or not log.ending.numbers:
        return []
    numbers = log.ending.numbers
    # Errors far above the end were survived; only where TensorRT told of some may they be further up.
    first = numbers[-min(_LAST_LINES, len(numbers))]
    if ends:
        place = bisect_left(numbers, ends[-_LAST_ERRORS:][0].line)
        first = numbers[max(0, place - _LINES_BEFORE)]
    end = log.ending.between(first, numbers[-1])
    decoded = decode(end.text, knowledge, numbers=end.numbers)
    told = [a for a in decoded.answers if not a.partial and not a.recovered]
    if any(answer.severity is Severity.ERROR for answer in told):
        # Without an error of TensorRT's, a build that went on to its engine has not failed.
        return told if ends or not log.build.complete else []
    return [answer for answer in told if ends and answer.line <= ends[-1].line]


def several_builds(logs: Iterable[GivenLog]) -> Iterable[str]:
    """Which build was taken of a file that holds several, where the user did not say."""
    for log in logs:
        if len(log.builds) < 2 or log.picked:
            continue
        taken = log.build
        kind = "verbose and complete" if taken.complete and taken.verbose else "complete"
        if any(b.complete and b.verbose for b in log.builds[taken.number :]):
            kind = "verbose and complete and lists its layers as the builder chose them"
        if not taken.complete:
            kind = "verbose, and none is complete" if taken.verbose else "there"
        yield (
            f"{log.name} holds {len(log.builds)} builds; number {taken.number} (from line "
            f"{taken.first_line}) was taken, the last one that is {kind}; --build N takes another"
        )


def damages(
    logs: Iterable[GivenLog], knowledge: Knowledge, *, built: bool = False
) -> Iterable[str]:
    """What is missing of logs that end early or tell of an error at their end.

    ``built`` is whether the first is known to be of a build that made its engine.
    """
    for number, log in enumerate(logs):
        if log.damage is not None:
            yield f"{log.name} is damaged, and was read up to there: {log.damage}"
        if log.stopped is not None:
            yield (
                f"{log.name} was not read to its end, since {log.stopped}: what stands behind that is "
                "not known"
            )
        if lost := log.build.lost:
            lines = "line" if lost.count == 1 else "lines"
            yield (
                f"{log.name}: {lost.count} {lines} of candidates, times, conversions or layers "
                f"could not be read, the first of them line {lost.first_line}; what they could "
                "have changed is likely at most"
            )
        errors = log.build.noted(NoteKind.ERROR)
        if errors and log.build.layers and not (built and number == 0):
            yield (
                f"{log.name} tells an error after all was chosen, so this build may have left no "
                f"engine: {errors[-1].text} (line {errors[-1].line})"
            )
        elif (
            not (log.damage or log.stopped or log.build.complete)
            and failure_of(log, knowledge) is None
        ):
            if log.build.total_line is None or log.build.layers:
                yield f"{log.name} ends before the build does: give the whole log"
            else:
                yield (
                    f"{log.name} tells that the engine was made (line {log.build.total_line}), and "
                    "does not list its layers"
                )


def flips(
    layers: Sequence[Layer], others: Iterable[GivenLog], knowledge: Knowledge, watch: Watch
) -> Iterable[str]:
    """Layers that another build of the model put into another type."""
    here = {x.name: x.precision for x in layers if x.role is Role.COMPUTE}
    for log in others:
        theirs = classify_layers(hear(log, knowledge, watch).layers())
        there = {x.name: x.precision for x in theirs if x.role is Role.COMPUTE}
        half = Precision.FP16
        flipped = [
            f"{name} ({here[name].value}, there {there[name].value})"
            for name in here
            if name in there and (here[name] is half) != (there[name] is half)
        ]
        shared = len(here.keys() & there.keys())
        if not shared:
            yield f"{log.name}: it has no layer of this engine, so nothing can be compared"
        elif flipped:
            yield f"{log.name}: {len(flipped)} of {shared} layers flip: {', '.join(flipped)}"
        else:
            yield f"{log.name}: none of {shared} layers in both builds flips"


def _names_of_tactics(build: Build) -> dict[str, str]:
    """Kernels by tactic, where the log gives a number one name and no other; 0 is everybody's."""
    names: dict[str, set[str]] = {}
    for attempt in build.attempts:
        for tuning in attempt.layers:
            for candidate in tuning.candidates:
                for timing in candidate.timings:
                    if timing.kernel is not None and timing.tactic.strip("0x"):
                        names.setdefault(timing.tactic, set()).add(timing.kernel)
    return {tactic: next(iter(found)) for tactic, found in names.items() if len(found) == 1}


def _record(gpu: BuiltOn) -> dict[str, str]:
    board = {"board": gpu.board} if gpu.board is not None else {}
    return {**board, "compute_capability": gpu.compute_capability}


def _format(network: NetworkFormat) -> str:
    known = dtype_of(network.dtype)
    return f"{known.value.lower() if known else network.dtype}:{network.layout}"


def _tensor(name: str, dtype: str, dims: tuple[int, ...]) -> LayerTensor:
    known = dtype_of(dtype)
    return LayerTensor(name=name, dtype=known.value if known else None, shape=dims or None)
