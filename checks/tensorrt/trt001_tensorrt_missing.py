"""TRT001: no TensorRT on the machine."""

from __future__ import annotations

import shlex
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
)


@check(id="TRT001", name="tensorrt-missing", severity=Severity.ERROR, since="0.1.0")
def tensorrt_missing(
    installs: Fact[facts.Installs],
    imports: Fact[facts.Imports],
    python: Fact[facts.TargetPython],
    jetson: Fact[facts.Jetson],
    nvml: Fact[facts.Nvml],
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
    For Python, `pip install tensorrt-cu13` or `tensorrt-cu12`, by the CUDA version that the driver
    supports. For `trtexec` and C++, the deb, rpm or tar package: pip brings neither. On a Jetson,
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
    looked = ", ".join(installs.value.looked_in) if installs.value else ""
    yield Finding(
        message="There is no TensorRT on this machine: no pip package, no library, no trtexec.",
        evidence=(
            Evidence(
                source="pip metadata, loader path, PATH",
                value=installs.reason or f"nothing in {looked or 'any place looked at'}",
            ),
        ),
        remedy=_remedy(python, jetson, nvml),
        references=("TensorRT documentation, Installing TensorRT",),
    )


def _remedy(
    python: Fact[facts.TargetPython], jetson: Fact[facts.Jetson], nvml: Fact[facts.Nvml]
) -> Remedy:
    if jetson.value is not None:
        return Remedy(
            text="Install the TensorRT of this Jetson's JetPack; the pip packages are not for it.",
            commands=("sudo apt install nvidia-jetpack",),
        )
    interpreter = shlex.quote(python.value.executable) if python.value else "python3"
    supported = nvml.value.cuda_driver_version if nvml.value else None
    major = (supported or "").partition(".")[0]
    if major.isdigit() and int(major) >= 12:
        flavour = "cu13" if int(major) >= 13 else "cu12"
        return Remedy(
            text=f"Install a build for CUDA {flavour[2:]}: the driver supports CUDA {supported}. "
            "For trtexec and C++ install the deb, rpm or tar package instead.",
            commands=(f"{interpreter} -m pip install tensorrt-{flavour}",),
        )
    return Remedy(
        text="Install tensorrt-cu13 (drivers that support CUDA 13) or tensorrt-cu12 (older ones); for "
        "trtexec and C++ the deb, rpm or tar package. If TensorRT is in another environment, "
        "name its interpreter with --python.",
        commands=(f"{interpreter} -m pip install tensorrt-cu12",),
    )
