"""The dynamic loader's rules, followed on file names: what a library needs, and where it is found."""

from __future__ import annotations

from collections.abc import Iterable

from trtdoctor.host import Denied, Dynamic, Host, HostError, NotRecorded, Unusable
from trtdoctor.model.facts import LibraryNeeds, Need

from .asking import LoaderCache, library_path, list_or_none, loader_cache

_DEFAULTS = {
    "x86_64": ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"),
    "aarch64": ("/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu"),
}


class Loader:
    """The dynamic loader's search, on file names alone.

    Raises:
        HostError: the loader's cache could not be printed.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self.cache: LoaderCache = loader_cache(host)
        self.preset = library_path(host)
        many = _DEFAULTS.get(host.system().get("machine", ""), ())
        self.defaults = (*many, "/lib64", "/usr/lib64", "/lib", "/usr/lib")

    def needs(
        self, library: str, dynamic: Dynamic, inherited: tuple[str, ...] = ()
    ) -> LibraryNeeds:
        """What a library needs, each found or not; ``inherited`` is the RPATH of those that load it."""
        return LibraryNeeds(
            path=library,
            soname=dynamic.soname,
            needs=tuple(
                Need(soname=name, found=self.find(name, library, dynamic, inherited))
                for name in dynamic.needed
            ),
            machine=dynamic.machine or None,
            executable_stack=dynamic.executable_stack,
        )

    def closure(
        self, libraries: Iterable[str], *, most: int
    ) -> tuple[tuple[LibraryNeeds, ...], dict[str, str]]:
        """What libraries need, and what these need in turn, the system's own left out.

        Returns:
            The needs of at most ``most`` libraries, and the libraries that could not be followed,
            each with why.
        """
        read: dict[str, LibraryNeeds] = {}
        unread: dict[str, str] = {}
        waiting: list[tuple[str, tuple[str, ...]]] = [(path, ()) for path in libraries]
        while waiting:
            path, inherited = waiting.pop(0)
            if path in read or path in unread:
                continue
            if len(read) == most:
                unread[path] = f"not read: more than {most} libraries"
                continue
            try:
                dynamic = self.host.dynamic(path)
                read[path] = self.needs(path, dynamic, inherited)
            except (HostError, NotRecorded) as error:
                unread[path] = str(error)
                continue
            onward = _rpath(path, dynamic, inherited)
            waiting += [
                (need.found, onward)
                for need in read[path].needs
                if need.found and need.found not in self.cache.paths.get(need.soname, ())
            ]
        return tuple(read.values()), unread

    def find(
        self, soname: str, library: str, dynamic: Dynamic, inherited: tuple[str, ...] = ()
    ) -> str | None:
        """The path that the loader would open for a soname, or None."""
        if "/" in soname:
            return soname if self.host.exists(soname) else None
        before = _rpath(library, dynamic, inherited)
        after = _expanded(dynamic.runpath, library.rpartition("/")[0])
        for folder in (*before, *self.preset, *after):
            if self._holds(folder, soname):
                return f"{folder}/{soname}"
        if soname in self.cache.paths:
            return self.cache.paths[soname][0]
        for folder in self.defaults:
            if self._holds(folder, soname):
                return f"{folder}/{soname}"
        return None

    def _holds(self, folder: str, soname: str) -> bool:
        try:
            return soname in (list_or_none(self.host, folder) or ())
        except (Denied, Unusable):
            # What this user cannot list, the loader running as this user can still open by name.
            try:
                return self.host.exists(f"{folder}/{soname}")
            except (Denied, Unusable):
                return False


def _expanded(entries: tuple[str, ...], origin: str) -> tuple[str, ...]:
    folders = (
        entry.replace("${ORIGIN}", origin).replace("$ORIGIN", origin).rstrip("/")
        for entry in entries
    )
    return tuple(folder for folder in folders if folder.startswith("/"))


def _rpath(library: str, dynamic: Dynamic, inherited: tuple[str, ...]) -> tuple[str, ...]:
    """The RPATHs that count for a library: its own, then those of what loads it.

    RUNPATH, where there is one, makes the loader ignore them and comes after LD_LIBRARY_PATH.
    """
    if dynamic.runpath:
        return ()
    return (*_expanded(dynamic.rpath, library.rpartition("/")[0]), *inherited)
