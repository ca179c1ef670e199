"""What is known of the user and of the build that a remedy is for. Holds facts, decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from trtdoctor.precision.log import NetworkIo

from ...model.cause import Cause
from ...model.engine import IOTensor, ShapeRange
from ...model.typing import Typing
from ..numbers import Verdict


class BuildTool(str, Enum):
    """What the user builds engines with."""

    TRTEXEC = "trtexec"
    POLYGRAPHY = "polygraphy"
    UNKNOWN = "unknown"


class Given(str, Enum):
    """A kind of evidence that an explanation can have."""

    LOG = "log"
    LAYERS = "layers"
    PROFILE = "profile"
    ONNX = "onnx"


# These causes exist where the builder chooses types, so one of them tells the typing.
WEAK_ONLY = frozenset(
    {
        Cause.NOT_ENABLED,
        Cause.FASTER_IN_FP32,
        Cause.CONVERSION_COSTS_MORE,
        Cause.PINNED,
        Cause.CONSTRAINT_NOT_HONOURED,
        Cause.NEAR_TIE,
        Cause.HARDWARE,
        Cause.INT8_WITHOUT_FP16,
        Cause.TACTIC_MEMORY,
    }
)
STRONG_ONLY = frozenset(
    {
        Cause.GRAPH_SAYS_FP32,
        Cause.GRAPH_SAYS_BF16,
        Cause.DQ_SCALE_FP32,
        Cause.FP32_ONLY_OPERATOR,
        Cause.COMPUTED_IN_FP32_INSIDE,
        Cause.CAST_ISLAND,
    }
)


@dataclass(frozen=True, kw_only=True)
class RemedyContext:
    """Everything that may go into a remedy. There are no defaults: who makes one says what is known.

    Attributes:
        product: ``tensorrt`` or ``tensorrt-rtx``.
        version: the release that built the engine, such as ``8.6.0.12``.
        typing: who decided precision in that build.
        tool: what the user builds with; for ``UNKNOWN`` both trtexec and Python are told.
        command: the user's own build command as words, its program first.
        model: the path of the ONNX model, as the user writes it.
        engine: the path of the engine.
        fp16_allowed: whether that build allowed FP16.
        allowed: the precisions beside FP32 that the build is known to have allowed (``INT8``).
        detailed: whether the engine was built with detailed profiling verbosity.
        have: the evidence at hand.
        files: where that evidence stands beside engine and model, as the user writes the paths.
        inputs: the network's inputs, in their order, all of them; empty where not known.
        outputs: the network's outputs, likewise.
        shapes: the shapes of the optimisation profile, by input, if the engine has just one.
        plan_ms: the time of the solved plan, in milliseconds.
        pinned: the network's layers whose type was asked for.
        avg_timing: how many timings of a kernel that build averaged.
        layer: the engine layer in question; it and what follows are empty for the whole engine.
        network_layers: the network's layers in it, as a pin names them.
        onnx_nodes: the ONNX nodes in it or, with a converter's leftovers, those that decide.
        casts: the Casts around an island.
        lowering: whether those nodes may compute in FP16; null where no cause asks.
        fragile: nodes of the whole model that its conversion has to leave in FP32, label and
            operator; null where the model is not at hand.
        fragile_named: whether a pin can name each of these: its node's name is its own.
        wide_io: network tensors that are not to become FP16, and why; null without the model.
        fp16_edges: whether all floating tensors that the engine layer reads and writes are FP16.
        attention: whether the attention that the layer belongs to is one kernel; None where it
            belongs to none that is known.
        network_io: the plan with FP16 network inputs and outputs.
        margin_ms: what forcing FP16 would cost the plan, in milliseconds.
        tactic_bytes: the scratch memory that skipped FP16 tactics need.
    """

    product: str
    version: str | None
    typing: Typing
    tool: BuildTool
    command: tuple[str, ...]
    model: str | None
    engine: str | None
    fp16_allowed: bool | None
    allowed: tuple[str, ...]
    detailed: bool | None
    have: frozenset[Given]
    files: tuple[tuple[Given, str], ...]
    inputs: tuple[IOTensor, ...]
    outputs: tuple[IOTensor, ...]
    shapes: tuple[tuple[str, ShapeRange], ...]
    plan_ms: float | None
    pinned: tuple[str, ...]
    avg_timing: int | None
    layer: str | None
    network_layers: tuple[str, ...]
    onnx_nodes: tuple[str, ...]
    casts: tuple[str, ...]
    lowering: Verdict | None
    fragile: tuple[tuple[str, str], ...] | None
    fragile_named: bool
    wide_io: tuple[tuple[str, str], ...] | None
    fp16_edges: bool
    attention: bool | None
    network_io: NetworkIo | None
    margin_ms: float | None
    tactic_bytes: int | None
