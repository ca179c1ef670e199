"""LIB005: LD_LIBRARY_PATH makes the loader look into the working directory."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Finding,
    Note,
    Remedy,
    Severity,
    Yielded,
    check,
    count,
    facts,
    to_run,
)


@check(id="LIB005", name="library-path-working-directory", severity=Severity.INFO, since="0.1.0")
def library_path_working_directory(path: facts.LibraryPath) -> Iterator[Yielded]:
    """LD_LIBRARY_PATH makes the loader look into the working directory.

    ## What it checks
    Empty and relative entries of `LD_LIBRARY_PATH`. A colon at either end, or two in a row, is an empty
    entry; `export LD_LIBRARY_PATH=/x:$LD_LIBRARY_PATH` makes one where the variable was not set before.

    ## Why it matters
    To the loader an empty entry is the working directory. What a program loads then depends on where it
    was started, and whoever can write there decides what it runs.

    ## How to fix it
    Append only where there is something to append to:
    `export LD_LIBRARY_PATH=/x${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}`.

    ## References
    - ld.so(8), LD_LIBRARY_PATH: https://man7.org/linux/man-pages/man8/ld.so.8.html
    """
    relative = [
        entry.path
        for entry in path.entries
        if not entry.path.startswith(("/", "~", "$", "<", '"', "'"))
    ]
    if not relative:
        yield Note(text=f"{count(len(path.entries), 'entry')}, none of them relative")
        return
    empty = relative.count("")
    told = ", ".join([*(["an empty entry"] if empty else []), *(p for p in relative if p)])
    yield Finding(
        message=f"LD_LIBRARY_PATH has {told}: the loader looks into the working directory.",
        evidence=(
            Evidence(
                source="LD_LIBRARY_PATH", value=":".join(entry.path for entry in path.entries)
            ),
        ),
        remedy=Remedy(
            text="Leave out the colon that has nothing on one side, and write folders in full.",
            commands=to_run("export LD_LIBRARY_PATH=/x${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"),
        ),
        references=("ld.so(8): https://man7.org/linux/man-pages/man8/ld.so.8.html",),
    )
