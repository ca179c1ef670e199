"""Lists where the knowledge tables are behind: releases that exist and that a table does not reach.

    python docs/stale.py                     # against the releases that other tables name
    python docs/stale.py --index             # ... and those that the package index has, asked with pip
    python docs/stale.py tensorrt=11.5       # ... and those that are given

Each line is a table, the product, the newest release that it covers, and the newer ones. Ends with
status 1 where there is any.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator

from trtdoctor.knowledge import Knowledge, versions

# What the package index calls a product.
PACKAGES = {
    "tensorrt": "tensorrt-cu13",
    "tensorrt-lean": "tensorrt-lean-cu13",
    "tensorrt-dispatch": "tensorrt-dispatch-cu13",
    "tensorrt-rtx": "tensorrt-rtx",
    "nvidia-modelopt": "nvidia-modelopt",
    "polygraphy": "polygraphy",
    "onnxruntime-gpu": "onnxruntime-gpu",
    "torch-tensorrt": "torch-tensorrt",
}


def covered(kb: Knowledge) -> dict[tuple[str, str], str]:
    """The newest release that each table covers of each product: by its head, else by its rows."""
    newest: dict[tuple[str, str], str] = {}
    for info in kb.tables():
        for row in kb.rows(info.name):
            product = row.get("product") or row.get("framework")
            if product is None:
                continue
            try:
                newest[info.name, product] = kb.covered(info.name, product)[1]
            except LookupError:
                if "last" in row:
                    known = newest.get((info.name, product), "0")
                    newest[info.name, product] = max(known, row["last"], key=versions.release)
    return newest


def behind(
    kb: Knowledge, releases: dict[str, set[str]]
) -> Iterator[tuple[str, str, str, list[str]]]:
    """Table, product, the newest release covered, and the releases beyond it, oldest first."""
    for (table, product), last in sorted(covered(kb).items()):
        minors = {".".join(release.split(".")[:2]) for release in releases.get(product, ())}
        beyond = [r for r in minors if _beyond(r, last)]
        if beyond:
            yield table, product, last, sorted(beyond, key=versions.release)


def _beyond(release: str, last: str) -> bool:
    try:
        return versions.compare(versions.release(release), last) > 0
    except versions.Undecided:
        return False


def of_the_index(products: Iterable[str]) -> dict[str, set[str]]:
    """The releases that pip finds, by product; what it cannot find is told on stderr."""
    found: dict[str, set[str]] = {}
    for product in products:
        done = subprocess.run(
            [sys.executable, "-m", "pip", "index", "versions", PACKAGES[product]],
            capture_output=True,
            text=True,
            check=False,
        )
        listed = re.search(r"Available versions: (.+)", done.stdout)
        if listed is None:
            said = (done.stderr.strip().splitlines() or ["no answer"])[-1]
            sys.stderr.write(f"{product}: {said}\n")
            continue
        found[product] = {
            r for r in listed.group(1).split(", ") if re.fullmatch(r"\d+(\.\d+)+(\.post\d+)?", r)
        }
    return found


def main(arguments: list[str]) -> int:
    """Print the list; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--index", action="store_true", help="ask the package index with pip")
    parser.add_argument("release", nargs="*", metavar="PRODUCT=RELEASE")
    options = parser.parse_args(arguments)
    kb = Knowledge.load()
    releases: dict[str, set[str]] = {}
    for (_, product), last in covered(kb).items():
        releases.setdefault(product, set()).add(last)
    for text in options.release:
        product, _, release = text.partition("=")
        if versions.numbers(release) is None:
            parser.error(f"{text} is no PRODUCT=RELEASE, as tensorrt=11.5")
        releases.setdefault(product, set()).add(release)
    if options.index:
        for product, found in of_the_index(p for p in PACKAGES if p in releases).items():
            releases[product] |= found
    rows = list(behind(kb, releases))
    for table, product, last, beyond in rows:
        sys.stdout.write(f"{table:<28} {product:<18} to {last:<10} behind: {', '.join(beyond)}\n")
    return 1 if rows else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
