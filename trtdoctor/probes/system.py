"""Probes of the operating system and of what it runs in."""

from __future__ import annotations

import re

from trtdoctor.host import Denied, Host, HostError, Missing
from trtdoctor.model.facts import (
    Container,
    Disk,
    Environment,
    Identity,
    Image,
    Jetson,
    LibraryPath,
    Memory,
    OperatingSystem,
    PathEntry,
    PowerMode,
    Volume,
    Wsl,
)

from .observing import Cost, NotThere, Observed, probe

# What NVIDIA's images say of themselves in their environment.
IMAGE_VARIABLES = (
    "NVIDIA_BUILD_ID",
    "NVIDIA_PRODUCT_NAME",
    "NVIDIA_PYTORCH_VERSION",
    "NVIDIA_TENSORFLOW_VERSION",
    "NVIDIA_TENSORRT_VERSION",
    "NVIDIA_TRITON_SERVER_VERSION",
    "TRITON_SERVER_VERSION",
)
WATCHED_VARIABLES = (
    "CONDA_PREFIX",
    "CUDA_CACHE_PATH",
    "CUDA_DEVICE_ORDER",
    "CUDA_HOME",
    "CUDA_LAUNCH_BLOCKING",
    "CUDA_MODULE_LOADING",
    "CUDA_PATH",
    "CUDA_VISIBLE_DEVICES",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "NVIDIA_DRIVER_CAPABILITIES",
    "NVIDIA_TF32_OVERRIDE",
    "NVIDIA_VISIBLE_DEVICES",
    "PATH",
    "PYTHONHOME",
    "PYTHONPATH",
    "TENSORRT_HOME",
    "TRT_HOME",
    "VIRTUAL_ENV",
)


@probe(OperatingSystem, Cost.PASSIVE)
def operating_system(host: Host) -> Observed[OperatingSystem]:
    """``uname``, ``/etc/os-release`` and the C library's version."""
    system = host.system()
    release: dict[str, str] = {}
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            text = host.read_text(path)
        except HostError:
            continue
        for line in text.splitlines():
            key, found, value = line.partition("=")
            if found:
                release[key.strip()] = value.strip().strip("\"'")
        break
    libc = re.search(r"glibc\s+([\d.]+)", system.get("libc", ""))
    return Observed(
        value=OperatingSystem(
            system=system.get("system", ""),
            kernel=system.get("release", ""),
            machine=system.get("machine", ""),
            name=release.get("PRETTY_NAME"),
            id=release.get("ID"),
            version_id=release.get("VERSION_ID"),
            glibc=libc.group(1) if libc else None,
            host=system.get("host") or None,
            user=system.get("user") or None,
            home=system.get("home") or None,
        ),
        source="uname, /etc/os-release, confstr",
    )


@probe(Identity, Cost.PASSIVE)
def identity(host: Host) -> Observed[Identity]:
    """The names of the user, the host and the home folders, so that they can be kept private."""
    system = host.system()

    def names(*keys: str) -> tuple[str, ...]:
        lines = [line for key in keys for line in system.get(key, "").split("\n")]
        return tuple(dict.fromkeys(line for line in lines if line))

    return Observed(
        value=Identity(
            users=names("user", "users"), hosts=names("host", "hosts"), homes=names("home", "homes")
        ),
        source="uname, USER, LOGNAME, SUDO_USER, HOME, the user database",
    )


@probe(Container, Cost.PASSIVE)
def container(host: Host) -> Observed[Container]:
    """Marks that Docker, Podman, Kubernetes and others leave in a container."""
    evidence: list[str] = []
    engine: str | None = None
    if host.env("KUBERNETES_SERVICE_HOST") is not None:
        engine = "kubernetes"
        evidence.append("KUBERNETES_SERVICE_HOST is set")
    for path, name in (("/.dockerenv", "docker"), ("/run/.containerenv", "podman")):
        if host.exists(path):
            engine = engine or name
            evidence.append(f"{path} exists")
    declared = host.env("container")
    if declared:
        engine = engine or declared
        evidence.append(f"container={declared}")
    try:
        groups = host.read_text("/proc/1/cgroup")
    except HostError:
        groups = ""
    for mark, name in (("kubepods", "kubernetes"), ("docker", "docker"), ("libpod", "podman")):
        if mark in groups:
            engine = engine or name
            evidence.append(f"/proc/1/cgroup names {mark}")
    if engine is None:
        raise NotThere(
            "no mark of a container (/.dockerenv, /run/.containerenv, control groups, variables)",
            source="/.dockerenv, /run/.containerenv, /proc/1/cgroup",
        )
    return Observed(
        value=Container(
            engine=engine,
            evidence=tuple(evidence),
            nvidia_visible_devices=host.env("NVIDIA_VISIBLE_DEVICES"),
            driver_capabilities=host.env("NVIDIA_DRIVER_CAPABILITIES"),
        ),
        source=evidence[0],
    )


@probe(Wsl, Cost.PASSIVE)
def wsl(host: Host) -> Observed[Wsl]:
    """The kernel's release names Microsoft; the driver is lent by Windows below /usr/lib/wsl."""
    release = host.system().get("release", "")
    if "microsoft" not in release.lower():
        raise NotThere(f"kernel {release} is not WSL's", source="uname")
    version = 2 if "wsl2" in release.lower() or host.exists("/dev/dxg") else 1
    shadowing = []
    for folder in (
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/lib/x86_64-linux-gnu",
        "/usr/lib64",
        "/usr/local/cuda/compat",
    ):
        path = f"{folder}/libcuda.so.1"
        try:
            real = host.resolve(path)
        except HostError:
            continue
        if not real.startswith("/usr/lib/wsl/") and real not in shadowing:
            shadowing.append(real)
    return Observed(
        value=Wsl(
            version=version,
            driver_folder=host.exists("/usr/lib/wsl/lib/libcuda.so.1"),
            shadowing=tuple(shadowing),
        ),
        source="uname, /usr/lib/wsl/lib",
    )


@probe(Jetson, Cost.PASSIVE)
def jetson(host: Host) -> Observed[Jetson]:
    """``/etc/nv_tegra_release``, the device tree's model, and the JetPack package's version."""
    model = l4t = jetpack = None
    try:
        model = host.read_text("/proc/device-tree/model").strip() or None
    except HostError:
        model = None
    try:
        text = host.read_text("/etc/nv_tegra_release")
        found = re.search(r"R(\d+)\s*\(release\),\s*REVISION:\s*([\d.]+)", text)
        l4t = f"{found.group(1)}.{found.group(2)}" if found else None
    except Missing:
        if model is None or not re.search(r"jetson|tegra", model, re.IGNORECASE):
            raise NotThere("no /etc/nv_tegra_release", source="/etc/nv_tegra_release") from None
    try:
        status = host.read_text("/var/lib/dpkg/info/nvidia-jetpack.list", limit=1)
        jetpack = _dpkg_version(host, "nvidia-jetpack") if status is not None else None
    except HostError:
        jetpack = None
    return Observed(
        value=Jetson(model=model, l4t=l4t, jetpack=jetpack),
        source="/etc/nv_tegra_release, /proc/device-tree/model",
    )


def _dpkg_version(host: Host, package: str) -> str | None:
    text = host.read_text("/var/lib/dpkg/status", limit=16 << 20)
    found = re.search(
        rf"^Package: {re.escape(package)}\n(?:.+\n)*?Version: (\S+)", text, re.MULTILINE
    )
    return found.group(1) if found else None


@probe(Image, Cost.PASSIVE)
def image(host: Host) -> Observed[Image]:
    """The variables by which NVIDIA's images name themselves."""
    found = {name: value for name in IMAGE_VARIABLES if (value := host.env(name)) is not None}
    if not found:
        raise NotThere("no variable of NVIDIA's images is set", source="environment")
    return Observed(value=Image(variables=found), source="environment")


@probe(PowerMode, Cost.PASSIVE)
def power_mode(host: Host) -> Observed[PowerMode]:
    """The number in nvpmodel's status file, with the name that its configuration has for it."""
    status, configuration = "/var/lib/nvpmodel/status", "/etc/nvpmodel.conf"
    try:
        kept = host.read_text(status, limit=1 << 12)
    except Missing:
        raise NotThere(f"no {status}", source=status) from None
    found = re.search(r"pmode:\s*(\d{1,9})(?!\d)", kept)
    if found is None:
        raise HostError(f"{status} tells no mode")
    number = int(found.group(1))
    try:
        modes = host.read_text(configuration, limit=1 << 20)
    except HostError:
        modes = ""
    name = re.search(
        rf"^\s*<\s*POWER_MODEL\s+ID=0*{number}\s+NAME=([\w.+-]+)\s*>", modes, re.MULTILINE
    )
    return Observed(
        value=PowerMode(number=number, name=name.group(1) if name else None),
        source=f"{status}, {configuration}",
    )


@probe(Memory, Cost.PASSIVE)
def memory(host: Host) -> Observed[Memory]:
    """``/proc/meminfo`` and the control group's limit."""
    fields = dict(re.findall(r"^(\w+):\s+(\d+) kB", host.read_text("/proc/meminfo"), re.MULTILINE))
    limit = None
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = host.read_text(path).strip()
        except HostError:
            continue
        # Control groups of version 1 write "no limit" as a number near 2^63.
        if text.isdigit() and int(text) < 1 << 60:
            limit = int(text)
        break
    available = fields.get("MemAvailable")
    return Observed(
        value=Memory(
            total_bytes=int(fields["MemTotal"]) * 1024,
            available_bytes=int(available) * 1024 if available else None,
            limit_bytes=limit,
        ),
        source="/proc/meminfo",
    )


@probe(Disk, Cost.PASSIVE)
def disk(host: Host) -> Observed[Disk]:
    """Free space of the temporary folder and of the home folder, where builds and caches go."""
    volumes = []
    places = (
        (host.env("TMPDIR") or "/tmp", "temporary files"),
        (host.system().get("home", ""), "caches"),
    )
    for path, purpose in places:
        try:
            total, free = host.volume(path)
        except HostError:
            continue
        volumes.append(Volume(path=path, purpose=purpose, total_bytes=total, free_bytes=free))
    if not volumes:
        raise Denied("neither the temporary folder nor the home folder can be looked at")
    return Observed(value=Disk(volumes=tuple(volumes)), source="statvfs")


@probe(Environment, Cost.PASSIVE)
def environment(host: Host) -> Observed[Environment]:
    """The variables that change precision or loading."""
    variables = {}
    for name in WATCHED_VARIABLES:
        value = host.env(name)
        if value is not None:
            variables[name] = value
    return Observed(
        value=Environment(variables=variables, asked=WATCHED_VARIABLES), source="environment"
    )


@probe(LibraryPath, Cost.PASSIVE)
def library_path(host: Host) -> Observed[LibraryPath]:
    """Each entry of ``LD_LIBRARY_PATH``, and the CUDA and TensorRT libraries in it."""
    value = host.env("LD_LIBRARY_PATH")
    if not value:
        raise NotThere("LD_LIBRARY_PATH is not set", source="environment")
    entries = []
    for path in value.split(":"):
        kind = "folder"
        libraries: tuple[str, ...] = ()
        try:
            found = host.stat(path) if path else None
            kind = found.kind if found else "empty"
            if kind == "folder":
                libraries = tuple(
                    name
                    for name in host.list_folder(path)
                    if re.match(r"lib(nvinfer|nvonnxparser|cudart|cuda|cudnn|cublas)", name)
                )
        except Missing:
            kind = "missing"
        except Denied:
            kind = "denied"
        entries.append(PathEntry(path=path, kind=kind, libraries=libraries))
    return Observed(value=LibraryPath(entries=tuple(entries)), source="LD_LIBRARY_PATH")
