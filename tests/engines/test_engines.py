"""An engine's layers come from the best source that can be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trtdoctor.engines.engine_facts import load_request
from trtdoctor.engines.given import EngineSources
from trtdoctor.engines.inside import engine_report
from trtdoctor.knowledge import Knowledge
from trtdoctor.model.engine import EngineIdentity, Precision
from trtdoctor.model.facts.engines import EngineLoad
from trtdoctor.readers.plan import Container, FileIdentity, PlanSpan

CONV = {"Name": "conv", "LayerType": "CaskConvolution", "Inputs": [], "Outputs": []}
FLOAT = {"Name": "x", "Dimensions": [8, 8], "Format/Datatype": "Float"}
GEMM = json.dumps(
    {
        "Layers": [
            {
                "Name": "fc",
                "LayerType": "MatrixMultiply",
                "Inputs": [FLOAT],
                "Outputs": [{**FLOAT, "Name": "y"}],
            }
        ],
        "Bindings": ["x", "y"],
    }
)
TOLD = json.dumps({"Layers": [CONV], "Bindings": []})


@pytest.mark.parametrize("texts", [(TOLD[:-9],), ("{}",), (TOLD, "[1]")])
def test_an_inspector_answer_that_cannot_be_read_is_a_note(
    tmp_path: Path, texts: tuple[str, ...]
) -> None:
    load = EngineLoad(path="made.engine", loaded=True, layers=texts)
    report = engine_report(EngineSources(path=tmp_path / "made.engine"), load, Knowledge.load())
    assert report.layers_source is None
    assert report.layers == ()
    assert any("inspector's answer could not be read" in note for note in report.notes)


def test_an_inspector_answer_is_the_live_source(tmp_path: Path) -> None:
    load = EngineLoad(path="made.engine", loaded=True, with_context=True, layers=(TOLD,))
    report = engine_report(EngineSources(path=tmp_path / "made.engine"), load, Knowledge.load())
    assert report.layers_source == "live"
    assert [layer.name for layer in report.layers] == ["conv"]
    assert not any("could not be read" in note for note in report.notes)


def plan(product: str, version: str | None, **identity: Any) -> FileIdentity:
    return FileIdentity(
        container=Container.PLAN,
        size=9,
        what="a plan",
        plan=PlanSpan(offset=0, length=9),
        engine=EngineIdentity(
            container="plan", product=product, tensorrt_version=version, **identity
        ),
    )


@pytest.mark.parametrize(
    ("file", "version"),
    [
        (plan("tensorrt", "10.9.0.34"), "10.9.0.34"),
        (plan("tensorrt", "10.9.0.34", version_compatible=True), None),
        (plan("tensorrt-rtx", "1.7.1.116"), "1.7.1"),
        (plan("tensorrt-rtx", "2.0.0.5"), "2.0.0.5"),
        (plan("tensorrt", None), None),
    ],
)
def test_a_module_must_agree_with_as_much_of_the_version_as_its_runtime_compares(
    file: FileIdentity, version: str | None
) -> None:
    assert load_request(Path("made.engine"), file, Knowledge.load()).version == version


@pytest.mark.parametrize(
    ("capabilities", "told"),
    [
        (("7.5",), True),
        (("6.1", "7.5"), True),
        (("7.5", "8.0"), False),
        # Of these no table tells whether they have TF32.
        (("10.7",), False),
        (("3.5",), False),
        (None, False),
    ],
)
def test_tf32_is_ruled_out_where_the_table_says_that_no_gpu_has_it(
    tmp_path: Path, capabilities: tuple[str, ...] | None, told: bool
) -> None:
    file = plan("tensorrt", "8.4.1.5", compute_capabilities=capabilities)
    load = EngineLoad(path="made.engine", loaded=True, layers=(GEMM,))
    given = EngineSources(path=tmp_path / "made.engine", file=file, static=False)
    (layer,) = engine_report(given, load, Knowledge.load()).layers
    assert layer.precision is Precision.FP32
    assert ("the engine holds no TF32 kernels" in layer.precision_evidence) is told
