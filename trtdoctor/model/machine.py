"""The card of the machine: what a reader wants first, with what is known of the hardware."""

from __future__ import annotations

from .base import Frozen, PathText
from .typing import Typing


class GpuCard(Frozen, frozen=True, kw_only=True):
    """One GPU. ``memory_bytes`` is the total; a precision nobody knows of is null."""

    subject: str
    name: str
    compute_capability: str | None
    memory_bytes: int | None = None
    fast_fp16: bool | None = None
    tensor_cores: bool | None = None
    precisions: dict[str, bool | None] = {}
    source: str | None = None


class TensorRTCard(Frozen, frozen=True, kw_only=True):
    """One TensorRT on the machine, and whether the interpreter looked at loads it."""

    product: str
    version: str | None
    kind: str
    location: PathText
    imported: bool | None = None
    typing: Typing = Typing.UNKNOWN


class Machine(Frozen, frozen=True, kw_only=True):
    """The card. ``None`` is unknown; ``gpus`` is null where nobody could look."""

    os: str | None = None
    environment: tuple[str, ...] = ()
    gpus: tuple[GpuCard, ...] | None = None
    gpus_reason: str | None = None
    driver: str | None = None
    driver_reason: str | None = None
    cuda_driver: str | None = None
    cuda_runtimes: tuple[str, ...] = ()
    cuda_reason: str | None = None
    python: PathText | None = None
    python_version: str | None = None
    python_chosen_by: str | None = None
    tensorrts: tuple[TensorRTCard, ...] | None = None
    tensorrts_reason: str | None = None
    typing: Typing = Typing.UNKNOWN
