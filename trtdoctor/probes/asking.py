"""Questions that several probes share: each is put in the same words, so the host asks it once.

Turns how a child ended into a value or an exception; it judges nothing.
"""

from __future__ import annotations

from typing import Any

import msgspec

from trtdoctor.host import ChildAnswer, Host, HostError, Missing, TimedOut, Unusable
from trtdoctor.model.base import Frozen

# Distributions that bear on TensorRT; a trailing star matches any ending.
FAMILIES = (
    "cuda-*",
    "cupy*",
    "numpy",
    "nvidia-*",
    "onnx*",
    "ort-*",
    "polygraphy",
    "protobuf",
    "pycuda",
    "tensorflow*",
    "tensorrt*",
    "torch",
    "torch-tensorrt",
    "torchvision",
    "triton",
    "ultralytics",
)
MODULES = ("tensorrt", "tensorrt_rtx", "tensorrt_lean", "tensorrt_dispatch", "tensorrt_bindings")
_WITH_REQUIREMENTS = (
    "tensorrt",
    "tensorrt-libs",
    "tensorrt-lean",
    "tensorrt-dispatch",
    "nvidia-tensorrt",
    "torch-tensorrt",
    "tensorrt-llm",
)


class Distribution(Frozen, frozen=True, kw_only=True):
    """One installed distribution; ``requires`` as in its metadata, for the few that matter."""

    name: str
    version: str
    location: str
    requires: tuple[str, ...] = ()


class ModuleSpec(Frozen, frozen=True, kw_only=True):
    """Where the interpreter would import a module from; nothing was imported to learn it."""

    origin: str | None = None
    folders: tuple[str, ...] = ()
    error: str | None = None


class Inventory(Frozen, frozen=True, kw_only=True):
    """What one interpreter could import. ``denied`` lists the entries of ``path`` it cannot list."""

    path: tuple[str, ...]
    denied: tuple[str, ...]
    packages: tuple[Distribution, ...]
    modules: dict[str, ModuleSpec | None]


def target_python(host: Host) -> str | None:
    """The path of the interpreter looked at; None is trtdoctor's own."""
    return host.target.path if host.target else None


def answered(answer: ChildAnswer, what: str) -> Any:
    """What a child returned.

    Raises:
        TimedOut: it gave no answer in time.
        HostError: it died, exited or raised; ``what`` names it in the message.
    """
    if answer.ending == "returned":
        return answer.value
    detail = answer.detail or answer.ending
    if answer.ending == "deadline":
        raise TimedOut(f"{what}: {detail}")
    if answer.ending == "signal":
        raise HostError(f"{what}: the child died of {detail}")
    raise HostError(f"{what}: {detail}{_last_line(answer.output)}")


def _last_line(output: str) -> str:
    lines = output.strip().splitlines()
    return f" ({lines[-1].strip()[:300]})" if lines else ""


# What every look asks for, so that it is one question.
INVENTORY = {"families": FAMILIES, "modules": MODULES, "requires": _WITH_REQUIREMENTS}


def _of_target(host: Host, script: str, payload: dict[str, Any]) -> ChildAnswer:
    """What one of the scripts answers that every look asks the target interpreter."""
    python = target_python(host)
    host.prepare_children((("interpreter", {}), ("inventory", INVENTORY)), python=python)
    return host.child(script, payload, python=python)


def interpreter(host: Host) -> Any:
    """What the target interpreter says of itself.

    Raises:
        HostError: it could not be started or gave no answer.
    """
    return answered(_of_target(host, "interpreter", {}), "asking the target Python")


def inventory(host: Host) -> Inventory:
    """The distributions and modules of the target interpreter.

    Raises:
        HostError: the interpreter could not be started or gave no usable answer.
    """
    answer = _of_target(host, "inventory", INVENTORY)
    return msgspec.convert(answered(answer, "listing the packages"), Inventory)


class LoaderCache(Frozen, frozen=True, kw_only=True):
    """The dynamic loader's cache: for each soname, the paths in the loader's order."""

    paths: dict[str, tuple[str, ...]]


_FLAGS = {"x86_64": "x86-64", "aarch64": "AArch64"}


def loader_cache(host: Host) -> LoaderCache:
    """``ldconfig -p``, only the libraries of this machine's architecture.

    Raises:
        Denied, TimedOut, HostError: the cache is there and could not be printed.
    """
    program = host.which("ldconfig")
    for path in ("/sbin/ldconfig", "/usr/sbin/ldconfig"):
        if program is None and host.exists(path):
            program = path
    if program is None:
        if host.exists("/etc/ld.so.cache"):
            raise Unusable("there is no ldconfig to print /etc/ld.so.cache with")
        return LoaderCache(paths={})
    try:
        done = host.run((program, "-p"), deadline=5)
    except Missing as error:
        raise Unusable(f"{program} could not be run ({error})") from None
    if done.exit_code != 0:
        if not host.exists("/etc/ld.so.cache"):
            return LoaderCache(paths={})
        raise Unusable(f"{program} -p ended with status {done.exit_code}")
    flag = _FLAGS.get(host.system().get("machine", ""))
    paths: dict[str, tuple[str, ...]] = {}
    for line in done.stdout.splitlines():
        head, arrow, path = line.strip().partition(" => ")
        soname, _, flags = head.partition(" (")
        if arrow and (flag is None or flag in flags):
            paths[soname] = (*paths.get(soname, ()), path.strip())
    if not paths and "libs found in cache" not in done.stdout:
        raise Unusable(f"{program} -p printed no list of libraries")
    return LoaderCache(paths=paths)


def list_or_none(host: Host, folder: str) -> tuple[str, ...] | None:
    """The names in a folder; None where there is no such folder. Raises ``Denied``."""
    try:
        return host.list_folder(folder)
    except Missing:
        return None


def resolved(host: Host, path: str) -> str:
    """The path with links followed, or the path itself where a link leads nowhere."""
    try:
        return host.resolve(path)
    except (Missing, Unusable):
        return path


def library_path(host: Host) -> tuple[str, ...]:
    """The absolute folders of ``LD_LIBRARY_PATH``."""
    entries = (host.env("LD_LIBRARY_PATH") or "").replace(";", ":").split(":")
    return tuple(dict.fromkeys(entry.rstrip("/") for entry in entries if entry.startswith("/")))
