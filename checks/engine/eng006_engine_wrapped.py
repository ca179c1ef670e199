"""ENG006: a plan inside another file."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import PurePath

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


@check(id="ENG006", name="engine-wrapped", severity=Severity.WARNING, since="0.1.0")
def engine_wrapped(files: facts.EngineFiles) -> Iterator[Yielded]:
    """A file holds a plan, but is no bare plan.

    ## What it checks
    Whether each file begins with the plan itself. Ultralytics writes metadata before it, torch2trt and
    Torch-TensorRT put it into a PyTorch file, others compress or encode it.

    ## Why it matters
    Only the program that wrote the file reads it. TensorRT, trtexec and Triton answer
    `Magic tag does not match`.

    ## How to fix it
    Load it with the program that wrote it, or take the plan out.

    ## Known limits
    A plan inside two wrappers is not taken out in one step.
    """
    for plan in sound_plans(files):
        file = plan.file
        if file.container == "plan":
            yield Note(text=f"{file.path} is a bare plan")
            continue
        bare = PurePath(file.path).with_suffix(".plan")
        bare = bare if str(bare) != file.path else bare.with_suffix(".bare.plan")
        command = f"trtdoctor inspect {shlex.quote(file.path)} --extract {shlex.quote(str(bare))}"
        text = "Load it with the program that wrote it; for TensorRT itself, take the plan out."
        yield Finding(
            message=f"{file.path} is not a bare plan: {file.what}",
            subject=file.path,
            evidence=(Evidence(source="first bytes of the file", value=file.container),),
            remedy=Remedy(text=text, commands=to_run(command))
            if file.plan_size
            else Remedy(text=file.to_do or text),
        )
