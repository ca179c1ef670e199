"""AutoCast's own choice for a model, by running it where it is installed."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from ...model.errors import InputError
from ...readers.autocastlog import read_autocast_log
from ...readers.errors import FormatError
from .own_command import run_to_its_end


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
        code, said = run_to_its_end(words, seconds, folder=folder, heard=True)
    if code != 0:
        last = next((line for line in reversed(said.splitlines()) if line.strip()), "no reason")
        how = "took too long" if code is None else f"ended with {code}"
        raise InputError(f"AutoCast in {python} {how}: {last.strip()[:200]}")
    try:
        return tuple(read_autocast_log(said.encode("utf-8", "replace"), name="AutoCast").kept)
    except FormatError:
        # It said nothing of any node: it kept none.
        return ()
