"""ENG005: an engine file that is cut short or was changed after it was written."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Finding,
    Note,
    Remedy,
    Severity,
    Yielded,
    check,
    facts,
    is_damaged,
    to_run,
)

_AGAIN = "Copy the file again and compare both ends, or build the engine again."
# The first of these that a file has is its cause; the others follow from it.
_REMEDIES = {
    "text-mode": "The file went through a text-mode copy, which turned each line feed into two bytes: "
    "copy it again in binary mode, and mark such files as binary in .gitattributes (*.engine binary).",
    "saved-as-text": "The bytes were decoded as text and written again, which cannot be undone: get the "
    "original, and read and write it in binary mode, open(path, 'rb') and 'wb'.",
    "truncated": "Copy or download the file again; where it was built here, look whether the disk was "
    "full, and build again.",
    "section-range": "Its table of contents points outside the file. " + _AGAIN,
    "checksum": "Its bytes were changed after it was written. " + _AGAIN,
    "implausible-version": "Its header was overwritten. " + _AGAIN,
    "version-mismatch": "Its header and the engine inside name different versions: one of them was "
    "written over. " + _AGAIN,
    "damaged": "Its bytes were changed after it was written. " + _AGAIN,
    "end-mark": "Its end was overwritten. " + _AGAIN,
    "trailing-bytes": "Cut it to the size that the plan names, or copy it again.",
}


@check(id="ENG005", name="engine-truncated", severity=Severity.ERROR, since="0.1.0")
def engine_truncated(files: facts.EngineFiles) -> Iterator[Yielded]:
    """An engine file is cut short, or was changed after it was written.

    ## What it checks
    The size that the plan's header names against the file's; its sections, end mark and, up to TensorRT
    8.0, its checksum; whether header and content agree; whether it was copied or saved as text. A wrapped
    plan is judged too.

    ## Why it matters
    Loading fails with an assertion such as `header.size == blobSize`. Where TensorRT does not notice, the
    engine computes something else.

    ## How to fix it
    Copy the file again in binary mode and compare checksums, or build the engine again.

    ## Known limits
    Changed weights are not noticed: from TensorRT 8.2 on a plan has no checksum.
    """
    for file in files.files:
        if is_damaged(file):
            yield _finding(file)
        elif file.identity is not None:
            yield Note(text=f"{file.path}: its size and structure are as its header says")


def _finding(file: facts.EngineFile) -> Finding:
    kind = next((item for item in _REMEDIES if item in file.problems), None)
    message = file.problems[kind] if kind else next(iter(file.problems.values()))
    path = shlex.quote(file.path)
    commands = [f"sha256sum {path}"]
    if kind == "trailing-bytes" and file.container == "plan" and file.plan_size:
        commands = [f"head -c {file.plan_size} {path} > {path}.cut"]
    return Finding(
        message=f"{file.path} is damaged: {message}.",
        subject=file.path,
        evidence=(
            *(Evidence(source=name, value=text) for name, text in file.problems.items()),
            Evidence(source="size of the file", value=f"{file.size} bytes"),
        ),
        remedy=Remedy(text=_REMEDIES[kind] if kind else _AGAIN, commands=to_run(*commands)),
    )
