"""How right `trtdoctor explain` is: every engine of the labelled table that is at hand.

    python benchmarks/scorecard.py [--table FILE] [ENGINE ...]

The table (tests/engines/labels.tsv) holds what a person derived from each build's own numbers, and
what a rebuild with FP16 network tensors did to a layer. For each engine: causes that are right,
wrong or left unknown, and whether the builder's plan was reproduced from its log; then the same by
class of evidence: TensorRT's release, the tool that built it, the GPU. Exits with 1 if anything is
wrong. Engines whose files or whose builder (TensorRT-RTX, which builds on the CPU) are missing are
left out, and said to be.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT.parent / "shared" / "corpus"
DATA = ROOT / "tests" / "data"
TABLE = ROOT / "tests" / "engines" / "labels.tsv"
NOTHING = "-"
EVERY = "*"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Label:
    """One layer's causes that are right, the better one first; "-" is nothing to explain."""

    layer: str
    causes: tuple[str, ...]
    places: tuple[str, ...]


@dataclass
class Score:
    """One engine's count, and every wrong or missing answer in words."""

    engine: str
    right: int = 0
    wrong: int = 0
    unknown: int = 0
    told: list[str] = field(default_factory=list)
    choice: dict[str, Any] | None = None
    has_log: bool = False
    kind: str = ""

    @property
    def given(self) -> bool:
        """Whether its log is one of those that the project was given."""
        return not self.engine.startswith(("ours/", "rtx/", "fresh"))


def labels(table: Path = TABLE) -> dict[str, list[Label]]:
    """The table by engine."""
    with table.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(
            (line for line in lines if not line.startswith("#")),
            delimiter="\t",
            quoting=csv.QUOTE_NONE,
        )
        found: dict[str, list[Label]] = {}
        for row in rows:
            places = tuple(filter(None, row["places"].split("|")))
            label = Label(row["layer"], tuple(row["causes"].split("|")), places)
            found.setdefault(row["engine"], []).append(label)
    return found


def files_of(engine: str, folder: Path) -> list[str] | None:
    """The arguments that hand an engine's files to explain, or None where they are not at hand."""
    group, _, name = engine.partition("/")
    if group == "rtx":
        return _build_rtx(name, folder)
    if group == "ours":
        log, layers = DATA / "explain" / f"{name}.log.gz", DATA / "explain" / f"{name}.layers.json"
    elif group in ("fresh", "fresh2"):
        log, layers = DATA / group / f"{name}.log.gz", DATA / group / f"{name}.layers.json"
    elif group == "public":
        log, layers = CORPUS / group / f"{name}.log.txt.gz", None
    elif group == "public-logs":
        log, layers = CORPUS / group / name, None
    else:
        log, layers = CORPUS / engine / "build.log.gz", CORPUS / engine / "layers.json"
        if not log.is_file():
            release = group.removeprefix("h100-")
            log = DATA / "buildlog" / f"{release}-{name}.log.gz"
            layers = DATA / "layers" / f"{release}.{name}.layers.json"
    if not log.is_file():
        return None
    arguments = ["--log", str(log)]
    return arguments + (["--layers", str(layers)] if layers and layers.is_file() else [])


def _build_rtx(name: str, folder: Path) -> list[str] | None:
    models = str(ROOT / "tests" / "precision" / "graph")
    if models not in sys.path:
        sys.path.append(models)
    try:
        import graphmodels
    except ImportError:
        return None
    proto = graphmodels.MODELS[name]()
    try:
        plan, _ = graphmodels.build(proto)
    except (ImportError, graphmodels.Unsupported):
        return None
    (folder / f"{name}.engine").write_bytes(plan)
    (folder / f"{name}.onnx").write_bytes(proto.SerializeToString())
    return [str(folder / f"{name}.engine"), "--onnx", str(folder / f"{name}.onnx")]


def explained(arguments: list[str]) -> dict[str, Any]:
    """What explain says of one engine, by its JSON."""
    from trtdoctor.cli.app import run

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = run(["explain", *arguments, "--no-live", "--quiet", "--format", "json"])
    if code not in (0, 1, 3):
        raise SystemExit(f"explain {' '.join(arguments)} exits with {code}")
    (engine,) = json.loads(out.getvalue())["engines"]
    return dict(engine)


def score(engine: str, expected: list[Label], found: dict[str, Any]) -> Score:
    """Compare the explanations of an engine with its labels."""
    result = Score(engine, choice=found["choice"])
    told = {e["layer"]: e for e in found["explanations"]}
    nodes = {
        node: layer["name"]
        for layer in found["layers"]
        for node in layer.get("onnx_nodes") or ()
        if layer["name"] in told
    }
    seen = set()
    for label in _spread(expected, told):
        node = label.layer.removeprefix("node:")
        layer = nodes.get(node, node) if node != label.layer else label.layer
        told_here = told.get(layer)
        if told_here:
            seen.add(layer)
        cause = told_here["cause"] if told_here else NOTHING
        missing = _unnamed(label, told_here)
        if cause in label.causes and not missing:
            result.right += 1
        elif cause == UNKNOWN:
            result.unknown += 1
            result.told.append(f"{label.layer}: unknown, is {label.causes[0]}")
        else:
            result.wrong += 1
            words = f"does not name {', '.join(missing)}" if missing else f"is {label.causes[0]}"
            result.told.append(f"{label.layer}: {cause}, {words}")
    # Of a graph the nodes that matter are labelled; kernels split off them share their causes.
    shared = {
        cause for label in expected if label.layer.startswith("node:") for cause in label.causes
    }
    for layer, explanation in told.items():
        if layer in seen or explanation["cause"] in shared:
            continue
        result.wrong += 1
        result.told.append(f"{layer}: {explanation['cause']}, is not labelled")
    return result


def _spread(expected: list[Label], told: dict[str, Any]) -> Iterator[Label]:
    """The labels, that of every layer once for each that is explained and has none of its own."""
    own = {label.layer for label in expected}
    for label in expected:
        if label.layer != EVERY:
            yield label
            continue
        yield from (Label(one, label.causes, label.places) for one in told if one not in own)


def kind_of(found: dict[str, Any]) -> str:
    """Product, release, tool and GPU of a build, as far as its files tell."""
    identity = found["identity"]
    if identity is None:
        return "nothing told of the builder"
    version = identity["tensorrt_version"]
    release = ".".join(version.split(".")[:2]) if version else "of a release not told"
    product = "TensorRT-RTX" if identity["product"] == "tensorrt-rtx" else "TensorRT"
    tool = "trtexec" if (identity["metadata"] or {}).get("command") else "API"
    built = identity["built_on"] or {}
    board = built.get("board") or (
        f"compute capability {built['compute_capability']}"
        if built.get("compute_capability")
        else "GPU not told"
    )
    return f"{product} {release}, {tool}, {board}"


def _unnamed(label: Label, told: dict[str, Any] | None) -> list[str]:
    """The deciding places that the evidence does not name."""
    if told is None:
        return []
    reasons = [told, *told["other_causes"]]
    shown = " ".join(e["source"] for reason in reasons for e in reason["evidence"])
    return [place for place in label.places if place not in shown.replace(":", " ").split()]


def scores(engines: list[str], table: Path = TABLE) -> Iterator[tuple[str, Score | None]]:
    """The score of each engine, None for one that is not at hand; all engines by default."""
    known = labels(table)
    with tempfile.TemporaryDirectory() as folder:
        for engine in engines or known:
            arguments = files_of(engine, Path(folder))
            if arguments is None:
                yield engine, None
                continue
            found = explained(arguments)
            result = score(engine, known[engine], found)
            result.has_log = "--log" in arguments
            result.kind = kind_of(found)
            yield engine, result


def reproduced(found: list[Score]) -> tuple[int, int, int, int]:
    """Layers that agree by type, all layers, plans reproduced, all logs."""
    logs = [one for one in found if one.has_log]
    solved = [one.choice for one in logs if one.choice is not None]
    return (
        sum(choice["layers"][0] for choice in solved),
        sum(choice["layers"][1] for choice in solved),
        sum(bool(choice["reproduced"]) for choice in solved),
        len(logs),
    )


def _line(one: Score) -> str:
    plan = ""
    if one.choice is not None:
        plan = "{} of {} layers, {} of {} conversions, {}".format(
            *one.choice["layers"],
            *one.choice["conversions"],
            "reproduced" if one.choice["reproduced"] else "NOT reproduced",
        )
    elif one.has_log:
        plan = "not solvable"
    return f"{one.engine:<44} {one.right:>5} {one.wrong:>5} {one.unknown:>7}  {plan}"


def _sum(some: list[Score]) -> str:
    right, wrong, unknown = (sum(getattr(s, k) for s in some) for k in ("right", "wrong", UNKNOWN))
    engines = "1 engine" if len(some) == 1 else f"{len(some)} engines"
    return f"{engines}, {right} right, {wrong} wrong, {unknown} unknown"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("engines", nargs="*", metavar="ENGINE")
    parser.add_argument("--table", type=Path, default=TABLE)
    arguments = parser.parse_args(argv)
    print(f"{'engine':<44} {'right':>5} {'wrong':>5} {'unknown':>7}  the builder's plan")
    found: list[Score] = []
    for engine, one in scores(arguments.engines, arguments.table):
        if one is None:
            print(f"{engine:<44} not at hand")
            continue
        found.append(one)
        print(_line(one))
        for words in one.told:
            print(f"    {words}")
    print()
    for kind in sorted({one.kind for one in found}):
        print(f"{kind}: {_sum([one for one in found if one.kind == kind])}")
    print(f"all: {_sum(found)}")
    wrong = sum(one.wrong for one in found)
    for words, some in (
        ("given logs", [s for s in found if s.given]),
        ("our own", [s for s in found if not s.given]),
    ):
        same, total, plans, logs = reproduced(some)
        if logs:
            print(f"{words}: {same} of {total} layers by type, {plans} of {logs} plans reproduced")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
