"""Documents: tolerant in, strict out, whole or not at all."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trtdoctor.model.codec import DocumentError, encode, read_report, schema, write_atomically
from trtdoctor.model.report import Report, Tool, Verdict
from trtdoctor.testing import snapshot_of


def report(**changes: object) -> Report:
    made = Report(
        created="2026-01-01T00:00:00Z",
        tool=Tool(version="0", knowledge="2026-01-01"),
        command="check",
        verdict=Verdict.HEALTHY,
        snapshot=snapshot_of({"nvidia.driver": {"version": "580.1"}}),
    )
    return msgspec.structs.replace(made, **changes)


def test_a_report_comes_back_as_it_was() -> None:
    assert read_report(encode(report())) == report()


def test_unknown_keys_are_ignored() -> None:
    plain = json.loads(encode(report()))
    plain["surprise"] = {"x": 1}
    plain["snapshot"]["facts"]["acme.thing"] = {"status": "ok", "value": [1, 2]}
    back = read_report(json.dumps(plain).encode())
    assert back.snapshot.facts["acme.thing"].value == [1, 2]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe{}", "is not JSON"),
        (b"[]", "no trtdoctor report"),
        (b'{"schema": "other/1"}', "no trtdoctor report"),
        (b'{"schema": "trtdoctor.report/2"}', "newer than this trtdoctor"),
        (b'{"schema": "trtdoctor.report/1"}', "damaged"),
    ],
)
def test_what_is_no_report_is_refused_in_one_sentence(data: bytes, says: str) -> None:
    with pytest.raises(DocumentError, match=says) as caught:
        read_report(data, name="x.json")
    assert "x.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_report_or_a_sentence(data: bytes) -> None:
    with pytest.raises(DocumentError):
        read_report(data)


@given(st.data())
def test_a_mutated_report_is_a_report_or_a_sentence(data: st.DataObject) -> None:
    raw = bytearray(encode(report()))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert isinstance(read_report(bytes(raw)), Report)
    except DocumentError as error:
        assert "\n" not in str(error)


def test_text_that_is_no_utf8_is_written_out() -> None:
    name = os.fsdecode(b"caf\xe9.engine")
    assert "caf\\\\xe9.engine" in encode(report(command=name)).decode()


def test_a_written_report_fits_the_schema() -> None:
    jsonschema.validate(json.loads(encode(report())), schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"schema": 1}, schema())


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "r.json"
    target.write_text("old")
    target.chmod(0o640)
    write_atomically(target, b"new")
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to("real.json")
    write_atomically(tmp_path / "link.json", b"new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_bytes() == b"new"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "r.json"
    target.write_text("old")
    with pytest.raises(TypeError):
        write_atomically(target, "no bytes")  # type: ignore[arg-type]
    assert target.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
