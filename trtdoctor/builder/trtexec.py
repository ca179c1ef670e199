"""Builds by a trtexec, where no Python has TensorRT: its command line, and what it leaves.

Options as ``samples/common/sampleOptions.cpp`` of TensorRT 8.5 to 11 has them; which of them a trtexec
has is read off its own ``--help``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trtdoctor.host import Host, HostError
from trtdoctor.model.errors import InputError, UsageError
from trtdoctor.model.watch import Watch
from trtdoctor.readers.errors import FormatError
from trtdoctor.readers.times import measurement, read_times

from .make import ENGINE, LOG, Failure
from .measure import Run
from .request import BuildRequest
from .workshop import Workshop
from .world import World

_HELP_S = 60.0
_FLAGS = {
    "--fp16": "FP16",
    "--bf16": "BF16",
    "--int8": "INT8",
    "--fp8": "FP8",
    "--versionCompatible": "VERSION_COMPATIBLE",
}
_LEVELS = {"AMPERE_PLUS": "ampere+", "SAME_COMPUTE_CAPABILITY": "sameComputeCapability"}
_ERROR = re.compile(r"\[E\]\s*(.*)")
_MOST_ERRORS = 100
# Into a file: what it prints is longer than a pipe's reader keeps.
_SHELL = 'out=$1; shift; exec "$@" >"$out" 2>&1'


def find_trtexec(host: Host, given: str) -> World:
    """What a trtexec can be asked for.

    Raises:
        InputError: it cannot be started or is none.
    """
    program = given
    if "/" not in given:
        program = host.which(given) or given
    try:
        said = host.run((program, "--help"), deadline=_HELP_S)
    except HostError as error:
        raise InputError(f"cannot start {given}: {error}; name another with --trtexec") from None
    text = f"{said.stdout}\n{said.stderr}"
    words = set(re.findall(r"--[A-Za-z0-9]+", text))
    if not {"--onnx", "--saveEngine"} <= words:
        raise InputError(
            f"{given} is not trtexec: its --help names no --onnx and --saveEngine; name another with "
            "--trtexec"
        )
    flags = frozenset(flag for option, flag in _FLAGS.items() if option in words)
    kinds = frozenset({"STRONGLY_TYPED"} if "--stronglyTyped" in words else ())
    levels = frozenset(_LEVELS if "--hardwareCompatibilityLevel" in words else ())
    return World(
        module="trtexec",
        version=_version(text),
        python=program,
        enums={
            "BuilderFlag": flags,
            "NetworkDefinitionCreationFlag": kinds,
            "HardwareCompatibilityLevel": levels,
            "Options": frozenset(words),
        },
        progress=False,
        no_gpu=None,
    )


def _version(text: str) -> str:
    """``8.6.1`` of ``[TensorRT v8601]``, ``10.3.0`` of ``[TensorRT v100300]``."""
    found = re.search(r"\[TensorRT v([0-9]{4,6})\]", text)
    if found is None:
        return ""
    digits = found.group(1)
    if len(digits) == 4:
        return f"{digits[0]}.{digits[1]}.{int(digits[2:])}"
    return f"{int(digits[:-4])}.{int(digits[-4:-2])}.{int(digits[-2:])}"


def build_by_trtexec(
    host: Host,
    world: World,
    model: Path,
    request: BuildRequest,
    settings: Mapping[str, Any],
    io: tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]],
    workshop: Workshop,
    *,
    timeout: float,
    watch: Watch,
) -> tuple[dict[str, Any], Run | None] | Failure:
    """Build an engine into the workshop, run and timed unless the request says otherwise.

    Args:
        host: this machine.
        world: the trtexec.
        model: the ONNX model.
        request: what is asked for.
        settings: as :func:`trtdoctor.builder.settings.settings_of` makes them.
        io: name and type, in ONNX's words, of all network inputs, and of all outputs.
        workshop: where everything is written.
        timeout: seconds that it may take.
        watch: who is told.

    Returns:
        What a build by Python would tell, and the run; or why there is no engine.

    Raises:
        UsageError: this trtexec has no option for what is asked for.
        InputError: it cannot be started.
    """
    words = command_of(world, model, request, settings, io, workshop.folder)
    watch.tell(f"{world.python} builds (its progress shows in the log alone)")
    shell = ("/bin/sh", "-c", _SHELL, "sh", str(workshop.path(LOG)))
    started, began = time.time(), time.monotonic()
    try:
        ended = host.run((*shell, *words), deadline=timeout)
    except HostError as error:
        if "did not end" in str(error):
            return Failure(kind="deadline")
        raise InputError(f"cannot start {world.python}: {error}") from None
    took = time.monotonic() - began
    log = workshop.path(LOG).read_text("utf-8", "replace") if workshop.path(LOG).exists() else ""
    errors = tuple(_ERROR.findall(log)[:_MOST_ERRORS])
    if ended.exit_code < 0:
        return Failure(kind="crash", about={"detail": f"signal {-ended.exit_code}"}, errors=errors)
    if ended.exit_code or not workshop.path(ENGINE).exists():
        return Failure(kind="build", errors=errors)
    told = {
        "version": world.version,
        "flags": list(settings["flags"]),
        "settings": _set(request),
        "shapes": settings["shapes"],
        "io": {
            name: f"{dtype or ''}{f':{layout}' if layout else ''}"
            for name, (dtype, layout) in request.io.items()
        },
        "pins": dict(request.pins),
        "took_s": took,
        "started": started,
    }
    return told, _ran(workshop.folder) if request.profile else None


def _set(request: BuildRequest) -> dict[str, Any]:
    found = {
        "tf32": None if request.tf32 else False,
        "workspace_bytes": request.workspace,
        "avg_timing_iterations": request.avg_timing,
        "builder_optimization_level": request.optimization_level,
        "hardware_compatibility_level": request.hardware_compatible,
        "tactic_sources": request.tactic_sources,
    }
    return {name: value for name, value in found.items() if value is not None}


def _ran(folder: Path) -> Run:
    layers, profile = folder / "layers-0.json", folder / "profile-0.json"
    measured = None
    try:
        times = folder / "times.json"
        measured = measurement(read_times(times.read_bytes(), name=str(times)))
    except (OSError, FormatError):
        # It built the engine; that it was not timed is told by there being no time.
        measured = None
    return Run(
        measured=measured,
        layers=layers if layers.exists() else None,
        profile=profile if profile.exists() else None,
    )


def command_of(
    world: World,
    model: Path,
    request: BuildRequest,
    settings: Mapping[str, Any],
    io: tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]],
    folder: Path,
) -> tuple[str, ...]:
    """The words of the command line.

    Raises:
        UsageError: this trtexec has no option for what is asked for.
    """
    known = world.enums["Options"]
    words = [
        world.python,
        f"--onnx={model.absolute()}",
        f"--saveEngine={folder / ENGINE}",
        "--verbose",
    ]
    words += [f"--{name.lower()}" for name in settings["flags"] if f"--{name.lower()}" in known]
    asked = [] if not settings["must_ask"] else ["--stronglyTyped"]
    asked += [] if request.tf32 else ["--noTF32"]
    asked += ["--versionCompatible"] if request.version_compatible else []
    for option, key in (("--minShapes", "min"), ("--optShapes", "opt"), ("--maxShapes", "max")):
        shapes = [f"{n}:{'x'.join(map(str, s[key]))}" for n, s in settings["shapes"].items()]
        asked += [f"{option}={','.join(shapes)}"] if shapes else []
    if request.workspace is not None:
        old = "--memPoolSize" not in known
        mib = request.workspace >> 20
        asked.append(f"--workspace={mib}" if old else f"--memPoolSize=workspace:{mib}")
    for option, value in (
        ("--timingCacheFile", request.timing_cache and request.timing_cache.absolute()),
        ("--avgTiming", request.avg_timing),
        ("--builderOptimizationLevel", request.optimization_level),
        ("--tacticSources", request.tactic_sources and ",".join(request.tactic_sources)),
        (
            "--hardwareCompatibilityLevel",
            request.hardware_compatible and _LEVELS[request.hardware_compatible],
        ),
    ):
        asked += [f"{option}={value}"] if value is not None else []
    asked += _io(request, io)
    asked += _pins(request)
    for word in asked:
        option = word.partition("=")[0]
        if option not in known:
            raise UsageError(f"{world.python} has no {option}; leave out what asks for it")
    words += asked
    if "--profilingVerbosity" in known:
        words += ["--profilingVerbosity=detailed", f"--exportLayerInfo={folder / 'layers-0.json'}"]
    if not request.profile:
        return (*words, "--skipInference" if "--skipInference" in known else "--buildOnly")
    words += [
        f"--exportProfile={folder / 'profile-0.json'}",
        f"--exportTimes={folder / 'times.json'}",
    ]
    return (*words, *(["--separateProfileRun"] if "--separateProfileRun" in known else []))


def _io(
    request: BuildRequest, io: tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]]
) -> list[str]:
    """Formats of all network tensors in order: trtexec cannot name one."""
    if not request.io and request.io_all is None:
        return []
    named = {name for side in io for name, _ in side}
    strangers = sorted(set(request.io) - named)
    if strangers:
        raise UsageError(
            f"{request.model} has no network input or output {strangers[0]}, which --io names; there are "
            f"{', '.join(sorted(named)[:5])}"
        )
    words = []
    for option, side in zip(("--inputIOFormats", "--outputIOFormats"), io, strict=True):
        parts = []
        for name, kind in side:
            own = _ONNX.get(kind)
            dtype, layout = request.io.get(name, (None, None))
            dtype = dtype or (request.io_all if own == "fp32" else None) or own
            if dtype is None:
                raise UsageError(
                    f"trtexec has no name for the type of {name}, {kind}; leave out --io"
                )
            parts.append(f"{dtype}:{layout or 'chw'}")
        words.append(f"{option}={','.join(parts)}")
    return words


_ONNX = {
    "FLOAT": "fp32",
    "FLOAT16": "fp16",
    "BFLOAT16": "bf16",
    "INT32": "int32",
    "INT64": "int64",
    "INT8": "int8",
    "UINT8": "uint8",
    "BOOL": "bool",
}


def _pins(request: BuildRequest) -> list[str]:
    if not request.pins:
        return []
    clash = next((name for name in request.pins if set(name) & set(",:'")), None)
    if clash is not None:
        raise UsageError(
            f"trtexec cannot name the node {clash}; build with a Python that has TensorRT"
        )
    pins = ",".join(f"{name}:{dtype}" for name, dtype in request.pins.items())
    constraints = [f"--precisionConstraints={request.constrained}"]
    return [*constraints, f"--layerPrecisions={pins}", f"--layerOutputTypes={pins}"]
