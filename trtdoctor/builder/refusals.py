"""Why there is no engine, in a sentence: what, which file, what to do."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from shlex import quote
from typing import Any

from .make import Failure

Meaning = Callable[[str], tuple[str, str] | None]
"""The meaning of an error text and the next step; None where it is in no table."""

_LONGEST = 300
_MOST_NAMED = 3


def refusal(
    failure: Failure, *, model: str, name: str, timeout: float, meaning: Meaning, log: str | None
) -> str:
    """A sentence or two about a build that made no engine.

    Args:
        failure: how it ended.
        model: the model's path, as the user gave it.
        name: which TensorRT, ``TensorRT 8.6.0``.
        timeout: seconds that it had.
        meaning: what an error text means.
        log: where its log lies; None where there is none.
    """
    known = _KINDS.get(failure.kind)
    where = f" Its log is {log}." if log else ""
    if known is not None:
        return known(failure.about, model, name)
    if failure.kind == "deadline":
        return (
            f"{name} did not finish building {model} within {timeout:.0f} s; give it more with "
            f"--timeout, or less to try with --optimization-level 2.{where}"
        )
    if failure.kind == "crash":
        return (
            f"{name} ended with {failure.about.get('detail')} while it built {model}, so there is no "
            f"engine.{_last(failure)} 'trtdoctor check --active' tells whether its builder works "
            f"here.{where}"
        )
    if failure.kind == "parse":
        return _parse(failure.about.get("errors", ()), model, name, meaning) + where
    if failure.kind == "raised":
        return f"{name} could not build {model}: {failure.about.get('detail')}.{where}"
    return _built_none(failure, model, name, meaning) + where


def _built_none(failure: Failure, model: str, name: str, meaning: Meaning) -> str:
    """The first error that is known; the last of TensorRT's often says no more than that one failed."""
    for text in failure.errors:
        told = meaning(text)
        if told is not None:
            return (
                f"{name} built no engine from {model}: {_short(text)}. It means that {told[0]}. "
                f"Next: {told[1]}."
            )
    last = failure.errors[0] if failure.errors else "it logged no error"
    return f"{name} built no engine from {model}: {_short(last)}."


def _parse(errors: Sequence[Mapping[str, Any]], model: str, name: str, meaning: Meaning) -> str:
    if not errors:
        return (
            f"{name} cannot parse {model}, and told no error; 'trtdoctor audit {quote(model)}' tells "
            "more."
        )
    first = errors[0]
    node = first.get("name") or ""
    operator = first.get("operator") or ""
    at = f" at node {node}{f' ({operator})' if operator else ''}" if node else ""
    text = str(first.get("desc") or first.get("text") or "")
    told = meaning(str(first.get("text") or text))
    more = len(errors) - 1
    others = (
        f" {more} more error{'s' if more > 1 else ''} follow{'' if more > 1 else 's'}."
        if more
        else ""
    )
    means = f" It means that {told[0]}. Next: {told[1]}." if told else ""
    return (
        f"{name} cannot parse {model}{at}: {_short(text)}.{means}{others} "
        f"'trtdoctor audit {quote(model)}' says which operators this TensorRT lacks."
    )


def _last(failure: Failure) -> str:
    lines = [line for line in failure.output.splitlines() if line.strip()]
    return f" The last that it printed: {_short(lines[-1])}." if lines else ""


def _short(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip().rstrip(".")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _by(extents: Sequence[int]) -> str:
    return "x".join("?" if extent < 0 else str(extent) for extent in extents) or "a scalar"


def _example(extents: Sequence[int]) -> str:
    return "x".join("1" if extent < 0 else str(extent) for extent in extents)


def _open(about: Mapping[str, Any], model: str, name: str) -> str:
    declared = about["declared"]
    return (
        f"input {about['name']} of {model} has open extents ({_by(declared)}); say which with "
        f"--shapes {quote(str(about['name']))}={_example(declared)}, and --min-shapes and "
        "--max-shapes where they vary"
    )


def _shape(about: Mapping[str, Any], model: str, name: str) -> str:
    return (
        f"{_by(about['given'])} does not fit input {about['name']} of {model}, which is "
        f"{_by(about['declared'])}; give "
        f"--shapes {quote(str(about['name']))}={_example(about['declared'])} with "
        "extents of your own in place of each 1"
    )


def _fixed(about: Mapping[str, Any], model: str, name: str) -> str:
    return (
        f"input {about['name']} of {model} is {_by(about['declared'])} and nothing of it is open, so it "
        f"cannot be {_by(about['given'])}; leave out its --shapes, or export the model with a dynamic axis"
    )


def _named(what: str, option: str) -> Callable[[Mapping[str, Any], str, str], str]:
    def told(about: Mapping[str, Any], model: str, name: str) -> str:
        there = [str(word) for word in about["there"]]
        wanted = str(about["names"][0])
        near = get_close_matches(wanted, there, n=_MOST_NAMED) or there[:_MOST_NAMED]
        return (
            f"{model} has no {what} {wanted}, which {option} names; there "
            f"{'is' if len(there) == 1 else 'are'} {', '.join(near)}"
            f"{f' and {len(there) - len(near)} more' if len(there) > len(near) else ''}"
        )

    return told


def _unknown(about: Mapping[str, Any], model: str, name: str) -> str:
    return f"{name} does not know {about['what']} ({about['name']}); leave it out or use another release"


def _cache(about: Mapping[str, Any], model: str, name: str) -> str:
    return (
        f"{about['path']} is not a timing cache that {name} takes on this GPU; name another file with "
        "--timing-cache, which is made where it is not there"
    )


def _memory(about: Mapping[str, Any], model: str, name: str) -> str:
    return f"there is not enough memory to build {model} with {name}; free some, or use a larger machine"


def _os(about: Mapping[str, Any], model: str, name: str) -> str:
    if about.get("errno") == errno.ENOSPC:
        return (
            f"no space is left for the engine of {model}; free some, or name a file on another disk"
        )
    return f"{name} could not build {model}: {about.get('detail')}"


def _targets(about: Mapping[str, Any], model: str, name: str) -> str:
    return f"{name} cannot be told what GPU to build for; leave out --target-cc"


_KINDS: dict[str, Callable[[Mapping[str, Any], str, str], str]] = {
    "open": _open,
    "shape": _shape,
    "fixed": _fixed,
    "no input": _named("input", "--shapes"),
    "no tensor": _named("network input or output", "--io"),
    "no node": _named("node", "--pin"),
    "unknown": _unknown,
    "cache": _cache,
    "memory": _memory,
    "os": _os,
    "no targets": _targets,
}
