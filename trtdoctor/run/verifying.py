"""Remedies followed: each is built, run in turn with the engine as it was, and told beside its promise."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import msgspec

from trtdoctor.builder.measure import ToRun, run_engines
from trtdoctor.model.build import BuildRecord, Measurement, Proof, Spread
from trtdoctor.model.engine import EngineReport
from trtdoctor.model.errors import InputError, TrtdoctorError
from trtdoctor.reporting.look_session import Looking

from .bench import Bench, Building
from .building import build
from .examinations import Examination

if TYPE_CHECKING:
    from trtdoctor.builder.request import BuildRequest
    from trtdoctor.engines.trials import Trial

_SECONDS = 8.0
_MORE = 1.02
_CLOCKS = ("graph_ms", "events_ms", "wall_ms")


@dataclass(frozen=True, kw_only=True)
class Verifying:
    """How remedies are tried.

    Attributes:
        most: How many, the most promising first; then all of them together.
        keep: A folder in which the engines stay; None for one that goes away.
        timeout: Seconds that each build may take.
        through: What calls CUDA; None for the first that is there.
    """

    most: int
    keep: Path | None = None
    timeout: float = 3600.0
    through: str | None = None


def verified(seen: Examination, verifying: Verifying, look: Looking) -> Examination:
    """An explained engine with its remedies tried.

    Raises:
        TrtdoctorError: it was not built by ``trtdoctor build``, or its model is gone.
    """
    from trtdoctor.engines.sidecar import find_side_car
    from trtdoctor.engines.trials import request_of, trials

    report = seen.engines[0]
    record = report.build
    if record is None:
        raise InputError(
            f"{report.path} has no record of its build, so nobody knows how to build it again; build it "
            f"with 'trtdoctor build MODEL.onnx {quote(report.path)}' and explain it with --verify then"
        )
    original = Path((record.given or record.model).path)
    beside = find_side_car(Path(report.path))
    model = original if original.is_file() else (beside.model if beside else None)
    if model is None:
        raise InputError(
            f"{original}, the model that {report.path} was built from, is not there any more; put it back"
        )
    budget = (verifying.timeout + 600.0) * (verifying.most + 2)
    with ExitStack() as stack:
        folder = verifying.keep
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trtdoctor-")))
        folder.mkdir(parents=True, exist_ok=True)
        bench = stack.enter_context(Bench(look, budget=budget))
        runtime = "rtx" if record.product == "tensorrt-rtx" else "tensorrt"
        request = request_of(record, folder / "again.engine", model)
        request = replace(request, timing_cache=_cache(record, folder))
        proofs = []
        for number, trial in enumerate(trials(report, request, verifying.most), 1):
            target = folder / f"remedy{number}.engine"
            applied = trial.applied(request)
            if "avg_timing" in trial.change:
                # Kept timings would not be taken anew.
                applied = replace(applied, timing_cache=None)
            building = Building(
                request=replace(applied, engine=target, profile=False),
                host_told=False,
                runtime=runtime,
                timeout=verifying.timeout,
                through=verifying.through,
            )
            look.watch().tell(f"trying {' and '.join(trial.names)}")
            proof = _proof(report, trial, building, bench, look, folder)
            command = _command(report, record, applied, number)
            proofs.append(msgspec.structs.replace(proof, change=command))
    answer = _answer(report, proofs)
    report = msgspec.structs.replace(report, proofs=tuple(proofs), answer=answer)
    return replace(seen, engines=(report, *seen.engines[1:]))


def _command(
    report: EngineReport, record: BuildRecord, applied: BuildRequest, number: int
) -> tuple[str, ...]:
    """The command line that builds it for good, beside the engine that was explained."""
    engine = Path(report.path)
    kept = record.settings.timing_cache
    request = replace(
        applied,
        engine=engine.with_name(f"{engine.stem}.remedy{number}{engine.suffix}"),
        timing_cache=None if kept is None else Path(kept),
        profile=True,
    )
    runtime = ("--runtime", "rtx") if record.product == "tensorrt-rtx" else ()
    python = ("--python", record.program) if record.program and record.through == "python" else ()
    return ("trtdoctor", *request.words(), *runtime, *python)


def _cache(record: BuildRecord, folder: Path) -> Path:
    """The timings of the engine's own build where they were kept; those of the trials go there too.

    With the same timings the builder decides alike but for the remedy.
    """
    target = folder / "timing.cache"
    kept = record.settings.timing_cache
    if kept is not None and not target.exists():
        with suppress(OSError):
            shutil.copyfile(kept, target)
    return target


def _proof(
    report: EngineReport,
    trial: Trial,
    building: Building,
    bench: Bench,
    look: Looking,
    folder: Path,
) -> Proof:
    proof = Proof(
        remedies=trial.names,
        promised_ms=trial.promised_ms,
        withheld=trial.withheld,
    )
    try:
        other = build(building, bench, look).engines[0]
    except TrtdoctorError as error:
        return msgspec.structs.replace(
            proof, failed=str(error), verdict="It could not be built, so nothing is proven."
        )
    reused = other.build is not None and other.build.timing_cache is not None
    proof = msgspec.structs.replace(
        proof,
        plan_before_ms=report.choice.plan_ms if report.choice else None,
        # With timings that were kept, a log tells only those that were new.
        plan_after_ms=other.choice.plan_ms if other.choice and not reused else None,
        fp16_before=_share(report),
        fp16_after=_share(other),
    )
    measured = _measured(report, other, building, bench, folder)
    if isinstance(measured, str):
        return msgspec.structs.replace(
            proof, verdict=f"It was built and not timed, so nothing is proven: {measured}."
        )
    proof = judged(proof, *measured)
    return _with_outputs(proof, report, other, building, bench)


def _with_outputs(
    proof: Proof, report: EngineReport, other: EngineReport, building: Building, bench: Bench
) -> Proof:
    """The proof with how far outputs moved on one random sample; what breaks them is not worth it."""
    from trtdoctor.engines.comparing import compare_outputs
    from trtdoctor.models.inputs import find_inputs
    from trtdoctor.readers.onnxmodel import read_onnx

    from .running import outputs_of

    shapes = {name: shape.opt for name, shape in building.request.shapes.items()}
    try:
        samples = list(find_inputs(read_onnx(building.request.model, shapes=shapes), None, shapes))
        before, after = (
            outputs_of(
                bench,
                Path(engine.path),
                samples,
                runtime=building.runtime,
                through=building.through,
            )
            for engine in (report, other)
        )
    except TrtdoctorError as error:
        return msgspec.structs.replace(proof, outputs=f"not compared: {error}")
    found = compare_outputs(before, after)
    broken = next((each for each in found if each.nan or each.inf), None)
    if broken is not None:
        told = f"output {broken.name} has NaN or infinite elements now, on one random sample"
        return msgspec.structs.replace(
            proof, outputs=told, worth=False, verdict=f"Not worth it: {told}."
        )
    ratios = [each.sqnr for each in found if each.sqnr is not None and not each.equal]
    told = f"as before to {min(ratios):.0f} dB" if ratios else "the same as before"
    return msgspec.structs.replace(proof, outputs=f"{told}, on one random sample")


def _measured(
    report: EngineReport, other: EngineReport, building: Building, bench: Bench, folder: Path
) -> tuple[Measurement, Measurement] | str:
    world = bench.world(building.runtime)
    if world.no_gpu is not None:
        return world.no_gpu
    with tempfile.TemporaryDirectory(dir=folder, prefix=".run-") as place:
        found = run_engines(
            bench.host,
            module=world.module,
            python=world.python,
            engines=(ToRun(path=Path(report.path)), ToRun(path=Path(other.path))),
            folder=Path(place),
            seconds=_SECONDS,
            profile=False,
            through=building.through,
            watch=bench.watch,
        )
    if isinstance(found, str):
        return found
    first, second = (run.measured for run in found)
    assert first is not None and second is not None
    return first, second


def _share(report: EngineReport) -> float | None:
    return report.summary.fp16_share.layers if report.summary else None


def judged(proof: Proof, before: Measurement, after: Measurement) -> Proof:
    """The proof with what was measured, and whether the promise held."""
    clock = next(
        (c for c in _CLOCKS if getattr(before, c) is not None and getattr(after, c) is not None),
        None,
    )
    if clock is None:
        return msgspec.structs.replace(
            proof, verdict="Nothing could be timed, so nothing is proven."
        )
    was: Spread = getattr(before, clock)
    now: Spread = getattr(after, clock)
    gained = (was.median - now.median, was.low - now.high, was.high - now.low)
    promised = proof.promised_ms
    held = None if promised is None else promised[0] <= gained[0] <= promised[1]
    return msgspec.structs.replace(
        proof,
        before_ms=was,
        after_ms=now,
        gained_ms=gained,
        held=held,
        worth=True if gained[1] > 0.0 else False if gained[2] < 0.0 else None,
        verdict=_verdict(promised, was, gained, clock),
    )


def _verdict(
    promised: tuple[float, float] | None,
    was: Spread,
    gained: tuple[float, float, float],
    clock: str,
) -> str:
    from trtdoctor.precision.times import us_or_ms

    middle, low, high = gained
    share = abs(middle) / was.median if was.median else 0.0
    by = " as a CUDA graph" if clock == "graph_ms" else ""
    whole = us_or_ms(was.median)
    if low > 0.0:
        said = f"Worth it: an inference{by} takes {us_or_ms(middle)} less, {share:.0%} of {whole}"
    elif high < 0.0:
        said = (
            f"Not worth it: an inference{by} takes {us_or_ms(-middle)} more, {share:.0%} of {whole}"
        )
    else:
        said = f"No difference that can be told from noise: {whole} before{by}"
    if promised is None:
        return f"{said}."
    if middle < promised[0]:
        return f"{said}, which is less than was promised."
    if middle > promised[1]:
        return f"{said}, which is more than was promised."
    return f"{said}, as promised."


def _answer(report: EngineReport, proofs: Sequence[Proof]) -> str | None:
    """The answer with the best that was proven."""
    if not proofs:
        return f"{report.answer or ''} None of its remedies can be tried by building again.".strip()
    best: Proof | None = None
    for proof in sorted(proofs, key=lambda proof: len(proof.remedies)):
        gained = proof.gained_ms
        if gained is None or not proof.worth:
            continue
        # More remedies have to give more than what measuring leaves open.
        if best is None or best.gained_ms is None or gained[1] > _MORE * best.gained_ms[2]:
            best = proof
    before = f"{report.answer} " if report.answer else ""
    if best is not None:
        return f"{before}Tried: {' and '.join(best.remedies)}. {best.verdict}"
    if all(proof.gained_ms is None for proof in proofs):
        return f"{before}Its remedies were tried, and none could be timed."
    return f"{before}Its remedies were tried, and as measured none makes it faster."
