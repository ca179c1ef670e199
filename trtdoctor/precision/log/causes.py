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
from .analysis import Analysis, LayerVerdict, SolvedLayer
from .banner import mistaken_workspace
from .cost_causes import fastest_reasons, own_best, weighed_reasons
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
# Types of indices and extents; INT8 is quantised data.
_INTEGERS = frozenset({"Int32", "Int64", "Bool", "UInt8"})


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
    return tuple(finder.layer(node) for node in network_of(build, attempt).nodes if _owed(node))


def _owed(node: Node) -> bool:
    """Whether a layer computes on floating tensors of another type than FP16."""
    layer = node.layer
    if layer.type in MOVEMENT:
        return False
    tensors = (*layer.inputs, *layer.outputs)
    if node.tuning is not None and all(t.dtype in _INTEGERS for t in tensors):
        # Kernels that were timed inside a block between integers show that it computes.
        return any(candidate.inner for candidate in node.tuning.candidates)
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
        verdicts = analysis.verdicts if analysis else ()
        self._verdicts = {v.layer: v for v in reversed(verdicts) if not v.half}
        solved = analysis.choice.solved_layers if analysis else ()
        self._solved = {one.name: one for one in reversed(solved)}
        self._at = witness.at
        self._witness = witness
        self._tunings = [t for a in build.attempts for t in a.layers]
        self._half = next((c for t in self._tunings for c in t.candidates if holds_half(c)), None)
        self._typing = typing
        self._hardware = hardware
        self._disabled = self._not_enabled()
        mistaken = mistaken_workspace(build, witness)
        self._mistaken = (mistaken,) if mistaken else ()

    def layer(self, node: Node) -> LayerReasons:
        layer = node.layer
        verdict, solved = self._verdicts.get(layer.name), self._solved.get(layer.name)
        return LayerReasons(
            layer=layer.name,
            line=layer.line,
            region=verdict.region if verdict else None,
            decided_again=verdict.decided_again if verdict else None,
            reasons=tuple(
                lowered(reason, self._build)
                for reason in (
                    *self._fallbacks(layer),
                    *((self._hardware,) if self._hardware is not None else ()),
                    *self._not_chosen(node, verdict, solved),
                    *self._constraints(layer),
                    *self._fused(layer, solved),
                )
            ),
            cost=self._cost(verdict),
        )

    def _not_chosen(
        self, node: Node, verdict: LayerVerdict | None, solved: SolvedLayer | None
    ) -> list[Reason]:
        """Why the builder could not choose FP16 or, where it could, why it did not."""
        if self._disabled is not None:
            return [self._disabled]
        analysis, tuning = self._analysis, node.tuning
        if tuning is None or self._half is None or self._typing is not Typing.WEAK:
            return []
        excluded = self._excluded(node.layer, tuning, self._half)
        if excluded:
            return excluded
        weighed_here = verdict is not None and verdict.known and all_read(tuning)
        if analysis is None or not weighed_here or solved is None or not solved.same_type:
            return [*fastest_reasons(tuning, self._witness)]
        assert verdict is not None
        own = own_best(tuning, self._witness)
        weighed = weighed_reasons(analysis, verdict, self._witness, own)
        return [*weighed, *self._perhaps_memory(tuning)]

    def _cost(self, verdict: LayerVerdict | None) -> Cost | None:
        """What FP16 would cost, where every time that counts is known."""
        forced = verdict.forced if verdict is not None and verdict.known else None
        if self._analysis is None or forced is None:
            return None
        return Cost(
            margin_ms=forced.margin_ms,
            kernels_ms=forced.kernels_ms,
            conversions_ms=forced.conversions_ms,
            plan_ms=self._analysis.choice.plan_ms,
        )

    # The whole build -----------------------------------------------------------------------------

    def _not_enabled(self) -> Reason | None:
        """No Half anywhere although FP32 was timed: the flag was not set, or the GPU lacks FP16."""
        for note in self._build.noted(NoteKind.HARDWARE) if self._hardware is None else ():
            return self._reason(Cause.HARDWARE, Confidence.CERTAIN, self._at(note.line, note.text))
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
        first = self._at(
            floats[0][1].line,
            f"{len(floats)} floating-point candidates were timed, none of them Half; "
            "this is the first",
        )
        for _, candidate in timed:
            if any(form.dtype == "Int8" for form in (*candidate.inputs, *candidate.outputs)):
                line = self._at(candidate.line, "INT8 candidates were timed")
                return self._reason(Cause.INT8_WITHOUT_FP16, Confidence.LIKELY, first, line)
        found = (self._build.setting(key) for key in ("Precision", "Flags"))
        banners = [banner for banner in found if banner is not None]
        if any("FP16" in banner.value for banner in banners):
            return None  # it was asked for, and something else keeps Half away
        proof = [self._at(banner.line, f"{banner.key}: {banner.value}") for banner in banners]
        proof += self._without_half(floats)
        sure = Confidence.CERTAIN if proof else Confidence.LIKELY
        return self._reason(Cause.NOT_ENABLED, sure, first, *proof)

    def _without_half(self, floats: list[tuple[Autotuning, Candidate]]) -> list[Evidence]:
        """Were FP16 allowed, a layer that no user can pin would have a Half candidate."""
        return [
            self._at(
                candidate.line,
                f"the builder's own layer {tuning.layer} has no Half candidate either",
            )
            for tuning, candidate in floats
            if (tuning.layer or "").startswith(_BUILDER_MADE)
        ][:1]

    # One layer -----------------------------------------------------------------------------------

    def _excluded(self, layer: EngineLayer, tuning: Autotuning, half: Candidate) -> list[Reason]:
        """FP16 was on, yet no Half candidate has a time: pinned, no kernel, or no memory."""
        halves = [candidate for candidate in tuning.candidates if is_half(candidate)]
        if any(c.outcome in (Outcome.TIMED, Outcome.UNTIMED) for c in halves):
            return []
        if not all_read(tuning):
            return []
        if halves:
            return self._without_time(halves)
        on = self._at(half.line, "FP16 was allowed: Half was tried, here for the first time")
        none = self._at(
            tuning.line, f"none of its {len(tuning.candidates)} candidates computes in Half"
        )
        pin = self._pin(layer, tuning)
        if pin is not None:
            return [self._reason(Cause.PINNED, Confidence.CERTAIN, pin, none, on)]
        if layer.type == "Myelin":
            return []
        missing = self._at(tuning.line, "Half was not enumerated for it")
        twin = self._twin(tuning)
        if twin is None:
            return [self._reason(Cause.NO_FP16_KERNEL, Confidence.LIKELY, missing, on)]
        alike = self._at(twin.line, f"{twin.layer}, timed by the same runners, has Half candidates")
        return [
            self._reason(Cause.PINNED, Confidence.LIKELY, none, alike, on),
            self._reason(Cause.NO_FP16_KERNEL, Confidence.POSSIBLE, missing, on),
        ]

    def _pin(self, layer: EngineLayer, tuning: Autotuning) -> Evidence | None:
        """What shows that the user kept the layer from FP16."""
        if tuning.removed:
            return self._at(
                tuning.removed_line,
                f"{tuning.removed} combinations were removed by type constraints",
            )
        names = plain(layer.name).split(" + ")
        pins = self._build.noted(NoteKind.PIN)
        return next((self._at(pin.line, pin.text) for pin in pins if pin.subject in names), None)

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
            return [_memory(Confidence.LIKELY, [s for _, s in skipped], *self._mistaken, *lines)]
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
        """Another layer that the same runners time and that has a Half candidate.

        It shows nothing of a layer with integers, nor where the log says that no combination of
        this one was removed.
        """
        forms = [form for c in tuning.candidates for form in (*c.inputs, *c.outputs)]
        if tuning.removed == 0 or not all(form.is_float for form in forms):
            return None
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
        return [_memory(Confidence.POSSIBLE, skipped, *self._mistaken, line)]

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
