"""ENG007: a file that was given as an engine and holds none."""

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
    facts,
    is_no_plan,
)


@check(id="ENG007", name="engine-not-a-plan", severity=Severity.ERROR, since="0.1.0")
def engine_not_a_plan(files: facts.EngineFiles) -> Iterator[Yielded]:
    """A file that was given as an engine holds none.

    ## What it checks
    What each file really is: an ONNX model, a timing or calibration cache, a Git LFS pointer, a web page,
    an archive, an empty file and more are told by their content, whatever their name.

    ## Why it matters
    TensorRT answers `Magic tag does not match`, which says nothing of what the file is.

    ## How to fix it
    Give the engine itself; the finding says for each kind of file how to come by it.
    """
    for file in files.files:
        if not is_no_plan(file):
            yield Note(text=f"{file.path} holds a plan")
            continue
        yield Finding(
            message=f"{file.path} holds no engine: {file.what}",
            subject=file.path,
            evidence=(
                Evidence(source="content of the file", value=file.container),
                Evidence(source="size of the file", value=f"{file.size} bytes"),
            ),
            remedy=Remedy(text=file.to_do or "Check that this is the file that was meant."),
        )
