"""The environment block of a ticket: what a report knows of a machine, each value or why there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from trtdoctor.model.report import FactStatus, Report

_WHY = {
    FactStatus.ABSENT: "there is none",
    FactStatus.DENIED: "not permitted to look",
    FactStatus.FAILED: "could not be read",
    FactStatus.TIMEOUT: "no answer in time",
    FactStatus.NOT_RUN: "not looked for",
}
# Variables of NVIDIA's images, and what they are of.
_IMAGE = (
    ("NVIDIA_PRODUCT_NAME", "product"),
    ("NVIDIA_BUILD_ID", "build"),
    ("NVIDIA_PYTORCH_VERSION", "PyTorch image"),
    ("NVIDIA_TENSORFLOW_VERSION", "TensorFlow image"),
    ("NVIDIA_TENSORRT_VERSION", "TensorRT image"),
    ("NVIDIA_TRITON_SERVER_VERSION", "Triton image"),
)


class Missing(Exception):
    """Nothing is known of a field; the text says why."""


def field(report: Report, name: str) -> str:
    """One field's value, or ``not available`` with the reason; never empty."""
    try:
        text = _FIELDS[name](report)
    except Missing as error:
        return f"not available ({error})"
    return text or "not available (the report holds an empty value)"


def _value(report: Report, fact: str) -> dict[str, Any]:
    record = report.snapshot.facts.get(fact)
    if record is None:
        raise Missing("this report looked at no machine; 'trtdoctor check' there tells it")
    if record.status is not FactStatus.OK or not isinstance(record.value, dict):
        raise Missing(record.reason or _WHY.get(record.status, "unknown"))
    return record.value


def _maybe(report: Report, fact: str) -> dict[str, Any]:
    try:
        return _value(report, fact)
    except Missing:
        return {}


def _rows(value: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
    rows = value.get(key)
    yield from (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()


def _listed(texts: Iterator[str]) -> str:
    """Each text once, with its number where there are several of it."""
    return "; ".join(
        text if number == 1 else f"{number} x {text}" for text, number in Counter(texts).items()
    )


def _package(report: Report, *names: str, prefix: str | None = None) -> str:
    found = [
        f"{package.get('name')} {package.get('version')}"
        for package in _rows(_value(report, "python.packages"), "packages")
        if package.get("name") in names or (prefix and str(package.get("name")).startswith(prefix))
    ]
    if not found:
        raise Missing(f"no package {' or '.join(names)} is installed in the Python looked at")
    return _listed(iter(found))


def _tensorrt(report: Report) -> str:
    built = list(
        dict.fromkeys(
            f"engine built by {engine.identity.product or 'TensorRT'} {engine.identity.tensorrt_version}"
            for engine in report.engines
            if engine.identity is not None and engine.identity.tensorrt_version
        )
    )
    machine = report.machine
    here = [
        f"{card.product} {card.version or 'of unknown version'} ({card.kind}"
        f"{', imported' if card.imported else ''})"
        for card in (machine.tensorrts or () if machine else ())
    ]
    if here or built:
        return _listed(iter([*here, *built]))
    raise Missing((machine.tensorrts_reason if machine else None) or "this report names none")


def _gpu(report: Report) -> str:
    cards = report.machine.gpus if report.machine else None
    if not cards:
        reason = report.machine.gpus_reason if report.machine else None
        built = _built_on(report)
        if built:
            return built
        raise Missing(
            reason or "this report looked at no machine; 'trtdoctor check' there tells it"
        )
    return _listed(
        f"{card.name}, compute capability {card.compute_capability or 'unknown'}" for card in cards
    )


def _built_on(report: Report) -> str:
    measured = [
        f"{e.measured.gpu} (where the engine was measured)"
        for e in report.engines
        if e.measured and e.measured.gpu
    ]
    built = [
        f"engine built for compute capability {', '.join(e.identity.compute_capabilities)}"
        for e in report.engines
        if e.identity is not None and e.identity.compute_capabilities
    ]
    return _listed(iter(measured or built))


def _driver(report: Report) -> str:
    if report.machine is None:
        raise Missing("this report looked at no machine; 'trtdoctor check' there tells it")
    if not report.machine.driver:
        raise Missing(report.machine.driver_reason or "unknown")
    return report.machine.driver


def _cuda(report: Report) -> str:
    machine = report.machine
    if machine is None:
        raise Missing("this report looked at no machine; 'trtdoctor check' there tells it")
    runtimes = [
        f"{row.get('version') or 'version unknown'} ({row.get('kind')})"
        for row in _rows(_maybe(report, "cuda.runtimes"), "runtimes")
    ]
    toolkits = [text.removesuffix(" (toolkit)") for text in runtimes if text.endswith("(toolkit)")]
    others = [text for text in runtimes if not text.endswith("(toolkit)")]
    reason = machine.cuda_reason or "none found"
    return "; ".join(
        (
            f"driver supports up to {machine.cuda_driver or f'not available ({reason})'}",
            f"runtime libraries {_listed(iter(others)) or 'not available (none found)'}",
            f"toolkit {_listed(iter(toolkits)) or 'not available (none found)'}",
        )
    )


def _os(report: Report) -> str:
    seen = _value(report, "system.os")
    name = seen.get("name") or seen.get("system")
    glibc = f", glibc {seen['glibc']}" if seen.get("glibc") else ""
    return f"{name}, kernel {seen.get('kernel')}{glibc}"


def _python(report: Report) -> str:
    if report.machine is None or report.machine.python_version is None:
        reason = report.machine.python_chosen_by if report.machine else None
        raise Missing(reason or "no Python was looked at")
    return report.machine.python_version


def _container(report: Report) -> str:
    record = report.snapshot.facts.get("system.container")
    if record is not None and record.status is FactStatus.ABSENT:
        return "bare metal (no mark of a container was found)"
    seen = _value(report, "system.container")
    known = _image(report)
    told = [f"{what} {known[name]}" for name, what in _IMAGE if known.get(name)]
    image = ", ".join(told) or "not available (no variable of the image names it)"
    return (
        f"container ({seen.get('engine')}); image: {image}; "
        "tag: not available (an image's tag cannot be seen from inside; the host's container tool tells it)"
    )


def _image(report: Report) -> dict[str, Any]:
    variables = _maybe(report, "system.image").get("variables")
    return variables if isinstance(variables, dict) else {}


def _jetpack(report: Report) -> str:
    seen = _value(report, "system.jetson")
    jetpack = seen.get("jetpack") or "not available (the package nvidia-jetpack is not installed)"
    l4t = seen.get("l4t") or "not available (/etc/nv_tegra_release tells none)"
    return f"{seen.get('model') or 'model unknown'}; JetPack {jetpack}; L4T {l4t}"


def _power(report: Report) -> str:
    modes = []
    for gpu in _rows(_maybe(report, "nvidia.gpus"), "devices"):
        limit, usual = gpu.get("power_limit_watts"), gpu.get("power_default_limit_watts")
        if limit is not None:
            default = f" (default {usual:g} W)" if usual is not None else ""
            modes.append(f"power limit {limit:g} W{default}")
    mode = _maybe(report, "system.power_mode")
    if mode:
        return f"nvpmodel {mode.get('number')} {mode.get('name') or '(name not available)'}"
    if _maybe(report, "system.jetson"):
        raise Missing("'nvpmodel -q' tells it")
    if modes:
        return _listed(iter(modes))
    _value(report, "nvidia.gpus")
    raise Missing("NVML tells no power limit")


def _clocks(report: Report) -> str:
    texts = []
    for gpu in _rows(_value(report, "nvidia.gpus"), "devices"):
        if gpu.get("sm_clock_mhz") is None:
            continue
        most = gpu.get("sm_clock_max_mhz")
        memory = gpu.get("memory_clock_mhz")
        held = gpu.get("throttle_reasons")
        text = f"SM {gpu['sm_clock_mhz']} MHz of at most {most if most is not None else 'unknown'}"
        text += f", memory {memory} MHz" if memory is not None else ""
        text += f", held by {' '.join(map(str, held))}" if isinstance(held, list) and held else ""
        texts.append(text)
    if not texts:
        raise Missing("NVML tells no clocks")
    return _listed(iter(texts))


def _arch(report: Report) -> str:
    return str(_value(report, "system.os").get("machine") or "")


def _platform(report: Report) -> str:
    return str(_value(report, "system.os").get("system") or "")


def _onnxruntime(report: Report) -> str:
    seen = _value(report, "framework.onnxruntime")
    return f"{seen.get('version')} ({seen.get('distribution')})"


def _onnxruntime_install(report: Report) -> str:
    seen = _value(report, "framework.onnxruntime")
    return f"Python package {seen.get('distribution')}; whether it was built from source is unknown"


def _providers(report: Report) -> str:
    seen = _value(report, "framework.onnxruntime")
    if isinstance(seen.get("available"), list):
        return ", ".join(map(str, seen["available"]))
    there = ", ".join(map(str, seen.get("providers") or ())) or "none"
    return f"libraries there: {there} (ONNX Runtime itself was not asked)"


def _torch_install(report: Report) -> str:
    return f"as a Python package: {_package(report, 'torch')}; the tool is unknown"


def _torch_tensorrt(report: Report) -> str:
    return str(_value(report, "framework.torch_tensorrt").get("version") or "")


def _triton(report: Report) -> str:
    known = _image(report)
    version = known.get("TRITON_SERVER_VERSION") or known.get("NVIDIA_TRITON_SERVER_VERSION")
    if not version:
        raise Missing("TRITON_SERVER_VERSION is not set here; 'tritonserver --version' tells it")
    return f"{version} (from the image's variables)"


def _comfyui(report: Report) -> str:
    raise Missing("trtdoctor does not look for ComfyUI; its startup log lists the nodes")


_FIELDS: dict[str, Callable[[Report], str]] = {
    "tensorrt": _tensorrt,
    "gpu": _gpu,
    "driver": _driver,
    "cuda": _cuda,
    "cudnn": lambda report: _package(report, "nvidia-cudnn", prefix="nvidia-cudnn-"),
    "os": _os,
    "python": _python,
    "tensorflow": lambda report: _package(report, "tensorflow"),
    "torch": lambda report: _package(report, "torch"),
    "torch_install": _torch_install,
    "torch_tensorrt": _torch_tensorrt,
    "onnxruntime": _onnxruntime,
    "onnxruntime_install": _onnxruntime_install,
    "providers": _providers,
    "ultralytics": lambda report: _package(report, "ultralytics"),
    "triton": _triton,
    "comfyui": _comfyui,
    "container": _container,
    "jetpack": _jetpack,
    "power": _power,
    "clocks": _clocks,
    "arch": _arch,
    "platform": _platform,
}
