"""Facts of every TensorRT on the machine, and of what importing it in the target Python does."""

from __future__ import annotations

import re
from enum import Enum
from typing import ClassVar

from ..base import FactValue, Frozen, PathText

_PART = re.compile(
    r"tensorrt(?:-lean|-dispatch|-rtx)?(?:-(?P<cuda>cu\d+))?(?:-(?P<role>libs|bindings))?"
)


class Install(Frozen, frozen=True, kw_only=True):
    """One TensorRT: a set of pip distributions, a system library or a ``trtexec``.

    ``product`` is ``tensorrt``, ``tensorrt-lean``, ``tensorrt-dispatch`` or ``tensorrt-rtx``;
    ``kind`` is ``pip``, ``library`` or ``trtexec``; ``cuda_major`` what its name or libraries
    were built for. ``parts`` maps each pip distribution to its version, ``requires`` one whose metadata
    were read to what it asks for.
    """

    product: str
    kind: str
    version: str | None
    location: PathText
    cuda_major: int | None = None
    parts: dict[str, str] = {}
    requires: dict[str, tuple[str, ...]] = {}
    libraries: tuple[PathText, ...] = ()

    @property
    def families(self) -> dict[str, dict[str, str]]:
        """The parts' versions by CUDA flavour (``cu13``, or empty) and role: meta, bindings or libs."""
        families: dict[str, dict[str, str]] = {}
        for name, version in self.parts.items():
            if match := _PART.fullmatch(name):
                roles = families.setdefault(match.group("cuda") or "", {})
                roles[match.group("role") or "meta"] = version
        return families


class Installs(FactValue, frozen=True, kw_only=True):
    """Every TensorRT found; absent where there is none anywhere that was looked.

    ``unseen`` maps a place that could not be looked at to why.
    """

    FACT: ClassVar[str] = "tensorrt.installs"

    installs: tuple[Install, ...]
    looked_in: tuple[PathText, ...] = ()
    unseen: dict[str, str] = {}


class Ending(str, Enum):
    """How a piece of native work in a child process ended."""

    RETURNED = "returned"
    EXCEPTION = "exception"
    EXIT = "exit"
    SIGNAL = "signal"
    DEADLINE = "deadline"


class Attempt(Frozen, frozen=True, kw_only=True):
    """How importing or constructing something ended; ``detail`` is the exception, signal or status."""

    ending: Ending
    detail: str | None = None
    output: str | None = None


class LoadedLibrary(Frozen, frozen=True, kw_only=True):
    """A shared library in the child's memory map after the import."""

    name: str
    path: PathText


class ModuleImport(Frozen, frozen=True, kw_only=True):
    """What ``import MODULE`` did in the target Python.

    ``version`` is ``__version__``; ``library_version`` what the loaded library answers;
    ``precision_flags`` the precision members of ``BuilderFlag`` (null: the module has no builder).
    """

    module: str
    attempt: Attempt
    file: PathText | None = None
    version: str | None = None
    library_version: str | None = None
    libraries: tuple[LoadedLibrary, ...] = ()
    has_builder: bool | None = None
    precision_flags: tuple[str, ...] | None = None
    network_flags: tuple[str, ...] | None = None
    has_fast_fp16_query: bool | None = None
    plugins: int | None = None

    @property
    def product(self) -> str:
        """The product whose module this is: ``tensorrt_lean`` and its bindings are ``tensorrt-lean``."""
        return self.module.partition(".")[0].removesuffix("_bindings").replace("_", "-")

    @property
    def returned(self) -> bool:
        """Whether the import came back; a folder left behind imports too, see ``genuine``."""
        return self.attempt.ending is Ending.RETURNED

    @property
    def genuine(self) -> bool:
        """Whether the import worked and gave a TensorRT: every one has a version or a builder."""
        return self.returned and (self.version is not None or self.has_builder is True)


class Imports(FactValue, frozen=True, kw_only=True):
    """The import of every TensorRT module the target Python can find; absent where it finds none."""

    FACT: ClassVar[str] = "tensorrt.imports"

    modules: tuple[ModuleImport, ...]

    def working(self, product: str) -> ModuleImport | None:
        """A module of that product whose import worked, or None."""
        return next((m for m in self.modules if m.product == product and m.genuine), None)


class OwnModules(FactValue, frozen=True, kw_only=True):
    """What the target Python finds for a TensorRT module that is none; absent where there is nothing.

    ``shadows`` maps the module's name to that file or folder, which was not imported.
    """

    FACT: ClassVar[str] = "tensorrt.own_modules"

    shadows: dict[str, PathText]


class WorkingDirectory(FactValue, frozen=True, kw_only=True):
    """What scripts that are started where trtdoctor was find for a TensorRT module, and that is none.

    ``shadows`` is as in ``OwnModules``; absent where there is nothing of such a name.
    """

    FACT: ClassVar[str] = "tensorrt.working_directory"

    shadows: dict[str, PathText]


class BuilderTrial(Frozen, frozen=True, kw_only=True):
    """Making a ``Builder``: how it ended, its log, and what it says of the platform."""

    module: str
    attempt: Attempt
    log: tuple[str, ...] = ()
    fast_fp16: bool | None = None
    fast_int8: bool | None = None
    tf32: bool | None = None
    plugins: int | None = None


class Builders(FactValue, frozen=True, kw_only=True):
    """A ``Builder`` of each importable module that has one. Creates a CUDA context: active only."""

    FACT: ClassVar[str] = "tensorrt.builders"

    trials: tuple[BuilderTrial, ...]


class Need(Frozen, frozen=True, kw_only=True):
    """One ``NEEDED`` entry and where the loader's rules find it; null where nowhere."""

    soname: str
    found: PathText | None


class LibraryNeeds(Frozen, frozen=True, kw_only=True):
    """A library's dynamic section, resolved as the loader would, without loading anything."""

    path: PathText
    soname: str | None
    needs: tuple[Need, ...]
    machine: str | None = None
    executable_stack: bool = False


class Libraries(FactValue, frozen=True, kw_only=True):
    """What the TensorRT libraries on the machine need; absent where there are no libraries."""

    FACT: ClassVar[str] = "tensorrt.libraries"

    libraries: tuple[LibraryNeeds, ...]
    unreadable: dict[str, str] = {}
