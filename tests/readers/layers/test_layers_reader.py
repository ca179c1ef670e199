"""The reader on real files of TensorRT 8.5, 8.6, 10.16 and RTX 1.7, and on hand-made dialects."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import msgspec
import pytest

from trtdoctor.readers.layers import Dialect, FormatError, Verbosity, read_layers
from trtdoctor.readers.layers.dtypes import split_format
from trtdoctor.readers.layers.names import onnx_nodes, split_profile

DATA = Path(__file__).parents[2] / "data" / "layers"
CORPUS = Path(__file__).parents[4] / "shared" / "corpus"


def read(name: str):
    return read_layers((DATA / name).read_bytes())


def test_json_of_8_6_with_raw_control_characters():
    data = (DATA / "trt86.cnn.io16.layers.json").read_bytes()
    assert b"\x1e" in data
    with pytest.raises(ValueError):
        json.loads(data)
    file = read_layers(data)
    assert (file.dialect, file.verbosity) == (Dialect.INSPECTOR_JSON, Verbosity.DETAILED)
    assert [layer.type for layer in file.layers].count("CaskConvolution") == 4
    stem = file.layers[1]
    assert stem.onnx_nodes == ("stem", "stem_relu")
    assert (stem.weights.dtype, stem.weights.count) == ("FP16", 864)
    assert stem.inputs[0].dtype == "FP16"
    assert stem.inputs[0].format == "Channel major FP16 format where channel % 8 == 0"
    assert stem.inputs[0].shape == (1, 3, 64, 64)
    assert [(t.name, t.mode, t.dtype) for t in file.io] == [
        ("x", "input", "FP16"),
        ("y", "output", "FP16"),
    ]


def test_json_of_8_5_has_no_metadata():
    file = read("trt85.cnn.noflag.layers.json")
    assert len(file.layers) == 9
    assert not any(layer.onnx_nodes for layer in file.layers)


def test_dynamic_shapes_leave_types_untold():
    file = read("trt86.tiny.fp16.layers.json")
    tensor = file.layers[0].inputs[0]
    assert tensor.dtype is None
    assert tensor.format == "N/A due to dynamic shapes"
    assert tensor.shape == (-1, 8, 16, 16)


def test_names_only():
    file = read("trt86.tiny.names.layers.json")
    assert file.verbosity is Verbosity.NAMES
    assert [layer.name for layer in file.layers] == ["tc1 + tc1_relu", "tc2"]
    assert file.io is None
    assert file.io_names == ("x", "y")


def test_an_empty_file_is_verbosity_none():
    for data in (b"", b" \n"):
        file = read_layers(data)
        assert (file.layers, file.verbosity) == ((), Verbosity.NONE)
    assert read_layers(b'{"Layers": [], "Bindings": ["x"]}').verbosity is Verbosity.NONE


def test_oneline_text_of_tensorrt_rtx_with_two_profiles():
    file = read("rtx171.mlp_fp32.txt")
    assert file.dialect is Dialect.ONELINE
    assert [layer.profile for layer in file.layers] == [0, 0, 0, 0, 1, 1, 1, 1]
    fused = file.layers[1]
    assert fused.name == "__myl_FcAddRelu_myl0_1"
    assert fused.type == "runtime_fusion"
    assert fused.onnx_nodes == ("/fc1/Gemm", "/relu")
    assert fused.tactic is None
    assert fused.inputs[0].dtype == "FP32"
    assert fused.inputs[0].format == "(Linear) Row major linear format"
    assert (fused.weights.dtype, fused.weights.count) == ("FP32", 64 * 128)
    assert file.layers[2].tactic == "__myelin_CASK_STUB"
    assert [(t.name, t.mode, t.dtype, t.shape) for t in file.io] == [
        ("x", "input", "FP32", (-1, 64)),
        ("y", "output", "FP32", (-1, 32)),
    ]
    assert [p["x"].opt for p in file.profiles] == [(8, 64), (2, 64)]


def test_a_format_with_brackets_and_commas_inside():
    file = read("rtx171.attn_fp16.txt")
    formats = {t.format for layer in file.layers for t in layer.inputs}
    assert "(Arbitrary) Format with stride order = [1,2,0]" in formats


def as_json_11(name: str, **keys: str) -> str:
    """The JSON that TensorRT 11 documents, made from the same engine's text."""
    file = read(name)
    key = {"datatype": "Datatype", "format": "Format", "io": "I/O Tensors", **keys}

    def tensor(t):
        return {
            "Name": t.name,
            "Dimensions": list(t.shape or ()),
            key["datatype"]: t.dtype,
            key["format"]: t.format,
        }

    return json.dumps(
        {
            "Layers": [
                {
                    "Name": layer.name,
                    "LayerType": layer.type,
                    "Inputs": [tensor(t) for t in layer.inputs],
                    "Constants": [tensor(t) for t in layer.constants],
                    "Outputs": [tensor(t) for t in layer.outputs],
                    "TacticName": layer.tactic or "",
                    "Metadata": "\x1f".join(f"[ONNX Layer: {n}]" for n in layer.onnx_nodes),
                }
                for layer in file.layers
            ],
            key["io"]: [
                {
                    "Name": t.name,
                    "IOMode": t.mode.title(),
                    "DataType": t.dtype,
                    "Dimensions": list(t.shape),
                    "ProfileInfo": [
                        {"MinShape": p[t.name].min, "OptShape": p[t.name].opt}
                        | {"MaxShape": p[t.name].max, "Format": "Row major linear FP32 format"}
                        for p in file.profiles
                        if t.name in p
                    ],
                }
                for t in file.io
            ],
            "Engine Metadata": {"Multi-Device": "Disabled"},
        }
    )


@pytest.mark.parametrize("keys", [{}, {"datatype": "DataType", "io": "I/O tensors"}])
@pytest.mark.parametrize("name", ["rtx171.mlp_fp32.txt", "rtx171.attn_fp16.txt"])
def test_json_of_11_tells_the_same_as_the_text(name, keys):
    file = read_layers(as_json_11(name, **keys).encode())
    assert file.dialect is Dialect.INSPECTOR_JSON_11
    text = read(name)
    assert file.layers == text.layers
    assert (file.io, file.profiles) == (text.io, text.profiles)


def test_concatenated_layer_objects():
    whole = json.loads((DATA / "trt86.cnn.fp16.layers.json").read_text(), strict=False)["Layers"]
    expected = read("trt86.cnn.fp16.layers.json").layers
    for joined in ("".join, "\n".join, ",\n".join):
        file = read_layers(joined(json.dumps(o) for o in whole).encode())
        assert file.dialect is Dialect.LAYER_OBJECTS
        assert file.layers == expected
    array = "[" + ",".join(json.dumps(o) for o in whole) + ",]"
    assert read_layers(array.encode()).layers == expected
    assert read_layers(json.dumps(whole).encode()).layers == expected
    assert read_layers(json.dumps({"engine": {"Layers": whole}}).encode()).layers == expected
    names = "\n".join(json.dumps(o["Name"]) for o in whole)
    assert read_layers(names.encode()).verbosity is Verbosity.NAMES


def test_utf_16_and_byte_order_marks():
    text = (DATA / "trt86.tiny.fp16.layers.json").read_text()
    expected = read("trt86.tiny.fp16.layers.json").layers
    for encoding in ("utf-16", "utf-8-sig"):
        assert read_layers(text.encode(encoding)).layers == expected


def test_layer_lines_of_a_build_log():
    log = (
        "[11/22/2026-06:00:00] [V] [TRT] Tactic Name: sm80_xmma_gemm_f16f16_f16f16_f16_tn_n "
        "Tactic: 0x0000000000020a14 Time: 0.004\n"
        "[11/22/2026-06:00:00] [V] [TRT] Engine Layer Information:\n"
        "Layer(Constant): (Unnamed Layer* 3) [Constant], Tactic: 0x0000000000000000,  -> "
        "c (Float[1,10])\n"
        "Layer(CaskConvolution): PWN(a, b) + c, Tactic: 0x0000000000020a14, "
        "in 0 (Half[-1,32:8,14,14]), res (Int32[]) -> out (Half[-1,64:8,14,14]), o2 (Bool[2])\n"
        "[11/22/2026-06:00:00] [I] [TRT] done\n"
    )
    file = read_layers(log.encode())
    assert file.dialect is Dialect.BUILD_LOG
    constant, conv = file.layers
    assert (constant.name, constant.inputs) == ("(Unnamed Layer* 3) [Constant]", ())
    assert [t.name for t in constant.outputs] == ["c"]
    assert conv.name == "PWN(a, b) + c"
    assert [(t.name, t.dtype, t.shape) for t in conv.inputs] == [
        ("in 0", "FP16", (-1, 32, 14, 14)),
        ("res", "INT32", ()),
    ]
    assert [(t.name, t.dtype) for t in conv.outputs] == [("out", "FP16"), ("o2", "BOOL")]
    assert conv.tactic == "sm80_xmma_gemm_f16f16_f16f16_f16_tn_n"


def test_names_only_on_the_console():
    log = (
        "[11/22/2026-06:00:00] [I] Layer Information:\n[11/22/2026-06:00:00] [I] Layers:\n"
        "[CONVOLUTION]-[aten_ops.convolution.default]-[/conv] + [RELU]\nfc + relu [profile 1]\n\n"
        "Bindings:\nx\ny\n[11/22/2026-06:00:00] [I] \n"
    )
    file = read_layers(log.encode())
    assert (file.dialect, file.verbosity) == (Dialect.ONELINE, Verbosity.NAMES)
    assert [layer.name for layer in file.layers] == [
        "[CONVOLUTION]-[aten_ops.convolution.default]-[/conv] + [RELU]",
        "fc + relu [profile 1]",
    ]
    assert [layer.profile for layer in file.layers] == [0, 1]
    assert file.io_names == ("x", "y")


def test_layer_lines_of_tensorrt_7():
    line = "Layer(h884cudnn): conv + relu, Tactic: -349504, data[Half(3,-2,-2)] -> p[Float(64,1,1)]"
    (layer,) = read_layers(line.encode()).layers
    assert (layer.type, layer.name, layer.tactic_id) == ("h884cudnn", "conv + relu", "-349504")
    assert (layer.inputs[0].dtype, layer.outputs[0].dtype) == ("FP16", "FP32")


def test_layer_lines_behind_the_python_logger_of_tensorrt_7():
    log = (
        "[TensorRT] VERBOSE: Layer(PluginV2): NMS, Tactic: 0, a[Float(7668,1,1)] -> b[Float(1)]\n"
        "[TensorRT] VERBOSE: Layer(NoOp): n, Tactic: 0, b[Float(1)] -> c[Float(1)]\n"
    )
    assert [layer.name for layer in read_layers(log.encode()).layers] == ["NMS", "n"]


def test_constants_that_tensorrt_10_lists_among_the_inputs():
    line = (
        "Name: /fc/Gemm_myl9_4, LayerType: gemm, Inputs: [ { Name: x.1_4, Dimensions: [1,4096], "
        "Format/Datatype: Half }, { Name: __mye595_dconst, Dimensions: [4096,1000], "
        "Format/Datatype: Half }, { Name: __mye574/fc/Gemm_alpha, Dimensions: [1], "
        "Format/Datatype: Float }, { Name: bias _ Broadcast_6_constantHalf, Dimensions: [1,1000], "
        "Format/Datatype: Half }], Outputs: [ { Name: y, Dimensions: [1,1000], Format/Datatype: "
        "Half }], TacticName: t, StreamId: 0, Metadata: [ONNX Layer: /fc/Gemm]"
    )
    (layer,) = read_layers(line.encode()).layers
    assert [t.name for t in layer.inputs] == ["x.1_4"]
    assert len(layer.constants) == 3
    assert (layer.weights.dtype, layer.weights.count) == ("FP16", 4096 * 1000)


def test_the_last_engine_of_a_log_counts():
    one = (
        "[V] Engine Layer Information:\nLayer(NoOp): {}, Tactic: 0x0, a (Half[1]) -> b (Half[1])\n"
    )
    (layer,) = read_layers((one.format("old") + "[I] x\n" + one.format("new")).encode()).layers
    assert layer.name == "new"


def test_two_tactic_names_of_one_number_give_none():
    log = (
        "Tactic Name: kernel_a Tactic: 0x1 Time: 1\nTactic Name: kernel_b Tactic: 0x1 Time: 1\n"
        "Layer(Conv): c, Tactic: 0x1, a (Half[1]) -> b (Half[1])\n"
    )
    (layer,) = read_layers(log.encode()).layers
    assert layer.tactic is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"ftrt\0\0\0\0" + bytes(99), "serialised TensorRT engine"),
        (b"vtrt\0\0\0\0" + bytes(99), "TensorRT-RTX engine"),
        (b"\x08\x07\x12\x07pytorch\0\0\0", "binary"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"hello\n", "no TensorRT layer information"),
        (b'[{"count": 10}, {"name": "a", "timeMs": 1}]', "--profile"),
        (b'{"Layers": [{"Name": "a", ', "cut or damaged"),
        (b'{"foo": 1}', "something else"),
        (b"{" * 100_000, "cut or damaged"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[" * 100_000 + b"{", "nested too deeply"),
        (b'{"Layers": 1' + b"0" * 5000 + b"}", "number is too long"),
    ],
)
def test_what_it_is_instead(data, says):
    with pytest.raises(FormatError, match=says) as error:
        read_layers(data)
    assert len(str(error.value)) < 400


def test_lone_surrogates_do_not_break_encoding():
    file = read_layers(b'{"Layers": [{"Name": "a\\ud800", "LayerType": "NoOp"}, "\\udfff"]}')
    assert msgspec.json.encode(file)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Half", ("FP16", None)),
        ("BFloat16", ("BF16", None)),
        ("FP8", ("FP8", None)),
        ("kFP4", ("FP4", None)),
        ("Row major linear FP32", ("FP32", "Row major linear FP32")),
        (
            "Eight channel BF16 format (kHWC8) where C is padded to a multiple of 8",
            ("BF16", "Eight channel BF16 format (kHWC8) where C is padded to a multiple of 8"),
        ),
        (
            "Row major linear INT4 format (kLINEAR)",
            ("INT4", "Row major linear INT4 format (kLINEAR)"),
        ),
        ("N/A due to dynamic shapes", (None, "N/A due to dynamic shapes")),
        ("Float and Half", (None, "Float and Half")),
        ("", (None, None)),
    ],
)
def test_formats(text, expected):
    assert split_format(text) == expected


def test_names():
    assert split_profile("a [profile 2]") == ("a", 2)
    assert split_profile("/fc2/Gemm [profile 1]_myl1_2") == ("/fc2/Gemm_myl1_2", 1)
    assert split_profile("a [profile x]") == ("a [profile x]", 0)
    assert onnx_nodes("[ONNX Layer: a]\x1e[ONNX Layer: b[0]]\x1f[ONNX Layer: a]") == ("a", "b[0]")
    assert onnx_nodes("[ONNX Layer: a][ONNX Layer: b]") == ("a", "b")
    assert onnx_nodes("[ONNX Layer: a]\x1e[TRT Layer: t]\x1e[ONNX Layer: cut of") == ("a",)


def corpus(pattern: str) -> list[Path]:
    return sorted(CORPUS.glob(pattern)) if CORPUS.is_dir() else []


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the shared corpus is not here")
def test_log_and_json_of_the_same_build_agree():
    seen = 0
    for path in corpus("h100-trt8?/*/layers.json"):
        log = read_layers(gzip.decompress((path.parent / "build.log.gz").read_bytes()))
        json_file = read_layers(path.read_bytes())
        if json_file.verbosity is not Verbosity.DETAILED:
            continue
        assert [(a.name, a.type) for a in log.layers] == [
            (b.name, b.type) for b in json_file.layers
        ]
        for a, b in zip(log.layers, json_file.layers, strict=True):
            assert a.tactic in (None, b.tactic)
            assert a.tactic_id == b.tactic_id
            for s, t in zip((*a.inputs, *a.outputs), (*b.inputs, *b.outputs), strict=True):
                assert s.name == t.name
                assert t.dtype in (None, s.dtype)
                seen += 1
    assert seen > 200


PUBLIC = {
    "trex_resnet18_A100_fp16.graph.json": (36, "inspector-json", "detailed"),
    "trex_resnet18_A100_fp32.graph.json": (32, "inspector-json", "detailed"),
    "trex_resnet18_A100_qat_int8.graph.json": (37, "inspector-json", "detailed"),
    "trex_resnet18_A100_qat_residual_qgap.graph.json": (24, "inspector-json", "detailed"),
    "trt1016_mnist_cnn_fp16mix_2profiles_oneline.txt": (26, "oneline", "detailed"),
    "trt1016_mnist_cnn_fp32_nocontext.layerinfo.json": (9, "inspector-json", "detailed"),
    "trt1016_trtexec_dumpLayerInfo_fp32.log.txt": (9, "oneline", "detailed"),
    "trt1016_trtexec_fp16_flag_build.log.txt.gz": (6, "build-log", "detailed"),
    "trt1016_verbose_engine_layer_information_fp32.log.txt": (16, "build-log", "detailed"),
    "trt103_jetson_rtdetr_layer_names_only_excerpt.json": (16, "inspector-json", "names"),
    "trt10x_qdq_mlp_int8_tf32_dynamic_excerpt.layerinfo.json": (5, "inspector-json", "detailed"),
}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_files(name):
    path = CORPUS / "public" / name
    if not path.is_file():
        pytest.skip("the shared corpus is not here")
    data = path.read_bytes()
    file = read_layers(gzip.decompress(data) if name.endswith(".gz") else data)
    assert (len(file.layers), file.dialect.value, file.verbosity.value) == PUBLIC[name]


def test_console_output_and_json_of_10_16_agree():
    console = CORPUS / "public" / "trt1016_trtexec_dumpLayerInfo_fp32.log.txt"
    exported = CORPUS / "public" / "trt1016_mnist_cnn_fp32_nocontext.layerinfo.json"
    if not console.is_file():
        pytest.skip("the shared corpus is not here")
    # Two builds of one model: the builder chose other kernels of the same kind.
    one, two = (
        [
            msgspec.structs.replace(layer, tactic=None, tactic_id=None)
            for layer in read_layers(path.read_bytes()).layers
        ]
        for path in (console, exported)
    )
    assert one == two


def test_two_profiles_of_10_16():
    path = CORPUS / "public" / "trt1016_mnist_cnn_fp16mix_2profiles_oneline.txt"
    if not path.is_file():
        pytest.skip("the shared corpus is not here")
    file = read_layers(path.read_bytes())
    assert [layer.profile for layer in file.layers] == [0] * 13 + [1] * 13


def test_typed_lines_of_a_log_count_for_more_than_the_names_that_it_lists_too():
    """trtexec --dumpLayerInfo prints names alone where the profiling verbosity is no other."""
    names = b"[I] Layers:\nc\n\nBindings:\nx\ny\n"
    line = b"[V] [TRT] Engine Layer Information:\nLayer(Conv): c, Tactic: 0x1, x (Half[1]) -> y (Half[1])\n"
    both = read_layers(line + names)
    assert (both.dialect, both.verbosity) == (Dialect.BUILD_LOG, Verbosity.DETAILED)
    assert [t.dtype for t in both.layers[0].inputs] == ["FP16"]
    assert read_layers(names).verbosity is Verbosity.NAMES


def test_several_engines_in_one_log_are_told():
    line = "Layer(Conv): {}, Tactic: 0x1, x (Half[1]) -> y (Half[1])\n"
    one = f"[V] [TRT] Engine Layer Information:\n{line.format('a')}"
    names = "[I] Layers:\na\n\nBindings:\nx\ny\n"
    two = read_layers((one + one.replace(": a", ": b")).encode())
    assert [layer.name for layer in two.layers] == ["b"]
    assert any("several engines" in note for note in two.notes)
    assert not any("several engines" in n for n in read_layers((one + names).encode()).notes)
