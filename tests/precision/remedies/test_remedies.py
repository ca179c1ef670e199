"""Remedies for every cause, release and tool: only options that exist, only gains that were solved."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trtdoctor.cli.explain import command as explain
from trtdoctor.knowledge import Knowledge
from trtdoctor.model.cause import Cause
from trtdoctor.model.engine import IOTensor, ShapeRange
from trtdoctor.model.finding import Command, Tool
from trtdoctor.model.typing import Typing
from trtdoctor.precision.log import NetworkFormat, NetworkIo
from trtdoctor.precision.numbers import Cleared, Kept
from trtdoctor.precision.remedies import (
    BuildTool,
    Given,
    RemedyContext,
    missing_evidence,
    remedy_for,
    shell,
)

K = Knowledge.load()
VERSIONS = [
    "8.0.3",
    "8.2.1",
    "8.4.1",
    "8.5.1",
    "8.5.3",
    "8.6.0.12",
    "8.6.1",
    "9.3.0",
    "10.0.1",
    "10.1.0",
    "10.8.0",
    "10.12.0",
    "10.13.3",
    "10.14.1",
    "10.15.1",
    "10.16.1",
    "11.0.0",
    "11.1.0",
    "11.4.0.106",
]
RELEASES = [
    *(("tensorrt", version) for version in VERSIONS),
    *(("tensorrt-rtx", version) for version in ("1.0.0", "1.4.0.76", "1.7.1.116")),
]
WEAK = Cause.NOT_ENABLED, Cause.NEAR_TIE, Cause.PINNED, Cause.NETWORK_IO, Cause.TACTIC_MEMORY
# What a line of Python may use beside the names in the table.
PLAIN = {"path", "exists", "read", "write", "__class__", "os", "open", "map", "range", "int"}
CLASSES = {"Logger", "BuilderFlag", "Runtime", "ProfilingVerbosity", "LayerInformationFormat"}
CLASSES |= {"MemoryPoolType", "NetworkDefinitionCreationFlag", "DataType", "TensorFormat"}
CLASSES |= {"LayerType"}


def network_io(total_ms: float = 0.03410, sure: float = 1.0) -> NetworkIo:
    formats = (
        NetworkFormat(tensor="out", output=True, dtype="Half", layout="chw"),
        NetworkFormat(tensor="image", output=False, dtype="Half", layout="hwc8"),
    )
    return NetworkIo(
        formats=formats,
        total_ms=total_ms,
        saved_ms=0.04069 - total_ms,
        half=("c2 + c2_relu",),
        sure=sure,
    )


NOTHING = RemedyContext(
    product="tensorrt",
    version=None,
    typing=Typing.UNKNOWN,
    tool=BuildTool.UNKNOWN,
    command=(),
    model=None,
    engine=None,
    fp16_allowed=None,
    allowed=(),
    detailed=None,
    have=frozenset(),
    files=(),
    inputs=(),
    outputs=(),
    shapes=(),
    plan_ms=None,
    pinned=(),
    avg_timing=None,
    layer=None,
    network_layers=(),
    onnx_nodes=(),
    casts=(),
    lowering=None,
    fragile=None,
    fragile_named=False,
    wide_io=None,
    fp16_edges=False,
    attention=None,
    network_io=None,
    margin_ms=None,
    tactic_bytes=None,
)
FULL = replace(
    NOTHING,
    model="nets/seg net.onnx",
    engine="out/seg.plan",
    layer="c2 + c2_relu",
    network_layers=("c2", "c2_relu"),
    onnx_nodes=("/c2/Conv", "/c2/Relu"),
    casts=("/Cast_1",),
    fragile=(),
    fragile_named=True,
    wide_io=(),
    lowering=Cleared(nodes=("/c2/Conv",)),
    inputs=(
        IOTensor(name="ids", mode="input", dtype="INT32"),
        IOTensor(name="image", mode="input", dtype="FP32"),
    ),
    outputs=(IOTensor(name="out", mode="output", dtype="FP32"),),
    shapes=(
        ("ids", ShapeRange(min=(1, 8), opt=(4, 8), max=(8, 8))),
        ("image", ShapeRange(min=(1, 3, 8, 8), opt=(4, 3, 8, 8), max=(8, 3, 8, 8))),
    ),
    network_io=network_io(),
    plan_ms=0.04069,
    margin_ms=0.00143,
    pinned=("c2",),
    tactic_bytes=4608 * 2**20 - 1,
    fp16_allowed=True,
)


# Marks lines of Python among those of a shell.
IN_SCRIPT = "  # in Python"


def lines_of(commands: Iterable[Command]) -> tuple[str, ...]:
    """Each line for a shell, and each script as one."""
    return tuple(
        line
        for command in commands
        for line in (
            ("\n".join(command.lines) + IN_SCRIPT,)
            if command.tool is Tool.PYTHON
            else command.lines
        )
    )


def texts(cause: Cause, context: RemedyContext) -> tuple[str, ...]:
    remedy = remedy_for(cause, context, knowledge=K)
    return () if remedy is None else lines_of(remedy.commands)


def everything(context: RemedyContext) -> Iterator[str]:
    for cause in Cause:
        yield from texts(cause, context)
    for have in (frozenset[Given](), frozenset({Given.LOG}), frozenset({Given.LAYERS})):
        for detailed in (None, True):
            for _, command in missing_evidence(
                have, replace(context, detailed=detailed), knowledge=K
            ):
                yield from lines_of((command,))


def rows(table: str, product: str, version: str) -> set[str]:
    _, newest = K.covered(table, product)
    major = newest.split(".")[0]
    past = version.split(".")[0] == major and _key(version) > _key(newest)
    asked = newest if past else version
    if _key(asked) < _key(K.covered(table, product)[0]):
        asked = K.covered(table, product)[0]
    return {row.option for row in K.tool_options(table, product, asked)}


def _key(version: str) -> list[int]:
    return [int(part) for part in version.split(".")[:2]]


def assert_known(command: str, product: str, version: str) -> None:
    """Every option and every name in a command is in the table of that release."""
    if command.endswith(IN_SCRIPT):
        tree = ast.parse(command.removesuffix(IN_SCRIPT))
        api = rows("python_build_api", product, version)
        known = {part for name in api for part in name.split(".")} | PLAIN
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                assert node.attr in known, (node.attr, command)
                if isinstance(node.value, ast.Attribute) and node.value.attr in CLASSES:
                    assert f"{node.value.attr}.{node.attr}" in api, command
        return
    words = shlex.split(command.partition(" > ")[0])
    table, owner, release = {
        "trtexec": ("trtexec_options", "tensorrt", version),
        "tensorrt_rtx": ("tensorrt_rtx_options", "tensorrt-rtx", version),
        "polygraphy": ("polygraphy_options", "polygraphy", "0.49.27"),
        "python": ("autocast_options", "nvidia-modelopt", "0.46.0"),
        "trtdoctor": ("", "", ""),
    }[words[0]]
    if words[0] in ("trtexec", "tensorrt_rtx"):
        assert owner == product
    options = {w.partition("=")[0] for w in words[1:] if w.startswith("-")} - {"-m"}
    known = rows(table, owner, release) if table else {p.opts[0] for p in explain.params}
    assert options <= known, (options - known, command)


@pytest.mark.parametrize("tool", list(BuildTool), ids=lambda t: t.value)
@pytest.mark.parametrize(("product", "version"), RELEASES)
def test_every_option_is_in_the_table_of_that_release(
    product: str, version: str, tool: BuildTool
) -> None:
    for typing in (Typing.UNKNOWN, Typing.WEAK, Typing.STRONG):
        if product == "tensorrt-rtx" and typing is Typing.WEAK:
            continue
        context = replace(FULL, product=product, version=version, tool=tool, typing=typing)
        for command in everything(context):
            assert_known(command, product, version)
            assert not re.search(r"<\w+>|\bYOUR|\.\.\.|model\.onnx|\bNone\b", command), command
            assert "\n" not in command or command.endswith(IN_SCRIPT)


@pytest.mark.parametrize("tool", list(BuildTool), ids=lambda t: t.value)
def test_where_the_release_is_unknown_options_exist_in_all_that_are_possible(
    tool: BuildTool,
) -> None:
    for cause in WEAK:
        commands = texts(cause, replace(FULL, tool=tool))
        assert commands, cause
        for command in commands:
            for version in ("8.5.1", "8.6.1", "10.0.1", "10.16.1"):
                assert_known(command, "tensorrt", version)
    for command in texts(Cause.GRAPH_SAYS_FP32, replace(FULL, tool=tool)):
        for version in ("10.0.1", "10.16.1", "11.1.0"):
            assert_known(command, "tensorrt", version)


@pytest.mark.parametrize("version", ["12.0", "10", "nonsense", "", "7.2.1"])
def test_a_release_that_no_table_knows_is_unknown(version: str) -> None:
    for tool in BuildTool:
        for command in everything(replace(FULL, version=version, tool=tool)):
            if command.startswith("trtexec"):
                weak = not version.startswith("12") and "--stronglyTyped" not in command
                assert not (weak and "--skipInference" in command)


def test_without_any_name_there_is_still_a_command() -> None:
    for cause in Cause:
        remedy_for(cause, NOTHING, knowledge=K)
    (command, line) = texts(Cause.NOT_ENABLED, NOTHING)
    assert command == "trtexec --onnx=model.onnx --fp16 --saveEngine=model.fp16.engine"
    assert line.startswith("config.set_flag(trt.BuilderFlag.FP16)")


@pytest.mark.parametrize(("product", "version"), RELEASES)
def test_the_users_own_files_are_never_overwritten(product: str, version: str) -> None:
    for tool in BuildTool:
        context = replace(FULL, product=product, version=version, tool=tool)
        for command in everything(context):
            for written in re.findall(r"--saveEngine=(\S+)|-o (\S+)|> (\S+)", command):
                assert not set(written) & {FULL.engine, FULL.model}


# Worlds ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "version"), [("tensorrt", "11.4.0.106"), ("tensorrt-rtx", "1.7.1.116")]
)
def test_where_there_is_no_fp16_flag_none_is_told(product: str, version: str) -> None:
    for tool in BuildTool:
        for command in everything(replace(FULL, product=product, version=version, tool=tool)):
            assert "--fp16" not in command and "BuilderFlag.FP16" not in command
            assert "trtexec" not in command or product == "tensorrt"
    commands = texts(Cause.GRAPH_SAYS_FP32, replace(FULL, product=product, version=version))
    assert commands[0].startswith(
        "python -m modelopt.onnx.autocast --onnx_path 'nets/seg net.onnx'"
    )


def test_a_cause_of_the_other_world_has_no_remedy() -> None:
    for cause in (Cause.NOT_ENABLED, Cause.PINNED, Cause.NEAR_TIE, Cause.FASTER_IN_FP32):
        assert remedy_for(cause, replace(FULL, version="11.0.0"), knowledge=K) is None
    for cause in (Cause.GRAPH_SAYS_FP32, Cause.CAST_ISLAND):
        assert remedy_for(cause, replace(FULL, version="8.6.1"), knowledge=K) is None


# Gains -------------------------------------------------------------------------------------------

GAIN = re.compile(r"(\d+\.\d+) us instead of (\d+\.\d+) us, (\d+\.\d+) us less")


@settings(max_examples=60, deadline=None)
@given(
    plan=st.none() | st.floats(0.01, 0.9),
    io=st.none() | st.builds(network_io, st.floats(0.01, 0.9), st.floats(0, 1)),
    release=st.sampled_from(RELEASES),
    cause=st.sampled_from(list(Cause)),
)
def test_a_gain_is_the_difference_of_two_solved_plans(
    plan: float | None,
    io: NetworkIo | None,
    release: tuple[str, str],
    cause: Cause,
) -> None:
    product, version = release
    context = replace(FULL, product=product, version=version)
    context = replace(context, plan_ms=plan, network_io=io)
    remedy = remedy_for(cause, context, knowledge=K)
    if remedy is None:
        return
    promised = GAIN.search(remedy.text)
    assert (" less;" in remedy.text) == (promised is not None)
    if promised is None:
        return
    assert "stimate" in remedy.text
    through_io = cause in (Cause.NETWORK_IO, Cause.CONVERSION_COSTS_MORE)
    assert through_io and io is not None
    after = io.total_ms
    assert plan is not None and after < plan
    assert promised.group(1) == f"{after * 1000:.2f}"
    assert promised.group(2) == f"{plan * 1000:.2f}"
    assert promised.group(3) == f"{(plan - after) * 1000:.2f}"


@pytest.mark.parametrize(
    "io",
    [
        None,
        network_io(total_ms=0.05),
        network_io(total_ms=0.04069),
        network_io(sure=0.5),
        msgspec.structs.replace(network_io(), half=("another",)),
    ],
)
def test_network_io_that_does_not_help_this_layer_is_no_remedy(io: NetworkIo | None) -> None:
    context = replace(FULL, version="8.6.1", network_io=io)
    assert remedy_for(Cause.NETWORK_IO, context, knowledge=K) is None
    accepted = remedy_for(Cause.CONVERSION_COSTS_MORE, context, knowledge=K)
    assert accepted is not None and accepted.commands == ()


def test_a_pin_on_what_fp16_breaks_is_kept() -> None:
    kept = Kept(reason="ReduceMean adds up more terms than FP16's range holds", norm=True)
    remedy = remedy_for(Cause.PINNED, replace(FULL, version="8.6.1", lowering=kept), knowledge=K)
    assert remedy is not None and remedy.commands == ()
    assert remedy.text.startswith("Keep the pin, because ReduceMean adds up")
    assert "LayerNormalization" in remedy.text


def test_every_command_comes_with_its_risk_or_its_reason() -> None:
    for product, version in RELEASES:
        for cause in set(Cause) - {Cause.UNKNOWN, Cause.INSIDE_FUSED_BLOCK, Cause.NEAR_TIE}:
            remedy = remedy_for(cause, replace(FULL, product=product, version=version), knowledge=K)
            if remedy is not None and remedy.commands and cause is not Cause.NO_FP16_KERNEL:
                assert "Risk:" in remedy.text, cause


# Lowering precision ------------------------------------------------------------------------------


@pytest.mark.parametrize("lowering", [None, Kept(reason="Pow grows"), Kept(reason="x", norm=True)])
def test_what_the_gate_does_not_clear_is_kept_without_a_command(lowering: Kept | None) -> None:
    context = replace(FULL, version="11.0.0", lowering=lowering)
    remedy = remedy_for(Cause.CAST_ISLAND, context, knowledge=K)
    assert remedy is not None and not remedy.commands and remedy.text.startswith("Keep it in FP32")
    assert ("LayerNormalization" in remedy.text) == (lowering is not None and lowering.norm)


def test_an_island_inside_one_fp16_kernel_needs_nothing() -> None:
    context = replace(FULL, version="11.0.0", fp16_edges=True)
    remedy = remedy_for(Cause.CAST_ISLAND, context, knowledge=K)
    assert remedy is not None and not remedy.commands and "no conversion" in remedy.text


def test_a_conversion_leaves_what_fp16_breaks_in_fp32() -> None:
    few = replace(FULL, version="11.0.0", fragile=(("/n/Pow", "Pow"), ("/n/Sqrt", "Sqrt")))
    assert "--nodes_to_exclude '/n/Pow$' '/n/Sqrt$'" in texts(Cause.GRAPH_SAYS_FP32, few)[0]
    many = replace(few, fragile=tuple((f"/n/{i}", "Pow") for i in range(60)))
    assert texts(Cause.GRAPH_SAYS_FP32, many)[0].endswith("--op_types_to_exclude Pow")


def test_no_cause_lowers_precision_by_a_list_of_nodes_of_an_unseen_model() -> None:
    for product, version in RELEASES:
        for tool in BuildTool:
            context = replace(FULL, product=product, version=version, tool=tool)
            context = replace(context, fragile=None, lowering=None)
            assert not any("autocast" in command for command in everything(context))


# Weight ranges -----------------------------------------------------------------------------------


def test_weight_ranges_are_no_cause() -> None:
    for row in K.causes():
        for field in ("title", "proof", "to_do"):
            assert not re.search(r"subnormal|weights? (range|are affected)", getattr(row, field))
    for cause in Cause:
        remedy = remedy_for(cause, replace(FULL, version="8.6.1"), knowledge=K)
        assert remedy is None or "subnormal" not in remedy.text
    assert {row.cause for row in K.causes()} == set(Cause)


# Names -------------------------------------------------------------------------------------------

ODD = ["a b", "it's", 'say "x"', "[0]/{1}", "$(rm)", "`id`", "a\nb", "a\x1b[31mb", "\u202ex", "-x"]
ODD += ["a;b", "a\\b", "é", "*", "a,b:c", "\udcff"]


def bash(command: str) -> list[bytes]:
    script = f"printf '%s\\0' {command}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    return done.stdout.split(b"\0")[:-1]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_reach_the_program_as_they_are(name: str) -> None:
    quoted = shell(name)
    assert quoted.isprintable()
    assert bash(quoted) == [name.encode("utf-8", "surrogateescape")]


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1))
def test_any_name_is_one_word(name: str) -> None:
    assert bash(shell(name)) == [name.encode()]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_in_every_command(name: str) -> None:
    odd = replace(
        FULL,
        model=name + ".onnx",
        engine=None,
        layer=name,
        network_layers=(name,),
        onnx_nodes=(name,),
        pinned=(name,),
        inputs=(IOTensor(name=name, mode="input", dtype="FP32"),),
        network_io=NetworkIo(
            formats=(NetworkFormat(tensor=name, output=False, dtype="Half", layout="chw"),),
            total_ms=0.03,
            saved_ms=0.01069,
            half=(name,),
            sure=1.0,
        ),
        shapes=((name, ShapeRange(min=(1, 8), opt=(4, 8), max=(8, 8))),),
    )
    for version in ("8.6.1", "10.16.1", "11.1.0"):
        for tool in BuildTool:
            context = replace(odd, version=version, tool=tool)
            for cause in Cause:
                remedy = remedy_for(cause, context, knowledge=K)
                for text in (remedy.text, *lines_of(remedy.commands)) if remedy else ():
                    assert all(line.isprintable() for line in text.split("\n")), text
                for command in lines_of(remedy.commands) if remedy else ():
                    if command.endswith(IN_SCRIPT):
                        ast.parse(command.removesuffix(IN_SCRIPT))
                    else:
                        assert len(bash(command.partition(" > ")[0])) > 1
            lines = texts(Cause.PINNED, context)
            assert not lines or ast.literal_eval(re.findall(r"in (\{.*?\}):\n", lines[0])[0]) == {
                name
            }


# The user's own command --------------------------------------------------------------------------

OWN = (
    "/usr/src/tensorrt/bin/trtexec",
    "--onnx=m.onnx",
    "--fp16",
    "--minShapes=x:1x8",
    "--optShapes=x:4x8",
    "--maxShapes=x:8x8",
    "--precisionConstraints=obey",
    "--layerPrecisions=c1:fp32,c2:fp32",
    "--memPoolSize=workspace:64,dlaSRAM:1",
    "--saveEngine=m.plan",
)


def test_the_users_own_options_stay() -> None:
    context = replace(
        FULL, version="8.6.1", tool=BuildTool.TRTEXEC, command=OWN, engine="m.plan", model="m.onnx"
    )
    for cause in (Cause.NEAR_TIE, Cause.PINNED, Cause.TACTIC_MEMORY, Cause.NETWORK_IO):
        (command,) = texts(cause, context)
        words = shlex.split(command)
        assert words[0] == OWN[0]
        assert {"--onnx=m.onnx", "--fp16", "--optShapes=x:4x8"} <= set(words)
        assert sum(word.startswith("--saveEngine=") for word in words) == 1
        assert len({w.partition("=")[0] for w in words}) == len(words)
    (command,) = texts(Cause.PINNED, context)
    assert "--layerPrecisions=c1:fp32" in shlex.split(command)
    (command,) = texts(Cause.TACTIC_MEMORY, context)
    assert "--memPoolSize=workspace:4608,dlaSRAM:1" in shlex.split(command)
    everything_pinned = replace(context, pinned=("c1", "c2"))
    (command,) = texts(Cause.PINNED, everything_pinned)
    assert "recision" not in command


def test_a_weak_users_flags_go_when_the_models_types_are_to_hold() -> None:
    context = replace(
        FULL, version="10.12.0", tool=BuildTool.TRTEXEC, command=OWN, typing=Typing.STRONG
    )
    words = shlex.split(texts(Cause.GRAPH_SAYS_FP32, context)[1])
    assert "--stronglyTyped" in words and "--optShapes=x:4x8" in words
    assert "--fp16" not in words and not any("recision" in word for word in words)
    assert "--onnx=nets/seg net.fp16.onnx" in words and "--onnx=m.onnx" not in words


# Goldens -----------------------------------------------------------------------------------------


def test_network_io_in_trtexec_names_all_inputs_in_their_order() -> None:
    context = replace(FULL, version="8.6.0.12", tool=BuildTool.TRTEXEC, shapes=())
    assert texts(Cause.NETWORK_IO, context) == (
        "trtexec '--onnx=nets/seg net.onnx' --fp16 --inputIOFormats=int32:chw,fp16:hwc8 "
        "--outputIOFormats=fp16:chw --skipInference --saveEngine=out/seg.io16.engine",
    )
    # Without the other inputs a list would be wrong; Python goes by names.
    lines = texts(Cause.NETWORK_IO, replace(context, inputs=()))
    assert lines[0].startswith("config.set_flag") and all("trtexec" not in x for x in lines)
    assert any("'image'" in x and "TensorFormat.HWC8" in x for x in lines)


def test_network_io_in_polygraphy() -> None:
    context = replace(FULL, version="10.12.0", tool=BuildTool.POLYGRAPHY, shapes=())
    assert texts(Cause.NETWORK_IO, context) == (
        "polygraphy convert 'nets/seg net.onnx' -o out/seg.io16.engine --fp16 --tensor-dtypes "
        "out:float16 image:float16 --tensor-formats 'out:[linear]' 'image:[hwc8]'",
    )


def test_an_fp32_model_on_rtx() -> None:
    context = replace(FULL, product="tensorrt-rtx", version="1.7.1.116", tool=BuildTool.TRTEXEC)
    assert texts(Cause.GRAPH_SAYS_FP32, context) == (
        "python -m modelopt.onnx.autocast --onnx_path 'nets/seg net.onnx' --output_path "
        "'nets/seg net.fp16.onnx' --low_precision_type fp16",
        "tensorrt_rtx '--onnx=nets/seg net.fp16.onnx' --minShapes=ids:1x8,image:1x3x8x8 "
        "--optShapes=ids:4x8,image:4x3x8x8 --maxShapes=ids:8x8,image:8x3x8x8 --skipInference "
        "--saveEngine=out/seg.fp16.engine",
    )


# Evidence ----------------------------------------------------------------------------------------


def test_nothing_is_missing_where_everything_is_there() -> None:
    everything_given = frozenset(Given)
    assert missing_evidence(everything_given, FULL, knowledge=K) == ()
    unknown = replace(FULL, have=everything_given)
    assert remedy_for(Cause.UNKNOWN, unknown, knowledge=K) is None


def test_log_and_layers_come_from_one_build() -> None:
    context = replace(FULL, version="8.5.3", tool=BuildTool.TRTEXEC, shapes=(), fp16_allowed=True)
    found = missing_evidence(frozenset(), context, knowledge=K)
    assert tuple((what, *one.lines) for what, one in found) == (
        (
            "verbose build log and detailed layers (with the other options of your own build)",
            "trtexec '--onnx=nets/seg net.onnx' --fp16 --verbose --profilingVerbosity=detailed "
            "--exportLayerInfo=out/seg.layers.json --buildOnly --saveEngine=out/seg.explain.engine "
            "> out/seg.build.log 2>&1",
        ),
        (
            "the time of each layer",
            "trtexec --loadEngine=out/seg.explain.engine --exportProfile=out/seg.profile.json "
            "--separateProfileRun",
        ),
        (
            "then explain it again with all of that",
            "trtdoctor explain out/seg.explain.engine --log out/seg.build.log "
            "--layers out/seg.layers.json --profile out/seg.profile.json --onnx 'nets/seg net.onnx'",
        ),
    )


def test_a_strongly_typed_build_needs_the_model_and_no_log() -> None:
    for product, version in (("tensorrt", "11.1.0"), ("tensorrt-rtx", "1.7.1")):
        context = replace(FULL, product=product, version=version)
        whats = [what for what, _ in missing_evidence(frozenset(), context, knowledge=K)]
        assert any("ONNX" in what for what in whats) and not any("log" in what for what in whats)


@pytest.mark.parametrize("version", ["7.2.1", "12.0.0"])
def test_no_line_reads_a_file_that_no_command_writes(version: str) -> None:
    for typing in (Typing.WEAK, Typing.STRONG, Typing.UNKNOWN):
        context = replace(FULL, version=version, typing=typing)
        found = lines_of(one for _, one in missing_evidence(frozenset(), context, knowledge=K))
        for word in (w for line in found if line.startswith("trtdoctor") for w in line.split()):
            made = "explain.engine" in word or word.endswith((".build.log", ".profile.json"))
            assert not made or any(word in line for line in found if line[:9] != "trtdoctor"), found


def test_a_detailed_engine_is_asked_and_not_built_again() -> None:
    context = replace(FULL, version="10.12.0", tool=BuildTool.TRTEXEC, detailed=True)
    context = replace(context, files=((Given.LOG, "my build.log"),))
    (found, then) = missing_evidence(frozenset(Given) - {Given.LAYERS}, context, knowledge=K)
    assert then[1].lines == (
        "trtdoctor explain out/seg.plan --log 'my build.log' --layers out/seg.layers.json "
        "--onnx 'nets/seg net.onnx'",
    )
    assert found[1].lines == (
        "trtexec --loadEngine=out/seg.plan --exportLayerInfo=out/seg.layers.json --skipInference",
    )


# FP16 for a whole network ------------------------------------------------------------------------

POW = (("/norm/Pow", "Pow"), ("/norm/ReduceMean", "ReduceMean"))
ALLOWING = (Cause.NOT_ENABLED, Cause.INT8_WITHOUT_FP16, Cause.TACTIC_MEMORY)


@pytest.mark.parametrize("tool", list(BuildTool), ids=lambda t: t.value)
@pytest.mark.parametrize("version", ["8.5.3", "8.6.1", "9.3.0", "10.0.1", "10.16.1"])
def test_allowing_fp16_keeps_what_it_would_break(version: str, tool: BuildTool) -> None:
    context = replace(FULL, version=version, typing=Typing.WEAK, tool=tool, fragile=POW)
    for cause in ALLOWING:
        remedy = remedy_for(cause, context, knowledge=K)
        assert remedy is not None and remedy.commands
        assert "keeps 2 nodes in FP32" in remedy.text and "Pow, ReduceMean" in remedy.text
        script = [c for c in lines_of(remedy.commands) if c.endswith(IN_SCRIPT)]
        assert not script or any("set_output_type" in c and "/norm/Pow" in c for c in script)
        for command in lines_of(remedy.commands):
            assert_known(command, "tensorrt", version)
            if command.startswith("trtexec"):
                words = shlex.split(command)
                assert "--precisionConstraints=prefer" in words
                for option in ("--layerPrecisions", "--layerOutputTypes"):
                    assert f"{option}=/norm/Pow:fp32,/norm/ReduceMean:fp32" in words


def test_pins_of_the_user_stay_beside_those_that_fp16_needs() -> None:
    command = ("trtexec", "--onnx=m.onnx", "--layerPrecisions=head:fp32", "--int8")
    command += ("--precisionConstraints=obey",)
    context = replace(FULL, version="8.6.1", tool=BuildTool.TRTEXEC, command=command, fragile=POW)
    (line,) = texts(Cause.NOT_ENABLED, context)
    words = shlex.split(line)
    assert "--layerPrecisions=head:fp32,/norm/Pow:fp32,/norm/ReduceMean:fp32" in words
    assert "--precisionConstraints=obey" in words and "--int8" in words
    assert sum(word.startswith("--precisionConstraints") for word in words) == 1


@pytest.mark.parametrize("name", ["a,b", "it's", "x*"])
def test_a_name_that_trtexec_cannot_take_is_pinned_in_python(name: str) -> None:
    context = replace(FULL, version="8.6.1", tool=BuildTool.TRTEXEC, fragile=((name, "Pow"),))
    lines = texts(Cause.NOT_ENABLED, context)
    assert lines and all(line.endswith(IN_SCRIPT) for line in lines)


@pytest.mark.parametrize(
    "context",
    [
        replace(FULL, fragile=tuple((f"/{n}/Pow", "Pow") for n in range(51))),
        replace(FULL, fragile=POW, fragile_named=False),
    ],
)
def test_what_no_command_can_keep_is_told_without_one(context: RemedyContext) -> None:
    for cause in ALLOWING:
        remedy = remedy_for(cause, replace(context, version="8.6.1"), knowledge=K)
        assert remedy is not None and remedy.commands == () and "must stay FP32" in remedy.text


def test_without_the_model_it_is_said_that_nothing_was_checked() -> None:
    for cause in ALLOWING:
        remedy = remedy_for(cause, replace(FULL, version="8.6.1", fragile=None), knowledge=K)
        assert remedy is not None and "was not checked: give the model (--onnx)" in remedy.text


@pytest.mark.parametrize(
    "cause", [Cause.PINNED, Cause.CONSTRAINT_NOT_HONOURED, Cause.TACTIC_MEMORY]
)
def test_no_remedy_pushes_what_fp16_breaks(cause: Cause) -> None:
    kept = Kept(reason="the result of Pow passes FP16's largest value", norm=True)
    remedy = remedy_for(cause, replace(FULL, version="8.6.1", lowering=kept), knowledge=K)
    assert remedy is not None and remedy.commands == () and "the result of Pow" in remedy.text


def test_network_tensors_that_fp16_cannot_hold_stay() -> None:
    context = replace(FULL, version="8.6.1", wide_io=(("image", "it holds ids"),))
    remedy = remedy_for(Cause.NETWORK_IO, context, knowledge=K)
    assert remedy is not None and remedy.commands == ()
    assert "image is not to become FP16, because it holds ids." in remedy.text
    unseen = remedy_for(Cause.NETWORK_IO, replace(context, wide_io=None), knowledge=K)
    assert unseen is not None and unseen.commands and "ids, times" in unseen.text


@pytest.mark.parametrize("version", ["7.2.1", "12.0.0"])
def test_past_the_tables_no_command_is_given_and_that_is_told(version: str) -> None:
    for tool in (BuildTool.TRTEXEC, BuildTool.UNKNOWN):
        for typing in (Typing.WEAK, Typing.STRONG):
            context = replace(FULL, version=version, tool=tool, typing=typing)
            for cause in Cause:
                remedy = remedy_for(cause, context, knowledge=K)
                assert remedy is None or not [
                    c for c in lines_of(remedy.commands) if not c.startswith("trtdoctor")
                ]
            cause = Cause.NOT_ENABLED if typing is Typing.WEAK else Cause.GRAPH_SAYS_FP32
            remedy = remedy_for(cause, context, knowledge=K)
            assert remedy is not None and f"the options of TensorRT {version} are" in remedy.text


@pytest.mark.parametrize(("version", "known"), [("10.9.0", False), ("10.10.0", True)])
def test_a_layout_that_trtexec_does_not_know_goes_into_python(version: str, known: bool) -> None:
    form = NetworkFormat(tensor="image", output=False, dtype="Half", layout="hwc16")
    io = msgspec.structs.replace(network_io(), formats=(form,))
    context = replace(FULL, version=version, tool=BuildTool.TRTEXEC, network_io=io)
    commands = texts(Cause.NETWORK_IO, context)
    assert commands
    assert all(command.startswith("trtexec") == known for command in commands)


def test_the_old_spelling_of_the_workspace_limit() -> None:
    for version, option in (
        ("8.2.1", "--workspace=4608"),
        ("8.4.1", "--memPoolSize=workspace:4608"),
    ):
        context = replace(FULL, version=version, tool=BuildTool.TRTEXEC)
        (line,) = texts(Cause.TACTIC_MEMORY, context)
        assert option in shlex.split(line)


# Commands that run -------------------------------------------------------------------------------


def fake_trt() -> tuple[MagicMock, dict[str, object]]:
    """TensorRT's module, and the names that a script that builds has, recording what is called."""
    trt = MagicMock()
    names = {name: getattr(trt, name) for name in ("builder", "network", "config", "parser")}
    network, config = names["network"], names["config"]
    network.num_layers = network.num_inputs = network.num_outputs = 2
    network.get_layer.return_value.num_outputs = 1
    names["builder"].create_network.return_value = network
    config.create_timing_cache.return_value.serialize.return_value = b""
    config.get_timing_cache.return_value.serialize.return_value = b""
    inspector = trt.Runtime.return_value.deserialize_cuda_engine.return_value
    inspector.create_engine_inspector.return_value.get_engine_information.return_value = "{}"
    return trt, {"trt": trt, **names}


def contexts() -> Iterator[tuple[str, str, RemedyContext]]:
    for product, version in RELEASES:
        for tool in BuildTool:
            for typing in (Typing.WEAK, Typing.STRONG):
                for fragile in ((), POW):
                    context = replace(FULL, product=product, version=version, tool=tool)
                    yield product, version, replace(context, typing=typing, fragile=fragile)


def test_every_script_runs_from_its_first_line_to_its_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/seg.plan").write_bytes(b"")
    scripts: set[tuple[str, ...]] = set()
    for _, _, context in contexts():
        given = [texts(cause, context) for cause in Cause]
        given.append(lines_of(c for _, c in missing_evidence(frozenset(), context, knowledge=K)))
        for commands in given:
            scripts.add(tuple(c.removesuffix(IN_SCRIPT) for c in commands if c.endswith(IN_SCRIPT)))
    assert len(scripts) > 10
    for script in scripts:
        trt, names = fake_trt()
        exec("\n".join(script), names)
        called = [str(call) for call in trt.mock_calls]
        built = [n for n, call in enumerate(called) if "build_serialized_network(" in call]
        for number, call in enumerate(called):
            before = re.match(r"call\.config\.(set_|create_)", call)
            assert not (before and built and number > built[0]), script


def test_every_command_reaches_its_program_as_it_is_written() -> None:
    commands = sorted(
        {
            command.partition(" > ")[0]
            for _, _, context in contexts()
            for command in everything(context)
            if not command.endswith(IN_SCRIPT)
        }
    )
    programs = {shlex.split(command)[0] for command in commands}
    assert programs == {"trtexec", "tensorrt_rtx", "polygraphy", "python", "trtdoctor"}
    fakes = "\n".join(f"{p}() {{ printf '%s\\n' {p} \"$@\" .; }}" for p in sorted(programs))
    said = subprocess.run(
        ["bash", "-c", "\n".join([fakes, *commands])], capture_output=True, text=True, check=True
    )
    assert said.stderr == ""
    written = [[*shlex.split(command), "."] for command in commands]
    assert said.stdout.splitlines() == [word for words in written for word in words]


# The user's own command --------------------------------------------------------------------------

RICH = (
    "trtexec --onnx=seg.onnx --int8 --bf16 --minShapes=x:1x8 --optShapes=x:4x8 --maxShapes=x:8x8 "
    "--staticPlugins=libp.so --setPluginsToSerialize=libp.so --memPoolSize=workspace:64 "
    "--calib=c.cache --sparsity=enable --useDLACore=0 --allowGPUFallback --tacticSources=-CUDNN "
    "--builderOptimizationLevel=5 --hardwareCompatibilityLevel=ampere+ --versionCompatible "
    "--stripWeights --refit --timingCacheFile=t.cache --exportLayerInfo=l.json "
    "--exportProfile=p.json --saveEngine=seg.fp16.engine"
)


def test_a_rich_command_keeps_its_options_and_loses_no_file() -> None:
    context = replace(
        FULL,
        version="10.12.0",
        typing=Typing.WEAK,
        tool=BuildTool.TRTEXEC,
        command=tuple(RICH.split()),
        engine=None,
        model="seg.onnx",
    )
    own = {word.partition("=")[0]: word for word in RICH.split()[1:]}
    files = {"--timingCacheFile", "--exportLayerInfo", "--exportProfile", "--saveEngine"}
    for cause in (Cause.NOT_ENABLED, Cause.NEAR_TIE, Cause.TACTIC_MEMORY, Cause.UNKNOWN):
        (line, *_) = texts(cause, context)
        words = shlex.split(line.partition(" > ")[0])
        given = {word.partition("=")[0]: word for word in words[1:]}
        assert set(own) <= set(given), cause
        changed = {option for option in own if given[option] != own[option]}
        assert changed - files <= {"--memPoolSize"} and files <= changed, cause


@pytest.mark.parametrize(
    ("pins", "kept"),
    [
        ("*:fp32", None),
        ("*:fp32,*c2*:fp32,head:fp32", "head:fp32"),
        ("c*:fp32,head:fp32", "head:fp32"),
        ("'c2':fp32,head:fp32", "head:fp32"),
        ("*:fp16,c2:fp32", "*:fp16"),
    ],
)
def test_a_pin_with_a_wildcard_is_taken_away(pins: str, kept: str | None) -> None:
    command = (
        "trtexec",
        "--onnx=m.onnx",
        f"--layerPrecisions={pins}",
        "--precisionConstraints=obey",
    )
    context = replace(FULL, version="8.6.1", tool=BuildTool.TRTEXEC, command=command)
    (line,) = texts(Cause.PINNED, context)
    found = [w for w in shlex.split(line) if w.startswith("--layerPrecisions")]
    assert found == ([] if kept is None else [f"--layerPrecisions={kept}"])


def test_what_the_build_allowed_stays_allowed_without_its_command() -> None:
    for tool in (BuildTool.TRTEXEC, BuildTool.POLYGRAPHY):
        context = replace(FULL, version="8.6.1", tool=tool, allowed=("INT8", "FP16"))
        (line,) = texts(Cause.NEAR_TIE, context)
        words = shlex.split(line)
        assert words.count("--int8") == 1 and words.count("--fp16") == 1


def test_another_kind_of_model_gets_no_onnx_beside_it() -> None:
    command = ("trtexec", "--deploy=net.prototxt", "--output=prob", "--int8")
    context = replace(FULL, version="8.5.1", tool=BuildTool.TRTEXEC, command=command)
    (line,) = texts(Cause.NOT_ENABLED, context)
    assert "--deploy=net.prototxt" in line and "--onnx" not in line


@pytest.mark.parametrize(
    ("name", "tool"), [("a,b", BuildTool.TRTEXEC), ("-x", BuildTool.POLYGRAPHY)]
)
def test_no_build_goes_without_the_shapes_that_its_tool_cannot_express(
    name: str, tool: BuildTool
) -> None:
    shape = ShapeRange(min=(1, 8), opt=(4, 8), max=(8, 8))
    context = replace(FULL, version="8.6.1", tool=tool, shapes=((name, shape),))
    for line in texts(Cause.NOT_ENABLED, context):
        assert line.endswith(IN_SCRIPT)


def test_options_that_no_evidence_shows_are_asked_for() -> None:
    own = ("trtexec", "--onnx=m.onnx")
    for tool in BuildTool:
        context = replace(FULL, version="10.12.0", tool=tool)
        for cause, typing in ((Cause.NOT_ENABLED, Typing.WEAK), (Cause.CAST_ISLAND, Typing.STRONG)):
            asked = [
                "Add the other options of your own build." in remedy.text
                for command in ((), own)
                if (remedy := remedy_for(cause, replace(context, typing=typing, command=command)))
            ]
            assert asked == [True, False]


@pytest.mark.parametrize("typing", [Typing.UNKNOWN, Typing.STRONG])
def test_a_type_that_may_come_from_the_model_becomes_no_flag(typing: Typing) -> None:
    context = replace(FULL, version="10.12.0", typing=typing, allowed=("FP8", "INT8"))
    context = replace(context, fp16_allowed=None)
    for line in lines_of(one for _, one in missing_evidence(frozenset(), context, knowledge=K)):
        assert "--fp8" not in line and "--int8" not in line
