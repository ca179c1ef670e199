"""How many builders' plans are reproduced from their verbose logs, by release and tool.

    python benchmarks/reproduced.py [LOG ...] [--only TEXT] [--json FILE]

Without logs: those of tests/data and, where it is at hand, of the corpus beside the checkout. Of a
file with several builds the one that explain takes counts, and of that each optimisation profile.
For each plan: layers by type and by vector, conversions, how far the solved total is from the
logged one, and times that the log lacks. Copies of one log count once.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from trtdoctor.precision.log.analysis import Choice
from trtdoctor.precision.log.problem_from_log import problem_of
from trtdoctor.precision.log.solution import choice_of, solved
from trtdoctor.precision.log.solver import Solver
from trtdoctor.readers.buildlog import Attempt, Build, read_build_log
from trtdoctor.readers.errors import FormatError

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT.parent / "shared" / "corpus"
FOLDERS = ("h100-trt85", "h100-trt86", "campaign", "public", "public-logs")


@dataclass(frozen=True)
class Row:
    """One plan; pairs are as many as agree, of as many as there are."""

    log: str
    kind: str
    reproduced: bool
    layers: tuple[int, int]
    vectors: tuple[int, int]
    conversions: tuple[int, int]
    extra: int
    plan_us: float
    logged_us: float | None
    unknown: int
    untimed: int


def logs() -> Iterator[Path]:
    """Every log at hand, each content once."""
    seen: set[str] = set()
    for folder in (ROOT / "tests" / "data", *(CORPUS / name for name in FOLDERS)):
        for path in sorted(folder.rglob("*.log*")):
            digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            if digest and digest not in seen:
                seen.add(digest)
                yield path


def rows_of(path: Path) -> Iterator[Row]:
    """The plans of one log that can be solved."""
    try:
        build = read_build_log(path).build
    except FormatError:
        return
    for attempt in build.chosen:
        choice = choice_from(build, attempt)
        if choice is None:
            continue
        name = "/".join(path.parts[-3:] if "shared" in path.parts else path.parts[-2:])
        logged = None if choice.logged_ms is None else choice.logged_ms * 1000
        yield Row(
            log=name + (f" [{attempt.profile}]" if len(build.chosen) > 1 else ""),
            kind=kind_of(build),
            reproduced=choice.reproduced,
            layers=choice.layers,
            vectors=choice.vectors,
            conversions=choice.conversions,
            extra=choice.extra_conversions,
            plan_us=choice.plan_ms * 1000,
            logged_us=logged,
            unknown=choice.unknown_terms,
            untimed=len(choice.untimed_layers),
        )


def choice_from(build: Build, attempt: Attempt) -> Choice | None:
    """The solved choice alone, without what else explain solves."""
    problem = problem_of(build, attempt)
    if not problem.variables:
        return None
    found = solved(Solver(problem), problem.values())
    return None if found is None else choice_of(problem, *found)


def kind_of(build: Build) -> str:
    """Release and tool, as far as the log tells."""
    if build.version is not None:
        release = ".".join(build.version.split(".")[:2])
    else:
        release = "9+" if build.names_costs else "8"
    tool = "trtexec" if build.setting("Precision") else "API"
    return f"{release} {tool}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="*", type=Path)
    parser.add_argument("--only", default="", help="logs whose path has this text")
    parser.add_argument("--json", type=Path, help="write the rows here as well")
    options = parser.parse_args()
    rows = [
        row for path in options.logs or logs() if options.only in str(path) for row in rows_of(path)
    ]
    width = max((len(row.log) for row in rows), default=3)
    print(f"{'log':<{width}}  reproduced  layers  vectors  conversions (extra)  us (log's)")
    for row in rows:
        logged = "-" if row.logged_us is None else f"{row.logged_us:.2f}"
        print(
            f"{row.log:<{width}}  {'yes' if row.reproduced else 'NO':<10}  {pair(row.layers):>6}  "
            f"{pair(row.vectors):>7}  {pair(row.conversions):>11} ({row.extra})  "
            f"{row.plan_us:.2f} ({logged})"
            + (f"  {row.unknown} unknown terms" if row.unknown else "")
            + (f"  {row.untimed} layers without times" if row.untimed else "")
        )
    print()
    for kind in (*sorted({row.kind for row in rows}), ""):
        told = [row for row in rows if kind in ("", row.kind)]
        print(
            f"{kind or 'total':<14} plans {sum(r.reproduced for r in told)}/{len(told)}, layers "
            f"{sums([r.layers for r in told])}, vectors {sums([r.vectors for r in told])}, "
            f"conversions {sums([r.conversions for r in told])}, "
            f"{sum(r.extra for r in told)} conversions too many"
        )
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))


def pair(counts: tuple[int, int]) -> str:
    return f"{counts[0]}/{counts[1]}"


def sums(counts: list[tuple[int, int]]) -> str:
    return pair((sum(c[0] for c in counts), sum(c[1] for c in counts)))


if __name__ == "__main__":
    main()
