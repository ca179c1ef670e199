"""The changes of a build that remedies ask for, for each tool."""

from __future__ import annotations

import re
from dataclasses import replace

from trtdoctor.precision.log import NetworkFormat

from ...model.engine import IOTensor
from ...model.typing import Typing
from .commands import Change, Commands
from .quoting import literal

_TYPES = {
    "FLOAT": "fp32",
    "FP32": "fp32",
    "HALF": "fp16",
    "FP16": "fp16",
    "INT32": "int32",
    "INT8": "int8",
    "BF16": "bf16",
    "INT64": "int64",
    "UINT8": "uint8",
    "BOOL": "bool",
}
_LAYER_API = ("INetworkDefinition.get_layer", "INetworkDefinition.num_layers", "ILayer.name")

_BUILD = "plan = builder.build_serialized_network(network, config)"
_BUILD_API = "Builder.build_serialized_network"


def _each_layer(names: tuple[str, ...], *lines: str) -> tuple[str, ...]:
    """Lines of Python that do something to the layers of these names."""
    return (
        "for layer in map(network.get_layer, range(network.num_layers)):",
        f"    if layer.name in {_names(names)}:",
        *(f"        {line}" for line in lines),
    )


def flags(*names: str) -> Change:
    """Allow precisions of a weakly typed network: ``FP16``, ``INT8``."""
    options = tuple(f"--{name.lower()}" for name in names)
    return Change(
        ending=f".{names[-1].lower()}.engine",
        trtexec=options,
        polygraphy=options,
        python=tuple(f"config.set_flag(trt.BuilderFlag.{name})" for name in names),
        api=("IBuilderConfig.set_flag", *(f"BuilderFlag.{name}" for name in names)),
    )


def keeping(commands: Commands, change: Change, layers: tuple[str, ...]) -> Change:
    """The same change of a build, with these layers of the network computed in and giving FP32.

    The outputs are pinned as well: what passes FP16's range does so when it is stored. Polygraphy
    has no option for the types of outputs.
    """
    options: list[str] | None = None
    if change.trtexec is not None and not any(set(name) & set(",'*") for name in layers):
        asked = commands.own("--precisionConstraints")
        options = [
            *change.trtexec,
            f"--precisionConstraints={'obey' if asked == 'obey' else 'prefer'}",
        ]
        for option in ("--layerPrecisions", "--layerOutputTypes"):
            parts = [part for part in (commands.own(option) or "").split(",") if part]
            options.append(f"{option}={','.join([*parts, *(f'{name}:fp32' for name in layers)])}")
    return replace(
        change,
        trtexec=tuple(options) if options is not None else None,
        polygraphy=None,
        python=(
            *(change.python or ()),
            "config.set_flag(trt.BuilderFlag.PREFER_PRECISION_CONSTRAINTS)",
            *_each_layer(
                layers,
                "layer.precision = trt.DataType.FLOAT",
                "for i in range(layer.num_outputs):",
                "    layer.set_output_type(i, trt.DataType.FLOAT)",
            ),
        ),
        api=(
            *change.api,
            "IBuilderConfig.set_flag",
            "BuilderFlag.PREFER_PRECISION_CONSTRAINTS",
            *_LAYER_API,
            "ILayer.precision",
            "ILayer.set_output_type",
            "ILayer.num_outputs",
            "DataType.FLOAT",
        ),
    )


def strong_build(commands: Commands, model: str) -> Change:
    """Build a model whose own types are to hold."""
    tools = commands.tools
    parse = f"parser.parse_from_file({literal(model)})"
    asked = not tools.rtx and (tools.major is None or tools.major < 11)
    lines: tuple[str, ...] = (parse,)
    api: tuple[str, ...] = ("OnnxParser.parse_from_file",)
    if asked:
        kinds = ["STRONGLY_TYPED"] + (["EXPLICIT_BATCH"] if tools.major == 9 else [])
        bits = " | ".join(f"1 << int(trt.NetworkDefinitionCreationFlag.{kind})" for kind in kinds)
        parser = "parser = trt.OnnxParser(network, trt.Logger())"
        lines = (f"network = builder.create_network({bits})", parser, parse)
        api += ("Builder.create_network",)
        api += tuple(f"NetworkDefinitionCreationFlag.{kind}" for kind in kinds)
    weak = ("--fp16", "--bf16", "--int8", "--fp8", "--int4", "--best")
    constraints = ("--precisionConstraints", "--layerPrecisions", "--layerOutputTypes")
    return Change(
        ending=".fp16.engine",
        trtexec=("--stronglyTyped",) if asked else (),
        drop=(*weak, *constraints, "--precision-constraints", "--layer-precisions"),
        polygraphy=("--strongly-typed",),
        python=lines,
        api=api,
        model=model,
    )


def network_formats(commands: Commands, formats: tuple[NetworkFormat, ...]) -> Change:
    """FP16 network inputs and outputs in the layouts that a solved plan wants."""
    half = [form for form in formats if form.dtype == "Half"]
    context = commands.context
    specs: tuple[str, ...] | None = ("--fp16",)
    for option, tensors, output in (
        ("--inputIOFormats", context.inputs, False),
        ("--outputIOFormats", context.outputs, True),
    ):
        wanted = {form.tensor: form.layout for form in half if form.output is output}
        spec = _io_spec(tensors, wanted, commands.tools.formats)
        if wanted:
            specs = (*specs, f"{option}={spec}") if specs and spec else None
    lines = []
    for form in half:
        side = "output" if form.output else "input"
        lines += [
            f"for tensor in map(network.get_{side}, range(network.num_{side}s)):",
            f"    if tensor.name == {literal(form.tensor)}:",
            "        tensor.dtype = trt.DataType.HALF",
            f"        tensor.allowed_formats = 1 << int(trt.TensorFormat.{_format_name(form.layout)})",
        ]
    return Change(
        ending=".io16.engine",
        trtexec=specs,
        polygraphy=(
            "--fp16",
            "--tensor-dtypes",
            *(f"{form.tensor}:float16" for form in half),
            "--tensor-formats",
            *(f"{form.tensor}:[{_format_name(form.layout).lower()}]" for form in half),
        )
        if not any(form.tensor.startswith("-") for form in half)
        else None,
        python=("config.set_flag(trt.BuilderFlag.FP16)", *lines),
        api=(
            "IBuilderConfig.set_flag",
            "BuilderFlag.FP16",
            *(
                name
                for side in ("input", "output")
                for name in (f"INetworkDefinition.get_{side}", f"INetworkDefinition.num_{side}s")
            ),
            "ITensor.name",
            "ITensor.dtype",
            "ITensor.allowed_formats",
            "DataType.HALF",
            *(f"TensorFormat.{_format_name(form.layout)}" for form in half),
        ),
    )


def _format_name(layout: str) -> str:
    """The name in TensorRT's enumeration of a layout of trtexec's."""
    return "LINEAR" if layout == "chw" else layout.upper()


def _io_spec(
    tensors: tuple[IOTensor, ...], wanted: dict[str, str], known: frozenset[str]
) -> str | None:
    """A list of formats for trtexec: all tensors in order, or None where trtexec cannot name one."""
    if not set(wanted) <= {tensor.name for tensor in tensors}:
        return None
    parts = []
    for tensor in tensors:
        dtype = _TYPES.get(tensor.dtype.upper())
        layout = wanted.get(tensor.name)
        if layout is not None:
            dtype = "fp16"
        layout = layout or "chw"
        if dtype not in known or layout not in known:
            return None
        parts.append(f"{dtype}:{layout}")
    return ",".join(parts)


def unpinned(commands: Commands, names: tuple[str, ...]) -> Change:
    """Take back the types that were asked for some layers."""
    options: list[str] = []
    known = False
    for option in ("--layerPrecisions", "--layerOutputTypes"):
        value = commands.own(option)
        if value:
            known = True
            kept = [part for part in value.split(",") if not _pins(part, names)]
            options += [f"{option}={','.join(kept)}"] if kept else []
    drop = ["--layerPrecisions", "--layerOutputTypes"]
    if known and not options:
        drop.append("--precisionConstraints")
    return Change(
        ending=".unpinned.engine",
        trtexec=tuple(options) if known else None,
        drop=tuple(drop),
        python=_each_layer(
            names,
            "layer.reset_precision()",
            "for i in range(layer.num_outputs):",
            "    layer.reset_output_type(i)",
        ),
        api=(
            *_LAYER_API,
            "ILayer.num_outputs",
            "ILayer.reset_precision",
            "ILayer.reset_output_type",
        ),
    )


def _pins(part: str, names: tuple[str, ...]) -> bool:
    """Whether a part of trtexec's list keeps one of these layers in FP32; ``*`` is a wildcard."""
    layer, _, types = part.rpartition(":")
    pattern = ".*".join(map(re.escape, layer.replace("'", "").split("*")))
    return "fp32" in types.split("+") and any(re.fullmatch(pattern, name) for name in names)


def obeyed(commands: Commands) -> Change:
    """Insist on the types that were asked for."""
    asked = commands.own("--layerPrecisions") or commands.own("--layerOutputTypes")
    return Change(
        ending=".obey.engine",
        trtexec=("--precisionConstraints=obey",) if asked else None,
        python=("config.set_flag(trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS)",),
        api=("IBuilderConfig.set_flag", "BuilderFlag.OBEY_PRECISION_CONSTRAINTS"),
    )


def repeatable(commands: Commands, timings: int) -> Change:
    """Average more timings, and keep them for the next build."""
    cache = commands.beside(".timing.cache")
    quoted = literal(cache)
    read = f"open({quoted}, 'rb').read() if os.path.exists({quoted}) else b''"
    return Change(
        ending=".rebuilt.engine",
        trtexec=("--fp16", f"--avgTiming={timings}", f"--timingCacheFile={cache}"),
        drop=("--noBuilderCache",),
        polygraphy=("--fp16", "--load-timing-cache", cache, "--save-timing-cache", cache),
        python=(
            "import os",
            f"config.avg_timing_iterations = {timings}",
            f"config.set_timing_cache(config.create_timing_cache({read}), ignore_mismatch=False)",
            _BUILD,
            f"open({quoted}, 'wb').write(config.get_timing_cache().serialize())",
        ),
        api=(
            "IBuilderConfig.avg_timing_iterations",
            "IBuilderConfig.create_timing_cache",
            "IBuilderConfig.set_timing_cache",
            _BUILD_API,
            "IBuilderConfig.get_timing_cache",
            "ITimingCache.serialize",
        ),
    )


def workspace(commands: Commands, limit: int) -> Change:
    """Let kernels use ``limit`` bytes of scratch memory."""
    mib = -(-limit // 2**20)
    pools = [
        part
        for part in (commands.own("--memPoolSize") or "").split(",")
        if part and part.partition(":")[0] != "workspace"
    ]
    limited = f"--memPoolSize={','.join([f'workspace:{mib}', *pools])}"
    if "--memPoolSize" not in commands.tools.trtexec:
        limited = f"--workspace={mib}"
    return Change(
        ending=".workspace.engine",
        trtexec=("--fp16", limited),
        drop=("--workspace",),
        polygraphy=("--fp16", "--pool-limit", f"workspace:{mib}M"),
        python=(f"config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, {mib} << 20)",),
        api=("IBuilderConfig.set_memory_pool_limit", "MemoryPoolType.WORKSPACE"),
    )


def _names(names: tuple[str, ...]) -> str:
    return "{" + ", ".join(literal(name) for name in names) + "}"


# The engine that is built to see more, never the user's own.
WITNESSED = ".explain.engine"


def layers_of(plan: str, file: str) -> Change:
    """Write the layers of an engine into a file; ``plan`` is a Python expression for its bytes."""
    engine = f"trt.Runtime(trt.Logger()).deserialize_cuda_engine({plan})"
    return Change(
        ending=WITNESSED,
        python=(
            f"open({literal(file)}, 'w').write({engine}.create_engine_inspector()"
            ".get_engine_information(trt.LayerInformationFormat.JSON))",
        ),
        api=(
            "Runtime.deserialize_cuda_engine",
            "ICudaEngine.create_engine_inspector",
            "EngineInspector.get_engine_information",
            "LayerInformationFormat.JSON",
        ),
    )


def witnessed(commands: Commands, *, log: bool, layers: bool) -> Change:
    """Build again with everything logged, or an engine that tells everything of its layers."""
    tools = commands.tools
    trtexec: list[str] = []
    polygraphy: list[str] = []
    lines: list[str] = []
    api: list[str] = []
    if commands.context.fp16_allowed and tools.typing is not Typing.STRONG:
        allowed = flags("FP16")
        trtexec += allowed.trtexec or ()
        polygraphy += allowed.polygraphy or ()
        lines += allowed.python or ()
        api += allowed.api
    if log:
        trtexec.append("--verbose")
        polygraphy += ["--verbosity", "EXTRA_VERBOSE", "--log-format", "no-colors"]
        lines.insert(0, "logger = trt.Logger(trt.Logger.VERBOSE)")
        api.append("Logger.VERBOSE")
    if layers:
        file = commands.beside(".layers.json")
        shown = "--dumpLayerInfo" if tools.rtx else f"--exportLayerInfo={file}"
        trtexec += ["--profilingVerbosity=detailed", shown]
        if "--profiling-verbosity" in tools.polygraphy:
            polygraphy += ["--profiling-verbosity", "detailed"]
        inspected = layers_of("plan", file)
        lines.append("config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED")
        lines += [_BUILD, *(inspected.python or ())]
        api += [
            _BUILD_API,
            "IBuilderConfig.profiling_verbosity",
            "ProfilingVerbosity.DETAILED",
            *inspected.api,
        ]
    return Change(
        ending=WITNESSED,
        trtexec=tuple(trtexec),
        polygraphy=tuple(polygraphy),
        python=tuple(lines),
        api=tuple(api),
        # The program of TensorRT-RTX prints layers and writes no file.
        redirect=commands.beside(".build.log")
        if log
        else commands.beside(".layers.txt")
        if tools.rtx
        else None,
    )
