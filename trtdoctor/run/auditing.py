"""What ``trtdoctor audit`` sees: models, by their own types and numbers, before any build."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import fspath
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from trtdoctor.model.errors import InputError, TrtdoctorError, UsageError
from trtdoctor.model.facts import EnginePrecisions, Installs, OnnxModels
from trtdoctor.model.given_files import read_whole
from trtdoctor.model.report import FactRecord, FactStatus, Snapshot
from trtdoctor.model.watch import OutOfTime, Watch
from trtdoctor.reporting.look_session import Look, Looking

from .examinations import Examination, File, check_share, judging

if TYPE_CHECKING:
    from trtdoctor.knowledge import Knowledge
    from trtdoctor.models.audit import Audited, Numbers, Release
    from trtdoctor.readers.autocastlog import AutoCastLog
    from trtdoctor.readers.onnxmodel import OnnxFacts

_LARGEST_LOG = 1 << 28
_PRODUCTS = {"tensorrt": "tensorrt", "tensorrt_rtx": "tensorrt-rtx", "tensorrt-rtx": "tensorrt-rtx"}


@dataclass(frozen=True, kw_only=True)
class Auditing:
    """What an audit is asked for.

    Attributes:
        inputs: ``data.npz``, a folder of them, or ``random:N``; None for no run of the model.
        shapes: Shapes of inputs whose extents the models leave open.
        tensorrt: The release that they are to be built with, ``11.4`` or ``rtx-1.7``; None for what
            is found, else both worlds.
        weights: Whether stored numbers are read.
        backend: What runs a model; None for the quickest that is installed.
        autocast_log: What AutoCast printed when it converted the model.
        expect: The share of compute nodes that is to be FP16.
    """

    inputs: str | None = None
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    tensorrt: str | None = None
    weights: bool = True
    backend: str | None = None
    autocast_log: File | None = None
    expect: float | None = None


def examine_models(*models: File, auditing: Auditing, look: Looking) -> Examination:
    """What :func:`trtdoctor.audit` judges.

    Raises:
        TrtdoctorError: wrong usage, a model that cannot be read, or data that do not fit it.
    """
    from trtdoctor.probes import identity, python_target, tensorrt_installs

    if not models:
        raise UsageError("give an ONNX model")
    check_share(auditing.expect)
    asked = None if auditing.tensorrt is None else release_of(auditing.tensorrt)
    watch = look.watch()
    probes = (identity,) if asked is not None else (identity, python_target, tensorrt_installs)
    with Look(look, probes) as looking:
        catalogue, knowledge, selection = judging(models=True)
        read = [(Path(model), read_model(Path(model), auditing, watch)) for model in models]
        snapshot = looking.finish()
    found = asked if asked is not None else installed(snapshot)
    log = _autocast(auditing)
    audited = [
        audit_one(path, facts, auditing, knowledge, release=found, autocast=log, watch=watch)
        for path, facts in read
    ]
    watch.tell("")
    return Examination(
        command="audit",
        snapshot=with_models(snapshot, audited),
        catalogue=catalogue,
        knowledge=knowledge,
        selection=selection,
        models=tuple(each.report for each in audited),
        environment=looking.environment,
    )


def read_model(path: Path, auditing: Auditing, watch: Watch) -> OnnxFacts:
    """The facts of one model, shapes inferred.

    Raises:
        TrtdoctorError: it cannot be read, or a shape does not fit it.
    """
    from trtdoctor.readers.onnxmodel import read_onnx

    watch.tell(f"reading {path.name}")
    try:
        return read_onnx(path, shapes=auditing.shapes)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None


def audit_one(
    path: Path,
    facts: OnnxFacts,
    auditing: Auditing,
    knowledge: Knowledge,
    *,
    release: Release | None,
    autocast: AutoCastLog | None,
    watch: Watch,
) -> Audited:
    """One model, audited."""
    from trtdoctor.models.audit import audit

    return audit(
        facts,
        path=fspath(path),
        size=path.stat().st_size,
        knowledge=knowledge,
        numbers=_numbers(path, facts, auditing, watch),
        release=release,
        autocast=autocast,
        wanted=auditing.expect,
    )


def with_models(snapshot: Snapshot, audited: Sequence[Audited]) -> Snapshot:
    """The snapshot with the facts of models added."""
    facts = dict(snapshot.facts)
    models = OnnxModels(models=tuple(each.facts for each in audited))
    facts[OnnxModels.FACT] = record(models, "the models' bytes")
    from trtdoctor.checking.facts import Facts

    engines = Facts(snapshot).value(EnginePrecisions)
    known = {each.path for each in (engines.engines if engines else ())}
    shares = tuple(each.precision for each in audited if each.precision.path not in known)
    both = EnginePrecisions(engines=(*(engines.engines if engines else ()), *shares))
    facts[EnginePrecisions.FACT] = record(both, "the types of layers and models")
    return msgspec.structs.replace(snapshot, facts=facts)


def record(value: object, source: str) -> FactRecord:
    """A fact that was made of what a user gave."""
    return FactRecord(
        status=FactStatus.OK, value=msgspec.to_builtins(value, str_keys=True), source=source
    )


def release_of(text: str) -> Release:
    """The release that a user names: ``10.9``, ``11.4.1`` or, of TensorRT-RTX, ``rtx-1.7``.

    Raises:
        UsageError: it is none.
    """
    from trtdoctor.models.audit import Release

    plain = text.lower().replace("tensorrt", "").strip("-_ ")
    product = "tensorrt"
    if plain.startswith("rtx"):
        product, plain = "tensorrt-rtx", plain[3:].strip("-_ =")
    parts = plain.split(".")
    if not plain or any(not (part.isascii() and part.isdigit()) for part in parts):
        raise UsageError(f"--tensorrt takes a version such as 10.9 or rtx-1.7, not {text}")
    return Release(product, plain if len(parts) > 1 else f"{plain}.0")


def installed(snapshot: Snapshot) -> Release | None:
    """The TensorRT of the target Python; None where there is none, or several."""
    from trtdoctor.checking.facts import Facts
    from trtdoctor.models.audit import Release

    installs = Facts(snapshot).value(Installs)
    found = {
        Release(_PRODUCTS[each.product], each.version)
        for each in (installs.installs if installs else ())
        if each.kind == "pip" and each.product in _PRODUCTS and each.version
    }
    return found.pop() if len(found) == 1 else None


def _autocast(auditing: Auditing) -> AutoCastLog | None:
    if auditing.autocast_log is None:
        return None
    from trtdoctor.readers.autocastlog import read_autocast_log

    path = Path(auditing.autocast_log)
    try:
        return read_autocast_log(read_whole(path, most=_LARGEST_LOG), name=str(path))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None


def _numbers(path: Path, facts: OnnxFacts, auditing: Auditing, watch: Watch) -> Numbers:
    from trtdoctor.models.audit import Numbers

    numbers = Numbers()
    if not auditing.weights:
        numbers = Numbers(not_read="--no-weights was given")
    else:
        from trtdoctor.readers.onnxmodel.weights import scan_weights

        watch.tell("reading weights")
        try:
            numbers = Numbers(weights=scan_weights(path, watch=watch))
        except OutOfTime:
            numbers = Numbers(not_read="the time was over; give it more with --deadline")
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    if auditing.inputs is None:
        return numbers
    return _with_ranges(path, facts, auditing, watch, numbers)


def _with_ranges(
    path: Path, facts: OnnxFacts, auditing: Auditing, watch: Watch, numbers: Numbers
) -> Numbers:
    from dataclasses import replace

    from trtdoctor.models.conversion import load_model
    from trtdoctor.models.emulation import Network, find_backend
    from trtdoctor.models.inputs import find_inputs
    from trtdoctor.models.ranges import measure

    inputs = find_inputs(facts, auditing.inputs, auditing.shapes)
    backend = find_backend(auditing.backend)
    try:
        network = Network(load_model(path), backend)
        measured = measure(network, inputs, watch)
    except OutOfTime:
        reason = "the time was over; give it more with --deadline"
        return replace(numbers, not_measured=reason, inputs=inputs.told)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except TrtdoctorError as error:
        # What the model's types and stored numbers tell is told all the same.
        return replace(numbers, not_measured=str(error), inputs=inputs.told)
    return replace(numbers, measured=measured, inputs=inputs.told, samples=inputs.count)
