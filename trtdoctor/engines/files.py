"""The files that a user gives about engines, read; or one sentence why one cannot be.

What is wrong with a file is an InputError, whose message names the file and says what to do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from trtdoctor.model.build import Measurement
from trtdoctor.model.codec import write_all_atomically
from trtdoctor.model.engine import EngineReport
from trtdoctor.model.errors import InputError, UsageError
from trtdoctor.model.given_files import read_whole
from trtdoctor.model.watch import UNHURRIED, Watch
from trtdoctor.readers.autocastlog import read_autocast_log
from trtdoctor.readers.buildlog import (
    Build,
    BuildSummary,
    FormatError,
    NoBuild,
    read_build_log,
)
from trtdoctor.readers.buildlog.stream import Lines, open_log
from trtdoctor.readers.errors import TooMuch
from trtdoctor.readers.errortext import ErrorText, read_error_text
from trtdoctor.readers.layers import Dialect, LayersFile, read_layers
from trtdoctor.readers.onnxmodel import read_onnx
from trtdoctor.readers.plan import FileIdentity, extract, identify
from trtdoctor.readers.profile import read_profile
from trtdoctor.readers.times import measurement, read_times

from .caches import Pointed, beside
from .folders import Unfolded
from .given import EngineSources, GivenLog, Witnesses
from .misplaced import Place, in_place, told_apart
from .recorded import recorded_report
from .sidecar import find_side_car

Read = TypeVar("Read")
_LARGEST_TEXT = 1 << 31
_HEAD = 1 << 16


def read_engines(
    paths: Sequence[Path],
    *,
    static: bool,
    hashed: bool = False,
    layers: Path | None = None,
    profile: Path | None = None,
    times: Path | None = None,
    records: bool = False,
    folders: Unfolded | None = None,
) -> tuple[EngineSources, ...]:
    """Read what engine files are, their headers alone, and the layers and times given beside one.

    Without an engine, layers alone make one. With ``records``, files that tell of builds are read
    too, as :func:`recorded_report` does; ``folders`` is what was found in folders, ``paths`` being its own.

    Raises:
        InputError: if a file cannot be read or is something else.
        UsageError: if layers or times are given for several engines.
    """
    pointed: Mapping[Path, tuple[Pointed, ...]] = {} if folders is None else folders.pointed
    missing = () if folders is None else folders.missing
    if (layers or profile or times) and len(paths) + len(missing) > 1:
        raise UsageError("--layers, --profile and --times belong to one engine; give one engine")
    layers_file = None if layers is None else _layers(layers)
    layer_times = None if profile is None else _parsed(profile, read_profile, Place.PROFILE)
    measured = None if times is None else read_measurement(times)
    if not paths and layers is not None:
        alone = EngineSources(
            path=layers,
            layers_file=layers_file,
            layers_path=layers,
            profile=layer_times,
            measured=measured,
            static=False,
        )
        return (alone,)
    recorded = {path: recorded_report(path) for path in paths} if records else {}
    if (layers or profile or times) and any(recorded.values()):
        raise UsageError(f"--layers, --profile and --times belong to an engine; {paths[0]} is none")
    read = []
    for path in paths:
        told = recorded.get(path)
        if told is not None:
            read.append(EngineSources(path=path, recorded=told, static=False))
            continue
        file = _identified(path)
        side_car = find_side_car(path) if file.engine is not None else None
        read.append(
            EngineSources(
                path=path,
                file=file,
                layers_file=layers_file or (side_car.layers if side_car else None),
                layers_path=layers,
                # Times belong to the layers that they were measured with.
                profile=layer_times or (side_car.profile if side_car and layers is None else None),
                measured=measured,
                beside=beside(path, pointed.get(path, ())),
                static=static,
                hashed=hashed,
                side_car=side_car,
            )
        )
    return (*read, *(_without_engine(each) for each in missing))


def _without_engine(pointed: Pointed) -> EngineSources:
    told = EngineReport(
        path=str(pointed.model),
        what="This is a context model of ONNX Runtime, and its engine "
        f"{pointed.context.engine} is not there.",
        to_do="Copy the engine beside it, or make both again from the original model.",
    )
    return EngineSources(path=pointed.model, recorded=told, missing=pointed, static=False)


def read_measurement(path: Path) -> Measurement:
    """How fast an engine ran, as trtexec's --exportTimes recorded it.

    Raises:
        InputError: if the file cannot be read or is something else.
    """
    return measurement(_parsed(path, read_times, Place.TIMES))


def lists_loaded(log: Path) -> bool:
    """Whether a log is of a run that loads an engine, builds none, and lists the engine's layers.

    Raises:
        InputError: if the file cannot be read.
    """
    if not _only_loads(log):
        return False
    try:
        return bool(_parsed(log, read_layers, Place.LAYERS).layers)
    except InputError:
        return False


def layers_not_log(sources: Sequence[EngineSources]) -> None:
    """Refuse a build log that was given as layers, where the log itself can be heard.

    Raises:
        InputError: if the layers are a build log's.
    """
    for source in sources:
        given = source.layers_file
        if given is not None and given.dialect is Dialect.BUILD_LOG:
            raise InputError(
                f"{source.layers_path} is {Place.LOG.words}, not {Place.LAYERS.words}: "
                "give it with --log, which tells the layers and why they are what they are"
            )


def read_witnesses(
    logs: Sequence[Path],
    *,
    build: int | None,
    onnx: Path | None,
    profile: Path | None = None,
    autocast: Path | None = None,
    shapes: bool = False,
    watch: Watch = UNHURRIED,
) -> Witnesses:
    """Read build logs and the model.

    Args:
        logs: the engine's own log first, then logs of other builds of the same model.
        build: which build of the first log, from 1; None for the last that can be explained.
        onnx: the model.
        profile: times for the layers that the log tells.
        autocast: what AutoCast printed when it converted the model.
        shapes: whether the shapes of the model's values are inferred.
        watch: how long logs are read; what comes later in one counts as cut off.

    Raises:
        InputError: if a file cannot be read or is something else.
    """
    read = tuple(
        _log(path, build if number == 0 else None, watch) for number, path in enumerate(logs)
    )
    times = None if profile is None else _parsed(profile, read_profile, Place.PROFILE)
    kept = None if autocast is None else _parsed(autocast, read_autocast_log, Place.AUTOCAST)
    if onnx is None:
        return Witnesses(logs=read, profile=times, autocast=kept)
    watch.tell(f"reading {onnx.name}")
    try:
        return Witnesses(
            logs=read,
            model=read_onnx(onnx, shapes={} if shapes else None),
            model_path=onnx,
            profile=times,
            autocast=kept,
        )
    except FormatError as error:
        raise _better(error, onnx, Place.ONNX) from None
    except OSError as error:
        raise InputError(f"cannot read {onnx}: {error.strerror}") from None


def extract_plan(source: Path, target: Path) -> None:
    """Write the bare plan out of a file that wraps it.

    Raises:
        InputError: if there is no plan in the file, or one of the two cannot be read or written.
    """
    file = _identified(source)
    if file.plan is None:
        raise InputError(f"{source}: {file.what} There is no plan in it to extract.")
    try:
        if target.exists() and target.samefile(source):
            raise InputError(
                f"--extract {target} would overwrite the file itself; name another file"
            )
        write_all_atomically(target, extract(source, file.plan))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot extract the plan of {source} to {target}: {reason}") from None


def _identified(path: Path) -> FileIdentity:
    try:
        return told_apart(identify(path), path)
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror or error}; give an engine file"
        ) from None


def _only_loads(log: Path) -> bool:
    """Its head says that an engine is loaded, so that a build's long log is not read for this."""
    try:
        with open_log(log) as stream:
            head = next(Lines(stream).batches(), b"")[:_HEAD]
        if b"--loadEngine" in head or b"Loaded engine size" in head:
            read_build_log(log)
    except NoBuild:
        return True
    except FormatError:
        return False
    except OSError as error:
        raise InputError(f"cannot read {log}: {error.strerror}") from None
    return False


def _log(path: Path, build: int | None, watch: Watch) -> GivenLog:
    try:
        found = read_build_log(path, build=build, watch=watch)
    except NoBuild:
        raise
    except FormatError as error:
        raise _better(error, path, Place.LOG) from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    # What there was no time to read says nothing of an engine, and is not read for its errors either.
    made_none = not (found.build.layers or found.build.listing or found.stopped)
    return GivenLog(
        name=str(path),
        ending=_ending(path, found.build, found.builds) if made_none else None,
        build=found.build,
        damage=found.damaged,
        stopped=found.stopped,
        builds=found.builds,
        picked=build is not None,
    )


def _ending(path: Path, build: Build, builds: Sequence[BuildSummary]) -> ErrorText | None:
    """The lines of one build of a log that an error can stand in."""
    try:
        with open_log(path) as stream:
            whole = read_error_text(stream)
    except (OSError, FormatError):
        # It was read a moment ago; what it told then stands without this.
        return None
    next_one = (other.first_line for other in builds if other.first_line > build.first_line)
    return whole.between(build.first_line, min(next_one, default=sys.maxsize) - 1)


def _layers(path: Path) -> LayersFile:
    found = _parsed(path, read_layers, Place.LAYERS)
    if found.dialect is not Dialect.ONELINE or not _only_loads(path):
        return found
    note = (
        f"{path} is the log of a run that loads the engine and builds none, so it tells the layers and "
        "not why they are what they are; that stands in the log of the engine's build"
    )
    return msgspec.structs.replace(found, notes=(*found.notes, note))


def _better(error: FormatError, path: Path, wanted: Place) -> InputError:
    """The reader's own sentence, unless another option takes the file."""
    if isinstance(error, TooMuch):
        return error
    instead = in_place(path, wanted)
    return error if instead is None else InputError(instead)


def _parsed(path: Path, reader: Callable[..., Read], wanted: Place) -> Read:
    try:
        return reader(read_whole(path, most=_LARGEST_TEXT), name=str(path))
    except FormatError as error:
        raise _better(error, path, wanted) from None
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror}; give {wanted.words} in a file of its own"
        ) from None
