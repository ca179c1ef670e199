"""Every message's regex finds its example, nobody else's, and stays fast on hostile text."""

from __future__ import annotations

import re
from typing import Any

import pytest

from trtdoctor.knowledge import Knowledge, NoteKind

K = Knowledge.load()
ROWS = K.rows("log_messages")


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_a_message_is_found_in_its_example_and_shadowed_by_none(row: dict[str, Any]) -> None:
    first, *others = (hit.message for hit in K.log_messages(row["example"], generic=True))
    assert first.id == row["id"]
    assert all(other.generic for other in others)


def test_frames_that_many_messages_stand_in_come_last_and_only_where_asked() -> None:
    generic = [row.get("generic", False) for row in ROWS]
    assert generic == sorted(generic) and any(generic)
    text = "Error Code 2: Internal Error (what nobody has seen yet)"
    assert K.log_messages(text) == ()
    (hit,) = K.log_messages(text, generic=True)
    assert hit.groups == {"code": "2", "what": "Internal Error"}


def test_ids_are_words_with_hyphens() -> None:
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", row["id"]) for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_what_the_build_log_reader_notes_is_found_by_its_phrase(row: dict[str, Any]) -> None:
    assert ("kind" in row) is ("phrase" in row)
    if "phrase" in row:
        assert row["phrase"] in row["regex"] and row["phrase"] in row["example"]
        assert not re.search(row["regex"], row["example"].replace(row["phrase"], ""))


def test_every_kind_of_note_is_made_by_a_message() -> None:
    assert {row.kind for row in K.noted_messages()} == set(NoteKind)


@pytest.mark.parametrize(
    ("text", "identity", "groups"),
    [
        (
            "expecting library version 10.3.0 got 8.6.1.6, please rebuild",
            "plan-version-mismatch",
            {"runtime": "10.3.0", "plan": "8.6.1.6"},
        ),
        (
            "expecting compute 8.6 got compute 7.5",
            "plan-other-compute-capability",
            {"gpu": "8.6", "plan": "7.5"},
        ),
        ("Unsupported SM: 0x809", "gpu-sm-unsupported", {"hex": "809"}),
        (
            "Target GPU SM 120 is not supported by this TensorRT release.",
            "gpu-sm-unsupported",
            {"sm": "120"},
        ),
        ("CUDA initialization failure with error: 803", "cuda-init-failure", {"code": "803"}),
        (
            "ImportError: libnvonnxparser.so.11: cannot open shared object file",
            "library-missing",
            {"library": "libnvonnxparser.so.11"},
        ),
        (
            "Tactic Device request: 4608MB Available: 3904MB.",
            "tactic-memory",
            {"requested": "4608", "available": "3904"},
        ),
        (
            "Could not find any implementation for node {ForeignNode[/a...b]}.)",
            "no-implementation",
            {"layer": "{ForeignNode[/a...b]}"},
        ),
    ],
)
def test_groups_carry_what_the_message_says(
    text: str, identity: str, groups: dict[str, str]
) -> None:
    (hit,) = K.log_messages(text)
    assert hit.message.id == identity
    assert hit.groups == groups
    assert 0 <= hit.start < hit.end <= len(text)


def test_several_messages_in_one_text() -> None:
    text = "\n".join(row["example"] for row in ROWS)
    found = {hit.message.id for hit in K.log_messages(text, generic=True)}
    assert found == {row["id"] for row in ROWS}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[V] [TRT] /conv1/Conv + /relu/Relu Set Tactic Name: sm80_xmma_fprop_implicit_gemm_f16f16",
        "[I] Throughput: 1203.2 qps",
        "Engine generation completed in 12.3 seconds.",
    ],
)
def test_ordinary_lines_match_nothing(line: str) -> None:
    assert K.log_messages(line) == ()


@pytest.mark.usefixtures("runaway")
@pytest.mark.parametrize(
    "unit",
    [
        "1",
        "libnvinfer",
        "Could not find any implementation for node ",
        "No implementation of layer ",
        "Default DLA is enabled but layer ",
        "expecting library version 1.1",
        "undefined symbol: ",
        "No valid obedient candidate choices for node ",
        "BuilderFlag ",
        "has no attribute '",
        "For layer ",
        "Set layer ",
        "Error Code 1: ",
    ],
)
def test_repeated_beginnings_stay_fast(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    K.log_messages(text, generic=True)


def test_every_first_and_last_is_a_version() -> None:
    for row in ROWS:
        for name in ("first", "last"):
            assert re.fullmatch(r"\d+\.\d+", row.get(name, "0.0"))
