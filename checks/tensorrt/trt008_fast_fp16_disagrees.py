"""TRT008: TensorRT's own answer on fast FP16 differs from the GPU's documentation."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Finding,
    Knowledge,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
)


@check(
    id="TRT008",
    name="fast-fp16-disagrees",
    severity=Severity.WARNING,
    since="0.1.0",
    explained_by=("gpu-outside-tensorrt-support", "tensorrt-builder-fails"),
)
def fast_fp16_disagrees(
    builders: facts.Builders, cuda: facts.CudaDriver, kb: Knowledge
) -> Iterator[Yielded]:
    """TensorRT's Builder and the GPU's documentation disagree on fast FP16.

    ## What it checks
    `platform_has_fast_fp16` of the Builder, where this TensorRT still has it, against what NVIDIA
    documents for the compute capability of the first visible GPU, which is the one a Builder asks.

    ## Why it matters
    A TensorRT that is older than the GPU answers no for want of knowing it, and then builds FP32 engines
    or FP16 engines without the fast kernels.

    ## How to fix it
    Use a TensorRT release that knows the GPU.

    ## Known limits
    TensorRT 11 and TensorRT-RTX have no such answer. On compute capability 7.5 it is yes even for boards
    without tensor cores.

    ## References
    - CUDA C++ Programming Guide, "Arithmetic Instructions":
      https://docs.nvidia.com/cuda/archive/12.9.1/cuda-c-programming-guide/index.html#arithmetic-instructions
    """
    asked = [trial for trial in builders.trials if trial.fast_fp16 is not None]
    if not asked:
        raise NotApplicable("no Builder here answers platform_has_fast_fp16")
    if not cuda.devices:
        raise NotApplicable("no GPU is visible")
    device = min(cuda.devices, key=lambda d: d.ordinal)
    if device.compute_capability is None:
        yield Unknown(
            subject=f"cuda:{device.ordinal}", reason="its compute capability is not known"
        )
        return
    documented = kb.compute_capability(device.compute_capability)
    for trial in asked:
        says = "fast FP16" if trial.fast_fp16 else "no fast FP16"
        if trial.fast_fp16 == documented.fast_fp16:
            yield Note(text=f"{trial.module} says {says} too")
            continue
        truth = "has it" if documented.fast_fp16 else "has none"
        yield Finding(
            message=f"{trial.module} says {says} for cuda:{device.ordinal} ({device.name or 'GPU'}), but "
            f"compute capability {device.compute_capability} {truth}.",
            subject=f"cuda:{device.ordinal}",
            confidence=Confidence.LIKELY,
            evidence=(
                Evidence(
                    source=f"{trial.module}.Builder.platform_has_fast_fp16",
                    value=str(trial.fast_fp16),
                ),
                Evidence(source="compute capability", value=device.compute_capability),
            ),
            remedy=Remedy(text="Compare with a TensorRT release that supports this GPU."),
            references=(documented.source,),
        )
