"""Why a layer is not FP16, as far as the build log alone proves it.

Pure functions of the log's facts and of what solving again told. A layer for which nothing is
proven gets no reason, and the caller says what is missing. Weight-range warnings are about
accuracy, so no cause.
"""

from __future__ import annotations

from trtdoctor.model.report import Confidence, Evidence
from trtdoctor.model.typing import Typing
from trtdoctor.readers.buildlog import (
    FLOAT_TYPES,
    Attempt,
    Autotuning,
    Build,
    Candidate,
    EngineLayer,
    NoteKind,
    Outcome,
    SkippedTactic,
)

from ..candidates import holds_half, is_half, touches_floats
from .analysis import Analysis, SolvedLayer
from .cost_causes import own_best, weighed_reasons
from .lost import all_read, lowered, shows_absence
from .network import Node, network_of, plain
from .witness import Cause, Cost, LayerReasons, Reason, Witness

# Layers that move or reshape data and compute nothing: nobody is owed an explanation for them.
MOVEMENT = frozenset(
    {"NoOp", "Reformat", "MyelinReformat", "Shuffle", "Constant", "Slice", "Concatenation", "Copy"}
)

# The builder makes these itself, so no user has pinned them to a type.
_BUILDER_MADE = ("reshape_before_", "reshape_after_", "squeeze_after_", "unsqueeze_")


_MOST_KERNELS = 8
_OTHER_FLOATS = FLOAT_TYPES - {"Half"}


def causes_of(
    build: Build,
    attempt: Attempt,
    analysis: Analysis | None,
    *,
    typing: Typing,
    log: str = "build.log",
    hardware: Reason | None = None,
) -> tuple[LayerReasons, ...]:
    """The reasons for every computing layer of the engine that is not FP16.

    Args:
        build: the build.
        attempt: the attempt that made the engine, one of ``build.chosen``.
        analysis: what solving it told, or None where it could not be solved.
        typing: who decided precision in that build, by `typing_of_build`.
        log: the log's name, as evidence shows it.
        hardware: that the GPU has no fast FP16, where the log tells the GPU.
    """
    if typing is Typing.STRONG:
        return ()
    finder = _Finder(build, attempt, analysis, Witness(log), typing, hardware)
    return tuple(
        finder.layer(node) for node in network_of(build, attempt).nodes if _owed(node.layer)
    )


def _owed(layer: EngineLayer) -> bool:
    """Whether a layer computes on floating tensors of another type than FP16."""
    if layer.type in MOVEMENT:
        return False
    inputs = [tensor.dtype for tensor in layer.inputs if tensor.dtype in _OTHER_FLOATS]

    halves = [tensor for tensor in (*layer.inputs, *layer.outputs) if tensor.dtype == "Half"]
    outputs = [tensor for tensor in layer.outputs if tensor.dtype in _OTHER_FLOATS]
    return bool(inputs) or (bool(outputs) and not halves and not layer.inputs)


class _Finder:
    def __init__(
        self,
        build: Build,
        attempt: Attempt,
        analysis: Analysis | None,
        witness: Witness,
        typing: Typing,
        hardware: Reason | None,
    ) -> None:
        self._build = build
        self._attempt = attempt
        self._analysis = analysis
        self._at = witness.at
        self._witness = witness
        self._tunings = [t for a in build.attempts for t in a.layers]
        self._half = next((c for t in self._tunings for c in t.candidates if holds_half(c)), None)
        self._typing = typing
        self._hardware = hardware
        self._disabled = self._not_enabled()

    def layer(self, node: Node) -> LayerReasons:
        layer, tuning = node.layer, node.tuning
        verdict = (
            next((v for v in self._analysis.verdicts if v.layer == layer.name and not v.half), None)
            if self._analysis
            else None
        )
        solved = (
            next((p for p in self._analysis.choice.solved_layers if p.name == layer.name), None)
            if self._analysis
            else None
        )
        reasons: list[Reason] = [*self._fallbacks(layer)]
        if self._hardware is not None:
            reasons.append(self._hardware)
        if self._disabled is not None:
            reasons.append(self._disabled)
        elif tuning is not None and self._half is not None and self._typing is Typing.WEAK:
            found = self._excluded(layer, tuning)
            reasons.extend(found)
            known = verdict is not None and verdict.known and all_read(tuning)
            if (
                not found
                and verdict is not None
                and known
                and solved is not None
                and solved.same_type
            ):
                assert self._analysis is not None
                reasons.extend(
                    weighed_reasons(
                        self._analysis, verdict, self._witness, own_best(tuning, self._witness)
                    )
                )
                reasons.extend(self._perhaps_memory(tuning))
        reasons.extend(self._constraints(layer))
        reasons.extend(self._fused(layer, solved))
        forced = verdict.forced if verdict is not None and verdict.known else None
        return LayerReasons(
            layer=layer.name,
            line=layer.line,
            region=verdict.region if verdict else None,
            decided_again=verdict.decided_again if verdict else None,
            reasons=tuple(lowered(reason, self._build) for reason in reasons),
            cost=Cost(
                margin_ms=forced.margin_ms,
                kernels_ms=forced.kernels_ms,
                conversions_ms=forced.conversions_ms,
                plan_ms=self._analysis.choice.plan_ms,
            )
            if forced is not None and self._analysis is not None
            else None,
        )

    # The whole build -----------------------------------------------------------------------------

    def _not_enabled(self) -> Reason | None:
        """No Half anywhere although FP32 was timed: the flag was not set, or the GPU lacks FP16."""
        for note in self._build.noted(NoteKind.HARDWARE) if self._hardware is None else ():
            return Reason(
                cause=Cause.HARDWARE,
                confidence=Confidence.CERTAIN,
                evidence=(self._at(note.line, note.text),),
            )
        if self._half is not None or self._typing is not Typing.WEAK:
            return None
        if not shows_absence(self._build):
            return None
        timed = [
            (tuning, candidate)
            for tuning in self._tunings
            for candidate in tuning.candidates
            if candidate.outcome is Outcome.TIMED and candidate.best and not candidate.best.cached
        ]
        floats = [pair for pair in timed if touches_floats(pair[1])]
        if not floats:
            return None
        evidence = [
            self._at(
                floats[0][1].line,
                f"{len(floats)} floating-point candidates were timed, none of them Half; "
                "this is the first",
            )
        ]
        int8 = [
            candidate
            for _, candidate in timed
            if any(form.dtype == "Int8" for form in (*candidate.inputs, *candidate.outputs))
        ]
        if int8:
            evidence.append(self._at(int8[0].line, "INT8 candidates were timed"))
            return Reason(
                cause=Cause.INT8_WITHOUT_FP16,
                confidence=Confidence.LIKELY,
                evidence=tuple(evidence),
            )
        sure = False
        for key in ("Precision", "Flags"):
            banner = self._build.setting(key)
            if banner is not None and "FP16" not in banner.value:
                sure = True
                evidence.append(self._at(banner.line, f"{banner.key}: {banner.value}"))
            elif banner is not None:
                return None  # FP16 was asked for, and something else keeps Half away
        for tuning, candidate in floats:
            if (tuning.layer or "").startswith(_BUILDER_MADE):
                # Were FP16 allowed, a layer that no user can pin would have a Half candidate.
                sure = True
                evidence.append(
                    self._at(
                        candidate.line,
                        f"the builder's own layer {tuning.layer} has no Half candidate either",
                    )
                )
                break
        return Reason(
            cause=Cause.NOT_ENABLED,
            confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
            evidence=tuple(evidence),
        )

    # One layer -----------------------------------------------------------------------------------

    def _excluded(self, layer: EngineLayer, tuning: Autotuning) -> list[Reason]:
        """FP16 was on, yet no Half candidate has a time: pinned, no kernel, or no memory."""
        halves = [candidate for candidate in tuning.candidates if is_half(candidate)]
        if any(c.outcome in (Outcome.TIMED, Outcome.UNTIMED) for c in halves):
            return []
        assert self._half is not None
        if not all_read(tuning):
            return []
        on = self._at(self._half.line, "FP16 was allowed: Half was tried, here for the first time")
        if halves:
            return self._without_time(halves)
        pin = next(
            (
                note
                for note in self._build.noted(NoteKind.PIN)
                if note.subject in plain(layer.name).split(" + ")
            ),
            None,
        )
        none = self._at(
            tuning.line, f"none of its {len(tuning.candidates)} candidates computes in Half"
        )
        if tuning.removed:
            removed = self._at(
                tuning.removed_line,
                f"{tuning.removed} combinations were removed by type constraints",
            )
            return [self._reason(Cause.PINNED, Confidence.CERTAIN, removed, none, on)]
        if pin is not None:
            asked = self._at(pin.line, pin.text)
            return [self._reason(Cause.PINNED, Confidence.CERTAIN, asked, none, on)]
        if layer.type == "Myelin":
            return []
        integers = any(
            not form.is_float
            for candidate in tuning.candidates
            for form in (*candidate.inputs, *candidate.outputs)
        )
        twin = None if integers or tuning.removed == 0 else self._twin(tuning)
        missing = "Half was not enumerated for it"
        if twin is None:
            kernel = self._at(tuning.line, missing)
            return [self._reason(Cause.NO_FP16_KERNEL, Confidence.LIKELY, kernel, on)]
        alike = self._at(twin.line, f"{twin.layer}, timed by the same runners, has Half candidates")
        return [
            self._reason(Cause.PINNED, Confidence.LIKELY, none, alike, on),
            self._reason(
                Cause.NO_FP16_KERNEL, Confidence.POSSIBLE, self._at(tuning.line, missing), on
            ),
        ]

    def _without_time(self, halves: list[Candidate]) -> list[Reason]:
        skipped = [(c, skip) for c in halves for skip in c.skipped]
        if skipped:
            lines = [
                self._at(
                    skip.line,
                    f"a Half tactic was skipped: needs {skip.requested} bytes, has {skip.available}"
                    if skip.requested is not None
                    else f"a Half tactic was skipped: {skip.text}",
                )
                for _, skip in skipped[:4]
            ]
            return [_memory(Confidence.LIKELY, [skip for _, skip in skipped], *lines)]
        if any(c.outcome is Outcome.UNFINISHED for c in halves):
            return []
        lines = []
        for candidate in halves[:6]:
            if candidate.outcome is Outcome.INFINITE:
                assert candidate.best is not None
                words = f"Half timed inf by {candidate.best.runner}"
                lines.append(self._at(candidate.best.line, words))
            else:
                runners = ", ".join(dict.fromkeys(candidate.without_tactics)) or "any runner"
                lines.append(self._at(candidate.line, f"Half has no valid tactics: {runners}"))
        return [self._reason(Cause.NO_FP16_KERNEL, Confidence.CERTAIN, *lines)]

    def _twin(self, tuning: Autotuning) -> Autotuning | None:
        """Another layer that the same runners time and that has a Half candidate."""
        mine = _runners(tuning)
        for other in self._attempt.layers:
            if other is tuning or other.layer is None or _runners(other) != mine:
                continue
            if any(is_half(candidate) for candidate in other.candidates):
                return other
        return None

    def _perhaps_memory(self, tuning: Autotuning) -> list[Reason]:
        skipped = [s for c in tuning.candidates if is_half(c) for s in c.skipped]
        if not skipped:
            return []
        words = "a Half tactic was skipped for want of memory; it might have been faster"
        line = self._at(skipped[0].line, f"{words}: {skipped[0].text}")
        return [_memory(Confidence.POSSIBLE, skipped, line)]

    def _fallbacks(self, layer: EngineLayer) -> list[Reason]:
        parts = plain(layer.name).split(" + ")
        return [
            self._reason(Cause.DLA_FALLBACK, Confidence.CERTAIN, self._at(note.line, note.text))
            for note in self._build.noted(NoteKind.DLA_FALLBACK)
            if note.subject == plain(layer.name) or note.subject in parts
        ][:1]

    def _constraints(self, layer: EngineLayer) -> list[Reason]:
        """The log's own sentences about constraints.

        8.6 and 10 print the "non-conforming" one for layers that nobody pinned, too: it counts only
        where the log shows that a type was asked for.

        """
        name = plain(layer.name)
        asked = bool(self._build.noted(NoteKind.PIN)) or any(
            (found := self._build.setting(key)) is not None and bool(found.value)
            for key in ("LayerPrecisions", "LayerOutputTypes")
        )
        for note in self._build.noted(NoteKind.NO_CONFORMING, NoteKind.NON_CONFORMING):
            if note.subject != name:
                continue
            line = self._at(note.line, note.text)
            if note.kind is NoteKind.NO_CONFORMING:
                sure = Confidence.CERTAIN
            elif asked:
                sure = Confidence.LIKELY
            else:
                continue

            return [self._reason(Cause.CONSTRAINT_NOT_HONOURED, sure, line)]
        return []

    def _fused(self, layer: EngineLayer, solved: SolvedLayer | None) -> list[Reason]:
        if layer.type != "Myelin":
            return []
        words = "a fused block: its log shows the types at its edges, not those inside"
        lines = [self._at(layer.line, words)]
        for tuning in self._attempt.layers:
            for candidate in tuning.candidates:
                if solved is not None and candidate.line == solved.candidate_line:
                    lines.extend(
                        self._at(inner.line, f"inside, {inner.operation} ran {inner.kernel}")
                        for inner in candidate.inner[:_MOST_KERNELS]
                    )
        return [self._reason(Cause.INSIDE_FUSED_BLOCK, Confidence.CERTAIN, *lines)]

    def _reason(self, cause: Cause, confidence: Confidence, *evidence: Evidence) -> Reason:
        return Reason(cause=cause, confidence=confidence, evidence=evidence)


def _memory(confidence: Confidence, skipped: list[SkippedTactic], *evidence: Evidence) -> Reason:
    """Half tactics were skipped for want of memory, and how much the greediest of them asked for."""
    asked = [skip.requested for skip in skipped if skip.requested is not None]
    return Reason(
        cause=Cause.TACTIC_MEMORY,
        confidence=confidence,
        evidence=evidence,
        scratch_bytes=max(asked, default=None),
    )


def _runners(tuning: Autotuning) -> frozenset[str]:
    return frozenset(
        runner
        for candidate in tuning.candidates
        for runner in (*(t.runner for t in candidate.timings), *candidate.without_tactics)
    )
