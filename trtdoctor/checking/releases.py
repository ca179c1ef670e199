"""Which TensorRT of the package index suits a machine: what a remedy that installs one names.

Asks the tables alone; what they do not know of a release makes it unfit, never fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from trtdoctor.knowledge import Knowledge, KnowledgeEnds, versions
from trtdoctor.model.facts import (
    CudaDriver,
    Gpus,
    KernelDriver,
    Nvml,
    OnnxRuntime,
    TargetPython,
    TorchTensorRT,
    Wsl,
)

from .definition import NotApplicable, Unknown
from .devices import devices
from .facts import Fact

# The first release whose packages name their CUDA version.
_NAMES_CUDA = (10,)
_TENSORRT = re.compile(r"tensorrt\s*\(?(?P<range>[<>=!~][^;)]*)\)?\s*(?:;.*)?")


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What decides which release suits: null or empty where it is not known.

    ``needs`` maps a framework to the versions of TensorRT that it takes, as ``>=10.9,<10.10``;
    ``platform`` is ``linux``, or ``windows`` where the driver is Windows'; ``supported`` the CUDA
    version that the driver supports; ``linked`` the CUDA major version that a framework is built for.
    """

    capabilities: tuple[str, ...] = ()
    driver: str | None = None
    supported: str | None = None
    linked: int | None = None
    platform: str = "linux"
    python: str | None = None
    needs: dict[str, str]

    @property
    def told(self) -> str:
        """What is known, in words."""
        parts = [f"compute capability {cc}" for cc in self.capabilities]
        if self.driver or self.supported:
            parts.append(
                f"driver {self.driver}" if self.driver else f"a driver of CUDA {self.supported}"
            )
        parts += [f"Python {self.python}"] if self.python else []
        parts += list(self.needs)
        return ", ".join(parts)


@dataclass(frozen=True, kw_only=True)
class Installable:
    """A release for a machine; ``requirement`` is what pip takes, as ``tensorrt-cu12==10.9.*``."""

    version: str
    cuda_major: int
    requirement: str


def situation(
    *,
    gpus: Fact[Gpus],
    cuda: Fact[CudaDriver],
    driver: Fact[KernelDriver],
    nvml: Fact[Nvml],
    wsl: Fact[Wsl],
    python: Fact[TargetPython],
    onnxruntime: Fact[OnnxRuntime],
    torch_tensorrt: Fact[TorchTensorRT],
    kb: Knowledge,
) -> Situation:
    """What the facts tell of a machine that a TensorRT is to be installed on."""
    try:
        found = devices(gpus, cuda)
    except NotApplicable:
        found = ()
    named = () if isinstance(found, Unknown) else found
    capabilities = {d.compute_capability for d in named if d.compute_capability}
    version = driver.value.version if driver.value else None
    if nvml.value and nvml.value.driver_version and (wsl.value or version is None):
        version = nvml.value.driver_version
    linked = re.search(r"\.so\.(\d+)", (onnxruntime.value and onnxruntime.value.cuda_needs) or "")
    supported = (nvml.value and nvml.value.cuda_driver_version) or None
    return Situation(
        supported=supported or (cuda.value.version if cuda.value else None),
        linked=int(linked.group(1)) if linked else None,
        capabilities=tuple(sorted(capabilities, key=versions.capability)),
        driver=version,
        platform="windows" if wsl.value else "linux",
        python=python.value.version if python.value else None,
        needs={**_of_onnxruntime(onnxruntime.value, kb), **_of_torch(torch_tensorrt.value, kb)},
    )


def _of_onnxruntime(runtime: OnnxRuntime | None, kb: Knowledge) -> dict[str, str]:
    if runtime is None or runtime.tensorrt_needs is None:
        return {}
    major = runtime.tensorrt_needs.rpartition(".so.")[2]
    built_with = major
    try:
        row = kb.framework_requirement("onnxruntime-gpu", runtime.version)
        if versions.agree(row.tensorrt, major):
            built_with = row.tensorrt
    except KnowledgeEnds:
        pass
    return {f"{runtime.distribution} {runtime.version}": f"=={built_with}.*"}


def _of_torch(torch: TorchTensorRT | None, kb: Knowledge) -> dict[str, str]:
    if torch is None:
        return {}
    asked = [m for text in torch.requires if (m := _TENSORRT.fullmatch(text.strip()))]
    if asked:
        wanted = asked[0].group("range").strip()
    else:
        try:
            wanted = kb.framework_requirement("torch-tensorrt", torch.version).tensorrt
        except KnowledgeEnds:
            return {}
    return {f"torch-tensorrt {torch.version}": wanted}


def installable(
    where: Situation, kb: Knowledge, *, majors: Iterable[int] = ()
) -> Installable | None:
    """The newest release of ``tensorrt`` that is known to suit, or None.

    Args:
        where: the machine. What is not known of it decides nothing.
        kb: the tables.
        majors: the CUDA major versions to choose among; none: all.
    """
    among = set(majors)
    named = {v for spec in where.needs.values() for v in re.findall(r"\d+\.\d+(?:\.\d+)*", spec)}
    candidates = {(versions.numbers(v) or (), v) for v in (*kb.releases("tensorrt"), *named)}
    for numbers, version in sorted(candidates, reverse=True):
        if not all(versions.satisfies(version, spec) for spec in where.needs.values()):
            continue
        if not _runs(version, where, kb):
            continue
        for cuda in _flavours(numbers, version, kb):
            if where.linked not in (None, cuda) or (among and cuda not in among):
                continue
            if _driven(version, cuda, where, kb):
                package = f"tensorrt-cu{cuda}" if numbers[:1] >= _NAMES_CUDA else "tensorrt"
                return Installable(
                    version=version, cuda_major=cuda, requirement=f"{package}=={version}.*"
                )
    return None


def _runs(version: str, where: Situation, kb: Knowledge) -> bool:
    """Whether a release supports every GPU and the Python."""
    try:
        window = kb.python_support("tensorrt", version)
        if where.python is not None:
            first, last = versions.numbers(window.minimum), versions.numbers(window.maximum)
            here = (versions.numbers(where.python) or ())[:2]
            if first is None or last is None or not first <= here <= last:
                return False
        return all(
            kb.tensorrt_support("tensorrt", version, cc).supported for cc in where.capabilities
        )
    except KnowledgeEnds:
        return False


def _flavours(numbers: tuple[int, ...], version: str, kb: Knowledge) -> tuple[int, ...]:
    """The CUDA major versions that pip's packages of a release are built for, newest first."""
    try:
        majors = sorted({r.cuda_major for r in kb.tensorrt_cuda("tensorrt", version)}, reverse=True)
    except KnowledgeEnds:
        return ()
    # Packages that do not name their CUDA version are built for the newest alone.
    return tuple(majors if numbers[:1] >= _NAMES_CUDA else majors[:1])


def _driven(version: str, cuda: int, where: Situation, kb: Knowledge) -> bool:
    if where.driver is None:
        supported = versions.numbers(where.supported)
        return supported is None or cuda <= supported[0]
    try:
        floor = kb.tensorrt_driver_floor("tensorrt", version, cuda, where.platform)
    except KnowledgeEnds:
        return False
    here, least = versions.numbers(where.driver), versions.numbers(floor.minimum)
    return here is not None and least is not None and here >= least
