"""Writes the generated pages of docs/: checks, causes, errors, commands, tours and the lists of them.

Run with ``python3 dev.py docs``; a test compares what is committed with what this would write.
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

from docs.reference import command_pages, decisions
from docs.screens import with_screens
from trtdoctor.checking.definition import AREAS, SECTIONS, Check
from trtdoctor.checking.discover import Catalogue, discover
from trtdoctor.checking.judge import verdict
from trtdoctor.knowledge import (
    CAUSE_SECTIONS,
    WORLDS,
    CauseDoc,
    CodeTable,
    ErrorCode,
    Knowledge,
    LogMessage,
)
from trtdoctor.knowledge.decoding import code_id
from trtdoctor.model.report import Confidence, Report, Tool
from trtdoctor.render.decoded import check_command
from trtdoctor.render.terminal import TerminalOptions, render_terminal
from trtdoctor.testing import Case, load_cases, run_case

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests" / "checks"
# Areas whose names are written otherwise than with a capital letter alone.
_AREA_NAMES = {"gpu": "GPU", "cuda": "CUDA", "tensorrt": "TensorRT", "onnx": "ONNX"}
# Folders that hold nothing but generated pages.
FOLDERS = ("checks", "causes", "commands", "errors")
_NUMBERED = {
    CodeTable.CUDA: "CUDA error",
    CodeTable.NVML: "NVML error",
    CodeTable.TENSORRT: "TensorRT error code",
    CodeTable.EXIT: "Exit code",
}
# Programs whose names begin small wherever they stand.
_SMALL = ("pip", "trtexec")


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
    return made | _error_pages(Knowledge.load()) | command_pages() | decisions()


def tours() -> dict[Path, str]:
    """Each page whose commands are run for it, from its template beside it."""
    return {
        path.with_suffix(".md").relative_to(ROOT): with_screens(path.read_text("utf-8"))
        for path in sorted((ROOT / "docs").rglob("*.template"))
    }


def _error_pages(knowledge: Knowledge) -> dict[Path, str]:
    folder = Path("docs/errors")
    messages = knowledge.all_messages()
    codes = [(kind, row) for kind in CodeTable for row in knowledge.error_codes(kind)]
    made = {folder / f"{message.id}.md": _message_page(message, knowledge) for message in messages}
    made |= {
        folder / f"{code_id(kind, row)}.md": _code_page(kind, row, messages) for kind, row in codes
    }
    made[folder / "README.md"] = _error_index(messages, codes)
    return made


def _message_page(message: LogMessage, knowledge: Knowledge) -> str:
    meaning = f"{_capital(message.meaning)}."
    lines = [f"# {_code(message.example)}", "", f"Said by {message.said_by}. {meaning}"]
    seen = " to ".join(dict.fromkeys(v for v in (message.first, message.last) if v))
    if seen:
        newer = "" if message.last else " and newer"
        lines += ["", f"Seen in TensorRT {seen}{newer}."]
    if message.code is not None and message.codes is not None:
        row = next(r for r in knowledge.error_codes(message.codes) if r.code == message.code)
        target = f"{code_id(message.codes, row)}.md"
        lines += ["", f"It is error [{row.code}, `{row.name}`]({target})."]
    if message.certainty is not Confidence.CERTAIN:
        lines += ["", f"That it means this is {message.certainty.value}, not certain."]
    if message.often:
        lines += ["", "## Most frequent cause", "", f"{_capital(message.often)}."]
    lines += ["", "## What to do next", "", f"{_capital(message.next_step)}."]
    if message.follower:
        lines += ["", "It only says that something before it failed: read the lines before it."]
    if message.follows:
        before = ", ".join(f"[`{name}`]({name}.md)" for name in message.follows)
        lines += ["", f"Where one of these stands before it, that is the cause: {before}."]
    if message.commands:
        commands = (re.sub(r"\{([a-z]+)\}", lambda m: m[1].upper(), c) for c in message.commands)
        lines += ["", "```sh", *commands, "```"]
    lines += _proof(message.checks)
    return "\n".join([*lines, *_from(message.source, message.id, message.note)]) + "\n"


def _code_page(kind: CodeTable, row: ErrorCode, messages: tuple[LogMessage, ...]) -> str:
    names = dict.fromkeys(name for name in (row.name, row.runtime_name) if name)
    lines = [f"# {_NUMBERED[kind]} {row.code}: {', '.join(f'`{name}`' for name in names)}", ""]
    if row.sentence:
        lines += [f"It is printed as {_code(row.sentence)}.", ""]
    lines += [f"{_capital(row.meaning)}."]
    lines += ["", "## What to do next", "", f"{_capital(row.next_step)}."]
    told = next((m for m in messages if m.codes is kind and m.code == row.code), None)
    if told is not None:
        lines += ["", f"[{_code(told.example)}]({told.id}.md) has its most frequent cause."]
    lines += _proof(row.checks)
    return "\n".join([*lines, *_from(row.source, code_id(kind, row), row.note)]) + "\n"


def _proof(checks: tuple[str, ...]) -> list[str]:
    if not checks:
        return []
    links = ", ".join(f"[{check}](../checks/{check}.md)" for check in checks)
    return ["", "## What proves it on your machine", "", f"{links}:", "", "```sh",
            check_command(checks), "```"]  # fmt: skip


def _from(source: str, name: str, note: str | None) -> list[str]:
    noted = ["", f"Note: {note}."] if note else []
    return [*noted, "", f"Its name is `{name}`: `trtdoctor why {name}`.", "", f"Source: {source}"]


def _error_index(messages: tuple[LogMessage, ...], codes: list[tuple[CodeTable, ErrorCode]]) -> str:
    lines = [
        "# Errors",
        "",
        "What people are shown and what it means. `trtdoctor decode TEXT` finds the page.",
        "",
        "| text | said by | means |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| [{_cell(_code(_short(m.example)))}]({m.id}.md) | {m.said_by} | {_cell(m.meaning)} |"
        for m in messages
    ]
    for kind, heading in _NUMBERED.items():
        lines += ["", f"## {heading}", "", "| code | name | means |", "| --- | --- | --- |"]
        lines += [
            f"| [{row.code}]({code_id(kind, row)}.md) | `{row.runtime_name or row.name}` | "
            f"{_cell(row.meaning)} |"
            for of, row in codes
            if of is kind
        ]
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    """Text as code, whatever backticks are in it."""
    return f"`` {text.strip()} ``" if "`" in text else f"`{text.strip()}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _short(text: str) -> str:
    return text if len(text) <= 90 else f"{text[:90]} ..."


def _capital(text: str) -> str:
    """A sentence's beginning; names such as cuDNN and libcuda.so stay as they are."""
    first = text.split()[0].removesuffix("'s")
    if first in _SMALL or not first.isalpha() or not first.islower() or first.startswith("lib"):
        return text
    return f"{text[:1].upper()}{text[1:]}"


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
        "Why a layer's arithmetic is not FP16. In a `weak` build the builder chooses the types, in a",
        "`strong` one the model's types hold. `trtdoctor why CAUSE` prints a page. Names are permanent.",
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
    case = next((c for c in _cases(check) if c.kind == "bad" and c.example), None)
    if case is not None:
        lines += ["", "## Example", "", case.example, "", "```", _example(check, case), "```"]
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
        "What `trtdoctor check` judges, by area. `trtdoctor check --select AREA` runs those of one area;",
        "`trtdoctor why ID` prints a page. Ids are permanent and never used again.",
    ]
    for area, word in AREAS.items():
        checks = [check for check in own if check.id.startswith(area)]
        if checks:
            lines += [
                "",
                f"## {_AREA_NAMES.get(word, word.capitalize())}",
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
    """Write all pages and remove those of what is gone."""
    made = pages() | tours()
    for folder in FOLDERS:
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
