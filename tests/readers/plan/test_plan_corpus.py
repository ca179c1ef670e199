"""Real plans: identified as their index says, their layers equal to the inspector's."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from trtdoctor.readers.plan import Container, identify, static_layers

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
PUBLIC = CORPUS / "public" / "plans"
pytestmark = pytest.mark.skipif(
    not PUBLIC.is_dir(), reason="no corpus of real plans beside the checkout"
)

FORMATS = {
    "TensorRT plan": Container.PLAN,
    "TensorRT timing cache": Container.TIMING_CACHE,
    "Git LFS pointer (real file not downloaded)": Container.LFS_POINTER,
    "TensorRT INT8 calibration cache (text)": Container.CALIBRATION_CACHE,
}
PLATFORMS = {"rtrt": "linux-x86_64", "utrt": "linux-aarch64"}
TYPES = {"Float": "FP32", "Half": "FP16"}


def index() -> list[dict[str, str]]:
    if not PUBLIC.is_dir():
        return []
    with (PUBLIC / "INDEX.tsv").open() as file:
        return list(csv.DictReader(file, delimiter="\t"))


def builds() -> list[Path]:
    return sorted(CORPUS.glob("h100-trt8[56]/*/engine.plan"))


@pytest.mark.parametrize("row", index(), ids=lambda row: row["file"])
def test_public_files_are_what_the_index_says(row):
    path = PUBLIC / row["file"]
    found = identify(path)
    assert found.container is FORMATS[row["format"]]
    assert found.size == int(row["size"])
    assert found.problems == ()
    if found.container is not Container.PLAN:
        assert found.engine is None
        return
    engine = found.engine
    assert engine.tensorrt_version == row["version"]
    assert engine.compute_capabilities == (row["compute_capability"],)
    assert engine.built_on["multiprocessors"] == int(row["multiprocessors"])
    assert engine.built_on["integrated"] == (row["integrated"] == "1")
    if row["platform_tag"] in PLATFORMS:
        assert engine.platform == PLATFORMS[row["platform_tag"]]
    assert {tensor.mode for tensor in engine.io} == {"input", "output"}
    layers = static_layers(path)
    assert layers.complete
    assert layers.layers


@pytest.mark.parametrize("path", builds(), ids=lambda path: f"{path.parts[-3]}-{path.parts[-2]}")
def test_own_builds_are_identified(path):
    found = identify(path)
    engine, variant = found.engine, path.parts[-2].split(".")[1]
    assert found.problems == ()
    assert engine.tensorrt_version == ("8.6.0.12" if "86" in path.parts[-3] else "8.5.3.1")
    assert engine.compute_capabilities == ("9.0",)
    assert engine.built_on["multiprocessors"] == 132
    assert engine.built_on["likely_board"] == "H100 SXM"
    assert engine.profiling_verbosity == {"names": "names", "none": "none"}.get(variant, "detailed")
    assert engine.refittable is (variant == "refit")
    assert engine.tf32_allowed is (variant != "notf32")
    if "86" in path.parts[-3]:
        assert engine.hardware_compatibility == ("ampere+" if variant == "hc" else "none")
    half = variant in ("io16", "fp16_io16")
    assert all(tensor.dtype == "FP16" for tensor in engine.io) is half


@pytest.mark.parametrize("path", builds(), ids=lambda path: f"{path.parts[-3]}-{path.parts[-2]}")
def test_static_layers_equal_the_inspectors(path):
    text = (path.parent / "layers.json").read_text()
    found = static_layers(path)
    assert found.complete
    if not text:
        pytest.skip("built with verbosity none: the inspector says nothing")
    inspector = json.loads(text, strict=False)["Layers"]
    if isinstance(inspector[0], str):
        assert [layer.name for layer in found.layers] == inspector
        return
    assert [layer.name for layer in found.layers] == [layer["Name"] for layer in inspector]
    for mine, theirs in zip(found.layers, inspector, strict=True):
        assert mine.type == theirs.get("ParameterType", theirs["LayerType"])
        assert mine.tactic == theirs.get("TacticName")
        weights = theirs.get("Weights", {"Count": 0})
        if weights["Count"]:
            assert (mine.weights.dtype, mine.weights.count) == (
                TYPES[weights["Type"]],
                weights["Count"],
            )
        else:
            assert mine.weights is None
        nodes = theirs.get("Metadata", "").split("[ONNX Layer: ")[1:]
        assert list(mine.onnx_nodes) == [node.strip("\x1e\x1f")[:-1] for node in nodes]
        for tensors, expected in (
            (mine.inputs, theirs["Inputs"]),
            (mine.outputs, theirs["Outputs"]),
        ):
            assert [tensor.name for tensor in tensors] == [tensor["Name"] for tensor in expected]
            assert [list(tensor.shape) for tensor in tensors] == [t["Dimensions"] for t in expected]
            for tensor, other in zip(tensors, expected, strict=True):
                if "dynamic" not in other["Format/Datatype"]:
                    assert tensor.dtype in other["Format/Datatype"].upper()
