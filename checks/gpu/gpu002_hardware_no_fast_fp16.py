"""GPU002: a GPU whose FP16 arithmetic is slow or missing."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Device,
    Evidence,
    Fact,
    Finding,
    Knowledge,
    KnowledgeEnds,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    devices,
    facts,
)


@check(
    id="GPU002",
    name="hardware-no-fast-fp16",
    severity=Severity.WARNING,
    since="0.1.0",
    explained_by=(
        "container-without-gpu",
        "container-driver-capabilities",
        "driver-missing",
        "driver-library-mismatch",
        "device-nodes-denied",
        "no-gpu-visible",
    ),
    blinded_by=("cuda-init-fails",),
)
def hardware_no_fast_fp16(
    gpus: Fact[facts.Gpus], cuda: Fact[facts.CudaDriver], kb: Knowledge
) -> Iterator[Yielded]:
    """The GPU has no fast FP16 arithmetic.

    ## What it checks
    Each GPU's compute capability against the dated table of what it offers: fast FP16, tensor
    cores, TF32, BF16, INT8, FP8 and FP4. Nothing is asked of TensorRT: a release that is older than
    the GPU would answer wrongly.

    ## Why it matters
    Compute capabilities 5.0 and 5.2 have no FP16 arithmetic, and 6.1 runs it at 1/64 of the rate of
    FP32. TensorRT then leaves layers in FP32, or gets slower with FP16 switched on.

    ## How to fix it
    Deploy on a GPU of compute capability 7.0 or newer (5.3, 6.0 and 6.2 are fast too). On 6.1, INT8
    is fast: quantise instead. FP16 storage still halves the weights' size.

    ## Known limits
    It says what the hardware can do, not what an engine uses.

    ## References
    - CUDA C++ Programming Guide, Arithmetic Instructions:
      https://docs.nvidia.com/cuda/archive/12.9.1/cuda-c-programming-guide/index.html#arithmetic-instructions
    - TensorRT Support Matrix, Hardware and Precision:
      https://docs.nvidia.com/deeplearning/tensorrt/11.3.0/getting-started/support-matrix.html
    """
    known = devices(gpus, cuda)
    for device in (known,) if isinstance(known, Unknown) else known:
        yield device if isinstance(device, Unknown) else _judge(device, kb)


def _judge(device: Device, kb: Knowledge) -> Yielded:
    cc = device.compute_capability
    if cc is None:
        why = device.refusal("CudaComputeCapability") or "nobody told its compute capability"
        return Unknown(reason=why, subject=device.label)
    try:
        row = kb.compute_capability(cc)
    except KnowledgeEnds as end:
        return Unknown(reason=str(end), subject=device.label)
    board = kb.board_without_tensor_cores(cc, device.name or "")
    offers = {
        "fast FP16": row.fast_fp16,
        "tensor cores": False if board else row.tensor_cores,
        **{p: row.precisions.get(p) for p in ("TF32", "BF16", "INT8", "FP8", "FP4")},
    }
    words = {True: "yes", False: "no", None: "unknown"}
    listed = ", ".join(f"{name} {words[offer]}" for name, offer in offers.items())
    source = f"{row.source}; {board.source}" if board else row.source
    if row.fast_fp16:
        return Note(text=f"{device.label}, {row.architecture} {cc}: {listed} [{source}]")
    how = "no FP16 arithmetic"
    if row.fp16_rate:
        how = f"FP16 at 1/{round(1 / row.fp16_rate)} of the rate of FP32"
    int8 = " INT8 is fast here: quantise instead." if row.precisions.get("INT8") else ""
    return Finding(
        message=f"{device.label} has no fast FP16: compute capability {cc} ({row.architecture}) has "
        f"{how}. It offers: {listed}.",
        subject=device.subject,
        confidence=row.certainty,
        evidence=(Evidence(source=device.compute_capability_source, value=cc),),
        remedy=Remedy(
            text="Run FP16 engines on a GPU of compute capability 7.0 or newer; here build in FP32."
            + int8
        ),
        references=(source,),
    )
