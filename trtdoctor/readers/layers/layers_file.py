"""What a layers file holds once read. Precisions are judged elsewhere, in trtdoctor.precision."""

from __future__ import annotations

from enum import Enum

from trtdoctor.model.base import Frozen
from trtdoctor.model.engine import IOTensor, Layer, ShapeRange


class Dialect(str, Enum):
    """Which of the forms a file came in.

    ``inspector-json-11`` is the JSON of TensorRT 11 and TensorRT-RTX (``I/O Tensors``, separate
    ``Format`` and ``Datatype``); ``inspector-json`` everything before it.
    """

    INSPECTOR_JSON = "inspector-json"
    INSPECTOR_JSON_11 = "inspector-json-11"
    LAYER_OBJECTS = "layer-objects"
    ONELINE = "oneline"
    BUILD_LOG = "build-log"


class Verbosity(str, Enum):
    """How much the engine tells of its layers; the builder's profiling verbosity."""

    DETAILED = "detailed"
    NAMES = "names"
    NONE = "none"


class LayersFile(Frozen, frozen=True, kw_only=True):
    """The layers of one engine, as one file tells them.

    ``io`` is null where the file does not list the network's inputs and outputs; ``io_names`` then
    still holds the names that TensorRT 8.4 to 10.x lists as bindings. ``notes`` are sentences
    about what was repaired or could not be read; none of them is a judgement.
    """

    layers: tuple[Layer, ...]
    dialect: Dialect
    verbosity: Verbosity
    io: tuple[IOTensor, ...] | None = None
    io_names: tuple[str, ...] = ()
    profiles: tuple[dict[str, ShapeRange], ...] | None = None
    notes: tuple[str, ...] = ()
