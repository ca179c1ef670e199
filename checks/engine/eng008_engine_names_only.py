"""ENG008: an engine whose inspector tells layer names only, or nothing."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    Finding,
    Note,
    Plan,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    either,
    engine_beside,
    facts,
    sound_plans,
    to_run,
    to_write,
)

_TELLS = {"names": "the names of its layers only", "none": "nothing of its layers"}


@check(id="ENG008", name="engine-names-only", severity=Severity.INFO, since="0.1.0")
def engine_names_only(
    files: facts.EngineFiles, precisions: Fact[facts.EnginePrecisions]
) -> Iterator[Yielded]:
    """An engine was built so that its inspector tells no details of the layers.

    ## What it checks
    The profiling verbosity that each plan was built with. Names only is the builder's default.

    ## Why it matters
    TensorRT's engine inspector then tells no data types, formats and tactics, and no tool that asks it
    can say which layers are FP16. The engine itself runs the same.

    ## How to fix it
    Build with the verbosity DETAILED while you analyse. For the precisions alone that is often not
    needed: plans up to TensorRT 10.3 keep their layers' details in the file, and so do fused parts of
    later ones; trtdoctor reads them there.

    ## Known limits
    What is read from the file without TensorRT is likely, not certain.

    ## References
    - TensorRT documentation, "Engine Inspector":
      https://docs.nvidia.com/deeplearning/tensorrt/10.16.1/inference-library/engine-tools.html
    """
    known = {item.path: item for item in (precisions.value.engines if precisions.value else ())}
    for plan in sound_plans(files):
        verbosity = plan.identity.profiling_verbosity
        if verbosity is None:
            yield Unknown(subject=plan.subject, reason="the file does not record its verbosity")
        elif verbosity in _TELLS:
            yield _finding(plan, verbosity, known.get(plan.subject))
        else:
            yield Note(text=f"{plan.subject} was built with verbosity {verbosity}")


def _finding(plan: Plan, verbosity: str, precision: facts.EnginePrecision | None) -> Finding:
    told = ""
    if precision is not None and precision.layers:
        where = {"static": "the file itself", "build-log": "the build log"}
        told = f" trtdoctor reads its layers from {where.get(precision.source or '', 'elsewhere')}."
    program = "tensorrt_rtx" if plan.rtx else "trtexec"
    target = engine_beside(plan, "detailed")
    polygraphy = (
        f"polygraphy convert MODEL.onnx --convert-to trt -o {target} --profiling-verbosity detailed"
    )
    return Finding(
        message=f"The inspector tells {_TELLS[verbosity]} of {plan.subject}.{told}",
        subject=plan.subject,
        confidence=plan.confidence("profiling_verbosity"),
        evidence=(Evidence(source="profiling verbosity in the plan", value=verbosity),),
        remedy=Remedy(
            text="Build it again with the options it was built with and detailed verbosity: with "
            f"{program}, or in the Python that builds"
            f"{'' if plan.rtx else ', or with Polygraphy'}.",
            commands=either(
                to_run(
                    f"{program} --onnx=MODEL.onnx --saveEngine={target} "
                    "--profilingVerbosity=detailed"
                ),
                to_write(
                    "config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED",
                    where="the script that builds",
                ),
                () if plan.rtx else to_run(polygraphy),
            ),
        ),
    )
