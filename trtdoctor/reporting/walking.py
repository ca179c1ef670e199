"""Going through documents and plain data: to change their texts, and to find declared private fields."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from trtdoctor.model.base import Vocabulary

from . import private


def changed(
    value: Any,
    change: Callable[[str], str],
    hide: Callable[[Any], Any],
    rename: Callable[[str], str],
) -> Any:
    """A document, or plain data, with its texts changed; whatever does not change is kept.

    Args:
        value: the document or a part of it.
        change: what becomes of a text.
        hide: what becomes of a value under a name that says it is secret.
        rename: what becomes of a dictionary's key.
    """
    if type(value) is str:
        return change(value)
    if isinstance(value, Vocabulary):
        word = change(value.value)
        return value if word is value.value else type(value)(word)
    if isinstance(value, msgspec.Struct):
        changes = {}
        for name in value.__struct_fields__:
            old = getattr(value, name)
            new = changed(old, change, hide, rename)
            if new is not old:
                changes[name] = new
        return msgspec.structs.replace(value, **changes) if changes else value
    if isinstance(value, (list, tuple)):
        items = [changed(item, change, hide, rename) for item in value]
        if all(map(operator.is_, items, value)):
            return value
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, dict):
        return {
            rename(key) if type(key) is str else key: hide(item)
            if type(key) is str and private.SECRET_NAME.search(key)
            else changed(item, change, hide, rename)
            for key, item in value.items()
        }
    return value


def copied(value: Any) -> Any:
    """Plain data anew, so that they may be changed."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [copied(item) for item in value]
    return value


def sensitive(info: Any, value: Any) -> Iterator[tuple[str, str]]:
    """Every declared private string below a value, with its kind."""
    for kind, text, _ in _walk(info, value, None):
        yield kind, text


def replace_declared(
    info: Any, value: Any, kinds: set[str], change: Callable[[str, str], str]
) -> None:
    """Changes in place every declared private string of these kinds below a value."""
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
