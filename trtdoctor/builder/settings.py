"""What a request comes to in one TensorRT: flags where the builder chooses, types where they decide."""

from __future__ import annotations

from typing import Any

from trtdoctor.model.errors import UsageError

from .request import BuildRequest
from .world import World

# The release that has the flag first, for the sentence that refuses it.
_SINCE = {"BF16": "9.0", "FP8": "9.0"}


def typed(request: BuildRequest, world: World) -> bool:
    """Whether the network's own types decide.

    Raises:
        UsageError: it is asked for and this release has no such networks.
    """
    if not world.weak:
        return True
    if request.strongly_typed and "STRONGLY_TYPED" not in world.enums.get(
        "NetworkDefinitionCreationFlag", frozenset()
    ):
        raise UsageError(f"{world.name} has no strongly typed networks; leave out --strongly-typed")
    return request.strongly_typed


def settings_of(
    request: BuildRequest, world: World, *, strong: bool, quantised: bool
) -> dict[str, Any]:
    """The settings of ``build_engine`` for a request.

    Args:
        request: what was asked for.
        world: which TensorRT.
        strong: whether the network's types decide.
        quantised: whether the model has QuantizeLinear or DequantizeLinear nodes.

    Raises:
        UsageError: this TensorRT cannot do what was asked for.
    """
    flags = () if strong else _flags(request, world, quantised=quantised)
    if request.version_compatible:
        if not world.has_flag("VERSION_COMPATIBLE"):
            raise UsageError(
                f"{world.name} builds no version-compatible engines, which TensorRT does since 8.6; "
                "leave out --version-compatible"
            )
        flags += ("VERSION_COMPATIBLE",)
    if strong and (request.pins or request.constraints not in (None, "none")):
        raise UsageError(
            f"--pin and --constraints are for builders that choose precisions; {world.name} follows the "
            "model's own types here, so keep nodes in FP32 with 'trtdoctor plan', which writes the model"
        )
    if request.targets and not world.rtx:
        raise UsageError(
            f"{world.name} builds for the GPU that it runs on; --target-cc is for TensorRT-RTX "
            "(--runtime rtx), and --hardware-compatible widens what TensorRT builds for"
        )
    levels = world.enums.get("HardwareCompatibilityLevel", frozenset())
    if request.hardware_compatible and request.hardware_compatible not in levels:
        raise UsageError(
            f"{world.name} has no such hardware compatibility; leave out --hardware-compatible"
        )
    return {
        "flags": list(flags),
        "tf32": request.tf32,
        "strongly_typed": strong,
        # Where nothing else is left, it need not be asked for.
        "must_ask": strong and world.weak,
        "shapes": {
            name: {"min": shape.min, "opt": shape.opt, "max": shape.max}
            for name, shape in request.shapes.items()
        },
        "io": {
            "all": None if strong else request.io_all,
            "by_name": {name: list(form) for name, form in request.io.items()},
        },
        "pins": dict(request.pins),
        "constraints": request.constrained if not strong else "none",
        "hardware_compatible": request.hardware_compatible,
        "workspace": request.workspace,
        "timing_cache": None
        if request.timing_cache is None
        else str(request.timing_cache.absolute()),
        "avg_timing": request.avg_timing,
        "tactic_sources": None if request.tactic_sources is None else list(request.tactic_sources),
        "optimization_level": request.optimization_level,
        "targets": list(request.targets),
    }


def _flags(request: BuildRequest, world: World, *, quantised: bool) -> tuple[str, ...]:
    precision = request.precision
    if precision == "int8" and not quantised:
        raise UsageError(
            f"--precision int8 needs a quantised model, and {request.model} has no QuantizeLinear and "
            "DequantizeLinear nodes; quantise it with NVIDIA ModelOpt (modelopt.onnx.quantization) first"
        )
    wanted = {
        "fp32": (),
        "fp16": ("FP16",),
        "bf16": ("BF16",),
        # What is not quantised would be FP32 otherwise.
        "int8": ("INT8", "FP16"),
        "best": ("FP16", "BF16", *(("INT8", "FP8") if quantised else ())),
    }[precision]
    flags = tuple(name for name in wanted if world.has_flag(name))
    if precision in ("bf16", "fp16") and not flags:
        since = _SINCE.get(wanted[0])
        raise UsageError(
            f"{world.name} has no {wanted[0]} flag{f', which is there since {since}' if since else ''}; "
            "choose another --precision"
        )
    # A model that is quantised cannot be built without, whatever else is asked for.
    if quantised and "INT8" not in flags and precision in ("fp32", "fp16", "bf16"):
        flags += ("INT8",)
    return flags
