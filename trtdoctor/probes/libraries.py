"""Probe of what the TensorRT libraries need, resolved by the loader's rules without loading."""

from __future__ import annotations

from trtdoctor.host import Denied, Dynamic, Host, Missing, Unusable
from trtdoctor.model.facts import Libraries, LibraryNeeds, Need

from .asking import LoaderCache, library_path, list_or_none, loader_cache
from .cuda import refuse_if_unseen
from .installs import extension_modules, find_installs
from .observing import Cost, NotThere, Observed, probe

_MOST = 48
_DEFAULTS = {
    "x86_64": ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"),
    "aarch64": ("/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu"),
}


class _Loader:
    """The dynamic loader's search, on file names alone."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.cache: LoaderCache = loader_cache(host)
        self.preset = library_path(host)
        many = _DEFAULTS.get(host.system().get("machine", ""), ())
        self.defaults = (*many, "/lib64", "/usr/lib64", "/lib", "/usr/lib")

    def find(self, soname: str, library: str, dynamic: Dynamic) -> str | None:
        if "/" in soname:
            return soname if self.host.exists(soname) else None
        origin = library.rpartition("/")[0]
        # RUNPATH, where there is one, makes the loader ignore RPATH and comes after LD_LIBRARY_PATH.
        before = () if dynamic.runpath else _expanded(dynamic.rpath, origin)
        after = _expanded(dynamic.runpath, origin)
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


@probe(Libraries, Cost.LIGHT)
def libraries(host: Host) -> Observed[Libraries]:
    """``DT_NEEDED`` of the libraries of every install, and of the bindings' extension modules."""
    installs = find_installs(host)
    paths = [
        path
        for install in installs.installs
        for path in install.libraries
        # Kernels only: hundreds of megabytes a file, which need nothing but the C library.
        if "_builder_resource" not in path
    ]
    paths += extension_modules(host, installs)
    paths += (install.location for install in installs.installs if install.kind == "trtexec")
    if not paths:
        refuse_if_unseen(installs.unseen)
        raise NotThere("there are no TensorRT libraries", source="tensorrt.installs")
    loader = _Loader(host)
    read: list[LibraryNeeds] = []
    unreadable: dict[str, str] = {}
    for path in dict.fromkeys(paths):
        if len(read) + len(unreadable) >= _MOST:
            unreadable[path] = f"not read: more than {_MOST} libraries"
            continue
        try:
            dynamic = host.dynamic(path)
        except (Missing, Denied, Unusable) as error:
            unreadable[path] = str(error)
            continue
        read.append(
            LibraryNeeds(
                path=path,
                soname=dynamic.soname,
                needs=tuple(
                    Need(soname=name, found=loader.find(name, path, dynamic))
                    for name in dynamic.needed
                ),
                machine=dynamic.machine or None,
                executable_stack=dynamic.executable_stack,
            )
        )
    return Observed(
        value=Libraries(libraries=tuple(read), unreadable=unreadable),
        source="ELF dynamic sections, LD_LIBRARY_PATH, ldconfig -p",
    )
