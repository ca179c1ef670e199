"""What a page of many layers costs a reader: its size, and how long headless Chromium takes to show it.

    python benchmarks/pages.py [--layers 500,5000] [--rounds 5]

Needs playwright and a Chromium. The layers and explanations of a real network are repeated under new
names, with a time each. ``open`` is from the start of the navigation until the second frame is drawn,
``sort`` until the table is sorted and drawn again; both are medians, in seconds. ``ratio`` is ``open``
against that of an empty page in the same browser. Ends with status 1 where a page of at most 5000
layers passes 5 MB or takes 2 s to open.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
from playwright.sync_api import sync_playwright
from rendering import explained, grown, shared

from trtdoctor.model.report import Report
from trtdoctor.render.html import render_html

BYTES, SECONDS, LAYERS = 5_000_000, 2.0, 5000
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def timed(report: Report) -> Report:
    """The same with a time for each layer, some of them long."""
    (engine,) = report.engines
    layers = tuple(
        msgspec.structs.replace(layer, time_ms=0.001 * (1 + n * n % 97))
        for n, layer in enumerate(engine.layers)
    )
    return msgspec.structs.replace(
        report, engines=(msgspec.structs.replace(engine, layers=layers),)
    )


def opened(browser: Any, file: Path) -> tuple[float, float]:
    """Seconds until a page is shown, and until its table is sorted; 0 for one without a table."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    begun = time.perf_counter()
    page.goto(file.as_uri())
    page.evaluate(DRAWN)
    shown = time.perf_counter() - begun
    button = page.locator("table.search th button").first
    took = 0.0
    if button.count():
        begun = time.perf_counter()
        button.evaluate("(button) => button.click()")
        page.evaluate(DRAWN)
        took = time.perf_counter() - begun
    page.close()
    return shown, took


def main() -> int:
    """Measure; status 1 where a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", default=f"500,{LAYERS}")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    report = explained()
    failed = False
    print(f"{'layers':>7} {'command':8} {'bytes':>10} {'open':>6} {'ratio':>6} {'sort':>6}")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        file = Path(folder) / "page.html"

        def measured() -> tuple[float, float]:
            opened(browser, file)
            both = [opened(browser, file) for _ in range(given.rounds)]
            return statistics.median(a for a, _ in both), statistics.median(b for _, b in both)

        file.write_text("<!doctype html><title>empty</title>")
        empty, _ = measured()
        for number in map(int, given.layers.split(",")):
            for command in ("inspect", "explain"):
                text = render_html(shared(timed(grown(report, number, command))))
                size = file.write_bytes(text.encode())
                shown, took = measured()
                print(
                    f"{number:7} {command:8} {size:10} {shown:6.2f} {shown / empty:6.1f} {took:6.2f}"
                )
                failed |= number <= LAYERS and (size > BYTES or shown > SECONDS)
        browser.close()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
