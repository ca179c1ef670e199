"""The folder beside an engine in which it is built, so that nothing of it is seen before it is whole."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from pathlib import Path
from types import TracebackType

from trtdoctor.model.codec import write_all_atomically
from trtdoctor.model.errors import InputError, UsageError

try:
    import fcntl
except ImportError:  # pragma: no cover  no such lock on Windows
    fcntl = None  # type: ignore[assignment]


class Workshop:
    """A folder of one build's own, on the engine's file system, gone when it is left.

    Another build of the same engine is refused while this one lives. What a build that was killed
    left behind is removed by the next.
    """

    def __init__(self, engine: Path) -> None:
        """``engine``: where the finished engine will lie.

        Raises:
            UsageError: it is a folder, or in none.
        """
        target = Path(os.path.realpath(engine))
        if target.is_dir():
            raise UsageError(f"cannot write {engine}: it is a folder; name a file in it")
        if not target.parent.is_dir():
            raise UsageError(
                f"cannot write {engine}: there is no folder {target.parent}; make it or choose another"
            )
        if target.exists() and not target.is_file():
            raise UsageError(f"cannot write {engine}: it is not a regular file; name another")
        self.engine = target
        self._given = engine
        self.folder = target.with_name(f".{target.name}.trtdoctor-build")
        self._lock: int | None = None

    def __enter__(self) -> Workshop:
        """Make the folder.

        Raises:
            InputError: it cannot be made, is a link, or another build has it.
        """
        if self.folder.is_symlink():
            # What it points to is somebody's own, and would be emptied.
            raise InputError(
                f"cannot build {self._given}: {self.folder} is a link; remove it, or name another engine"
            )
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self._lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            self._take()
            for left in self.folder.iterdir():
                if left.name != "lock":
                    shutil.rmtree(
                        left
                    ) if left.is_dir() and not left.is_symlink() else left.unlink()
        except OSError as error:
            self._release()
            if error.errno in (errno.EAGAIN, errno.EACCES) and error.filename is None:
                raise InputError(
                    f"another trtdoctor is building {self._given}; wait for it, or name another engine"
                ) from None
            raise InputError(
                f"cannot write beside {self._given}: {error.strerror or error}; choose another folder"
            ) from None
        return self

    def _take(self) -> None:
        if fcntl is not None and self._lock is not None:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Under the lock, so that no other build has begun in it.
        shutil.rmtree(self.folder, ignore_errors=True)
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            with contextlib.suppress(OSError):
                os.close(self._lock)
            self._lock = None

    def path(self, name: str) -> Path:
        """A file of the folder."""
        return self.folder / name

    def deliver(self, name: str, target: Path) -> None:
        """Move a finished file of the folder to where it belongs, over what is there.

        Raises:
            InputError: the file system refuses.
        """
        made = self.path(name)
        try:
            try:
                made.replace(target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                # The engine is a link into another file system, and this file stays beside the link.
                with made.open("rb") as stream:
                    write_all_atomically(target, iter(lambda: stream.read(1 << 20), b""))
        except OSError as error:
            raise InputError(
                f"cannot write {target}: {error.strerror}; choose another file"
            ) from None
