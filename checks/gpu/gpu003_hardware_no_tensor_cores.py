"""GPU003: a GPU with fast FP16 but without tensor cores."""

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
    id="GPU003",
    name="hardware-no-tensor-cores",
    severity=Severity.INFO,
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
def hardware_no_tensor_cores(
    gpus: Fact[facts.Gpus], cuda: Fact[facts.CudaDriver], kb: Knowledge
) -> Iterator[Yielded]:
    """The GPU has no tensor cores.

    ## What it checks
    The compute capability, and for 7.5 the board's name: GeForce GTX 16xx, MX450, MX550 and the small
    T and Quadro T boards have a chip without tensor cores under a compute capability that otherwise
    has them. A GPU without fast FP16 is left to hardware-no-fast-fp16.

    ## Why it matters
    FP16 then runs on the ordinary cores, at twice the rate of FP32 at best. A model will not reach
    the gain that the same compute capability shows elsewhere, and there is nothing to repair.

    ## How to fix it
    Expect about twice the speed of FP32 from FP16 here. For more, deploy on a GPU with tensor cores.

    ## Known limits
    Boards of 7.5 are told by their name alone: one that the table does not list counts as having
    tensor cores.

    ## References
    - https://github.com/NVIDIA/TensorRT/issues/892
    - https://github.com/NVIDIA/TensorRT/issues/4714
    """
    known = devices(gpus, cuda)
    for device in (known,) if isinstance(known, Unknown) else known:
        yield device if isinstance(device, Unknown) else _judge(device, kb)


def _judge(device: Device, kb: Knowledge) -> Yielded:
    cc = device.compute_capability
    if cc is None:
        return Unknown(reason="its compute capability is not known", subject=device.label)
    try:
        row = kb.compute_capability(cc)
    except KnowledgeEnds as end:
        return Unknown(reason=str(end), subject=device.label)
    if not row.fast_fp16:
        return Note(text=f"{device.label}: without fast FP16 either, see hardware-no-fast-fp16")
    evidence = [Evidence(source=device.compute_capability_source, value=cc)]
    what = f"compute capability {cc} ({row.architecture}) is older than tensor cores"
    source, certainty = row.source, row.certainty
    if row.tensor_cores:
        if device.name is None and cc == "7.5":
            return Unknown(
                reason="boards of compute capability 7.5 differ, and its name is not known",
                subject=device.label,
            )
        board = kb.board_without_tensor_cores(cc, device.name or "")
        if board is None:
            return Note(text=f"{device.label}: tensor cores")
        what = f"its chip is a {board.gpu}"
        source, certainty = board.source, board.certainty
        evidence.append(Evidence(source="name", value=device.name or ""))
    return Finding(
        message=f"{device.label} has no tensor cores: {what}. FP16 runs on its ordinary cores.",
        subject=device.subject,
        confidence=certainty,
        evidence=tuple(evidence),
        remedy=Remedy(text="Expect at best twice the speed of FP32 from FP16 on this GPU."),
        references=(source,),
    )
