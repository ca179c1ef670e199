"""Finds every TensorRT on the machine: pip distributions, system libraries and ``trtexec``.

Files and metadata only; nothing is loaded. What could not be looked at is written down.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from trtdoctor.host import Host, HostError, Missing, Unusable
from trtdoctor.model.facts import Install, Installs

from .asking import (
    Distribution,
    inventory,
    library_path,
    list_or_none,
    loader_cache,
    resolved,
)
from .cuda import refuse_if_unseen
from .observing import Cost, NotThere, Observed, probe

_DISTRIBUTION = re.compile(
    r"(?:nvidia-)?(?P<product>tensorrt(?:-rtx|-lean|-dispatch)?)"
    r"(?:-cu(?P<cuda>\d+))?(?:-(?P<part>libs|bindings))?"
)
_LIBRARY = re.compile(r"lib(nvinfer|nvonnxparser|nvparsers|nvcaffe_parser|tensorrt)\w*\.so(\.\d+)*")
_MAIN = re.compile(
    r"lib(?P<which>nvinfer|nvinfer_lean|nvinfer_dispatch|tensorrt_rtx)\.so\.(?P<version>\d+(\.\d+)*)"
)
_PRODUCTS = {
    "nvinfer": "tensorrt",
    "nvinfer_lean": "tensorrt-lean",
    "nvinfer_dispatch": "tensorrt-dispatch",
    "tensorrt_rtx": "tensorrt-rtx",
}
_FOLDERS = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/local/lib",
)
_PROGRAMS = {"trtexec": "tensorrt", "tensorrt_rtx": "tensorrt-rtx"}


@probe(Installs, Cost.LIGHT)
def tensorrt_installs(host: Host) -> Observed[Installs]:
    """Every TensorRT that pip, the loader's folders or the usual places show."""
    found = find_installs(host)
    if not found.installs:
        refuse_if_unseen(found.unseen)
        raise NotThere(
            "no TensorRT in the target Python or where the loader and NVIDIA's packages put it",
            source=", ".join(("pip", *found.looked_in)),
        )
    return Observed(value=found, source="pip, ldconfig -p, LD_LIBRARY_PATH, usual folders")


def find_installs(host: Host) -> Installs:
    """All installs, the places looked at, and the places that could not be looked at."""
    unseen: dict[str, str] = {}
    installs: list[Install] = []
    try:
        seen = inventory(host)
        for entry in seen.denied:
            unseen[entry] = "Permission denied"
        installs += _from_pip(host, seen.packages)
    except HostError as error:
        unseen["the target Python's packages"] = str(error)
    folders, roots = _folders(host, unseen)
    for folder in folders:
        if any(folder.startswith(resolved(host, i.location) + "/") for i in installs):
            continue
        try:
            known = {library for install in installs for library in install.libraries}
            installs += _in_folder(host, folder, known)
        except HostError as error:
            unseen[folder] = str(error)
    try:
        installs += _programs(host, roots, installs)
    except HostError as error:
        unseen["trtexec"] = str(error)
    return Installs(installs=tuple(installs), looked_in=folders, unseen=unseen)


def _from_pip(host: Host, packages: Iterable[Distribution]) -> list[Install]:
    groups: dict[tuple[str, str], list[tuple[Distribution, re.Match[str]]]] = {}
    for package in packages:
        match = _DISTRIBUTION.fullmatch(package.name)
        if match:
            groups.setdefault((match["product"], package.location), []).append((package, match))
    installs = []
    for (product, location), members in groups.items():
        libraries = _pip_libraries(host, product, location)
        majors = sorted({int(match["cuda"]) for _, match in members if match["cuda"]})
        for major in majors or (None,):
            # A name without a CUDA suffix is the metapackage of every family it shares a version with.
            own = [(p, m) for p, m in members if m["cuda"] and int(m["cuda"]) == major]
            versions = {p.version for p, _ in own}
            own += [
                (p, m)
                for p, m in members
                if not m["cuda"] and (len(majors) < 2 or p.version in versions)
            ]
            installs.append(
                Install(
                    product=product,
                    kind="pip",
                    version=_leading_version(own),
                    location=location,
                    cuda_major=major or _required_cuda(p for p, _ in own),
                    parts={p.name: p.version for p, _ in reversed(own)},
                    requires={p.name: p.requires for p, _ in reversed(own) if p.requires},
                    libraries=libraries,
                )
            )
    return installs


def _leading_version(members: list[tuple[Distribution, re.Match[str]]]) -> str | None:
    """The libraries' version; without libraries the product's, without that the bindings'."""
    order = {"libs": 0, None: 1, "bindings": 2}
    first = min(members, key=lambda pair: (order[pair[1]["part"]], not pair[1]["cuda"]))
    return first[0].version or None


def _required_cuda(members: Iterable[Distribution]) -> int | None:
    for package in members:
        for requirement in package.requires:
            found = re.match(r"(?:nvidia[-_.]cuda[-_.]runtime|tensorrt)[-_.]cu(\d+)", requirement)
            if found:
                return int(found.group(1))
    return None


def _pip_libraries(host: Host, product: str, location: str) -> tuple[str, ...]:
    base = product.replace("-", "_")
    return tuple(
        f"{folder}/{name}"
        for folder in (f"{location}/{base}_libs", f"{location}/{base}")
        for name in list_or_none(host, folder) or ()
        if _LIBRARY.fullmatch(name)
    )


def extension_modules(host: Host, installs: Installs) -> tuple[str, ...]:
    """The bindings' extension modules of the pip installs."""
    found = []
    for install in installs.installs:
        if install.kind != "pip":
            continue
        base = install.product.replace("-", "_")
        for folder in (f"{install.location}/{base}_bindings", f"{install.location}/{base}"):
            found += [
                f"{folder}/{name}"
                for name in list_or_none(host, folder) or ()
                if name.endswith(".so") and name.startswith("tensorrt")
            ]
    return tuple(dict.fromkeys(found))


def _folders(host: Host, unseen: dict[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The folders that may hold system libraries, and the roots of unpacked archives."""
    wanted = list(library_path(host))
    try:
        for soname, paths in loader_cache(host).paths.items():
            if _LIBRARY.fullmatch(soname):
                wanted += [path.rpartition("/")[0] for path in paths]
    except HostError as error:
        unseen["the loader's cache"] = str(error)
    wanted += _FOLDERS
    roots = ["/usr/src/tensorrt"]
    for parent in ("/usr/local", "/opt"):
        try:
            names = list_or_none(host, parent) or ()
        except HostError as error:
            unseen[parent] = str(error)
            continue
        roots += [f"{parent}/{name}" for name in names if name.lower().startswith("tensorrt")]
    for root in roots:
        wanted += [f"{root}/lib", f"{root}/lib64"]
    folders = []
    for folder in dict.fromkeys(wanted):
        try:
            folders.append(host.resolve(folder))
        except Missing:
            continue
        except HostError as error:
            unseen[folder] = str(error)
    return tuple(dict.fromkeys(folders)), tuple(roots)


def _in_folder(host: Host, folder: str, known: set[str]) -> list[Install]:
    try:
        names = [name for name in list_or_none(host, folder) or () if _LIBRARY.fullmatch(name)]
    except Unusable:
        # An entry of LD_LIBRARY_PATH that is a file; the loader passes it over as well.
        return []
    real = {resolved(host, f"{folder}/{name}"): name for name in names if _MAIN.fullmatch(name)}
    by_suffix: dict[tuple[str, str], dict[str, str]] = {}
    for path in real:
        match = _MAIN.fullmatch(path.rpartition("/")[2])
        if match and path not in known:
            where = (path.rpartition("/")[0], match["version"])
            by_suffix.setdefault(where, {})[_PRODUCTS[match["which"]]] = path
    installs = []
    for (place, suffix), products in by_suffix.items():
        full = "tensorrt" in products
        for product in products:
            # A full TensorRT brings the lean and the dispatch library along; they are parts of it.
            if full and product in ("tensorrt-lean", "tensorrt-dispatch"):
                continue
            version, cuda = _version_of(host, product, place, suffix)
            beside = list_or_none(host, place) or ()
            installs.append(
                Install(
                    product=product,
                    kind="library",
                    version=version,
                    location=place,
                    cuda_major=cuda,
                    libraries=tuple(
                        f"{place}/{name}"
                        for name in beside
                        if _LIBRARY.fullmatch(name)
                        and name.endswith(f".so.{suffix}")
                        and ("rtx" in name) == (product == "tensorrt-rtx")
                    ),
                )
            )
    return installs


def _version_of(
    host: Host, product: str, folder: str, suffix: str
) -> tuple[str | None, int | None]:
    """Version and CUDA major of a library, from its file name, its package or the header beside."""
    version = suffix if suffix.count(".") >= 2 else None
    if re.fullmatch(r"/usr/lib/\w+-linux-gnu", folder):
        package = _debian_version(host, product, suffix.partition(".")[0])
        found = re.match(r"(?:\d+:)?(\d+(?:\.\d+)+)-\S*?(?:\+cuda(\d+))?(?:\.\d+)*$", package)
        if found and f"{found.group(1)}.".startswith(f"{suffix}."):
            return found.group(1), int(found.group(2)) if found.group(2) else None
    if version is None:
        for header in _headers(folder):
            declared = _declared(host, header, rtx=product == "tensorrt-rtx")
            if declared and f"{declared}.".startswith(f"{suffix}."):
                return declared, None
    return version, None


def _debian_version(host: Host, product: str, major: str) -> str:
    name = {"tensorrt": "libnvinfer"}.get(product, "libnvinfer-" + product.rpartition("-")[2])
    try:
        done = host.run(("dpkg-query", "-W", "-f", "${Version}", f"{name}{major}"), deadline=5)
    except HostError:
        return ""
    return done.stdout.strip() if done.exit_code == 0 else ""


def _headers(folder: str) -> tuple[str, ...]:
    parent, _, leaf = folder.rpartition("/")
    if leaf.endswith("-linux-gnu"):
        return (f"/usr/include/{leaf}/NvInferVersion.h",)
    return (f"{parent}/include/NvInferVersion.h",)


def _declared(host: Host, header: str, *, rtx: bool) -> str | None:
    try:
        text = host.read_text(header)
    except HostError:
        return None
    suffix = "RTX" if rtx else "ENTERPRISE"
    parts = []
    for part in ("MAJOR", "MINOR", "PATCH", "BUILD"):
        found = re.search(
            rf"^#define\s+(?:TRT_{part}_{suffix}|NV_TENSORRT_{part})\s+(\d+)", text, re.MULTILINE
        )
        if found is None:
            break
        parts.append(found.group(1))
    return ".".join(parts) if len(parts) >= 3 else None


def _programs(host: Host, roots: tuple[str, ...], installs: list[Install]) -> list[Install]:
    found: dict[str, Install] = {}
    for program, product in _PROGRAMS.items():
        candidates = [f"{root}/bin/{program}" for root in roots]
        on_path = host.which(program)
        for path in ([on_path] if on_path else []) + candidates:
            try:
                real = host.resolve(path)
                if host.stat(real).kind != "file":
                    continue
            except Missing:
                continue
            # Only a library in the program's own tree tells its version without running it.
            tree = real.rpartition("/bin/")[0]
            version = next(
                (
                    i.version
                    for i in installs
                    if i.kind == "library" and i.location in (f"{tree}/lib", f"{tree}/lib64")
                ),
                None,
            )
            found.setdefault(
                real, Install(product=product, kind="trtexec", version=version, location=real)
            )
    return list(found.values())
