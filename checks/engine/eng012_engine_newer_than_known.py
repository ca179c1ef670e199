"""ENG012: an engine newer than this trtdoctor knows."""

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
    sound_plans,
    to_run,
)


@check(id="ENG012", name="engine-newer-than-known", severity=Severity.INFO, since="0.1.0")
def engine_newer_than_known(files: facts.EngineFiles) -> Iterator[Yielded]:
    """An engine is newer than this trtdoctor knows.

    ## What it checks
    Whether each plan's layout and version are among those that trtdoctor was tested with.

    ## Why it matters
    Only what NVIDIA documents of the header is told; the rest is missing or only possible. Checks that
    need it say unknown.

    ## How to fix it
    Update trtdoctor, or load the engine with its own TensorRT: live facts do not depend on the file's
    layout.
    """
    for plan in sound_plans(files):
        if not plan.file.newer_than_known:
            yield Note(text=f"{plan.subject}: plans of {plan.label} are known")
            continue
        yield Finding(
            message=f"{plan.subject}, of {plan.label}, is newer than this trtdoctor knows.",
            subject=plan.subject,
            evidence=(Evidence(source="content of the file", value=plan.file.what),),
            remedy=Remedy(
                text="Update trtdoctor; where the TensorRT that built it is installed, name its Python.",
                commands=to_run(
                    "python3 -m pip install --upgrade trtdoctor",
                    "trtdoctor inspect ENGINE --python PYTHON",
                ),
            ),
        )
