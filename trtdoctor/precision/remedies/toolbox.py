"""Which options and API names the user's release has, by the tables alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from ...knowledge import Knowledge, KnowledgeEnds
from ...model.typing import Typing
from ..typing import typing_of_engine
from .context import RemedyContext

_RTX = "tensorrt-rtx"
# Older plans and logs without a release are rare, and their trtexec knows too little to help.
_UNTOLD_FROM = "8.5"
_Span: TypeAlias = "tuple[str | None, str | None]"


@dataclass(frozen=True, kw_only=True)
class Toolbox:
    """What the user's tools can do.

    ``major`` is TensorRT's, null where not known. ``formats`` are the types and layouts that
    trtexec's I/O formats know. ``ends`` is a sentence where no table reaches the user's release.
    """

    rtx: bool
    typing: Typing
    major: int | None
    trtexec: frozenset[str]
    formats: frozenset[str]
    python: frozenset[str]
    polygraphy: frozenset[str]
    autocast: frozenset[str]
    ends: str

    @property
    def program(self) -> str:
        """The command-line tool that comes with the product."""
        return "tensorrt_rtx" if self.rtx else "trtexec"

    @property
    def table(self) -> str:
        """The table with that tool's options."""
        return f"{self.program}_options"


def toolbox(context: RemedyContext, knowledge: Knowledge) -> Toolbox:
    """The options of all tools in the user's releases; of every possible one where unknown."""
    return _toolbox(context.product, context.version, _typing(context, knowledge), knowledge)


# Every layer asks, and the layers of one engine ask the same.
@lru_cache(maxsize=64)
def _toolbox(product: str, version: str | None, typing: Typing, knowledge: Knowledge) -> Toolbox:
    rtx = product == _RTX
    strong = typing is Typing.STRONG
    span: _Span = (None, None)
    if strong and not rtx:
        span = (knowledge.typed_releases("tensorrt", typing)[0], None)
    elif typing is Typing.WEAK and not rtx:
        span = (None, knowledge.typed_releases("tensorrt", typing)[1])
    package = _RTX if rtx else "tensorrt"
    own = (package, version, span)
    program = "tensorrt_rtx_options" if rtx else "trtexec_options"
    major = _major(version)
    # Polygraphy knows strong typing, and TensorRT 9, since 0.49.
    recent = "0.49" if strong or (major is not None and major >= 9) else None
    polygraphy = ("polygraphy", None, (recent, None))
    # Whoever has no ModelOpt yet installs a recent one.
    newest = knowledge.covered("autocast_options", "nvidia-modelopt")[1]
    modelopt = ("nvidia-modelopt", None, (newest, None))
    options = _options(knowledge, program, *own)
    return Toolbox(
        rtx=rtx,
        typing=typing,
        major=major,
        trtexec=options,
        formats=frozenset() if rtx else _options(knowledge, "trtexec_formats", *own),
        python=_options(knowledge, "python_build_api", *own),
        polygraphy=frozenset()
        if rtx
        else _options(knowledge, "polygraphy_options", *polygraphy, strong=strong),
        autocast=_options(knowledge, "autocast_options", *modelopt),
        ends="" if options else _ends(knowledge, program, package, version),
    )


def _ends(knowledge: Knowledge, table: str, product: str, version: str | None) -> str:
    oldest, newest = knowledge.covered(table, product)
    name = "TensorRT-RTX" if product == _RTX else "TensorRT"
    return (
        f"No command is given, since the options of {name} {version} are not known: what is known "
        f"ends with {oldest} and {newest}."
    )


def _typing(context: RemedyContext, knowledge: Knowledge) -> Typing:
    if context.typing in (Typing.WEAK, Typing.STRONG):
        return context.typing
    return typing_of_engine(context.product, context.version, knowledge)


def _major(version: str | None) -> int | None:
    first = (version or "").partition(".")[0]
    return int(first) if first.isdecimal() and first.isascii() and len(first) < 4 else None


def _options(
    knowledge: Knowledge,
    table: str,
    product: str,
    version: str | None,
    span: _Span,
    *,
    strong: bool = False,
) -> frozenset[str]:
    """The options in a release, or those in all releases of a span where the release is unknown.

    A release past the table's end has those of the newest one of its major version that the table
    has, for an option once removed does not come back, and the remedies use no newer ones. Of a
    release before the table, or of another major version past it, nothing is known.
    """
    oldest, newest = knowledge.covered(table, product)
    early = product == "tensorrt" and _before(oldest, _UNTOLD_FROM)
    first = _UNTOLD_FROM if early else oldest
    releases: tuple[str, ...] = (span[0] or first, span[1] or newest)
    if version is not None:
        try:
            knowledge.tool_options(table, product, version)
            releases = (version,)
        except KnowledgeEnds:
            if _major(version) == _major(newest) and not _before(version, oldest):
                releases = (newest,)
            elif _told(version):
                return frozenset()
    found = [
        {
            row.option
            for row in knowledge.tool_options(table, product, release)
            if not (strong and row.typing is Typing.WEAK)
        }
        for release in releases
    ]
    return frozenset(set.intersection(*found))


def _told(version: str) -> bool:
    """Whether a version tells its release: a major and a minor number."""
    numbers = version.split(".")
    return len(numbers) >= 2 and all(part.isdecimal() for part in numbers[:2])


def _before(version: str, oldest: str) -> bool:
    """Whether a version lies before a table, or is too short to tell."""
    if not _told(version):
        return True
    numbers = version.split(".")
    return [int(part) for part in numbers[:2]] < [int(part) for part in oldest.split(".")]
