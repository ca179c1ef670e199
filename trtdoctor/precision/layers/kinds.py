"""What TensorRT's layer types and Myelin's operation names stand for.

The types are those of the inspector and the build logs of TensorRT 8 to 10 and TensorRT-RTX 1.7;
a type that is not listed counts as computing, so that nothing leaves the shares unseen.
"""

from __future__ import annotations

import re
from math import prod

from trtdoctor.model.engine import Layer

MOVEMENT_TYPES = frozenset(
    {"noop", "reformat", "myelinreformat", "shuffle", "slice", "padding", "pad", "concat"}
    | {"concatenation", "copy", "copynode", "gather", "gatherv2", "gatherelements"}
    | {"gathernd", "scatter", "scatterelements", "scatternd", "split", "transpose", "reshape"}
    | {"squeeze", "unsqueeze", "flatten", "identity", "cast", "expand", "move", "memcpy"}
    | {
        "memset",
        "reversesequence",
        "signal",
        "signalandwait",
        "signalwait",
        "wait",
        "event",
        "trainstation",
        "hosttodevicecopy",
    }
    | {"devicetohostcopy", "quantize", "dequantize", "quantizev2", "dequantizev2"}
    | {"dynamicquantize", "loopoutput", "recurrence", "iterator", "conditionalinput"}
    | {"conditionaloutput", "ifconditionalinput", "ifconditionaloutput"}
)
CONSTANT_TYPES = frozenset({"constant", "fill", "weights"})
# What decides which layers run: loops, branches, and the jumps that TensorRT-RTX makes of them.
SHAPE_TYPES = frozenset(
    {"triplimit", "condition", "assertion", "assert", "jmp", "cjmp", "devicetoshapehost"}
)

_MATRIX = re.compile(
    r"conv|gemm|matmul|matrixmultiply|fullyconnected|correlation|attention|mha|einsum|lstm|gru|rnn|[shi]\d*cudnn"
    r"|^fc$|^dot$"
)
_MATRIX_TACTIC = re.compile(
    r"^_gemm_mha|_(?:implicit_)?gemm_|_[fdw](?:prop|grad)_|fmha|[shi]\d*cudnn_"
)
# Kernels for CUDA cores alone: TF32 is out of the question for them.
_CUDA_CORE_TYPES = frozenset({"cudadepthwiseconvolution", "fusedconvactconvolution"})

# Its name alone tells that a Scale layer of TensorRT 8.0 to 8.2 does no more than quantise.
_QUANTISING_NODE = re.compile(r"(?:.*/)?(?:De|de)?[Qq]uantizeLinear(?:_.*|:.*)?", re.DOTALL)

# Myelin names a generated kernel after its operations, four letters each (three up to 10.3).
_CHAIN = re.compile(r"^__myl_([A-Z][A-Za-z0-9_]*?)(?:_myl\d+_\d+|_0x[0-9a-f]+|_\d+)?(?: \[.*)?$")
_OP = re.compile(r"[A-Z][a-z0-9]*")
# Abbreviations that could stand for arithmetic too (Sca: scale, Squ: square) are left out.
_MOVING_OPS = frozenset(
    {"Move", "Mov", "Resh", "Res", "Tran", "Tra", "Slic", "Sli", "Conc", "Con", "Gath"}
    | {"Gat", "Scat", "Copy", "Cop", "Sque", "Unsq", "Uns", "Flat", "Fla", "Spli", "Spl"}
    | {"Tile", "Til", "Iden", "Ide", "Pad", "Reve", "Rev", "Repl", "Bcas", "Broa", "Perm"}
    | {"Cast", "Cas"}
)
_CASTS = frozenset({"Cast", "Cas"})
_SCALING_OPS = frozenset({"Mul", "Div"})
_QUANTISING_OPS = _SCALING_OPS | {
    "Min",
    "Max",
    "Roun",
    "Rou",
    "Clip",
    "Cli",
    "Quan",
    "Qua",
    "Dequ",
    "Deq",
}
ROUNDING_OPS = frozenset({"Roun", "Rou", "Quan", "Qua"})
_MATRIX_OPS = frozenset(
    {"Fc", "Gemm", "Gem", "Conv", "Corr", "Matm", "Mat", "Dot", "Mma", "Bmm", "Deco"}
)


def kind_of(layer: Layer) -> str:
    """The layer's type in lower case, without the separators that versions write differently."""
    return re.sub(r"[\s_-]", "", layer.type or "").lower()


def is_opaque(layer: Layer) -> bool:
    """Whether this is a whole fused region of which only the edges can be seen."""
    return kind_of(layer) in ("myelin", "foreignnode") or "{ForeignNode[" in layer.name


def is_plugin(layer: Layer) -> bool:
    """Whether a plugin computes this layer: then its tensors' types are all that is known."""
    return "plugin" in kind_of(layer)


def is_matrix(layer: Layer) -> bool:
    """Whether the layer multiplies matrices, so that TF32 and operand types matter."""
    if _MATRIX.search(kind_of(layer)):
        return True
    if layer.name.startswith("_gemm_mha") or _MATRIX_TACTIC.search(layer.tactic or ""):
        return True
    return any(op in _MATRIX_OPS for op in operations(layer))


def excludes_tf32(layer: Layer) -> bool:
    """Whether the layer's kernels are known not to use TF32."""
    return kind_of(layer) in _CUDA_CORE_TYPES


def is_generated(layer: Layer) -> bool:
    """Whether Myelin made the layer: its kernel may hold operations in more than one type."""
    return kind_of(layer) in ("kgen", "runtimefusion", "fusion") or bool(operations(layer))


def operations(layer: Layer) -> tuple[str, ...]:
    """The operations in a generated kernel's name, in its order; empty where it tells none."""
    for text in (layer.name, layer.tactic or ""):
        found = _CHAIN.match(text[:4096])
        if found:
            return tuple(_OP.findall(found.group(1)))
    return ()


def casts_at(ops: tuple[str, ...]) -> tuple[bool, bool, int]:
    """Whether a kernel's arithmetic has a cast before it and after it, and how many there are."""
    arithmetic = [i for i, op in enumerate(ops) if op not in _MOVING_OPS]
    casts = [i for i, op in enumerate(ops) if op in _CASTS]
    if not arithmetic or not casts:
        return False, False, len(casts)
    return casts[0] < arithmetic[0], casts[-1] > arithmetic[-1], len(casts)


def only_moves(layer: Layer) -> bool:
    """Whether every operation in a generated kernel's name moves or casts data.

    ``Res`` is a reshape or a resize; a resize changes the number of elements.
    """
    ops = operations(layer)
    if not ops or not all(op in _MOVING_OPS for op in ops):
        return False
    if "Res" in ops:
        counts = {
            prod(t.shape) for t in (*layer.inputs, *layer.outputs) if t.shape and min(t.shape) > 0
        }
        return len(counts) <= 1
    return True


def only_quantises(layer: Layer) -> bool:
    """Whether all that a layer does is to quantise or dequantise.

    A generated kernel's operations are then no more than one scaling, rounding and casts; a
    ``Scale`` layer, which TensorRT 8.0 to 8.2 quantise with, is named after such nodes alone.
    """
    if kind_of(layer) == "scale":
        return all(_QUANTISING_NODE.fullmatch(part) for part in layer.name.split(" + "))
    ops = operations(layer)
    if sum(op in _SCALING_OPS for op in ops) > 1:
        return False
    return bool(ops) and all(op in _QUANTISING_OPS or op in _MOVING_OPS for op in ops)
