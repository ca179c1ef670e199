"""What to change for each cause, with commands for this user. Pure; promises only what was solved.

A gain is the difference of two solved plans and told as an estimate, or it is not told. Where the
solved plan does not become faster, the remedy that it belongs to is not given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...knowledge import Knowledge
from ...model.cause import Cause
from ...model.finding import Command, Remedy, Tool, to_run
from ...model.typing import Typing
from ..log import Gain
from ..numbers import Cleared, Kept
from ..times import us_or_ms
from . import changes
from .autocast import MOST_NODES, autocast
from .commands import Change, Commands
from .context import STRONG_ONLY, WEAK_ONLY, Given, RemedyContext
from .missing import TOGETHER, missing_evidence
from .quoting import shown
from .toolbox import Toolbox, toolbox

_FP16_RISK = (
    "Risk: FP16 holds magnitudes up to 65504 and about three digits, so compare the outputs "
    "with those of FP32."
)
_UNCHECKED = (
    "Which nodes FP16 would break was not checked: give the model (--onnx) for a command that keeps "
    "them in FP32."
)
_UNSEEN_INPUTS = (
    "Do not do it for an input that holds ids, times or other large numbers: the model, which was "
    "not given, would tell."
)
_EXPORT_NORM = (
    "Where it is a normalisation written out, export the model again with LayerNormalization (opset "
    "17) or RMSNormalization (opset 23): TensorRT computes these in FP32 inside an FP16 kernel."
)
_LEAST_TIMINGS = 32


def remedy_for(
    cause: Cause, context: RemedyContext, *, knowledge: Knowledge | None = None
) -> Remedy | None:
    """What to do about a cause, or None where nothing helps that the evidence supports.

    Args:
        cause: why a layer is not FP16.
        context: what is known of the user and the build.
        knowledge: the tables; loaded anew unless given, so give them when asking often.
    """
    knowledge = knowledge or Knowledge.load()
    tools = toolbox(context, knowledge)
    if (cause in WEAK_ONLY and tools.typing is Typing.STRONG) or (
        cause in STRONG_ONLY and tools.typing is Typing.WEAK
    ):
        return None
    known = Typing.WEAK if cause in WEAK_ONLY else Typing.STRONG if cause in STRONG_ONLY else None
    if cause is Cause.NETWORK_IO and tools.typing is Typing.UNKNOWN and context.network_io:
        known = Typing.WEAK  # only where the builder chooses is there a plan to solve
    if known is not None and tools.typing is not known:
        context = replace(context, typing=known)
        tools = toolbox(context, knowledge)
    return _REMEDIES[cause](_Case(context, tools, Commands(context, tools), knowledge))


@dataclass(frozen=True)
class _Case:
    context: RemedyContext
    tools: Toolbox
    commands: Commands
    knowledge: Knowledge

    def build(self, change: Change, *text: str) -> Remedy:
        commands = () if self.tools.ends else self.commands.build(change)
        return Remedy(
            text=_sentences(*text, self.others(commands), self.tools.ends), commands=commands
        )

    def others(self, commands: tuple[Command, ...]) -> str:
        """A word on the options that no evidence shows, where the command is not the user's own."""
        builds = any(one.tool in (Tool.TRTEXEC, Tool.POLYGRAPHY) for one in commands)
        return "Add the other options of your own build." * (builds and not self.context.command)

    def allow(self, change: Change, *text: str) -> Remedy:
        """A build that may compute more in FP16, all but what the gate keeps in FP32."""
        fragile = self.context.fragile
        if fragile is None:
            return self.build(change, *text, _FP16_RISK, _UNCHECKED)
        if not fragile:
            return self.build(change, *text, _FP16_RISK)
        number = "one node" if len(fragile) == 1 else f"{len(fragile)} nodes"
        kinds = ", ".join(dict.fromkeys(op for _, op in fragile))
        if len(fragile) > MOST_NODES or not self.context.fragile_named:
            why = (
                "more than a command can name"
                if len(fragile) > MOST_NODES
                else "and not each has a name of its own that a pin could use"
            )
            return Remedy(
                text=_sentences(
                    *text,
                    f"But {number} of the model ({kinds}) must stay FP32, {why}: pin their layers' "
                    "precision and output types to FP32 in the Python that builds.",
                    _EXPORT_NORM,
                    _FP16_RISK,
                )
            )
        return self.build(
            changes.keeping(self.commands, change, tuple(name for name, _ in fragile)),
            *text,
            f"This keeps {number} in FP32 whose values may not fit FP16 ({kinds}).",
            _FP16_RISK,
        )

    def promised(self, gain: Gain | None) -> str:
        """What another build gains, as far as timings can promise it."""
        before_ms = self.context.plan_ms
        if gain is None or before_ms is None:
            return "Only a rebuild tells whether it is faster."
        if not gain.sure:
            return (
                "It may be faster or not: between builds the builder's timings vary by more than it "
                "would save. Rebuild and measure."
            )
        return (
            f"By the builder's timings another build saves {us_or_ms(gain.low_ms)} to "
            f"{us_or_ms(gain.high_ms)} of {us_or_ms(before_ms)} (19 of 20 builds); a rebuild "
            "proves it."
        )

    def worse(self, after_ms: float | None) -> bool:
        before_ms = self.context.plan_ms
        return before_ms is not None and after_ms is not None and after_ms >= before_ms


def _converted(
    case: _Case, include: tuple[str, ...], *text: str, exclude: tuple[str, ...] = ()
) -> Remedy:
    """Convert the model with AutoCast and build what comes out; no command for an unseen model."""
    if case.context.fragile is None:
        unseen = "Give the model (--onnx) for a command that leaves in FP32 what FP16 would break."
        return Remedy(text=_sentences(*text, unseen))
    convert, target = autocast(case.commands, include=include, exclude=exclude)
    if case.tools.ends:
        return Remedy(text=_sentences(*text, case.tools.ends))
    built = case.commands.build(changes.strong_build(case.commands, target))
    needs = (
        f"AutoCast is part of NVIDIA ModelOpt{' 0.39 or newer' if include else ''}: "
        'pip install "nvidia-modelopt[onnx]".'
    )
    return Remedy(
        text=_sentences(*text, needs, case.others(built)), commands=(*to_run(convert), *built)
    )


def _sentences(*texts: str) -> str:
    return " ".join(text for text in texts if text)


def _listed(names: tuple[str, ...], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(shown(name) for name in names[:most]) + more


# Weakly typed ------------------------------------------------------------------------------------


def _not_enabled(case: _Case) -> Remedy | None:
    return case.allow(
        changes.flags("FP16"),
        "Allow FP16 and build again.",
        "How much that gains shows only then: this build timed no FP16 kernel.",
        _lasting(case),
    )


def _int8_without_fp16(case: _Case) -> Remedy | None:
    return case.allow(
        changes.flags("INT8", "FP16"),
        "Allow FP16 beside INT8, so that layers without INT8 need not be FP32.",
        "How much that gains shows only then: this build timed no FP16 kernel.",
    )


def _lasting(case: _Case) -> str:
    major = case.tools.major
    if major is not None and major < 10:
        return ""
    return "The flag is gone in TensorRT 11, where the model's own types decide."


def _faster_in_fp32(case: _Case) -> Remedy | None:
    margin = case.context.margin_ms
    return Remedy(
        text=_sentences(
            "Accept it: FP32 is the faster choice here.",
            f"Forcing FP16 would make the engine {us_or_ms(margin)} slower." if margin else "",
            "Larger batches and shapes shift the balance: build with the shapes that you serve.",
        )
    )


def _conversion_costs_more(case: _Case) -> Remedy | None:
    through_io = _network_io(case)
    if through_io is not None:
        return through_io
    margin = case.context.margin_ms
    return Remedy(
        text=_sentences(
            "Accept it, or make the FP16 part larger, so that fewer conversions are needed: "
            "take FP32 pins out of it, and keep its neighbours in FP16.",
            f"Forcing this part alone would make the engine {us_or_ms(margin)} slower."
            if margin
            else "",
        )
    )


def _network_io(case: _Case) -> Remedy | None:
    """FP16 network tensors, only where the solved plan becomes faster by more than noise."""
    io, layer = case.context.network_io, case.context.layer
    risk = "Risk: inputs are rounded to FP16, and magnitudes beyond 65504 overflow."
    if case.tools.typing is Typing.STRONG:
        lead = "Give the model FP16 inputs and outputs, as AutoCast does."
        return _converted(
            case, (), lead, _left_out(case), "The application then passes FP16.", risk
        )
    if io is None or not io.falls or not any(form.dtype == "Half" for form in io.formats):
        return None
    if (layer is not None and layer not in io.half) or case.worse(io.total_ms):
        return None
    formats = tuple(form for form in io.formats if form.dtype == "Half")
    wide = dict(case.context.wide_io or ())
    kept = next((form.tensor for form in formats if form.tensor in wide), None)
    if kept is not None:
        return Remedy(
            text=f"Keep FP32 network inputs and outputs: {shown(kept)} is not to become FP16, "
            f"because {wide[kept]}."
        )
    named = ", ".join(f"{shown(form.tensor)} as fp16:{form.layout}" for form in formats[:8])
    return case.build(
        changes.network_formats(case.commands, formats),
        f"Give the network FP16 inputs and outputs: {named}"
        + (f" and {len(formats) - 8} more." if len(formats) > 8 else "."),
        case.promised(io.gain),
        "The application then passes FP16 in that layout.",
        risk,
        "" if case.context.wide_io is not None else _UNSEEN_INPUTS,
    )


def _pinned(case: _Case) -> Remedy | None:
    names = case.context.pinned or case.context.network_layers
    if not names:
        return None
    lowering = case.context.lowering
    if isinstance(lowering, Kept):
        better = _EXPORT_NORM if lowering.norm else ""
        return Remedy(text=_sentences(f"Keep the pin, because {lowering.reason}.", better))
    change = changes.unpinned(case.commands, names)
    return case.build(
        change,
        f"Take the pin away from {_listed(names)}; the builder then weighs FP16 for it as well.",
        ""
        if change.trtexec is not None
        else "With trtexec or Polygraphy that is its part of the options on layers' types.",
        "Risk: the pin mostly guards accuracy; compare the outputs.",
    )


def _constraint_not_honoured(case: _Case) -> Remedy | None:
    lowering = case.context.lowering
    if isinstance(lowering, Kept):
        better = _EXPORT_NORM if lowering.norm else ""
        return Remedy(
            text=_sentences(f"Do not insist: keep it in FP32, because {lowering.reason}.", better)
        )
    change = changes.obeyed(case.commands)
    return case.build(
        change,
        "Insist on the type that you asked for.",
        "With trtexec that is --precisionConstraints=obey beside your own options."
        if change.trtexec is None and "--precisionConstraints" in case.tools.trtexec
        else "",
        "It can make the engine slower, since the builder had chosen what was fastest.",
        "The build fails where no kernel conforms.",
        "Risk: as that of the type you ask for.",
    )


def _near_tie(case: _Case) -> Remedy | None:
    timings = max(_LEAST_TIMINGS, 4 * (case.context.avg_timing or 0))
    return case.build(
        changes.repeatable(case.commands, timings),
        f"Make the choice repeatable: average {timings} timings, hold the GPU's clocks steady "
        "while building, and keep the timing cache for later builds.",
        "Either choice is about as fast, and accuracy follows the type that wins.",
    )


def _tactic_memory(case: _Case) -> Remedy | None:
    need, lowering = case.context.tactic_bytes, case.context.lowering
    if isinstance(lowering, Kept):
        return Remedy(text=f"Keep it in FP32, because {lowering.reason}.")
    text = "A kernel that was never timed may be faster or not: a rebuild tells."
    if need is not None and need > 0:
        change = changes.workspace(case.commands, need)
        lead = (
            f"Give kernels {-(-need // 2**20)} MiB of workspace, and free the GPU while building."
        )
        return case.allow(change, lead, text)
    return Remedy(
        text=_sentences(
            "Raise the workspace limit or omit it, which allows all of the GPU's memory, and "
            "free the GPU while building.",
            text,
        )
    )


def _hardware(case: _Case) -> Remedy | None:
    return Remedy(
        text="Build for a GPU of compute capability 7.0 or newer; on 6.1 INT8 is the fast type. "
        "Risk: INT8 needs calibration or a model with Q/DQ nodes, and costs accuracy."
    )


# The model's types decide ------------------------------------------------------------------------


def _left_out(case: _Case) -> str:
    fragile = case.context.fragile
    if not fragile:
        return ""
    number = "one node" if len(fragile) == 1 else f"{len(fragile)} nodes"
    kinds = ", ".join(dict.fromkeys(op for _, op in fragile))
    return f"The command leaves {number} in FP32 whose values may not fit FP16 ({kinds})."


def _graph_says_fp32(case: _Case) -> Remedy | None:
    return _converted(
        case,
        (),
        "Convert the model to FP16 with AutoCast and build that.",
        _left_out(case),
        "Network inputs and outputs become FP16, too (--keep_io_types keeps them).",
        "Risk: AutoCast leaves nodes with large values in FP32 by random inputs, so give it real "
        "ones (--calibration_data), and compare the outputs.",
    )


def _dq_scale_fp32(case: _Case) -> Remedy | None:
    nodes = case.context.onnx_nodes
    return Remedy(
        text=_sentences(
            f"Quantise the model again with FP16 scales{f' for {_listed(nodes)}' if nodes else ''}: "
            "a DequantizeLinear gives the type of its scale, or from opset 23 its output_dtype.",
            "What follows up to the next QuantizeLinear then has to be FP16 as well, weights "
            "included; keep in FP32 what cannot stand it, such as a normalisation written out.",
            "Risk: a scale below 6e-8 becomes 0 and results beyond 65504 become inf, so compare "
            "the outputs.",
        )
    )


def _fp32_only_operator(case: _Case) -> Remedy | None:
    nodes = case.context.onnx_nodes
    return Remedy(
        text=_sentences(
            f"Keep {_listed(nodes) if nodes else 'it'} in FP32, with its Casts: a model with FP16 "
            "there is not valid ONNX.",
            "It lies inside one kernel whose inputs and outputs are FP16 already, so it costs no "
            "conversion."
            if case.context.fp16_edges
            else "Where its cost matters, write it with operators that ONNX has in FP16, or export "
            "with a newer opset where that has it.",
        )
    )


def _computed_in_fp32_inside(case: _Case) -> Remedy | None:
    return Remedy(
        text="Nothing to do: the kernel reads and writes FP16, so its FP32 costs no conversion, and "
        "no type in the model would change it."
    )


def _cast_island(case: _Case) -> Remedy | None:
    context, lowering = case.context, case.context.lowering
    free = (
        "It lies inside one kernel whose inputs and outputs are FP16 already, so it costs no "
        "conversion."
    )
    if context.attention:
        return Remedy(
            text="Keep it: one kernel computes the whole attention, and from TensorRT 11.3 on such "
            "Casts are how FP32 accumulation inside it is asked for."
        )
    if not isinstance(lowering, Cleared):
        why = lowering.reason if lowering else "nothing shows that its values fit FP16"
        better = _EXPORT_NORM if isinstance(lowering, Kept) and lowering.norm else ""
        lead = f"Keep it in FP32, because {why}."
        split = (
            ""
            if context.attention is None
            else "This attention is spread over several kernels. Where Q, K and V fit FP16, cast round "
            "the Softmax alone: TensorRT-RTX 1.7 then computes all of it in one kernel. Risk: the "
            "product of Q and K is FP16 as well; compare the outputs."
        )
        return Remedy(text=_sentences(lead, free if context.fp16_edges else "", better, split))
    if context.fp16_edges:
        return Remedy(text=_sentences(free, "Keep it."))
    return _converted(
        case,
        lowering.nodes,
        f"Take the Casts out of the model ({_listed(context.casts)})"
        if context.casts
        else "Take the Casts out of the model",
        "by converting it anew: AutoCast removes Casts between FP16 and FP32 and places its own.",
        "Risk: by the operators' pattern these values fit FP16, and what they round to nobody "
        "measured; compare the outputs.",
    )


# Both --------------------------------------------------------------------------------------------


def _no_fp16_kernel(case: _Case) -> Remedy | None:
    text = (
        "No setting adds a kernel. A newer TensorRT may have one, and so may channels in multiples "
        "of 8 or another way to write the operator."
    )
    if case.tools.typing is not Typing.STRONG:
        return Remedy(text=text)
    nodes = case.context.onnx_nodes
    if not 0 < len(nodes) <= MOST_NODES:
        return Remedy(text=f"{text} Until then keep it in FP32 when the model is converted.")
    return _converted(case, (), text, f"Until then keep {_listed(nodes)} in FP32.", exclude=nodes)


def _type_locked(case: _Case) -> Remedy | None:
    return Remedy(text="Nothing to do: integers, booleans and shapes are right as they are.")


def _graph_says_bf16(case: _Case) -> Remedy | None:
    return Remedy(text="Nothing to do for speed: tensor cores run BF16 and FP16 at one rate.")


def _normalization(case: _Case) -> Remedy | None:
    keep = (
        "Keep it: sums of squares overflow FP16 easily, and what counts for speed is that the "
        "layer's inputs and outputs are FP16."
    )
    if case.tools.typing is Typing.STRONG:
        return Remedy(
            text=_sentences(
                keep,
                "They are, so it costs no conversion." if case.context.fp16_edges else "",
                _EXPORT_NORM,
            )
        )
    # The switch lowers precision, and no range of the values is known that would clear it.
    return Remedy(text=keep)


def _plugin_formats(case: _Case) -> Remedy | None:
    layer = case.context.layer
    return Remedy(
        text=f"Let the plugin{f' of {shown(layer)}' if layer else ''} accept FP16: its "
        "supportsFormatCombination must return true for kHALF, and its kernel must handle it. Or "
        "replace it by operators that TensorRT has. Risk: the kernel's own FP16 accuracy."
    )


def _dla_fallback(case: _Case) -> Remedy | None:
    return Remedy(
        text="Rewrite the layer with operators that the DLA has, or let a whole part of the network "
        "run on the GPU, since data travels at each border. On the GPU it follows the same rules "
        "as every other layer."
    )


def _inside_fused_block(case: _Case) -> Remedy | None:
    text = (
        "What a fused block computes in does not show at its edges. TensorRT 10 and newer list its "
        "parts in the layer information of an engine built with detailed profiling verbosity; "
        "Nsight Systems shows the kernels that run."
    )
    major = case.tools.major
    if case.context.detailed or (major is not None and major < 10 and not case.tools.rtx):
        return Remedy(text=text)
    others = frozenset(Given) - {Given.LAYERS}
    context = replace(case.context, detailed=False)
    missing = missing_evidence(others, context, knowledge=case.knowledge)
    return Remedy(text=text, commands=tuple(command for _, command in missing))


def _unknown(case: _Case) -> Remedy | None:
    missing = missing_evidence(case.context.have, case.context, knowledge=case.knowledge)
    if not missing:
        return Remedy(text=case.tools.ends) if case.tools.ends else None
    whats = ", ".join(dict.fromkeys(what for what, _ in missing if what != TOGETHER))
    return Remedy(
        text=f"What is missing: {whats}.", commands=tuple(command for _, command in missing)
    )


_REMEDIES: dict[Cause, Callable[[_Case], Remedy | None]] = {
    Cause.NOT_ENABLED: _not_enabled,
    Cause.GRAPH_SAYS_FP32: _graph_says_fp32,
    Cause.GRAPH_SAYS_BF16: _graph_says_bf16,
    Cause.DQ_SCALE_FP32: _dq_scale_fp32,
    Cause.FP32_ONLY_OPERATOR: _fp32_only_operator,
    Cause.COMPUTED_IN_FP32_INSIDE: _computed_in_fp32_inside,
    Cause.CAST_ISLAND: _cast_island,
    Cause.FASTER_IN_FP32: _faster_in_fp32,
    Cause.CONVERSION_COSTS_MORE: _conversion_costs_more,
    Cause.NO_FP16_KERNEL: _no_fp16_kernel,
    Cause.PINNED: _pinned,
    Cause.CONSTRAINT_NOT_HONOURED: _constraint_not_honoured,
    Cause.TYPE_LOCKED: _type_locked,
    Cause.NETWORK_IO: _network_io,
    Cause.NEAR_TIE: _near_tie,
    Cause.NORMALIZATION_FP32: _normalization,
    Cause.PLUGIN_FORMATS: _plugin_formats,
    Cause.HARDWARE: _hardware,
    Cause.INT8_WITHOUT_FP16: _int8_without_fp16,
    Cause.TACTIC_MEMORY: _tactic_memory,
    Cause.DLA_FALLBACK: _dla_fallback,
    Cause.INSIDE_FUSED_BLOCK: _inside_fused_block,
    Cause.UNKNOWN: _unknown,
}
