"""Whether one engine is worth it in place of another: the sentence, and what it rests on."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from engines import engine, layer, measured, reformat, spread, tensor

from trtdoctor.engines.comparing import OutputsSeen, compare_engines, compare_outputs
from trtdoctor.model.build import Measurement
from trtdoctor.model.comparison import Comparison
from trtdoctor.model.engine import EngineReport, Layer, Precision

HALF = {"precision": Precision.FP16}


def layers(**more: object) -> tuple[Layer, ...]:
    return (
        layer("c1", "c1", reads=("x",), makes=("m",), **more),  # type: ignore[arg-type]
        layer("c2", "c2", reads=("m",), makes=("y",), **more),  # type: ignore[arg-type]
    )


def pair(a: Measurement | None, b: Measurement | None) -> tuple[EngineReport, EngineReport]:
    return engine("a", *layers(), measured=a), engine("b", *layers(**HALF), measured=b)


def seen(error: float = 1e-4, broken: int = 0) -> OutputsSeen:
    values = np.random.default_rng(1).standard_normal(1000)
    other = values * (1 + error)
    other[:broken] = np.nan
    return OutputsSeen(differences=compare_outputs({"y": values}, {"y": other}))


def compared(a: Measurement | None, b: Measurement | None, **more: object) -> Comparison:
    return compare_engines(*pair(a, b), **more)  # type: ignore[arg-type]


def test_faster_and_as_good_is_worth_it() -> None:
    found = compared(measured(1.0), measured(0.5), outputs=seen())
    assert found.worth is True
    assert found.verdict.startswith(
        "Worth it: B is 2.00 times as fast as A (19 of 20 times between "
    )
    assert "80 dB" in found.verdict
    assert found.gain == pytest.approx((2.0, 0.99 / 0.505, 1.01 / 0.495))
    assert found.clock == "events_ms"


def test_faster_and_broken_is_not() -> None:
    found = compared(measured(1.0), measured(0.5), outputs=seen(broken=12))
    assert found.worth is False
    assert "12 NaN" in found.verdict and "although B is 2.00 times" in found.verdict
    assert found.suspects == ("c1", "c2")


def test_what_mends_a_broken_engine_is_worth_its_time() -> None:
    values = np.random.default_rng(1).standard_normal(1000)
    broken = values.copy()
    broken[:5] = np.inf
    differences = compare_outputs({"y": broken}, {"y": values}, {"y": values})
    outputs = OutputsSeen(differences=differences, reference="onnxruntime in FP32")
    found = compared(measured(0.5), measured(1.0), outputs=outputs)
    assert found.worth is True
    assert "A's output y has 5 infinite elements where the reference has numbers" in found.verdict
    assert "0.50 times as fast" in found.verdict


def test_not_faster_is_not_worth_it_whatever_the_outputs() -> None:
    slower = compared(measured(0.5), measured(1.0))
    assert slower.worth is False and "B is slower, 0.50 times" in slower.verdict
    equal = compared(measured(1.0), measured(1.0))
    assert equal.worth is False and "not clearly faster" in equal.verdict


def test_an_interval_that_reaches_far_says_nothing() -> None:
    found = compared(measured(1.0, 0.2), measured(0.9, 0.2), outputs=seen())
    assert found.worth is None and "measure both again" in found.verdict


def test_faster_and_nobody_saw_the_outputs() -> None:
    found = compared(measured(1.0), measured(0.5), compare="COMPARE THEM")
    assert found.worth is None and found.verdict.endswith("is not known: COMPARE THEM.")


def test_faster_and_far_without_a_reference() -> None:
    found = compared(measured(1.0), measured(0.5), outputs=seen(0.1), reference="GIVE A MODEL")
    assert found.worth is None and "GIVE A MODEL" in found.verdict


def test_what_was_not_measured_is_said() -> None:
    found = compared(None, measured(0.5), measure="MEASURE THEM")
    assert found.worth is None and found.gain is None
    assert found.verdict == "Cannot be told: A was not measured as a whole; MEASURE THEM."


def test_profiles_are_added_up_and_decide_nothing() -> None:
    a = engine("a", *layers(ms=0.5))
    b = engine("b", *layers(ms=0.25, **HALF))
    found = compare_engines(a, b)
    assert found.worth is None and found.clock == "profile" and found.gain is None
    assert found.a_ms is not None and found.a_ms.median == 1.0
    assert "1.0000 ms in A and 0.5000 ms in B" in found.verdict
    assert any("no interval" in note for note in found.notes)


def test_the_clock_is_one_that_both_have() -> None:
    a = measured(1.0, graph_ms=spread(0.8), wall_ms=spread(1.1))
    b = measured(0.5, wall_ms=spread(0.6))
    assert compared(a, b).clock == "events_ms"
    a, b = (msgspec.structs.replace(each, events_ms=None) for each in (a, b))
    assert compared(a, b).clock == "wall_ms"
    b = msgspec.structs.replace(b, wall_ms=None, single_ms=spread(1))
    assert "no clock measured both" in compared(a, b).verdict


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"gpu": "NVIDIA L4"}, "A was measured on GPU NVIDIA H100 and B on NVIDIA L4"),
        ({"compute_capability": "8.9"}, "compute capability 9.0 and B on 8.9"),
        ({"shapes": {"x": (8, 8)}}, "A was measured with x 1x8 and B with x 8x8"),
        ({"sm_mhz": (345, 1200)}, "1,980 MHz for A and at 1,200 MHz for B"),
        ({"throttled": ("hardware slowdown",)}, "while B was measured (hardware slowdown)"),
        ({"other_processes": 1}, "other processes computed on the GPU while B was measured"),
        ({"events_ms": spread(0.0)}, "a measured time is none"),
    ],
)
def test_no_factor_where_something_else_differs(other: dict[str, object], says: str) -> None:
    same = {"sm_mhz": (1980, 1980)}
    found = compared(measured(1.0, **same), measured(0.5, **{**same, **other}), outputs=seen())
    assert found.worth is None and found.gain is None
    assert says in found.verdict


def test_what_held_for_both_is_a_note() -> None:
    same = {"other_processes": 2, "throttled": ("power cap",)}
    found = compared(measured(1.0, **same), measured(0.5, **same), outputs=seen())
    assert found.worth is True
    assert sum("while both engines were measured" in note for note in found.notes) == 2


def test_what_nobody_recorded_is_a_note() -> None:
    found = compared(measured(1.0, gpu=None), measured(0.5, shapes={}), outputs=seen())
    assert found.worth is True
    assert any("same GPU and shapes" in note for note in found.notes)


def test_starting_kernels_takes_the_time() -> None:
    found = compared(measured(1.0, launch_bound=True), measured(0.5), outputs=seen())
    assert any("CUDA graph" in note for note in found.notes)


# Two engines that do not do the same work --------------------------------------------------------


def test_other_inputs_are_another_model() -> None:
    a, b = pair(measured(1.0), measured(0.5))
    assert a.identity is not None
    io = (tensor("image"), tensor("y", "output"))
    b = msgspec.structs.replace(b, identity=msgspec.structs.replace(a.identity, io=io))
    found = compare_engines(a, b, outputs=seen())
    assert found.worth is None and found.gain is None
    assert "only A has the input x and only B has the input image" in found.verdict


def test_other_nodes_are_another_model_unless_the_outputs_say_otherwise() -> None:
    a = engine("a", *(layer(f"l{i}", f"n{i}") for i in range(10)), measured=measured(1.0))
    b = engine("b", *(layer(f"k{i}", f"m{i}") for i in range(10)), measured=measured(0.5))
    found = compare_engines(a, b)
    assert found.worth is None and "engines of one model" in found.verdict and not found.layers
    assert compare_engines(a, b, outputs=seen(0.2)).worth is None
    again = compare_engines(a, b, outputs=seen())
    assert again.worth is True and any("not aligned" in note for note in again.notes)


def test_blocks_that_each_build_cuts_elsewhere_are_no_other_model() -> None:
    a = engine("a", layer("{ForeignNode[e.weight.../Add]}", makes=("y",)))
    b = engine(
        "b",
        layer("{ForeignNode[e.bias.../Mul]}", makes=("m",)),
        layer("{ForeignNode[f.weight.../Sub]}", reads=("m",), makes=("y",)),
    )
    assert "engines of one model" not in compare_engines(a, b).verdict


def test_the_same_names_with_other_weights_are_another_model() -> None:
    a = engine("a", *(layer(f"l{i}", f"n{i}", weights=100) for i in range(4)))
    b = engine("b", *(layer(f"l{i}", f"n{i}", weights=900) for i in range(4)))
    assert "4 of 4 layers of the same names have other weights" in compare_engines(a, b).verdict


def test_other_shapes_are_said() -> None:
    a, b = pair(measured(1.0), measured(0.5))
    assert a.identity is not None
    io = (tensor("x", "input", "FP32", 8, 8), tensor("y", "output", "FP32", 8, 8))
    b = msgspec.structs.replace(b, identity=msgspec.structs.replace(a.identity, io=io))
    found = compare_engines(a, b, outputs=seen())
    assert found.worth is None and "x is 1x8 in A and 8x8 in B" in found.verdict
    ranks = (tensor("x", "input", "FP32", 1, 8, 1), tensor("y", "output"))
    b = msgspec.structs.replace(b, identity=msgspec.structs.replace(a.identity, io=ranks))
    assert "same inputs and outputs" in compare_engines(a, b).verdict


def test_other_types_of_network_tensors_are_the_programs_to_follow() -> None:
    a, b = pair(measured(1.0), measured(0.5))
    assert a.identity is not None
    io = (tensor("x", "input", "FP16"), tensor("y", "output", "FP16"))
    b = msgspec.structs.replace(b, identity=msgspec.structs.replace(a.identity, io=io))
    found = compare_engines(a, b, outputs=seen())
    assert found.worth is True and "if your program can follow" in found.verdict
    assert any("takes the input x as FP16 where A has FP32" in note for note in found.notes)


def test_an_engine_without_layers_is_still_compared() -> None:
    a = engine("a", measured=measured(1.0))
    b = engine("b", measured=measured(0.5))
    found = compare_engines(a, b, outputs=seen())
    assert found.worth is True and not found.layers
    assert "no layers of A could be read" in found.notes


def test_what_both_tell_stands_side_by_side() -> None:
    a, b = pair(measured(1.0), measured(0.5, gpu="NVIDIA L4"))
    found = compare_engines(a, b, memory=(None, 3 << 20))
    told = {each.what: each for each in found.facts}
    assert (told["made by"].a, told["made by"].same) == ("tensorrt 8.6.1.6", True)
    assert (told["FP16 by layers"].a, told["FP16 by layers"].b) == ("0.0%", "100.0%")
    assert (told["measured on"].b, told["measured on"].same) == ("NVIDIA L4", False)
    assert (told["context memory"].a, told["context memory"].b) == (None, "3.0 MiB")
    assert "weights" not in told  # neither tells


# Conversions -------------------------------------------------------------------------------------


def test_conversions_that_one_engine_has_not() -> None:
    """TensorRT names a reformat after the layer that reads it, which changes with every fusion."""
    a = engine(
        "a",
        reformat("x", "Reformatted Input Tensor 0 to c1", "FP32", "FP16", ms=0.2),
        layer("c1", "c1", reads=("Reformatted Input Tensor 0 to c1",), makes=("m",), **HALF),
        reformat("m", "y", "FP16", "FP32", ms=0.3),
    )
    b = engine(
        "b",
        reformat("x", "Reformatted Input Tensor 0 to c1 + r", "FP32", "FP16", ms=0.2),
        layer(
            "c1 + r", "c1", reads=("Reformatted Input Tensor 0 to c1 + r",), makes=("y",), **HALF
        ),
    )
    found = compare_engines(a, b)
    assert found.conversions_removed == ("m FP16 → FP32, 0.3000 ms",)
    assert found.conversions_added == ()


def test_a_tensor_of_no_lasting_name_is_told_by_its_neighbours() -> None:
    def built(number: int) -> EngineReport:
        inner = f"__myln_k_arg__bb1_{number}_myl0"
        return engine(
            "e",
            layer("k", "conv", "relu", reads=("x",), makes=(inner,)),
            reformat(inner, f"Reformatted Input Tensor {number} to k2", "FP32", "FP16"),
        )

    assert compare_engines(built(1), built(7)).conversions_added == ()
    plain = engine("e", layer("k", "conv", "relu", reads=("x",), makes=("y",)))
    assert compare_engines(plain, built(2)).conversions_added == ("the output of relu FP32 → FP16",)


# Suspects ----------------------------------------------------------------------------------------


def test_only_what_the_bad_output_depends_on_is_suspected() -> None:
    def made(**more: object) -> tuple[Layer, ...]:
        return (
            layer("head", "head", reads=("x",), makes=("m",), **more),  # type: ignore[arg-type]
            layer("other", "other", reads=("m",), makes=("z",), **more),  # type: ignore[arg-type]
            layer("tail", "tail", reads=("m",), makes=("y",), **more),  # type: ignore[arg-type]
        )

    a, b = engine("a", *made()), engine("b", *made(**HALF))
    found = compare_engines(a, b, outputs=seen(broken=1))
    assert found.suspects == ("head", "tail")
    known = compare_engines(
        a, b, outputs=seen(broken=1), hazards={"tail": "a softmax", "other": "a sum"}
    )
    assert known.suspects == ("tail: a softmax",)


def test_what_was_narrow_before_is_not_suspected() -> None:
    a, b = engine("a", *layers(**HALF)), engine("b", *layers(**HALF))
    assert compare_engines(a, b, outputs=seen(broken=1)).suspects == ()
    assert compare_engines(*pair(None, None), outputs=seen()).suspects == ()


def test_a_conversion_of_a_copy_is_told_by_what_was_copied() -> None:
    """Another format of a tensor is that tensor."""
    passed = "Reformatted Input Tensor 0 to k2"
    b = engine(
        "b",
        layer("k", "conv", reads=("x",), makes=("m",)),
        reformat("m", passed, "FP32", "FP32"),
        reformat(passed, "Reformatted Input Tensor 1 to k2", "FP32", "FP16"),
    )
    plain = engine("a", layer("k", "conv", reads=("x",), makes=("y",)))
    assert compare_engines(plain, b).conversions_added == ("m FP32 → FP16",)


def test_a_conversion_before_everything_is_told_by_its_reader() -> None:
    hidden, passed = "__mye12", "Reformatted Input Tensor 0 to k"
    b = engine(
        "b",
        reformat(hidden, passed, "FP32", "FP16"),
        layer("k", "conv", reads=(passed,), makes=("y",)),
    )
    plain = engine("a", layer("k", "conv", reads=("x",), makes=("y",)))
    assert compare_engines(plain, b).conversions_added == ("an input of conv FP32 → FP16",)
