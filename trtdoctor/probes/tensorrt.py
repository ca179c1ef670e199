"""Probes that import TensorRT in the target Python and make a builder, each in its own child.

How an import ended is the fact's value; only not being able to look is a failed fact.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from trtdoctor.host import ChildAnswer, Denied, Host
from trtdoctor.model.facts import (
    Attempt,
    Builders,
    BuilderTrial,
    Ending,
    Imports,
    LoadedLibrary,
    ModuleImport,
)

from .asking import MODULES, inventory, target_python
from .observing import Cost, NotThere, Observed, probe

_PRECISIONS = ("FP16", "INT8", "BF16", "FP8", "INT4", "FP4")
_OUTPUT_LIMIT = 2000


def importable_modules(host: Host) -> tuple[str, ...]:
    """The TensorRT modules that the target Python finds, without importing any.

    ``tensorrt_bindings`` counts only where ``tensorrt``, which imports it, is not found.

    Raises:
        Denied: none is found, but not all of the interpreter's folders could be listed.
    """
    seen = inventory(host)
    found = [name for name in MODULES if seen.modules.get(name) is not None]
    if "tensorrt" in found and "tensorrt_bindings" in found:
        found.remove("tensorrt_bindings")
    if not found and seen.denied:
        raise Denied(f"{seen.denied[0]}: Permission denied")
    return tuple(found)


def _child(host: Host, script: str, module: str) -> ChildAnswer:
    return host.child(script, {"module": module}, python=target_python(host))


def _attempt(answer: ChildAnswer) -> tuple[Attempt, dict[str, Any]]:
    """How it ended, and what the child told besides."""
    said = answer.value if isinstance(answer.value, dict) else {}
    ending, detail = answer.ending, answer.detail
    if ending == "returned":
        ending, detail = said["ending"], said.get("detail")
    elif ending == "raised":
        ending = "exception"
    output = answer.output.strip()[-_OUTPUT_LIMIT:] or None
    return Attempt(ending=Ending(ending), detail=detail, output=output), said


@probe(Imports, Cost.LIGHT)
def tensorrt_imports(host: Host) -> Observed[Imports]:
    """Imports every TensorRT module that the target Python finds, side by side."""
    modules = importable_modules(host)
    if not modules:
        raise NotThere(
            "the target Python finds no TensorRT module", source="importlib.util.find_spec"
        )
    with ThreadPoolExecutor(max_workers=len(modules)) as pool:
        imported = tuple(pool.map(lambda name: _imported(host, name), modules))
    return Observed(value=Imports(modules=imported), source="import in a child process")


def _imported(host: Host, module: str) -> ModuleImport:
    attempt, said = _attempt(_child(host, "import_module", module))
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
    modules = [
        seen.module
        for seen in (_imported(host, name) for name in importable_modules(host))
        if seen.attempt.ending is Ending.RETURNED and seen.has_builder
    ]
    if not modules:
        raise NotThere("no TensorRT module with a Builder can be imported", source="import")
    trials = tuple(_trial(host, module) for module in modules)
    return Observed(value=Builders(trials=trials), source="Builder in a child process")


def _trial(host: Host, module: str) -> BuilderTrial:
    attempt, said = _attempt(_child(host, "make_builder", module))
    return BuilderTrial(
        module=module,
        attempt=attempt,
        log=tuple(said.get("log") or ()),
        fast_fp16=said.get("fast_fp16"),
        fast_int8=said.get("fast_int8"),
        tf32=said.get("tf32"),
        plugins=said.get("plugins"),
    )
