"""Writes the generated pages of docs/: one for each check and each cause, and the lists of them.

Run with ``python3 dev.py docs``; a test compares what is committed with what this would write.
"""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from trtdoctor.checking.definition import AREAS, SECTIONS, Check
from trtdoctor.checking.discover import Catalogue, discover
from trtdoctor.checking.judge import verdict
from trtdoctor.knowledge import CAUSE_SECTIONS, WORLDS, CauseDoc, Knowledge
from trtdoctor.model.report import Report, Tool
from trtdoctor.render.terminal import TerminalOptions, render_terminal
from trtdoctor.testing import Case, load_cases, run_case

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests" / "checks"


def pages() -> dict[Path, str]:
    """Each generated file, relative to the repository, with its content."""
    catalogue = discover()
    own = tuple(check for check in catalogue.checks if check.info.plugin is None)
    folder = Path("docs/checks")
    made = {folder / f"{check.id}.md": _page(check) for check in own}
    made[folder / "README.md"] = _index(own, catalogue)
    causes = Knowledge.load().causes()
    folder = Path("docs/causes")
    made |= {folder / f"{doc.cause.value}.md": _cause_page(doc) for doc in causes}
    made[folder / "README.md"] = _cause_index(causes)
    return made


def _cause_page(doc: CauseDoc) -> str:
    lines = [f"# `{doc.cause.value}`", "", f"{doc.title}.", "", f"In {WORLDS[doc.world]}."]
    for heading, field in CAUSE_SECTIONS:
        lines += ["", f"## {heading}", "", _filled(getattr(doc, field))]
    lines += ["", "## Example", "", _filled(f"From {doc.example_from}:"), "", "```"]
    lines += [doc.example.strip("\n"), "```", "", "## References", ""]
    lines += [f"- {reference}" for reference in doc.references]
    return "\n".join(lines) + "\n"


def _filled(text: str) -> str:
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _cause_index(causes: tuple[CauseDoc, ...]) -> str:
    lines = [
        "# Causes",
        "",
        "Why a layer's arithmetic is not FP16. `weak` are builds in which the builder chooses types,",
        "`strong` those in which the model's types hold. Names are permanent.",
        "",
        "| cause | typing | why |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| [`{doc.cause.value}`]({doc.cause.value}.md) | {doc.world} | {doc.title} |"
        for doc in causes
    ]
    return "\n".join(lines) + "\n"


def _page(check: Check) -> str:
    info = check.info
    lines = [
        f"# {check.id} `{check.name}`",
        "",
        f"{info.title}.",
        "",
        f"Severity **{info.severity.value}** · area **{info.area}** · since {check.since}",
    ]
    for section in SECTIONS:
        if body := check.documentation.get(section):
            lines += ["", f"## {section}", "", body]
    if check.explained_by:
        names = ", ".join(f"`{name}`" for name in check.explained_by)
        lines += [
            "",
            "## Explained by",
            "",
            f"Does not apply where one of these has the cause: {names}.",
        ]
    if check.blinded_by:
        names = ", ".join(f"`{name}`" for name in check.blinded_by)
        lines += [
            "",
            "## Blinded by",
            "",
            f"Does not apply where one of these failed and it could not decide: {names}.",
        ]
    looked = ", ".join(sorted({f"`{p.fact.FACT}`" for p in check.parameters if p.fact}))
    lines += ["", "## Looks at", "", f"{looked}."]
    case = next((c for c in _cases(check) if c.kind == "bad"), None)
    if case is not None:
        lines += ["", "## Example", "", f"A machine where {case.name}:", "", "```"]
        lines += [_example(check, case), "```"]
    return "\n".join(lines) + "\n"


def _cases(check: Check) -> list[Case]:
    file = CASES / f"{check.id}.yaml"
    return list(load_cases(file)) if file.is_file() else []


def _example(check: Check, case: Case) -> str:
    outcome = run_case(case, check)
    report = Report(
        created=case.snapshot.taken,
        tool=Tool(version="", knowledge=""),
        command="check",
        verdict=verdict([outcome]),
        outcomes=(outcome,),
        snapshot=case.snapshot,
    )
    text = render_terminal(report, TerminalOptions(width=96))
    blocks = text.strip().split("\n\n")
    return next(block for block in blocks if f"{check.id} {check.name}" in block).partition("\n")[2]


def _index(own: tuple[Check, ...], catalogue: Catalogue) -> str:
    lines = [
        "# Checks",
        "",
        "What `trtdoctor check` judges, by area. Ids are permanent and never used again.",
    ]
    for area, word in AREAS.items():
        checks = [check for check in own if check.id.startswith(area)]
        if checks:
            lines += [
                "",
                f"## {word}",
                "",
                "| id | name | severity | finds |",
                "| --- | --- | --- | --- |",
            ]
            lines += [
                f"| [{c.id}]({c.id}.md) | `{c.name}` | {c.info.severity.value} | {c.info.title} |"
                for c in checks
            ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write all pages and remove those of checks and causes that are gone."""
    made = pages()
    for folder in ("checks", "causes"):
        for path in (ROOT / "docs" / folder).glob("*.md"):
            if path.relative_to(ROOT) not in made:
                path.unlink()
    for relative, content in made.items():
        target = ROOT / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, "utf-8")
    sys.stdout.write(f"{len(made)} pages written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
