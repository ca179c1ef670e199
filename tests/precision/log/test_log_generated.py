"""Networks that no corpus holds: logs written here, and plans found by trying them all."""

from __future__ import annotations

import io
import itertools
import random
import re
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("numpy")

from trtdoctor.knowledge import Knowledge
from trtdoctor.model.report import Confidence
from trtdoctor.precision.log import Cause, analyse, causes_of
from trtdoctor.precision.typing import typing_of_build
from trtdoctor.readers.buildlog import parse_build_log

KNOWLEDGE = Knowledge.load()
FORMATS = {
    "Float(65536,1024,32,1)": ("Float", "64"),
    "Float(16384,1:4,512,16)": ("Float", "64:4"),
    "Half(65536,1024,32,1)": ("Half", "64"),
    "Half(8192,1:8,256,8)": ("Half", "64:8"),
}
LINEAR = "Float(65536,1024,32,1)"
STARS = "***************"


@dataclass
class Net:
    """Layers by the tensors that they read; layer i writes tensor i + 1, at last the output.

    ``moves`` are the times of conversions out of a tensor, ``into`` of those into one.
    """

    reads: list[tuple[int, ...]]
    kernels: list[dict[str, float]]
    moves: dict[tuple[str, str], float]
    into: dict[tuple[str, str], float]
    twins: dict[int, int]

    def cost(self, plan, *, free=False):
        total = sum(self.kernels[i][form] for i, form in enumerate(plan))
        converted = () if free else self.converted(plan)
        return total + sum(
            (self.into if " Output " in name else self.moves)[pair] for (name, _), pair in converted
        )

    def readers(self, tensor):
        return [layer for layer, reads in enumerate(self.reads) if tensor in reads]

    def held(self, tensor, plan):
        """The format of a tensor: several readers may share one conversion by its writer."""
        readers = self.readers(tensor)
        if tensor in (0, len(plan)):
            return LINEAR
        if len(readers) < 2:
            return plan[tensor - 1]

        def cost(form):
            into = 0 if plan[tensor - 1] == form else self.into[plan[tensor - 1], form]
            return into + sum(self.moves[form, plan[r]] for r in readers if plan[r] != form)

        return min(FORMATS, key=cost)

    def converted(self, plan):
        held = [self.held(tensor, plan) for tensor in range(len(plan) + 1)]
        for layer, reads in enumerate(self.reads):
            for port, tensor in enumerate(reads):
                if held[tensor] != plan[layer]:
                    yield (f"Reformatted Input Tensor {port} to conv{layer}", tensor), (
                        held[tensor], plan[layer])  # fmt: skip
            if plan[layer] != held[layer + 1]:
                yield (f"Reformatted Output Tensor 0 to conv{layer}", layer + 1), (
                    plan[layer], held[layer + 1])  # fmt: skip

    def best(self, allowed=lambda layer, form: True, **how):
        options = [[f for f in FORMATS if allowed(i, f)] for i in range(len(self.reads))]
        return min(itertools.product(*options), key=lambda plan: self.cost(plan, **how))


def make(seed, size):
    rng = random.Random(seed)
    reads = [(0,)]
    for layer in range(1, size):
        skip = rng.randrange(layer) if layer > 1 and rng.random() < 0.5 else None
        reads.append((layer,) if skip is None else (layer, skip))
    kernels = [{f: round(rng.uniform(0.004, 0.012), 7) for f in FORMATS} for _ in reads]
    twins = {}
    for layer in range(2, size):
        alike = [i for i in range(layer) if len(reads[i]) == len(reads[layer]) and i not in twins]
        if alike and rng.random() < 0.3:
            twins[layer] = max(alike)
            kernels[layer] = kernels[max(alike)]
    moves, into = (
        {pair: round(rng.uniform(0.001, 0.006), 7) for pair in itertools.permutations(FORMATS, 2)}
        for _ in range(2)
    )
    return Net(reads, kernels, moves, into, twins)


def tensor_name(tensor):
    return f"t{tensor}"


def log_of(net, plan):
    """The log that TensorRT 8 would write: what its cache holds has neither time nor name."""
    out = ["Original: 3 layers", "Constructing optimization profile number 0 [1/1]."]

    def runner(name, kind, ms):
        out.append(f"--------------- Timing Runner: {name} ({kind}[0x80000009])")
        out.append(f"Tactic: 0x0000000000000001 Time: {ms}")
        out.append(f"{name} ({kind}[0x80000009]) profiling completed in 0.1 seconds. "
                   f"Fastest Tactic: 0x0000000000000001 Time: {ms}")  # fmt: skip

    for layer, reads in enumerate(net.reads):
        out.append("=============== Computing costs for ")
        for form in FORMATS:
            inputs = ", ".join([form] * len(reads))
            out.append(f"{STARS} Autotuning format combination: {inputs} -> {form} {STARS}")
            if layer not in net.twins:
                runner(f"conv{layer}", "CaskConvolution", net.kernels[layer][form])
    timed = set()
    for tensor in range(len(net.reads) + 1):
        last = tensor == len(net.reads)
        readers = net.readers(tensor)
        into, out_of = f"<in> -> {tensor_name(tensor)}", f"{tensor_name(tensor)} -> <out>"
        names = [into] * (last or (tensor > 0 and len(readers) > 1)) + [out_of] * len(readers)
        for name in names:
            out.append("=============== Computing reformatting costs: ")
            for (source, target), ms in (net.into if name == into else net.moves).items():
                if (last and target != LINEAR) or (tensor == 0 and source != LINEAR):
                    continue
                out.append(f"{STARS} Autotuning Reformat: {source} -> {target} {STARS}")
                if (name == into, source, target) not in timed:
                    timed.add((name == into, source, target))
                    runner(f"Optimizer Reformat({name})", "Reformat", ms)
    for (name, tensor), (source, target) in net.converted(plan):
        out.append(
            f"Adding reformat layer: {name} ({tensor_name(tensor)}) from {source} to {target}"
        )
    out.append("Formats and tactics selection completed in 4.5 seconds.")
    out.append("Engine Layer Information:")
    lines = [f"[VERBOSE] {line}" for line in out]

    def held(form):
        dtype, channels = FORMATS[form]
        return f"({dtype}[1,{channels},32,32])"

    def copy(alias, before, after):
        name = alias.replace("Reformatted", "Reformatting CopyNode for")
        lines.append(f"Layer(Reformat): {name}, Tactic: 0x0, {before} -> {after}")

    copies = dict(net.converted(plan))
    for layer, reads in enumerate(net.reads):
        inputs = []
        for port, tensor in enumerate(reads):
            alias = f"Reformatted Input Tensor {port} to conv{layer}"
            name = tensor_name(tensor)
            if (alias, tensor) in copies:
                source, target = copies[alias, tensor]
                copy(alias, f"{name} {held(source)}", f"{alias} {held(target)}")
                name = alias
            inputs.append(f"{name} {held(plan[layer])}")
        alias = f"Reformatted Output Tensor 0 to conv{layer}"
        name = tensor_name(layer + 1)
        written = alias if (alias, layer + 1) in copies else name
        lines.append(
            f"Layer(CaskConvolution): conv{layer}, Tactic: 0x0000000000000001, "
            f"{', '.join(inputs)} -> {written} {held(plan[layer])}"
        )
        if written == alias:
            source, target = copies[alias, layer + 1]
            copy(alias, f"{alias} {held(source)}", f"{name} {held(target)}")
    return "\n".join(lines) + "\n"


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_plan_margins_and_causes_agree_with_trying_all(seed, size):
    net = make(seed, size)
    plan = net.best()
    build = parse_build_log(io.BytesIO(log_of(net, plan).encode())).build
    analysis = analyse(build, build.chosen[0])
    assert analysis is not None
    choice = analysis.choice
    assert choice.certain, choice
    assert choice.plan_ms == pytest.approx(net.cost(plan))
    assert choice.conversions == (len(list(net.converted(plan))),) * 2
    free = net.best(free=True)
    reasons = {
        r.layer: r
        for r in causes_of(
            build, build.chosen[0], analysis, typing=typing_of_build(build, KNOWLEDGE)
        )
    }
    for layer, verdict in enumerate(sorted(analysis.verdicts, key=lambda v: int(v.layer[4:]))):
        half = plan[layer].startswith("Half")
        other = net.best(lambda i, f, n=layer, h=half: i != n or f.startswith("Half") is not h)
        assert verdict.half is half
        assert verdict.forced is not None
        assert verdict.forced.total_ms == pytest.approx(net.cost(other))
        assert verdict.half_when_free is free[layer].startswith("Half")
        if half:
            assert verdict.layer not in reasons
            continue
        causes = [reason.cause for reason in reasons[verdict.layer].reasons]
        expected = Cause.CONVERSION_COSTS_MORE if verdict.half_when_free else Cause.FASTER_IN_FP32
        assert expected in causes


def test_another_plan_than_the_best_is_not_reproduced():
    net = make(3, 4)
    plan = net.best()
    worse = net.best(lambda i, f: i != 1 or FORMATS[f][0] != FORMATS[plan[1]][0])
    build = parse_build_log(io.BytesIO(log_of(net, worse).encode())).build
    analysis = analyse(build, build.chosen[0])
    assert analysis is not None and not analysis.choice.reproduced
    assert analysis.choice.logged_ms == pytest.approx(net.cost(worse))
    for reasons in causes_of(
        build, build.chosen[0], analysis, typing=typing_of_build(build, KNOWLEDGE)
    ):
        for reason in reasons.reasons:
            assert reason.confidence is analysis.choice.ceiling is Confidence.POSSIBLE


def test_a_full_timing_cache_proves_nothing():
    net = make(5, 3)
    text = log_of(net, net.best(lambda i, f: f.startswith("Float")))
    quiet = "\n".join(
        line for line in text.splitlines()
        if not any(word in line for word in ("Timing Runner", "Tactic: 0x0000000000000001 Time"))
    )  # fmt: skip
    build = parse_build_log(io.BytesIO(quiet.encode())).build
    analysis = analyse(build, build.chosen[0])
    assert all(
        not r.reasons
        for r in causes_of(
            build, build.chosen[0], analysis, typing=typing_of_build(build, KNOWLEDGE)
        )
    )


@pytest.mark.slow
def test_many_layers_are_solved_in_time():
    net = make(11, 60)
    build = parse_build_log(io.BytesIO(log_of(net, [LINEAR] * 60).encode())).build
    analysis = analyse(build, build.chosen[0])
    assert analysis is not None
    assert analysis.choice.plan_ms <= net.cost([LINEAR] * 60)


def test_a_second_optimisation_profile_is_a_problem_of_its_own():
    first, second = make(1, 3), make(2, 3)
    one, two = log_of(first, first.best()), log_of(second, second.best())
    two = two.partition("[VERBOSE] Constructing")[2]
    tuned, _, layers = two.partition("[VERBOSE] Engine Layer Information:\n")
    head, _, own = one.partition("[VERBOSE] Engine Layer Information:\n")
    marked = layers.replace(", Tactic: ", " [profile 1], Tactic: ")
    marked = re.sub(r"\b(t\d) \(", r"\1 [profile 1] (", marked)
    text = head + "[VERBOSE] Constructing" + tuned.replace("number 0 [1/1]", "number 1 [2/2]")
    text += "[VERBOSE] Engine Layer Information:\n" + own + marked
    build = parse_build_log(io.BytesIO(text.encode())).build
    assert [attempt.profile for attempt in build.chosen] == [0, 1]
    for attempt, net in zip(build.chosen, (first, second), strict=True):
        analysis = analyse(build, attempt)
        assert analysis is not None and analysis.choice.layers == (3, 3)
        assert analysis.choice.plan_ms == pytest.approx(net.cost(net.best()))
