"""CTR004: a container that lost its GPUs while it ran."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Fact,
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

_UNKNOWN_ERROR = 999
_REFERENCE = (
    "NVIDIA Container Toolkit documentation, Troubleshooting, Containers losing access to GPUs"
)


@check(
    id="CTR004",
    name="container-gpu-access-lost",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=("device-nodes-denied", "driver-library-mismatch"),
)
def container_gpu_access_lost(
    container: facts.Container,
    nvml: facts.Nvml,
    nodes: Fact[facts.DeviceNodes],
    cuda: Fact[facts.CudaDriver],
    wsl: Fact[facts.Wsl],
    jetson: Fact[facts.Jetson],
) -> Iterator[Yielded]:
    """The container may no longer open the GPUs that it was started with.

    ## What it checks
    Whether `nvmlInit` fails with code 999 in a container that has the driver's device nodes, and CUDA
    offers no device either.

    ## Why it matters
    Where systemd manages the container's control group, a `systemctl daemon-reload` on the host, which
    package updates run too, takes the GPUs out of the devices that the container may open. The nodes
    stay, and opening them fails: what worked for days fails from one call to the next.

    ## How to fix it
    Start the container anew; that gives the GPUs back at once. So that it does not happen again, have
    Docker use the `cgroupfs` driver, or hand the nodes over with `--device`, or with CDI.

    ## Known limits
    The container cannot see its control group's rules, hence `likely`. The driver itself can return 999
    as well: then the host has no GPU either.

    ## References
    - NVIDIA Container Toolkit documentation, "Troubleshooting":
      https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/troubleshooting.html
    - https://github.com/NVIDIA/nvidia-docker/issues/1730
    """
    if wsl.value is not None or jetson.value is not None:
        raise NotApplicable("GPUs come into this container otherwise than by device nodes")
    if nvml.init_code != _UNKNOWN_ERROR:
        yield Note(text=f"nvmlInit: {nvml.init_code}")
        return
    if cuda.value is not None and cuda.value.devices:
        yield Note(text="nvmlInit fails with 999, and CUDA offers a device")
        return
    if nodes.unseen:
        yield Unknown(reason=f"nvmlInit fails with 999; the device nodes: {nodes.reason}")
        return
    if nodes.value is None:
        raise NotApplicable(nodes.reason or "no device nodes")
    evidence = [
        Evidence(source="nvmlInit", value=f"{nvml.init_code} {nvml.init_error or ''}".strip()),
        Evidence(source="/dev", value=", ".join(node.path for node in nodes.value.nodes)),
        Evidence(source="container", value="; ".join(container.evidence)),
    ]
    if cuda.value is not None:
        said = f"{cuda.value.init_code} {cuda.value.init_error or ''}".strip()
        evidence.append(Evidence(source="cuInit", value=said))
    yield Finding(
        message=f"This {container.engine} container may no longer open its GPUs: their nodes are there, "
        "and NVML fails with 999. A reload of systemd on the host does this.",
        confidence=Confidence.LIKELY,
        evidence=tuple(evidence),
        remedy=_remedy(container.engine),
        references=(_REFERENCE, "https://github.com/NVIDIA/nvidia-docker/issues/1730"),
    )


def _remedy(engine: str) -> Remedy:
    if engine == "kubernetes":
        return Remedy(
            text="Delete the pod, so that it is started anew. If nvidia-smi fails on the node too, look "
            "there. To keep it from happening, hand GPUs over by CDI.",
            commands=to_run("kubectl delete pod POD", "nvidia-smi"),
        )
    program = "podman" if engine == "podman" else "docker"
    return Remedy(
        text="Start the container anew. If nvidia-smi fails on the host too, look there. To keep it from "
        'happening, set "exec-opts": ["native.cgroupdriver=cgroupfs"] in /etc/docker/daemon.json, or '
        "hand the nodes over with --device.",
        commands=to_run(
            f"{program} restart CONTAINER",
            f"{program} run --gpus all --device /dev/nvidiactl --device /dev/nvidia-uvm "
            "--device /dev/nvidia0 IMAGE",
        ),
    )
