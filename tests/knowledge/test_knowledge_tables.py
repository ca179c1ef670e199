"""Every table is dated and sourced, its windows are whole, and a broken file is named."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from trtdoctor.knowledge import Knowledge, KnowledgeEnds, TableError
from trtdoctor.knowledge.tables import read_head, read_table

NAMES = (
    "arithmetic_rates",
    "autocast_options",
    "boards_without_tensor_cores",
    "causes",
    "compute_capabilities",
    "cuda_drivers",
    "cuda_errors",
    "exit_codes",
    "framework_requirements",
    "hardware_compatibility",
    "jetpack",
    "log_messages",
    "numpy_limits",
    "nvml_errors",
    "onnx_operators",
    "onnx_opsets",
    "plan_compatibility",
    "polygraphy_options",
    "python_build_api",
    "python_support",
    "removed_apis",
    "tensorrt_compute_capability",
    "tensorrt_cuda",
    "tensorrt_errors",
    "tensorrt_rtx_options",
    "trtexec_formats",
    "trtexec_options",
    "typing_modes",
)
RELEASES = (
    ["8.4", "8.5", "8.6", "9.0", "9.1", "9.2", "9.3"]
    + [f"10.{minor}" for minor in (*range(13), "13.0", "13.2", "13.3", 14, 15, 16)]
    + [f"11.{minor}" for minor in range(5)]
)


@pytest.fixture(scope="module")
def k() -> Knowledge:
    return Knowledge.load()


def test_all_tables_are_there_and_dated(k: Knowledge) -> None:
    tables = k.tables()
    assert tuple(info.name for info in tables) == NAMES
    for info in tables:
        assert date.fromisoformat(info.as_of) <= date.fromisoformat(k.as_of)
        assert info.covers
        assert info.title
        assert info.rows == len(k.rows(info.name)) > 0


@pytest.mark.parametrize("name", NAMES)
def test_every_row_has_a_public_source(k: Knowledge, name: str) -> None:
    for row in k.rows(name):
        assert row["source"].strip()
        assert not re.search(r"\[[PNSUR]\]|find_string|/work/|/tmp/", str(row))
        assert row.get("certainty", "certain") in ("certain", "likely", "possible")


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("compute_capabilities", ("cc",)),
        ("arithmetic_rates", ("cc", "board")),
        ("tensorrt_compute_capability", ("product", "cc", "first")),
        ("cuda_drivers", ("kind", "cuda")),
        ("cuda_errors", ("code",)),
        ("nvml_errors", ("code",)),
        ("tensorrt_errors", ("code",)),
        ("exit_codes", ("code",)),
        ("jetpack", ("l4t",)),
        ("hardware_compatibility", ("level",)),
        ("plan_compatibility", ("product", "first")),
        ("removed_apis", ("api",)),
        ("log_messages", ("id",)),
        ("causes", ("cause",)),
        ("trtexec_formats", ("option",)),
        ("trtexec_options", ("option",)),
        ("tensorrt_rtx_options", ("option",)),
        ("python_build_api", ("product", "option")),
        ("polygraphy_options", ("option",)),
        ("autocast_options", ("option",)),
    ],
)
def test_nothing_is_said_twice(k: Knowledge, name: str, keys: tuple[str, ...]) -> None:
    found = [tuple(row.get(key) for key in keys) for row in k.rows(name)]
    assert len(found) == len(set(found))


def test_bounds_of_support_windows_are_in_order(k: Knowledge) -> None:
    for row in k.rows("tensorrt_compute_capability"):
        bounds = [row.get(name) for name in ("absent_through", "first", "last", "gone")]
        given = [tuple(map(int, bound.split("."))) for bound in bounds if bound is not None]
        assert given == sorted(given)
        # A window may be one release.
        assert len(set(given)) == len(given) - (row.get("first") == row.get("last") is not None)
        assert given


def windows(k: Knowledge, name: str, **key: object) -> dict[str, int]:
    """How many rows of a table cover each release."""
    from trtdoctor.knowledge.versions import release, within

    rows = [row for row in k.rows(name) if all(row[a] == b for a, b in key.items())]
    return {
        version: sum(within((*release(version), 0, 0), r["first"], r["last"]) for r in rows)
        for version in RELEASES
    }


@pytest.mark.parametrize(
    ("name", "key", "gaps"),
    [
        ("typing_modes", {"product": "tensorrt"}, set()),
        ("plan_compatibility", {"product": "tensorrt"}, set()),
        # Not published as wheels: 8.4, 8.5.0 and 9.x.
        ("python_support", {"product": "tensorrt"}, {"8.4", "8.5", "9.0", "9.1", "9.2", "9.3"}),
        (
            "tensorrt_cuda",
            {"product": "tensorrt", "cuda_major": 12},
            {"8.4", "8.5", "9.0", "9.1", "9.2", "9.3"},
        ),
        (
            "tensorrt_cuda",
            {"product": "tensorrt", "cuda_major": 13},
            set(RELEASES[: RELEASES.index("10.13.2")]),
        ),
        (
            "tensorrt_cuda",
            {"product": "tensorrt", "cuda_major": 11},
            {"9.0", "9.1", "9.2", "9.3", *RELEASES[RELEASES.index("10.13.2") :]},
        ),
    ],
)
def test_windows_neither_overlap_nor_leave_silent_gaps(
    k: Knowledge, name: str, key: dict[str, object], gaps: set[str]
) -> None:
    assert windows(k, name, **key) == {v: 0 if v in gaps else 1 for v in RELEASES}


def test_frameworks_have_one_row_a_release(k: Knowledge) -> None:
    for minor in range(12, 32):
        assert k.framework_requirement("onnxruntime-gpu", f"1.{minor}.0").framework
    for minor in range(3, 15):
        assert k.framework_requirement("torch-tensorrt", f"2.{minor}.0").framework
    for framework, major, minors in (
        ("onnxruntime-gpu", 1, range(12, 32)),
        ("torch-tensorrt", 2, range(3, 15)),
    ):
        rows = [r for r in k.rows("framework_requirements") if r["framework"] == framework]
        covered = [
            (major, minor)
            for r in rows
            for minor in range(int(r["first"].split(".")[1]), int(r["last"].split(".")[1]) + 1)
        ]
        assert sorted(covered) == [(major, minor) for minor in minors]


def test_every_row_of_every_table_has_its_type(k: Knowledge) -> None:
    k.compute_capability("8.6")
    k.board_without_tensor_cores("7.5", "x")
    k.tensorrt_support("tensorrt", "11.4", "8.6")
    k.tensorrt_cuda("tensorrt", "11.4")
    k.driver_floor("12")
    k.python_support("tensorrt", "11.4")
    k.removed_apis("11.4")
    k.typing_mode("tensorrt", "11.4")
    k.plan_compatibility("tensorrt", "11.4")
    k.hardware_compatibility("same-cc")
    k.cuda_error(0)
    k.nvml_error(0)
    k.jetpack("36.4.3")
    k.numpy_limit("tensorrt", "11.4")
    k.log_messages("")
    k.framework_requirement("torch-tensorrt", "2.8.0")
    k.causes()
    k.tool_options("trtexec_formats", "tensorrt", "11.1")
    k.tool_options("trtexec_options", "tensorrt", "11.1")
    k.tool_options("tensorrt_rtx_options", "tensorrt-rtx", "1.7")
    k.tool_options("python_build_api", "tensorrt", "11.1")
    k.tool_options("polygraphy_options", "polygraphy", "0.49")
    k.tool_options("autocast_options", "nvidia-modelopt", "0.46")


def test_rows_of_an_unknown_table(k: Knowledge) -> None:
    for name in ("nonsense", "../tables/jetpack", ""):
        with pytest.raises(KeyError):
            k.rows(name)


def test_loading_reads_nothing_and_imports_no_parser() -> None:
    code = (
        "import sys\n"
        "from trtdoctor.knowledge import Knowledge\n"
        "Knowledge.load()\n"
        "print([m for m in ('tomllib', 'tomli', 'packaging.version') if m in sys.modules])\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


HEAD = '[meta]\ntable = "{name}"\ntitle = "t"\nas_of = "2026-01-01"\ncovers = "c"\n'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"not toml at all", "jetpack.toml"),
        (b"\xff\xfe", "jetpack.toml"),
        (b"", "[meta]"),
        (HEAD.format(name="other").encode(), "other"),
        ((HEAD.format(name="jetpack") + "[more]\n").encode(), "more"),
    ],
)
def test_a_broken_table_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "jetpack.toml"
    path.write_bytes(content)
    with pytest.raises(TableError, match=re.escape(says)):
        read_table(path)


def test_a_row_without_source_is_refused(tmp_path: Path) -> None:
    row = '\n[[row]]\nl4t = "1.0"\njetpack = "1"\ntensorrt = "1"\ncuda = "1"\n'
    (tmp_path / "jetpack.toml").write_text(HEAD.format(name="jetpack") + row)
    assert read_head(tmp_path / "jetpack.toml")[1] == 1
    with pytest.raises(TableError, match="source"):
        Knowledge(tmp_path).jetpack("1.0")


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"jetpack\.toml"):
        Knowledge(tmp_path).jetpack("1.0")


def test_knowledge_ends_is_a_lookup_error() -> None:
    assert issubclass(KnowledgeEnds, LookupError)


def test_rates_of_arithmetic_agree_with_what_a_compute_capability_offers(k: Knowledge) -> None:
    for row in k.rows("compute_capabilities"):
        try:
            rates = k.arithmetic_rates(row["cc"], "")
        except KnowledgeEnds:
            continue
        if "fp16_rate" in row and "fp16" in rates.fma:
            assert rates.fma["fp16"] / rates.fma["fp32"] == row["fp16_rate"], row["cc"]
        assert any(kind.startswith("tensor") for kind in rates.fma) == row["tensor_cores"]
        for kind, least in rates.least.items():
            assert least < rates.fma[kind]
        assert rates.mma_sync is None or 0 < rates.mma_sync <= 1


@pytest.mark.parametrize(
    ("cc", "board", "tensor"),
    [
        ("9.0", "NVIDIA H100 80GB HBM3", 2048),
        ("9.0", "NVIDIA H200", 2048),
        ("9.0", "NVIDIA H20", 512),
        ("12.0", "NVIDIA GeForce RTX 5090", 512),
        ("12.0", "NVIDIA GeForce RTX 5090 D", None),
        ("8.0", "NVIDIA CMP 170HX", None),
    ],
)
def test_boards_that_are_held_back_have_rates_of_their_own(
    k: Knowledge, cc: str, board: str, tensor: float | None
) -> None:
    assert k.arithmetic_rates(cc, board).fma.get("tensor-fp16") == tensor


def test_the_rates_of_a_compute_capability_that_no_row_has(k: Knowledge) -> None:
    with pytest.raises(KnowledgeEnds, match=r"arithmetic of compute capability 13\.0"):
        k.arithmetic_rates("13.0", "")
