"""The base of every type in the document, and the marks that fields can carry."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, ClassVar

import msgspec


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """An immutable part of the document. Unknown keys are ignored on reading."""


class Vocabulary(str, Enum):
    """Words of the document to which a later version may add.

    A word that this version does not know is kept as it is written, so that a newer report is still
    shown and saved without loss; it is equal to none of the members.
    """

    @classmethod
    def _missing_(cls, value: object) -> Vocabulary | None:
        if not isinstance(value, str):
            return None
        word = str.__new__(cls, value)
        word._name_ = word._value_ = value
        return word

    def __str__(self) -> str:
        return str(self.value)


class FactValue(Frozen, frozen=True, kw_only=True):
    """The value of one fact. ``FACT`` is its permanent name, ``area.thing``.

    ``NOT_GIVEN`` is why a look has no such fact, where it is about something that a user gives: a
    whole clause.
    """

    FACT: ClassVar[str] = ""
    NOT_GIVEN: ClassVar[str] = ""


class Sensitive(str, Enum):
    """What kind of private datum a field holds; names the pseudonym that replaces it.

    ``PATH`` is a path that may lie in somebody's home folder: only that part is replaced.
    """

    HOST = "host"
    USER = "user"
    HOME = "home"
    PATH = "path"
    UUID = "uuid"
    SERIAL = "serial"
    SECRET = "secret"


def _private(kind: Sensitive) -> msgspec.Meta:
    return msgspec.Meta(extra={"sensitive": kind.value})


HostName = Annotated[str, _private(Sensitive.HOST)]
UserName = Annotated[str, _private(Sensitive.USER)]
HomeFolder = Annotated[str, _private(Sensitive.HOME)]
PathText = Annotated[str, _private(Sensitive.PATH)]
Uuid = Annotated[str, _private(Sensitive.UUID)]
Serial = Annotated[str, _private(Sensitive.SERIAL)]
SecretText = Annotated[str, _private(Sensitive.SECRET)]
