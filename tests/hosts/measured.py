"""What ``--active`` measures on imagined GPUs, in the shape of the children's answers."""

from __future__ import annotations

from pieces import Board, Piece, returned

_INSTRUCTIONS = {
    "fp32": "fma.rn.f32",
    "fp16": "fma.rn.f16x2",
    "bf16": "fma.rn.bf16x2",
    "int8": "dp4a.s32.s32",
}
_KINDS = (
    "fp32", "fp16", "bf16", "int8", "tensor-fp16", "tensor-fp16-fp32", "tensor-bf16",
    "tensor-tf32", "tensor-int8", "tensor-fp8",
)  # fmt: skip
# Nine samples of about 20 ms, as events time them.
_SAMPLES = (20.02, 20.01, 20.0, 20.03, 19.99, 20.01, 20.02, 20.0, 20.04)


def measured(
    board: Board,
    *,
    mhz: float,
    per_clock: dict[str, float],
    memory: tuple[int, int],
    link: tuple[int, int] | None,
) -> Piece:
    """A GPU that did so many multiply-adds a clock and SM of each kind, at a clock in MHz.

    ``memory`` is its clock in kHz and its width in bits, ``link`` PCIe's generation and width.
    """
    cycles = int(20.0 * mhz * 1000)
    during = {"sm_mhz": int(mhz), "bits": 0}
    kinds = {kind: {"error": "none"} for kind in _KINDS}
    for kind, rate in per_clock.items():
        kinds[kind] = {
            "instruction": _INSTRUCTIONS.get(kind, "mma.sync.aligned"),
            "fma": int(rate * cycles * board.multiprocessors),
            "ms": list(_SAMPLES),
            "cycles": cycles,
            "nanoseconds": 20_000_000,
            "during": during,
        }
    peak = 2 * memory[0] * 1000 * memory[1] // 8
    copies = {"d2d": {"bytes": int(0.85 * peak * 0.020 / 2), "ms": list(_SAMPLES)}}
    for way in ("h2d", "d2h"):
        lanes = link or (3, 16)
        each = int(0.8e9 * lanes[1] * 2 ** (lanes[0] - 3) * 0.020)
        copies[way] = {"bytes": each, "ms": list(_SAMPLES), "link": list(link or (None, None))}
    device = {
        "ordinal": 0,
        "name": board.name,
        "pci": "0000:01:00.0",
        "major": board.cc[0],
        "minor": board.cc[1],
        "multiprocessors": board.multiprocessors,
        "memory_khz": memory[0],
        "bus_bits": memory[1],
        "integrated": int(link is None),
        "processes": None if link is None else 0,
        "before": {"sm_mhz": None if link is None else 300, "bits": None if link is None else 1},
        "after": {"sm_mhz": None if link is None else int(mhz), "bits": None},
        "kinds": kinds,
        "copies": copies,
    }
    return Piece(children={"arithmetic": returned({"devices": [device]})})


def tiny_engines(version: str, fp32: float, fp16: float, module: str = "tensorrt") -> Piece:
    """The tiny engines of a weakly typed TensorRT, with their times in milliseconds."""
    spread = (1.0, 1.01, 0.99, 1.0, 1.02, 0.98, 1.0, 1.0, 1.03)
    engines = [
        {
            "precision": precision,
            "typing": "weak",
            "ms": [ms * part for part in spread],
            "layers": ["(Unnamed Layer* 0) [Convolution]", "(Unnamed Layer* 3) [Matrix Multiply]"],
            "build_s": 1.7,
        }
        for precision, ms in (("fp32", fp32), ("fp16", fp16))
    ]
    said = {"ending": "returned", "version": version, "engines": engines, "log": []}
    return Piece(children={f"tiny_engine:{module}": returned(said)})
