"""Probes that import TensorRT in the target Python and make a builder, each in its own child.

How an import ended is the fact's value; only not being able to look is a failed fact.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

from trtdoctor.host import ChildAnswer, Denied, Host, HostError, NotRecorded, Unusable
from trtdoctor.model.facts import (
    Attempt,
    Builders,
    BuilderTrial,
    Ending,
    Imports,
    LoadedLibrary,
    ModuleImport,
    OwnModules,
    WorkingDirectory,
)

from .asking import MODULES, inventory, list_or_none, target_python
from .observing import Cost, NotThere, Observed, probe

_PRECISIONS = ("FP16", "INT8", "BF16", "FP8", "INT4", "FP4")
_OUTPUT_LIMIT = 2000
# A first Builder took 14 s on an H100 with TensorRT 8.6: the run's own deadline is the limit.
_BUILDER_DEADLINE = 3600.0


def importable_modules(host: Host) -> tuple[str, ...]:
    """The TensorRT modules that the target Python finds, without importing any.

    ``tensorrt_bindings`` counts only where ``tensorrt``, which imports it, is not found. What is
    a user's own by that name is left out.

    Raises:
        Denied: none is found, but not all of the interpreter's folders could be listed.
    """
    seen = inventory(host)
    own = user_modules(host)
    found = [name for name in MODULES if seen.modules.get(name) is not None and name not in own]
    if "tensorrt" in found and "tensorrt_bindings" in found:
        found.remove("tensorrt_bindings")
    if not found and not own and seen.denied:
        raise Denied(f"{seen.denied[0]}: Permission denied")
    return tuple(found)


def attempted(answer: ChildAnswer) -> tuple[Attempt, dict[str, Any]]:
    """How it ended, and what the child told besides."""
    said = answer.value if isinstance(answer.value, dict) else {}
    ending, detail = answer.ending, answer.detail
    if ending == "returned":
        ending, detail = said["ending"], said.get("detail")
    elif ending == "raised":
        ending = "exception"
    output = answer.output.strip()[-_OUTPUT_LIMIT:] or None
    return Attempt(ending=Ending(ending), detail=detail, output=output), said


def user_modules(host: Host) -> dict[str, str]:
    """What the target Python finds by a TensorRT module's name and is none: told by files alone.

    Every TensorRT is a folder that was installed as a distribution, or has a compiled module in it
    or its bindings beside it.
    """
    seen = inventory(host)
    homes = {p.location for p in seen.packages if "tensorrt" in p.name}
    own: dict[str, str] = {}
    for name in MODULES:
        spec = seen.modules.get(name)
        if spec is None or spec.origin is None:
            continue
        if spec.origin.endswith(f"/{name}.py"):
            own[name] = spec.origin
        elif spec.folders and spec.folders[0].rpartition("/")[0] not in homes:
            # Where nobody could look, the import tells.
            with suppress(HostError, NotRecorded):
                if not _of_tensorrt(host, spec.folders[0]):
                    own[name] = spec.folders[0]
    return own


def _of_tensorrt(host: Host, folder: str) -> bool:
    parent, _, name = folder.rpartition("/")
    base = name.removesuffix("_bindings")
    if any(".so" in leaf for leaf in list_or_none(host, folder) or ()):
        return True
    beside = list_or_none(host, parent) or ()
    return f"{base}_bindings" in beside or f"{base}_libs" in beside


@probe(Imports, Cost.LIGHT)
def tensorrt_imports(host: Host) -> Observed[Imports]:
    """Imports every TensorRT module that the target Python finds, side by side."""
    modules = importable_modules(host)
    if not modules:
        raise NotThere(
            "the target Python finds no TensorRT module", source="importlib.util.find_spec"
        )
    return Observed(
        value=Imports(modules=_side_by_side(host, modules)), source="import in a child process"
    )


@probe(OwnModules, Cost.LIGHT)
def own_modules(host: Host) -> Observed[OwnModules]:
    """What the target Python finds by the name of a TensorRT module and is none."""
    shadows = user_modules(host)
    if not shadows:
        raise NotThere("nothing but TensorRT bears its modules' names", source="find_spec")
    return Observed(value=OwnModules(shadows=shadows), source="importlib.util.find_spec")


@probe(WorkingDirectory, Cost.LIGHT)
def working_directory(host: Host) -> Observed[WorkingDirectory]:
    """What the working directory has by the name of a TensorRT module and is none."""
    here = host.system().get("directory")
    if here is None:
        raise Unusable("which folder it was started in is not known")
    here = here.rstrip("/")
    found: dict[str, str] = {}
    if here not in inventory(host).path:
        for name in MODULES:
            folder, file = f"{here}/{name}", f"{here}/{name}.py"
            if host.exists(f"{folder}/__init__.py") and not _of_tensorrt(host, folder):
                found[name] = folder
            elif host.exists(file):
                found[name] = file
    if not found:
        raise NotThere("nothing there bears the name of a TensorRT module", source=here)
    return Observed(value=WorkingDirectory(shadows=found), source=here)


def _side_by_side(host: Host, modules: tuple[str, ...]) -> tuple[ModuleImport, ...]:
    imported: dict[str, ModuleImport] = {}
    failed: list[Exception] = []

    def work(name: str) -> None:
        try:
            imported[name] = _imported(host, name)
        except Exception as error:  # noqa: BLE001  raised again where it is waited for
            failed.append(error)

    # Daemon threads, which no executor has: a child that the kernel does not let go, as one in a
    # hung driver, must not keep the program from ending.
    threads = [threading.Thread(target=work, args=(name,), daemon=True) for name in modules]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return tuple(imported[name] for name in modules)


def _imported(host: Host, module: str) -> ModuleImport:
    attempt, said = attempted(
        host.child("import_module", {"module": module}, python=target_python(host))
    )
    libraries = tuple(
        LoadedLibrary(name=library["name"], path=library["path"])
        for library in said.get("libraries") or ()
    )
    has_builder = said.get("has_builder")
    flags = said.get("builder_flags")
    precisions = None
    if has_builder and flags is not None:
        precisions = tuple(name for name in _PRECISIONS if name in flags)
    network = said.get("network_flags")
    return ModuleImport(
        module=module,
        attempt=attempt,
        file=said.get("file"),
        version=said.get("version"),
        library_version=library_version(said.get("library_version")),
        libraries=libraries,
        has_builder=has_builder,
        precision_flags=precisions,
        network_flags=tuple(network) if has_builder and network is not None else None,
        has_fast_fp16_query=said.get("has_fast_fp16_query") if has_builder else None,
    )


def library_version(parts: list[int] | None) -> str | None:
    """The four parts dotted, or ``getInferLibVersion``'s one number taken apart.

    Up to 9.x that number is 1000 * major + 100 * minor + patch (``8601``: 8.6.1); since 10.0, and
    for TensorRT-RTX, 10000 * major + 100 * minor + patch (``101601``: 10.16.1).
    """
    if not parts:
        return None
    if len(parts) > 1:
        return ".".join(str(part) for part in parts)
    number = parts[0]
    scale = 10000 if number >= 10000 else 1000
    return f"{number // scale}.{number % scale // 100}.{number % 100}"


@probe(Builders, Cost.ACTIVE)
def tensorrt_builders(host: Host) -> Observed[Builders]:
    """Makes a builder of each module that imports and has one, one after the other on the GPU."""
    modules = modules_with_builder(host)
    trials = tuple(_trial(host, module) for module in modules)
    return Observed(value=Builders(trials=trials), source="Builder in a child process")


def modules_with_builder(host: Host) -> tuple[str, ...]:
    """The TensorRT modules that import in the target Python and can build.

    Raises:
        NotThere: there is none.
    """
    modules = tuple(
        seen.module
        for seen in (_imported(host, name) for name in importable_modules(host))
        if seen.attempt.ending is Ending.RETURNED and seen.has_builder
    )
    if not modules:
        raise NotThere("no TensorRT module with a Builder can be imported", source="import")
    return modules


def _trial(host: Host, module: str) -> BuilderTrial:
    answer = host.child(
        "make_builder",
        {"module": module},
        python=target_python(host),
        deadline=_BUILDER_DEADLINE,
    )
    attempt, said = attempted(answer)
    return BuilderTrial(
        module=module,
        attempt=attempt,
        log=tuple(said.get("log") or ()),
        fast_fp16=said.get("fast_fp16"),
        fast_int8=said.get("fast_int8"),
        tf32=said.get("tf32"),
        plugins=said.get("plugins"),
    )
