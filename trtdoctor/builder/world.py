"""The TensorRT that is to build: its release, what it can be asked for, and who decides precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trtdoctor.host import Host, HostError
from trtdoctor.model.errors import InputError

MODULES = {"tensorrt": ("tensorrt",), "rtx": ("tensorrt_rtx",)}
_DEADLINE_S = 120.0


@dataclass(frozen=True, kw_only=True)
class World:
    """A TensorRT that can build.

    Attributes:
        module: The Python module's name.
        version: Its version.
        python: The interpreter that has it.
        enums: Names of its enumerations' members, by enumeration.
        progress: Whether it tells its progress.
        no_gpu: Why there is no GPU to build on or to run on; None where there is one.
    """

    module: str
    version: str
    python: str
    enums: dict[str, frozenset[str]]
    progress: bool
    no_gpu: str | None

    @property
    def rtx(self) -> bool:
        """Whether it is TensorRT for RTX, which builds without a GPU."""
        return self.module == "tensorrt_rtx"

    @property
    def product(self) -> str:
        """``tensorrt`` or ``tensorrt-rtx``."""
        return "tensorrt-rtx" if self.rtx else "tensorrt"

    @property
    def name(self) -> str:
        """As a sentence names it."""
        product = "TensorRT-RTX" if self.rtx else "TensorRT"
        return f"{product} {self.version}" if self.version else f"{product} of unknown version"

    @property
    def weak(self) -> bool:
        """Whether its builder can choose precisions: the flag is there."""
        return "FP16" in self.enums.get("BuilderFlag", frozenset())

    def has_flag(self, name: str) -> bool:
        """Whether it has a builder flag of that name."""
        return name in self.enums.get("BuilderFlag", frozenset())


def find_world(host: Host, python: str, runtime: str | None) -> World:
    """The TensorRT of an interpreter.

    Args:
        host: this machine.
        python: the interpreter.
        runtime: ``tensorrt`` or ``rtx``; None for the first that is there.

    Raises:
        InputError: there is none that can build.
    """
    wanted: Sequence[str] = (
        [name for names in MODULES.values() for name in names]
        if runtime is None
        else MODULES[runtime]
    )
    try:
        answer = host.child(
            "tensorrt_world", {"modules": list(wanted)}, python=python, deadline=_DEADLINE_S
        )
    except HostError as error:
        raise InputError(f"cannot start {python}: {error}; name another with --python") from None
    value = answer.value or {}
    if answer.ending != "returned" or not value.get("module"):
        failed = value.get("failed", {})
        why = "; ".join(f"{name}: {text}" for name, text in failed.items())
        why = why or f"importing it ended with {answer.detail}"
        raise InputError(
            f"{python} has no TensorRT that can build ({why}); name another interpreter with --python, "
            "or a trtexec with --trtexec; 'trtdoctor check' says what is wrong with this one"
        )
    if not value["parser"]:
        raise InputError(
            f"the {value['module']} {value['version']} of {python} has no ONNX parser; "
            "'trtdoctor check' says what is wrong with it"
        )
    return World(
        module=value["module"],
        version=value["version"],
        python=python,
        enums={name: frozenset(members) for name, members in value["enums"].items()},
        progress=value["progress"],
        no_gpu=value["cuda"],
    )
