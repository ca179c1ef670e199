"""Networks that no corpus holds, and the logs that TensorRT 8 would write of their builds."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field

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

    _readers: dict[int, list[int]] = field(default_factory=dict)

    def __post_init__(self):
        for layer, reads in enumerate(self.reads):
            for tensor in set(reads):
                self._readers.setdefault(tensor, []).append(layer)

    def readers(self, tensor):
        return self._readers.get(tensor, [])

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


def make(seed, size, *, reach=None):
    """A network in which every other layer also reads a tensor further back, at most ``reach``."""
    rng = random.Random(seed)
    reads = [(0,)]
    for layer in range(1, size):
        skip = rng.randrange(layer) if layer > 1 and rng.random() < 0.5 else None
        if reach is not None and skip is not None:
            skip = max(0, layer - 1 - skip % reach)
        reads.append((layer,) if skip is None else (layer, skip))
    kernels = [{f: round(rng.uniform(0.004, 0.012), 7) for f in FORMATS} for _ in reads]
    twins = {}
    last = {}
    for layer in range(size):
        alike = last.get(len(reads[layer]))
        if layer > 1 and alike is not None and rng.random() < 0.3:
            twins[layer] = alike
            kernels[layer] = kernels[alike]
        else:
            last[len(reads[layer])] = layer
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
