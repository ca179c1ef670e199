"""ENG003: an engine for another operating system or processor architecture."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    Finding,
    NotApplicable,
    Note,
    Plan,
    Remedy,
    Severity,
    Yielded,
    check,
    engine_beside,
    facts,
    load_of,
    platform_name,
    sound_plans,
    to_run,
)


@check(id="ENG003", name="engine-for-other-platform", severity=Severity.ERROR, since="0.1.0")
def engine_for_other_platform(
    files: facts.EngineFiles, loads: Fact[facts.EngineLoads], system: facts.OperatingSystem
) -> Iterator[Yielded]:
    """An engine was built for another operating system or processor architecture.

    ## What it checks
    The platform that each plan names, such as `linux-aarch64`, against this machine's.

    ## Why it matters
    Plans do not move between Linux and Windows, nor between x86-64 and Arm: loading ends with
    `Platform specific tag mismatch detected`, or crashes.

    ## How to fix it
    Build the engine on this platform. From TensorRT 10.2 on, Linux can build for Windows with
    `runtime_platform`.

    ## Known limits
    Plans before TensorRT 10, but for those of Jetson modules, and plans of TensorRT-RTX do not name
    their platform; the check does not apply to them.

    ## References
    - TensorRT documentation, "Cross-Platform Compatibility":
      https://docs.nvidia.com/deeplearning/tensorrt/11.1.0/inference-library/engine-compatibility.html
    """
    here = platform_name(system)
    telling = [plan for plan in sound_plans(files) if plan.identity.platform]
    if not telling:
        raise NotApplicable("the file does not name the platform it was built for")
    for plan in telling:
        load = load_of(plan.file, loads.value)
        if plan.identity.platform == here or (load is not None and load.loaded):
            yield Note(text=f"{plan.subject} is for {here}")
        else:
            yield _finding(plan, here)


def _finding(plan: Plan, here: str) -> Finding:
    platform = plan.identity.platform or ""
    return Finding(
        message=f"{plan.subject} was built for {platform}, and this is {here}.",
        subject=plan.subject,
        confidence=plan.confidence("platform"),
        evidence=(
            Evidence(source="platform in the plan", value=platform),
            Evidence(source="operating system", value=here),
        ),
        remedy=Remedy(
            text=f"Build the engine again on {here}, or run it on {platform}.",
            commands=to_run(f"trtexec --onnx=MODEL.onnx --saveEngine={engine_beside(plan, 'new')}"),
        ),
    )
