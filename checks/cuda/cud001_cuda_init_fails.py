"""CUD001: cuInit fails."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Fact,
    FactStatus,
    Finding,
    Knowledge,
    KnowledgeEnds,
    NotApplicable,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    to_run,
)

# A driver without persistence mode takes some seconds to wake its GPUs.
_PATIENCE_SECONDS = 10.0


@check(
    id="CUD001",
    name="cuda-init-fails",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=(
        "container-without-gpu",
        "container-driver-capabilities",
        "driver-missing",
        "driver-library-mismatch",
        "device-nodes-denied",
        "fabric-manager-down",
        "gpu-lost",
        "wsl-driver-shadowed",
        "no-gpu-visible",
        "container-gpu-access-lost",
        "wsl-container-toolkit-too-old",
    ),
)
def cuda_init_fails(
    cuda: Fact[facts.CudaDriver],
    nvml: Fact[facts.Nvml],
    smi: Fact[facts.NvidiaSmi],
    driver: Fact[facts.KernelDriver],
    nodes: Fact[facts.DeviceNodes],
    wsl: Fact[facts.Wsl],
    jetson: Fact[facts.Jetson],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """CUDA does not start: cuInit returns an error, or never returns.

    ## What it checks
    The code that `cuInit` of the CUDA driver library returns, decoded, with the library that was
    really loaded; and whether it returns at all. Where another check found the cause (no driver,
    denied nodes, no GPU, fabric manager), this one does not apply.

    ## Why it matters
    Every CUDA program and all of TensorRT fail at their first call.

    ## How to fix it
    It depends on the code. 803: the library is not of the running driver's version; restart, or remove
    the second `libcuda.so.1`. 804: a forward-compatibility library was loaded on a GPU that cannot
    use one; take it off the library path. 802: a service is not ready, such as the fabric manager,
    or a GPU in confidential computing mode. 999: look for Xid messages and for the nvidia-uvm
    module. 46: the compute mode or another process keeps the GPU. No return: the driver or a GPU
    hangs; look for Xid messages, and restart.

    ## Known limits
    A busy machine, or many GPUs without persistence mode, can look like a hang: a `cuInit` that did
    not return is `likely`, not `certain`, and unknown where it had less than 10 seconds.

    ## References
    - CUDA Driver API Reference, CUresult:
      https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TYPES.html
    """
    if cuda.status is FactStatus.TIMEOUT:
        yield _hangs(cuda, nvml, smi)
    elif cuda.unseen:
        reason = f"cuda.driver: {cuda.reason or cuda.status.value}"
        yield Unknown(reason=f"could not look ({cuda.status.value}): {reason}")
    elif cuda.value is None:
        raise NotApplicable(f"cuda.driver: {cuda.reason or cuda.status.value}")
    elif cuda.value.init_code != 0:
        yield _fails(cuda.value, driver, nodes, wsl, jetson, kb)


def _hangs(
    cuda: Fact[facts.CudaDriver], nvml: Fact[facts.Nvml], smi: Fact[facts.NvidiaSmi]
) -> Yielded:
    had = re.search(r"within ([\d.]+) s\b", cuda.reason or "")
    if had and float(had.group(1)) < _PATIENCE_SECONDS:
        return Unknown(
            reason=f"cuInit did not return within {had.group(1)} s, which proves nothing; a longer "
            "--deadline can tell"
        )
    evidence = [Evidence(source="cuInit", value=cuda.reason or "timeout")]
    silent = []
    for name, fact in (("NVML", nvml), ("nvidia-smi", smi)):
        if fact.status is FactStatus.TIMEOUT:
            silent.append(name)
            evidence.append(Evidence(source=name, value=fact.reason or "timeout"))
    besides = f"; {' and '.join(silent)} did not answer either" if silent else ""
    within = f" within {had.group(1)} s" if had else " in time"
    return Finding(
        message=f"cuInit did not return{within}{besides}: the driver or a GPU hangs.",
        confidence=Confidence.LIKELY,
        evidence=tuple(evidence),
        remedy=Remedy(
            text="Look for Xid messages in the kernel's log and for processes that cannot be killed "
            "(state D); restart. If the machine was only busy, look again when it is not.",
            commands=to_run("sudo dmesg | grep -iE 'xid|nvrm'", "ps -eo pid,stat,comm | grep ' D'"),
        ),
    )


def _fails(
    cuda: facts.CudaDriver,
    driver: Fact[facts.KernelDriver],
    nodes: Fact[facts.DeviceNodes],
    wsl: Fact[facts.Wsl],
    jetson: Fact[facts.Jetson],
    kb: Knowledge,
) -> Finding:
    code = cuda.init_code
    source: tuple[str, ...] = ()
    try:
        row = kb.cuda_error(code)
        name, meaning, source = row.name, row.meaning, (row.source,)
        remedy = Remedy(text=row.next_step[0].upper() + row.next_step[1:] + ".")
    except KnowledgeEnds:
        name, meaning = cuda.init_error or "an error", "a code that the tables do not have"
        remedy = Remedy(text="Look in the kernel's log for what the driver says.")
    evidence = [Evidence(source="cuInit", value=f"{code} {name}")]
    library = cuda.library or ""
    if library:
        evidence.append(Evidence(source="libcuda.so.1", value=library))
    if driver.value:
        evidence.append(Evidence(source="/proc/driver/nvidia/version", value=driver.value.version))
    why = ""
    if "/stubs/" in library:
        why = f" {library} is a stub, made for linking only."
        remedy = Remedy(
            text="Take the stubs folder off LD_LIBRARY_PATH.",
            commands=to_run("echo $LD_LIBRARY_PATH"),
        )
    elif "/compat/" in library and code in (803, 804):
        why = f" {library} is a forward-compatibility library, which this GPU or driver cannot use."
        remedy = Remedy(
            text="Take the folder off LD_LIBRARY_PATH and off the loader's configuration, or update "
            "the host's driver.",
            commands=to_run(
                "grep -r compat /etc/ld.so.conf /etc/ld.so.conf.d",
                "ldconfig -p | grep cuda",
            ),
        )
    elif code == 802:
        why = " No NVSwitch fabric was found; a GPU in confidential computing mode does this too."
        remedy = Remedy(
            text=remedy.text,
            commands=to_run("systemctl status nvidia-fabricmanager", "nvidia-smi conf-compute -q"),
        )
    elif code == 803:
        remedy = Remedy(text=remedy.text, commands=to_run("ldconfig -p | grep libcuda.so.1"))
    elif code == 999:
        remedy = Remedy(text=remedy.text, commands=to_run("sudo dmesg | grep -iE 'xid|nvrm'"))
        plain = wsl.status is FactStatus.ABSENT and jetson.status is FactStatus.ABSENT
        if (
            plain
            and nodes.value
            and not any(n.path == "/dev/nvidia-uvm" for n in nodes.value.nodes)
        ):
            why = " /dev/nvidia-uvm is missing."
            evidence.append(Evidence(source="/dev", value="no nvidia-uvm"))
            remedy = Remedy(
                text="Load the nvidia-uvm module and make its node; in a container, pass it in.",
                commands=to_run("sudo nvidia-modprobe -u -c=0", "ls -l /dev/nvidia-uvm"),
            )
    elif code == 46:
        remedy = Remedy(text=remedy.text, commands=to_run("nvidia-smi -q -d COMPUTE", "nvidia-smi"))
    return Finding(
        message=f"cuInit fails with code {code} ({name}): {meaning}.{why}",
        evidence=tuple(evidence),
        remedy=remedy,
        references=source,
    )
