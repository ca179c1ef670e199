"""A comparison on the screen: short where much changed, whole where all is asked for."""

from __future__ import annotations

from engines import engine, layer, reformat, spread

from trtdoctor.engines.comparing.side_by_side import side_by_side
from trtdoctor.model.build import BuildRecord, FileHash
from trtdoctor.model.comparison import AlignedLayer, Comparison, OutputDifference, SideBySide
from trtdoctor.model.engine import EngineReport, Precision
from trtdoctor.model.finding import Command, to_run
from trtdoctor.render.comparison_sections import comparison_sections

FP32, FP16 = Precision.FP32, Precision.FP16


def shown(comparison: Comparison, **more: bool) -> dict[str, list[tuple[str, ...]]]:
    return {each.title: list(each.rows) for each in comparison_sections(comparison, **more)}


def aligned(number: int, **more: object) -> AlignedLayer:
    values = {
        "nodes": (f"n{number}",),
        "a": (f"a{number}",),
        "b": (f"b{number}",),
        "a_precision": (FP32,),
        "b_precision": (FP16,),
        **more,
    }
    return AlignedLayer(**values)  # type: ignore[arg-type]


def test_the_verdict_stands_first() -> None:
    found = Comparison(
        a="old/a.engine",
        b="new/b.engine",
        verdict="Worth it: B is faster.",
        commands=to_run("trtdoctor compare"),
        a_ms=spread(1.0),
        b_ms=spread(0.5),
        clock="graph_ms",
        gain=(2.0, 1.9, 2.1),
        inputs="3 samples of data.npz",
        reference="onnxruntime in FP32",
        outputs=(OutputDifference(name="y", of="B", to="A", elements=4, sqnr=60.0),),
        suspects=("c1: a softmax", "c2"),
        notes=("a note",),
    )
    title, rows = next(iter(shown(found).items()))
    assert title == "b.engine (B) in place of a.engine (A)"
    assert rows[:4] == [
        ("Verdict", "Worth it: B is faster."),
        *to_run("trtdoctor compare"),
        ("A", "old/a.engine"),
        ("B", "new/b.engine"),
    ]
    told = dict(row for row in rows if not isinstance(row, Command))
    assert told["Time"].startswith("1.0000 [0.9900, 1.0100] → 0.5000")
    assert told["Time"].endswith("replayed as a CUDA graph")
    assert "between 1.900 and 2.100" in told["Faster"]
    assert told["Inputs"] == "3 samples of data.npz" and told["Note"] == "a note"
    assert ("Suspected", "c1: a softmax") in rows and ("", "c2") in rows


def test_beside_others_only_what_differs_is_told() -> None:
    found = Comparison(
        a="a",
        b="b",
        facts=(
            SideBySide(what="size", a="1 KiB", b="1 KiB", same=True),
            SideBySide(what="typing", a="weak", b=None),
        ),
    )
    assert shown(found)["Side by side"] == [
        ("size", "1 KiB", "the same"),
        ("typing", "weak", "unknown"),
    ]
    assert shown(found, brief=True)["What differs"] == [("typing", "weak", "unknown")]
    assert len(shown(found, brief=True, verbose=True)["Side by side"]) == 2
    assert "Side by side" not in shown(Comparison(a="a", b="b"))


def test_many_layers_are_cut_short_unless_all_are_asked_for() -> None:
    found = Comparison(a="a", b="b", layers=tuple(map(aligned, range(30))), alike=1)
    (title,) = [each for each in shown(found) if each.startswith("Layers")]
    assert title == "Layers that changed (10 of 30, -v shows all; 1 is alike)"
    assert len(shown(found)[title]) == 10
    assert len(shown(found, verbose=True)["Layers that changed (30; 1 is alike)"]) == 30
    same = Comparison(a="a", b="b", alike=7)
    assert shown(same)["Layers"] == [("", "all are alike (7)")]


def test_a_layer_is_told_by_what_it_was_and_became() -> None:
    layers = (
        aligned(0, a_ms=0.5, b_ms=0.25),
        aligned(1, a=(), a_precision=(), b_ms=0.125),
        aligned(2, b=(), b_precision=()),
        aligned(3, a=("p", "q", "r", "s"), b=("t",), nodes=("p", "q", "r", "s")),
        aligned(4, a=("k",), b=("k",), a_precision=(), b_precision=(), nodes=("k",)),
        aligned(5, a=("c",), b=("c",), b_precision=(FP32,), nodes=("c", "relu")),
    )
    rows = shown(Comparison(a="a", b="b", layers=layers))["Layers that changed (6; 0 are alike)"]
    assert rows == [
        ("0.5000", "0.2500", "FP32 → FP16", "a0 → b0 (n0)"),
        ("", "0.1250", "none → FP16", "only in B: b1"),
        ("", "", "FP32 → none", "only in A: a2"),
        ("", "", "FP32 → FP16", "p, q and 2 more → t"),
        ("", "", "moves data", "k"),
        ("", "", "FP32", "c (relu)"),
    ]


def test_outputs_that_say_most_come_first_where_there_are_many() -> None:
    fine = [
        OutputDifference(name=f"y{n}", of="B", to="A", elements=9, sqnr=50.0 + n, absolute=0.1)
        for n in range(30)
    ]
    broken = OutputDifference(name="z", of="B", to="A", elements=1200, nan=3, inf=1)
    index = OutputDifference(name="i", of="B", to="A", elements=100, differing=2, absolute=5.0)
    other = OutputDifference(name="s", of="B", to="A", elements=0, note="its shape is another")
    equal = OutputDifference(name="e", of="B", to="A", elements=4, equal=True)
    found = Comparison(a="a", b="b", outputs=(*fine, equal, broken, index, other))
    rows = shown(found)["Outputs (20 of 34, -v shows all)"]
    assert {row[0] for row in rows[:3]} == {"z", "i", "s"} and rows[3][0] == "y0"
    told = {row[0]: row[2:] for row in shown(found, verbose=True)["Outputs (34)"]}
    assert told["z"] == ("", "", "", "3 NaN; 1 infinite")
    assert told["i"] == ("5", "", "", "2 of 100 differ")
    assert told["s"] == ("", "", "", "its shape is another")
    assert told["e"] == ("", "", "equal", "")
    assert told["y0"] == ("0.1", "", "50.0 dB", "")


def test_conversions_are_listed_for_each_side() -> None:
    found = Comparison(
        a="a",
        b="b",
        conversions_added=tuple(f"t{n} FP32 → FP16" for n in range(12)),
        conversions_removed=("x FP16 → FP32",),
    )
    told = shown(found)
    assert len(told["Conversions that B has and A has not (10 of 12, -v shows all)"]) == 10
    assert told["Conversions that A has and B has not (1)"] == [("x FP16 → FP32",)]


def recorded(path: str, **more: object) -> EngineReport:
    file = FileHash(path="m.onnx", size=9, sha256="0" * 64)
    values = {
        "model": file,
        "engine": file,
        "log": file,
        "product": "tensorrt",
        "version": "8.6.1",
        "through": "python",
        **more,
    }
    return engine(path, layer("c", "c"), build=BuildRecord(**values))  # type: ignore[arg-type]


def test_how_both_were_built_is_told_side_by_side() -> None:
    a = recorded("a", precision="fp32", flags=("TF32",))
    b = recorded("b", precision="fp16", converted_by="plan", kept=("pow", "sqrt"))
    told = {each.what: (each.a, each.b) for each in side_by_side(a, b)}
    assert told["asked for"] == ("fp32", "fp16, converted by plan, 2 nodes kept in FP32")
    assert told["flags"] == ("TF32", "none")
    assert told["conversions"] == ("0", "0")


def test_time_of_conversions_is_told_with_its_share() -> None:
    a = engine(
        "a", layer("c", "c", ms=0.3), reformat("x", "y", "FP32", "FP16", ms=0.1), size=3 << 30
    )
    told = {each.what: each.a for each in side_by_side(a, engine("b"))}
    assert told["time of conversions"] == "0.1000 ms, 25.0% of all time"
    assert told["size"] == "3.0 GiB"
