"""Why there is no engine, in a sentence."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from trtdoctor.builder.make import Failure
from trtdoctor.builder.refusals import refusal


def knows(text: str) -> tuple[str, str] | None:
    return ("it is known", "do this") if "known" in text else None


def said(kind: str, *, log: str | None = "m.log.gz", **more: Any) -> str:
    failure = Failure(
        kind=kind, errors=more.pop("errors", ()), output=more.pop("output", ""), about=more
    )
    return refusal(
        failure, model="m.onnx", name="TensorRT 8.6.1", timeout=90.0, meaning=knows, log=log
    )


@pytest.mark.parametrize(
    ("kind", "about", "expected"),
    [
        (
            "open",
            {"name": "x", "declared": [-1, 3, 8, 8]},
            "input x of m.onnx has open extents (?x3x8x8); say which with --shapes x=1x3x8x8",
        ),
        (
            "shape",
            {"name": "x", "declared": [-1, 3], "given": [1, 4]},
            "1x4 does not fit input x of m.onnx, which is ?x3; give --shapes x=1x3",
        ),
        (
            "fixed",
            {"name": "x", "declared": [2, 3], "given": [1, 3]},
            "input x of m.onnx is 2x3 and nothing of it is open, so it cannot be 1x3",
        ),
        ("fixed", {"name": "s", "declared": [], "given": [1]}, "is a scalar and nothing"),
        (
            "no input",
            {"names": ["imgae"], "there": ["image", "mask"]},
            "m.onnx has no input imgae, which --shapes names; there are image and 1 more",
        ),
        (
            "no tensor",
            {"names": ["q"], "there": ["x"]},
            "m.onnx has no network input or output q, which --io names; there is x",
        ),
        (
            "no node",
            {"names": ["/conv"], "there": [f"l{i}" for i in range(9)]},
            "m.onnx has no node /conv, which --pin names; there are l0, l1, l2 and 6 more",
        ),
        (
            "unknown",
            {"what": "the type of x", "name": "BF16"},
            "TensorRT 8.6.1 does not know the type of x (BF16); leave it out",
        ),
        ("cache", {"path": "t.cache"}, "t.cache is not a timing cache that TensorRT 8.6.1 takes"),
        ("memory", {}, "there is not enough memory to build m.onnx"),
        ("os", {"errno": errno.ENOSPC}, "no space is left for the engine of m.onnx"),
        ("os", {"errno": errno.EIO, "detail": "broken"}, "could not build m.onnx: broken"),
        ("no targets", {}, "leave out --target-cc"),
        ("deadline", {}, "did not finish building m.onnx within 90 s; give it more with --timeout"),
        (
            "crash",
            {"detail": "SIGSEGV"},
            "ended with SIGSEGV while it built m.onnx, so there is no",
        ),
        ("raised", {"detail": "TypeError: x"}, "could not build m.onnx: TypeError: x."),
    ],
)
def test_each_kind(kind: str, about: dict[str, Any], expected: str) -> None:
    assert expected in said(kind, **about)


def test_the_log_is_named_where_there_is_one() -> None:
    for kind in ("deadline", "crash", "parse", "raised", "build"):
        assert said(kind, detail="SIGSEGV").endswith(" Its log is m.log.gz.")
        assert "log is" not in said(kind, log=None, detail="SIGSEGV")


def test_the_last_that_a_crashed_builder_printed() -> None:
    told = said("crash", detail="SIGABRT", output="first\nterminate called\n\n")
    assert "The last that it printed: terminate called." in told


def test_a_model_that_does_not_parse() -> None:
    one = {"name": "/odd", "operator": "Odd", "desc": "no importer", "text": "known: no importer"}
    told = said("parse", errors_=(), **{"errors": ()})
    assert "cannot parse m.onnx, and told no error; 'trtdoctor audit m.onnx' tells more." in told
    failure = Failure(kind="parse", about={"errors": [one, one, one]})
    told = refusal(failure, model="m.onnx", name="T", timeout=1.0, meaning=knows, log=None)
    assert "T cannot parse m.onnx at node /odd (Odd): no importer. It means that it is known." in (
        told
    )
    assert "2 more errors follow." in told
    failure = Failure(kind="parse", about={"errors": [{"text": "odd  \n thing"}, one]})
    told = refusal(failure, model="m.onnx", name="T", timeout=1.0, meaning=knows, log=None)
    assert "T cannot parse m.onnx: odd thing. 1 more error follows." in told


def test_a_build_that_came_to_nothing() -> None:
    told = said("build", errors=("odd thing.", "a known thing", "it failed"))
    assert "built no engine from m.onnx: a known thing. It means that it is known. Next: do" in told
    assert "m.onnx: odd thing." in said("build", errors=("odd thing.", "it failed"))
    assert "m.onnx: it logged no error." in said("build")
    assert len(said("build", errors=("y" * 5000,))) < 500


def test_commands_in_sentences_can_be_pasted() -> None:
    open_one = Failure(kind="open", about={"name": "a b", "declared": [-1, 3]})
    said = refusal(
        open_one, model="my m.onnx", name="T", timeout=1.0, meaning=lambda text: None, log=None
    )
    assert "--shapes 'a b'=1x3" in said
    unparsed = Failure(kind="parse", about={"errors": [{"text": "no"}]})
    said = refusal(
        unparsed, model="my m.onnx", name="T", timeout=1.0, meaning=lambda text: None, log=None
    )
    assert "trtdoctor audit 'my m.onnx'" in said
