"""Facts of the operating system and what it runs in."""

from __future__ import annotations

from typing import ClassVar

from ..base import FactValue, Frozen, HomeFolder, HostName, PathText, UserName


class OperatingSystem(FactValue, frozen=True, kw_only=True):
    """The operating system, its kernel and C library, and whose it is."""

    FACT: ClassVar[str] = "system.os"

    system: str
    kernel: str
    machine: str
    name: str | None = None
    id: str | None = None
    version_id: str | None = None
    glibc: str | None = None
    host: HostName | None = None
    user: UserName | None = None
    home: HomeFolder | None = None


class Identity(FactValue, frozen=True, kw_only=True):
    """Whose machine this is, by every name it goes by: what a shared report must not tell.

    An empty tuple is a name that this machine does not have.
    """

    FACT: ClassVar[str] = "system.identity"

    users: tuple[UserName, ...] = ()
    hosts: tuple[HostName, ...] = ()
    homes: tuple[HomeFolder, ...] = ()


class Container(FactValue, frozen=True, kw_only=True):
    """The container this runs in; absent on a machine that is none.

    ``nvidia_visible_devices`` and ``driver_capabilities`` are the variables the NVIDIA container
    toolkit reads.
    """

    FACT: ClassVar[str] = "system.container"

    engine: str
    evidence: tuple[str, ...] = ()
    nvidia_visible_devices: str | None = None
    driver_capabilities: str | None = None


class Wsl(FactValue, frozen=True, kw_only=True):
    """Windows Subsystem for Linux; absent elsewhere.

    ``driver_folder`` says whether ``/usr/lib/wsl/lib`` holds ``libcuda.so.1``; ``shadowing`` lists
    other ``libcuda.so.1`` that the loader finds before it.
    """

    FACT: ClassVar[str] = "system.wsl"

    version: int
    driver_folder: bool
    shadowing: tuple[str, ...] = ()


class Jetson(FactValue, frozen=True, kw_only=True):
    """A Jetson module and its L4T release, as ``36.4.0``; absent elsewhere."""

    FACT: ClassVar[str] = "system.jetson"

    model: str | None
    l4t: str | None
    jetpack: str | None = None


class Image(FactValue, frozen=True, kw_only=True):
    """What NVIDIA's container images say of themselves in variables; absent where none is set.

    An image's tag cannot be seen from inside the container.
    """

    FACT: ClassVar[str] = "system.image"

    variables: dict[str, str]


class PowerMode(FactValue, frozen=True, kw_only=True):
    """The power mode that nvpmodel keeps for a Jetson; absent where there is no nvpmodel.

    ``number`` is its number, ``name`` what ``/etc/nvpmodel.conf`` calls it, as ``MAXN``.
    """

    FACT: ClassVar[str] = "system.power_mode"

    number: int
    name: str | None = None


class Memory(FactValue, frozen=True, kw_only=True):
    """Main memory, in bytes; ``limit_bytes`` is the control group's, where there is one."""

    FACT: ClassVar[str] = "system.memory"

    total_bytes: int
    available_bytes: int | None = None
    limit_bytes: int | None = None


class Volume(Frozen, frozen=True, kw_only=True):
    """The file system below one folder, in bytes."""

    path: PathText
    purpose: str
    total_bytes: int
    free_bytes: int


class Disk(FactValue, frozen=True, kw_only=True):
    """Free space where builds and caches are written."""

    FACT: ClassVar[str] = "system.disk"

    volumes: tuple[Volume, ...]


class Environment(FactValue, frozen=True, kw_only=True):
    """The variables that change precision or loading, where set; ``asked`` lists all looked for."""

    FACT: ClassVar[str] = "system.environment"

    variables: dict[str, PathText]
    asked: tuple[str, ...]


class PathEntry(Frozen, frozen=True, kw_only=True):
    """One entry of ``LD_LIBRARY_PATH``; ``kind`` is ``folder``, ``file``, ``missing`` or ``denied``."""

    path: PathText
    kind: str
    libraries: tuple[str, ...] = ()


class LibraryPath(FactValue, frozen=True, kw_only=True):
    """``LD_LIBRARY_PATH`` entry by entry, and the CUDA or TensorRT libraries lying in each."""

    FACT: ClassVar[str] = "system.library_path"

    entries: tuple[PathEntry, ...]
