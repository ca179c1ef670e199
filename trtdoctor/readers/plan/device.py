"""The device record: the GPU that an engine was built on, and which board that likely is.

Observed in files; their values agree with known cards, with the targets of the device code in the
same files, and, on an H100, with what the driver reports.
"""

from __future__ import annotations

from typing import Any

from ...model.base import Frozen
from .stream import Item, Kind

_SCALARS = (Kind.I32, Kind.U32, Kind.I64, Kind.U64, Kind.BOOL)
_GIB = 1 << 30


class Device(Frozen, frozen=True, kw_only=True):
    """The device record. Clocks are in kHz; 6.0 and 7.0 write no ``memory_bytes``."""

    compute_capability: str
    multiprocessors: int
    integrated: bool
    sm_clock_khz: int
    memory_clock_khz: int
    bus_bits: int
    l2_bytes: int
    memory_bytes: int | None = None

    def facts(self) -> dict[str, Any]:
        """Return what the report shows, with the likely board."""
        facts: dict[str, Any] = {
            "compute_capability": self.compute_capability,
            "multiprocessors": self.multiprocessors,
            "integrated": self.integrated,
            "sm_clock_khz": self.sm_clock_khz,
            "memory_clock_khz": self.memory_clock_khz,
            "bus_bits": self.bus_bits,
            "l2_bytes": self.l2_bytes,
            "memory_bytes": self.memory_bytes,
        }
        board = likely_board(self)
        if board is not None:
            facts["likely_board"] = board
        return facts


def read_device(head: list[Item]) -> tuple[Device | None, int | None]:
    """Read the record and the number before it from a body's first items.

    Returns:
        The device, None where there is no plausible record; and the hardware-compatibility level,
        None where the release writes none.
    """
    items = head[4:]
    level: int | None = None
    if len(items) > 3 and [i.kind for i in items[:3]] == [Kind.OPEN, Kind.I32, Kind.OPEN]:
        level = int(items[1].value)
        items = items[2:]
    while items and items[0].kind is Kind.OPEN:
        items = items[1:]
    values: list[Item] = []
    for item in items:
        if item.kind not in _SCALARS:
            break
        values.append(item)
    if not values:
        return None, level
    device = _new_order(values) if values[0].kind is Kind.I64 else _old_order(values)
    return device, level


def _old_order(values: list[Item]) -> Device | None:
    flag = next((i for i, item in enumerate(values) if item.kind is Kind.BOOL), None)
    if flag is None or flag < 8:
        return None
    major, minor, clock, memory_clock, bus, l2 = (int(item.value) for item in values[:6])
    # The grid's limits and the memory follow the flag from 7.1 on; in 6.0 the network's batch size
    # does.
    memory = next(
        (int(i.value) for i in values[flag + 1 : flag + 7] if i.kind in (Kind.U64, Kind.I64)), None
    )
    return _device(
        major,
        minor,
        int(values[flag - 1].value),
        bool(values[flag].value),
        clock,
        memory_clock,
        bus,
        l2,
        memory,
    )


def _new_order(values: list[Item]) -> Device | None:
    if len(values) < 15:
        return None
    numbers = [int(item.value) for item in values[:15]]
    return _device(
        numbers[12],
        numbers[13],
        numbers[8],
        bool(numbers[9]),
        numbers[3],
        numbers[4],
        numbers[5],
        numbers[1],
        numbers[0],
    )


def _device(
    major: int,
    minor: int,
    multiprocessors: int,
    integrated: bool,
    clock: int,
    memory_clock: int,
    bus: int,
    l2: int,
    memory: int | None,
) -> Device | None:
    if not (
        3 <= major <= 20 and 0 <= minor <= 9 and 0 < multiprocessors <= 1024 and 0 <= bus <= 1 << 16
    ):
        return None
    return Device(
        compute_capability=f"{major}.{minor}",
        multiprocessors=multiprocessors,
        integrated=integrated,
        sm_clock_khz=clock,
        memory_clock_khz=memory_clock,
        bus_bits=bus,
        l2_bytes=l2,
        memory_bytes=memory,
    )


# compute capability, multiprocessors, bus in bits (None: the record is not telling), memory in GiB
# at least and at most, boards. As of 2026-11-22. Sources: NVIDIA's architecture whitepapers (V100,
# Turing, GA100, GA102, H100, AD102, Blackwell RTX), data sheets (T4, A10, L4, L40S, H100, H200) and
# the Jetson modules' data sheets.
_BOARDS: tuple[tuple[str, int, int | None, int, int, str], ...] = (
    ("5.3", 1, None, 2, 4, "Jetson Nano"),
    ("5.3", 2, None, 2, 4, "Jetson TX1"),
    ("6.2", 2, None, 4, 8, "Jetson TX2"),
    ("7.0", 80, 4096, 15, 32, "Tesla V100"),
    ("7.2", 6, None, 4, 16, "Jetson Xavier NX"),
    ("7.2", 8, None, 16, 64, "Jetson AGX Xavier"),
    ("7.5", 40, 256, 14, 16, "Tesla T4"),
    ("8.0", 108, 5120, 39, 80, "A100"),
    ("8.6", 68, 320, 9, 10, "GeForce RTX 3080"),
    ("8.6", 82, 384, 23, 24, "GeForce RTX 3090"),
    ("8.6", 72, 384, 21, 24, "A10 or A10G"),
    ("8.7", 8, None, 6, 8, "Jetson Orin Nano 8GB or Orin NX 8GB"),
    ("8.7", 16, None, 28, 64, "Jetson AGX Orin"),
    ("8.9", 58, 192, 21, 24, "L4"),
    ("8.9", 128, 384, 23, 24, "GeForce RTX 4090"),
    ("8.9", 142, 384, 43, 48, "L40, L40S or RTX 6000 Ada"),
    ("9.0", 114, 5120, 78, 80, "H100 PCIe"),
    ("9.0", 132, 5120, 78, 80, "H100 SXM"),
    ("9.0", 132, 6144, 138, 141, "H200 SXM"),
    ("12.0", 70, 256, 15, 16, "GeForce RTX 5070 Ti"),
    ("12.0", 170, 512, 31, 32, "GeForce RTX 5090"),
)


def likely_board(device: Device) -> str | None:
    """Return the one board that the record fits; None where none or more than one does."""
    memory = device.memory_bytes
    if memory is None and not device.integrated:
        return None
    found = [
        board
        for capability, multiprocessors, bus, least, most, board in _BOARDS
        if capability == device.compute_capability
        and multiprocessors == device.multiprocessors
        and (bus is None or bus == device.bus_bits)
        and (memory is None or (least - 1) * _GIB <= memory <= (most + 1) * _GIB)
    ]
    return found[0] if len(found) == 1 else None
