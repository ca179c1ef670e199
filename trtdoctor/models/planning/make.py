"""From a model and samples to the nodes that stay in FP32, verified end to end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from math import inf, isfinite
from pathlib import Path
from typing import Any

from ...model.conversion_plan import Arm, ConversionPlan, KeptNode
from ...model.hazard import Cure, Hazard
from ...model.report import Confidence
from ...model.value_range import ValueRange
from ...model.watch import UNHURRIED, OutOfTime, Watch
from ...precision.graph import operators
from ...precision.numbers.hazards import OVERFLOWS, find_hazards
from ...readers.onnxmodel import TensorType
from ..conversion.convert import Converted, convert
from ..conversion.decider import Decider
from ..conversion.in_memory import main_nodes, stored_floats
from ..conversion.operands import Schemas
from ..emulation import Deviation, Network, Rounding, deviation, find_backend
from ..ranges import joined, range_of
from .choice import Candidate, choose
from .costs import cast_cost, costs, sizes
from .resume import key_of, load, save
from .sensitivity import Measuring, Sensitivity
from .store import Store
from .times import by_node

# Samples are not all that a model will see.
_HEADROOM = 2.0
_ROUNDS = 8
_TRIMS = 24
_APART = 16
_QUANTIZERS = operators.QUANTIZERS | operators.DEQUANTIZERS


@dataclass(frozen=True, kw_only=True)
class PlanRequest:
    """What a plan is made for.

    Attributes:
        model: A ``ModelProto`` with its weights, without local functions.
        samples: Inputs by name, one dictionary a sample; the first is measured, all are verified.
        inputs: What they are, half a sentence.
        weak: Whether they are random.
        budget: In dB.
        to: FLOAT16 or BFLOAT16.
        keep_io: Whether network inputs and outputs stay FP32.
        backend: Its name; None for the quickest that is installed.
        others: Sets of labels that somebody else keeps, by whose they are.
        times: Milliseconds that 16 bits save, by the names of an engine's layers; empty where nothing
            was measured, and then work and bytes decide.
        resume: The file that keeps what was measured from one run to the next; None for none.
        accept: The user's own check of a converted model; None where there is none.
    """

    model: Any
    samples: Sequence[Mapping[str, Any]]
    inputs: str
    weak: bool
    budget: float = 40.0
    to: TensorType = TensorType.FLOAT16
    keep_io: bool = False
    backend: str | None = None
    others: Mapping[str, Collection[str]] = field(default_factory=dict)
    times: Mapping[str, float] = field(default_factory=dict)
    resume: Path | None = None
    accept: Callable[[Converted], bool] | None = None


def make_plan(request: PlanRequest, watch: Watch = UNHURRIED) -> tuple[ConversionPlan, Converted]:
    """The plan, and the model that is converted by it.

    Raises:
        InputError: the model cannot be run, or an input is missing.
        OutOfTime: the time was over before the model had run once.
    """
    with Store() as base:
        return _Planner(request, watch, base).plan()


@dataclass
class _Seen:
    """A run with some nodes in 16 bits, against FP32."""

    worst: Deviation
    sick: list[str]


class _Planner:
    def __init__(self, request: PlanRequest, watch: Watch, base: Store) -> None:
        self.request, self.watch, self.base = request, watch, base
        model = request.model
        backend = find_backend(request.backend)
        arrays = stored_floats(model)
        self.rounding = Rounding(request.to)
        self.network = Network(model, backend)
        facts = self.network.facts
        schemas = Schemas(import_module("onnx"), facts.opsets, request.to)
        self._decider = Decider(
            facts,
            main_nodes(model, facts),
            schemas,
            arrays,
            to=request.to,
            keep_io=request.keep_io,
        )
        decision = self._decider.decide(())
        self.forced = decision.forced
        self.network.clampable = decision.clampable
        self._floors = self.network.floors()
        self.narrow = sorted(decision.narrow)
        steps = self.network.steps
        # What only moves data rounds nothing that was not rounded already.
        self.computing = [
            index
            for index in self.narrow
            if not operators.moves(steps[index].node)
            or steps[index].node.op in _QUANTIZERS | {"Cast"}
        ]
        self._able = frozenset(self.computing)
        self.ranges: dict[str, ValueRange] = {}
        self.outputs: list[Mapping[str, Any]] = []
        self.found: dict[int, Sensitivity] = {}
        self.hazards: tuple[Hazard, ...] = ()
        self.guarded: frozenset[int] = frozenset()
        self.timed: dict[int, float] = {}

    def plan(self) -> tuple[ConversionPlan, Converted]:
        self._calibrate()
        self.hazards = find_hazards(self.network.facts, None, self.ranges)
        self.guarded = self._guarded()
        whole = self._seen(frozenset())
        keep = self.guarded
        seen = self._seen(keep) if keep else whole
        if not self._meets(seen):
            keep = self._chosen() | self.guarded
            seen = self._seen(keep)
        keep, seen = self._corrected(keep, seen)
        keep, seen = self._trimmed(keep, seen)
        labels = self._labels(keep)
        converted = convert(
            self.request.model, keep=labels, to=self.request.to, keep_io=self.request.keep_io
        )
        check, refused = None, False
        if self.request.accept is not None:
            keep, converted, check, refused = self._accepted(keep, converted)
            labels = self._labels(keep)
            seen = self._seen(keep)
        return self._document(keep, seen, whole, converted, check, refused=refused), converted

    # What it is in FP32 --------------------------------------------------------------------------

    def _calibrate(self) -> None:
        for number, sample in enumerate(self.request.samples):
            self.watch.tell(f"running sample {number + 1} of {len(self.request.samples)} in FP32")
            first = number == 0
            if first:
                for name, value in sample.items():
                    self.base.put(name, value)
                for name, value in self.network.constants.items():
                    self.base.put(name, value)
            made = self.network.run(sample, watch=self.watch, see=self._keeps(first=first))
            self.outputs.append(made)

    def _guarded(self) -> frozenset[int]:
        """Nodes that random samples cannot clear: what likely breaks by its meaning stays in FP32."""
        if not self.request.weak:
            return frozenset()
        labels = {
            label
            for hazard in find_hazards(self.network.facts)
            if hazard.cure is Cure.KEEP and hazard.confidence is not Confidence.POSSIBLE
            for label in hazard.nodes
        }
        return frozenset(i for i in self.computing if self.network.steps[i].node.label in labels)

    def _keeps(self, *, first: bool) -> Callable[[str, Any], None]:
        def see(name: str, value: Any) -> None:
            if first:
                self.base.put(name, value)
            self._measure(name, value)

        return see

    def _measure(self, name: str, value: Any) -> None:
        seen = range_of(value)
        if seen is not None:
            self.ranges[name] = joined(self.ranges[name], seen) if name in self.ranges else seen

    # A set of nodes, run end to end --------------------------------------------------------------

    def _seen(self, keep: Collection[int]) -> _Seen:
        """All samples with all nodes in 16 bits but these."""
        narrow = self._narrow(keep)
        worst = Deviation(signal=1.0, noise=0.0)
        sick: list[str] = []
        for number, sample in enumerate(self.request.samples):
            self.watch.check()

            def see(name: str, value: Any, *, first: bool = number == 0) -> None:
                if first and self._against(self.base[name], value, name).sick:
                    sick.append(name)

            made = self.network.run(
                sample, narrow=narrow, rounding=self.rounding, watch=self.watch, see=see
            )
            for name in self._judged():
                seen = self._against(self.outputs[number][name], made[name], name)
                worst = min(worst, seen, key=lambda each: each.sqnr)
        return _Seen(worst, sick)

    def _against(self, was: Any, now: Any, name: str) -> Deviation:
        return deviation(was, now, floor=self._floors.get(name, 0.0))

    def _narrow(self, keep: Collection[int]) -> set[int]:
        """The nodes in 16 bits with these kept; what moves data of theirs is FP32 with them."""
        return self._decider.decide(set(self._labels(keep))).narrow if keep else set(self.narrow)

    def _judged(self) -> list[str]:
        """The outputs that the budget is about: those of floats, if any is."""
        first = self.outputs[0]
        floats = [n for n in self.network.outputs if getattr(first[n], "dtype", None) is not None]
        floats = [name for name in floats if first[name].dtype.kind == "f"]
        return floats or list(self.network.outputs)

    def _meets(self, seen: _Seen) -> bool:
        return seen.worst.sqnr >= self.request.budget and not seen.worst.sick and not seen.sick

    # Which to keep -------------------------------------------------------------------------------

    def _chosen(self) -> frozenset[int]:
        measuring = Measuring(
            self.network, self.rounding, self.base, self.computing, self.watch, self.request.budget
        )
        if self.request.resume is not None:
            key = key_of(
                self.request.model,
                self.request.samples,
                self.request.to.value,
                str(self.request.budget),
                self.network.backend.name,
            )
            measuring.found = load(self.request.resume, key)
            self.found = measuring.all()
            save(self.request.resume, key, self.found)
        else:
            self.found = measuring.all()
        self.work = costs(self.network, sizes(self.base))
        self.saves = self._saves()
        self.edges = self._edges()
        return self._choose(10 ** (-self.request.budget / 10))

    def _choose(self, allowed: float) -> frozenset[int]:
        candidates = []
        for index, found in sorted(self.found.items()):
            outputs = found.outputs
            noise = 0.0 if outputs is None else 10 ** (-outputs.sqnr / 10) / found.together
            sick = found.sick or (outputs is not None and outputs.sick) or self._at_the_edge(index)
            candidates.append(
                Candidate(
                    index=index,
                    noise=noise if isfinite(noise) else 1e12,
                    saved=self.saves[index],
                    must=sick or noise == inf or index in self.guarded,
                )
            )
        return choose(candidates, self.edges, allowed)

    def _saves(self) -> dict[int, float]:
        """What 16 bits save at each node: by times where they were measured, in units of bytes moved."""
        plain = {index: work.saved for index, work in self.work.items()}
        if not self.request.times:
            return plain
        steps = self.network.steps
        labels = [step.node.label for step in steps]
        known = by_node(self.request.times, labels, [plain[step.index] for step in steps])
        self.timed = {
            step.index: known[step.node.label] for step in steps if step.node.label in known
        }
        positive = sum(ms for ms in self.timed.values() if ms > 0)
        units = sum(plain[index] for index, ms in self.timed.items() if ms > 0)
        scale = units / positive if positive else 0.0
        return plain | {index: max(0.0, ms) * scale for index, ms in self.timed.items()}

    def _at_the_edge(self, index: int) -> bool:
        """Whether what a node reads or makes came so near to 65504 that other data may pass it."""
        if self.request.to is not TensorType.FLOAT16:
            return False
        step = self.network.steps[index]
        for name in (*step.reads, *step.makes):
            found = self.ranges.get(name)
            largest = max(abs(found.minimum), abs(found.maximum)) if found else 0.0
            # What is beyond it breaks, or is a mask that is clamped.
            if OVERFLOWS / _HEADROOM <= largest < OVERFLOWS:
                return True
        return False

    def _edges(self) -> dict[tuple[int, int], float]:
        """Pairs of nodes that share a value, past those that move it, with the price of a Cast."""
        wanted = set(self.computing)
        found: dict[tuple[int, int], float] = {}
        shapes = sizes(self.base)
        for index in self.computing:
            waiting = list(self.network.steps[index].makes)
            while waiting:
                name = waiting.pop()
                elements = float(import_module("math").prod(shapes.get(name, ())))
                for reader in self.network.readers.get(name, ()):
                    if reader.index in wanted:
                        found[index, reader.index] = cast_cost(elements)
                    elif operators.moves(reader.node):
                        waiting += reader.makes
        return found

    def _corrected(self, keep: frozenset[int], seen: _Seen) -> tuple[frozenset[int], _Seen]:
        """More nodes in FP32 until the whole meets the budget: errors do not merely add up."""
        allowed = wanted = 10 ** (-self.request.budget / 10)
        for _ in range(_ROUNDS):
            if self._meets(seen) or not self.found:
                break
            self.watch.tell("verifying the whole")
            more: frozenset[int] = frozenset()
            if seen.sick:
                more = self._behind(seen.sick[0], keep)
            else:
                noise = 10 ** (-seen.worst.sqnr / 10)
                allowed = (
                    min(allowed * wanted / noise, allowed) / 2 if isfinite(noise) else allowed / 8
                )
                more = self._choose(allowed) - keep
            if not more:
                more = self._loudest(keep)
            if not more:
                break
            keep |= more
            seen = self._seen(keep)
        return keep, seen

    def _behind(self, name: str, keep: frozenset[int]) -> frozenset[int]:
        """The nodes that made a value sick: its own, or what it reads."""
        step = self.network.makers.get(name)
        candidates = set(self.computing) - keep
        waiting, seen = [step] if step is not None else [], set[int]()
        while waiting:
            at = waiting.pop(0)
            if at.index in seen:
                continue
            seen.add(at.index)
            if at.index in candidates:
                return frozenset({at.index})
            waiting += [self.network.makers[n] for n in at.reads if n in self.network.makers]
        return frozenset()

    def _loudest(self, keep: frozenset[int]) -> frozenset[int]:
        left = [
            (found.outputs.noise / max(found.outputs.signal, 1e-30) / found.together, index)
            for index, found in self.found.items()
            if index not in keep and found.outputs is not None
        ]
        return frozenset({max(left)[1]}) if left else frozenset()

    def _trimmed(self, keep: frozenset[int], seen: _Seen) -> tuple[frozenset[int], _Seen]:
        """Without nodes that the whole meets the budget without."""
        if not self._meets(seen):
            return keep, seen
        alone = {index for index in keep if self._is_sick(index)} | self.guarded
        for index in sorted(keep - alone, key=lambda i: -self.saves[i])[:_TRIMS]:
            try:
                self.watch.check()
                fewer = keep - {index}
                now = self._seen(fewer)
            except OutOfTime:
                break
            if self._meets(now):
                keep, seen = fewer, now
        return keep, seen

    def _is_sick(self, index: int) -> bool:
        found = self.found.get(index)
        return found is not None and (
            found.sick or (found.outputs is not None and found.outputs.sick)
        )

    # The user's own check ------------------------------------------------------------------------

    def _accepted(
        self, keep: frozenset[int], converted: Converted
    ) -> tuple[frozenset[int], Converted, str, bool]:
        """The fewest of the loudest nodes in FP32 with which the user's own check succeeds."""
        accept = self.request.accept
        assert accept is not None
        if accept(converted):
            return keep, converted, "it accepts the converted model", False
        if not self.found:
            self._chosen()
        rest = sorted(
            (i for i, f in self.found.items() if i not in keep and f.outputs is not None),
            key=lambda i: (
                -(self.found[i].outputs or Deviation(signal=1.0, noise=0.0)).noise
                / self.found[i].together
            ),
        )
        low, high, tried = 0, len(rest), 1
        best: tuple[frozenset[int], Converted] | None = None
        count = max(1, len(rest) // 16)
        while low < high:
            self.watch.check()
            self.watch.tell(f"trying your check on candidate {tried + 1}")
            more = keep | frozenset(rest[:count])
            made = convert(
                self.request.model,
                keep=self._labels(more),
                to=self.request.to,
                keep_io=self.request.keep_io,
            )
            tried += 1
            if accept(made):
                best, high = (more, made), count
            else:
                low = count
            if best is None:
                if count == len(rest):
                    break
                count = min(len(rest), count * 2)
            else:
                count = (low + high) // 2
                if count in (low, high):
                    break
        if best is None:
            told = f"it accepts none of {tried} candidates, up to all in FP32"
            return keep, converted, told, True
        more, made = best
        told = (
            f"it refused the set that meets the budget, and accepts {len(more - keep):,} nodes more"
        )
        return more, made, f"{told} in FP32 ({tried} candidates tried)", False

    # What is told --------------------------------------------------------------------------------

    def _labels(self, keep: Collection[int]) -> tuple[str, ...]:
        return tuple(self.network.steps[index].node.label for index in sorted(keep))

    def _document(
        self,
        keep: frozenset[int],
        seen: _Seen,
        whole: _Seen,
        converted: Converted,
        check: str | None,
        *,
        refused: bool,
    ) -> ConversionPlan:
        if not hasattr(self, "work"):
            self.work = costs(self.network, sizes(self.base))
            self._saves()
        cured = self._in_bfloat16(keep)
        arms = [self._arm("everything that can be", frozenset(), whole, None)]
        arms += self._others()
        arms.append(self._arm("this plan", keep, seen, converted))
        return ConversionPlan(
            type=self.request.to.value,
            budget=self.request.budget,
            met=self._meets(seen) and not refused,
            keep=tuple(self._kept(index, cured) for index in sorted(keep)),
            conversion=converted.conversion,
            arms=tuple(arms),
            nodes=len(self.computing),
            measured=len(self.found),
            samples=len(self.request.samples),
            inputs=self.request.inputs,
            weak=self.request.weak,
            backend=self.network.backend.name,
            check=check,
            notes=tuple(self._notes(seen)),
        )

    def _notes(self, seen: _Seen) -> list[str]:
        notes = []
        if self.found and len(self.found) < len(self.computing):
            left = len(self.computing) - len(self.found)
            notes.append(
                f"Time did not suffice to measure {left:,} nodes; they were taken for quiet."
            )
        if seen.sick:
            named = ", ".join(seen.sick[:3])
            notes.append(f"Values still break or die: {named}.")
        whole = [n for n in self.network.outputs if n not in self._judged()]
        if whole and self._judged() != whole:
            notes.append(f"The budget is about floats, not about {', '.join(whole[:3])}.")
        return notes

    def _others(self) -> list[Arm]:
        by_meaning = {label for h in self.hazards if h.cure is Cure.KEEP for label in h.nodes}
        sets = {"hazards by meaning": by_meaning, **self.request.others}
        arms = []
        for name, labels in sets.items():
            kept = frozenset(
                i for i in self.computing if self.network.steps[i].node.label in set(labels)
            )
            if not kept and name not in self.request.others:
                continue
            try:
                arms.append(self._arm(name, kept, self._seen(kept), None))
            except OutOfTime:
                break
        return arms

    def _arm(
        self, name: str, keep: frozenset[int], seen: _Seen, converted: Converted | None
    ) -> Arm:
        floats = [s.index for s in self.network.steps if self._is_float(s.index)]
        flops = sum(self.work[i].flops for i in floats) or 1.0
        moved = sum(self.work[i].elements for i in floats) or 1.0
        narrow = [i for i in floats if self._is_narrow(i, keep)]
        return Arm(
            name=name,
            kept=len(keep),
            sqnr=seen.worst.sqnr if isfinite(seen.worst.sqnr) else None,
            sick=len(seen.sick) + seen.worst.broken,
            share_flops=sum(self.work[i].flops for i in narrow) / flops,
            share_bytes=sum(self.work[i].elements for i in narrow) / moved,
            saved_ms=sum(self.timed.get(i, 0.0) for i in narrow) if self.timed else None,
            casts=_casts(converted.model) if converted is not None else None,
            meets=self._meets(seen),
        )

    def _is_float(self, index: int) -> bool:
        node = self.network.steps[index].node
        kind = operators.type_of(node, self.network.facts.types)
        return (kind is not None and not operators.moves(node)) or node.op in _QUANTIZERS

    def _is_narrow(self, index: int, keep: Collection[int]) -> bool:
        """Whether a node is 16-bit with this set kept, or was before."""
        kind = operators.type_of(self.network.steps[index].node, self.network.facts.types)
        return kind in operators.SIXTEEN_BIT or (index in self._able and index not in keep)

    def _kept(self, index: int, cured: Mapping[int, bool]) -> KeptNode:
        node = self.network.steps[index].node
        found = self.found.get(index)
        hazard = next((h for h in self.hazards if node.label in h.nodes), None)
        if hazard is None and index in self.guarded:
            hazards = find_hazards(self.network.facts)
            hazard = next((h for h in hazards if node.label in h.nodes), None)
        sqnr = None if found is None or found.outputs is None else found.outputs.sqnr
        reason = "the whole misses the budget without it"
        if index in self.guarded:
            reason = "random samples do not show that its values fit"
        if found is not None and (local := found.local) is not None and found.sick:
            reason = _sickness(local, found.outputs)
        elif self._at_the_edge(index):
            reason = "its values come within half of 65504, which other data may pass"
        elif sqnr is not None and sqnr < self.request.budget + 20:
            reason = f"alone in 16 bits it leaves the outputs at {sqnr:.0f} dB"
        if hazard is not None:
            reason += f". {hazard.what.rstrip('.')}"
        return KeptNode(
            label=node.label,
            op=node.op,
            reason=reason,
            alone=sqnr if sqnr is not None and isfinite(sqnr) else None,
            sick=self._is_sick(index),
            bfloat16=cured.get(index),
        )

    def _in_bfloat16(self, keep: frozenset[int]) -> dict[int, bool]:
        """For which of the kept nodes BF16 would do, with all others in FP16.

        Of all together first, which mostly answers for each; apart only a few are tried.
        """
        if self.request.to is not TensorType.FLOAT16 or not keep:
            return {}
        try:
            if self._does_in_bfloat16(keep, keep):
                return dict.fromkeys(keep, True)
            return {i: self._does_in_bfloat16(frozenset({i}), keep) for i in sorted(keep)[:_APART]}
        except (OutOfTime, ImportError):
            return {}

    def _does_in_bfloat16(self, some: frozenset[int], keep: frozenset[int]) -> bool:
        narrow = self._narrow(keep)
        sick: list[str] = []

        def see(name: str, value: Any) -> None:
            if self._against(self.base[name], value, name).sick:
                sick.append(name)

        made = self.network.run(
            self.request.samples[0],
            narrow=narrow,
            rounding=self.rounding,
            otherwise=dict.fromkeys(some, Rounding(TensorType.BFLOAT16)),
            watch=self.watch,
            see=see,
        )
        seen = [self._against(self.outputs[0][n], made[n], n).sqnr for n in self._judged()]
        return not sick and min(seen) >= self.request.budget


def _sickness(local: Deviation, outputs: Deviation | None) -> str:
    broken = local.broken or (outputs.broken if outputs is not None else 0)
    if broken:
        many = "1 number" if broken == 1 else f"{broken:,} numbers"
        return f"alone in 16 bits it makes {many} infinite or none"
    return f"alone in 16 bits {local.dead:.0%} of the rows behind it lose all they tell"


def _casts(model: Any) -> int:
    return sum(node.op_type == "Cast" for node in model.graph.node)
