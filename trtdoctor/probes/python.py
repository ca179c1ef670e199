"""Probes of the target Python and of the frameworks in it; also which Python that is."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from trtdoctor.host import (
    Denied,
    Dynamic,
    Host,
    HostError,
    Missing,
    NotRecorded,
    Target,
    TimedOut,
    Unusable,
)
from trtdoctor.model.errors import UsageError
from trtdoctor.model.facts import (
    LibraryNeeds,
    OnnxRuntime,
    Package,
    Packages,
    TargetPython,
    TorchTensorRT,
)

from .asking import Distribution, answered, interpreter, inventory, list_or_none, target_python
from .loader import Loader
from .observing import Cost, NotThere, Observed, probe

OLDEST = (3, 8)


class UnusablePython(UsageError):
    """A ``--python`` that cannot be looked at; the message is one sentence for the user."""


def choose(host: Host, given: str | None) -> Target:
    """Which interpreter is meant.

    Args:
        host: this machine, live.
        given: what the user gave: a path, or a name to be found on PATH; None to choose.

    Raises:
        UnusablePython: what was given does not exist, is no Python, or is older than 3.8.
    """
    if given is not None:
        return _given(host, given)
    passed_over: list[str] = []
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        folder = host.env(variable)
        if not folder:
            continue
        if not folder.startswith("/"):
            # It would be whatever lies in the working directory.
            passed_over.append(f"{variable} is {folder}, which is not an absolute path")
            continue
        path = f"{folder.rstrip('/')}/bin/python"
        if _is_program(host, path):
            return Target(path=path, chosen_by=_told(variable, passed_over))
        passed_over.append(f"{variable} is {folder}, which has no usable bin/python")
    try:
        found = host.which("python3")
    except HostError:
        found = None
    if found is not None:
        return Target(path=found, chosen_by=_told("the first python3 on PATH", passed_over))
    own = host.system()["python"]
    return Target(path=own, chosen_by=_told("trtdoctor's own interpreter", passed_over))


def _told(by: str, passed_over: list[str]) -> str:
    return f"{by} ({'; '.join(passed_over)})" if passed_over else by


def _is_program(host: Host, path: str) -> bool:
    try:
        found = host.stat(path)
    except HostError:
        return False
    return found.kind == "file" and found.executable


def _given(host: Host, given: str) -> Target:
    if "/" in given:
        try:
            path = str(Path(given).expanduser().absolute())
        except RuntimeError:
            raise UnusablePython(
                f"--python {given}: there is no such home folder; give the path of an interpreter"
            ) from None
        except OSError:
            raise UnusablePython(
                f"--python {given}: the working directory is gone; give an absolute path"
            ) from None
    else:
        try:
            on_path = host.which(given)
        except HostError as error:
            raise UnusablePython(
                f"--python {given} was not found in the folders of PATH that can be looked into "
                f"({error}); give the path of an interpreter"
            ) from None
        if on_path is None:
            raise UnusablePython(
                f"--python {given}: there is no {given} on PATH; give the path of an interpreter"
            )
        path = on_path
    try:
        found = host.stat(path)
    except HostError as error:
        raise UnusablePython(
            f"--python {given}: {error}; give an interpreter that exists"
        ) from None
    if found.kind == "folder":
        raise UnusablePython(f"--python {given} is a folder; give its bin/python")
    # Asked for its version first: what is no Python must not be handed a program to run.
    version = _version_printed(host, given, path)
    if version >= OLDEST:
        try:
            said = answered(host.child("interpreter", python=path), "asking it which Python it is")
            version = tuple(said["version"][:2])
        except (HostError, KeyError, TypeError) as error:
            raise UnusablePython(f"--python {given} does not work as a Python: {error}") from None
    if version < OLDEST:
        raise UnusablePython(
            f"--python {given} is Python {version[0]}.{version[1]}; "
            f"trtdoctor can look at {OLDEST[0]}.{OLDEST[1]} and newer"
        )
    return Target(path=path, chosen_by="--python")


def _version_printed(host: Host, given: str, path: str) -> tuple[int, ...]:
    try:
        done = host.run((path, "-V"), deadline=10)
    except TimedOut:
        raise UnusablePython(
            f"--python {given} is not a Python interpreter: it did not print its version within 10 s"
        ) from None
    except (Missing, Denied, Unusable) as error:
        raise UnusablePython(
            f"--python {given} cannot be run ({error}); give the path of a Python interpreter"
        ) from None
    said = (done.stdout + done.stderr).strip()
    found = re.match(r"Python (\d+)\.(\d+)", said)
    if found is None:
        first = said.splitlines()[0].strip()[:120] if said else "nothing"
        raise UnusablePython(
            f"--python {given} is not a Python interpreter: asked for its version it printed {first!r} "
            f"and ended with status {done.exit_code}"
        )
    return int(found.group(1)), int(found.group(2))


@probe(TargetPython, Cost.LIGHT)
def python_target(host: Host) -> Observed[TargetPython]:
    """What the target interpreter says of itself."""
    said: dict[str, Any] = interpreter(host)
    system = said.get("system_site_packages")
    return Observed(
        value=TargetPython(
            executable=said["executable"],
            version=".".join(str(part) for part in said["version"]),
            implementation=said["implementation"],
            chosen_by=host.target.chosen_by if host.target else "trtdoctor's own interpreter",
            prefix=said["prefix"],
            in_virtualenv=said["prefix"] != said["base_prefix"],
            system_site_packages=None if system is None else str(system).lower() == "true",
            platform=said.get("machine"),
            free_threaded=said["free_threaded"],
        ),
        source=said["executable"],
    )


@probe(Packages, Cost.LIGHT)
def packages(host: Host) -> Observed[Packages]:
    """The distributions that bear on TensorRT, in the order in which imports find them."""
    seen = inventory(host)
    return Observed(
        value=Packages(
            packages=tuple(
                Package(name=p.name, version=p.version, location=p.location) for p in seen.packages
            )
        ),
        source="installed distributions' metadata",
    )


def _first(host: Host, *names: str) -> Distribution | None:
    """The first of these distributions; None only where every folder could be listed."""
    seen = inventory(host)
    for name in names:
        for package in seen.packages:
            if package.name == name:
                return package
    if seen.denied:
        raise Denied(f"{seen.denied[0]}: Permission denied")
    return None


_PROVIDER = re.compile(r"libonnxruntime_providers_(\w+)\.so")
_PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "nv_tensorrt_rtx": "NvTensorRTRTXExecutionProvider",
    "rocm": "ROCMExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "dnnl": "DnnlExecutionProvider",
    "qnn": "QNNExecutionProvider",
}
_RUNTIMES = (
    "onnxruntime-gpu",
    "onnxruntime-trt-rtx",
    "onnxruntime-openvino",
    "onnxruntime-training",
    "onnxruntime",
)


# NVIDIA's providers, by the name in their library's file name.
_OF_NVIDIA = ("tensorrt", "cuda", "nv_tensorrt_rtx")
_MOST_LIBRARIES = 32


@probe(OnnxRuntime, Cost.LIGHT)
def onnx_runtime(host: Host) -> Observed[OnnxRuntime]:
    """ONNX Runtime's providers: what it says it has, and whether the loader finds what they need."""
    package = _first(host, *_RUNTIMES)
    if package is None:
        raise NotThere("ONNX Runtime is not installed in the target Python", source="metadata")
    folder = f"{package.location}/onnxruntime/capi"
    libraries = {}
    for name in list_or_none(host, folder) or ():
        match = _PROVIDER.fullmatch(name)
        if match and match.group(1) != "shared":
            libraries[match.group(1)] = f"{folder}/{name}"
    available, not_asked = _available(host)
    read, unread = _needed(host, [libraries[name] for name in _OF_NVIDIA if name in libraries])
    return Observed(
        value=OnnxRuntime(
            distribution=package.name,
            version=package.version,
            providers=(
                *(_PROVIDERS.get(name, name) for name in libraries),
                "CPUExecutionProvider",
            ),
            available=available,
            not_asked=not_asked,
            tensorrt_needs=_soname(host, libraries.get("tensorrt"), "libnvinfer.so"),
            cuda_needs=_soname(host, libraries.get("cuda"), "libcudart.so"),
            libraries=read,
            unread=unread,
            elsewhere=_elsewhere(host, package.location, read),
        ),
        source=folder,
    )


def _available(host: Host) -> tuple[tuple[str, ...] | None, str | None]:
    """What ``get_available_providers()`` answers, or why nobody knows."""
    try:
        said = answered(
            host.child("onnx_runtime", python=target_python(host)), "importing onnxruntime"
        )
        return tuple(said["providers"]), None
    except (KeyError, TypeError):
        return None, "importing onnxruntime: an answer that cannot be read"
    except (HostError, NotRecorded) as error:
        return None, str(error)


def _needed(host: Host, libraries: list[str]) -> tuple[tuple[LibraryNeeds, ...], dict[str, str]]:
    try:
        return Loader(host).closure(libraries, most=_MOST_LIBRARIES)
    except (HostError, NotRecorded) as error:
        return (), dict.fromkeys(libraries, str(error))


def _soname(host: Host, library: str | None, begin: str) -> str | None:
    if library is None:
        return None
    try:
        dynamic: Dynamic = host.dynamic(library)
    except (Missing, Unusable):
        return None
    return next((name for name in dynamic.needed if name.startswith(begin)), None)


def _elsewhere(host: Host, location: str, read: tuple[LibraryNeeds, ...]) -> dict[str, str]:
    """Where files lie that the loader does not find: in the folders of NVIDIA's pip packages."""
    missing = {n.soname for item in read for n in item.needs if n.found is None}
    found: dict[str, str] = {}
    if not missing:
        return found
    folders = [f"{location}/tensorrt_libs", f"{location}/tensorrt_rtx_libs"]
    # What is not told here is only a place less to name.
    with suppress(HostError, NotRecorded):
        names = list_or_none(host, f"{location}/nvidia") or ()
        folders += [f"{location}/nvidia/{name}/lib" for name in names]
    for folder in folders:
        with suppress(HostError, NotRecorded):
            for name in sorted(missing.intersection(list_or_none(host, folder) or ())):
                found.setdefault(name, f"{folder}/{name}")
    return found


@probe(TorchTensorRT, Cost.LIGHT)
def torch_tensorrt(host: Host) -> Observed[TorchTensorRT]:
    """Torch-TensorRT's version, what its metadata requires, and the torch beside it."""
    package = _first(host, "torch-tensorrt")
    if package is None:
        raise NotThere("Torch-TensorRT is not installed in the target Python", source="metadata")
    torch = next((p for p in inventory(host).packages if p.name == "torch"), None)
    return Observed(
        value=TorchTensorRT(
            version=package.version,
            torch_version=torch.version if torch else None,
            requires=package.requires,
        ),
        source=f"{package.location}: metadata",
    )
