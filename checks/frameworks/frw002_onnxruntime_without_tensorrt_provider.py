"""FRW002: an ONNX Runtime for GPUs that has no TensorRT provider."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    Finding,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    to_run,
)

_ALL_IN_ONE_FOLDER = ("onnxruntime", "onnxruntime-gpu")


@check(
    id="FRW002",
    name="onnxruntime-without-tensorrt-provider",
    severity=Severity.INFO,
    since="0.1.0",
)
def onnxruntime_without_tensorrt_provider(
    runtime: facts.OnnxRuntime, packages: facts.Packages, python: Fact[facts.TargetPython]
) -> Iterator[Yielded]:
    """ONNX Runtime's GPU package is installed, but its TensorRT provider is missing or hidden.

    ## What it checks
    Whether `onnxruntime` and `onnxruntime-gpu` are installed into one folder, and whether
    `onnxruntime.get_available_providers()` names the TensorRT provider, asked in a process of its own.
    That a library of that name lies there proves nothing: the CPU package leaves it and does not use it.

    ## Why it matters
    Both distributions unpack into the same folder `onnxruntime`, so the one installed last decides which
    providers there are. Other packages ask for plain `onnxruntime`, which is how it comes in; asking for
    `TensorrtExecutionProvider` then gives the CPU with a warning.

    ## How to fix it
    Uninstall both and install `onnxruntime-gpu` again.

    ## References
    - ONNX Runtime documentation, "Install ONNX Runtime": https://onnxruntime.ai/docs/install/
    """
    has = _has(runtime)
    told = (
        Evidence(source="get_available_providers()", value=", ".join(runtime.available) or "none")
        if runtime.available is not None
        else Evidence(source="provider libraries", value=", ".join(runtime.providers) or "none")
    )
    both = {
        package.name: package
        for package in reversed(packages.packages)
        if package.name in _ALL_IN_ONE_FOLDER
    }
    folders = {package.location for package in both.values()}
    interpreter = shlex.quote(python.value.executable) if python.value else "python3"
    remedy = Remedy(
        text="Uninstall both distributions and install the one for GPUs again.",
        commands=to_run(
            f"{interpreter} -m pip uninstall -y onnxruntime onnxruntime-gpu",
            f"{interpreter} -m pip install --no-cache-dir onnxruntime-gpu",
        ),
    )
    if len(both) == 2 and len(folders) == 1:
        state = {
            True: "is there now, and goes with the next change",
            False: "is missing",
            None: "may be hidden, which could not be asked",
        }[has]
        yield Finding(
            message="onnxruntime and onnxruntime-gpu are installed over each other; the TensorRT provider "
            f"{state}.",
            subject="onnxruntime-gpu",
            evidence=(
                *(
                    Evidence(source="pip metadata", value=f"{p.name} {p.version}")
                    for p in both.values()
                ),
                told,
            ),
            remedy=remedy,
        )
    elif runtime.distribution == "onnxruntime-gpu" and has is None:
        yield Unknown(
            subject="onnxruntime-gpu",
            reason=f"which providers it has could not be asked: {runtime.not_asked or 'no answer'}",
        )
    elif runtime.distribution == "onnxruntime-gpu" and not has:
        yield Finding(
            message=f"onnxruntime-gpu {runtime.version} has no TensorRT provider.",
            subject="onnxruntime-gpu",
            evidence=(told,),
            remedy=remedy,
        )
    else:
        yield Note(text=f"{runtime.distribution} {runtime.version}: {told.value}")


def _has(runtime: facts.OnnxRuntime) -> bool | None:
    """Whether it has the TensorRT provider; None where nobody could ask."""
    name = "TensorrtExecutionProvider"
    if runtime.available is not None:
        return name in runtime.available
    # Without the library there is none, whatever the rest would say.
    return None if name in runtime.providers else False
