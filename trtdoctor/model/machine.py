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


class RateCard(Frozen, frozen=True, kw_only=True):
    """One thing that was measured on a GPU, in words.

    Attributes:
        kind: What was measured, as the fact names it.
        what: The same in words.
        unit: Of the numbers: ``TFLOPS`` or ``TOPS`` (10^12 operations a second, a multiply-add counts
            as two), ``GB/s`` or ``ms``.
        measured: The median; null where there is none, and then ``remark`` says why, or a note of the card.
        low: The interval that holds the true median 19 times of 20, to ``high``.
        expected: What the table says for this chip at the clock that it had, or what the memory or the
            link allow at most; null where that is not known.
        remark: What a reader needs to know to judge it.
    """

    kind: str
    what: str
    unit: str
    measured: float | None = None
    low: float | None = None
    high: float | None = None
    expected: float | None = None
    remark: str | None = None


class MeasuredCard(Frozen, frozen=True, kw_only=True):
    """What was measured on one GPU, or of one TensorRT's tiny engines; ``notes`` are a sentence each."""

    subject: str
    name: str
    rates: tuple[RateCard, ...] = ()
    notes: tuple[str, ...] = ()


class TensorRTCard(Frozen, frozen=True, kw_only=True):
    """One TensorRT on the machine, and whether the interpreter looked at loads it."""

    product: str
    version: str | None
    kind: str
    location: PathText
    imported: bool | None = None
    typing: Typing = Typing.UNKNOWN


class Machine(Frozen, frozen=True, kw_only=True):
    """The card. ``None`` is unknown; ``gpus`` is null where nobody could look.

    ``measured`` is empty where nothing was measured, as without ``--active``.
    """

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
    measured: tuple[MeasuredCard, ...] = ()
