"""FRW001: a framework wants another TensorRT than there is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    FactStatus,
    Finding,
    Knowledge,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    to_run,
    versions,
)

_REQUIREMENT = re.compile(r"tensorrt\s*\(?(?P<range>[<>=!~][^;)]*)\)?\s*(?P<marker>;.*)?")


@check(
    id="FRW001",
    name="framework-tensorrt-mismatch",
    severity=Severity.WARNING,
    since="0.1.0",
    explained_by=("tensorrt-missing", "tensorrt-half-installed", "jetson-pip-tensorrt"),
)
def framework_tensorrt_mismatch(
    onnxruntime: Fact[facts.OnnxRuntime],
    torch_tensorrt: Fact[facts.TorchTensorRT],
    installs: Fact[facts.Installs],
    imports: Fact[facts.Imports],
    python: Fact[facts.TargetPython],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """A framework was built for another TensorRT than the one on this machine.

    ## What it checks
    The `libnvinfer.so.N` that ONNX Runtime's TensorRT provider is linked with, against the TensorRTs on the
    machine; and the range of versions that Torch-TensorRT's metadata asks for, or the table gives, against
    the TensorRT of this Python.

    ## Why it matters
    ONNX Runtime then falls back to CUDA or the CPU with no more than a warning in its log. Torch-TensorRT
    does not import, or refuses the engines that it saved before.

    ## How to fix it
    Install the TensorRT version that the framework asks for, or the framework's release that was built for
    the TensorRT that is there.

    ## Known limits
    Who uses ONNX Runtime without that provider can ignore its finding. TensorRT-LLM is not judged.
    """
    seen = [fact for fact in (onnxruntime, torch_tensorrt) if fact.status is not FactStatus.NOT_RUN]
    if all(fact.status is FactStatus.ABSENT for fact in seen):
        raise NotApplicable("neither ONNX Runtime nor Torch-TensorRT is installed")
    for fact in seen:
        if fact.unseen:
            yield Unknown(reason=f"could not look at a framework: {fact.reason}")
    if onnxruntime.value is not None:
        yield from _onnxruntime(onnxruntime.value, installs)
    if torch_tensorrt.value is not None:
        interpreter = shlex.quote(python.value.executable) if python.value else "python3"
        yield from _torch(torch_tensorrt.value, imports.value, installs.value, interpreter, kb)


def _onnxruntime(runtime: facts.OnnxRuntime, installs: Fact[facts.Installs]) -> Iterator[Yielded]:
    name = f"{runtime.distribution} {runtime.version}"
    if runtime.tensorrt_needs is None:
        yield Note(text=f"{name} has no provider that links libnvinfer")
        return
    if installs.unseen:
        yield Unknown(subject=name, reason=f"could not look for its TensorRT: {installs.reason}")
        return
    wanted = runtime.tensorrt_needs.rpartition(".so.")[2]
    found = [
        i for i in (installs.value.installs if installs.value else ()) if i.product == "tensorrt"
    ]
    libraries = [install for install in found if install.kind != "trtexec"]
    fits = [install for install in libraries if versions.agree(install.version, wanted)]
    if not libraries:
        yield Note(text=f"{name} could use TensorRT {wanted}; there is none")
    elif fits:
        yield Note(text=f"{name} wants {runtime.tensorrt_needs}, which {fits[0].location} has")
    elif any(versions.numbers(install.version) is None for install in libraries):
        yield Unknown(subject=name, reason="the version of a TensorRT on this machine is not known")
    else:
        have = ", ".join(dict.fromkeys(str(install.version) for install in libraries))
        yield Finding(
            message=f"The TensorRT provider of {name} needs TensorRT {wanted}, and this machine has "
            f"{have}: ONNX Runtime falls back to CUDA or the CPU.",
            subject=name,
            evidence=(
                Evidence(
                    source="ELF dynamic section of its provider", value=runtime.tensorrt_needs
                ),
                *(Evidence(source=i.location, value=f"TensorRT {i.version}") for i in libraries),
            ),
            remedy=Remedy(
                text=f"Install TensorRT {wanted}.x and put its folder on the loader's path, or an "
                "onnxruntime-gpu that was built for the TensorRT here.",
            ),
        )


def _torch(
    torch: facts.TorchTensorRT,
    imports: facts.Imports | None,
    installs: facts.Installs | None,
    interpreter: str,
    kb: Knowledge,
) -> Iterator[Yielded]:
    name = f"torch-tensorrt {torch.version}"
    worked = imports.working("tensorrt") if imports else None
    of_pip = [i for i in (installs.installs if installs else ()) if i.kind == "pip"]
    # Metadata first: it is what the requirement was written against.
    have = next(
        (i.version for i in of_pip if i.product == "tensorrt"), worked.version if worked else None
    )
    asked = [match for text in torch.requires if (match := _REQUIREMENT.fullmatch(text.strip()))]
    marked = any(match.group("marker") for match in asked)
    if asked:
        wanted, source = asked[0].group("range").strip(), f"Requires-Dist of {name}"
    else:
        row = kb.framework_requirement("torch-tensorrt", torch.version)
        wanted, source, marked = row.tensorrt, row.source, row.note is not None
    fits = versions.satisfies(have, wanted) if have else None
    if fits or versions.agree(have, wanted.removeprefix("==")):
        yield Note(text=f"{name} asks for tensorrt {wanted}, and {have} is it")
    elif fits is None or marked:
        where = " on some machines" if marked else ""
        reason = f"it asks for tensorrt {wanted}{where}; here is {have or 'none that is known'}"
        yield Unknown(subject=name, reason=reason)
    else:
        yield Finding(
            message=f"{name} asks for tensorrt {wanted}, and this Python has {have}.",
            subject=name,
            evidence=(
                Evidence(source=source, value=f"tensorrt{wanted}"),
                Evidence(source="pip metadata or import tensorrt", value=str(have)),
            ),
            remedy=Remedy(
                text="Install the TensorRT that it asks for"
                + (", which pip does when it is given torch-tensorrt itself;" if asked else ",")
                + " or take its release for the TensorRT here.",
                commands=to_run(
                    # Where its metadata ask for nothing, pip would change nothing.
                    f"{interpreter} -m pip install torch-tensorrt=={torch.version.partition('+')[0]}"
                    if asked
                    else f"{interpreter} -m pip install {shlex.quote(f'tensorrt{wanted}')}",
                ),
            ),
        )
