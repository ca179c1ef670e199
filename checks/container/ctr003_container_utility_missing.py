"""CTR003: a container without NVML and nvidia-smi."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    FactStatus,
    Finding,
    NotApplicable,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    to_run,
)


@check(
    id="CTR003",
    name="container-utility-missing",
    severity=Severity.INFO,
    since="0.1.0",
    explained_by=("container-without-gpu", "container-driver-capabilities"),
)
def container_utility_missing(
    container: facts.Container, nvml: Fact[facts.Nvml]
) -> Iterator[Yielded]:
    """The container was given a GPU without NVML and nvidia-smi.

    ## What it checks
    Whether `NVIDIA_DRIVER_CAPABILITIES` leaves out `utility` and the container has no NVML library.

    ## Why it matters
    TensorRT runs, but nothing in the container can tell clocks, temperature, memory held by others
    or ECC errors, and neither can this program.

    ## How to fix it
    Start the container with `NVIDIA_DRIVER_CAPABILITIES=compute,utility`.

    ## References
    - NVIDIA Container Toolkit documentation, Specialized Configurations: Driver Capabilities:
      https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html
    """
    value = container.driver_capabilities
    named = {part.strip() for part in (value or "").split(",")} - {""}
    if not named:
        raise NotApplicable("NVIDIA_DRIVER_CAPABILITIES is not set: the toolkit's default applies")
    if named & {"utility", "all"} or nvml.value:
        return
    if nvml.status is not FactStatus.ABSENT:
        yield Unknown(reason=f"NVML: {nvml.reason or nvml.status.value}")
        return
    yield Finding(
        message=f"NVIDIA_DRIVER_CAPABILITIES is {value!r}, without utility: NVML and nvidia-smi "
        "were not mounted into the container.",
        evidence=(
            Evidence(source="NVIDIA_DRIVER_CAPABILITIES", value=value or ""),
            Evidence(source="libnvidia-ml.so.1", value=nvml.reason or "not found"),
        ),
        remedy=Remedy(
            text="Start the container with the utility capability too.",
            commands=to_run(
                "docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility IMAGE"
            ),
        ),
    )
