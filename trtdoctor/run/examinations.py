"""What the commands see, before it is judged: the look, the engines and the evidence beside them.

What takes long to import is imported where it is used, mostly while the look is under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Union

import msgspec

from trtdoctor.model.errors import InputError, UsageError
from trtdoctor.model.facts import EngineLoads
from trtdoctor.model.report import Report, Snapshot
from trtdoctor.reporting.look_session import Look, Looking

if TYPE_CHECKING:
    from trtdoctor.checking.discover import Catalogue
    from trtdoctor.engines.folders import Unfolded
    from trtdoctor.engines.given import EngineSources
    from trtdoctor.knowledge import Knowledge
    from trtdoctor.model.comparison import Comparison
    from trtdoctor.model.engine import EngineReport
    from trtdoctor.model.model_report import ModelReport
    from trtdoctor.probes.observing import Probe
    from trtdoctor.readers.onnxmodel import OnnxFacts
    from trtdoctor.reporting.examine import Selection

    from .auditing import Auditing

File = Union[str, "PathLike[str]"]


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What one run saw. It is judged when a report is asked for, with or without private data.

    ``unsound`` has a sentence for each file, where of none of them anything sound can be said;
    ``environment`` the variables of this machine, if it was this one that was looked at; ``notes`` what
    of the files that were given was passed over.
    """

    command: str
    snapshot: Snapshot
    catalogue: Catalogue
    knowledge: Knowledge
    selection: Selection
    engines: tuple[EngineReport, ...] = ()
    models: tuple[ModelReport, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    unsound: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def report(self, *, share: bool = False) -> Report:
        """Judge what was seen; with ``share``, of pseudonyms only."""
        from trtdoctor.reporting.examine import examine

        return examine(
            self.snapshot,
            self.catalogue,
            self.knowledge,
            command=self.command,
            share=share,
            selection=self.selection,
            engines=self.engines,
            models=self.models,
            comparisons=self.comparisons,
            environment=self.environment,
        )


def examine_machine(
    *engines: File,
    look: Looking,
    select: Iterable[str],
    ignore: Iterable[str],
    expect: float | None,
    live: bool,
    static: bool,
) -> Examination:
    """What :func:`trtdoctor.check` judges."""
    from trtdoctor.probes import PROBES

    check_share(expect)
    if expect is not None and not engines:
        raise UsageError("--expect is about engines; give an engine file")
    if engines:
        look.watch().tell("reading engines")
    folders = _unfolded(engines) if engines else None
    sources = () if folders is None else _sources(folders.paths, static=static, folders=folders)
    sources, models = _models_apart(sources)
    with Look(look, (*PROBES, *_loading(sources, live=live))) as looking:
        catalogue, knowledge, selection = judging(select=select, ignore=ignore)
        given = _read_models(models, expect, look)
        snapshot = looking.finish()
    reports: tuple[EngineReport, ...] = ()
    if sources:
        reports = engine_reports(sources, snapshot, knowledge)
        snapshot = with_engine_facts(snapshot, sources, reports, expect=expect, live=live)
    snapshot, audited = _with_models(snapshot, given, knowledge)
    return Examination(
        command="check",
        snapshot=snapshot,
        catalogue=catalogue,
        knowledge=knowledge,
        selection=selection,
        engines=reports,
        models=audited,
        environment=looking.environment,
        notes=() if folders is None else folders.notes,
    )


def examine_engines(
    *engines: File,
    layers: File | None,
    profile: File | None,
    times: File | None,
    look: Looking,
    expect: float | None,
    live: bool,
    static: bool,
    hashed: bool,
) -> Examination:
    """What :func:`trtdoctor.inspect` judges."""
    check_share(expect)
    if not engines and layers is None:
        raise UsageError("give an engine file, or its layers as the engine inspector tells them")
    look.watch().tell("reading engines")
    folders = _unfolded(engines)
    sources = _sources(
        folders.paths,
        static=static,
        hashed=hashed,
        layers=layers,
        profile=profile,
        times=times,
        records=True,
        folders=folders,
    )
    none = [source.path for source in sources if source.recorded is not None]
    if expect is not None and none:
        raise UsageError(f"--expect is about engines; {none[0]} is none")
    with Look(look, probes_of_files(sources, live=live)) as looking:
        catalogue, knowledge, selection = judging(engines_only=True)
        snapshot = looking.finish()
    reports = engine_reports(sources, snapshot, knowledge)
    unsound = tuple(source.unsound or "" for source in sources)
    return Examination(
        command="inspect",
        snapshot=with_engine_facts(snapshot, sources, reports, expect=expect, live=live),
        catalogue=catalogue,
        knowledge=knowledge,
        selection=selection,
        engines=reports,
        unsound=unsound if all(unsound) else (),
        environment=looking.environment,
        notes=folders.notes,
    )


def examine_explained(
    engine: File | None,
    *,
    logs: Sequence[File],
    build: int | None,
    onnx: File | None,
    layers: File | None,
    profile: File | None,
    times: File | None,
    autocast_log: File | None,
    look: Looking,
    expect: float | None,
    live: bool,
    static: bool,
    built: EngineReport | None = None,
    hosted: bool = False,
) -> Examination:
    """What :func:`trtdoctor.explain` judges.

    ``built`` is what is known of a build that just ended, and ``hosted`` whether the machine is told.
    """
    from trtdoctor.engines.files import (
        layers_not_log,
        lists_loaded,
        read_measurement,
        read_witnesses,
    )
    from trtdoctor.engines.misplaced import Place, in_place, place_of
    from trtdoctor.engines.sorting import EXPLAINS
    from trtdoctor.model.engine import EngineReport
    from trtdoctor.probes import PROBES

    watch = look.watch()
    check_share(expect)
    if engine is not None and onnx is None and place_of(Path(engine)) is Place.ONNX:
        # TensorRT 11 follows the model's types, so that the model alone has most of the answer.
        engine, onnx = None, engine
    if engine is None and layers is None and not logs and onnx is None:
        raise UsageError("give an engine, the log of its build, its layers or its ONNX model")
    if build is not None and not logs:
        raise UsageError("--build picks a build of a log; give the log with --log")
    engines = () if engine is None else (engine,)
    if layers is None and logs and lists_loaded(Path(logs[0])):
        # No build's log, but it tells what the engine is made of.
        layers, logs = logs[0], logs[1:]
    watch.tell("reading the engine")
    sources = _sources(engines, static=static, layers=layers, profile=profile)
    measured = None if times is None else read_measurement(Path(times))
    file = sources[0].file if sources else None
    if file is not None and file.engine is None:
        raise InputError(
            in_place(sources[0].path, Place.ENGINE) or f"{engine}: {file.what} {EXPLAINS}"
        )
    layers_not_log(sources)
    beside = sources[0].side_car if sources else None
    if beside is not None:
        logs = logs or ((beside.log,) if beside.log else ())
        onnx = onnx or beside.model
    probes = PROBES if hosted else probes_of_files(sources, live=live)
    with Look(look, probes) as looking:
        catalogue, knowledge, selection = judging(engines_only=True)
        # Of a model alone its audit tells more, which wants shapes.
        alone = onnx is not None and not engines and layers is None and not logs
        witnesses = read_witnesses(
            [Path(log) for log in logs],
            build=build,
            onnx=None if onnx is None else Path(onnx),
            profile=None if sources or profile is None else Path(profile),
            autocast=None if autocast_log is None else Path(autocast_log),
            shapes=alone,
            watch=watch,
        )
        witnesses = replace(witnesses, layers_path=None if layers is None else Path(layers))
        from trtdoctor.engines.explain import explain as explained
        from trtdoctor.engines.explain import model_report
        from trtdoctor.engines.log_testimony import hear

        # Solved while the look is under way: a machine that hangs must not cost the answer.
        testimony = hear(witnesses.logs[0], knowledge, watch) if witnesses.logs else None
        snapshot = looking.finish()

    reports = engine_reports(sources, snapshot, knowledge)
    if built is not None:
        reports = tuple(
            msgspec.structs.replace(one, build=built.build, measured=built.measured)
            for one in reports
        )
    if not reports and logs:
        reports = (EngineReport(path=fspath(logs[0])),)
    elif not reports and onnx is not None and witnesses.model is not None:
        reports = (model_report(fspath(onnx), witnesses.model),)
    given: tuple[tuple[Path, OnnxFacts, Auditing, Looking], ...] = ()
    if alone and onnx is not None and witnesses.model is not None:
        from .auditing import Auditing

        given = ((Path(onnx), witnesses.model, Auditing(expect=expect), look),)
    watch.tell("putting the answer together")
    report = explained(
        reports[0],
        witnesses,
        knowledge,
        engine_given=file is not None,
        testimony=testimony,
        watch=watch,
    )
    if measured is not None:
        report = msgspec.structs.replace(report, measured=measured)
    snapshot = with_engine_facts(snapshot, sources, (report,), expect=expect, live=live)
    snapshot, audited = _with_models(snapshot, given, knowledge)
    if audited:
        catalogue, knowledge, selection = judging(engines_only=True, models=True)
    watch.tell("")
    return Examination(
        command="explain",
        snapshot=snapshot,
        catalogue=catalogue,
        knowledge=knowledge,
        selection=selection,
        engines=(report,),
        models=audited,
        environment=looking.environment,
    )


def examine_saved(saved: Report, *, select: Iterable[str], ignore: Iterable[str]) -> Examination:
    """What :func:`trtdoctor.rejudge` judges."""
    from trtdoctor.reporting.examine import OF_ENGINES, OF_MODELS

    catalogue, knowledge, selection = judging(
        engines_only=saved.command in OF_ENGINES,
        models=saved.command in OF_MODELS or (saved.command in OF_ENGINES and bool(saved.models)),
        select=select,
        ignore=ignore,
    )
    return Examination(
        command=saved.command,
        snapshot=saved.snapshot,
        catalogue=catalogue,
        knowledge=knowledge,
        selection=selection,
        engines=saved.engines,
        models=saved.models,
        comparisons=saved.comparisons,
    )


def check_share(expect: float | None) -> None:
    """Refuse a share that is none.

    Raises:
        UsageError: it is not above 0 and at most 1.
    """
    if expect is not None and not 0 < expect <= 1:
        raise UsageError(f"a share of FP16 to expect is above 0 and at most 1, not {expect:g}")


def judging(
    *,
    engines_only: bool = False,
    models: bool = False,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
) -> tuple[Catalogue, Knowledge, Selection]:
    """Everything that judging needs, and words that select checks refused early."""
    from trtdoctor.checking.discover import discover
    from trtdoctor.knowledge import Knowledge
    from trtdoctor.reporting.examine import ENGINE_AREAS, MODEL_AREAS, Selection

    catalogue = discover()
    areas = (*(ENGINE_AREAS if engines_only else ()), *(MODEL_AREAS if models else ()))
    if areas:
        catalogue = catalogue.only(*dict.fromkeys(areas))
    selection = Selection(select=tuple(select), ignore=tuple(ignore))
    selection.ignored(catalogue), selection.unselected(catalogue)
    return catalogue, Knowledge.load(), selection


def _sources(
    engines: Sequence[File],
    *,
    static: bool,
    hashed: bool = False,
    layers: File | None = None,
    profile: File | None = None,
    times: File | None = None,
    records: bool = False,
    folders: Unfolded | None = None,
) -> tuple[EngineSources, ...]:
    from trtdoctor.engines.files import read_engines

    return read_engines(
        [Path(engine) for engine in engines],
        static=static,
        hashed=hashed,
        layers=None if layers is None else Path(layers),
        profile=None if profile is None else Path(profile),
        times=None if times is None else Path(times),
        records=records,
        folders=folders,
    )


def _unfolded(engines: Sequence[File]) -> Unfolded:
    from trtdoctor.engines.folders import unfold

    return unfold([Path(engine) for engine in engines])


def _read_models(
    paths: Sequence[Path], expect: float | None, look: Looking
) -> tuple[tuple[Path, OnnxFacts, Auditing, Looking], ...]:
    """Models that were given to a command that is about something else too."""
    if not paths:
        return ()
    from .auditing import Auditing, read_model

    auditing = Auditing(expect=expect)
    return tuple((path, read_model(path, auditing, look.watch()), auditing, look) for path in paths)


def _with_models(
    snapshot: Snapshot,
    given: Sequence[tuple[Path, OnnxFacts, Auditing, Looking]],
    knowledge: Knowledge,
) -> tuple[Snapshot, tuple[ModelReport, ...]]:
    """The snapshot with the facts of models, and what the report says of them."""
    if not given:
        return snapshot, ()
    from .auditing import audit_one, installed, with_models

    release = installed(snapshot)
    audited = [
        audit_one(
            path, facts, auditing, knowledge, release=release, autocast=None, watch=look.watch()
        )
        for path, facts, auditing, look in given
    ]
    return with_models(snapshot, audited), tuple(each.report for each in audited)


def _models_apart(
    sources: Sequence[EngineSources],
) -> tuple[tuple[EngineSources, ...], tuple[Path, ...]]:
    """Engines, and what of the files are ONNX models: these are no broken engines."""
    from trtdoctor.readers.plan import Container

    models = [
        source.path
        for source in sources
        if source.file is not None and source.file.container is Container.ONNX
    ]
    return tuple(source for source in sources if source.path not in models), tuple(models)


def probes_of_files(sources: Sequence[EngineSources], *, live: bool) -> tuple[Probe, ...]:
    """What is looked at where files alone are asked about: whose they are, for redaction."""
    from trtdoctor.probes import identity

    return (identity, *_loading(sources, live=live))


def _loading(sources: Sequence[EngineSources], *, live: bool) -> tuple[Probe, ...]:
    """The probe that loads the engines; none where nothing is to be loaded."""
    if not sources or not live:
        return ()
    from trtdoctor.engines.engine_facts import load_request
    from trtdoctor.knowledge import Knowledge
    from trtdoctor.probes.engine_loads import engine_loads

    files = [(s.path, s.file) for s in sources if s.file is not None and s.file.plan]
    wanted = any(source.layers_path is None for source in sources)
    if not files or not wanted:
        return ()
    knowledge = Knowledge.load()
    return (engine_loads([load_request(path, file, knowledge) for path, file in files]),)


def engine_reports(
    sources: Sequence[EngineSources], snapshot: Snapshot, knowledge: Knowledge
) -> tuple[EngineReport, ...]:
    """What is in each engine, by its file and by how loading it ended."""
    from trtdoctor.checking.facts import Facts
    from trtdoctor.engines.inside import engine_report

    seen = Facts(snapshot).value(EngineLoads)
    loads = {load.path: load for load in (seen.loads if seen else ())}
    try:
        return tuple(
            engine_report(source, loads.get(str(source.path.absolute())), knowledge)
            for source in sources
        )
    except OSError as error:
        raise InputError(f"cannot read {error.filename}: {error.strerror or error}") from None


def with_engine_facts(
    snapshot: Snapshot,
    sources: Sequence[EngineSources],
    reports: Sequence[EngineReport],
    *,
    expect: float | None,
    live: bool,
) -> Snapshot:
    """The snapshot with the facts of engines added."""
    from trtdoctor.engines.engine_facts import with_engines

    return with_engines(snapshot, sources, reports, wanted=expect, live=live)
