"""Redaction: private data become stable pseudonyms before anything is judged or rendered.

What is private is declared by the fields of the facts; the values found there are then replaced
wherever else they stand. The same value always becomes the same pseudonym, so relations survive.
"""

from __future__ import annotations

import operator
import re
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from trtdoctor.model.base import Sensitive, Vocabulary
from trtdoctor.model.facts import FACT_TYPES
from trtdoctor.model.report import (
    Confidence,
    FactRecord,
    FactStatus,
    Redaction,
    Report,
    Severity,
    Snapshot,
    Status,
    Verdict,
)
from trtdoctor.model.typing import Typing

T = TypeVar("T", bound=msgspec.Struct)

# Names that thousands of machines share tell nobody anything; replacing them would garble texts.
_COMMON = frozenset(
    {"root", "user", "admin", "ubuntu", "debian", "nvidia", "jetson", "tegra-ubuntu", "orin", "app"}
    | {"docker", "runner", "localhost", "cuda", "tensorrt", "home", "default"}
    # Folders, programs and words of the facts: as a name they would turn facts into nonsense.
    | {"bin", "data", "dev", "etc", "lib", "lib64", "lib32", "media", "mnt", "opt", "proc", "run"}
    | {"sbin", "share", "srv", "src", "sys", "tmp", "usr", "var", "local", "include", "users"}
    | {"pip", "conda", "python", "python3", "venv", "linux", "podman", "kubernetes", "gpu", "nvml"}
    | {"x86_64", "aarch64", "driver", "system", "container", "toolkit", "library", "trtexec"}
    | {"file", "folder", "missing", "empty", "other", "returned", "raised", "exception", "exit"}
    | {"signal", "deadline", "enabled", "disabled", "open", "proprietary", "check", "test", "guest"}
    | {
        item.value
        for kind in (Status, Severity, Confidence, Verdict, FactStatus, Typing)
        for item in kind
    }
)
_EMPTY = Snapshot(taken="", facts={})
_HOME = re.compile(r"/(?:home|Users)/([^/\s:;,'\"]+)")
_GPU = re.compile(
    r"\b(?:GPU|MIG)-[0-9a-f]{4,8}(?:-[0-9a-f]{1,12}){0,4}(?![\w-])|"
    r"(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])",
    re.IGNORECASE,
)
# What stands between a scheme and a path; which part of it is secret, _credentials says.
_AUTHORITY = re.compile(r"(?<=://)[^/\s]+")
# A value said to be secret by the name before it; the colon alone is common in messages. The name
# is looked through once and then taken whole: none of its shorter forms can be what is meant.
_ASSIGNED = re.compile(
    r"""((?<!\w)(?=\w*?(?:TOKEN(?!IZ)|SECRET|PASSWO?R?D|CREDENTIAL|API_?KEY|ACCESS_KEY|PRIVATE_KEY))"""
    r"""(?=(\w+))\2(?:=|['"]\s*[:=]\s*)['"]?|\bBearer\s+)([^\s'",;&]{6,})""",
    re.IGNORECASE,
)
_ASSIGNED_HINTS = ("token", "secret", "passw", "credential", "api", "access_key", "private_key")
# Keys whose issuers gave them a form of their own.
_ISSUED = (
    r"hf_\w{20,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|nvapi-[\w-]{20,}"
    r"|sk-[\w-]{20,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}"
)
_KEYS = re.compile(rf"\b(?:{_ISSUED})")
# What begins as a JSON web token is taken whole, whether or not its other two parts follow: tried
# again from each place within, a long one would be read as often as it has places to begin.
_KEYS_OR_JWT = re.compile(rf"\b(?:{_ISSUED}|(?P<jwt>eyJ[\w-]{{10,}})(?P<rest>\.[\w-]+\.[\w-]+)?)")
_KEY_HINTS = (
    *("hf_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "nvapi-"),
    *("sk-", "xox", "AKIA", "eyJ"),
)
# Four dotted numbers are a version of TensorRT unless a scheme, an at sign or a port says otherwise.
_ADDRESS = re.compile(
    r"(?<![\w:])[0-9a-f]{2}(?::[0-9a-f]{2}){5}(?:(?::[0-9a-f]{2}){2}|(?::[0-9a-f]{2}){14})?(?![\w:])"
    r"|(?:(?<=://)|(?<=@))\d+(?:\.\d+){3}(?![\w.])|(?<![\w.])\d+(?:\.\d+){3}(?=:\d{2,5}\b)",
    re.IGNORECASE,
)
_SYSTEM_FOLDERS = re.compile(r"/?[^/]*|/(?:usr|var|opt|etc|run|tmp|lib\w*|proc|sys|dev)(?:/.*)?")
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|PRIVATE", re.IGNORECASE)


class Redactor:
    """Learns private values from a snapshot and replaces them in it and in any text."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.count = 0
        self._names: dict[tuple[str, str], str] = {}
        self._numbers: Counter[str] = Counter()
        # The known GPUs: sorted, each with when it was learned and its pseudonym; those by what
        # follows "GPU-"; and what each form that was met stands for.
        self._gpus: list[tuple[str, int, str]] = []
        self._bare_gpus: dict[str, tuple[int, str]] = {}
        self._meant: dict[str, str] = {}
        self._tokens: dict[str, str] = {}
        self._homes = _HOME
        self._home_folders: tuple[str, ...] = ("/home/", "/Users/")
        # Texts that hold nothing private: most of a large report's are told again and again.
        self._clean: set[str] = set()
        self._types = {kind.FACT: kind for kind in FACT_TYPES}
        for name, record in snapshot.facts.items():
            for kind, text in self._private(name, record):
                self._learn(kind, text)
        self._pattern = _any_of(self._tokens)

    def snapshot(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with pseudonyms; ``redaction.count`` says how many places changed."""
        facts = {}
        for name, record in snapshot.facts.items():
            value = self._declared(name, record)
            facts[name] = FactRecord(
                status=record.status,
                value=_map_values(value, self.text),
                reason=self.text(record.reason) if record.reason else record.reason,
                source=self.text(record.source),
                took_ms=record.took_ms,
            )
        redaction = Redaction(applied=True, count=self.count)
        return msgspec.structs.replace(snapshot, facts=facts, redaction=redaction)

    def document(self, part: T) -> T:
        """Any part of a report with pseudonyms in its texts."""
        changed: T = _map_document(part, self.text)
        return changed

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
            new = _AUTHORITY.sub(self._credentials, new)
        assigns = any(mark in new for mark in "='\"")
        if (
            not simple
            or "bearer" in lower
            or (assigns and any(hint in lower for hint in _ASSIGNED_HINTS))
        ):
            new = _ASSIGNED.sub(lambda m: m.group(1) + self._counted("<secret>"), new)
        if any(hint in new for hint in _KEY_HINTS):
            new = _KEYS_OR_JWT.sub(self._issued, new)
        if ":" in new or "@" in new:
            new = _ADDRESS.sub(lambda m: self._counted(self._pseudonym("address", m.group())), new)
        if not simple or "gpu-" in lower or "mig-" in lower or new.count("-") >= 4:
            new = _GPU.sub(lambda m: self._counted(self._gpu(m.group())), new)
        # What is known of this machine goes first: a name may have spaces that end a path elsewhere.
        if self._pattern and any(token in new for token in self._tokens):
            new = self._pattern.sub(lambda m: self._counted(self._tokens[m.group()]), new)
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

    def _issued(self, found: re.Match[str]) -> str:
        if found["jwt"] and not found["rest"]:
            return _KEYS.sub(lambda _: self._counted("<secret>"), found.group())
        return self._counted("<secret>")

    def _private(self, name: str, record: FactRecord) -> Iterator[tuple[str, str]]:
        kind = self._types.get(name)
        if kind is not None and record.value is not None:
            yield from _sensitive(msgspec.inspect.type_info(kind), record.value)

    def _learn(self, kind: str, text: str) -> None:
        if kind == Sensitive.PATH.value:
            for found in _HOME.finditer(text):
                self._token(Sensitive.USER.value, found.group(1))
        elif kind == Sensitive.HOME.value:
            self._learn_home(text.rstrip("/"))
        elif kind == Sensitive.HOST.value:
            self._token(kind, text)
            self._token(kind, text.partition(".")[0])
        elif kind == Sensitive.UUID.value:
            self._pseudonym(kind, text)
        else:
            self._token(kind, text)

    def _learn_home(self, home: str) -> None:
        parent, _, name = home.rpartition("/")
        self._token(Sensitive.USER.value, name)
        if parent and not _SYSTEM_FOLDERS.fullmatch(parent):
            # Where one home lies in an unusual place, the others lie beside it.
            self._home_folders = ("/home/", "/Users/", f"{parent}/")
            self._homes = re.compile(
                rf"(?:/home|/Users|(?<![\w.-]){re.escape(parent)})/([^/\s:;,'\"]+)"
                if not parent.startswith(("/home", "/Users"))
                else rf"(?:{re.escape(parent)}|/home|/Users)/([^/\s:;,'\"]+)"
            )
        elif home and name not in self._tokens and name.casefold() not in _COMMON:
            self._tokens[home] = self._pseudonym(Sensitive.HOME.value, home)

    def _token(self, kind: str, text: str) -> None:
        if len(text) >= 3 and text.casefold() not in _COMMON:
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
        if user.casefold() in _COMMON or user.startswith("<"):
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
        plain = _map_values(value, lambda text: text)
        whole = {Sensitive.HOST, Sensitive.USER, Sensitive.SERIAL, Sensitive.SECRET}
        _replace_declared(
            msgspec.inspect.type_info(kind),
            plain,
            {item.value for item in whole},
            lambda sort, text: self._counted(self._pseudonym(sort, text)),
        )
        variables = plain.get("variables") if isinstance(plain, dict) else None
        for variable, text in variables.items() if isinstance(variables, dict) else ():
            if _SECRET_NAME.search(variable) and isinstance(text, str):
                plain["variables"][variable] = self._counted(self._pseudonym("secret", text))
        return plain


def _any_of(tokens: dict[str, str]) -> re.Pattern[str] | None:
    if not tokens:
        return None
    words = "|".join(re.escape(word) for word in sorted(tokens, key=len, reverse=True))
    long = "|".join(re.escape(word) for word in tokens if len(word) >= 5)
    # Short names are parts of too many words; the others are seen in "alice_env" and "x.alice" too.
    wide = rf"|(?<![A-Za-z0-9])(?:{long})(?![A-Za-z0-9])" if long else ""
    return re.compile(rf"(?<![\w.-])(?:{words})(?![\w-]){wide}")


def _map_values(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        # Names of facts, fields and variables stay; a key that is a path is data.
        return {
            change(key) if "/" in key else key: _map_values(item, change)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_map_values(item, change) for item in value]
    return value


def _map_document(value: Any, change: Callable[[str], str]) -> Any:
    """As `_map_values` on a part of the document, of which whatever does not change is kept."""
    if type(value) is str:
        return change(value)
    if isinstance(value, Vocabulary):
        word = change(value.value)
        return value if word is value.value else type(value)(word)
    if isinstance(value, msgspec.Struct):
        changes = {}
        for name in value.__struct_fields__:
            old = getattr(value, name)
            new = _map_document(old, change)
            if new is not old:
                changes[name] = new
        return msgspec.structs.replace(value, **changes) if changes else value
    if isinstance(value, (list, tuple)):
        items = [_map_document(item, change) for item in value]
        if all(map(operator.is_, items, value)):
            return value
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, dict):
        return {
            change(key) if type(key) is str and "/" in key else key: _map_document(item, change)
            for key, item in value.items()
        }
    return value


def _sensitive(info: Any, value: Any) -> Iterator[tuple[str, str]]:
    """Every declared private string below a value, with its kind."""
    for kind, text, _ in _walk(info, value, None):
        yield kind, text


def _replace_declared(
    info: Any, value: Any, kinds: set[str], change: Callable[[str, str], str]
) -> None:
    for kind, text, put in list(_walk(info, value, None)):
        if kind in kinds and put is not None:
            put(change(kind, text))


def _walk(
    info: Any, value: Any, put: Callable[[Any], None] | None
) -> Iterator[tuple[str, str, Callable[[Any], None] | None]]:
    if isinstance(info, msgspec.inspect.Metadata):
        kind = (info.extra or {}).get("sensitive")
        if kind and isinstance(value, str):
            yield kind, value, put
            return
        yield from _walk(info.type, value, put)
    elif isinstance(info, msgspec.inspect.UnionType):
        for option in info.types:
            yield from _walk(option, value, put)
    elif isinstance(info, msgspec.inspect.StructType) and isinstance(value, dict):
        for item in info.fields:
            if item.encode_name in value:
                name = item.encode_name
                yield from _walk(item.type, value[name], _putter(value, name))
    elif isinstance(info, msgspec.inspect.VarTupleType) and isinstance(value, (list, tuple)):
        for index, entry in enumerate(value):
            yield from _walk(info.item_type, entry, _putter(value, index))
    elif isinstance(info, msgspec.inspect.DictType) and isinstance(value, dict):
        for key, entry in value.items():
            yield from _walk(info.value_type, entry, _putter(value, key))


def _putter(holder: Any, key: Any) -> Callable[[Any], None]:
    def put(new: Any) -> None:
        holder[key] = new

    return put
