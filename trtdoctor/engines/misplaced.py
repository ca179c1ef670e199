"""Files given in the wrong place: what one really is, and the option that takes it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from trtdoctor.model.errors import InputError
from trtdoctor.model.given_files import open_regular, read_whole
from trtdoctor.readers.apicapture import is_api_capture
from trtdoctor.readers.autocastlog import read_autocast_log
from trtdoctor.readers.buildlog import parse_build_log, read_build_log
from trtdoctor.readers.buildlog.stream import open_log
from trtdoctor.readers.layers import Dialect, read_layers
from trtdoctor.readers.plan import Container, FileIdentity, identify
from trtdoctor.readers.polygraphy import is_polygraphy
from trtdoctor.readers.profile import read_profile
from trtdoctor.readers.times import read_times
from trtdoctor.readers.tuningcache import is_tuning_cache

_MODELS = frozenset({Container.ONNX, Container.EP_CONTEXT})
# What text is taken for that is packed, coloured or in UTF-16.
_TEXTS = frozenset({Container.TEXT, Container.JSON, Container.GZIP, Container.UNKNOWN})
# A text of more than this is read by the reader that it was given to, and by no other.
_LARGEST = 1 << 28
_HEAD = 1 << 16
_BEGINNING, _BEGINNING_PACKED = 1 << 22, 1 << 17
_GZIP = b"\x1f\x8b"
# A line of a log begins with a bracket too, and then a date or a severity.
_JSON = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\{|\[\s*[\[{"])')


class Place(Enum):
    """Where a file can be given: what belongs there, and how it gets there."""

    ENGINE = ("a TensorRT engine", "as ENGINE, without an option")
    LOG = ("a build log", "to `trtdoctor explain` with --log")
    LAYERS = ("a list of an engine's layers", "with --layers")
    PROFILE = ("a profile of the layers' times", "with --profile")
    TIMES = ("the times of whole inferences", "with --times")
    ONNX = ("an ONNX model", "to `trtdoctor explain` with --onnx")
    ARRAYS = ("a network's inputs or outputs", "to `trtdoctor audit` or `plan` with --inputs")
    TUNING = ("what a tuner of build routes tried", "to `trtdoctor inspect`, without an option")
    CAPTURE = ("a capture of TensorRT's API", "to `trtdoctor inspect`, without an option")
    AUTOCAST = ("what AutoCast printed", "to `trtdoctor explain` with --autocast-log")

    @property
    def words(self) -> str:
        """What belongs there."""
        return self.value[0]

    @property
    def way(self) -> str:
        """How it is given."""
        return self.value[1]


def place_of(path: Path) -> Place | None:
    """Where a file belongs; None where that is not known."""
    try:
        return _place(identify(path), path)
    except OSError:
        return None


def in_place(path: Path, wanted: Place) -> str | None:
    """What a file is instead of ``wanted``, and where it belongs; None where nobody knows better."""
    found = place_of(path)
    if found is None or found is wanted:
        return None
    return f"{path} is {found.words}, not {wanted.words}: give it {found.way}"


def told_apart(file: FileIdentity, path: Path) -> FileIdentity:
    """What a file that was given as an engine is, with where it belongs if another option takes it.

    Raises:
        OSError: the file cannot be read.
    """
    found = _place(file, path)
    if found is None or found is Place.ENGINE:
        return file
    what, to_do = f"This is {found.words}, not a TensorRT engine.", f"Give it {found.way}."
    return msgspec.structs.replace(file, what=what, to_do=to_do)


def _place(file: FileIdentity, path: Path) -> Place | None:
    if file.engine is not None:
        return Place.ENGINE
    if file.container in _MODELS:
        return Place.ONNX
    if file.container not in _TEXTS:
        return None
    if _begins_log(path):
        return Place.LOG
    return _text_place(path) if file.size <= _LARGEST else None


def _text_place(path: Path) -> Place | None:
    """Where a text belongs that is no build log by its beginning."""
    head = _head(path)
    if is_polygraphy(head):
        return Place.ARRAYS
    if is_tuning_cache(head):
        return Place.TUNING
    if is_api_capture(head):
        return Place.CAPTURE
    if _reads(lambda: read_times(read_whole(path, most=_LARGEST))):
        return Place.TIMES
    if _reads(lambda: read_profile(read_whole(path, most=_LARGEST))):
        return Place.PROFILE
    if _reads(lambda: read_build_log(path)):
        return Place.LOG
    told = _reads(lambda: read_layers(read_whole(path, most=_LARGEST)))
    if told is not None and told.layers:
        return Place.LOG if told.dialect is Dialect.BUILD_LOG else Place.LAYERS
    kept = _reads(lambda: read_autocast_log(read_whole(path, most=_LARGEST)))
    return Place.AUTOCAST if kept is not None and kept.kept else None


def _begins_log(path: Path) -> bool:
    """Whether a build begins in the first lines of a text, of which a log can have gigabytes."""
    try:
        with open_log(path) as stream:
            head = stream.read(_BEGINNING_PACKED)
            if not head.startswith(_GZIP):
                head += stream.read(_BEGINNING - len(head))
    except (InputError, OSError):
        return False
    if _JSON.match(head):
        return False
    return _reads(lambda: parse_build_log(io.BytesIO(head))) is not None


def _head(path: Path) -> bytes:
    with open_regular(path) as file:
        return file.read(_HEAD)


def _reads(read: Callable[[], Any]) -> Any | None:
    try:
        return read()
    except InputError:
        return None
