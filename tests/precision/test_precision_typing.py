"""Who decides precision: one rule for each kind of evidence, and unknown where it ends."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import msgspec
import pytest

from trtdoctor.knowledge import Knowledge
from trtdoctor.model.facts import Attempt, Ending, ModuleImport
from trtdoctor.model.typing import Typing
from trtdoctor.precision.typing import (
    typing_of_build,
    typing_of_engine,
    typing_of_module,
    typing_of_release,
)
from trtdoctor.readers.buildlog import Note, NoteKind, parse_build_log

K = Knowledge.load()
WEAK, STRONG, BOTH, UNKNOWN = Typing.WEAK, Typing.STRONG, Typing.BOTH, Typing.UNKNOWN
TIME = "[11/22/2026-06:00:00]"
LOG = Path(__file__).parents[1] / "data" / "buildlog" / "trt86-cnn.noflag.log.gz"


# Modules -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("precisions", "network", "typing"),
    [
        (("FP16", "INT8", "TF32"), ("EXPLICIT_BATCH",), WEAK),
        (("FP16", "TF32"), (), WEAK),
        (("FP16", "BF16", "TF32"), ("EXPLICIT_BATCH", "STRONGLY_TYPED"), BOTH),
        (("TF32",), ("STRONGLY_TYPED",), STRONG),
        ((), ("STRONGLY_TYPED",), STRONG),
        ((), None, STRONG),
        (("FP16",), None, UNKNOWN),
        (None, ("STRONGLY_TYPED",), UNKNOWN),
    ],
)
def test_a_module_by_its_flags(
    precisions: tuple[str, ...] | None, network: tuple[str, ...] | None, typing: Typing
) -> None:
    returned = Attempt(ending=Ending.RETURNED)
    module = ModuleImport(
        module="tensorrt", attempt=returned, precision_flags=precisions, network_flags=network
    )
    assert typing_of_module(module) is typing


def test_a_module_whose_import_failed_tells_nothing() -> None:
    died = Attempt(ending=Ending.SIGNAL, detail="SIGSEGV")
    assert typing_of_module(ModuleImport(module="tensorrt", attempt=died)) is UNKNOWN


# Releases and engines ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "version", "release", "engine"),
    [
        ("tensorrt", "5.0.6.3", WEAK, WEAK),
        ("tensorrt", "7.2.3.4", WEAK, WEAK),
        ("tensorrt", "8", WEAK, WEAK),
        ("tensorrt", "8.6.1.6", WEAK, WEAK),
        ("tensorrt", "9.0.1", BOTH, UNKNOWN),
        ("tensorrt", "10.16.1.11", BOTH, UNKNOWN),
        ("tensorrt", "11.0.0.114", STRONG, STRONG),
        ("tensorrt", "11.5.0.1", STRONG, STRONG),
        ("tensorrt-rtx", "1.0.0.21", STRONG, STRONG),
        ("tensorrt-rtx", "1.7.1.116", STRONG, STRONG),
        # Past either end of the table, between its rows, and what is no release.
        ("tensorrt", "4.0.1", UNKNOWN, UNKNOWN),
        ("tensorrt", "10.17", UNKNOWN, UNKNOWN),
        ("tensorrt", "11.6", UNKNOWN, UNKNOWN),
        ("tensorrt", "12.0.0.1", UNKNOWN, UNKNOWN),
        ("tensorrt-rtx", "1.8", UNKNOWN, UNKNOWN),
        ("tensorrt-rtx", "2.0", UNKNOWN, UNKNOWN),
        ("tensorrt", "10", UNKNOWN, UNKNOWN),
        ("tensorrt", "nonsense", UNKNOWN, UNKNOWN),
        ("tensorrt", None, UNKNOWN, UNKNOWN),
        ("tensorrt-llm", "1.0", UNKNOWN, UNKNOWN),
        (None, "8.6", UNKNOWN, UNKNOWN),
    ],
)
def test_a_release_and_an_engine_by_the_table(
    product: str | None, version: str | None, release: Typing, engine: Typing
) -> None:
    assert typing_of_release(product, version, K) is release
    assert typing_of_engine(product, version, K) is engine


# Builds ------------------------------------------------------------------------------------------


def build(content: str) -> Typing:
    return typing_of_build(parse_build_log(io.BytesIO(content.encode())).build, K)


def log(version: int | None, banner: str | None, *, mixed: bool = False, named: bool = True) -> str:
    """A verbose log with one layer: trtexec's banner, then two candidates of one type or of two."""
    lines = []
    if version is not None:
        lines.append(f"&&&& RUNNING TensorRT.trtexec [TensorRT v{version}] # trtexec --onnx=m.onnx")
    if banner is not None:
        lines += [f"{TIME} [I] === Build Options ===", f"{TIME} [I] Precision: {banner}"]
    lines.append(f"{TIME} [V] [TRT] =============== Computing costs for {'conv' if named else ''}")
    for dtype, strides in (("Float", "64,8,8,1"), ("Half" if mixed else "Float", "64,1:8,8,8")):
        text = f"{dtype}({strides})"
        lines += [
            f"{TIME} [V] [TRT] *************** Autotuning format combination: {text} -> {text} "
            "***************",
            f"{TIME} [V] [TRT] --------------- Timing Runner: conv (CaskConvolution[0x80000009])",
            f"{TIME} [V] [TRT] Tactic Name: kernel Tactic: 0x0000000000000001 Time: 0.01",
            f"{TIME} [V] [TRT] Fastest Tactic: 0x0000000000000001 Time: 0.01",
        ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("content", "typing"),
    [
        # Two types of one layer were tried: only a weak builder does that, whatever else is told.
        (log(None, None, mixed=True), WEAK),
        (log(101201, "FP32+FP16", mixed=True), WEAK),
        (log(120000, None, mixed=True), WEAK),
        # Costs without a name are version 8's.
        (log(None, None, named=False), WEAK),
        (log(None, None), UNKNOWN),
        # Releases that know no strong typing.
        (log(7203, "FP32"), WEAK),
        (log(8601, None), WEAK),
        # From 9 on it is a choice, which the banner tells.
        (log(9200, "FP32"), WEAK),
        (log(9200, "Strongly Typed"), STRONG),
        (log(9200, None), UNKNOWN),
        (log(101201, "FP32"), WEAK),
        (log(101201, "FP32+FP16"), WEAK),
        (log(101601, "Strongly Typed"), STRONG),
        (log(101601, None), UNKNOWN),
        (log(None, "Strongly Typed"), STRONG),
        # Releases that know no weak typing; the banner still says FP32 there.
        (log(110000, None), STRONG),
        (log(110000, "FP32"), STRONG),
        (log(110500, "FP32"), STRONG),
        # Past the table a list of precisions proves nothing.
        (log(101700, "FP32"), UNKNOWN),
        (log(110600, "FP32"), UNKNOWN),
        (log(120000, "FP32"), UNKNOWN),
        (log(120000, "Strongly Typed"), STRONG),
        (log(None, "FP32"), UNKNOWN),
    ],
)
def test_a_build_by_its_log(content: str, typing: Typing) -> None:
    assert build(content) is typing


@pytest.mark.parametrize(
    ("message", "typing"),
    [
        ("Weakly-typed networks have been deprecated in TensorRT.", WEAK),
        ("Network created with kSTRONGLY_TYPED flag, so treating as error.", STRONG),
    ],
)
def test_a_build_by_what_the_builder_says(message: str, typing: Typing) -> None:
    note = Note(kind=NoteKind.TYPING, line=1, text=message)
    for content in (log(None, None), log(101601, None)):
        told = parse_build_log(io.BytesIO(content.encode())).build
        assert typing_of_build(msgspec.structs.replace(told, notes=(note,)), K) is typing


def test_a_real_log_of_8_is_weak_until_its_costs_have_names() -> None:
    content = gzip.decompress(LOG.read_bytes()).decode()
    assert build(content) is WEAK
    assert build(content.replace("Computing costs for ", "Computing costs for x")) is WEAK
    untold = content.replace("Loaded shared library", "")
    named = untold.replace("Computing costs for ", "Computing costs for x")
    assert build(named) is UNKNOWN
    assert build("&&&& RUNNING TensorRT.trtexec [TensorRT v110000]\n" + named) is STRONG
