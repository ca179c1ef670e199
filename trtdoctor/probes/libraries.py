"""Probe of what the TensorRT libraries need, resolved by the loader's rules without loading."""

from __future__ import annotations

from trtdoctor.host import Denied, Host, Missing, Unusable
from trtdoctor.model.facts import Libraries, LibraryNeeds

from .cuda import refuse_if_unseen
from .installs import extension_modules, find_installs
from .loader import Loader
from .observing import Cost, NotThere, Observed, probe

_MOST = 48


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
    loader = Loader(host)
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
        read.append(loader.needs(path, dynamic))
    return Observed(
        value=Libraries(libraries=tuple(read), unreadable=unreadable),
        source="ELF dynamic sections, LD_LIBRARY_PATH, ldconfig -p",
    )
