"""What a build is asked for, before it is known which TensorRT builds it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trtdoctor.model.engine_shapes import ShapeRange
from trtdoctor.model.errors import UsageError

PRECISIONS = ("fp32", "fp16", "bf16", "int8", "best")
_TYPES = ("fp32", "fp16", "bf16", "int8", "int32")
_LAYOUTS = (
    *("chw", "chw2", "chw4", "hwc8", "chw16", "chw32", "dhwc8", "cdhw32", "hwc", "dhwc"),
    *("dla_linear", "dla_hwc4", "hwc16"),
)
_LEVELS = {"ampere+": "AMPERE_PLUS", "same-cc": "SAME_COMPUTE_CAPABILITY"}
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?)\s*([KMGT]?)(?:i?B)?\Z", re.IGNORECASE)
_UNITS = {"": 1 << 20, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_MOST_RANK = 8


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """What a build is asked for.

    Attributes:
        model: The ONNX model.
        engine: Where the engine is written.
        precision: ``fp32``, ``fp16``, ``bf16``, ``int8`` or ``best``.
        tf32: Whether FP32 layers may use TF32 kernels.
        strongly_typed: Ask TensorRT 9 and 10 for a strongly typed network; later ones are so anyway.
        shapes: An optimisation profile, by input.
        io: Type and layout of network tensors by name; either may be None.
        io_all: The type of all FP32 network tensors.
        pins: Types that nodes are pinned to, by name; ``*`` in a name stands for any characters.
        constraints: ``none``, ``prefer`` or ``obey``; None is ``prefer`` where something is pinned.
        hardware_compatible: TensorRT's name of a level.
        version_compatible: Whether other releases can load the engine.
        workspace: Bytes of scratch memory that a kernel may have.
        timing_cache: A file that is read, and written after the build.
        avg_timing: How many timings are averaged.
        tactic_sources: As trtexec takes them: ``+NAME`` and ``-NAME``, or a list of names.
        optimization_level: The builder's, 0 to 5.
        targets: Compute capabilities to build for, where TensorRT-RTX builds without a GPU.
        convert: Who lowers the model's types where they decide: ``plan``, ``autocast`` or ``none``.
        profile: Whether the engine is run and timed after the build.
    """

    model: Path
    engine: Path
    precision: str = "fp16"
    tf32: bool = True
    strongly_typed: bool = False
    shapes: Mapping[str, ShapeRange] = field(default_factory=dict)
    io: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    io_all: str | None = None
    pins: Mapping[str, str] = field(default_factory=dict)
    constraints: str | None = None
    hardware_compatible: str | None = None
    version_compatible: bool = False
    workspace: int | None = None
    timing_cache: Path | None = None
    avg_timing: int | None = None
    tactic_sources: tuple[str, ...] | None = None
    optimization_level: int | None = None
    targets: tuple[str, ...] = ()
    convert: str = "plan"
    profile: bool = True

    @property
    def constrained(self) -> str:
        """``none``, ``prefer`` or ``obey``."""
        return self.constraints or ("prefer" if self.pins else "none")

    def words(self) -> tuple[str, ...]:
        """The command line that asks for the same, without ``trtdoctor``."""
        words = ["build", str(self.model), str(self.engine), "--precision", self.precision]
        words += [] if self.tf32 else ["--no-tf32"]
        words += ["--strongly-typed"] if self.strongly_typed else []
        for option, key in (("--min-shapes", "min"), ("--shapes", "opt"), ("--max-shapes", "max")):
            for name, shape in self.shapes.items():
                words += [option, f"{name}={'x'.join(map(str, getattr(shape, key)))}"]
        words += ["--io", self.io_all] if self.io_all else []
        for name, (dtype, layout) in self.io.items():
            words += ["--io", f"{name}={dtype or ''}{f':{layout}' if layout else ''}"]
        for name, dtype in self.pins.items():
            words += ["--pin", f"{name}={dtype}"]
        words += ["--constraints", self.constraints] if self.constraints else []
        if self.hardware_compatible:
            level = next(k for k, v in _LEVELS.items() if v == self.hardware_compatible)
            words += ["--hardware-compatible", level]
        words += ["--version-compatible"] if self.version_compatible else []
        words += ["--workspace", size_word(self.workspace)] if self.workspace else []
        words += ["--timing-cache", str(self.timing_cache)] if self.timing_cache else []
        words += ["--avg-timing", str(self.avg_timing)] if self.avg_timing else []
        if self.tactic_sources is not None:
            words += [f"--tactic-sources={','.join(self.tactic_sources)}"]
        if self.optimization_level is not None:
            words += ["--optimization-level", str(self.optimization_level)]
        words += ["--target-cc", ",".join(self.targets)] if self.targets else []
        words += [] if self.convert == "plan" else ["--convert", self.convert]
        words += [] if self.profile else ["--no-profile"]
        return tuple(words)


# The words of options ------------------------------------------------------------------------------


def shapes_of(
    opt: Iterable[str], least: Iterable[str] = (), most: Iterable[str] = ()
) -> dict[str, ShapeRange]:
    """Optimisation profiles from ``NAME=1x3x224x224`` or trtexec's ``NAME:1x3x224x224,…``.

    What is not given for an input's least and most extents is its optimum.

    Raises:
        UsageError: a text is none, or only the least or the most is given.
    """
    found = {
        key: _extents(key, texts) for key, texts in (("opt", opt), ("min", least), ("max", most))
    }
    strangers = sorted({*found["min"], *found["max"]} - set(found["opt"]))
    if strangers:
        raise UsageError(
            f"--shapes says nothing of {strangers[0]}; give what it is optimised for too"
        )
    shapes = {}
    for name, extents in found["opt"].items():
        low, high = found["min"].get(name, extents), found["max"].get(name, extents)
        ordered = len(low) == len(extents) == len(high) and all(
            a <= b <= c for a, b, c in zip(low, extents, high, strict=True)
        )
        if not ordered:
            raise UsageError(
                f"the shapes of {name} do not go from least to most: "
                f"{_by(low)}, {_by(extents)}, {_by(high)}"
            )
        shapes[name] = ShapeRange(min=low, opt=extents, max=high)
    return shapes


def _by(extents: tuple[int, ...]) -> str:
    return "x".join(map(str, extents))


def _extents(option: str, texts: Iterable[str]) -> dict[str, tuple[int, ...]]:
    option = {"opt": "--shapes", "min": "--min-shapes", "max": "--max-shapes"}[option]
    found: dict[str, tuple[int, ...]] = {}
    for text in texts:
        for part in text.split(","):
            match = re.fullmatch(r"(.+)[=:]([0-9]{1,9}(?:x[0-9]{1,9})*|)", part.strip())
            if match is None:
                raise UsageError(f"{option} takes NAME=1x3x224x224, not {part}")
            extents = tuple(int(word) for word in match.group(2).split("x") if word)
            if len(extents) > _MOST_RANK:
                raise UsageError(f"{option} {part}: TensorRT's tensors have up to 8 dimensions")
            found[match.group(1).strip("'\"")] = extents
    return found


def io_of(texts: Iterable[str]) -> tuple[str | None, dict[str, tuple[str | None, str | None]]]:
    """``fp16`` for all network tensors, or ``NAME=fp16:hwc8`` for one.

    Raises:
        UsageError: a text is neither.
    """
    everything: str | None = None
    found: dict[str, tuple[str | None, str | None]] = {}
    for text in texts:
        name, named, form = text.rpartition("=")
        dtype, _, layout = (form if named else text).lower().partition(":")
        bad = (dtype and dtype not in _TYPES) or (layout and layout not in _LAYOUTS)
        if bad or not (dtype or layout):
            raise UsageError(
                f"--io takes {' or '.join(_TYPES[:3])} for all FP32 network tensors, or NAME=TYPE:LAYOUT "
                f"(NAME=fp16:hwc8) for one, not {text}"
            )
        if not named:
            if layout:
                raise UsageError(f"--io {text}: a layout is one tensor's; write NAME={text}")
            everything = dtype
        else:
            found[name] = (dtype or None, layout or None)
    return everything, found


def pins_of(texts: Iterable[str]) -> dict[str, str]:
    """``NODE=fp32`` pairs.

    Raises:
        UsageError: a text is none.
    """
    found = {}
    for text in texts:
        name, named, dtype = text.rpartition("=")
        if not named or not name or dtype.lower() not in _TYPES[:4]:
            raise UsageError(f"--pin takes NODE=fp32 (or fp16, bf16, int8), not {text}")
        found[name] = dtype.lower()
    return found


def bytes_of(text: str) -> int:
    """A size such as ``4G``, ``512M`` or ``512`` (mebibytes, as trtexec counts) in bytes.

    Raises:
        UsageError: it is none.
    """
    match = _SIZE.fullmatch(text.strip())
    size = 0 if match is None else int(float(match.group(1)) * _UNITS[match.group(2).upper()])
    # Whole kibibytes, so that words can say it.
    size = size >> 10 << 10
    if match is None or not 0 < size < 1 << 50:
        raise UsageError(f"--workspace takes a size such as 4G or 512M, not {text}")
    return size


def size_word(size: int) -> str:
    """A size in bytes as :func:`bytes_of` takes it, down to whole kibibytes: ``512M``."""
    return f"{size >> 10}K" if size % (1 << 20) else f"{size >> 20}M"


def level_of(text: str) -> str:
    """TensorRT's name of a level of hardware compatibility."""
    return _LEVELS[text]


LEVELS = tuple(_LEVELS)


def targets_of(text: str) -> tuple[str, ...]:
    """Compute capabilities such as ``8.9,12.0``.

    Raises:
        UsageError: a part is none.
    """
    parts = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for part in parts:
        if not re.fullmatch(r"[0-9]{1,2}\.[0-9]", part):
            raise UsageError(f"--target-cc takes compute capabilities such as 8.9,12.0, not {part}")
    return parts
