"""Facts that only measuring on the GPU gives: how fast it computes and copies, and a tiny engine."""

from __future__ import annotations

from typing import ClassVar

from ..base import FactValue, Frozen
from ..build import Spread
from .tensorrt import Attempt


class Rate(Frozen, frozen=True, kw_only=True):
    """A rate measured several times.

    ``low`` and ``high`` are the interval that holds the true median 19 times of 20, by the order of
    the samples alone; ``samples`` is how many there were.
    """

    median: float
    low: float
    high: float
    samples: int


class ArithmeticRate(Frozen, frozen=True, kw_only=True):
    """How fast a GPU does one kind of arithmetic.

    Attributes:
        kind: ``fp32``, ``fp16``, ``bf16`` and ``int8`` on the ordinary cores; on tensor cores
            ``tensor-`` and the type of the factors, then that of the sums where both differ; on those
            of compute capability 9.0 also by ``wgmma-``, the way that reaches all of them.
        instruction: The PTX instruction that was repeated.
        rate: In 10^12 operations a second; a multiply-add counts as two.
        per_clock: Multiply-adds in a clock of one SM.
        sm_mhz: The SM's clock meanwhile, by its own counter, else by NVML.
        reason: Why there is no rate.
    """

    kind: str
    instruction: str | None = None
    rate: Rate | None = None
    per_clock: float | None = None
    sm_mhz: float | None = None
    reason: str | None = None


class CopyRate(Frozen, frozen=True, kw_only=True):
    """How fast bytes are copied.

    Attributes:
        direction: ``d2d`` within the GPU's memory, where each byte counts as read and written;
            ``h2d`` and ``d2h`` from and to page-locked memory of the host.
        rate: In 10^9 bytes a second.
        limit: What the memory's clock and width, or the PCIe link, allow at most, in the same unit.
        reason: Why there is no rate.
    """

    direction: str
    rate: Rate | None = None
    limit: float | None = None
    reason: str | None = None


class MeasuredGpu(Frozen, frozen=True, kw_only=True):
    """What was measured on one GPU, as CUDA numbers them.

    ``sm_mhz_before`` is NVML's clock before anything ran, ``sm_mhz_after`` right after; ``throttled``
    why the clocks were held down while it worked, in NVML's words; ``other_processes`` how many
    others computed on it before; ``reason`` why nothing was measured.
    """

    ordinal: int
    name: str | None = None
    pci_bus_id: str | None = None
    compute_capability: str | None = None
    multiprocessors: int | None = None
    rates: tuple[ArithmeticRate, ...] = ()
    copies: tuple[CopyRate, ...] = ()
    sm_mhz_before: int | None = None
    sm_mhz_after: int | None = None
    throttled: tuple[str, ...] | None = None
    other_processes: int | None = None
    reason: str | None = None

    def rate_of(self, kind: str) -> ArithmeticRate | None:
        """What was measured of a kind; None where it has no rate."""
        return next((r for r in self.rates if r.kind == kind and r.rate is not None), None)


class Arithmetic(FactValue, frozen=True, kw_only=True):
    """Arithmetic and copies measured on each GPU with small kernels; active only.

    Absent where there is no CUDA driver or no GPU.
    """

    FACT: ClassVar[str] = "cuda.arithmetic"

    devices: tuple[MeasuredGpu, ...]


class TinyEngine(Frozen, frozen=True, kw_only=True):
    """One network of two layers, built in one precision and run.

    Attributes:
        precision: ``fp32`` or ``fp16``, as it was asked for.
        typing: ``weak`` where the builder chose, ``strong`` where the network's types hold.
        time: Of one inference, between two CUDA events.
        layers: What the engine's inspector calls its layers.
        build_s: Seconds that the builder took.
        reason: Why there is no engine or no time.
    """

    precision: str
    typing: str | None = None
    time: Spread | None = None
    layers: tuple[str, ...] = ()
    build_s: float | None = None
    reason: str | None = None


class TinyEngineTrial(Frozen, frozen=True, kw_only=True):
    """The tiny engines of one TensorRT module: how the attempt ended, and its log."""

    module: str
    attempt: Attempt
    version: str | None = None
    engines: tuple[TinyEngine, ...] = ()
    log: tuple[str, ...] = ()


class TinyEngines(FactValue, frozen=True, kw_only=True):
    """A convolution and a matrix product, built by each TensorRT and run in FP32 and FP16; active only.

    Absent where no TensorRT module with a builder can be imported.
    """

    FACT: ClassVar[str] = "tensorrt.tiny_engine"

    trials: tuple[TinyEngineTrial, ...]
