"""The TensorRTs that would be loaded, which are not all that lie on the disk.

Joins the facts of several sources; judges nothing. One place, so that every check means the same
TensorRT by "the one that is loaded".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from trtdoctor.model.facts import Imports, Install, Installs, ModuleImport

from .definition import NotApplicable, Unknown
from .facts import Fact


@dataclass(frozen=True, kw_only=True)
class LoadedTensorRT:
    """A TensorRT that a program would load; ``source`` says what told its version.

    By importing it in the target Python, or, where nothing can be imported there, the only one
    among the system's libraries.
    """

    product: str
    version: str
    cuda_major: int | None
    source: str

    @property
    def label(self) -> str:
        """The product and version, for messages."""
        names = {"tensorrt": "TensorRT", "tensorrt-rtx": "TensorRT-RTX"}
        return f"{names.get(self.product, self.product)} {self.version}"

    @property
    def family(self) -> str:
        """The product whose releases and requirements it shares."""
        return "tensorrt-rtx" if self.product == "tensorrt-rtx" else "tensorrt"


def loaded_tensorrts(
    imports: Fact[Imports], installs: Fact[Installs]
) -> tuple[LoadedTensorRT, ...] | Unknown:
    """The TensorRTs that would really be loaded, one for each product, or why nobody knows.

    Raises:
        NotApplicable: there is none, or none whose import could be followed to a version.
    """
    found = installs.value.installs if installs.value else ()
    if imports.value:
        loaded: dict[str, LoadedTensorRT] = {}
        for module in imports.value.modules:
            made = _loaded(module, found)
            if made is not None:
                loaded.setdefault(made.product, made)
        if loaded:
            return tuple(loaded.values())
        raise NotApplicable("no TensorRT can be imported")
    if imports.unseen:
        return Unknown(reason=f"the imports: {imports.reason or imports.status.value}")
    if installs.unseen:
        return Unknown(reason=f"the installations: {installs.reason or installs.status.value}")
    libraries = [i for i in found if i.kind != "pip" and i.version]
    if not libraries:
        raise NotApplicable(imports.reason or "no TensorRT")
    first = libraries[0]
    if any((i.product, i.version) != (first.product, first.version) for i in libraries):
        return Unknown(
            reason="several TensorRT libraries; which one is loaded depends on the program"
        )
    majors = {i.cuda_major for i in libraries if i.cuda_major}
    return (
        LoadedTensorRT(
            product=first.product,
            version=first.version or "",
            cuda_major=majors.pop() if len(majors) == 1 else None,
            source=first.location,
        ),
    )


def _loaded(module: ModuleImport, installs: tuple[Install, ...]) -> LoadedTensorRT | None:
    product = module.product
    install = _install_of(module, product, installs)
    metadata = install.version if install else None
    version = module.library_version or module.version or metadata
    if version is None:
        return None
    return LoadedTensorRT(
        product=product,
        version=version,
        cuda_major=(install.cuda_major if install else None)
        or _owners_major(module, installs)
        or _runtime_major(module),
        source=f"import {module.module}" if module.returned else f"metadata of {product}",
    )


def _install_of(
    module: ModuleImport, product: str, installs: tuple[Install, ...]
) -> Install | None:
    own = [i for i in installs if i.kind == "pip" and i.product == product]
    if module.file is None:
        return own[0] if len(own) == 1 else None
    return next((i for i in own if module.file.startswith(i.location.rstrip("/") + "/")), None)


def _owners_major(module: ModuleImport, installs: tuple[Install, ...]) -> int | None:
    """The CUDA of the installs whose libraries were loaded: bindings can run on the system's."""
    loaded = {library.path for library in module.libraries}
    found = {i.cuda_major for i in installs if i.cuda_major and loaded.intersection(i.libraries)}
    return found.pop() if len(found) == 1 else None


def _runtime_major(module: ModuleImport) -> int | None:
    found = {
        int(match.group(1))
        for library in module.libraries
        if (match := re.match(r"libcudart\.so\.(\d+)", library.name))
    }
    return found.pop() if len(found) == 1 else None
