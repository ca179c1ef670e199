"""Network tensors that FP16 cannot hold are known by what the model does with them."""

from __future__ import annotations

import pytest

from trtdoctor.precision.numbers import wide_tensors
from trtdoctor.readers.onnxmodel import OnnxFacts, OnnxNode, OnnxValue, TensorType

F, WHOLE = TensorType.FLOAT, TensorType.INT64


def model(*chain: tuple[str, TensorType]) -> OnnxFacts:
    """A chain of operators from the input ``v0`` on, each with the type of its result."""
    nodes = tuple(
        OnnxNode(label=f"/{op}", name=f"/{op}", op=op, inputs=(f"v{at}",), outputs=(f"v{at + 1}",))
        for at, (op, _) in enumerate(chain)
    )
    last = f"v{len(chain)}"
    return OnnxFacts(
        source="m.onnx",
        inputs=(OnnxValue(name="v0", type=F),),
        outputs=(OnnxValue(name=last, type=chain[-1][1]),),
        nodes=nodes,
        types={"v0": F} | {f"v{at + 1}": told for at, (_, told) in enumerate(chain)},
    )


@pytest.mark.parametrize(
    ("chain", "name", "why"),
    [
        ((("Cast", WHOLE), ("Gather", F)), "v0", "whole numbers"),
        ((("Unsqueeze", F), ("Cast", WHOLE), ("Gather", F)), "v0", "whole numbers"),
        ((("Floor", F), ("Conv", F)), "v0", "whole numbers"),
        ((("Unsqueeze", F), ("Mul", F), ("Sin", F), ("MatMul", F)), "v0", "sine"),
        ((("Conv", F), ("Exp", F)), "v2", "Exp"),
        ((("Conv", F), ("Pow", F), ("Reshape", F)), "v3", "Pow"),
    ],
)
def test_what_needs_more_than_fp16(
    chain: tuple[tuple[str, TensorType], ...], name: str, why: str
) -> None:
    ((found, reason),) = wide_tensors(model(*chain))
    assert found == name and why in reason


@pytest.mark.parametrize(
    "chain",
    [
        (("Conv", F), ("Relu", F)),
        (("Mul", F), ("Conv", F), ("Sin", F), ("Conv", F)),
        (("Conv", F), ("LayerNormalization", F)),
        (("Mul", F), ("Cast", TensorType.UINT8)),
    ],
)
def test_what_nothing_speaks_against(chain: tuple[tuple[str, TensorType], ...]) -> None:
    assert wide_tensors(model(*chain)) == ()
