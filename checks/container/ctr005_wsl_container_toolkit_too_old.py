"""CTR005: in WSL, the container toolkit is older than the driver's parts that it must bring in."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Fact,
    Finding,
    Note,
    Remedy,
    Severity,
    Yielded,
    check,
    facts,
    to_run,
)

_NOT_FOUND = 500
# The first driver for Windows with a library that older toolkits do not know of.
_FIRST_DRIVER = 555
_SOURCE = "https://github.com/NVIDIA/nvidia-container-toolkit/issues/520"


@check(
    id="CTR005",
    name="wsl-container-toolkit-too-old",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=("container-without-gpu", "wsl-driver-shadowed"),
)
def wsl_container_toolkit_too_old(
    container: facts.Container,
    wsl: facts.Wsl,
    cuda: facts.CudaDriver,
    nvml: Fact[facts.Nvml],
) -> Iterator[Yielded]:
    """In a container in WSL, CUDA lacks a part of the driver that an old container toolkit leaves out.

    ## What it checks
    Whether `cuInit` fails with code 500 in a container in WSL, with a Windows driver of 555 or newer.

    ## Why it matters
    Since 555 the Windows driver has one more library, `libnvdxgdmal.so.1`. NVIDIA Container Toolkit before
    1.14.4 and 1.15.0, and Docker Desktop before 4.31, do not bring it into containers: outside them all
    works, inside `nvidia-smi` works, and every CUDA program fails with "named symbol not found".

    ## How to fix it
    Update Docker Desktop to 4.31 or newer; where Docker runs in WSL itself, update the toolkit there. An
    older Windows driver works around it.

    ## Known limits
    The toolkit cannot be seen from inside, hence `likely`.

    ## References
    - https://github.com/NVIDIA/nvidia-container-toolkit/issues/520
    - CUDA Driver API Reference, CUresult, CUDA_ERROR_NOT_FOUND:
      https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TYPES.html
    """
    if cuda.init_code != _NOT_FOUND:
        yield Note(text=f"cuInit: {cuda.init_code}")
        return
    driver = nvml.value.driver_version if nvml.value else None
    major = re.match(r"\d+", driver or "")
    if major and int(major.group()) < _FIRST_DRIVER:
        yield Note(text=f"cuInit: 500, and driver {driver} is older than {_FIRST_DRIVER}")
        return
    evidence = [
        Evidence(source="cuInit", value=f"{cuda.init_code} {cuda.init_error or ''}".strip()),
        Evidence(source="container", value="; ".join(container.evidence)),
    ]
    if driver:
        evidence.append(Evidence(source="nvml: nvmlSystemGetDriverVersion", value=driver))
    yield Finding(
        message=f"cuInit fails with code 500 in this {container.engine} container in WSL: the container "
        f"toolkit is too old for {'driver ' + driver if driver else 'the Windows driver'} and leaves "
        "a library of it out.",
        confidence=Confidence.LIKELY,
        evidence=tuple(evidence),
        remedy=Remedy(
            text="Update Docker Desktop to 4.31 or newer. Where Docker runs in WSL itself, update the "
            "NVIDIA Container Toolkit there to 1.14.4, 1.15 or newer, and restart Docker, which ends "
            "running containers unless it is told to keep them.",
            commands=to_run(
                "nvidia-ctk --version",
                "sudo apt-get update && sudo apt-get install --only-upgrade nvidia-container-toolkit",
            ),
        ),
        references=(_SOURCE,),
    )
