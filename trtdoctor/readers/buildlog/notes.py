"""Sentences of the log that matter beside the timings, and the banner's settings."""

from __future__ import annotations

from .log_facts import NetworkTensor, Note, NoteKind, OnnxNode, Setting

# A phrase, what it is about, and the words between which the layer's name stands.
_SENTENCES: tuple[tuple[str, NoteKind, str, str], ...] = (
    (
        "a non-conforming implementation was chosen",
        NoteKind.NON_CONFORMING,
        "For layer ",
        " a non-",
    ),
    (
        "obeys the requested constraints",
        NoteKind.NO_CONFORMING,
        "No implementation of layer ",
        " obeys the",
    ),
    (
        "No valid obedient candidate choices",
        NoteKind.NO_CONFORMING,
        "choices for node ",
        " that meet",
    ),
    ("No implementation conforms with I/O format", NoteKind.IO_CONSTRAINT, "", ""),
    ("is not supported on DLA", NoteKind.DLA_FALLBACK, "but layer ", " is not supported"),
    ("weights are affected by this issue", NoteKind.WEIGHT_RANGE, "", ""),
    ("Running layernorm after self-attention", NoteKind.LAYERNORM, "", ""),
    ("Detected layernorm nodes in FP16", NoteKind.LAYERNORM, "", ""),
    ("on hardware without native FP16 support", NoteKind.HARDWARE, "", ""),
    ("Using kFLOAT for region surrounded by copy", NoteKind.FLOAT_REGION, "operations: ", ""),
    ("Could not find any implementation for node", NoteKind.NO_IMPLEMENTATION, "for node ", "."),
    ("Some tactics do not have sufficient", NoteKind.MEMORY, "", ""),
    ("Deleting timing cache:", NoteKind.TIMING_CACHE, "", ""),
    ("timing cache entries", NoteKind.TIMING_CACHE, "", ""),
    ("timing cache in use", NoteKind.TIMING_CACHE, "", ""),
    ("created with kSTRONGLY_TYPED flag", NoteKind.TYPING, "", ""),
    ("Weakly-typed networks", NoteKind.TYPING, "", ""),
    ("Error Code ", NoteKind.ERROR, "", ""),
)

PHRASES = tuple(phrase for phrase, _, _, _ in _SENTENCES)

_SETTINGS = frozenset(
    {
        "precision",
        "layerprecisions",
        "layeroutputtypes",
        "layer device types",
        "precision constraints",
        "input(s)s format",
        "output(s)s format",
        "avgtiming",
        "builderoptimizationlevel",
        "memory pools",
        "timingcachemode",
        "timingcachefile",
        "tensorrt version",
        "tactic sources",
        "allow gpu fallback for dla",
        "dlacore",
        "flags",
        "engine capability",
        "profiling verbosity",
    }
)


def note_of(line: int, text: str) -> Note | None:
    """The note that a line makes, or None."""
    for phrase, kind, before, after in _SENTENCES:
        at = text.find(phrase)
        if at < 0:
            continue
        subject = None
        if before:
            rest = text.partition(before)[2]
            end = rest.rfind(after) if after else len(rest)
            subject = rest[:end].strip() if rest and end > 0 else None
        return Note(kind=kind, line=line, text=text.strip(), subject=subject or None)
    return None


def setting_of(line: int, text: str) -> Setting | None:
    """``Key: value`` of trtexec or ``Key | value`` of Polygraphy, if the key matters."""
    for mark in (": ", "|", ":"):
        key, found, value = text.partition(mark)
        key = key.rpartition("] ")[2].strip()
        if found and key.casefold() in _SETTINGS:
            return Setting(key=key, value=value.strip(), line=line)
    return None


def command_of(line: int, text: str) -> Setting | None:
    """The command behind ``&&&& RUNNING TensorRT.trtexec [...] #``, as the setting ``command``."""
    command = text.partition("] # ")[2].strip()
    return Setting(key="command", value=command, line=line) if command else None


def version_of(text: str) -> str | None:
    """``[TensorRT v101601]`` or ``TensorRT version: 8.6.1`` as a dotted version."""
    digits = text.partition("[TensorRT v")[2].partition("]")[0]
    if digits.isdigit() and 4 <= len(digits) <= 6:
        number = int(digits)
        scale = 1000 if len(digits) == 4 else 10000
        return f"{number // scale}.{number % scale // 100}.{number % 100}"
    dotted = text.partition("TensorRT version: ")[2].split(" ")[0].strip()
    parts = dotted.split(".")
    if len(parts) > 1 and all(part.isdigit() for part in parts):
        return dotted
    return None


def network_input(line: int, text: str) -> NetworkTensor | None:
    """``Adding network input: x with dtype: float32, dimensions: (-1, 1024)``."""
    rest = text.partition("Adding network input: ")[2]
    name, _, rest = rest.partition(" with dtype: ")
    dtype, found, dims = rest.partition(", dimensions: (")
    if not found or not name:
        return None
    try:
        extents = tuple(int(part) for part in dims.partition(")")[0].split(",") if part.strip())
    except ValueError:
        return None
    return NetworkTensor(name=name, dtype=dtype, dims=extents, line=line)


def onnx_node(line: int, text: str) -> OnnxNode | None:
    """``Parsing node: NAME [OP]``."""
    rest = text.partition("Parsing node: ")[2]
    name, opened, op = rest.rpartition(" [")
    if not opened or not op.endswith("]"):
        return None
    return OnnxNode(name=name, op=op[:-1], line=line)
