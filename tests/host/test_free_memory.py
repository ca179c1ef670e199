"""What a helper may take is what the machine and its container leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from trtdoctor.host.processes import free_memory

GIB = 1 << 30
MEMINFO = {"proc/meminfo": "MemTotal: 67108864 kB\nMemAvailable: 33554432 kB\n"}
V1 = "sys/fs/cgroup/memory/memory"


@pytest.mark.parametrize(
    ("files", "free"),
    [
        (MEMINFO, 32 * GIB),
        (
            {
                **MEMINFO,
                "sys/fs/cgroup/memory.max": f"{2 * GIB}\n",
                "sys/fs/cgroup/memory.current": f"{GIB}\n",
            },
            GIB,
        ),
        (
            {
                **MEMINFO,
                "sys/fs/cgroup/memory.max": "max\n",
                "sys/fs/cgroup/memory.current": f"{GIB}\n",
            },
            32 * GIB,
        ),
        (
            {
                **MEMINFO,
                f"{V1}.limit_in_bytes": f"{4 * GIB}\n",
                f"{V1}.usage_in_bytes": f"{GIB}\n",
            },
            3 * GIB,
        ),
        (
            {
                **MEMINFO,
                f"{V1}.limit_in_bytes": "9223372036854771712\n",
                f"{V1}.usage_in_bytes": "1\n",
            },
            32 * GIB,
        ),
        (
            {
                **MEMINFO,
                "sys/fs/cgroup/memory.max": f"{GIB}\n",
                "sys/fs/cgroup/memory.current": f"{2 * GIB}\n",
            },
            0,
        ),
        ({"proc/meminfo": "garbage\nMemAvailable:\n"}, 0),
        ({}, 0),
    ],
)
def test_the_narrowest_limit_counts(files: dict[str, str], free: int, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert free_memory(tmp_path) == free
