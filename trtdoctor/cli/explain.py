"""``trtdoctor explain``: for each layer that is not FP16, why, proven, with its cost and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trtdoctor.checking.judge import exit_code
from trtdoctor.run.examinations import examine_explained

from .engine_options import engine_options, expected_share
from .given import GivenFile, told
from .options import OutputOptions, look_options, output_options, take_look
from .output import emit, fail_on
from .streams import complain


@click.command("explain")
@click.argument(
    "files", metavar="[ENGINE | LOG | MODEL.onnx | FOLDER ...]", nargs=-1, type=GivenFile()
)
@click.option(
    "--log",
    "logs",
    metavar="FILE",
    multiple=True,
    type=GivenFile(),
    help="The verbose log of the engine's build, plain or gzip. Repeated: logs of other builds of "
    "the same model, to see what flips between them.",
)
@click.option("--build", metavar="N", type=int, help="Which build of a log that holds several.")
@click.option(
    "--onnx",
    metavar="MODEL",
    type=GivenFile(".onnx"),
    help="The ONNX model that the engine was built from.",
)
@click.option(
    "--layers",
    metavar="FILE",
    type=GivenFile(),
    help="Layers from the engine inspector or trtexec, made anywhere.",
)
@click.option(
    "--profile",
    metavar="FILE",
    type=GivenFile(),
    help="Times of the layers, as trtexec --exportProfile writes them.",
)
@click.option(
    "--times",
    metavar="FILE",
    type=GivenFile(),
    help="Times of whole inferences, as trtexec --exportTimes writes them.",
)
@click.option(
    "--autocast-log",
    metavar="FILE",
    type=GivenFile(),
    help="What ModelOpt's AutoCast printed: by which rule it kept each node in FP32.",
)
@click.option(
    "--verify",
    metavar="[N]",
    is_flag=False,
    flag_value=3,
    type=click.IntRange(1, 20),
    help="Try its N best remedies (3): build each, run it in turn with the engine, and tell what was "
    "promised beside what came out. For engines that trtdoctor build made, on a machine with a GPU.",
)
@click.option(
    "--keep",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the engines of --verify in DIR.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=1, max=86400),
    default=3600,
    show_default=True,
    help="How long each build of --verify may take.",
)
@engine_options
@look_options
@output_options
def command(
    files: tuple[Path, ...],
    logs: tuple[Path, ...],
    build: int | None,
    onnx: Path | None,
    layers: Path | None,
    profile: Path | None,
    times: Path | None,
    autocast_log: Path | None,
    no_live: bool,
    no_static: bool,
    expect: str | None,
    verify: int | None,
    keep: Path | None,
    timeout: float,
    **options: Any,
) -> int:
    """Why is a layer not FP16, what does it cost, and what to change?

    Any of the engine, its layers, its build log, its model and its profile will do, in any order: each
    file is taken for what it is, and of a folder the files in it. Of several logs the first is that of
    the engine's build. More evidence gives better answers, and what is missing is named with the
    command that makes it. A model alone is answered for TensorRT 11 and TensorRT-RTX, which follow its
    types. - is standard input.
    """
    from trtdoctor.engines.misplaced import Place
    from trtdoctor.engines.sorting import sort_explained

    output = OutputOptions.take(options)
    look = take_look(options, output)
    single = {
        Place.ONNX: onnx,
        Place.LAYERS: layers,
        Place.PROFILE: profile,
        Place.TIMES: times,
        Place.AUTOCAST: autocast_log,
    }
    given = sort_explained(
        files,
        {Place.LOG: logs} | {place: (path,) for place, path in single.items() if path is not None},
        watch=look.watch(),
    )
    if given.chosen:
        complain(f"trtdoctor: reading {', '.join(map(str, given.chosen))}")
    output.keep(*given.files, look=look)
    seen = examine_explained(
        given.engine,
        logs=given.logs,
        build=build,
        onnx=given.onnx,
        layers=given.layers,
        profile=given.profile,
        times=given.times,
        autocast_log=given.autocast,
        look=look,
        expect=expected_share(expect),
        live=not no_live,
        static=not no_static,
    )
    if verify is not None:
        from trtdoctor.run.verifying import Verifying, verified

        seen = verified(seen, Verifying(most=verify, keep=keep, timeout=timeout), look)
    report = emit(told(seen).report, output, record=look.record)
    return exit_code(report, fail_on(output))
