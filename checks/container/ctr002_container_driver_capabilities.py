"""CTR002: a container whose NVIDIA_DRIVER_CAPABILITIES leave out what CUDA needs."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    FactStatus,
    Finding,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    to_run,
)


@check(
    id="CTR002",
    name="container-driver-capabilities",
    severity=Severity.ERROR,
    since="0.1.0",
)
def container_driver_capabilities(
    container: facts.Container,
    nodes: Fact[facts.DeviceNodes],
    cuda: Fact[facts.CudaDriver],
) -> Iterator[Yielded]:
    """The container was given a GPU without the driver's compute libraries.

    ## What it checks
    Whether `NVIDIA_DRIVER_CAPABILITIES` names `compute` (or `all`) where the device nodes are in the
    container and `libcuda.so.1` is not. Unset or empty means the toolkit's own default, which is
    fine.

    ## Why it matters
    The NVIDIA Container Toolkit mounts only the libraries of the capabilities that are named.
    Without `compute` there is no `libcuda.so.1`: `nvidia-smi` may work while no CUDA program does.

    ## How to fix it
    Start the container with `NVIDIA_DRIVER_CAPABILITIES=compute,utility`, or remove the variable
    from the image. `utility` brings NVML and `nvidia-smi`.

    ## References
    - NVIDIA Container Toolkit documentation, Specialized Configurations: Driver Capabilities:
      https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html
    """
    value = container.driver_capabilities
    named = {part.strip() for part in (value or "").split(",")} - {""}
    if not named:
        raise NotApplicable("NVIDIA_DRIVER_CAPABILITIES is not set: the toolkit's default applies")
    if named & {"compute", "all"}:
        return
    if cuda.value:
        yield Note(text=f"NVIDIA_DRIVER_CAPABILITIES is {value!r}, yet libcuda.so.1 is there")
        return
    if cuda.status is not FactStatus.ABSENT:
        yield Unknown(reason=f"libcuda.so.1: {cuda.reason or cuda.status.value}")
        return
    if nodes.status is FactStatus.ABSENT:
        raise NotApplicable("no GPU was given to this container")
    if nodes.value is None:
        yield Unknown(reason=f"the device nodes: {nodes.reason or nodes.status.value}")
        return
    yield Finding(
        message=f"NVIDIA_DRIVER_CAPABILITIES is {value!r}, without compute: "
        "libcuda.so.1 was not mounted into the container.",
        evidence=(
            Evidence(source="NVIDIA_DRIVER_CAPABILITIES", value=value or ""),
            Evidence(source="libcuda.so.1", value=cuda.reason or "not found"),
        ),
        remedy=Remedy(
            text="Start the container with the compute capability.",
            commands=to_run(
                "docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility IMAGE"
            ),
        ),
    )
