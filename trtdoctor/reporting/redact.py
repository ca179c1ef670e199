"""Redaction: private data become stable pseudonyms before anything is judged or rendered.

What is private is declared by the fields of the facts, or said by the name that a value has in a
dictionary; the values found there are then replaced wherever else they stand. The same value always
becomes the same pseudonym, so relations survive. Where the names of the user, the host and the home
folder are not known, no claim is made that nothing private is left.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec

from trtdoctor.model.base import FactValue, Sensitive
from trtdoctor.model.facts import FACT_TYPES, Identity, OperatingSystem
from trtdoctor.model.report import (
    FactRecord,
    Redaction,
    Report,
    Snapshot,
)

from . import private
from .walking import changed, copied, replace_declared, sensitive

T = TypeVar("T", bound=msgspec.Struct)

_EMPTY = Snapshot(taken="", facts={})
# A word of a secret is no secret wherever else it stands; a text of this length with a digit is.
_LEAST_SECRET = 8
# The shorter a folder's name, the likelier it is a word of the facts that somebody put in /home.
_LEAST_NAME = 5


class Redactor:
    """Learns private values from a snapshot and replaces them in it and in any text."""

    def __init__(self, snapshot: Snapshot, environment: Mapping[str, str] | None = None) -> None:
        """``environment``: variables whose secrets may have come into texts; they are no fact."""
        self.count = 0
        self.knows_names = knows_names(snapshot)
        self._names: dict[tuple[str, str], str] = {}
        self._numbers: Counter[str] = Counter()
        # The known GPUs: sorted, each with when it was learned and its pseudonym; those by what
        # follows "GPU-"; and what each form that was met stands for.
        self._gpus: list[tuple[str, int, str]] = []
        self._bare_gpus: dict[str, tuple[int, str]] = {}
        self._meant: dict[str, str] = {}
        self._tokens: dict[str, str] = {}
        self._homes = private.HOME
        self._home_folders: tuple[str, ...] = private.HOME_FOLDERS
        # Texts that hold nothing private: most of a large report's are told again and again.
        self._clean: set[str] = set()
        self._types = {kind.FACT: kind for kind in FACT_TYPES}
        for name, record in snapshot.facts.items():
            for kind, text in self._private(name, record):
                self._learn(kind, text)
        for record in snapshot.facts.values():
            for text in _secrets(record.value):
                self._learn_secret(text)
            for text in _texts((record.value, record.reason)):
                self._learn_others(text)
        for name, text in (environment or {}).items():
            if private.SECRET_NAME.search(name) and not text.startswith("/"):
                self._learn_secret(text)
        self._fields = _field_names(FACT_TYPES)
        self._pattern = _any_of(self._tokens)
        # Host names and file names are written in capitals or without, as anybody likes.
        self._folded = {token.casefold(): name for token, name in self._tokens.items()}
        self._any_case = tuple(token.casefold() for token in self._tokens if _is_any_case(token))
        self._in_files = _in_file_names(self._tokens)

    def snapshot(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with pseudonyms; ``redaction.count`` says how many places changed."""
        facts = {}
        for name, record in snapshot.facts.items():
            value = self._declared(name, record)
            facts[name] = FactRecord(
                status=record.status,
                value=changed(value, self.text, self._hidden, self._key),
                reason=self.text(record.reason) if record.reason else record.reason,
                source=self.text(record.source),
                took_ms=record.took_ms,
            )
        redaction = Redaction(applied=self.knows_names, count=self.count)
        return msgspec.structs.replace(snapshot, facts=facts, redaction=redaction)

    def document(self, part: T) -> T:
        """Any part of a report with pseudonyms in its texts."""
        result: T = changed(part, self.text, self._hidden, self._key)
        return result

    def report(self, report: Report) -> Report:
        """A whole report with pseudonyms, its snapshot included."""
        redacted = self.document(msgspec.structs.replace(report, snapshot=_EMPTY))
        return msgspec.structs.replace(redacted, snapshot=self.snapshot(report.snapshot))

    def text(self, text: str) -> str:
        """A text with every private value in it replaced, in time linear in its length."""
        if text in self._clean:
            return text
        # Where a rule's hints are missing it cannot apply. They are words without capitals; some
        # letters beyond ASCII equal one of them in a way that only the rules themselves know.
        simple = text.isascii()
        lower = text.lower() if simple else ""
        new = text
        if "://" in new and "@" in new:
            new = private.AUTHORITY.sub(self._credentials, new)
        assigns = any(mark in new for mark in "='\"")
        if (
            not simple
            or "bearer" in lower
            or (assigns and any(hint in lower for hint in private.ASSIGNED_HINTS))
        ):
            new = private.ASSIGNED.sub(lambda m: m.group(1) + self._counted("<secret>"), new)
        if not simple or "pass" in lower:
            new = private.PASSWORD.sub(self._password, new)
        if not simple or "key" in lower or "token" in lower:
            new = private.SAID_KEY.sub(lambda m: m.group(1) + self._counted("<secret>"), new)
        if "--" in new and (not simple or any(hint in lower for hint in private.OPTION_HINTS)):
            new = private.OPTION.sub(self._password, new)
        if any(hint in new for hint in private.KEY_HINTS):
            new = private.KEYS_OR_JWT.sub(self._issued, new)
        if "@" in new:
            new = private.EMAIL.sub(
                lambda m: self._counted(self._pseudonym("email", m.group())), new
            )
        if ":" in new or "@" in new:
            new = private.ADDRESS.sub(
                lambda m: self._counted(self._pseudonym("address", m.group())), new
            )
        if not simple or "gpu-" in lower or "mig-" in lower or new.count("-") >= 4:
            new = private.GPU.sub(lambda m: self._counted(self._gpu(m.group())), new)
        # What is known of this machine goes first: a name may have spaces that end a path elsewhere.
        if self._in_files and "." in new and (not simple or self._may_hold_a_name(lower)):
            new = private.FILE.sub(self._file, new)
        if self._pattern and (
            any(token in new for token in self._tokens)
            or not simple
            or any(token in lower for token in self._any_case)
        ):
            new = self._pattern.sub(self._known, new)
        if any(folder in new for folder in self._home_folders):
            new = self._homes.sub(self._home, new)
        if new is text:
            self._clean.add(text)
        return new

    def _credentials(self, found: re.Match[str]) -> str:
        """``user:password`` or a long token, up to the at sign before the host."""
        authority = found.group()
        end = authority.rfind("@")
        if authority.find(":", 1, max(end, 0)) < 0:
            end = authority.find("@")
            if end < 16 or ":" in authority[:end]:
                return authority
        return self._counted("<secret>") + authority[end:]

    def _password(self, found: re.Match[str]) -> str:
        said = found.group(2)
        if said.rstrip(".:!?)").lower() in private.ABOUT_PASSWORDS or said.startswith("<"):
            return found.group()
        return found.group(1) + self._counted("<secret>")

    def _may_hold_a_name(self, lower: str) -> bool:
        return any(token in lower for token in self._folded)

    def _file(self, found: re.Match[str]) -> str:
        assert self._in_files is not None
        return self._in_files.sub(self._known, found.group(1)) + found.group(2)

    def _known(self, found: re.Match[str]) -> str:
        text = found.group()
        return self._counted(self._tokens.get(text) or self._folded[text.casefold()])

    def _hidden(self, value: Any) -> Any:
        """What stands under a name that says it is secret."""
        if isinstance(value, dict):
            return {self._key(key): self._hidden(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._hidden(item) for item in value]
        if value is None or isinstance(value, bool) or value == "":
            return value
        text = str(value)
        if private.PSEUDONYM.fullmatch(text):
            return value
        return self._counted(self._pseudonym(Sensitive.SECRET.value, text))

    def _key(self, key: str) -> str:
        """A name in a dictionary: those of fields and variables stay, all else is data."""
        if key in self._fields or private.VARIABLE.fullmatch(key):
            return key
        return self.text(key)

    def _issued(self, found: re.Match[str]) -> str:
        if found["jwt"] and not found["rest"]:
            return private.KEYS.sub(lambda _: self._counted("<secret>"), found.group())
        return self._counted("<secret>")

    def _private(self, name: str, record: FactRecord) -> Iterator[tuple[str, str]]:
        kind = self._types.get(name)
        if kind is not None and record.value is not None:
            yield from sensitive(_type_info(kind), record.value)

    def _learn_secret(self, text: str) -> None:
        if (
            len(text) >= _LEAST_SECRET
            and any(c.isdigit() for c in text)
            and text not in self._tokens
        ):
            self._token(Sensitive.SECRET.value, text)

    def _learn_others(self, text: str) -> None:
        """Whose home folders a text names, so that they are known where they stand alone."""
        if any(folder in text for folder in private.HOME_FOLDERS):
            for found in private.HOME.finditer(text):
                if len(found.group(1)) >= _LEAST_NAME:
                    self._token(Sensitive.USER.value, found.group(1))

    def _learn(self, kind: str, text: str) -> None:
        if kind == Sensitive.PATH.value:
            for found in private.HOME.finditer(text):
                self._token(Sensitive.USER.value, found.group(1))
        elif kind == Sensitive.HOME.value:
            self._learn_home(text.rstrip("/"))
        elif kind == Sensitive.HOST.value:
            self._token(kind, text)
            self._token(kind, text.partition(".")[0])
        elif kind == Sensitive.UUID.value:
            if not private.PSEUDONYM.fullmatch(text):
                self._pseudonym(kind, text)
        else:
            self._token(kind, text)

    def _learn_home(self, home: str) -> None:
        parent, _, name = home.rpartition("/")
        if private.PSEUDONYM.search(home):
            return
        self._token(Sensitive.USER.value, name)
        if parent and not private.SYSTEM_FOLDERS.fullmatch(parent):
            # Where one home lies in an unusual place, the others lie beside it.
            self._home_folders = (*private.HOME_FOLDERS, f"{parent}/")
            before = "" if parent.startswith(("/home", "/Users")) else r"(?<![\w.-])"
            self._homes = re.compile(
                rf"(?:{before}{re.escape(parent)}/|[/\\]{{1,2}}(?:home|Users|users)[/\\]{{1,2}})"
                r"""([^/\\\s:;,'"]+)"""
            )
        elif home and name not in self._tokens and name.casefold() not in private.COMMON:
            self._tokens[home] = self._pseudonym(Sensitive.HOME.value, home)

    def _token(self, kind: str, text: str) -> None:
        if (
            len(text) >= 3
            and text.casefold() not in private.COMMON
            and not private.PSEUDONYM.fullmatch(text)
        ):
            self._tokens[text] = self._pseudonym(kind, text)

    def _pseudonym(self, kind: str, text: str) -> str:
        key = (kind, text)
        if key not in self._names:
            self._numbers[kind] += 1
            self._names[key] = name = f"<{kind}-{self._numbers[kind]}>"
            if kind == Sensitive.UUID.value:
                known = text.casefold()
                order = self._numbers[kind]
                insort(self._gpus, (known, order, name))
                self._bare_gpus.setdefault(known.partition("-")[2], (order, name))
        return self._names[key]

    def _gpu(self, text: str) -> str:
        # CUDA accepts a UUID cut short, and others write it bare or in capitals; it is the same GPU.
        wanted = text.casefold()
        if wanted not in self._meant:
            fitting = [self._bare_gpus[wanted]] if wanted in self._bare_gpus else []
            at = bisect_left(self._gpus, (wanted,))
            while at < len(self._gpus) and self._gpus[at][0].startswith(wanted):
                fitting.append(self._gpus[at][1:])
                at += 1
            # The first that was learned; what is learned later changes nothing.
            self._meant[wanted] = (
                min(fitting)[1] if fitting else self._pseudonym(Sensitive.UUID.value, text)
            )
        return self._meant[wanted]

    def _home(self, found: re.Match[str]) -> str:
        user = found.group(1)
        if user.casefold() in private.COMMON or user.startswith("<"):
            return found.group()
        return self._counted(
            found.group()[: -len(user)] + self._pseudonym(Sensitive.USER.value, user)
        )

    def _counted(self, replacement: str) -> str:
        self.count += 1
        return replacement

    def _declared(self, name: str, record: FactRecord) -> Any:
        """The value with each declared field replaced whole, however common its content."""
        value = record.value
        kind = self._types.get(name)
        if kind is None or value is None:
            return value
        plain = copied(value)
        whole = {Sensitive.HOST, Sensitive.USER, Sensitive.SERIAL, Sensitive.SECRET}
        replace_declared(
            _type_info(kind),
            plain,
            {item.value for item in whole},
            lambda sort, text: (
                text
                if private.PSEUDONYM.fullmatch(text)
                else self._counted(self._pseudonym(sort, text))
            ),
        )
        return plain


def knows_names(snapshot: Snapshot) -> bool:
    """Whether a snapshot tells, or told, the names of the user, the host and the home folder."""
    seen = snapshot.facts.get(Identity.FACT)
    if seen is not None and isinstance(seen.value, dict) and seen.value.get("hosts"):
        return True
    seen = snapshot.facts.get(OperatingSystem.FACT)
    return (
        seen is not None
        and isinstance(seen.value, dict)
        and all(seen.value.get(name) for name in ("host", "user", "home"))
    )


def is_redacted(snapshot: Snapshot) -> bool:
    """Whether it holds pseudonyms alone; what says so and did not know the names is not believed."""
    return snapshot.redaction.applied and knows_names(snapshot)


def _secrets(value: Any) -> Iterator[str]:
    """The texts in plain data under names that say they are secret."""
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str) and isinstance(key, str) and private.SECRET_NAME.search(key):
                yield item
            else:
                yield from _secrets(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _secrets(item)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)


@cache
def _type_info(kind: type[FactValue]) -> msgspec.inspect.Type:
    return msgspec.inspect.type_info(kind)


@cache
def _field_names(kinds: tuple[type[FactValue], ...]) -> frozenset[str]:
    """The names of all fields of these types and of what they hold."""
    known = msgspec.json.schema_components(kinds)[1].values()
    return frozenset(name for part in known for name in part.get("properties", ()))


def _is_any_case(token: str) -> bool:
    """Whether it is no word that capitals would make another one: a host's name, mostly."""
    return "-" in token or any(c.isdigit() for c in token)


def _in_file_names(tokens: dict[str, str]) -> re.Pattern[str] | None:
    """Names as people put them into names of files: beside digits, marks and other words."""
    names = sorted((t for t in tokens if "/" not in t), key=len, reverse=True)
    if not names:
        return None
    forms = []
    for name in names:
        end = r"(?![A-Za-z\d])" if name[-1].isdigit() else "(?![A-Za-z])"
        forms.append(rf"(?<![A-Za-z])(?i:{re.escape(name)}){end}")
        if len(name) >= 4 and name.isalpha():
            forms.append(rf"(?<![A-Z]){re.escape(name.capitalize())}(?![a-z])")
            forms.append(rf"(?<![A-Za-z]){re.escape(name.lower())}(?=[A-Z])")
    return re.compile("|".join(forms))


def _any_of(tokens: dict[str, str]) -> re.Pattern[str] | None:
    if not tokens:
        return None

    def form(word: str) -> str:
        return f"(?i:{re.escape(word)})" if _is_any_case(word) else re.escape(word)

    words = "|".join(form(word) for word in sorted(tokens, key=len, reverse=True))
    long = "|".join(form(word) for word in sorted(tokens, key=len, reverse=True) if len(word) >= 5)
    # Short names are parts of too many words; the others are seen in "alice_env" and "x.alice" too.
    wide = rf"|(?<![A-Za-z0-9])(?:{long})(?![A-Za-z0-9])" if long else ""
    return re.compile(rf"(?<![\w.-])(?:{words})(?![\w-]){wide}")
