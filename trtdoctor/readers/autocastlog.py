"""AutoCast's log: which nodes it kept in FP32, and by which of its rules.

The sentences are those of ``modelopt/onnx/autocast/nodeclassifier.py`` in NVIDIA Model Optimizer 0.27
to 0.47, read on 2026-11-25: ``Skipping node NAME: REASON``.
"""

from __future__ import annotations

import io
import re
from enum import Enum

from ..model.base import Frozen
from .errors import FormatError, naming
from .textfile import TextPieces, Unwrapper

_SKIPPING = "Skipping node "
_NUMBER = r"([-+]?(?:\d[\d.]{0,40}(?:[eE][-+]?\d{1,4})?|inf|nan))"
_RANGE = (
    rf"min={_NUMBER}, ?max={_NUMBER}, ?(?:absmax={_NUMBER}, ?)?range=\[ ?{_NUMBER}, ?{_NUMBER} ?\]"
)
_LONGEST = 4096
_LARGEST = 1 << 28
_MOST = 1_000_000


class Rule(str, Enum):
    """Why AutoCast keeps a node in FP32."""

    VALUES = "its inputs or outputs leave the range that AutoCast allows"
    INITIALIZER = "an initializer of it leaves the range of FP16"
    REDUCTION = "it adds up more terms than AutoCast was told to allow"
    NAME = "its name was excluded"
    OPERATOR = "its operator was excluded"
    OTHER = "another rule"


_RULES: tuple[tuple[re.Pattern[str], Rule], ...] = (
    (re.compile(rf"(.+): reference IO out of range: {_RANGE}"), Rule.VALUES),
    (re.compile(rf"(.+): initializer .+ out of range: {_RANGE}"), Rule.INITIALIZER),
    (re.compile(r"(.+): depth of reduction \d{1,18} exceeds \d{1,18}\."), Rule.REDUCTION),
    (re.compile(r"(.+): DisabledNodeNameRegexRule"), Rule.NAME),
    (re.compile(r"(.+): DisabledOpTypes"), Rule.OPERATOR),
    (re.compile(r"(.+): [A-Za-z]\w{0,80}"), Rule.OTHER),
)


class KeptNode(Frozen, frozen=True, kw_only=True):
    """One node that AutoCast kept; ``text`` is the log's own sentence after the node's name."""

    node: str
    rule: Rule
    text: str
    line: int


class AutoCastLog(Frozen, frozen=True, kw_only=True):
    """The nodes that AutoCast kept in FP32, each by the first rule that the log names for it."""

    source: str
    kept: dict[str, KeptNode]


def read_autocast_log(data: bytes, *, name: str | None = None) -> AutoCastLog:
    """Read what AutoCast printed, plain or packed, with whatever stands before its lines.

    Args:
        data: the file's bytes.
        name: what errors and evidence call it.

    Raises:
        FormatError: no line says that a node was skipped or converted.
    """
    with naming(name):
        text = _text(data)
        kept: dict[str, KeptNode] = {}
        seen = False
        for number, line in enumerate(text.splitlines(), 1):
            seen = seen or "autocast" in line.lower()
            start = line.find(_SKIPPING)
            if start < 0 or len(line) - start > _LONGEST or len(kept) >= _MOST:
                continue
            found = _kept(line[start + len(_SKIPPING) :].rstrip(), number)
            if found is not None:
                kept.setdefault(found.node, found)
        if not kept and not seen:
            raise FormatError(
                "no line of it is AutoCast's: give what `python -m modelopt.onnx.autocast` printed "
                "(--log_level INFO or lower tells each node that it skips)"
            )
        return AutoCastLog(source=name or "AutoCast's log", kept=kept)


def _text(data: bytes) -> str:
    pieces, size = [], 0
    for piece in TextPieces(io.BytesIO(data)):
        size += len(piece)
        if size > _LARGEST:
            raise FormatError(
                f"it is larger than {_LARGEST >> 20} MiB; give only AutoCast's own lines"
            )
        pieces.append(piece)
    plain = b"".join(pieces)
    return Unwrapper(plain).strip(plain).decode("utf-8", "replace")


def _kept(text: str, line: int) -> KeptNode | None:
    for pattern, rule in _RULES:
        found = pattern.fullmatch(text)
        if found is not None:
            node = found.group(1)
            return KeptNode(node=node, rule=rule, text=text[len(node) + 2 :], line=line)
    return None
