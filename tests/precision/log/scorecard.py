"""How well the builder's plans are reproduced, log by log.

    python tests/precision/log/scorecard.py [LOG ...]

Without logs: those of the tests and, where a corpus lies beside the checkout, all of that.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

from trtdoctor.knowledge import Knowledge
from trtdoctor.precision.log import analyse, causes_of
from trtdoctor.precision.typing import typing_of_build
from trtdoctor.readers.buildlog import read_build_log

KNOWLEDGE = Knowledge.load()
TESTS = Path(__file__).parents[2]
CORPUS = TESTS.parents[1] / "shared" / "corpus"


def default_logs() -> list[Path]:
    given = [*CORPUS.glob("h100-*/*/build.log.gz"), *CORPUS.glob("public/*build*.gz")]
    return sorted(given) or sorted((TESTS / "data" / "buildlog").glob("*.log.gz"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="*", type=Path)
    logs = parser.parse_args().logs or default_logs()
    head = ("log", "layers", "vectors", "conv.", "extra", "plan us", "log's us", "repr.", "s")
    print("{:<34} {:>9} {:>9} {:>7} {:>5} {:>9} {:>9} {:>6} {:>5}  causes".format(*head))
    right = total = reproduced = plans = 0
    for log in logs:
        name = "/".join(log.parts[-3:-1]) if log.name == "build.log.gz" else log.name[:34]
        build = read_build_log(log).build
        for attempt in build.chosen:
            started = time.perf_counter()
            analysis = analyse(build, attempt)
            plans += 1
            if analysis is None:
                print(f"{name:<34} not solvable")
                continue
            seconds = time.perf_counter() - started
            choice = analysis.choice
            right, total = right + choice.layers[0], total + choice.layers[1]
            reproduced += choice.reproduced
            causes = Counter(
                reasons.reasons[0].cause.value if reasons.reasons else "unknown"
                for reasons in causes_of(
                    build, attempt, analysis, typing=typing_of_build(build, KNOWLEDGE)
                )
            )
            logged = "-" if choice.logged_ms is None else f"{choice.logged_ms * 1000:.2f}"
            print(
                "{:<34} {:>4} of {:<2} {:>4} of {:<2} {:>2} of {:<2} {:>4} {:>9.2f} {:>9} {:>6} "
                "{:>5.2f}  {}".format(
                    name,
                    *choice.layers,
                    *choice.vectors,
                    *choice.conversions,
                    choice.extra_conversions,
                    choice.plan_ms * 1000,
                    logged,
                    "yes" if choice.reproduced else "no",
                    seconds,
                    ", ".join(f"{cause} {count}" for cause, count in causes.items()),
                )
            )
    print(f"{right} of {total} layers by type; {reproduced} of {plans} plans reproduced")


if __name__ == "__main__":
    main()
