"""The values of one run, in memory up to a limit and beyond it in a temporary folder."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

_IN_MEMORY = 1 << 30
_LARGE = 1 << 20


class Store(Mapping[str, Any]):
    """Arrays by name. Use it as a context manager: what it spilled is removed at the end."""

    def __init__(self, most: int = _IN_MEMORY) -> None:
        self._most = most
        self._held = 0
        self._arrays: dict[str, Any] = {}
        self._files: dict[str, Path] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Store:
        """Nothing is held yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let all go."""
        self._arrays.clear()
        if self._folder is not None:
            self._folder.cleanup()

    def put(self, name: str, array: Any) -> None:
        """Keep an array; a large one on disk where memory has its share already."""
        size = getattr(array, "nbytes", 0)
        if self._held + size <= self._most or size < _LARGE:
            self._held += size
            self._arrays[name] = array
            return
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="trtdoctor-")
        path = Path(self._folder.name) / f"{len(self._files)}.npy"
        import_module("numpy").save(path, array)
        self._files[name] = path

    def __getitem__(self, name: str) -> Any:
        """An array."""
        if name in self._arrays:
            return self._arrays[name]
        return import_module("numpy").load(self._files[name])

    def __contains__(self, name: object) -> bool:
        """Whether it was kept."""
        return name in self._arrays or name in self._files

    def __iter__(self) -> Iterator[str]:
        """All names."""
        yield from self._arrays
        yield from self._files

    def __len__(self) -> int:
        """How many there are."""
        return len(self._arrays) + len(self._files)
