"""CTR001: a container that was not given a GPU."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    FactStatus,
    Finding,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    to_run,
)

_GIVE = {
    "kubernetes": Remedy(
        text="Request a GPU in the pod's spec (resources.limits: nvidia.com/gpu: 1) on a node that "
        "runs NVIDIA's device plugin, with a runtime class that uses the NVIDIA runtime.",
        commands=to_run("kubectl describe node NODE | grep nvidia.com/gpu"),
    ),
    "podman": Remedy(
        text="Start the container with the GPU. The host needs a driver, the NVIDIA Container "
        "Toolkit and a CDI specification.",
        commands=to_run(
            "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml",
            "podman run --device nvidia.com/gpu=all IMAGE nvidia-smi",
        ),
    ),
}
_GIVE_DOCKER = Remedy(
    text="Start the container with the GPU (in Compose: deploy.resources.reservations.devices). The "
    "host needs a driver and the NVIDIA Container Toolkit.",
    commands=to_run("docker run --rm --gpus all IMAGE nvidia-smi"),
)
# Jetson's own GPU is passed in by the runtime, which also brings the driver's libraries.
_GIVE_JETSON = {
    "docker": Remedy(
        text="Start the container with NVIDIA's runtime (in Compose: runtime: nvidia), from an image made "
        "for this Jetson Linux. The host needs the packages nvidia-container of its JetPack.",
        commands=to_run("docker run --rm --runtime nvidia IMAGE"),
    ),
}


@check(
    id="CTR001",
    name="container-without-gpu",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=("container-driver-capabilities",),
)
def container_without_gpu(
    container: facts.Container,
    nodes: Fact[facts.DeviceNodes],
    driver: Fact[facts.KernelDriver],
    nvml: Fact[facts.Nvml],
    cuda: Fact[facts.CudaDriver],
    wsl: Fact[facts.Wsl],
    jetson: Fact[facts.Jetson],
) -> Iterator[Yielded]:
    """The container was started without a GPU.

    ## What it checks
    Whether the driver's device nodes and its user-space library (`libcuda.so.1`) are inside the
    container. The kernel module of the host shows through in `/proc` even where no GPU was passed
    in, so it is told as evidence but proves nothing.

    ## Why it matters
    Images contain CUDA and TensorRT but never the driver: its devices and libraries come from the
    host when the container starts. Without them every CUDA call fails, and some releases of
    TensorRT crash on the first object that they create.

    ## How to fix it
    Install the driver and the NVIDIA Container Toolkit on the host, then start the container with
    the GPU: `--gpus all` for Docker, `--device nvidia.com/gpu=all` for Podman, a resource limit
    `nvidia.com/gpu` for Kubernetes, and on a Jetson `--runtime nvidia` for Docker.
    Passing the nodes alone with `--device /dev/nvidia0` does not
    bring the libraries. `NVIDIA_VISIBLE_DEVICES` must not be `void`, `none` or empty.

    ## Known limits
    Whether the host has a GPU at all cannot always be told from inside.

    ## References
    - NVIDIA Container Toolkit documentation, Running a Sample Workload:
      https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/sample-workload.html
    - NVIDIA Container Toolkit documentation, Specialized Configurations:
      https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html
    """
    if (nvml.value and nvml.value.init_code == 0) or (cuda.value and cuda.value.init_code == 0):
        return
    no_nodes = nodes.status is FactStatus.ABSENT
    no_library = cuda.status is FactStatus.ABSENT
    # WSL lends /dev/dxg and Jetson has nodes of its own: there the library decides.
    elsewhere = wsl.value is not None or jetson.value is not None
    if no_nodes and (no_library or not elsewhere):
        missing = "no NVIDIA device node is in it"
    elif no_library:
        missing = "the driver's library libcuda.so.1 is not in it"
    elif nodes.value is None and (nodes.unseen or cuda.unseen):
        blind = nodes if nodes.unseen else cuda
        yield Unknown(reason=f"could not look: {blind.reason or blind.status.value}")
        return
    else:
        return
    host = f"; the host's kernel has driver {driver.value.version}" if driver.value else ""
    visible = container.nvidia_visible_devices
    evidence = [Evidence(source="container", value="; ".join(container.evidence))]
    if no_nodes:
        evidence.append(Evidence(source="/dev", value=nodes.reason or "no NVIDIA device nodes"))
    if no_library:
        evidence.append(Evidence(source="libcuda.so.1", value=cuda.reason or "not found"))
    if visible is not None:
        evidence.append(Evidence(source="NVIDIA_VISIBLE_DEVICES", value=repr(visible)))
    if driver.value:
        evidence.append(Evidence(source="/proc/driver/nvidia/version", value=driver.value.version))
    yield Finding(
        message=f"This {container.engine} container was started without a GPU: {missing}{host}.",
        evidence=tuple(evidence),
        remedy=(_GIVE_JETSON if jetson.value is not None else {}).get(
            container.engine, _GIVE.get(container.engine, _GIVE_DOCKER)
        ),
    )
