"""ENG004: an engine of TensorRT-RTX where TensorRT-RTX is missing or cannot run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trtdoctor.api import (
    Device,
    Evidence,
    Fact,
    Finding,
    Knowledge,
    NotApplicable,
    Note,
    Plan,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    first_device,
    product_supports,
    sound_plans,
    to_run,
)

_MODULE = "tensorrt_rtx"


@check(id="ENG004", name="engine-needs-tensorrt-rtx", severity=Severity.ERROR, since="0.1.0")
def engine_needs_tensorrt_rtx(
    files: facts.EngineFiles,
    imports: Fact[facts.Imports],
    python: Fact[facts.TargetPython],
    gpus: Fact[facts.Gpus],
    cuda: Fact[facts.CudaDriver],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """An engine of TensorRT-RTX is to run where TensorRT-RTX is missing or does not support the GPU.

    ## What it checks
    For plans that TensorRT-RTX built: whether the target Python finds the module `tensorrt_rtx`, and
    whether the release that built the plan supports the first visible GPU.

    ## Why it matters
    TensorRT and TensorRT-RTX do not load each other's plans: `incompatible serialization version
    (1953657974 != 1953657958)` or `Magic tag does not match`. TensorRT-RTX runs on GeForce and RTX
    boards, not on data-centre GPUs such as the H100.

    ## How to fix it
    Install TensorRT-RTX of the engine's version; on a GPU that it does not support, build the engine with
    TensorRT.

    ## Known limits
    A TensorRT-RTX that only C++ programs use is not seen.
    """
    plans = [plan for plan in sound_plans(files) if plan.rtx]
    if not plans:
        raise NotApplicable("no engine of TensorRT-RTX was given")
    if imports.status == "not_run":
        raise NotApplicable("the machine was not looked at")
    device = first_device(gpus, cuda)
    for plan in plans:
        cc = device.compute_capability if device else None
        if device and cc and product_supports(plan, cc, kb) is False:
            yield _unsupported(plan, device, cc)
        elif imports.unseen:
            yield Unknown(subject=plan.subject, reason=f"the imports: {imports.reason}")
        elif _there(imports.value):
            yield Note(text=f"{plan.subject}: the target Python has {_MODULE}")
        else:
            yield _missing(plan, python.value)


def _there(imports: facts.Imports | None) -> bool:
    # A module that is there and fails to import is a cause of its own.
    return any(m.product == "tensorrt-rtx" for m in (imports.modules if imports else ()))


def _unsupported(plan: Plan, device: Device, cc: str) -> Finding:
    return Finding(
        message=f"{plan.subject} was built by {plan.label}, which does not support {device.label}, "
        f"compute capability {cc}.",
        subject=plan.subject,
        evidence=(
            Evidence(source="product in the plan", value=plan.label),
            Evidence(source=device.compute_capability_source, value=cc),
        ),
        remedy=Remedy(text="Build the engine again with TensorRT, or run it on an RTX GPU."),
    )


def _missing(plan: Plan, python: facts.TargetPython | None) -> Finding:
    interpreter = python.executable if python else "python3"
    exact = ".".join((plan.version or "").split(".")[:3])
    wanted = f"tensorrt-rtx=={exact}.*" if exact else "tensorrt-rtx"
    return Finding(
        message=f"{plan.subject} was built by {plan.label}, and {interpreter} has no {_MODULE}.",
        subject=plan.subject,
        evidence=(
            Evidence(source="product in the plan", value=plan.label),
            Evidence(source=f"import {_MODULE}", value="no such module"),
        ),
        remedy=Remedy(
            text=f"Install {plan.label}: no other release of it loads this engine.",
            commands=to_run(f"{shlex.quote(interpreter)} -m pip install {shlex.quote(wanted)}"),
        ),
    )
