"""GPU004: a GPU that the TensorRT to be loaded does not support."""

from __future__ import annotations

import shlex
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
    to_run,
    versions,
)

# The first release whose pip packages carry the CUDA major version in their name.
_FLAVOURED = (10, 0)


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
        "jetson-pip-tensorrt",
    ),
    blinded_by=("cuda-init-fails",),
)
def gpu_outside_tensorrt_support(
    gpus: Fact[facts.Gpus],
    cuda: Fact[facts.CudaDriver],
    imports: Fact[facts.Imports],
    installs: Fact[facts.Installs],
    python: Fact[facts.TargetPython],
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
    - TensorRT Support Matrix:
      https://docs.nvidia.com/deeplearning/tensorrt/11.3.0/getting-started/support-matrix.html
    - TensorRT Release Notes
    """
    known, loaded = devices(gpus, cuda), loaded_tensorrts(imports, installs)
    if isinstance(known, Unknown) or isinstance(loaded, Unknown):
        yield known if isinstance(known, Unknown) else loaded  # type: ignore[misc]
        return
    pip = _Pip(installs.value, python.value, cuda.value, kb)
    answers = [(device, _judge(device, loaded, pip, kb)) for device in known]
    fine = [device for device, answer in answers if isinstance(answer, Note)]
    for device, answer in answers:
        # Programs take cuda:0 unless told otherwise; another GPU may stay unused.
        if isinstance(answer, Finding) and fine and device.subject != "cuda:0":
            yield Note(text=f"{answer.message} {fine[0].label} is supported.")
        else:
            yield answer


def _judge(device: Device, loaded: tuple[LoadedTensorRT, ...], pip: _Pip, kb: Knowledge) -> Yielded:
    answers = [_one(device, tensorrt, pip, kb) for tensorrt in loaded]
    for kind in (Note, Unknown, Finding):
        for answer in answers:
            if isinstance(answer, kind):
                return answer
    raise AssertionError("nothing was loaded")


def _one(device: Device, tensorrt: LoadedTensorRT, pip: _Pip, kb: Knowledge) -> Yielded:
    cc = device.compute_capability
    if cc is None:
        return Unknown(reason="its compute capability is not known", subject=device.label)
    try:
        support = kb.tensorrt_support(tensorrt.family, tensorrt.version, cc)
    except KnowledgeEnds as end:
        return Unknown(reason=str(end), subject=device.label)
    if support.supported:
        return Note(text=f"{tensorrt.label} supports {device.label}, compute capability {cc}")
    command = None
    if support.first and _numbers(tensorrt.version) < _numbers(support.first):
        why = f"the GPU is newer than this release; {support.first} supports it"
        text = f"Install {tensorrt.family} {support.first} or newer; engines must be built again."
        command = pip.newer(tensorrt, support.first)
    elif support.last:
        why = f"its support ended; {support.last} is the last release known to have it"
        text = f"Use {tensorrt.family} {support.last} with its CUDA and Python, or a newer GPU."
        command = pip.exactly(tensorrt, support.last)
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
        remedy=Remedy(text=text, commands=to_run(command) if command else ()),
        references=(support.source,),
    )


class _Pip:
    """The pip commands that install another release in the same place, where they would work."""

    def __init__(
        self,
        installs: facts.Installs | None,
        python: facts.TargetPython | None,
        cuda: facts.CudaDriver | None,
        kb: Knowledge,
    ) -> None:
        self._installs = installs.installs if installs else ()
        self._python, self._kb = python, kb
        self._offered = (versions.numbers(cuda.version if cuda else None) or (None,))[0]

    def newer(self, tensorrt: LoadedTensorRT, first: str) -> str | None:
        """At least ``first``, within its major version: the next one may drop CUDA or the FP16 flag."""
        below = (versions.numbers(first) or (0,))[0] + 1
        return self._command(tensorrt, first, f">={first},<{below}")

    def exactly(self, tensorrt: LoadedTensorRT, last: str) -> str | None:
        """The newest of release ``last``, where its name tells the CUDA it is built for."""
        if tensorrt.cuda_major is None or tensorrt.family != "tensorrt":
            return None
        return self._command(tensorrt, last, f"=={last}.*")

    def _command(self, tensorrt: LoadedTensorRT, release: str, which: str) -> str | None:
        kinds = {i.kind for i in self._installs if i.product == tensorrt.product}
        if (kinds and "pip" not in kinds) or self._without_python(release, tensorrt.family):
            return None
        name = tensorrt.product
        major = tensorrt.cuda_major or self._offered
        if tensorrt.family == "tensorrt" and major is not None:
            # The name without a flavour brings the newest CUDA, which the driver may not run.
            if not self._built_for(release, major):
                return None
            name = f"{name}-cu{major}"
        interpreter = shlex.quote(self._python.executable) if self._python else "python3"
        return f"{interpreter} -m pip install '{name}{which}'"

    def _without_python(self, release: str, family: str) -> bool:
        if self._python is None:
            return False
        try:
            window = self._kb.python_support(family, release)
        except KnowledgeEnds:
            return False
        have = _numbers(self._python.version)
        return not _numbers(window.minimum) <= have <= _numbers(window.maximum)

    def _built_for(self, release: str, major: int) -> bool:
        if (versions.numbers(release) or ()) < _FLAVOURED:
            return False
        try:
            return any(r.cuda_major == major for r in self._kb.tensorrt_cuda("tensorrt", release))
        except KnowledgeEnds:
            return False


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")[:2]
    return tuple(int(part) for part in parts if part.isdigit())
