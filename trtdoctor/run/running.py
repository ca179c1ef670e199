"""Engines run on samples: what they give, as arrays."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trtdoctor.builder.measure import Run, SampleTensor, ToRun, describe, run_engines
from trtdoctor.builder.tensors import from_bytes, to_bytes
from trtdoctor.model.build import Measurement
from trtdoctor.model.errors import InputError
from trtdoctor.reporting.look_session import Looking

from .bench import Bench

# Loading and running one engine, in seconds.
_BUDGET_S = 900.0
_SECONDS = 8.0

Arrays = Mapping[str, Any]


def outputs_of(
    bench: Bench,
    engine: Path,
    samples: Sequence[Arrays],
    *,
    runtime: str | None = None,
    through: str | None = None,
) -> list[dict[str, Any]]:
    """What an engine gives for each sample: arrays by output.

    Raises:
        InputError: it cannot be run here, or a sample does not fit it.
    """
    world = bench.world(runtime)
    plan = plan_of(engine)
    tensors = describe(
        bench.host, module=world.module, python=world.python, engine=plan, through=through
    )
    if isinstance(tensors, str):
        raise InputError(f"{engine} cannot be run here: {tensors}")
    wanted = {tensor["name"]: tensor for tensor in tensors if tensor["input"]}
    with tempfile.TemporaryDirectory(prefix="trtdoctor-") as place:
        folder = Path(place)
        written = [
            _sample(folder, number, sample, wanted, engine) for number, sample in enumerate(samples)
        ]
        found = run_engines(
            bench.host,
            module=world.module,
            python=world.python,
            engines=(plan,),
            folder=folder,
            time=False,
            profile=False,
            samples=written,
            through=through,
            watch=bench.watch,
        )
        if isinstance(found, str):
            raise InputError(f"{engine} cannot be run here: {found}")
        return _outputs(found[0])


def engine_runner(
    look: Looking, runtime: str | None, through: str | None
) -> Callable[[Path, Sequence[Arrays]], list[dict[str, Any]]]:
    """What runs one engine after another on samples; it raises InputError where one cannot be run."""

    def run(engine: Path, samples: Sequence[Arrays]) -> list[dict[str, Any]]:
        with Bench(look, budget=_BUDGET_S) as bench:
            return outputs_of(bench, engine, samples, runtime=runtime, through=through)

    return run


def engine_timer(
    look: Looking, runtime: str | None, through: str | None
) -> Callable[[Sequence[Path]], tuple[Measurement, ...] | str]:
    """What times engines in turn on this machine's GPU, or says why not."""

    def time(engines: Sequence[Path]) -> tuple[Measurement, ...] | str:
        try:
            with Bench(look, budget=_BUDGET_S) as bench:
                world = bench.world(runtime)
                if world.no_gpu is not None:
                    return world.no_gpu
                plans = [plan_of(engine) for engine in engines]
                with tempfile.TemporaryDirectory(prefix="trtdoctor-") as place:
                    found = run_engines(
                        bench.host,
                        module=world.module,
                        python=world.python,
                        engines=plans,
                        folder=Path(place),
                        seconds=_SECONDS,
                        profile=False,
                        through=through,
                        watch=bench.watch,
                    )
        except InputError as error:
            return str(error)
        if isinstance(found, str):
            return found
        return tuple(run.measured for run in found if run.measured is not None)

    return time


def plan_of(engine: Path) -> ToRun:
    """Where the plan lies in an engine file, which may wrap it.

    Raises:
        InputError: there is none.
    """
    from trtdoctor.engines.files import read_engines

    (source,) = read_engines([engine], static=False)
    file = source.file
    if file is None or file.plan is None:
        raise InputError(source.unsound or f"{engine} is not an engine that can be run")
    return ToRun(path=engine, offset=file.plan.offset, length=file.plan.length)


def _sample(
    folder: Path,
    number: int,
    sample: Arrays,
    wanted: Mapping[str, Mapping[str, Any]],
    engine: Path,
) -> list[SampleTensor]:
    missing = sorted(set(wanted) - set(sample))
    if missing:
        raise InputError(f"the inputs have nothing for {missing[0]}, which {engine} reads")
    tensors = []
    for index, (name, tensor) in enumerate(wanted.items()):
        array = sample[name]
        path = folder / f"in-{number}-{index}.bin"
        path.write_bytes(to_bytes(array, tensor["dtype"], tensor["format"]))
        tensors.append(SampleTensor(name=name, file=path, shape=tuple(array.shape)))
    return tensors


def _outputs(run: Run) -> list[dict[str, Any]]:
    return [
        {
            one["name"]: from_bytes(
                Path(one["file"]).read_bytes(), one["dtype"], tuple(one["shape"]), one["format"]
            )
            for one in sample
        }
        for sample in run.outputs
    ]
