"""TRT001: no TensorRT on the machine."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    FactStatus,
    Finding,
    Installable,
    Knowledge,
    KnowledgeEnds,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Situation,
    Unknown,
    Yielded,
    check,
    facts,
    installable,
    situation,
    to_run,
)


@check(id="TRT001", name="tensorrt-missing", severity=Severity.ERROR, since="0.1.0")
def tensorrt_missing(
    installs: Fact[facts.Installs],
    imports: Fact[facts.Imports],
    python: Fact[facts.TargetPython],
    jetson: Fact[facts.Jetson],
    nvml: Fact[facts.Nvml],
    gpus: Fact[facts.Gpus],
    cuda: Fact[facts.CudaDriver],
    driver: Fact[facts.KernelDriver],
    wsl: Fact[facts.Wsl],
    onnxruntime: Fact[facts.OnnxRuntime],
    torch_tensorrt: Fact[facts.TorchTensorRT],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """No TensorRT was found on this machine.

    ## What it checks
    Whether any TensorRT is installed: the pip packages of the Python that is looked at (`tensorrt` and
    its `-lean`, `-dispatch` and `-rtx` relatives), the system's libraries, `LD_LIBRARY_PATH` and
    `trtexec`. One of them is enough, whatever its state; other checks judge the state.

    ## Why it matters
    Neither an engine nor a model can be loaded or built: `import tensorrt` ends in `ModuleNotFoundError`
    and a C++ program in `libnvinfer.so: cannot open shared object file`.

    ## How to fix it
    For Python, the newest release of the package index that supports the GPU and the Python, that the
    driver is new enough for, and that ONNX Runtime or Torch-TensorRT, where they are installed, take; the
    finding names it. For `trtexec` and C++, the deb, rpm or tar package: pip brings neither. On a Jetson,
    JetPack's own packages. If TensorRT is installed in another environment, name its interpreter with
    `--python`.

    ## Known limits
    Of Python environments only the one that is looked at is searched, and of the disk only the places
    where packages, the loader and TensorRT's own archives put it.

    ## References
    - TensorRT documentation, "Installing TensorRT":
      https://docs.nvidia.com/deeplearning/tensorrt/latest/installing-tensorrt/installing.html
    """
    modules = imports.value.modules if imports.value else ()
    there = [m.module for m in modules if m.genuine or not m.returned]
    if there:
        yield Note(text=f"this Python has a module {' and '.join(there)}")
        return
    if installs.status is FactStatus.NOT_RUN:
        raise NotApplicable("nobody looked for a TensorRT")
    if installs.unseen:
        yield Unknown(reason=f"could not look for a TensorRT: {installs.reason}")
        return
    found = installs.value.installs if installs.value else ()
    if found:
        seen = (f"{i.product} {i.version or 'of unknown version'} ({i.kind})" for i in found)
        yield Note(text=", ".join(dict.fromkeys(seen)))
        return
    if installs.value and installs.value.unseen:
        places = "; ".join(f"{place}: {why}" for place, why in installs.value.unseen.items())
        yield Unknown(reason=f"none found, but not everything could be looked at: {places}")
        return
    if imports.status not in (FactStatus.OK, FactStatus.ABSENT):
        reason = imports.reason or imports.status.value
        yield Unknown(
            reason=f"no package and no library was found; what Python imports is not known: {reason}"
        )
        return
    unread = [
        m.module for m in modules if m.returned and m.version is None and m.has_builder is None
    ]
    if unread:
        yield Unknown(
            reason=f"no package and no library was found, but this Python imports {' and '.join(unread)}, "
            "of which nothing more could be learnt"
        )
        return
    looked = ", ".join(installs.value.looked_in) if installs.value else ""
    yield Finding(
        message="There is no TensorRT on this machine: no pip package, no library, no trtexec.",
        evidence=(
            Evidence(
                source="pip metadata, loader path, PATH",
                value=installs.reason or f"nothing in {looked or 'any place looked at'}",
            ),
        ),
        remedy=(
            Remedy(
                text="Install the TensorRT of this Jetson's JetPack; the pip packages are not for it.",
                commands=to_run("sudo apt install nvidia-jetpack"),
            )
            if jetson.value is not None
            else _remedy(
                situation(
                    gpus=gpus,
                    cuda=cuda,
                    driver=driver,
                    nvml=nvml,
                    wsl=wsl,
                    python=python,
                    onnxruntime=onnxruntime,
                    torch_tensorrt=torch_tensorrt,
                    kb=kb,
                ),
                shlex.quote(python.value.executable) if python.value else "python3",
                kb,
            )
        ),
        references=("TensorRT documentation, Installing TensorRT",),
    )


def _remedy(where: Situation, interpreter: str, kb: Knowledge) -> Remedy:
    also = "For trtexec and C++ install the deb, rpm or tar package of that release instead."
    found = installable(where, kb)
    if found is not None and where.driver is None and where.supported is None:
        known = f" for {where.told}" if where.told else ""
        # Which driver is here nobody knows: what the oldest one runs is right for every newer one.
        flavours = [one for m in (12, 13) if (one := installable(where, kb, majors=(m,)))] or [
            found
        ]
        floors = ", ".join(_floor(one, kb) for one in flavours)
        return Remedy(
            text=f"Install TensorRT {flavours[0].version}, the newest known release{known} ({floors}). "
            f"{also} If TensorRT is in another environment, name its interpreter with --python.",
            commands=to_run(f"{interpreter} -m pip install {shlex.quote(flavours[0].requirement)}"),
        )
    if found is not None:
        return Remedy(
            text=f"Install TensorRT {found.version} for CUDA {found.cuda_major}, the newest known release "
            f"for {where.told}. {also}",
            commands=to_run(f"{interpreter} -m pip install {shlex.quote(found.requirement)}"),
        )
    return Remedy(
        text=f"No release of the package index is known to suit {where.told} together. See TensorRT's "
        "support matrix for one that does, and change what it does not support. If TensorRT is in "
        "another environment, name its interpreter with --python."
    )


def _floor(one: Installable, kb: Knowledge) -> str:
    """The oldest driver that a release's packages for one CUDA version run with, in words."""
    package = one.requirement.partition("=")[0]
    try:
        floor = kb.tensorrt_driver_floor("tensorrt", one.version, one.cuda_major)
    except KnowledgeEnds:
        return f"{package} for CUDA {one.cuda_major}"
    return f"{package} from driver {floor.minimum} on"
