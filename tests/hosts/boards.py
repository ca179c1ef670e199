"""GPUs that imagined machines have: what CUDA and NVML say of them, from product facts."""

from __future__ import annotations

from pieces import SERVER, UNSUPPORTED, Board, value

GIB = 1 << 30

ORIN = Board(
    name="Orin", cc=(8, 7), memory=64_349_700_096, device="", multiprocessors=16, l2=4 << 20
)
GTX_1080 = Board(
    name="NVIDIA GeForce GTX 1080",
    cc=(6, 1),
    memory=8 * GIB,
    device="0x1b80",
    multiprocessors=20,
    l2=2 << 20,
    nvml={"sm_clock_mhz": value(139), "sm_clock_max_mhz": value(1911)},
)
GTX_1650 = Board(
    name="NVIDIA GeForce GTX 1650",
    cc=(7, 5),
    memory=4 * GIB,
    device="0x1f82",
    multiprocessors=14,
    l2=1 << 20,
    nvml={"power_limit_watts": value(75_000), "power_default_limit_watts": value(75_000)},
)
RTX_3090 = Board(
    name="NVIDIA GeForce RTX 3090",
    cc=(8, 6),
    memory=24 * GIB,
    device="0x2204",
    multiprocessors=82,
    l2=6 << 20,
    nvml={"pcie_generation_max": value(4)},
)
RTX_4060_LAPTOP = Board(
    name="NVIDIA GeForce RTX 4060 Laptop GPU",
    cc=(8, 9),
    memory=8 * GIB,
    device="0x28e0",
    multiprocessors=24,
    l2=32 << 20,
    nvml={
        # On battery: idle and held at a lower power limit.
        "throttle_reasons": value(0x1 | 0x4),
        "sm_clock_max_mhz": value(3105),
        "power_watts": value(1_820),
        "power_limit_watts": value(55_000),
        "power_default_limit_watts": value(80_000),
        "pcie_generation_max": value(4),
        "pcie_width": value(8),
        "pcie_width_max": value(8),
    },
)
RTX_4070 = Board(
    name="NVIDIA GeForce RTX 4070",
    cc=(8, 9),
    memory=12 * GIB,
    device="0x2786",
    multiprocessors=46,
    l2=36 << 20,
    nvml={"pcie_generation_max": value(4)},
)
RTX_4090 = Board(
    name="NVIDIA GeForce RTX 4090",
    cc=(8, 9),
    memory=24 * GIB,
    device="0x2684",
    multiprocessors=128,
    l2=72 << 20,
    nvml={"pcie_generation_max": value(4)},
)
RTX_5090 = Board(
    name="NVIDIA GeForce RTX 5090",
    cc=(12, 0),
    memory=32 * GIB,
    device="0x2b85",
    multiprocessors=170,
    l2=96 << 20,
    nvml={"pcie_generation_max": value(5)},
)
FUTURE = Board(
    name="NVIDIA Graphics Device",
    cc=(14, 0),
    memory=48 * GIB,
    device="0x3f01",
    multiprocessors=200,
    l2=128 << 20,
    nvml={"pcie_generation_max": value(6)},
)
T4 = Board(
    name="Tesla T4",
    cc=(7, 5),
    memory=15_843_721_216,
    device="0x1eb8",
    multiprocessors=40,
    l2=4 << 20,
    class_code="0x030200",
    nvml=SERVER | {"pcie_generation_max": value(3), "pcie_generation": value(3)},
)
V100 = Board(
    name="Tesla V100-SXM2-16GB",
    cc=(7, 0),
    memory=16_935_682_048,
    device="0x1db1",
    multiprocessors=80,
    l2=6 << 20,
    class_code="0x030200",
    nvml=SERVER | {"pcie_generation_max": value(3), "pcie_generation": value(3)},
)
A100 = Board(
    name="NVIDIA A100-SXM4-80GB",
    cc=(8, 0),
    memory=85_899_345_920,
    device="0x20b2",
    multiprocessors=108,
    l2=40 << 20,
    class_code="0x030200",
    nvml=SERVER | {"mig_mode": value([0, 0])},
)
# A virtual GPU: power, heat, the highest clocks and the link are the host's business.
_HOSTS_OWN = (
    "ecc_uncorrected",
    "memory_clock_max_mhz",
    "pcie_generation",
    "pcie_generation_max",
    "pcie_width",
    "pcie_width_max",
    "power_default_limit_watts",
    "power_limit_watts",
    "power_watts",
    "sm_clock_max_mhz",
    "temperature_celsius",
    "throttle_reasons",
)
A10_VGPU = Board(
    name="NVIDIA A10-24Q",
    cc=(8, 6),
    memory=25_757_220_864,
    device="0x2236",
    multiprocessors=72,
    l2=6 << 20,
    nvml=dict.fromkeys(_HOSTS_OWN, UNSUPPORTED),
)
L4 = Board(
    name="NVIDIA L4",
    cc=(8, 9),
    memory=24_152_899_584,
    device="0x27b8",
    multiprocessors=58,
    l2=48 << 20,
    class_code="0x030200",
    nvml=SERVER | {"sm_clock_max_mhz": value(2040)},
)
H100_SXM = Board(
    name="NVIDIA H100 80GB HBM3",
    cc=(9, 0),
    memory=85_520_809_984,
    device="0x2330",
    multiprocessors=132,
    l2=50 << 20,
    class_code="0x030200",
    nvml=SERVER
    | {
        "mig_mode": value([0, 0]),
        "sm_clock_max_mhz": value(1980),
        "pcie_generation": value(5),
        "pcie_generation_max": value(5),
        # The GPU waits for the fabric manager: in progress, no status yet.
        "fabric": value({"state": 2, "status": 0}),
    },
)
