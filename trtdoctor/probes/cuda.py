"""Probes of the CUDA driver API, and of the CUDA runtime libraries on the machine."""

from __future__ import annotations

import json
import re
from typing import Any

from trtdoctor.host import Denied, Host, HostError, Missing
from trtdoctor.model.facts import CudaDevice, CudaDriver, CudaRuntime, CudaRuntimes

from .asking import answered, inventory, library_path, list_or_none, loader_cache, resolved
from .nvml import cuda_version
from .observing import Cost, NotThere, Observed, probe

# Where drivers and container toolkits put libcuda.so.1 without telling the loader's cache.
_DRIVER_FOLDERS = (
    "/usr/lib/wsl/lib",
    "/usr/local/nvidia/lib64",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu/nvidia",
    "/usr/lib/aarch64-linux-gnu/tegra",
    "/usr/lib64",
)
_RUNTIME = re.compile(r"libcudart\.so\.(\d+(?:\.\d+)*)")


@probe(CudaDriver, Cost.LIGHT)
def cuda_driver(host: Host) -> Observed[CudaDriver]:
    """``cuInit``'s code, the version and the devices, asked in a child."""
    said = answered(host.child("cuda_driver"), "asking the CUDA driver API")
    if "loader" in said:
        loader = str(said["loader"])
        if not (loader.startswith("libcuda.so.1:") and "No such file" in loader):
            raise HostError(f"libcuda.so.1 cannot be loaded: {loader}")
        for folder in _DRIVER_FOLDERS:
            if host.exists(f"{folder}/libcuda.so.1"):
                raise HostError(
                    f"the loader does not find libcuda.so.1, though it lies in {folder}"
                )
        raise NotThere("there is no libcuda.so.1", source="the loader, " + _DRIVER_FOLDERS[0])
    if "init" not in said:
        tried = "; ".join(f"{via}: {why}" for via, why in said.get("tried", ()))
        raise HostError(f"no way to ask libcuda worked ({tried})")
    version = said.get("version")
    return Observed(
        value=CudaDriver(
            via=said["via"],
            library=said.get("library"),
            init_code=said["init"],
            init_error=said.get("error"),
            version=cuda_version(version) if version else None,
            devices=tuple(_device(n, raw) for n, raw in enumerate(said.get("devices", ()))),
            visible_devices=host.env("CUDA_VISIBLE_DEVICES"),
            device_order=host.env("CUDA_DEVICE_ORDER"),
        ),
        source=f"cuInit through {said['via']}",
    )


def _device(ordinal: int, raw: dict[str, Any]) -> CudaDevice:
    major, minor, integrated = raw.get("major"), raw.get("minor"), raw.get("integrated")
    known = major is not None and minor is not None
    return CudaDevice(
        ordinal=ordinal,
        name=raw.get("name"),
        compute_capability=f"{major}.{minor}" if known else None,
        uuid=raw.get("uuid"),
        pci_bus_id=raw.get("pci"),
        memory_total_bytes=raw.get("memory"),
        multiprocessors=raw.get("multiprocessors"),
        integrated=None if integrated is None else bool(integrated),
        l2_bytes=raw.get("l2"),
    )


class _Found:
    """The runtimes and compat folders seen so far, and what could not be looked at."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.runtimes: dict[str, CudaRuntime] = {}
        self.compat: list[str] = []
        self.unseen: dict[str, str] = {}

    def add(self, kind: str, version: str | None, location: str) -> None:
        major = re.match(r"\d+", version or "")
        self.runtimes.setdefault(
            f"{kind} {version} {location}",
            CudaRuntime(
                # A file named libcudart.so.13 tells the major version and no more.
                version=version if version and "." in version else None,
                major=int(major.group(0)) if major else None,
                kind=kind,
                location=location,
            ),
        )

    def from_pip(self) -> None:
        for package in inventory(self.host).packages:
            if re.fullmatch(r"nvidia-cuda-runtime(-cu\d+)?", package.name):
                self.add("pip", package.version or None, package.location)

    def from_toolkits(self) -> None:
        names = list_or_none(self.host, "/usr/local") or ()
        folders = [f"/usr/local/{name}" for name in names if re.match(r"cuda(-|$)", name)]
        for folder in dict.fromkeys(resolved(self.host, folder) for folder in folders):
            try:
                self._toolkit(folder)
            except Denied as error:
                self.unseen[folder] = str(error)

    def _toolkit(self, folder: str) -> None:
        compat = list_or_none(self.host, f"{folder}/compat") or ()
        if any(name.startswith("libcuda.so") for name in compat):
            self.compat.append(f"{folder}/compat")
        files = self._in(f"{folder}/lib64")
        version = _declared(self.host, folder) or (files[0] if files else None)
        if version is not None:
            self.add("toolkit", version, folder)

    def _in(self, folder: str) -> list[str]:
        """The versions of the runtimes in a folder, the longest file name of each major."""
        names = list_or_none(self.host, folder) or ()
        found = [match.group(1) for name in names if (match := _RUNTIME.fullmatch(name))]
        best: dict[str, str] = {}
        for version in found:
            major = version.partition(".")[0]
            best[major] = max(best.get(major, ""), version, key=len)
        return list(best.values())

    def from_loader(self) -> None:
        toolkits = tuple(r.location + "/" for r in self.runtimes.values() if r.kind == "toolkit")
        paths = [
            path
            for soname, found in loader_cache(self.host).paths.items()
            if _RUNTIME.fullmatch(soname)
            for path in found
        ]
        for path in paths:
            real = resolved(self.host, path)
            name = _RUNTIME.fullmatch(real.rpartition("/")[2])
            if not real.startswith(toolkits) and name:
                self.add("system", name.group(1), real.rpartition("/")[0])

    def from_library_path(self) -> None:
        known = tuple(r.location + "/" for r in self.runtimes.values())
        for folder in library_path(self.host):
            try:
                if not resolved(self.host, folder).startswith(known):
                    for version in self._in(folder):
                        self.add("system", version, folder)
            except HostError as error:
                self.unseen[folder] = str(error)


def _declared(host: Host, folder: str) -> str | None:
    """The toolkit's version as its own ``version.json`` (11 and newer) or ``version.txt`` says."""
    try:
        declared = json.loads(host.read_text(f"{folder}/version.json"))
        version = declared["cuda"]["version"]
        if isinstance(version, str) and re.fullmatch(r"\d+(\.\d+)+", version):
            return version
    except (Missing, ValueError, KeyError, TypeError):
        pass
    try:
        text = host.read_text(f"{folder}/version.txt")
    except Missing:
        return None
    found = re.search(r"CUDA Version (\d+(?:\.\d+)+)", text)
    return found.group(1) if found else None


@probe(CudaRuntimes, Cost.LIGHT)
def cuda_runtimes(host: Host) -> Observed[CudaRuntimes]:
    """CUDA runtimes from pip, toolkits, the loader's cache and ``LD_LIBRARY_PATH``."""
    found = _Found(host)
    for place, look in (
        ("the target Python's packages", found.from_pip),
        ("/usr/local", found.from_toolkits),
        ("the loader's cache", found.from_loader),
        ("LD_LIBRARY_PATH", found.from_library_path),
    ):
        try:
            look()
        except HostError as error:
            found.unseen[place] = str(error)
    if not found.runtimes and not found.compat:
        refuse_if_unseen(found.unseen)
        raise NotThere(
            "no CUDA runtime in the target Python, below /usr/local or where the loader looks",
            source=", ".join(("pip", "/usr/local", "ldconfig -p", "LD_LIBRARY_PATH")),
        )
    return Observed(
        value=CudaRuntimes(
            runtimes=tuple(found.runtimes.values()),
            compat_folders=tuple(found.compat),
            unseen=found.unseen,
        ),
        source="pip, /usr/local, ldconfig -p, LD_LIBRARY_PATH",
    )


def refuse_if_unseen(unseen: dict[str, str]) -> None:
    """Refuse to claim absence where some place could not be looked at.

    Raises:
        Denied: if permission was all that lacked.
        HostError: otherwise.
    """
    if unseen:
        why = "; ".join(f"{place}: {reason}" for place, reason in unseen.items())
        denied = all("ermission denied" in reason for reason in unseen.values())
        raise (Denied if denied else HostError)(f"not everything could be looked at: {why}")
