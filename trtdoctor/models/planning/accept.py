"""The user's own check of a converted model: a command whose exit code says whether it will do."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

from ...model.errors import InputError
from ..conversion import Converted, write_model
from .own_command import run_to_its_end


class Acceptance:
    """Asks a command about candidates.

    Args:
        command: For the shell. ``{}`` in it is the candidate's path, which else comes last.
        model: The user's model; candidates get its name, in a temporary folder.
        seconds: How long one run may take; longer is no.
    """

    def __init__(self, command: str, model: Path, seconds: float) -> None:
        self._command, self._model, self._seconds = command, model, seconds

    def __call__(self, converted: Converted) -> bool:
        """Whether the command ends with 0 for this candidate.

        Raises:
            InputError: it cannot be started, or is not found.
        """
        with tempfile.TemporaryDirectory(prefix="trtdoctor-") as folder:
            path = Path(folder) / self._model.name
            write_model(converted.model, path)
            word = shlex.quote(str(path))
            given = self._command if "{}" in self._command else f"{self._command} {{}}"
            line = given.replace("{}", word)
            code, _ = run_to_its_end(["/bin/sh", "-c", line], self._seconds)
        if code in (126, 127):
            raise InputError(f"--check cannot be run (the shell says {code}): {self._command}")
        return code == 0
