"""Measures what the product promises of speed, against yardsticks, and writes docs/performance.md.

    python benchmarks/performance.py [--quick] [--cuda-doctor PROGRAM] [-o docs/performance.md]

Each row is measured in a process of its own: processor time of the process and its children, and
peak memory. The yardstick of anything that reads a text is a bare loop over its lines that searches
one word, in the same Python; of a renderer `json.dumps` of the same report; of `check` another
doctor. All rows of one page come from one run. With ``--quick`` the sizes are a tenth.
"""

from __future__ import annotations

import argparse
import atexit
import io
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
sys.path[:0] = [
    str(ROOT),
    str(ROOT / "benchmarks"),
    *(str(TESTS / name) for name in ("readers", "readers/plan", "precision/log")),
]

import buildlog  # noqa: E402
import growth  # noqa: E402
import hostile  # noqa: E402
import planwriter  # noqa: E402
import rendering  # noqa: E402
from launch import Cost, launched  # noqa: E402
from netlogs import LINEAR, log_of, make  # noqa: E402

from trtdoctor.precision.log.problem_from_log import problem_of  # noqa: E402
from trtdoctor.precision.log.solver import Solver  # noqa: E402
from trtdoctor.readers.buildlog import parse_build_log  # noqa: E402
from trtdoctor.version import __version__  # noqa: E402

LOG = TESTS / "data" / "buildlog" / "trt86-cnn.fp16.log.gz"
BARE_LOOP = """
import sys
with open(sys.argv[1], "rb") as lines:
    print(sum(b"Error" in line for line in lines))
"""
READ_LOG = """
import sys
from pathlib import Path
from trtdoctor.readers.buildlog import read_build_log
read_build_log(Path(sys.argv[1]))
"""
READ_PLAN = """
import sys
from pathlib import Path
from trtdoctor.readers.plan import identify, static_layers
static_layers(Path(sys.argv[1]))
"""


@lru_cache
def environment() -> dict[str, str]:
    """Installed packages are compiled and a checkout may not be: compiled files are kept aside."""
    compiled = tempfile.mkdtemp(prefix="trtdoctor-compiled-")
    atexit.register(shutil.rmtree, compiled, ignore_errors=True)
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": compiled}


def cost(command: Sequence[str | Path]) -> Cost:
    """What a command takes; the best of two."""
    return min((launched(command, environment(), ROOT) for _ in range(2)), key=lambda c: c.seconds)


def python(script: str, *arguments: Path) -> Cost:
    """What a script takes in this Python."""
    return cost([sys.executable, "-c", script, *arguments])


def explained(log: Path) -> Cost:
    """What explaining a log takes as JSON, with as much time as it wants."""
    command = [sys.executable, "-m", "trtdoctor", "explain", "--log", log, "--format", "json"]
    return cost([*command, "--deadline", "3600"])


def network_log(layers: int, target: Path, *, reach: int | None) -> None:
    """The log of a build whose plan is the best one, of a network made up."""
    net = make(1 if reach else 11, layers, reach=reach)
    plan = [LINEAR] * layers
    if reach:
        build = parse_build_log(io.BytesIO(log_of(net, plan).encode())).build
        problem = problem_of(build, build.chosen[0])
        solution = Solver(problem).solve(problem.values())
        assert solution is not None
        plan = [
            variable.options[solution.options[index]].candidate.outputs[0].text
            for index, variable in problem.layers
        ]
    target.write_text(log_of(net, plan))


# The reports that are written most, and those that are the largest.
SHOWN = (
    ("explain", "json"),
    ("explain", "markdown share"),
    ("explain", "html share"),
    ("explain", "terminal, all"),
    ("inspect", "html share"),
    ("inspect", "terminal, all"),
)

Table = tuple[str, list[str], list[list[str]]]


def by_layers(folder: Path, sizes: Sequence[int]) -> Table:
    rows = []
    log = folder / "network.log"
    for layers, reach in [*((size, 6) for size in sizes), (60, None)]:
        network_log(layers, log, reach=reach)
        took, loop = explained(log), python(BARE_LOOP, log)
        kind = f"{layers:,}" if reach else f"{layers:,}, densely interleaved"
        rows.append(
            [
                kind,
                f"{log.stat().st_size / 1e6:.1f}",
                f"{took.seconds:.2f}",
                f"{took.seconds * 1000 / layers:.2f}",
                f"{took.seconds / loop.seconds:.0f}",
                f"{took.megabytes:.0f}",
            ]
        )
    return (
        "`explain` by layers",
        ["layers", "log MB", "s", "ms a layer", "x bare loop", "peak MB"],
        rows,
    )


def model(blocks: int, target: Path) -> int:
    """A transformer's blocks as a half-converted model has them; answers how many nodes it has."""
    import onnx
    from onnx import TensorProto, helper

    wide, half = TensorProto.FLOAT, TensorProto.FLOAT16
    shape = [1, 64, 256]
    nodes, values = [], []

    def node(op: str, inputs: list[str], output: str, kind: int, **attributes: object) -> str:
        nodes.append(helper.make_node(op, inputs, [output], name=f"/{output}", **attributes))
        values.append(helper.make_tensor_value_info(output, kind, shape))
        return output

    x = "x"
    for block in range(blocks):
        at = f"block.{block}."
        up = node("Cast", [x], f"{at}up", wide, to=wide)
        mean = node("ReduceMean", [up], f"{at}mean", wide)
        centred = node("Sub", [up, mean], f"{at}centred", wide)
        squares = node("Mul", [centred, centred], f"{at}squares", wide)
        root = node("Sqrt", [node("ReduceMean", [squares], f"{at}var", wide)], f"{at}root", wide)
        normal = node("Div", [centred, root], f"{at}normal", wide)
        down = node("Cast", [normal], f"{at}down", half, to=half)
        q, k, v = (node("MatMul", [down, "w"], f"{at}{name}", half) for name in "qkv")
        scores = node("MatMul", [q, k], f"{at}scores", half)
        softmax = node(
            "Softmax", [node("Cast", [scores], f"{at}wide", wide, to=wide)], f"{at}softmax", wide
        )
        shares = node("Cast", [softmax], f"{at}shares", half, to=half)
        x = node("Add", [node("MatMul", [shares, v], f"{at}mixed", half), x], f"{at}sum", half)
    graph = helper.make_graph(
        nodes,
        "made up",
        [helper.make_tensor_value_info("x", half, shape)],
        [helper.make_tensor_value_info(x, half, shape)],
        [helper.make_tensor("w", half, [256, 256], bytes(2 * 256 * 256), raw=True)],
        value_info=values,
    )
    onnx.save(helper.make_model(graph), target)
    return len(nodes)


def by_nodes(folder: Path, sizes: Sequence[int]) -> Table:
    rows = []
    path = folder / "model.onnx"
    for size in sizes:
        count = model(size // 17, path)
        took = cost([sys.executable, "-m", "trtdoctor", "explain", path, "--format", "json"])
        rows.append(
            [
                f"{count:,}",
                f"{path.stat().st_size / 1e6:.1f}",
                f"{took.seconds:.2f}",
                f"{took.seconds * 1000 / count:.2f}",
                f"{took.megabytes:.0f}",
            ]
        )
    return "`explain` of a model alone", ["nodes", "MB", "s", "ms a node", "peak MB"], rows


def by_lines(folder: Path, sizes: Sequence[int]) -> Table:
    log, other = folder / "build.log", folder / "other.log"
    rows: list[list[str]] = []

    def row(name: str, path: Path) -> None:
        loop, read, took = python(BARE_LOOP, path), python(READ_LOG, path), explained(path)
        megabytes = path.stat().st_size / 1e6
        rows.append(
            [
                name,
                f"{megabytes:,.0f}",
                f"{read.seconds:.2f}",
                f"{megabytes / read.seconds:.0f}",
                f"{read.seconds / loop.seconds:.2f}",
                f"{read.megabytes:.0f}",
                f"{took.seconds:.2f}",
                f"{took.seconds / loop.seconds:.2f}",
            ]
        )

    for size in sizes:
        buildlog.blow_up(LOG, size * 1_000_000, log)
        row("one build", log)
        if size == sizes[1]:
            buildlog.wrap(log, other)
            row("the same as GitHub Actions wraps it", other)
            _repeat(LOG, size * 1_000_000, other)
            row("as many builds as fit, one after the other", other)
            buildlog.parsing([LOG], size * 1_000_000, other)
            row("the ONNX parser's lines alone", other)
    return (
        "Logs by size",
        ["log", "MB", "reading s", "MB/s", "x bare loop", "peak MB", "`explain` s", "x bare loop"],
        rows,
    )


def _repeat(log: Path, size: int, target: Path) -> None:
    import gzip

    content = gzip.decompress(log.read_bytes())
    with target.open("wb") as out:
        for _ in range(size // len(content)):
            out.write(content)


def by_bytes(folder: Path, sizes: Sequence[int]) -> Table:
    rows = []
    for kind, name in (
        ("layers", "inputs without anything"),
        ("layers", "lists"),
        ("layers", "lines of layers"),
        ("profile", "the same time again and again"),
        ("model", "nodes"),
        ("model", "values without anything"),
        ("model", "functions that call functions"),
        ("report", "a report of lists"),
        ("recording", "answers without anything"),
    ):
        for size in sizes:
            data = hostile.KINDS[kind][name](size)
            took = hostile.cost(kind, data, folder)
            if took.trouble:
                raise SystemExit(f"{kind}: {name}: {took.trouble}")
            allowed = 1 + len(data) / 20e6, 100e6 + 12 * len(data)
            rows.append(
                [
                    f"{kind}: {name}",
                    f"{len(data) / 1e6:.1f}",
                    f"{took.seconds:.2f}",
                    f"{took.seconds / allowed[0]:.2f}",
                    f"{took.peak_bytes / 1e6:.0f}",
                    f"{took.peak_bytes / allowed[1]:.2f}",
                    "yes" if took.said else "",
                ]
            )
    return (
        "Files made to be slow, by bytes",
        ["file", "MB", "s", "of allowed", "peak MB", "of allowed", "refused"],
        rows,
    )


def plans(folder: Path, sizes: Sequence[int], layers: Sequence[int]) -> Table:
    rows = []
    path = folder / "model.engine"

    def row(name: str, data: bytes) -> None:
        path.write_bytes(data)
        empty, took = python(READ_PLAN, folder / "empty"), python(READ_PLAN, path)
        seconds = took.seconds - empty.seconds
        rows.append(
            [
                name,
                f"{len(data) / 1e6:.1f}",
                f"{seconds:.2f}",
                f"{len(data) / 1e6 / seconds:.0f}",
                f"{took.megabytes:.0f}",
            ]
        )

    (folder / "empty").write_bytes(b"")
    for count in layers:
        engine = planwriter.releases()["8.6"]
        own = [
            replace(layer, name=f"{layer.name}_{number}")
            for number in range(count // len(engine.layers))
            for layer in engine.layers
        ]
        row(f"{count:,} layers", planwriter.plan(replace(engine, layers=tuple(own))))
    for size in sizes:
        for name in ("opens", "numbers", "strings of nothing"):
            unit = hostile.STREAMS[name]
            items = unit * (size * 1_000_000 // len(unit))
            row(f"small items: {name}", growth.plan_with(items))
    return "Plans: layers by the file alone", ["plan", "MB", "s", "MB/s", "peak MB"], rows


def renderers(sizes: Sequence[int]) -> Table:
    rows = []
    report = rendering.explained()
    for size in sizes:
        for command, name, took, length, ratio in rendering.rows(report, size):
            if (command, name) not in SHOWN:
                continue
            rows.append(
                [
                    f"{size:,}",
                    f"{command}, {name}",
                    f"{took:.2f}",
                    f"{ratio:.2f}",
                    f"{length / 1e6:.2f}",
                ]
            )
    return (
        "Reports by layers",
        ["layers", "report", "s", "x `json.dumps`", "MB written"],
        rows,
    )


def checking(cuda_doctor: str | None) -> Table:
    import startup

    return (
        "`check` without a GPU",
        ["command", "ms", "x `python -c pass`", "MB"],
        [
            [name, f"{took:.0f}", f"{ratio:.1f}", f"{memory:.0f}"]
            for name, took, ratio, memory in startup.rows(9, cuda_doctor)
        ],
    )


def page(tables: Iterator[Table]) -> str:
    """The page, with one table after the other."""
    lines = [
        "# Performance",
        "",
        f"Measured by `benchmarks/performance.py` on {date.today().isoformat()} with trtdoctor "
        f"{__version__}, Python",
        f"{platform.python_version()}, on {os.cpu_count()} cores of {processor()}, without a GPU. "
        "Seconds are processor",
        "time of the command and its children, imports included; memory is the largest resident set.",
        "Ratios carry over to other machines, seconds do not. A bare loop is `for line in file` with "
        "one",
        "search in each line, in the same Python. What a file of N bytes may cost is 1 s and 1 s for "
        "each",
        "20 MB, 100 MB and 12 N of memory; a file that is refused is refused in one sentence.",
    ]
    for title, head, rows in tables:
        print(title, file=sys.stderr, flush=True)
        lines += ["", f"## {title}", "", f"| {' | '.join(head)} |"]
        lines.append(f"| --- |{' ---: |' * (len(head) - 1)}")
        lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def processor() -> str:
    """The processor's name."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return "an " + line.partition(":")[2].strip().replace("(R)", "")
    except OSError:
        pass
    return platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--cuda-doctor", default=shutil.which("cuda-doctor"), metavar="PROGRAM")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--only", default="", help="Only tables with this in their title.")
    options = parser.parse_args()
    small = 10 if options.quick else 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        makers: list[tuple[str, Callable[[], Table]]] = [
            (
                "`explain` by layers",
                lambda: by_layers(folder, [n // small for n in (520, 2000, 5000, 10_000, 20_000)]),
            ),
            (
                "`explain` of a model alone",
                lambda: by_nodes(folder, [n // small for n in (1000, 5000, 20_000, 50_000)]),
            ),
            ("Logs by size", lambda: by_lines(folder, [n // small for n in (20, 205, 820, 2050)])),
            (
                "Files made to be slow",
                lambda: by_bytes(folder, [n * 1_000_000 // small for n in (4, 8, 16, 32)]),
            ),
            (
                "Plans",
                lambda: plans(
                    folder,
                    [24 // small],
                    [n // small for n in (500, 2000, 5000, 20_000)],
                ),
            ),
            (
                "Reports by layers",
                lambda: renderers([n // small for n in (500, 5000, 20_000, 50_000)]),
            ),
            ("`check` without a GPU", lambda: checking(options.cuda_doctor)),
        ]
        text = page(make() for title, make in makers if options.only in title)
    if options.output is None:
        print(text, end="")
    else:
        options.output.write_text(text)


if __name__ == "__main__":
    main()
