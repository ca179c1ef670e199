"""What the name of a tactic (a kernel) tells of its arithmetic.

NVIDIA documents no kernel names. What is read here is the grammar of four families, as it shows in
the names that TensorRT 8.4 to 10.16 and the library of TensorRT-RTX 1.7 hold:

* XMMA, ``sm80_xmma_..._f32f32_tf32f32_f32_...``: stored input and output, then multiplied type and
  accumulator (a lone accumulator for CUDA-core kernels), then the epilogue's type.
* CUTLASS 3, ``cutlass3x_sm100_tensorop_s64x128x16gemm_f16_f16_f32_f16_f16_...``: A, B, accumulator.
* cuBLAS, cuDNN and CUTLASS 2, ``ampere_fp16_s16816gemm_fp16_...``: a letter for the accumulator,
  the tensor-core shape where there is one, the operands' type behind.
* Pooling, fused convolution and attention kernels, which spell the data type first.

A name that fits none of them, or tells two types, tells nothing.
"""

from __future__ import annotations

import re

from trtdoctor.model.base import Frozen
from trtdoctor.model.engine import Precision

_P = Precision
_TYPES: dict[str, Precision] = {
    "tf32": _P.TF32,
    "bf16": _P.BF16,
    "bfloat16": _P.BF16,
    "f16": _P.FP16,
    "fp16": _P.FP16,
    "half": _P.FP16,
    "f32": _P.FP32,
    "fp32": _P.FP32,
    "float": _P.FP32,
    "i8": _P.INT8,
    "s8": _P.INT8,
    "u8": _P.INT8,
    "int8": _P.INT8,
    "i4": _P.INT4,
    "s4": _P.INT4,
    "u4": _P.INT4,
    "int4": _P.INT4,
    "f8": _P.FP8,
    "fp8": _P.FP8,
    "e4m3": _P.FP8,
    "e5m2": _P.FP8,
    "e2m1": _P.FP4,
    "fp4": _P.FP4,
    "f4": _P.FP4,
}
_T = r"(tf32|bf16|f16|f32|i8|u8|i4|u4|e4m3|e5m2|e2m1|f64)"
_ACC = r"(?:f16|f32|f64|i32|bf16)"
_C3 = r"(tf32|bf16|f16|f32|f8|f4|s8|u8|s4|u4|e4m3|e5m2|e2m1|f64)"
_SEP = r"(?![a-z0-9])"

_XMMA = re.compile(rf"_{_T}{_T}_(?:{_T}{_ACC}|{_ACC})_{_ACC}{_SEP}")
_IMAGE = re.compile(rf"_(?:fprop|wgrad|dgrad)_{_T}{_T}{_ACC}{_SEP}")
# Block-scaled operands carry their scales' type in front: ue8m0xe4m3.
_SCALE = r"(?:ue\dm\dx)?"
_CUTLASS3 = re.compile(
    rf"^cutlass3x_sm\d+_(\w*?tensorop|simt)_\w*?_{_SCALE}{_C3}_{_SCALE}{_C3}_(?:f16|f32|f64|s32)_"
)
_LEGACY = re.compile(
    r"(?:^|_)(?:(?P<out>fp16|fp32|bf16|tf32|int8|f16|f32)(?:x\d)?_)?"
    r"(?P<acc>[shi])(?P<mma>884|1688|8816|16816|16832|16864|8832)?(?P<op>f16|bf16|tf32)?"
    r"(?P<kind>cudnn|gemm|fprop|dgrad|wgrad)"
    r"(?:_(?:optimized_|analytic_|few_channels_|fixed_channels_|relu_)?"
    r"(?P<operand>fp16|bf16|tf32|fp32|int8|f16|f32|s8|u8)(?:x\d)?)?(?![a-z0-9])"
)
_POOLING = re.compile(r"pooling\w*?_k?(?P<type>fp16|fp32|bf16|int8|half|float)(?![0-9])")
_FUSED = re.compile(r"fused_conv_act_(?P<type>fp16|fp32|bf16|int8)_")
_ATTENTION = re.compile(r"(?:mha|attention)\w*?_(?P<type>fp16|bf16|e4m3|e5m2|fp32|int8)_")
# A type right before its layout, as in depthwiseHMMA_FP16NHWCx8.
_LAYOUT = re.compile(r"(?P<type>fp16|bf16|fp32|int8)nd?(?:chw|hwc)")
_WORD = re.compile(
    r"(?<![a-z0-9])(?:__)?(tf32|bf16|bfloat16|fp16|half|fp32|float|int8|e4m3|e5m2|fp8)(?![a-z0-9])"
)
_STUB = re.compile(r"^(?:__mye|__myl|_gemm_mha|$)|_stub$")

_TENSOR_CORE = re.compile(
    r"16816|1688|8816|16832|(?<!\d)884(?!\d)|_(?:sp)?tensor\d+x\d+x\d+|hmma|imma|gmma|tensorop_"
    r"|warpgroupsize"
)
_CUDA_CORE = re.compile(
    r"simt|ffma|dp4a|scudnn|icudnn_int8x4|winograd|_hfma|pooling|(?<![a-z0-9])sgemm|_gemvx?_|_smalln_"
)


class TacticReading(Frozen, frozen=True, kw_only=True):
    """What one tactic's name tells.

    ``operand`` is the type that is multiplied, ``stored`` and ``output`` the types of input and
    output in memory, ``token`` the piece of the name that says so. ``stub`` marks names that stand
    for a kernel and tell nothing of it: TensorRT-RTX's and Myelin's. ``widened`` marks kernels that
    multiply 16-bit operands with FP32 instructions.
    """

    operand: Precision | None = None
    stored: Precision | None = None
    output: Precision | None = None
    token: str = ""
    stub: bool = False
    widened: bool = False


def read_tactic(name: str | None) -> TacticReading:
    """Reads a tactic's name; an absent or empty name is a stub."""
    text = (name or "").strip()[:4096].lower()
    if _STUB.search(text):
        return TacticReading(stub=True)
    for reader in (_xmma, _image, _cutlass3, _legacy, _spelled, _word):
        found = reader(text)
        if found is not None:
            return found
    return TacticReading()


def uses_tensor_cores(name: str | None) -> bool | None:
    """Whether a tactic runs on tensor cores; None where its name does not tell.

    Tensor cores take no FP32 operands, and FP8, FP4 and TF32 exist on them alone.
    """
    reading = read_tactic(name)
    if reading.operand in (_P.TF32, _P.FP8, _P.FP4):
        return True
    if reading.operand is _P.FP32:
        return False
    text = (name or "")[:4096].lower()
    tensor, cuda = bool(_TENSOR_CORE.search(text)), bool(_CUDA_CORE.search(text))
    return tensor if tensor != cuda else None


def _xmma(text: str) -> TacticReading | None:
    found = _XMMA.search(text)
    if found is None:
        return None
    stored, output, multiplied = found.groups()
    # FP16 data multiplied by FP32 instructions: products of FP16 values, as in an FP16 kernel with
    # an FP32 accumulator, only not on tensor cores.
    widened = multiplied == "f32" and stored in ("f16", "bf16")
    return TacticReading(
        operand=_TYPES.get(stored if widened else multiplied or stored),
        widened=widened,
        stored=_TYPES.get(stored),
        output=_TYPES.get(output),
        token=found.group(0).strip("_"),
    )


def _image(text: str) -> TacticReading | None:
    found = _IMAGE.search(text)
    if found is None:
        return None
    return TacticReading(
        operand=_TYPES.get(found.group(1)), token=found.group(0).partition("_")[2].split("_", 1)[-1]
    )


def _cutlass3(text: str) -> TacticReading | None:
    found = _CUTLASS3.search(text)
    if found is None:
        return None
    unit, first, second = found.groups()
    if first != second:
        return TacticReading()
    operand = _TYPES.get(first)
    if unit != "simt" and operand is _P.FP32:
        operand = _P.TF32
    return TacticReading(operand=operand, token=f"{unit} {first}_{second}")


def _legacy(text: str) -> TacticReading | None:
    found = _LEGACY.search(text)
    if found is None:
        return None
    told = found.group("operand") or found.group("op")
    operand = _TYPES.get(told) if told else None
    if operand is None:
        operand = {"h": _P.FP16, "i": _P.INT8}.get(found.group("acc"))
    if operand is None:
        # Single-precision accumulator and no operand type: FP32 on CUDA cores, TF32 as m16n8k8
        # since Ampere; Turing has that shape for FP16 alone.
        tf32 = None if "turing" in text else _P.TF32
        operand = {None: _P.FP32, "1688": tf32}.get(found.group("mma"))
    elif operand is _P.FP32 and found.group("mma"):
        operand = _P.TF32
    return TacticReading(operand=operand, token=found.group(0).strip("_"))


def _spelled(text: str) -> TacticReading | None:
    for pattern in (_POOLING, _FUSED, _ATTENTION):
        found = pattern.search(text)
        if found is not None:
            told = _TYPES.get(found.group("type"))
            return TacticReading(operand=told, token=found.group("type"))
    spelled = set(_LAYOUT.findall(text))
    if len(spelled) == 1:
        token = spelled.pop()
        return TacticReading(operand=_TYPES[token], token=token)
    return None


def _word(text: str) -> TacticReading | None:
    if "cutlass" in text or "xmma" in text:
        # These families have a grammar; a word in a name outside it may be a bias or an epilogue.
        return None
    words = set(_WORD.findall(text))
    types = {_TYPES[word] for word in words}
    if len(types) != 1:
        return None
    return TacticReading(operand=types.pop(), token=sorted(words)[0])
