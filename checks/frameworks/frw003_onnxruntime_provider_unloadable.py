"""FRW003: ONNX Runtime has a provider for this GPU that the loader cannot load."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
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
    versions,
)

_PROVIDERS = {
    "libonnxruntime_providers_tensorrt.so": "TensorRT",
    "libonnxruntime_providers_cuda.so": "CUDA",
    "libonnxruntime_providers_nv_tensorrt_rtx.so": "TensorRT-RTX",
}
# TensorRT itself, whose absence other checks tell.
_OF_TENSORRT = ("libnvinfer", "libnvonnxparser", "libtensorrt")
# What the driver brings: its absence is the driver's, told by the checks of the driver.
_OF_THE_DRIVER = ("libcuda.so", "libnvidia-")
# Where the loader's rules find not even these, the rules are not this machine's.
_OF_THE_C_LIBRARY = ("libc.so.", "libm.so.", "libdl.so.", "libpthread.so.", "librt.so.", "ld-linux")
_PRELOADS = (1, 21)


@check(
    id="FRW003",
    name="onnxruntime-provider-unloadable",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=("tensorrt-missing", "tensorrt-half-installed"),
)
def onnxruntime_provider_unloadable(
    runtime: facts.OnnxRuntime, installs: Fact[facts.Installs]
) -> Iterator[Yielded]:
    """ONNX Runtime cannot load its TensorRT or CUDA provider and falls back to the CPU.

    ## What it checks
    Everything that the libraries of ONNX Runtime's TensorRT, CUDA and TensorRT-RTX providers need, and
    what these need in turn, looked for as the dynamic loader does: RPATH and RUNPATH, `LD_LIBRARY_PATH`,
    the loader's cache, the default folders. Nothing is loaded.

    ## Why it matters
    The packages that pip installs put TensorRT, cuDNN and CUDA into folders below `site-packages`, where
    the loader does not look. `get_available_providers()` lists the provider all the same; a session then
    logs a line, raises nothing and runs on the CPU.

    ## How to fix it
    Put the folders onto `LD_LIBRARY_PATH` before Python starts; or load the libraries first, in the same
    process: `import tensorrt`, and `onnxruntime.preload_dlls()` for CUDA and cuDNN (1.21 and newer).

    ## Known limits
    A program that loads these libraries first, as `import torch` does with CUDA's, needs no path to them,
    hence `likely`. Where no TensorRT of the provider's version is installed, other checks say so. Symbols
    and the providers of other vendors are not looked at.

    ## References
    - ONNX Runtime documentation, "Preload DLLs":
      https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html
    - ld.so(8), "Dynamic library search order": https://man7.org/linux/man-pages/man8/ld.so.8.html
    """
    name = f"{runtime.distribution} {runtime.version}"
    for path, why in runtime.unread.items():
        yield Unknown(subject=path, reason=f"what it needs could not be followed: {why}")
    missing: dict[str, list[str]] = {}
    for library in runtime.libraries:
        lacks = [need.soname for need in library.needs if need.found is None]
        if any(soname.startswith(_OF_THE_C_LIBRARY) for soname in lacks):
            reason = (
                "the loader's rules do not find the C library either; they are not followed here"
            )
            yield Unknown(subject=library.path, reason=reason)
            return
        leaf = library.path.rpartition("/")[2]
        for soname in lacks:
            if not soname.startswith(_OF_THE_DRIVER):
                missing.setdefault(soname, []).append(_PROVIDERS.get(leaf, leaf))
    absent = [soname for soname in missing if _nowhere(soname, runtime, installs)]
    if absent:
        text = f"{', '.join(absent)}: not installed, which other checks judge"
        yield Note(text=text)
        missing = {soname: who for soname, who in missing.items() if soname not in absent}
    if missing:
        yield _finding(name, runtime, missing)
    elif runtime.libraries:
        yield Note(text=f"the loader finds what {len(runtime.libraries)} libraries of {name} need")
    else:
        yield Note(text=f"{name} has no provider of NVIDIA's")


def _nowhere(soname: str, runtime: facts.OnnxRuntime, installs: Fact[facts.Installs]) -> bool:
    """Whether it is a library of a TensorRT that is not installed here at all."""
    if not soname.startswith(_OF_TENSORRT) or soname in runtime.elsewhere or installs.unseen:
        return False
    wanted = soname.rpartition(".so.")[2]
    return not any(
        install.kind != "trtexec" and versions.agree(install.version, wanted) is not False
        for install in (installs.value.installs if installs.value else ())
    )


def _finding(name: str, runtime: facts.OnnxRuntime, missing: dict[str, list[str]]) -> Finding:
    kinds = [kind for kind in _PROVIDERS.values() if any(kind in who for who in missing.values())]
    if kinds:
        plural = "s" if len(kinds) > 1 else ""
        which = f"the {' and '.join(kinds)} provider{plural}"
    else:
        which = "a library that its providers need"
    falls = "the CPU" if "CUDA" in kinds or kinds != ["TensorRT"] else "CUDA or the CPU"
    where = {soname: runtime.elsewhere.get(soname) for soname in missing}
    evidence = [
        Evidence(
            source=f"needed by {', '.join(dict.fromkeys(who))}",
            value=f"{soname}: {'in ' + path if (path := where[soname]) else 'not where the loader looks'}",
        )
        for soname, who in missing.items()
    ]
    if runtime.available is not None:
        evidence.append(
            Evidence(source="get_available_providers()", value=", ".join(runtime.available))
        )
    return Finding(
        message=f"{name} cannot load {which}: the loader does not find "
        f"{', '.join(missing)}. Sessions fall back to {falls} without an exception.",
        subject=name,
        confidence=Confidence.LIKELY,
        evidence=tuple(evidence),
        remedy=_remedy(runtime, where),
        references=("ONNX Runtime documentation, Preload DLLs",),
    )


def _remedy(runtime: facts.OnnxRuntime, where: dict[str, str | None]) -> Remedy:
    folders = list(dict.fromkeys(path.rpartition("/")[0] for path in where.values() if path))
    unplaced = [soname for soname, path in where.items() if not path]
    first = ["import tensorrt"] if any(s.startswith(_OF_TENSORRT) for s in where) else []
    preloads = (versions.numbers(runtime.version) or ())[:2] >= _PRELOADS
    if preloads and any(not s.startswith(_OF_TENSORRT) for s in where):
        first.append("onnxruntime.preload_dlls()")
    text = "Put the folders of these libraries onto LD_LIBRARY_PATH before Python starts"
    if first:
        text += f", or call {' and '.join(first)} before the first session is made"
    if unplaced:
        text += (
            f". pip's packages of CUDA and cuDNN have {', '.join(unplaced)} below "
            "site-packages/nvidia/*/lib, if they are installed"
        )
    commands = []
    if folders:
        joined = ":".join(shlex.quote(folder) for folder in folders)
        commands.append(f"export LD_LIBRARY_PATH={joined}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}")
    else:
        commands += [f"ldd {shlex.quote(item.path)}" for item in runtime.libraries[:1]]
    return Remedy(text=f"{text}.", commands=to_run(*commands))
