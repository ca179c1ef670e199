"""AutoCast's log: each of its rules by its own sentence, whatever stands before it."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trtdoctor.readers.autocastlog import Rule, read_autocast_log
from trtdoctor.readers.errors import FormatError

LINES = {
    "/ln/Pow: reference IO out of range: min=-829.5, max=829.0, range=[-512, 512]": Rule.VALUES,
    # As 0.47.0 prints it.
    "pow: reference IO out of range: min=6.33, max=2e5, absmax=2e5, range=[-512, 512]": Rule.VALUES,
    "mask: initializer bias out of range: min=-1e9, max=0.0, range=[-65504.0,65504.0]": (
        Rule.INITIALIZER
    ),
    "/fc/MatMul: depth of reduction 4096 exceeds 1024.": Rule.REDUCTION,
    "/head/Gemm: DisabledNodeNameRegexRule": Rule.NAME,
    "/up/Resize: DisabledOpTypes": Rule.OPERATOR,
    "/x/Conv: SomeRuleOfYourOwn": Rule.OTHER,
    "a: b: DisabledOpTypes": Rule.OPERATOR,
}


@pytest.mark.parametrize("before", ["", "[modelopt][onnx] - INFO - ", "INFO:autocast:"])
@pytest.mark.parametrize(("text", "rule"), LINES.items())
def test_every_rule_is_told_by_node_and_line(before, text, rule):
    log = read_autocast_log(f"{before}Loading\n{before}Skipping node {text}\n".encode())
    ((node, kept),) = log.kept.items()
    assert (kept.rule, kept.line) == (rule, 2)
    assert f"{node}: {kept.text}" == text


def test_the_first_rule_of_a_node_counts_and_packed_logs_are_read():
    text = "".join(f"Skipping node n: {reason}\n" for reason in ("DisabledOpTypes", "Another"))
    log = read_autocast_log(gzip.compress(text.encode()), name="cast.log")
    assert log.kept["n"].rule is Rule.OPERATOR and log.source == "cast.log"


def test_a_log_that_kept_nothing_is_one_too_and_another_file_is_none():
    assert read_autocast_log(b"[modelopt][onnx.autocast] Converted 3 nodes\n").kept == {}
    with pytest.raises(FormatError, match="no line of it is AutoCast's"):
        read_autocast_log(b"[V] [TRT] *************** Autotuning format combination\n")


@given(st.text(alphabet="Skipingode: =[]minaxrgeIO,.0123-\n", max_size=300))
def test_nothing_raises(text):
    read_autocast_log(f"autocast\nSkipping node {text}".encode())
