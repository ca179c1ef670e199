"""Models that AutoCast rightly kept in part in FP32: no remedy takes that back."""

from __future__ import annotations

from pathlib import Path

import pytest

HAZARDS = Path(__file__).parents[3] / "shared" / "corpus" / "hazards"


@pytest.mark.skipif(not HAZARDS.is_dir(), reason="the corpus of hazards is not here")
@pytest.mark.parametrize("name", ["ln_ac", "haz_ac"])
def test_a_norm_that_fp16_would_kill_is_kept(document, name):
    pytest.importorskip("onnx")
    found = document(HAZARDS / f"{name}.89.plan", "--onnx", HAZARDS / f"{name}.onnx", "--no-live")
    assert found["explanations"]
    for told in found["explanations"]:
        assert told["remedy"]["commands"] == []
        assert told["remedy"]["text"].startswith("Keep it")
