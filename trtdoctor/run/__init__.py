"""The Python API: what the commands do, as functions that return reports.

    import trtdoctor

    report = trtdoctor.check()
    report = trtdoctor.inspect("model.engine")
    report = trtdoctor.explain("model.engine", log="build.log")
    report = trtdoctor.audit("model.onnx")
    report = trtdoctor.build("model.onnx", "model.engine", precision="fp16")
    report = trtdoctor.plan("model.onnx", inputs="data.npz", target="model.fp16.onnx")
    report = trtdoctor.compare("fp32.engine", "fp16.engine")
    meaning = trtdoctor.decode("libnvinfer.so.10: cannot open shared object file")
    machines = trtdoctor.fleet(["reports/"])

Nothing here prints or exits. Whatever a caller can put right is raised as
:class:`trtdoctor.TrtdoctorError`, its message one sentence: what is wrong, with which file, and what
to do. A function that is given ``share=True`` replaces private data by pseudonyms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path

from trtdoctor.model.codec import LARGEST_REPORT, read_report
from trtdoctor.model.decoded import Decoded
from trtdoctor.model.errors import InputError, TrtdoctorError, UsageError
from trtdoctor.model.fleet import Fleet
from trtdoctor.model.given_files import read_whole
from trtdoctor.model.report import Report
from trtdoctor.reporting.look_session import Looking

from .examinations import (
    File,
    examine_engines,
    examine_explained,
    examine_machine,
    examine_saved,
)

__all__ = [
    "Decoded",
    "Fleet",
    "InputError",
    "Looking",
    "Report",
    "TrtdoctorError",
    "UsageError",
    "audit",
    "build",
    "check",
    "compare",
    "decode",
    "explain",
    "extract",
    "fleet",
    "inspect",
    "load",
    "plan",
    "rejudge",
]

_DEFAULT_LOOKING = Looking()
# Running a model takes longer than looking at a machine.
_FOR_LONG = Looking(deadline=600)


def check(
    *engines: File,
    look: Looking = _DEFAULT_LOOKING,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    expect: float | None = None,
    live: bool = True,
    static: bool = True,
    share: bool = False,
) -> Report:
    """Look at this machine: will TensorRT work, is FP16 fast, what must change first?

    Args:
        engines: engine files, or folders in which ONNX Runtime keeps engines; with them also whether
            this machine will run them.
        look: which machine and interpreter to look at.
        select: only these checks: ids, names or areas.
        ignore: not these.
        expect: the share of compute layers that must be FP16 in each engine, above 0 up to 1.
        live: load the engines with the TensorRT of ``look.python``, in child processes.
        static: read layers from the engines' own bytes.
        share: replace private data by pseudonyms.

    Raises:
        TrtdoctorError: wrong usage, or a file that cannot be read.
    """
    return examine_machine(
        *engines,
        look=look,
        select=select,
        ignore=ignore,
        expect=expect,
        live=live,
        static=static,
    ).report(share=share)


def inspect(
    *engines: File,
    layers: File | None = None,
    profile: File | None = None,
    times: File | None = None,
    look: Looking = _DEFAULT_LOOKING,
    expect: float | None = None,
    live: bool = True,
    static: bool = True,
    hashed: bool = False,
    share: bool = False,
) -> Report:
    """What is in engine files: identity, layers, precisions. Needs no TensorRT and no GPU.

    A file that is no sound engine is a report too: its ``what`` and ``to_do`` say so.

    Args:
        engines: engine files, folders in which ONNX Runtime keeps engines, tuning caches of trtexec
            and captures of TensorRT's API; none where ``layers`` is given.
        layers: the engine inspector's output, or a log that holds it, made anywhere.
        profile: times of the layers, as ``trtexec --exportProfile`` writes them.
        times: times of whole inferences, as ``trtexec --exportTimes`` writes them.
        look: which interpreter loads the engines.
        expect: the share of compute layers that must be FP16, above 0 up to 1.
        live: load the engines with the TensorRT of ``look.python``, in child processes.
        static: read layers from the engines' own bytes.
        hashed: also compute the SHA-256 of each file.
        share: replace private data by pseudonyms.

    Raises:
        TrtdoctorError: wrong usage, or a file that cannot be read.
    """
    return examine_engines(
        *engines,
        layers=layers,
        profile=profile,
        times=times,
        look=look,
        expect=expect,
        live=live,
        static=static,
        hashed=hashed,
    ).report(share=share)


def explain(
    engine: File | None = None,
    *,
    log: File | Sequence[File] = (),
    build: int | None = None,
    onnx: File | None = None,
    layers: File | None = None,
    profile: File | None = None,
    times: File | None = None,
    autocast_log: File | None = None,
    look: Looking = _DEFAULT_LOOKING,
    expect: float | None = None,
    live: bool = True,
    static: bool = True,
    share: bool = False,
) -> Report:
    """Why is a layer not FP16, what does it cost, and what to change?

    Any of the engine, its layers, its build log, its model and its profile will do; more evidence
    gives better answers.

    Args:
        engine: the engine file.
        log: the verbose log of the engine's build, plain or gzip; then logs of other builds of the
            same model, to see what flips between them.
        build: which build of a log that holds several, from 1.
        onnx: the model that the engine was built from.
        layers: the engine inspector's output, made anywhere.
        profile: times of the layers, as ``trtexec --exportProfile`` writes them.
        times: times of whole inferences, as ``trtexec --exportTimes`` writes them.
        autocast_log: what AutoCast printed when it converted the model.
        look: which interpreter loads the engine.
        expect: the share of compute layers that must be FP16, above 0 up to 1.
        live: load the engine with the TensorRT of ``look.python``, in a child process.
        static: read layers from the engine's own bytes.
        share: replace private data by pseudonyms.

    Raises:
        TrtdoctorError: wrong usage, or a file that cannot be read or is something else.
    """
    return examine_explained(
        engine,
        logs=(log,) if isinstance(log, (str, PathLike)) else tuple(log),
        build=build,
        onnx=onnx,
        layers=layers,
        profile=profile,
        times=times,
        autocast_log=autocast_log,
        look=look,
        expect=expect,
        live=live,
        static=static,
    ).report(share=share)


def audit(
    *models: File,
    inputs: str | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    tensorrt: str | None = None,
    weights: bool = True,
    backend: str | None = None,
    autocast_log: File | None = None,
    look: Looking = _DEFAULT_LOOKING,
    expect: float | None = None,
    share: bool = False,
) -> Report:
    """What of ONNX models will be FP16, what breaks there, and what is refused, before any build?

    Args:
        models: the models.
        inputs: ``data.npz``, Polygraphy's ``inputs.json``, a folder of such files or ``random:N``, to
            measure values.
        shapes: shapes of inputs whose extents the models leave open.
        tensorrt: the release that they are to be built with, ``11.4`` or ``rtx-1.7``; None for what
            is installed for ``look.python``, else both worlds.
        weights: read the numbers that the models store.
        backend: what runs the models, ``onnxruntime`` or ``onnx``.
        autocast_log: what AutoCast printed when it made the model.
        look: which interpreter's TensorRT is meant.
        expect: the share of compute nodes that must be FP16, above 0 up to 1.
        share: replace private data by pseudonyms.

    Raises:
        TrtdoctorError: wrong usage, a file that cannot be read, or data that do not fit.
    """
    from .auditing import Auditing, examine_models

    return examine_models(
        *models,
        auditing=Auditing(
            inputs=inputs,
            shapes=shapes or {},
            tensorrt=tensorrt,
            weights=weights,
            backend=backend,
            autocast_log=autocast_log,
            expect=expect,
        ),
        look=look,
    ).report(share=share)


def plan(
    model: File,
    *,
    inputs: str | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    budget: float = 40.0,
    to: str = "fp16",
    convert_io: bool = False,
    accept: str | None = None,
    backend: str | None = None,
    autocast_log: File | None = None,
    autocast: str | None = None,
    log: File | None = None,
    profile: File | None = None,
    target: File | None = None,
    look: Looking = _FOR_LONG,
    share: bool = False,
) -> Report:
    """Which nodes of an ONNX model have to stay in FP32, measured on this machine's CPU?

    Args:
        model: the model.
        inputs: ``data.npz``, Polygraphy's ``inputs.json``, a folder of such files or ``random:N``; None
            for one random sample.
        shapes: shapes of inputs whose extents the model leaves open.
        budget: the ratio of signal to noise that the outputs are to have, in dB.
        to: the type of all other nodes, ``fp16`` or ``bf16``.
        convert_io: convert network inputs and outputs too.
        accept: a command that ends with 0 for a candidate that will do; ``{}`` is its path.
        backend: what runs the model, ``onnxruntime`` or ``onnx``.
        autocast_log: what AutoCast printed: its set is measured beside the plan's.
        autocast: an interpreter with ModelOpt, whose AutoCast is run for its own set.
        log: the verbose log of a build with FP16 allowed, whose own times tell what FP16 saves.
        profile: times of an engine's layers, where there is no log.
        target: where the converted model is written.
        look: how long it may take.
        share: replace private data by pseudonyms.

    Raises:
        TrtdoctorError: wrong usage, a model that cannot be run, or data that do not fit it.
    """
    from .planning import Planning, examine_plan

    return examine_plan(
        model,
        planning=Planning(
            inputs=inputs,
            shapes=shapes or {},
            budget=budget,
            to=to,
            io=to if convert_io else "keep",
            check=accept,
            backend=backend,
            autocast_log=autocast_log,
            autocast=autocast,
            log=log,
            profile=profile,
            target=target,
        ),
        look=look,
    ).report(share=share)


def compare(
    a: File,
    b: File,
    *,
    layers: tuple[File | None, File | None] = (None, None),
    profiles: tuple[File | None, File | None] = (None, None),
    times: tuple[File | None, File | None] = (None, None),
    outputs: tuple[File, File] | None = None,
    onnx: File | None = None,
    inputs: str | None = None,
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    backend: str | None = None,
    budget: float | None = None,
    look: Looking = _DEFAULT_LOOKING,
    live: bool = True,
    static: bool = True,
    share: bool = False,
) -> Report:
    """Is engine ``b`` worth it in place of ``a``: precision, time, outputs?

    Each may be an engine, its layers alone or a report that was saved of it; the report's
    ``comparisons`` has the answer.

    Args:
        a: the engine that is there.
        b: the one that would replace it.
        layers: the engine inspector's output of each.
        profiles: times of the layers of each, as ``trtexec --exportProfile`` writes them.
        times: times of whole inferences of each, as ``trtexec --exportTimes`` writes them.
        outputs: what each gave for the same inputs, ``.npz`` files or Polygraphy's ``.json``.
        onnx: the model that both were built from; it is run on ``inputs`` for a reference.
        inputs: what the outputs were made with: ``data.npz`` or a folder of such files.
        shapes: shapes of inputs whose extents the model leaves open.
        backend: what runs the model, ``onnxruntime`` or ``onnx``.
        budget: the signal to noise that outputs have to keep, in dB; None for 40.
        look: which interpreter loads the engines.
        live: load the engines with the TensorRT of ``look.python``, in child processes.
        static: read layers from the engines' own bytes.
        share: replace private data by pseudonyms.

    Raises:
        TrtdoctorError: wrong usage, a file that cannot be read or is something else, or data that
            do not fit the model.
    """
    from .comparing import Comparing, Side, examine_compared

    sides = [
        Side(
            file=file,
            layers=layers[at],
            profile=profiles[at],
            times=times[at],
            outputs=None if outputs is None else outputs[at],
        )
        for at, file in enumerate((a, b))
    ]
    return examine_compared(
        *sides,
        comparing=Comparing(
            onnx=onnx, inputs=inputs, shapes=shapes or {}, backend=backend, budget=budget
        ),
        look=look,
        live=live,
        static=static,
    ).report(share=share)


def build(
    model: File,
    engine: File,
    *,
    precision: str = "fp16",
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    io: str | None = None,
    pins: Mapping[str, str] | None = None,
    workspace: int | None = None,
    timing_cache: File | None = None,
    targets: Sequence[str] = (),
    inputs: str | None = None,
    runtime: str | None = None,
    convert: str = "plan",
    timed: bool = True,
    timeout: float = 3600.0,
    look: Looking = _DEFAULT_LOOKING,
    share: bool = False,
) -> Report:
    """Build an engine, with everything recorded that explaining it needs.

    Beside the engine come its side-car ``ENGINE.trtdoctor.json`` and its log ``ENGINE.build.log.gz``.

    Args:
        model: the ONNX model.
        engine: where the engine is written.
        precision: ``fp32``, ``fp16``, ``bf16``, ``int8`` or ``best``.
        shapes: what inputs with open extents are optimised for, and the only extents they can have.
        io: the type of all FP32 network inputs and outputs.
        pins: types that nodes are kept in, by name, where the builder chooses.
        workspace: bytes of scratch memory that a kernel may have.
        timing_cache: a file of timings that is read, and written after the build.
        targets: compute capabilities that TensorRT-RTX builds for without a GPU.
        inputs: what a conversion is measured with: ``data.npz``, a folder of them or ``random:N``.
        runtime: ``tensorrt`` or ``rtx``; None for the first that ``look.python`` has.
        convert: who lowers the model's types where they decide: ``plan`` or ``none``.
        timed: run and time the engine, where there is a GPU.
        timeout: seconds that the builder may take.
        look: which interpreter builds.
        share: replace private data by pseudonyms.

    Raises:
        TrtdoctorError: wrong usage, a model that cannot be built, or an engine that cannot be written.
    """
    from trtdoctor.builder.request import BuildRequest
    from trtdoctor.model.engine_shapes import ShapeRange

    from .bench import Building
    from .building import examine_built

    request = BuildRequest(
        model=Path(model),
        engine=Path(engine),
        precision=precision,
        shapes={
            name: ShapeRange(min=shape, opt=shape, max=shape)
            for name, shape in (shapes or {}).items()
        },
        io_all=io,
        pins=pins or {},
        workspace=workspace,
        timing_cache=None if timing_cache is None else Path(timing_cache),
        targets=tuple(targets),
        convert=convert,
        profile=timed,
    )
    building = Building(request=request, runtime=runtime, timeout=timeout, inputs=inputs)
    return examine_built(building, look).report(share=share)


def decode(
    text: str | None = None,
    *,
    file: File | None = None,
    here: bool = False,
    look: Looking = _DEFAULT_LOOKING,
    share: bool = False,
) -> Decoded:
    """What an error text of TensorRT, CUDA, the driver, a framework or pip means, and the next step.

    Args:
        text: the text, a whole log, an error code or its name.
        file: a file that holds it, instead.
        here: also run the checks that find out about it on a machine.
        look: which machine and interpreter they look at.
        share: replace private data by pseudonyms.

    Raises:
        TrtdoctorError: wrong usage, or a file that cannot be read.
    """
    from .decoding import Decoding, decode_file, decode_text, look_here

    if (text is None) == (file is None):
        raise UsageError("give either a text or a file to decode")
    decoded = decode_text(text) if text is not None else decode_file(file or "")
    decoding = look_here(decoded, look) if here else Decoding(decoded, look)
    return decoding.told(share=share)


def load(path: File) -> Report:
    """A report that was saved as JSON, as it was judged then.

    Raises:
        InputError: if the file cannot be read or is no report.
    """
    try:
        data = read_whole(Path(path), most=LARGEST_REPORT)
    except OSError as error:
        raise InputError(
            f"cannot read {fspath(path)}: {error.strerror}; give a saved report.json"
        ) from None
    return read_report(data, name=fspath(path))


def rejudge(
    saved: Report, *, select: Iterable[str] = (), ignore: Iterable[str] = (), share: bool = False
) -> Report:
    """The facts of a saved report, judged by this version's checks and tables.

    Raises:
        UsageError: if ``select`` or ``ignore`` names no check.
    """
    return examine_saved(saved, select=select, ignore=ignore).report(share=share)


def fleet(reports: Iterable[File], *, share: bool = False) -> Fleet:
    """What the reports of many machines say together: machines with the same outcome are a group.

    Args:
        reports: saved reports of :func:`check`, and folders of them. Of a machine the newest counts;
            what is no such report is told in ``not_counted``.
        share: replace names of machines and files, and other private data, by pseudonyms.

    Raises:
        InputError: if a path is not there, or no report is among the files.
    """
    from .gathering import find_reports, gather

    return gather(find_reports(reports), share=share).fleet(share=share)


def extract(engine: File, target: File) -> None:
    """Write the bare plan out of a file that wraps it.

    Raises:
        InputError: if there is no plan in the file, or one of the two cannot be read or written.
    """
    from trtdoctor.engines.files import extract_plan

    extract_plan(Path(engine), Path(target))
