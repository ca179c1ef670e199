"""SYS002: NVIDIA_TF32_OVERRIDE=0 switches TF32 off."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    Finding,
    Knowledge,
    KnowledgeEnds,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    devices,
    facts,
    to_run,
)


@check(id="SYS002", name="tf32-overridden", severity=Severity.WARNING, since="0.1.0")
def tf32_overridden(
    environment: facts.Environment,
    gpus: Fact[facts.Gpus],
    cuda: Fact[facts.CudaDriver],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """NVIDIA_TF32_OVERRIDE=0 switches TF32 off.

    ## What it checks
    Whether the variable is 0 where this program runs, on GPUs that have TF32.

    ## Why it matters
    On Ampere and newer GPUs, TensorRT computes FP32 layers in TF32 on the tensor cores by default.
    The variable overrides that for every program: whatever stays in FP32 gets much slower, and timings
    no longer compare with other machines. Results are closer to plain FP32.

    ## How to fix it
    Unset the variable, in the shell's start files, the service's unit or the image. To switch TF32 off
    for one build, use that builder's own flag.

    ## Known limits
    Only the environment of this program is seen. A service may have another one.

    ## References
    - TensorRT Python API, BuilderFlag: TF32:
      https://docs.nvidia.com/deeplearning/tensorrt/latest/_static/python-api/infer/Core/BuilderConfig.html
    """
    value = environment.variables.get("NVIDIA_TF32_OVERRIDE")
    if value is None and "NVIDIA_TF32_OVERRIDE" not in environment.asked:
        yield Unknown(reason="this snapshot does not tell NVIDIA_TF32_OVERRIDE")
    if value is None or value.strip() != "0":
        return
    try:
        known = devices(gpus, cuda)
    except NotApplicable:
        known = ()
    found = () if isinstance(known, Unknown) else known
    if found and all(_without_tf32(device.compute_capability, kb) for device in found):
        yield Note(text="NVIDIA_TF32_OVERRIDE=0 has no effect: no GPU here has TF32")
        return
    yield Finding(
        message="NVIDIA_TF32_OVERRIDE=0: FP32 layers cannot use the tensor cores through TF32.",
        evidence=(Evidence(source="environment: NVIDIA_TF32_OVERRIDE", value=value),),
        remedy=Remedy(
            text="Unset it, unless results in plain FP32 are wanted.",
            commands=to_run("unset NVIDIA_TF32_OVERRIDE"),
        ),
    )


def _without_tf32(cc: str | None, kb: Knowledge) -> bool:
    try:
        return cc is not None and kb.compute_capability(cc).precisions.get("TF32") is False
    except KnowledgeEnds:
        return False
