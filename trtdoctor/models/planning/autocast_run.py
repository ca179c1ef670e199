"""AutoCast's own choice for a model, by running it where it is installed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from ...model.errors import InputError
from ...readers.autocastlog import read_autocast_log
from ...readers.errors import FormatError


def kept_by_autocast(
    python: str, model: Path, sample: Mapping[str, Any], seconds: float
) -> tuple[str, ...]:
    """The labels of the nodes that AutoCast keeps in FP32, given the same sample.

    Args:
        python: The interpreter that has ``nvidia-modelopt[onnx]``.
        model: The user's model, which is not changed.
        sample: One sample: what AutoCast measures ranges by.
        seconds: How long it may take.

    Raises:
        InputError: it cannot be started, ends with an error, or takes longer.
    """
    with tempfile.TemporaryDirectory(prefix="trtdoctor-") as folder:
        data = Path(folder) / "data.npz"
        import_module("numpy").savez(data, **sample)
        words = [python, "-m", "modelopt.onnx.autocast", "--onnx_path", str(model.absolute())]
        words += ["--output_path", str(Path(folder) / "made.onnx"), "--low_precision_type", "fp16"]
        words += ["--keep_io_types", "--log_level", "INFO", "--calibration_data", str(data)]
        code, said = _run(words, folder, seconds)
    if code != 0:
        last = next((line for line in reversed(said.splitlines()) if line.strip()), "no reason")
        how = "took too long" if code is None else f"ended with {code}"
        raise InputError(f"AutoCast in {python} {how}: {last.strip()[:200]}")
    try:
        return tuple(read_autocast_log(said.encode("utf-8", "replace"), name="AutoCast").kept)
    except FormatError:
        # It said nothing of any node: it kept none.
        return ()


def _run(words: list[str], folder: str, seconds: float) -> tuple[int | None, str]:
    try:
        child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise InputError(f"cannot start {words[0]}: {error.strerror or error}") from None
    try:
        said, _ = child.communicate(timeout=seconds)
        return child.returncode, said
    except subprocess.TimeoutExpired:
        return None, ""
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
