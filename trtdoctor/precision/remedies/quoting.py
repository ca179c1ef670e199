"""Words of a shell command and literals of Python, safe to paste whatever a name holds."""

from __future__ import annotations

import shlex
from pathlib import PurePath


def shell(word: str) -> str:
    """One word of a POSIX shell command; bash's ``$'...'`` where it holds what does not print.

    Bytes of a path that are no UTF-8 (surrogates) come back as those bytes.
    """
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(_escaped(character) for character in word) + "'"


def _escaped(character: str) -> str:
    if character in "'\\":
        return "\\" + character
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    # Each byte by itself, so that the shell's locale does not matter.
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "replace"))


def join(words: tuple[str, ...]) -> str:
    """A shell command of words."""
    return " ".join(shell(word) for word in words)


def literal(text: str) -> str:
    """A Python string literal on one line, without characters that do not print."""
    return repr(text)


def shown(name: str) -> str:
    """A name inside a sentence: what does not print is escaped."""
    return name if name.isprintable() else repr(name)[1:-1]


def path_word(path: str) -> str:
    """A path that no program takes for an option."""
    return f"./{path}" if path.startswith("-") else path


def renamed(path: str, ending: str) -> str:
    """A new file beside another: ``dir/m.onnx`` with ``.fp16.onnx`` is ``dir/m.fp16.onnx``."""
    pure = PurePath(path)
    return str(pure.with_name((pure.stem or pure.name or "model") + ending))
