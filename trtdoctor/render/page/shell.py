"""The frame of every web page: its head, its style, its script and its footer.

A page made here loads nothing. Its content security policy allows the one style and the one script
that stand in it, by their hashes, and forbids all else; so no part of a page may carry a ``style``
attribute or an event handler.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trtdoctor.render.common import clean

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_FOLDER = Path(__file__).parent
# Where a long name may go on in the next line; what is copied stays the same.
_JOINTS = re.compile(r"(.{5,60}?(?:\w[/.:_+,=\\-]+(?=\w.{3})|[a-z](?=[A-Z][a-z])))")
# A shorter word needs no place to break: a phone's line holds it.
_LONG_WORD = 32


def page(title: str, body: Markup, footer: str = "") -> str:
    """A whole page.

    Args:
        title: What the browser's tab tells, plain text.
        body: What stands in it, safe HTML: of :func:`environment`'s templates, where all is escaped.
            It begins with an ``h1``.
        footer: Plain text below it.
    """
    from markupsafe import Markup

    style, script = _asset("page.css"), _asset("page.js")
    return (
        environment()
        .get_template("shell.html.j2")
        .render(
            title=title,
            body=body,
            footer=footer,
            style=Markup(style),
            script=Markup(script),
            policy="; ".join(
                (
                    "default-src 'none'",
                    f"style-src '{_digest(style)}'",
                    f"script-src '{_digest(script)}'",
                    "base-uri 'none'",
                    "form-action 'none'",
                )
            ),
        )
    )


@cache
def environment() -> Environment:
    """Where the templates of this folder are found, and everything put into them is escaped.

    Filters: ``breakable`` lets a long name break behind its joints.
    """
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_finalized,
    )
    made.filters["breakable"] = breakable
    return made


def breakable(text: str, longest: int = _LONG_WORD) -> Markup:
    """Escaped text whose long words may be broken where a part of them ends, and only there.

    ``longest`` is how many characters a word may have that needs no such place.
    """
    from markupsafe import Markup, escape

    text = clean(text)
    if len(text) <= longest:
        return escape(text)
    # NUL is none of a clean text's characters, and no escape changes it.
    marked = " ".join(
        word if len(word) <= longest else _JOINTS.sub("\\1\0", word) for word in text.split(" ")
    )
    return Markup(str(escape(marked)).replace("\0", "<wbr>"))


def _finalized(value: Any) -> Any:
    """Whatever a template prints, no control character gets through; markup was cleaned before."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return clean(value)
    return value


@cache
def _asset(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
