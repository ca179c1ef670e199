"""``trtdoctor inspect``: what is in an engine file, and which precision each layer got."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import trtdoctor
from trtdoctor.checking.judge import exit_code
from trtdoctor.model.errors import UsageError
from trtdoctor.run.examinations import examine_engines

from .engine_options import engine_options, expected_share
from .given import GivenFile, told
from .options import OutputOptions, look_options, output_options, refuse_input, take_look
from .output import emit, fail_on
from .streams import complain


@click.command("inspect")
@click.argument("engines", metavar="[ENGINE | LAYERS | FOLDER ...]", nargs=-1, type=GivenFile())
@click.option(
    "--layers",
    metavar="FILE",
    type=GivenFile(),
    help="Layers from the engine inspector, trtexec or a verbose build log, made anywhere.",
)
@click.option(
    "--profile",
    metavar="FILE",
    type=GivenFile(),
    help="Times of the layers: trtexec --exportProfile, or a JSON object of names and milliseconds.",
)
@click.option(
    "--times",
    metavar="FILE",
    type=GivenFile(),
    help="Times of whole inferences, as trtexec --exportTimes writes them.",
)
@click.option("--all", "all_layers", is_flag=True, help="Show every layer.")
@click.option("--hash", "hashed", is_flag=True, help="Also compute the SHA-256 of each file.")
@click.option(
    "--extract",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the bare plan out of the file that wraps it.",
)
@engine_options
@look_options
@output_options
def command(
    engines: tuple[Path, ...],
    layers: Path | None,
    profile: Path | None,
    times: Path | None,
    all_layers: bool,
    hashed: bool,
    extract: Path | None,
    no_live: bool,
    no_static: bool,
    expect: str | None,
    **options: Any,
) -> int:
    """What is in engine files: identity (no TensorRT and no GPU needed), layers, precisions.

    Where the TensorRT of --python fits an engine, it is loaded in a child process for the layers;
    host code inside a plan is never allowed to run. Otherwise layers come from the plan's bytes.

    Layers, profiles and times among the files are taken for what they are, and - is standard input. A
    folder stands for the engines in it. What trtexec's tuner tried
    (--tuningCacheFile) and captures of TensorRT's API are shown too.
    """
    from trtdoctor.engines.sorting import sort_inspected

    output = OutputOptions.take(options)
    look = take_look(options, output)
    given = sort_inspected(engines, layers, profile, times)
    beside = given.layers, given.profile, given.times
    output.keep(*given.engines, *beside, extract, look=look)
    if extract is not None:
        refuse_input(extract, *(path for path in beside if path is not None))
        _extract(given.engines, extract)
    seen = examine_engines(
        *given.engines,
        layers=given.layers,
        profile=given.profile,
        times=given.times,
        look=look,
        expect=expected_share(expect),
        live=not no_live,
        static=not no_static,
        hashed=hashed,
    )
    seen = told(seen)
    report = emit(seen.report, output, all_layers=all_layers, record=look.record)
    for note in seen.notes:
        complain(f"trtdoctor: {note}")
    for sentence in seen.unsound:
        complain(f"trtdoctor: {sentence}")
    return 2 if seen.unsound else exit_code(report, fail_on(output))


def _extract(engines: tuple[Path, ...], target: Path) -> None:
    if len(engines) != 1:
        raise UsageError("--extract takes one engine file")
    trtdoctor.extract(engines[0], target)
    complain(f"trtdoctor: wrote the bare plan to {target}")
