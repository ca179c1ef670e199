"""DRV004: this user may not open the driver's device nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trtdoctor.api import (
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

_SHARED = re.compile(
    r"/dev/(?:nvidiactl|nvidia-uvm|dxg|nvmap|nvhost-ctrl(?:-gpu)?|nvgpu/igpu\d+/ctrl)"
)
_GPU = re.compile(r"/dev/(?:nvidia\d+|nvhost-gpu)")


@check(
    id="DRV004",
    name="device-nodes-denied",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=("container-without-gpu", "driver-missing"),
)
def device_nodes_denied(
    nodes: facts.DeviceNodes,
    cuda: Fact[facts.CudaDriver],
    jetson: Fact[facts.Jetson],
) -> Iterator[Yielded]:
    """This user may not open the GPU's device nodes.

    ## What it checks
    Whether this user may read and write the nodes that CUDA opens: `/dev/nvidiactl`,
    `/dev/nvidia-uvm` and at least one `/dev/nvidiaN`; `/dev/dxg` in WSL; `/dev/nvmap` and the
    `nvhost` nodes on a Jetson. Nodes for display, profiling and MIG administration do not count.

    ## Why it matters
    CUDA finds no device, or fails with an unknown error: neither message speaks of permissions.

    ## How to fix it
    The driver makes its nodes open to everyone unless it is told otherwise. Where the system limits
    them to a group, add the user to that group and log in again. In a container, run with the NVIDIA
    runtime in place of single `--device` options; a batch system grants the nodes with the job.

    ## Known limits
    A control group or SELinux can refuse a node whose permission bits allow it.

    ## References
    - NVIDIA driver README, parameters NVreg_DeviceFileUID, NVreg_DeviceFileGID, NVreg_DeviceFileMode
    """
    refused = [node.path for node in nodes.nodes if not node.accessible]
    shared = [path for path in refused if _SHARED.fullmatch(path)]
    gpus = [node for node in nodes.nodes if _GPU.fullmatch(node.path)]
    denied = [node.path for node in gpus if not node.accessible]
    works = cuda.value is not None and cuda.value.init_code == 0 and bool(cuda.value.devices)
    if works or not (shared or (denied and len(denied) == len(gpus))):
        if denied:
            yield Note(text=f"not for this user: {', '.join(denied)}")
        return
    paths = [*shared, *denied]
    group = "video,render" if jetson.value else "GROUP"
    yield Finding(
        message=f"This user may not open {', '.join(paths)}.",
        evidence=tuple(Evidence(source=path, value="not readable and writable") for path in paths),
        remedy=Remedy(
            text="Join the group that owns the nodes, then log in again; or run as a user who may.",
            commands=to_run(f"ls -l {' '.join(paths)}", f'sudo usermod -aG {group} "$USER"'),
        ),
    )
