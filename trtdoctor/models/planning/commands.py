"""A plan as commands and code for tools that convert or build by themselves.

AutoCast's options are those of NVIDIA Model Optimizer 0.27 to 0.47; trtexec's and the Python API's
those of TensorRT 8.5 to 10, and ``--stronglyTyped`` that of 9 and newer; Torch-TensorRT's those of
``py/torch_tensorrt/dynamo/_settings.py`` in pytorch/TensorRT (read on 2026-11-26).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...model.conversion_plan import KeptNode
from ...model.finding import Command, Remedy, to_run, to_write
from ...precision.remedies.quoting import join, literal, path_word, renamed

MOST_NODES = 50
"""With more names a command is none that anybody would read; the converted model is."""
IN_BUILD = "the script that builds, TensorRT 8.5 to 10"
IN_TORCH = "the script that calls torch_tensorrt.compile"
# By operator, since nodes have other names there: those that a whole model can do without in FP16.
_ATEN = {
    "Pow": "pow.Tensor_Scalar",
    "Exp": "exp.default",
    "Sqrt": "sqrt.default",
    "ReduceMean": "mean.dim",
    "ReduceSum": "sum.dim_IntList",
    "CumSum": "cumsum.default",
    "Softmax": "_softmax.default",
    "Log": "log.default",
    "Sin": "sin.default",
    "Cos": "cos.default",
    "Reciprocal": "reciprocal.default",
}


def remedies(
    model: str, converted: str | None, keep: Sequence[KeptNode], named: frozenset[str]
) -> tuple[Remedy, ...]:
    """What to run or write, each for one tool and its releases.

    Args:
        model: The path of the user's model.
        converted: The path of the converted one, where it was written.
        keep: The nodes that stay in FP32.
        named: Labels that are names of nodes, which a pin or a pattern can mean.
    """
    found: list[Remedy] = []
    if converted is not None:
        words = ("trtexec", f"--onnx={path_word(converted)}", "--stronglyTyped")
        engine = renamed(path_word(converted), ".engine")
        command = join((*words, f"--saveEngine={engine}"))
        text = "Build the converted model, which tells each type (TensorRT 9 and newer):"
        found.append(Remedy(text=text, commands=to_run(command)))
    labels = [node.label for node in keep]
    if len(labels) > MOST_NODES or not set(labels) <= named:
        return tuple(found)
    text = "Convert with AutoCast of NVIDIA ModelOpt:"
    found.append(Remedy(text=text, commands=to_run(_autocast(model, labels))))
    text = "Have the builder choose, and pin these (TensorRT 8.5 to 10, weakly typed):"
    found.append(Remedy(text=text, commands=_weakly_typed(model, labels)))
    if targets := sorted({_ATEN[node.op] for node in keep if node.op in _ATEN}):
        listed = ", ".join(f"torch.ops.aten.{target}" for target in targets)
        text = "Give Torch-TensorRT all operators of these kinds, with enable_autocast=True:"
        line = f"autocast_excluded_ops = {{{listed}}}"
        found.append(Remedy(text=text, commands=to_write(line, where=IN_TORCH)))
    return tuple(found)


def _autocast(model: str, labels: Sequence[str]) -> str:
    words = ["python", "-m", "modelopt.onnx.autocast", "--onnx_path", path_word(model)]
    words += ["--output_path", renamed(path_word(model), ".autocast.onnx")]
    words += ["--low_precision_type", "fp16"]
    if labels:
        words += ["--nodes_to_exclude", *(f"{re.escape(label)}$" for label in labels)]
    return join(tuple(words))


def _weakly_typed(model: str, labels: Sequence[str]) -> tuple[Command, ...]:
    words = ["trtexec", f"--onnx={path_word(model)}", "--fp16"]
    engine = f"--saveEngine={renamed(path_word(model), '.pinned.engine')}"
    if not labels:
        return to_run(join((*words, engine)))
    # These separate names in trtexec's list, and * stands for any.
    if not any(mark in label for label in labels for mark in ",:*"):
        pins = ",".join(f"{label}:fp32" for label in labels)
        words += ["--precisionConstraints=obey", f"--layerPrecisions={pins}"]
        return to_run(join((*words, engine)))
    names = ", ".join(literal(label) for label in labels)
    return to_write(
        "config.set_flag(trt.BuilderFlag.FP16)",
        "config.set_flag(trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS)",
        f"keep = {{{names}}}",
        "layers = (network.get_layer(i) for i in range(network.num_layers))",
        "pinned = [layer for layer in layers if layer.name in keep]",
        "for layer in pinned: layer.precision = trt.float32",
        where=IN_BUILD,
    )
