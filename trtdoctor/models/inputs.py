"""What a model is run with: a user's own data, or random numbers that fit its inputs."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ..model.errors import InputError, UsageError
from ..model.given_files import open_regular
from ..readers import polygraphy
from ..readers.onnxmodel import OnnxFacts, OnnxValue, TensorType

_T = TensorType
_TYPES = {
    _T.FLOAT: "float32",
    _T.DOUBLE: "float64",
    _T.FLOAT16: "float16",
    _T.INT8: "int8",
    _T.INT16: "int16",
    _T.INT32: "int32",
    _T.INT64: "int64",
    _T.UINT8: "uint8",
    _T.UINT16: "uint16",
    _T.UINT32: "uint32",
    _T.UINT64: "uint64",
    _T.BOOL: "bool",
}
_DAMAGED = (
    *(ValueError, SyntaxError, tokenize.TokenError, EOFError),
    *(NotImplementedError, zipfile.BadZipFile, zlib.error),
)
_MOST_RANDOM = 4096
_MOST_ELEMENTS = 1 << 31
_MASKS = ("mask", "valid")
_SEED = 20_260
# Without a name that says more, integers stay small: an index must fit whatever it indexes.
_SMALL = 2


@dataclass(frozen=True)
class Inputs:
    """Samples of one model.

    Attributes:
        told: What they are, half a sentence.
        random: Whether they are made up.
        count: How many there are.
    """

    told: str
    random: bool
    count: int
    _samples: Sequence[Any]
    _open: Any

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Each sample: arrays by input."""
        for each in self._samples:
            yield self._open(each)


def find_inputs(
    model: OnnxFacts, spec: str | None, shapes: Mapping[str, tuple[int, ...]]
) -> Inputs:
    """The samples that a user named, or random ones.

    Args:
        model: With the shapes of its inputs.
        spec: ``data.npz``, a folder of ``.npz`` files, what Polygraphy saves with ``--save-inputs``
            (a ``.json`` file or a folder of them) or ``random:N``; None for ``random:1``.
        shapes: Shapes of inputs whose extents the model leaves open.

    Raises:
        InputError: the data do not fit the model's inputs, or cannot be read.
        UsageError: the specification says nothing that is known.
    """
    _known(model, shapes)
    spec = spec or "random:1"
    if is_random(spec):
        return _random(model, spec, shapes)
    path = Path(spec)
    if path.is_dir():
        return _of_folder(model, spec, path, shapes)
    if path.suffix.lower() == ".json":
        samples = [_fitted(model, arrays, path, shapes) for arrays in polygraphy.read_arrays(path)]
    elif path.suffix.lower() in (".npz", ".npy"):
        samples = _split(model, _arrays(path, model), path, shapes)
    else:
        raise UsageError(
            "--inputs takes a .npz file, the .json of Polygraphy's --save-inputs, a folder of such "
            f"files or random:N, not {spec}"
        )
    return Inputs(
        f"{len(samples)} {'sample' if len(samples) == 1 else 'samples'} of {spec}",
        False,
        len(samples),
        samples,
        lambda sample: sample,
    )


def _of_folder(
    model: OnnxFacts, spec: str, path: Path, shapes: Mapping[str, tuple[int, ...]]
) -> Inputs:
    """A sample in each file, which is read when its turn comes."""
    files = sorted((*path.glob("*.npz"), *path.glob("*.npy"), *path.glob("*.json")))
    if not files:
        raise InputError(f"{spec}: no .npz, .npy or .json file is in it")

    def one(file: Path) -> dict[str, Any]:
        if file.suffix != ".json":
            return _fitted(model, _arrays(file, model), file, shapes)
        samples = polygraphy.read_arrays(file)
        if len(samples) > 1:
            raise InputError(f"{file} holds {len(samples)} samples; give this file itself")
        return _fitted(model, samples[0], file, shapes)

    return Inputs(f"{len(files)} files of {spec}", False, len(files), files, one)


def is_random(spec: str) -> bool:
    """Whether a specification names no file."""
    return spec == "random" or spec.startswith("random:")


def _known(model: OnnxFacts, shapes: Mapping[str, tuple[int, ...]]) -> None:
    names = [value.name for value in model.inputs]
    for name, given in shapes.items():
        if name not in names:
            raise InputError(
                f"{model.source} has no input {name!r}, for which --shape was given; "
                f"its inputs are {', '.join(names) or 'none'}"
            )
        declared = _declared(model, name)
        if declared is not None and not _agree(declared, given):
            raise InputError(
                f"--shape {name}={_shown(given)} does not fit its input in {model.source}, which is "
                f"{_shown(declared)}"
            )


def _declared(model: OnnxFacts, name: str) -> Sequence[int | None] | None:
    return next((value.shape for value in model.inputs if value.name == name), None)


def _agree(declared: Sequence[int | None], given: Sequence[int]) -> bool:
    return len(declared) == len(given) and all(
        a is None or a == b for a, b in zip(declared, given, strict=True)
    )


def _shown(shape: Sequence[int | None]) -> str:
    return "x".join("?" if extent is None else str(extent) for extent in shape) or "a scalar"


# Random numbers ----------------------------------------------------------------------------------


def _random(model: OnnxFacts, spec: str, shapes: Mapping[str, tuple[int, ...]]) -> Inputs:
    number = spec.partition(":")[2] or "1"
    if not (number.isascii() and number.isdigit() and 0 < int(number) <= _MOST_RANDOM):
        raise UsageError(f"--inputs random:N takes 1 to {_MOST_RANDOM} samples, not {number}")
    count = int(number)
    made = {value.name: _shape(model, value, shapes) for value in model.inputs}

    def one(seed: int) -> dict[str, Any]:
        numpy = import_module("numpy")
        source = numpy.random.default_rng(_SEED + seed)
        return {value.name: _made(numpy, source, value, made[value.name]) for value in model.inputs}

    plural = "sample" if count == 1 else "samples"
    return Inputs(f"{count} random {plural}", True, count, range(count), one)


def _shape(
    model: OnnxFacts, value: OnnxValue, shapes: Mapping[str, tuple[int, ...]]
) -> tuple[int, ...]:
    if value.name in shapes:
        return shapes[value.name]
    declared = value.shape
    if declared is None:
        raise InputError(
            f"{model.source} does not tell the shape of its input {value.name}; "
            f"give it: --shape {value.name}=1x3x224x224"
        )
    # A leading extent that is open is the batch.
    made = tuple(1 if at == 0 and e is None else e for at, e in enumerate(declared))
    if any(extent is None for extent in made):
        example = "x".join("N" if e is None else str(e) for e in made)
        raise InputError(
            f"{model.source} leaves the shape of its input {value.name} open ({_shown(declared)}); "
            f"give it, with numbers: --shape {value.name}={example}"
        )
    sound = tuple(extent for extent in made if extent is not None)
    count = 1
    for extent in sound:
        count *= extent
    if count > _MOST_ELEMENTS:
        raise InputError(
            f"the input {value.name} of {model.source} has {count:,} elements: too many"
        )
    return sound


def _made(numpy: Any, source: Any, value: OnnxValue, shape: tuple[int, ...]) -> Any:
    kind = _TYPES.get(value.type) if value.type is not None else None
    if kind is None:
        raise InputError(f"the input {value.name} is of a type that random data cannot be made for")
    if kind == "bool":
        return source.random(shape) < 0.9
    if kind.startswith("float"):
        if any(word in value.name.lower() for word in _MASKS):
            return numpy.ones(shape, kind)
        return source.standard_normal(shape).astype(kind)
    if any(word in value.name.lower() for word in _MASKS):
        return numpy.ones(shape, kind)
    return source.integers(0, _SMALL, shape).astype(kind)


# A user's own data -------------------------------------------------------------------------------


def _arrays(path: Path, model: OnnxFacts) -> dict[str, Any]:
    numpy = import_module("numpy")
    try:
        with open_regular(path) as file:
            found = numpy.load(file, allow_pickle=False)
            if isinstance(found, numpy.ndarray):
                if len(model.inputs) != 1:
                    names = ", ".join(value.name for value in model.inputs)
                    raise InputError(
                        f"{path} holds one array, and {model.source} has the inputs {names}; "
                        "give a .npz file with an array for each"
                    )
                return {model.inputs[0].name: found}
            wanted = [value.name for value in model.inputs]
            # The others are not unpacked: they may be large, and nothing reads them.
            return {name: found[name] if name in wanted else None for name in found.files}
    except MemoryError:
        raise InputError(f"{path} holds more than fits into memory; give fewer samples") from None
    except _DAMAGED as error:
        raise InputError(f"{path} is no .npz or .npy file that numpy can read: {error}") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None


def _split(
    model: OnnxFacts,
    arrays: Mapping[str, Any],
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
) -> list[dict[str, Any]]:
    """One sample, or as many as a leading axis that the model's inputs do not have."""
    counts = set()
    for value in model.inputs:
        declared = shapes.get(value.name, value.shape)
        array = arrays.get(value.name)
        if array is None or declared is None:
            continue
        if array.ndim == len(declared) + 1:
            counts.add(array.shape[0])
        elif declared and array.ndim == len(declared) and declared[0] not in (None, array.shape[0]):
            batch = declared[0]
            counts.add(array.shape[0] // batch if batch and array.shape[0] % batch == 0 else 0)
        else:
            counts.add(None)
    if counts in ({None}, set()):
        return [_fitted(model, arrays, path, shapes)]
    if len(counts) > 1 or 0 in counts or None in counts:
        # Said by the first input that does not fit.
        return [_fitted(model, arrays, path, shapes)]
    (count,) = counts
    samples = []
    for index in range(count or 0):
        one = {}
        for value in model.inputs:
            name, array = value.name, arrays.get(value.name)
            declared = shapes.get(name, value.shape)
            if array is None:
                continue
            if declared is None:
                one[name] = array
            elif array.ndim == len(declared) + 1:
                one[name] = array[index]
            else:
                batch = array.shape[0] // (count or 1)
                one[name] = array[index * batch : (index + 1) * batch]
        samples.append(_fitted(model, one, path, shapes))
    return samples


def _fitted(
    model: OnnxFacts,
    arrays: Mapping[str, Any],
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
) -> dict[str, Any]:
    numpy = import_module("numpy")
    made = {}
    for value in model.inputs:
        array = arrays.get(value.name)
        if array is None:
            raise InputError(
                f"{path} has no array {value.name!r}, an input of {model.source}; "
                f"it has {', '.join(arrays) or 'none'}"
            )
        kind = _TYPES.get(value.type) if value.type is not None else None
        wanted: Sequence[int | None] | None = shapes.get(value.name, value.shape)
        if wanted is not None and not _agree(wanted, array.shape):
            raise InputError(
                f"{path}: {value.name} is {_shown(array.shape)}, and {model.source} wants {_shown(wanted)}"
            )
        if kind is not None and str(array.dtype) != kind:
            same = array.dtype.kind == numpy.dtype(kind).kind
            if not same and not (
                array.dtype.kind in "iub" and kind.startswith(("int", "uint", "bool"))
            ):
                raise InputError(
                    f"{path}: {value.name} is of {array.dtype}, and {model.source} wants {kind}"
                )
            array = _converted(array, kind, f"{path}: {value.name}", model)
        made[value.name] = numpy.ascontiguousarray(array)
    return made


def _converted(array: Any, kind: str, which: str, model: OnnxFacts) -> Any:
    """In another type, where that holds every number."""
    numpy = import_module("numpy")
    with numpy.errstate(over="ignore", invalid="ignore"):
        made = array.astype(kind)
    if array.dtype.kind == "f":
        lost = numpy.isfinite(array) & ~numpy.isfinite(made)
    else:
        # A negative number and its wrapped image are equal to numpy after both are cast alike.
        lost = (made != array) | ((made < 0) != (array < 0))
    if lost.any():
        raise InputError(
            f"{which} is of {array.dtype} and has numbers that do not fit into {kind}, "
            f"which {model.source} wants"
        )
    return made
