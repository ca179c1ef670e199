"""Reading what the user gives as witnesses, and explaining one engine with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from trtdoctor.engines.evidence import precision_fact
from trtdoctor.engines.explain import LogWitness, Witnesses, explain
from trtdoctor.knowledge import Knowledge
from trtdoctor.model.engine import EngineReport
from trtdoctor.model.facts import EnginePrecisions
from trtdoctor.model.report import FactRecord, FactStatus, Snapshot
from trtdoctor.readers.buildlog import FormatError, read_build_log
from trtdoctor.readers.onnxmodel import OnnxFacts, OnnxUnavailable, read_onnx

from .errors import UserError


def read_witnesses(logs: Sequence[Path], *, build: int | None, onnx: Path | None) -> Witnesses:
    """Read logs and the model.

    Raises:
        UserError: if a file cannot be read or is something else.
    """
    read = []
    for number, path in enumerate(logs):
        try:
            found = read_build_log(path, build=build if number == 0 else None)
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from None
        except FormatError as error:
            raise UserError(str(error)) from None
        read.append(LogWitness(name=str(path), build=found.build, damage=found.damaged))
    return Witnesses(logs=tuple(read), model=_model(onnx), model_path=onnx)


def explain_engine(
    snapshot: Snapshot,
    report: EngineReport | None,
    witnesses: Witnesses,
    knowledge: Knowledge,
    *,
    wanted: float | None,
) -> tuple[Snapshot, EngineReport]:
    """The engine explained, and the snapshot with what is now known of its precision."""
    engine_given = report is not None and report.what is not None
    if report is None:
        report = EngineReport(path=witnesses.logs[0].name)
    explained = explain(report, witnesses, knowledge, engine_given=engine_given).report
    facts = dict(snapshot.facts)
    precisions = EnginePrecisions(engines=(precision_fact(explained, wanted),))
    facts[EnginePrecisions.FACT] = FactRecord(
        status=FactStatus.OK, value=msgspec.to_builtins(precisions), source="the layers"
    )
    return msgspec.structs.replace(snapshot, facts=facts), explained


def _model(path: Path | None) -> OnnxFacts | None:
    if path is None:
        return None
    try:
        return read_onnx(path)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except (FormatError, OnnxUnavailable) as error:
        raise UserError(str(error)) from None
