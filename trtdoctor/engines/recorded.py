"""Files that tell of builds and are no engines: what others recorded, for ``trtdoctor inspect``."""

from __future__ import annotations

from pathlib import Path

from trtdoctor.model.engine import EngineReport
from trtdoctor.model.errors import InputError
from trtdoctor.model.given_files import open_regular, read_whole
from trtdoctor.readers.apicapture import is_api_capture, read_api_capture
from trtdoctor.readers.tuningcache import MAX_BYTES, is_tuning_cache, read_tuning_cache

_HEAD = 1 << 20


def recorded_report(path: Path) -> EngineReport | None:
    """What a file records; None where it is none of the records that are known.

    Raises:
        InputError: it cannot be read, or is damaged.
    """
    try:
        with open_regular(path) as file:
            head = file.read(_HEAD)
        if is_api_capture(head):
            return _captured(path)
        if not is_tuning_cache(head):
            return None
        tuning = read_tuning_cache(read_whole(path, most=MAX_BYTES), name=str(path))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    return EngineReport(
        path=str(path),
        what=f"It is what a tuner of build routes tried: {len(tuning.routes)} of them.",
        tuning=tuning,
    )


def _captured(path: Path) -> EngineReport:
    data = read_whole(path, most=MAX_BYTES)
    told = read_api_capture(data, name=str(path))
    return EngineReport(
        path=str(path),
        size=len(data),
        what=f"This is a capture of TensorRT's API: {told.capture.calls} calls.",
        to_do="Keep it private: it and its .bin file hold the model's weights in clear text.",
        identity=told.identity,
        typing=told.typing,
        capture=told.capture,
    )
