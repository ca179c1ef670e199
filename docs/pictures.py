"""Draws the screens of the README: what the terminal shows, as SVG that needs no font from elsewhere.

Run with ``python3 dev.py docs``; a test compares what is committed with what this would draw.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from trtdoctor.cli.app import run
from trtdoctor.model.codec import read_report
from trtdoctor.render.terminal import TerminalOptions, render_terminal

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = 100
# File, what stands in its title, the command that is really run, and how many lines are shown.
SCREENS = (
    (
        "check.svg",
        "trtdoctor check",
        ("check", "--host", str(ROOT / "tests/hosts/imagined-driver-too-old")),
        None,
    ),
    (
        "explain.svg",
        "trtdoctor explain --log build.log",
        ("explain", "--log", str(ROOT / "tests/data/explain/bigmlp.fp16.log.gz")),
        28,
    ),
)
_SVG = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def pictures() -> dict[Path, str]:
    """Each picture, relative to the repository, with its SVG."""
    return {
        Path("docs/pictures", name): _drawn(name, title, _screen(arguments), lines)
        for name, title, arguments, lines in SCREENS
    }


def _screen(arguments: tuple[str, ...]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder, "report.json")
        code = run([*arguments, "--fail-on", "never", "-q", "-o", str(saved)])
        if code or not saved.is_file():
            raise RuntimeError(f"trtdoctor {' '.join(arguments)} ended with {code}")
        report = read_report(saved.read_bytes())
    return render_terminal(report, TerminalOptions(width=COLUMNS, color=True))


def _drawn(name: str, title: str, screen: str, lines: int | None) -> str:
    # A picture shows the names that a user would see, and neither a version nor a date of today.
    screen = screen.replace(f"{ROOT}/tests/data/explain/bigmlp.fp16.log.gz", "build.log")
    screen = screen.replace("bigmlp.fp16.log.gz", "build.log")
    screen = re.sub(r"trtdoctor \d[^\n]*\n", "", screen, count=1)
    shown = screen.rstrip("\n").split("\n")
    if lines is not None and len(shown) > lines:
        shown = [*shown[:lines], "..."]
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), highlight=False)
    console.print(Text.from_ansi("\n".join(shown)))
    svg = console.export_svg(
        title=title, theme=MONOKAI, code_format=_SVG, unique_id=name.partition(".")[0]
    )
    return "".join(f"{line.rstrip()}\n" for line in svg.splitlines())


def main() -> int:
    """Draw all of them."""
    stdout, sys.stdout = sys.stdout, io.StringIO()
    try:
        drawn = pictures()
    finally:
        sys.stdout = stdout
    for path, svg in drawn.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(svg, "utf-8")
    sys.stdout.write(f"{len(drawn)} pictures drawn\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
