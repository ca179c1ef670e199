"""What the tables answer, and that they say where they end."""

from __future__ import annotations

import pytest

from trtdoctor.knowledge import Knowledge, KnowledgeEnds
from trtdoctor.model.report import Confidence
from trtdoctor.model.typing import Typing


@pytest.fixture(scope="module")
def k() -> Knowledge:
    return Knowledge.load()


@pytest.mark.parametrize(
    ("product", "version", "cc", "supported"),
    [
        ("tensorrt", "10.4.0", "7.0", True),
        ("tensorrt", "10.4.0.26", "7.0", True),
        ("tensorrt", "10.5.0", "7.0", False),
        ("tensorrt", "11.0", "7.0", False),
        ("tensorrt", "11.4.0.106", "7.0", False),
        ("tensorrt", "10.7.0.post1", "12.0", False),
        ("tensorrt", "10.8.0.43", "12.0", True),
        ("tensorrt", "8.6.1", "6.1", True),
        ("tensorrt", "10.0.1", "6.1", False),
        ("tensorrt", "8.4.1", "8.9", False),
        ("tensorrt", "8.5.1.7", "8.9", True),
        ("tensorrt", "11.4", "7.5", True),
        ("tensorrt", "11.4.1", "7.5", True),
        ("tensorrt", "8.5.3", "5.2", True),
        ("tensorrt", "10.1", "5.2", False),
        ("tensorrt", "11.2.1", "10.7", False),
        ("tensorrt", "11.3", "10.7", True),
        ("tensorrt", "11", "7.0", False),
        ("tensorrt-rtx", "1.7", "9.0", False),
        ("tensorrt-rtx", "1.7.1.116", "12.1", True),
        ("tensorrt-rtx", "1.4.0.76", "12.1", False),
        ("tensorrt-rtx", "1.0", "7.5", True),
    ],
)
def test_tensorrt_support(
    k: Knowledge, product: str, version: str, cc: str, supported: bool
) -> None:
    answer = k.tensorrt_support(product, version, cc)
    assert answer.supported is supported
    assert answer.source


@pytest.mark.parametrize(
    ("product", "version", "cc"),
    [
        ("tensorrt", "12.0", "8.9"),
        ("tensorrt", "12.0", "7.0"),
        ("tensorrt", "11.4", "13.0"),
        ("tensorrt", "7.2", "7.5"),
        ("tensorrt", "9.2", "6.1"),
        ("tensorrt", "8.6.1", "5.2"),
        ("tensorrt", "10", "12.0"),
        ("tensorrt", "10.x", "8.6"),
        ("tensorrt", "", "8.6"),
        ("tensorrt", "11.4", "8.7"),
        ("tensorrt-rtx", "1.8", "8.9"),
        ("tensorrt-rtx", "1.7", "8.0"),
        ("tensorrt-llm", "1.0", "8.9"),
    ],
)
def test_tensorrt_support_ends(k: Knowledge, product: str, version: str, cc: str) -> None:
    with pytest.raises(KnowledgeEnds):
        k.tensorrt_support(product, version, cc)


def test_the_error_names_table_range_date_and_question(k: Knowledge) -> None:
    with pytest.raises(KnowledgeEnds) as caught:
        k.tensorrt_support("tensorrt", "12.0", "8.9")
    text = str(caught.value)
    assert "tensorrt_compute_capability" in text
    assert "8.4 to 11.4" in text
    assert "2026-11-25" in text
    assert "tensorrt 12.0 on compute capability 8.9" in text


@pytest.mark.parametrize(
    ("cc", "fast"),
    [(c, True) for c in ("5.3", "6.0", "6.2", "7.0", "7.2", "7.5", "8.0", "8.6", "8.7")]
    + [(c, True) for c in ("8.9", "9.0", "10.0", "10.1", "10.3", "10.7", "11.0", "12.0", "12.1")]
    + [(c, False) for c in ("5.0", "5.2", "6.1")],
)
def test_fast_fp16(k: Knowledge, cc: str, fast: bool) -> None:
    row = k.compute_capability(cc)
    assert row.fast_fp16 is fast
    assert row.tensor_cores is (float(cc) >= 7.0)
    assert set(row.precisions) == {"TF32", "FP32", "FP16", "BF16", "INT8", "FP8", "FP4"}


def test_what_is_not_known_of_a_precision_is_null(k: Knowledge) -> None:
    assert k.compute_capability("8.9").precisions["FP4"] is None
    assert k.compute_capability("8.9").precisions["FP8"] is True
    assert k.compute_capability("8.0").precisions["FP8"] is False


@pytest.mark.parametrize("cc", ["13.0", "3.5", "8.8", "8", "", "8.6 "])
def test_compute_capability_ends(k: Knowledge, cc: str) -> None:
    with pytest.raises(KnowledgeEnds):
        k.compute_capability(cc)


@pytest.mark.parametrize(
    ("cc", "name", "without"),
    [
        ("7.5", "NVIDIA GeForce GTX 1650", True),
        ("7.5", "NVIDIA GeForce GTX 1660 Ti", True),
        ("7.5", "NVIDIA GeForce GTX 1650 with Max-Q Design", True),
        ("7.5", "NVIDIA GeForce MX450", True),
        ("7.5", "NVIDIA T400 4GB", True),
        ("7.5", "Quadro T1000", True),
        ("7.5", "NVIDIA T1200 Laptop GPU", True),
        ("7.5", "Tesla T4", False),
        ("7.5", "NVIDIA T4G", False),
        ("7.5", "Tesla T40", False),
        ("7.5", "Quadro RTX 4000", False),
        ("7.5", "NVIDIA TITAN RTX", False),
        ("7.5", "NVIDIA GeForce RTX 2080 Ti", False),
        ("7.5", "NVIDIA GeForce RTX 2060", False),
        ("8.6", "NVIDIA RTX A1000", False),
        ("8.6", "NVIDIA GeForce MX570", False),
        ("8.6", "NVIDIA T1000", False),
    ],
)
def test_board_without_tensor_cores(k: Knowledge, cc: str, name: str, without: bool) -> None:
    assert (k.board_without_tensor_cores(cc, name) is not None) is without


def test_boards_match_their_own_examples(k: Knowledge) -> None:
    for row in k.rows("boards_without_tensor_cores"):
        for name in row["examples"]:
            found = k.board_without_tensor_cores(row["cc"], name)
            assert found is not None
            assert found.pattern == row["pattern"]


@pytest.mark.parametrize(
    ("cuda", "platform", "minimum"),
    [
        ("11.8", "linux", "450.80.02"),
        ("12.4", "linux", "525.60.13"),
        ("12", "windows", "527.41"),
        ("13.2", "linux", "580"),
        ("11.0", "windows", "452.39"),
    ],
)
def test_driver_floor(k: Knowledge, cuda: str, platform: str, minimum: str) -> None:
    assert k.driver_floor(cuda, platform).minimum == minimum


@pytest.mark.parametrize(
    ("cuda", "platform"),
    [("10.2", "linux"), ("14.0", "linux"), ("12", "macos"), ("twelve", "linux")],
)
def test_driver_floor_ends(k: Knowledge, cuda: str, platform: str) -> None:
    with pytest.raises(KnowledgeEnds):
        k.driver_floor(cuda, platform)


@pytest.mark.parametrize(
    ("version", "major", "platform", "minimum", "rule"),
    [
        ("11.4.0.106", 13, "linux", "580", "tensorrt"),
        ("11.4.0.106", 12, "linux", "535", "tensorrt"),
        ("11.0", 12, "windows", "537", "tensorrt"),
        ("10.16.1", 13, "windows", "580", "tensorrt"),
        ("8.6.1", 11, "linux", "450.80.02", "cuda"),
        ("10.0.1", 12, "linux", "525.60.13", "cuda"),
        ("10.14.1", 13, "linux", "580", "cuda"),
    ],
)
def test_tensorrt_driver_floor(
    k: Knowledge, version: str, major: int, platform: str, minimum: str, rule: str
) -> None:
    floor = k.tensorrt_driver_floor("tensorrt", version, major, platform)
    assert (floor.minimum, floor.rule) == (minimum, rule)


@pytest.mark.parametrize(
    ("version", "major", "platform"),
    [("10.13.2", 11, "linux"), ("12.0", 13, "linux"), ("8.6.1", 13, "linux"), ("11.0", 12, "mac")],
)
def test_tensorrt_driver_floor_ends(k: Knowledge, version: str, major: int, platform: str) -> None:
    with pytest.raises(KnowledgeEnds):
        k.tensorrt_driver_floor("tensorrt", version, major, platform)


def test_a_floor_is_no_surer_than_the_row_that_led_to_it(k: Knowledge) -> None:
    assert k.tensorrt_driver_floor("tensorrt", "10.15.1", 12).certainty is Confidence.LIKELY
    assert k.tensorrt_driver_floor("tensorrt", "10.14.1", 12).certainty is Confidence.CERTAIN


def test_tensorrt_cuda(k: Knowledge) -> None:
    assert {row.cuda_major for row in k.tensorrt_cuda("tensorrt", "8.6.1")} == {11, 12}
    assert {row.cuda_major for row in k.tensorrt_cuda("tensorrt", "10.13.0.35")} == {11, 12}
    assert {row.cuda_major for row in k.tensorrt_cuda("tensorrt", "10.13.2.6")} == {12, 13}
    assert {row.cuda_major for row in k.tensorrt_cuda("tensorrt", "11.4")} == {12, 13}
    with pytest.raises(KnowledgeEnds):
        k.tensorrt_cuda("tensorrt", "9.2")


def test_packaged_driver(k: Knowledge) -> None:
    assert k.packaged_driver("12.6.3", "linux").version == "560.35.05"
    assert k.packaged_driver("12.6", "windows").version == "560.76"
    assert k.packaged_driver("12.6.0").version == "560.28.03"
    assert k.packaged_driver("13.1", "windows").version is None
    for cuda, platform in (("12.6.2", "linux"), ("14.0", "linux"), ("12.6", "mac")):
        with pytest.raises(KnowledgeEnds):
            k.packaged_driver(cuda, platform)


@pytest.mark.parametrize(
    ("product", "version", "window"),
    [
        ("tensorrt", "8.5.3.1", ("3.6", "3.10")),
        ("tensorrt", "8.6.1", ("3.6", "3.11")),
        ("tensorrt", "10.3.0", ("3.8", "3.12")),
        ("tensorrt", "10.9.0.34", ("3.8", "3.13")),
        ("tensorrt", "11.0.0.114", ("3.8", "3.13")),
        ("tensorrt", "11.4.0.106", ("3.8", "3.14")),
        ("tensorrt-rtx", "1.4.0.76", ("3.8", "3.13")),
    ],
)
def test_python_support(k: Knowledge, product: str, version: str, window: tuple[str, str]) -> None:
    row = k.python_support(product, version)
    assert (row.minimum, row.maximum) == window


@pytest.mark.parametrize("version", ["12.0", "9.2", "8.4", "nonsense"])
def test_python_support_ends(k: Knowledge, version: str) -> None:
    with pytest.raises(KnowledgeEnds):
        k.python_support("tensorrt", version)


@pytest.mark.parametrize(
    ("product", "version", "typing"),
    [
        ("tensorrt", "5.0.6.3", Typing.WEAK),
        ("tensorrt", "7.2.3.4", Typing.WEAK),
        ("tensorrt", "8.6.1.6", Typing.WEAK),
        ("tensorrt", "9.2", Typing.BOTH),
        ("tensorrt", "10.12.0.36", Typing.BOTH),
        ("tensorrt", "11.0.0.114", Typing.STRONG),
        ("tensorrt", "11.5", Typing.STRONG),
        ("tensorrt-rtx", "1.0", Typing.STRONG),
        ("tensorrt-rtx", "1.7.1.116", Typing.STRONG),
    ],
)
def test_typing_mode(k: Knowledge, product: str, version: str, typing: Typing) -> None:
    found, source = k.typing_mode(product, version)
    assert found is typing
    assert source


@pytest.mark.parametrize(
    ("product", "version"),
    [
        ("tensorrt", "4.0"),
        ("tensorrt", "10.17"),
        ("tensorrt", "11.6"),
        ("tensorrt", "12.0"),
        ("tensorrt-rtx", "1.8"),
        ("tensorrt-rtx", "2.0"),
    ],
)
def test_typing_mode_ends(k: Knowledge, product: str, version: str) -> None:
    with pytest.raises(KnowledgeEnds):
        k.typing_mode(product, version)


def test_the_releases_of_each_typing(k: Knowledge) -> None:
    assert k.typed_releases("tensorrt", Typing.WEAK) == ("5", "10.16")
    assert k.typed_releases("tensorrt", Typing.STRONG) == ("9.0", "11.5")
    assert k.typed_releases("tensorrt-rtx", Typing.STRONG) == ("1.0", "1.7")
    with pytest.raises(KnowledgeEnds):
        k.typed_releases("tensorrt-rtx", Typing.WEAK)


@pytest.mark.parametrize(
    ("version", "majors"),
    [
        ("5.0.6.3", {8: False, 11: False, 12: False}),
        ("8.5.3.1", {8: False, 9: False, 10: False, 11: False}),
        ("8.6.0.12", {8: True, 9: True, 10: True, 11: False, 12: None}),
        ("9.2.0.5", {9: True, 10: None, 11: None}),
        ("10.0.1.6", {10: True, 11: True, 12: None}),
        ("11.4.0.106", {11: True, 12: None}),
    ],
)
def test_the_majors_that_load_version_compatible_plans(
    k: Knowledge, version: str, majors: dict[int, bool | None]
) -> None:
    rule = k.plan_compatibility("tensorrt", version)
    assert {major: rule.loads_in(major) for major in majors} == majors
    assert rule.must_agree(version) == version


def test_plans_of_tensorrt_rtx_load_in_their_own_release_alone(k: Knowledge) -> None:
    rule = k.plan_compatibility("tensorrt-rtx", "1.7.1.116")
    assert rule.must_agree("1.7.1.116") == "1.7.1"
    assert rule.must_agree("1.7") == "1.7"
    assert rule.loads_in(1) is False


@pytest.mark.parametrize(
    ("product", "version"),
    [
        ("tensorrt", "4.0.1"),
        ("tensorrt", "12.0.0.1"),
        ("tensorrt", "8"),
        ("tensorrt", ""),
        ("tensorrt-rtx", "2.0"),
        ("tensorrt-llm", "1.0"),
    ],
)
def test_plan_compatibility_ends(k: Knowledge, product: str, version: str) -> None:
    with pytest.raises(KnowledgeEnds):
        k.plan_compatibility(product, version)


def test_hardware_compatibility(k: Knowledge) -> None:
    wide, same = k.hardware_compatibility("ampere+"), k.hardware_compatibility("same-cc")
    assert (wide.first, same.first) == ("8.6", "10.9")
    assert wide.spans("8.0", "8.6", "12.0")
    assert not wide.spans("7.5", "8.6")
    assert same.spans("8.6", "8.6")
    assert not same.spans("8.6", "8.9")
    with pytest.raises(KnowledgeEnds):
        k.hardware_compatibility("hopper+")


def test_removed_apis(k: Knowledge) -> None:
    names = {v: {row.api for row in k.removed_apis(v)} for v in ("8.6.1", "10.12", "11.4.0.106")}
    assert names["8.6.1"] == set()
    assert "ICudaEngine.num_bindings" in names["10.12"]
    assert "BuilderFlag.FP16" not in names["10.12"]
    assert names["10.12"] < names["11.4.0.106"]
    assert {"BuilderFlag.FP16", "IBuilder.platform_has_fast_fp16"} <= names["11.4.0.106"]
    assert not any("DIRECT_IO" in name for name in names["11.4.0.106"])
    with pytest.raises(KnowledgeEnds):
        k.removed_apis("12.0")
    with pytest.raises(KnowledgeEnds):
        k.removed_apis("7.2")


def test_error_codes(k: Knowledge) -> None:
    for code in (0, 1, 2, 3, 35, 46, 100, 101, 209, 222, 303, 800, 801, 802, 803, 804, 999):
        assert k.cuda_error(code).code == code
    for code in (0, 1, 2, 3, 4, 9, 12, 13, 15, 17, 18, 999):
        assert k.nvml_error(code).code == code
    assert k.cuda_error(803).name == "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"
    assert k.nvml_error(18).name == "NVML_ERROR_LIB_RM_VERSION_MISMATCH"
    with pytest.raises(KnowledgeEnds):
        k.cuda_error(12345)
    with pytest.raises(KnowledgeEnds):
        k.nvml_error(-1)


def test_jetpack(k: Knowledge) -> None:
    assert k.jetpack("35.4.1").tensorrt == "8.5.2"
    assert k.jetpack("R36.4.3").jetpack == "6.2"
    assert k.jetpack("36.4").jetpack == k.jetpack("36.4.0").jetpack == "6.1"
    for l4t in ("99.1", "36.4.9", "", "R"):
        with pytest.raises(KnowledgeEnds):
            k.jetpack(l4t)


def test_numpy_limit(k: Knowledge) -> None:
    limit = k.numpy_limit("tensorrt", "8.5.3.1")
    assert limit is not None
    assert limit.numpy_from == "1.24"
    assert k.numpy_limit("tensorrt", "8.6.1") is None
    with pytest.raises(KnowledgeEnds):
        k.numpy_limit("tensorrt", "12.0")


def test_framework_requirement(k: Knowledge) -> None:
    assert k.framework_requirement("onnxruntime-gpu", "1.17.1").libnvinfer_major == 8
    assert k.framework_requirement("onnxruntime-gpu", "1.31.1").libnvinfer_major == 10
    assert k.framework_requirement("torch-tensorrt", "2.14.0").tensorrt == ">=11.1.0,<11.2.0"
    for framework, version in (("onnxruntime-gpu", "1.99"), ("torch-tensorrt", "1.0"), ("x", "1")):
        with pytest.raises(KnowledgeEnds):
            k.framework_requirement(framework, version)
