"""Of a text of any length a bounded part is kept, with the numbers of its lines."""

from __future__ import annotations

import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trtdoctor.readers.errors import FormatError
from trtdoctor.readers.errortext import read_error_text

VERBOSE = "[11/26/2026-04:00:00] [V] [TRT] one of many\n"


def read(data: bytes):
    return read_error_text(io.BytesIO(data))


def test_verbose_lines_are_left_out_and_still_counted() -> None:
    found = read(f"a\n{VERBOSE * 3}b\n[TRT] [VERBOSE] c\nd".encode())
    assert (found.text, found.numbers) == ("a\nb\nd", (1, 5, 7))
    assert found.not_read is None


def test_utf_16_gzip_and_carriage_returns_are_understood() -> None:
    assert read("\ufeffa\r\nb\r\n".encode("utf-16-le")).text == "a\nb"
    assert read(gzip.compress(b"a\nb\n")).text == "a\nb"
    assert read(b"\xff\xfea\n\x80".replace(b"\xff\xfe", b"")).text == "a\n\ufffd"


def test_a_cut_archive_is_read_up_to_there_and_told() -> None:
    found = read(gzip.compress(b"first\n" * 20_000)[:-20])
    assert found.text.startswith("first\nfirst") and found.not_read


def test_a_part_by_the_numbers_of_its_lines() -> None:
    found = read(f"a\n{VERBOSE}b\nc\nd\n".encode()).between(2, 4)
    assert (found.text, found.numbers) == ("b\nc", (3, 4))
    assert found.between(9, 12).numbers == ()


def test_memory_stays_bounded_and_what_is_left_out_is_told() -> None:
    line = b"y" * 999 + b"\n"
    found = read(b"first\n" + line * 9_000 + b"last\n")
    assert len(found.text) < 5 << 20
    assert found.numbers[0] == 1 and found.numbers[-1] == 9_002
    assert found.not_read is not None and "lines between line" in found.not_read


def test_an_endless_line_is_cut() -> None:
    assert len(read(b"z" * (4 << 20)).text) <= 1 << 14


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02" * 50])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        read(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = read(data)
    except FormatError:
        return
    assert len(found.text.split("\n")) == len(found.numbers)
    assert list(found.numbers) == sorted(set(found.numbers))
