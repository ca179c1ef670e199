"""Machines beside each other: who is alike, who is odd, and what is told of the rest."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import msgspec
import pytest
from fleetmaker import HEALTHY, machine, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import trtdoctor
from trtdoctor.model.codec import DocumentError, encode, read_report
from trtdoctor.model.fleet import Fleet, State, Why
from trtdoctor.model.report import Severity, Verdict
from trtdoctor.model.report_head import read_head
from trtdoctor.render.fleet import fleet_line
from trtdoctor.render.fleet_html import render_fleet_html
from trtdoctor.render.fleet_markdown import render_fleet_markdown
from trtdoctor.render.fleet_terminal import render_fleet_terminal
from trtdoctor.render.terminal import TerminalOptions
from trtdoctor.reporting.fleet import put_together
from trtdoctor.reporting.fleet_summary import Summary, summarise
from trtdoctor.run.gathering import documents


def summary(plain: dict, *, file: str = "") -> Summary:
    data = json.dumps(plain).encode()
    return summarise(read_head(data), file=file or "f.json", digest=os.urandom(8))


def fleet(*reports: dict, created: str = "2026-11-02T00:00:00Z", **options: bool) -> Fleet:
    found = [summary(plain, file=f"{number}.json") for number, plain in enumerate(reports)]
    tool = found[0] and trtdoctor.model.report.Tool(version="0", knowledge="2026-11-01")
    return put_together(found, (), tool=tool, created=created, **options)


def names(made: Fleet) -> list[list[str]]:
    return [[m.name for m in group.machines] for group in made.groups]


def everyone(made: Fleet) -> list[str]:
    return sorted(m.name for group in made.groups for m in group.machines)


def test_the_odd_ones_come_first_and_are_told_in_words() -> None:
    made = fleet(
        *(machine(f"node{n}") for n in range(5)), machine("odd", driver="535.54.03"), machine("z")
    )
    assert names(made) == [["odd"], [*(f"node{n}" for n in range(5)), "z"]]
    assert made.groups[0].differs == ("driver 535.54.03 where 6 others have 580.159.04",)
    assert made.groups[1].differs == ()
    assert made.verdict is Verdict.HEALTHY


def test_the_worst_of_the_odd_ones_come_first() -> None:
    made = fleet(
        *(machine(f"node{n}") for n in range(5)),
        machine("a-driver", driver="535.54.03"),
        machine("b-old", "imagined-gtx-1080"),
        *(machine(f"c-broken{n}", "h100-no-tensorrt") for n in (1, 2)),
    )
    assert names(made)[:3] == [["c-broken1", "c-broken2"], ["b-old"], ["a-driver"]]
    broken = made.groups[0]
    assert "no TensorRT where 6 others have 8.6.0" in broken.differs
    assert "finding TRT001 tensorrt-missing, which 7 others do not have" in broken.differs
    assert broken.machines[0].worst is Severity.ERROR
    assert fleet_line(made).startswith(
        "Problems on 3 of 9 machines: 2 with errors, 1 with warnings"
    )
    assert "c-broken1: TRT001 tensorrt-missing" in fleet_line(made)


def test_where_most_machines_are_broken_the_sound_one_is_the_odd_one() -> None:
    made = fleet(*(machine(f"n{n}", "h100-no-tensorrt") for n in range(3)), machine("sound"))
    assert names(made)[0] == ["sound"]
    assert "TRT001 tensorrt-missing not found here, but found on 3 others" in made.groups[0].differs


def test_without_a_majority_nobody_is_called_odd() -> None:
    made = fleet(machine("a"), machine("b", "imagined-gtx-1080"))
    assert [group.differs for group in made.groups] == [(), ()]


def test_what_could_not_be_decided_is_a_group_of_its_own_and_no_pass() -> None:
    made = fleet(*(machine(f"n{n}") for n in range(3)), machine("new", "imagined-unknown-gpu"))
    new = next(group for group in made.groups if group.machines[0].name == "new")
    assert new.verdict is made.verdict is Verdict.INCONCLUSIVE
    assert new.states["GPU002 hardware-no-fast-fp16"] is State.UNDECIDED
    assert any(open_.check.startswith("GPU002") for open_ in new.undecided)
    assert fleet_line(made).startswith("Inconclusive: no problems found, but 1 of 4 machines")


def test_a_check_that_was_deselected_or_is_unknown_to_a_version_is_not_called_passed() -> None:
    broken, old, deselected = machine("broken", "h100-no-tensorrt"), machine("old"), machine("few")
    old["outcomes"] = [o for o in old["outcomes"] if o["check"]["id"] != "TRT001"]
    for outcome in deselected["outcomes"]:
        if outcome["check"]["id"] == "TRT001":
            outcome |= {"status": "ignored", "reason": "deselected"}
    made = fleet(broken, old, deselected, machine("sound"))
    states = {
        m.name: group.states["TRT001 tensorrt-missing"]
        for group in made.groups
        for m in group.machines
    }
    assert states["old"] is states["few"] is State.NOT_CHECKED
    assert states["sound"] is State.PASSED and states["broken"] is State.FAILED


def test_of_one_machine_the_newest_report_counts() -> None:
    made = fleet(
        machine("n1", "h100-no-tensorrt", taken="2026-10-01T00:00:00Z"),
        machine("n1", taken="2026-10-02T00:00:00Z"),
        machine("n2"),
    )
    assert made.machines == 2 and made.verdict is Verdict.HEALTHY
    (left,) = made.not_counted
    assert left.why is Why.DUPLICATE and left.file == "0.json"
    assert left.reason == (
        "an older (2026-10-01T00:00:00Z) report of n1; 1.json (2026-10-02T00:00:00Z) counts"
    )


def test_machines_with_one_name_and_other_gpus_are_two() -> None:
    made = fleet(machine("box", gpus="aaa"), machine("box", gpus="bbb"))
    assert made.machines == 2 and not made.not_counted
    assert any("called box" in note for note in made.notes)


@pytest.mark.parametrize(("name", "number"), [("localhost", 2), ("ubuntu", 2), ("n1", 1)])
def test_a_name_that_many_have_is_not_enough_to_leave_one_out(name: str, number: int) -> None:
    assert fleet(machine(name, gpus=None), machine(name, gpus=None)).machines == number


def test_a_machine_whose_driver_broke_since_is_the_same_machine() -> None:
    before = machine("n1", taken="2026-10-01T00:00:00Z")
    after = machine("n1", "imagined-no-driver-desktop", taken="2026-10-02T00:00:00Z")
    made = fleet(before, after)
    assert made.machines == 1 and made.verdict is Verdict.PROBLEMS


def test_reports_of_two_pythons_of_a_machine_both_count() -> None:
    one, other = machine("n1"), machine("n1")
    python = other["snapshot"]["facts"]["python.target"]["value"]
    python |= {"executable": "/opt/other/bin/python", "chosen_by": "--python"}
    made = fleet(one, other)
    assert made.machines == 2
    assert any("of different Pythons (--python) or files" in note for note in made.notes)


def test_old_ones_versions_and_wrong_clocks_are_told() -> None:
    made = fleet(
        machine("old", taken="2026-01-01T00:00:00Z"),
        machine("ahead", taken="2027-01-01T00:00:00Z"),
        machine("odd", taken="yesterday"),
        machine("other", version="0.0.9"),
        created="2026-11-02T00:00:00Z",
    )
    told = "\n".join(made.notes)
    assert "older than 30 days; check these machines again: old (2026-01-01)" in told
    assert "dated in the future" in told and "ahead" in told
    assert "without a time that can be read: odd" in told
    assert "0.1.0 (3), 0.0.9 (1)" in told
    assert not fleet(machine("a"), machine("b")).notes


def test_shared_it_holds_no_name_of_a_machine_or_a_file(tmp_path: Path) -> None:
    secret = machine("topsecret1", "imagined-gtx-1080")
    write(tmp_path, machine("topsecret0"), secret, machine("topsecret2", "h100-no-tensorrt"))
    again = machine("topsecret0", taken="2026-10-01T00:00:00Z")
    write(tmp_path, again, names=("topsecret-again",))
    (tmp_path / "topsecret.txt").write_text("no report")
    made = trtdoctor.fleet([tmp_path], share=True)
    assert made.redaction.applied
    for text in (
        encode(made).decode(),
        render_fleet_html(made),
        render_fleet_markdown(made),
        render_fleet_terminal(made, TerminalOptions(verbose=1)),
    ):
        assert "topsecret" not in text and str(tmp_path) not in text
    assert everyone(made) == ["<host-1>", "<host-2>", "<host-3>"]
    assert "topsecret1" in encode(trtdoctor.fleet([tmp_path])).decode()


def test_a_shared_report_is_named_after_its_file_and_told(tmp_path: Path) -> None:
    plain = msgspec.json.encode(machine("n1"))
    from trtdoctor.reporting.redact import Redactor

    report = read_report(plain)
    (tmp_path / "machine-1.json").write_bytes(encode(Redactor(report.snapshot).report(report)))
    made = trtdoctor.fleet([tmp_path])
    assert names(made) == [["machine-1"]]
    assert any("without names (--share)" in note for note in made.notes)


def test_rubbish_is_listed_with_what_it_is_and_ends_nothing(tmp_path: Path) -> None:
    write(tmp_path, machine("n1"))
    whole = (tmp_path / "n1.json").read_bytes()
    (tmp_path / "cut.json").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "other.json").write_text("[1, 2]")
    (tmp_path / "empty.json").write_text("")
    (tmp_path / "newer.json").write_text('{"schema": "trtdoctor.report/99"}')
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / ".hidden.json").write_text("hello")
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.json").symlink_to("self.json")
    (tmp_path / "gone.json").symlink_to("nowhere")
    (tmp_path / "copy.json").write_bytes(whole)
    (tmp_path / "zero.json").symlink_to("/dev/zero")
    other = machine("n9") | {"command": "inspect"}
    write(tmp_path, other, names=("inspected",))
    (tmp_path / "below").mkdir()
    write(tmp_path / "below", machine("n2"))
    with (tmp_path / "huge.json").open("wb") as stream:
        stream.truncate(1 << 40)
    made = trtdoctor.fleet([tmp_path])
    why = {Path(left.file).name: left for left in made.not_counted}
    assert everyone(made) == ["n1", "n2"]
    unreadable = {name for name, left in why.items() if left.why is Why.UNREADABLE}
    assert unreadable == {
        *("cut.json", "empty.json", "newer.json", "deep.json", "huge.json", "self.json")
    }
    assert why["copy.json" if "copy.json" in why else "n1.json"].why is Why.DUPLICATE
    assert why["inspected.json"].why is Why.OTHER_COMMAND
    assert "larger than 64 MiB" in why["huge.json"].reason
    assert "not a regular file" in why["pipe.json"].reason
    assert "not a regular file" in why["zero.json"].reason
    assert "leads nowhere" in why["gone.json"].reason
    assert "not followed" in why["loop"].reason
    assert ".hidden.json" not in why
    assert made.verdict is Verdict.INCONCLUSIVE
    assert "could not be read" in fleet_line(made)


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser reads everything")
    write(tmp_path, machine("n1"))
    (tmp_path / "locked").mkdir(mode=0)
    made = trtdoctor.fleet([tmp_path])
    assert made.not_counted[0].why is Why.UNREADABLE


@pytest.mark.parametrize("content", [None, "", "[]", "{}"])
def test_without_any_report_it_is_one_clear_sentence(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "a.json").write_text(content)
    with pytest.raises(trtdoctor.InputError, match="report"):
        trtdoctor.fleet([tmp_path])


def test_logs_of_several_pods_are_several_reports(tmp_path: Path) -> None:
    one, two = machine("n1"), machine("n2")
    file = tmp_path / "pods.json"
    file.write_bytes(
        b"warning: something\n" + encode(one) + b"a line between\n" + encode(two, indent=0)
    )
    made = trtdoctor.fleet([file])
    assert everyone(made) == ["n1", "n2"] and not made.not_counted
    file.write_bytes(encode(one) + encode(two)[:-100])
    made = trtdoctor.fleet([file])
    assert names(made) == [["n1"]] and made.verdict is Verdict.INCONCLUSIVE
    assert "1 part of it is not a report" in made.not_counted[0].reason


@given(st.lists(st.sampled_from([b"{", b"}", b'{"a": 1}', b"  x", b"{ ", b"", b"{}"])))
def test_parts_are_found_whatever_lies_between_them(lines: list[bytes]) -> None:
    for part in documents(b"\n".join(lines)):
        assert part.startswith(b"{")


def test_what_is_read_of_a_report_is_what_the_report_says() -> None:
    for recording in (HEALTHY, "imagined-gtx-1080", "h100-no-tensorrt"):
        data = json.dumps(machine("n1", recording)).encode()
        head, report = read_head(data), read_report(data)
        for name in ("created", "tool", "command", "verdict", "machine", "problems"):
            assert getattr(head, name) == getattr(report, name)
        for short, whole in zip(head.outcomes, report.outcomes, strict=True):
            assert (short.check, short.status, short.reason) == (
                *(whole.check, whole.status, whole.reason),
            )
            assert [f.message for f in short.findings] == [f.message for f in whole.findings]
            assert [f.remedy and f.remedy.text for f in short.findings] == [
                f.remedy and f.remedy.text for f in whole.findings
            ]
        assert head.snapshot.whole() == report.snapshot


def places(value: object, path: tuple = ()) -> list[tuple]:
    found = [path]
    if isinstance(value, dict):
        for key in value:
            found += places(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(min(2, len(value))):
            found += places(value[index], (*path, index))
    return found


PLACES = places(machine("n1", "imagined-unknown-gpu"))
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=20),
    st.just("\x1b[31m<script>|@everyone`\u202e"),
    st.just([]),
    st.just({}),
    st.lists(st.text(max_size=3), max_size=2),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    place=st.sampled_from([p for p in PLACES if p]),
    value=ODD,
    recording=st.sampled_from([HEALTHY, "imagined-unknown-gpu"]),
)
def test_a_changed_report_is_refused_in_a_sentence_or_told_safely(
    place: tuple, value: object, recording: str
) -> None:
    plain = machine("n1", recording)
    parent = plain
    try:
        for key in place[:-1]:
            parent = parent[key]
        parent[place[-1]] = value
        data = json.dumps(plain).encode()
    except (KeyError, IndexError, TypeError, UnicodeEncodeError):
        return
    try:
        found = summarise(read_head(data), file="f.json", digest=b"1")
        head_refused = False
    except DocumentError as error:
        assert "\n" not in str(error)
        return
    assert not head_refused
    tool = trtdoctor.model.report.Tool(version="0", knowledge="2026-11-01")
    made = put_together(
        [found, summary(machine("n2"))], (), tool=tool, created="2026-11-02T00:00:00Z"
    )
    encode(made)
    page = render_fleet_html(made)
    assert "<script>|" not in page and "\x1b" not in page
    assert "\x1b" not in render_fleet_markdown(made)
    assert "\x1b" not in render_fleet_terminal(made, TerminalOptions())


CUT = json.dumps(machine("n1")).encode()


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300) | st.integers(1, len(CUT) - 1).map(lambda n: CUT[:-n]))
def test_bytes_that_are_no_report_are_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(DocumentError) as refusal:
        read_head(data)
    assert "\n" not in str(refusal.value)


def test_the_document_holds_to_its_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    from trtdoctor.model.codec import fleet_schema

    made = fleet(machine("a"), machine("b", "h100-no-tensorrt"), machine("a"))
    jsonschema.validate(json.loads(encode(made)), fleet_schema())
    assert msgspec.json.decode(encode(made), type=Fleet) == made


@pytest.mark.skipif(sys.platform == "win32", reason="names of files are text there")
def test_a_name_that_is_no_text_is_told(tmp_path: Path) -> None:
    write(tmp_path, machine("n1"))
    (tmp_path / os.fsdecode(b"\xff.json")).write_text("no")
    made = trtdoctor.fleet([tmp_path])
    assert "\\xff.json" in made.not_counted[0].file
    render_fleet_html(made)


def test_reports_of_files_alone_are_no_fleet(tmp_path: Path) -> None:
    write(tmp_path, machine("n1") | {"command": "inspect"})
    with pytest.raises(trtdoctor.InputError, match="'inspect', which is about files"):
        trtdoctor.fleet([tmp_path])


def test_a_report_of_an_older_version_has_its_commands_as_text_and_is_read() -> None:
    plain = machine("n1", "h100-no-tensorrt")
    for outcome in plain["outcomes"]:
        for finding in outcome["findings"]:
            if finding["remedy"]:
                finding["remedy"]["commands"] = ["pip install tensorrt"]
    assert fleet(plain).groups[0].findings[0].remedy


def test_a_report_of_thousands_of_checks_costs_no_more_than_its_size(runaway: None) -> None:
    plain = machine("n1", "h100-no-tensorrt")
    outcome = next(o for o in plain["outcomes"] if o["findings"])
    for number in range(20_000):
        check = {**outcome["check"], "id": f"ZZZ{number}", "name": f"made-up-{number}"}
        plain["outcomes"].append({**outcome, "check": check})
    made = fleet(plain, *(machine(f"n{n}") for n in range(2, 9)))
    assert len(made.groups[0].findings) == 20_001
    assert len(made.groups[0].differs) < 50
    for text in (
        render_fleet_html(made),
        render_fleet_markdown(made),
        render_fleet_terminal(made, TerminalOptions(verbose=1)),
    ):
        assert len(text) < 1_000_000


def test_a_half_that_is_broken_comes_before_a_sound_machine_that_only_differs() -> None:
    made = fleet(
        *(machine(f"a{n}", "h100-no-device-visible") for n in range(3)),
        *(machine(f"b{n}") for n in range(2)),
        machine("c", driver="535.54.03"),
    )
    assert names(made)[0] == ["a0", "a1", "a2"]
    assert not made.groups[0].differs
