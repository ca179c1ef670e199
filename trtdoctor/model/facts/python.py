"""Facts of the Python interpreter that is looked at, and of what is installed in it."""

from __future__ import annotations

from typing import ClassVar

from ..base import FactValue, Frozen, PathText
from .tensorrt import LibraryNeeds


class TargetPython(FactValue, frozen=True, kw_only=True):
    """The interpreter whose TensorRT is meant. ``chosen_by`` says how it was picked."""

    FACT: ClassVar[str] = "python.target"

    executable: PathText
    version: str
    implementation: str
    chosen_by: str
    prefix: PathText
    in_virtualenv: bool
    system_site_packages: bool | None = None
    platform: str | None = None
    free_threaded: bool = False


class Package(Frozen, frozen=True, kw_only=True):
    """One installed distribution, by its normalised name."""

    name: str
    version: str
    location: PathText


class Packages(FactValue, frozen=True, kw_only=True):
    """The installed distributions that bear on TensorRT; empty where there are none."""

    FACT: ClassVar[str] = "python.packages"

    packages: tuple[Package, ...]

    def version(self, name: str) -> str | None:
        """The version of the distribution that the interpreter would import first, or None."""
        return next((p.version for p in self.packages if p.name == name), None)


class OnnxRuntime(FactValue, frozen=True, kw_only=True):
    """ONNX Runtime and its provider libraries; absent where ONNX Runtime is not installed.

    ``providers`` are those that a library lies there for; ``available`` what
    ``get_available_providers()`` answers, null where it gave no answer, and ``not_asked`` says why.
    ``tensorrt_needs`` is the libnvinfer soname that the TensorRT provider links. ``libraries`` has
    what NVIDIA's providers need, and what these need in turn, found as the dynamic loader would;
    ``unread`` maps a library whose needs could not be followed to why. ``elsewhere`` maps a soname
    that the loader does not find to where such a file lies all the same.
    """

    FACT: ClassVar[str] = "framework.onnxruntime"

    distribution: str
    version: str
    providers: tuple[str, ...]
    available: tuple[str, ...] | None = None
    not_asked: str | None = None
    tensorrt_needs: str | None = None
    cuda_needs: str | None = None
    libraries: tuple[LibraryNeeds, ...] = ()
    unread: dict[str, str] = {}
    elsewhere: dict[str, PathText] = {}


class TorchTensorRT(FactValue, frozen=True, kw_only=True):
    """Torch-TensorRT and what its metadata requires; absent where it is not installed."""

    FACT: ClassVar[str] = "framework.torch_tensorrt"

    version: str
    torch_version: str | None = None
    requires: tuple[str, ...] = ()
