"""GPU004: a GPU that the TensorRT to be loaded does not support."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Device,
    Evidence,
    Fact,
    Finding,
    Knowledge,
    KnowledgeEnds,
    LoadedTensorRT,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    devices,
    facts,
    loaded_tensorrts,
)


@check(
    id="GPU004",
    name="gpu-outside-tensorrt-support",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=(
        "container-without-gpu",
        "container-driver-capabilities",
        "driver-missing",
        "driver-library-mismatch",
        "device-nodes-denied",
        "no-gpu-visible",
    ),
)
def gpu_outside_tensorrt_support(
    gpus: Fact[facts.Gpus],
    cuda: Fact[facts.CudaDriver],
    imports: Fact[facts.Imports],
    installs: Fact[facts.Installs],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """The installed TensorRT does not support this GPU.

    ## What it checks
    The compute capability of each GPU against the range that the loaded TensorRT supports. It tells
    a GPU that is too new for the release from one that was dropped. A second GPU that is not
    supported, beside a supported first one, is only noted, and so is a second product such as
    TensorRT-RTX beside a TensorRT that does support the GPU.

    ## Why it matters
    No engine can be built or loaded: `Unsupported SM: 0x601`, `Target GPU SM 120 is not supported`.
    Releases older than the GPU may also claim that it has no fast FP16, which is not true.

    ## How to fix it
    GPU too new: install a newer TensorRT. GPU too old: install the last release that had it, which
    also needs its older CUDA and Python; or move to a newer GPU.

    ## Known limits
    Between the last release known to support a GPU and the first known not to, the answer is
    unknown.

    ## References
    - TensorRT Support Matrix and Release Notes
    """
    known, loaded = devices(gpus, cuda), loaded_tensorrts(imports, installs)
    if isinstance(known, Unknown) or isinstance(loaded, Unknown):
        yield known if isinstance(known, Unknown) else loaded  # type: ignore[misc]
        return
    answers = [(device, _judge(device, loaded, kb)) for device in known]
    fine = [device for device, answer in answers if isinstance(answer, Note)]
    for device, answer in answers:
        # Programs take cuda:0 unless told otherwise; another GPU may stay unused.
        if isinstance(answer, Finding) and fine and device.subject != "cuda:0":
            yield Note(text=f"{answer.message} {fine[0].label} is supported.")
        else:
            yield answer


def _judge(device: Device, loaded: tuple[LoadedTensorRT, ...], kb: Knowledge) -> Yielded:
    answers = [_one(device, tensorrt, kb) for tensorrt in loaded]
    for kind in (Note, Unknown, Finding):
        for answer in answers:
            if isinstance(answer, kind):
                return answer
    raise AssertionError("nothing was loaded")


def _one(device: Device, tensorrt: LoadedTensorRT, kb: Knowledge) -> Yielded:
    cc = device.compute_capability
    if cc is None:
        return Unknown(reason="its compute capability is not known", subject=device.label)
    try:
        support = kb.tensorrt_support(tensorrt.family, tensorrt.version, cc)
    except KnowledgeEnds as end:
        return Unknown(reason=str(end), subject=device.label)
    if support.supported:
        return Note(text=f"{tensorrt.label} supports {device.label}, compute capability {cc}")
    command = ""
    if support.first and _numbers(tensorrt.version) < _numbers(support.first):
        why = f"the GPU is newer than this release; {support.first} supports it"
        text = f"Install {tensorrt.family} {support.first} or newer; engines must be built again."
        command = f"pip install '{tensorrt.family}>={support.first}'"
    elif support.last:
        why = f"its support ended; {support.last} is the last release known to have it"
        text = f"Use {tensorrt.family} {support.last} with its CUDA and Python, or a newer GPU."
    elif tensorrt.family == "tensorrt-rtx":
        why = "TensorRT-RTX is made for RTX GPUs"
        text = "Use a release of TensorRT that supports this GPU; TensorRT-RTX has none."
    else:
        why = "no release after its support ended has it"
        text = "Use the TensorRT that came with this machine's JetPack, or a newer GPU."
    return Finding(
        message=f"{tensorrt.label} does not support {device.label}, compute capability {cc}: {why}.",
        subject=device.subject,
        confidence=support.certainty,
        evidence=(
            Evidence(source=device.compute_capability_source, value=cc),
            Evidence(source=tensorrt.source, value=tensorrt.version),
        ),
        remedy=Remedy(text=text, commands=(command,) if command else ()),
        references=(support.source,),
    )


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")[:2]
    return tuple(int(part) for part in parts if part.isdigit())
