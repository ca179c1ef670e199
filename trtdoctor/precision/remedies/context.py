"""What is known of the user and of the build that a remedy is for. Holds facts, decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from trtdoctor.precision.log import NetworkIo

from ...model.cause import Cause
from ...model.engine import IOTensor, ShapeRange
from ...model.typing import Typing


class BuildTool(str, Enum):
    """What the user builds engines with."""

    TRTEXEC = "trtexec"
    PYTHON = "python"
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
STRONG_ONLY = frozenset({Cause.GRAPH_SAYS_FP32, Cause.GRAPH_SAYS_BF16, Cause.CAST_ISLAND})


@dataclass(frozen=True, kw_only=True)
class RemedyContext:
    """Everything that may go into a remedy; what is not known is left at its default.

    Attributes:
        product: ``tensorrt`` or ``tensorrt-rtx``.
        version: the release that built the engine, such as ``8.6.0.12``.
        typing: who decided precision in that build.
        tool: what the user builds with; for ``UNKNOWN`` both trtexec and Python are told.
        command: the user's own build command as words, its program first.
        polygraphy_version: the user's Polygraphy.
        modelopt_version: the user's ModelOpt.
        model: the path of the ONNX model, as the user writes it.
        engine: the path of the engine.
        log: the path of the build log.
        fp16_allowed: whether that build allowed FP16.
        detailed: whether the engine was built with detailed profiling verbosity.
        have: the evidence at hand.
        layer: the engine layer in question.
        network_layers: the network's layers in it, as a pin names them.
        onnx_nodes: the ONNX nodes in it or, with a converter's leftovers, those that decide.
        op_types: the ONNX operators of those nodes.
        casts: the Casts around an island.
        converted: whether the model was converted to FP16 before and these nodes were left out.
        inputs: the network's inputs, in their order, all of them; empty where not known.
        outputs: the network's outputs, likewise.
        shapes: the shapes of the optimisation profile, by input, if the engine has just one.
        network_io: the plan with FP16 network inputs and outputs.
        plan_ms: the time of the solved plan, in milliseconds.
        predicted_ms: the time of the solved plan with the remedy, in milliseconds.
        margin_ms: what forcing FP16 would cost the plan, in milliseconds.
        pinned: the network's layers whose type was asked for.
        tactic_bytes: the scratch memory that a skipped FP16 tactic needs.
        avg_timing: how many timings of a kernel that build averaged.
    """

    product: str = "tensorrt"
    version: str | None = None
    typing: Typing = Typing.UNKNOWN
    tool: BuildTool = BuildTool.UNKNOWN
    command: tuple[str, ...] = ()
    polygraphy_version: str | None = None
    modelopt_version: str | None = None
    model: str | None = None
    engine: str | None = None
    log: str | None = None
    fp16_allowed: bool | None = None
    detailed: bool | None = None
    have: frozenset[Given] = frozenset()
    layer: str | None = None
    network_layers: tuple[str, ...] = ()
    onnx_nodes: tuple[str, ...] = ()
    op_types: tuple[str, ...] = ()
    casts: tuple[str, ...] = ()
    converted: bool = False
    inputs: tuple[IOTensor, ...] = ()
    outputs: tuple[IOTensor, ...] = ()
    shapes: tuple[tuple[str, ShapeRange], ...] = ()
    network_io: NetworkIo | None = None
    plan_ms: float | None = None
    predicted_ms: float | None = None
    margin_ms: float | None = None
    pinned: tuple[str, ...] = ()
    tactic_bytes: int | None = None
    avg_timing: int | None = None
