"""Documents: tolerant in, strict out, whole or not at all."""

from __future__ import annotations

import json
import os
import stat
import unicodedata
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from trtdoctor.model.cause import Cause
from trtdoctor.model.codec import (
    DocumentError,
    encode,
    for_terminal,
    read_report,
    schema,
    write_atomically,
)
from trtdoctor.model.facts import FACT_TYPES
from trtdoctor.model.report import Report, Tool, Verdict
from trtdoctor.render.html import render_html
from trtdoctor.render.markdown import render_markdown
from trtdoctor.render.terminal import TerminalOptions, render_terminal
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
        ('{"schema": "trtdoctor.report/\u00b2"}'.encode(), "no trtdoctor report"),
        (b'{"schema": "trtdoctor.report/' + b"9" * 5000 + b'"}', "no trtdoctor report"),
        (b'{"a":' * 100000 + b"1" + b"}" * 100000, "is not JSON"),
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


def test_text_that_is_no_text_at_all_is_written_out() -> None:
    assert json.loads(encode({"a": "\ud800 \udcff é"})) == {"a": "\\ud800 \\xff é"}


def test_integers_of_any_size_come_back() -> None:
    assert json.loads(encode({"a": [2**80, -(2**70), 7]})) == {"a": [2**80, -(2**70), 7]}


def test_a_written_report_fits_the_schema() -> None:
    jsonschema.validate(json.loads(encode(report())), schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"schema": 1}, schema())


def test_the_schema_has_every_facts_own_shape() -> None:
    document = schema()
    facts = document["$defs"]["Snapshot"]["properties"]["facts"]["properties"]
    assert set(facts) == {kind.FACT for kind in FACT_TYPES}
    written = json.loads(encode(report()))
    written["snapshot"]["facts"]["nvidia.driver"] = {"status": "ok", "value": {"version": 580}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(written, document)
    written["snapshot"]["facts"]["nvidia.driver"]["value"] = {"version": "580.65"}
    written["snapshot"]["facts"]["acme.fan"] = {"status": "ok", "value": [1]}
    jsonschema.validate(written, document)


def test_nothing_in_the_schema_is_any_object() -> None:
    """What has a shape says so, except where files and machines put what they like."""
    free = {
        f"{name}.{field}"
        for name, part in schema()["$defs"].items()
        for field, told in part.get("properties", {}).items()
        if not {"type", "anyOf", "allOf", "$ref", "enum"} & told.keys()
        or (
            "object" in (told.get("type"), *(a.get("type") for a in told.get("anyOf", ())))
            and not any(a.get("additionalProperties") for a in (told, *told.get("anyOf", ())))
        )
    }
    assert free == {"FactRecord.value", "EngineIdentity.built_on", "EngineIdentity.metadata"}


def test_words_of_a_newer_version_are_kept_as_they_are_written() -> None:
    written = json.loads(encode(report()))
    written["engines"] = [
        {
            "path": "m.engine",
            "typing": "by-agreement",
            "layers_source": "telepathy",
            "layers": [{"name": "c", "precision": "FP2", "role": "oracle"}],
            "summary": {"layers_by_precision": {"FP2": 1}},
            "explanations": [
                {"layer": "c", "precision": "FP2", "cause": "full-moon", "decided_again": "rarely"}
            ],
        }
    ]
    found = read_report(json.dumps(written).encode())
    again = json.loads(encode(found))["engines"][0]
    for key, value in written["engines"][0].items():
        if key in ("typing", "layers_source"):
            assert again[key] == value
    assert again["layers"][0]["role"] == "oracle"
    assert again["summary"]["layers_by_precision"] == {"FP2": 1}
    assert again["explanations"][0]["cause"] == "full-moon"
    assert found.engines[0].explanations[0].cause not in set(Cause)
    for command in ("inspect", "explain"):
        shown = replace(found, command=command)
        for text in (
            render_terminal(shown, TerminalOptions(all_layers=True, verbose=1)),
            render_markdown(shown),
            render_html(shown),
        ):
            assert "full-moon" in text or "telepathy" in text


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


def test_a_terminal_is_given_nothing_to_obey() -> None:
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    told = encode({"a": every, every[0x80:0x300]: 1}).decode()
    shown = for_terminal(told)
    assert json.loads(shown) == json.loads(told)
    left = {unicodedata.category(c) for c in shown.replace("\n", "")}
    assert not left & {"Cc", "Cf", "Zl", "Zp", "Cs"}
    assert for_terminal('{"a": "plain é"}\n') == '{"a": "plain é"}\n'
