"""The door: bytes of unknown form to one engine's layers, or one sentence about what they are."""

from __future__ import annotations

from typing import Any

import msgspec

from trtdoctor.model.engine import IOTensor, Layer

from ..errors import FormatError, TooMuch, naming
from . import log
from .bounds import MAX_LAYERS
from .decode import HOW, json_values, to_text
from .layers_file import Dialect, LayersFile, Verbosity
from .names import myelin_program, split_profile
from .objects import clean, io_tensor, is_layer, layer_from, lowered, profile_ranges

MAX_BYTES = 1 << 31
MAX_JSON_BYTES = 1 << 27

_NONE_NOTE = "The engine does not list its layers: it was built with profiling verbosity NONE."
_SEVERAL_NOTE = "The text lists several engines; the last one is read."
_NAMES_LOG = "kLAYER_NAMES_ONLY when the engine was built"
_NONE_LOG = "kNONE when the engine was built"


def read_layers(data: bytes, *, name: str | None = None) -> LayersFile:
    """Reads the layers of one engine from inspector output, a trtexec log or a verbose build log.

    An empty file is what the inspector of an engine with profiling verbosity NONE writes, so it
    gives no layers rather than an error. Time and memory are linear in ``data``.

    Args:
        data: The file's bytes. At most 2 GiB of text, 128 MiB of JSON, 200,000 layers.
        name: What an error calls the file; without it the message names none.

    Raises:
        FormatError: The bytes are something else, cut, or beyond the limits.
    """
    with naming(name):
        return _read(data)


def _read(data: bytes) -> LayersFile:
    if len(data) > MAX_BYTES:
        raise FormatError(f"This file is larger than {MAX_BYTES >> 30} GiB. {HOW}")
    if not data.strip():
        note = "The file is empty, as the inspector leaves it at profiling verbosity NONE."
        return LayersFile(
            layers=(), dialect=Dialect.INSPECTOR_JSON, verbosity=Verbosity.NONE, notes=(note,)
        )
    text = to_text(data)
    begins_json = text.lstrip()[:1] in ("{", '"')
    if begins_json and len(data) > MAX_JSON_BYTES:
        raise FormatError(f"This JSON is larger than {MAX_JSON_BYTES >> 20} MiB. {HOW}")
    values = json_values(text)
    return _from_json(values) if values is not None else _from_text(text)


def _from_json(values: list[Any]) -> LayersFile:
    if len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    for value in values:
        engine = _engine_object(value)
        if engine is not None:
            return _from_engine(engine, several=sum(1 for v in values if _engine_object(v)) > 1)
    entries = [v for v in values if is_layer(v) or isinstance(v, str)]
    if entries and len(entries) == len(values):
        return _finish(entries, Dialect.LAYER_OBJECTS, bindings=[], io=[], notes=[])
    raise FormatError(f"This JSON is {_what(values)}, not a list of layers. {HOW}")


def _engine_object(value: object) -> dict[str, Any] | None:
    """The object that holds ``Layers``: the value itself, or the one object it wraps."""
    if not isinstance(value, dict):
        return None
    keys = lowered(value)
    if isinstance(keys.get("layers"), list):
        return keys
    inner = [lowered(v) for v in value.values() if isinstance(v, dict)]
    wrapped = [keys for keys in inner if isinstance(keys.get("layers"), list)]
    return wrapped[0] if len(wrapped) == 1 else None


def _from_engine(keys: dict[str, Any], *, several: bool) -> LayersFile:
    io = keys.get("i/o tensors")
    bindings = keys.get("bindings")
    names = [clean(b) for b in bindings if isinstance(b, str)] if isinstance(bindings, list) else []
    if isinstance(bindings, list):
        named = (lowered(b).get("name") for b in bindings if isinstance(b, dict))
        names += [clean(n) for n in named if isinstance(n, str)]
    layers = keys["layers"]
    notes = ["The file holds several engines; the first is read."] if several else []
    odd = sum(1 for v in layers if not isinstance(v, str) and not is_layer(v))
    if odd:
        notes.append(f"{odd} entries of the layer list are not layers and were left out.")
    return _finish(
        [v for v in layers if isinstance(v, str) or is_layer(v)],
        Dialect.INSPECTOR_JSON_11 if isinstance(io, list) else Dialect.INSPECTOR_JSON,
        bindings=names,
        io=io if isinstance(io, list) else [],
        notes=notes,
    )


def _from_text(text: str) -> LayersFile:
    notes = [_SEVERAL_NOTE] if log.several_engines(text) else []
    start = log.find_block(text)
    entries, bindings, io = log.read_block(text, start) if start is not None else ([], [], [])
    if any(isinstance(entry, dict) for entry in entries):
        return _finish(entries, Dialect.ONELINE, bindings=bindings, io=io, notes=notes)
    lines = log.find_lines(text)
    if lines is not None and (found := log.read_lines(text, lines)):
        return _finish(list(found), Dialect.BUILD_LOG, bindings=[], io=[], notes=notes)
    if entries:
        return _finish(entries, Dialect.ONELINE, bindings=bindings, io=io, notes=notes)
    if bare := log.read_bare_lines(text):
        return _finish(bare, Dialect.ONELINE, bindings=[], io=[], notes=[])
    if _NONE_LOG in text or start is not None:
        return LayersFile(
            layers=(), dialect=Dialect.ONELINE, verbosity=Verbosity.NONE, notes=(_NONE_NOTE,)
        )
    if _NAMES_LOG in text:
        raise FormatError(
            "This log says that the engine tells its layers' names only, and does not list them. "
            + HOW
        )
    head = text.lstrip()[:200].lower()
    if head.startswith(("<!doctype", "<html", "<?xml")):
        raise FormatError(f"This file is a web page, not a list of layers. {HOW}")
    raise FormatError(f"This text holds no TensorRT layer information. {HOW}")


def _finish(
    entries: list[Any],
    dialect: Dialect,
    *,
    bindings: list[str],
    io: list[Any],
    notes: list[str],
) -> LayersFile:
    if len(entries) > MAX_LAYERS:
        raise TooMuch(f"This file lists more than {MAX_LAYERS:,} layers. {HOW}")
    layers = _with_profiles(
        [
            Layer(name=clean(v), profile=split_profile(v)[1])
            if isinstance(v, str)
            else layer_from(v)
            for v in entries
        ]
    )
    detailed = any(isinstance(v, dict) for v in entries)
    if detailed and any(isinstance(v, str) for v in entries):
        notes = [*notes, "Some layers are told by name only."]
    if not entries:
        verbosity, notes = Verbosity.NONE, [*notes, _NONE_NOTE]
    else:
        verbosity = Verbosity.DETAILED if detailed else Verbosity.NAMES
    tensors = tuple(t for t in map(io_tensor, io) if t is not None)
    return LayersFile(
        layers=layers,
        dialect=dialect,
        verbosity=verbosity,
        io=tensors or _io_of(bindings, layers),
        io_names=tuple(bindings) or tuple(t.name for t in tensors),
        profiles=profile_ranges(io),
        notes=tuple(notes),
    )


def _with_profiles(layers: list[Layer]) -> tuple[Layer, ...]:
    """Sets every layer's optimisation profile from its own name, its tensors' or its program's.

    Layers of a Myelin program need not carry the profile in their names; the program's number
    (``_myl1_``) belongs to one profile.
    """
    told = [max(_tensor_profile(layer), layer.profile) for layer in layers]
    programs: dict[int, int] = {}
    for layer, profile in zip(layers, told, strict=True):
        program = myelin_program(layer.name)
        if program is not None:
            programs[program] = max(profile, programs.get(program, 0))
    result: list[Layer] = []
    for layer, profile in zip(layers, told, strict=True):
        program = myelin_program(layer.name)
        final = max(profile, programs.get(program, 0)) if program is not None else profile
        same = final == layer.profile
        result.append(layer if same else msgspec.structs.replace(layer, profile=final))
    return tuple(result)


def _tensor_profile(layer: Layer) -> int:
    tensors = (*layer.inputs, *layer.outputs)
    return max((split_profile(t.name)[1] for t in tensors), default=0)


def _io_of(bindings: list[str], layers: tuple[Layer, ...]) -> tuple[IOTensor, ...] | None:
    """Network tensors from the bindings' names, as the layers that touch them tell their types."""
    touched: dict[str, IOTensor] = {}
    for layer in layers:
        for mode, tensors in (("input", layer.inputs), ("output", layer.outputs)):
            for tensor in tensors:
                if mode == "output" or tensor.name not in touched:
                    touched[tensor.name] = IOTensor(
                        name=tensor.name,
                        mode=mode,
                        dtype=tensor.dtype or "unknown",
                        shape=tensor.shape,
                    )
    if not bindings or not all(name in touched for name in bindings):
        return None
    return tuple(touched[name] for name in bindings)


def _what(values: list[Any]) -> str:
    first = values[0] if values else None
    keys = lowered(first) if isinstance(first, dict) else {}
    if "count" in keys or "timems" in keys or "averagems" in keys:
        return "a per-layer time profile (give it as --profile)"
    if "latencyms" in keys or "startcomputems" in keys:
        return "trtexec's timing of whole inferences"
    if not values:
        return "empty"
    return "something else"
