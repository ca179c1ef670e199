"""What pages are drawn from: strips, tables, bars; no browser is needed."""

from __future__ import annotations

import ast
import gzip
import hashlib
import re
from base64 import b64encode
from pathlib import Path

import msgspec
import pytest
from markupsafe import Markup
from pagereports import HOSTILE, base, conversion, engine, explained, layer, planned

import trtdoctor
from trtdoctor.model.build import Proof
from trtdoctor.model.engine import CostTold, EngineReport, Layer, LayerTensor, Precision, Role
from trtdoctor.model.finding import Command, Remedy, Tool, to_run
from trtdoctor.render.html import render_html
from trtdoctor.render.page.bars import cost_bars, cost_scale, proof_bars
from trtdoctor.render.page.layer_map import layer_strips
from trtdoctor.render.page.looks import CONVERSION, LOOKS, MOVEMENT, UNKNOWN, layer_look, look_of
from trtdoctor.render.page.model_map import model_strips, node_rows
from trtdoctor.render.page.shell import breakable, page
from trtdoctor.render.page.texts import items

DATA = Path(__file__).parents[1] / "data" / "explain"


def test_a_page_allows_its_own_style_and_script_and_nothing_else() -> None:
    text = page("<title>", Markup("<h1>x</h1>"), "<foot>")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    for kind, tag in (("style", "style"), ("script", 'script id="page-script"')):
        body = text.partition(f"<{tag}>")[2].partition(f"</{kind}>")[0]
        digest = b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{kind}-src &#39;sha256-{digest}&#39;" in policy[1]
    assert "default-src &#39;none&#39;" in policy[1]
    assert "&lt;title&gt;" in text and "&lt;foot&gt;" in text
    assert not re.search(r"""(?:src|href)=|url\((?!#)|@import|https?:""", text)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/a/Conv", "/a/Conv"),
        ("/model/encoder/layer.12/MatMul", "/model/<wbr>encoder/<wbr>layer.12/<wbr>MatMul"),
        ("CaskGemmMatrixMultiply", "CaskGemm<wbr>Matrix<wbr>Multiply"),
        ("a b c d e f g h i j k l m n", "a b c d e f g h i j k l m n"),
        ("<script>/alert.alert_x", "&lt;script&gt;/alert.<wbr>alert_x"),
        ("x" * 40, "x" * 40),
    ],
)
def test_a_long_name_breaks_where_its_parts_end(name: str, shown: str) -> None:
    assert breakable(name, 16) == shown
    assert breakable(name, 16).replace("<wbr>", "") == str(Markup.escape(name))


@pytest.mark.usefixtures("runaway")
@pytest.mark.parametrize("name", ["x" * 8000, "/" * 8000, "x/" * 4000, "_x" * 4000, "a:" * 4000])
def test_no_name_takes_long_to_break(name: str) -> None:
    for _ in range(200):
        breakable(name)


# Looks -------------------------------------------------------------------------------------------


def test_no_two_looks_differ_by_colour_alone() -> None:
    told = [(look.short, look.pattern) for look in LOOKS if look.short]
    assert len({look.key for look in LOOKS}) == len(LOOKS)
    assert len(set(told)) == len(told)
    # What has the same colour has another pattern.
    painted = [(look.colour, look.pattern) for look in LOOKS]
    assert len(set(painted)) == len(painted)


def test_every_precision_has_a_look_and_one_of_a_newer_report_is_unknown() -> None:
    assert all(look_of(each) is not UNKNOWN for each in Precision if each.value != "unknown")
    assert look_of(Precision("FP6")) is UNKNOWN


def moved(before: str | None, after: str | None, precision: Precision = Precision.MIXED) -> Layer:
    return Layer(
        name="x",
        role=Role.DATA_MOVEMENT,
        precision=precision,
        inputs=(LayerTensor(name="a", dtype=before),),
        outputs=(LayerTensor(name="b", dtype=after),),
    )


def test_what_changes_a_type_is_a_conversion_and_what_only_moves_is_none() -> None:
    assert layer_look(moved("FP32", "FP16")) is CONVERSION
    assert layer_look(moved("FP32", "INT8")) is CONVERSION
    assert layer_look(moved("INT32", "INT64")) is MOVEMENT
    assert layer_look(moved("FP16", "FP16", Precision.FP16)) is MOVEMENT
    assert layer_look(moved(None, None)) is CONVERSION
    assert layer_look(moved(None, None, Precision.UNKNOWN)) is MOVEMENT


@pytest.mark.parametrize("name", ["minires.fp16", "mobile.fp16", "twoin.fp16", "unet.fp16"])
def test_the_conversions_drawn_are_those_that_the_summary_counts(name: str, tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    log.write_bytes(gzip.decompress((DATA / f"{name}.log.gz").read_bytes()))
    made = trtdoctor.explain(log=log, layers=DATA / f"{name}.layers.json", live=False)
    (told,) = made.engines
    assert told.summary is not None
    (strip,) = layer_strips([told], ["x"])
    assert strip is not None
    counts = {share.look.word: share.layers for share in strip.shares}
    assert counts.get("conversions", 0) == told.summary.conversions.count
    assert {each.value: number for each, number in told.summary.layers_by_precision.items()} == {
        word: number
        for word, number in counts.items()
        if word not in ("conversions", "data movement")
    }


# Strips ------------------------------------------------------------------------------------------


def test_layers_are_as_wide_as_their_time_and_stand_in_order() -> None:
    layers = (
        layer("a", Precision.FP16, 0.001),
        conversion("to b", 0.001),
        layer("b", Precision.FP32, 0.002),
    )
    (strip,) = layer_strips([EngineReport(path="x", layers=layers)], ["x"])
    assert strip is not None and strip.timed and strip.end == "4.0 us"
    assert [(part.x, part.width) for part in strip.parts] == [(0, 25), (25, 25), (50, 50)]
    assert [part.converts for part in strip.parts] == [False, True, False]
    assert strip.parts[2].title == "b; CaskGemmMatrixMultiply; FP32; 2.0 us, 50.0% of the time"
    assert {share.look.word: (share.layers, share.share) for share in strip.shares} == {
        "FP16": (1, 0.25),
        "FP32": (1, 0.5),
        "conversions": (1, 0.25),
    }


def test_without_times_all_are_equally_wide_and_it_is_said() -> None:
    (strip,) = layer_strips([engine(4, timed=False)], ["x"])
    assert strip is not None and not strip.timed
    assert {part.width for part in strip.parts} == {25.0}
    assert strip.note == "All layers are equally wide, because their times are unknown."
    assert "of the time" not in strip.parts[0].title


def test_of_two_engines_the_scale_is_one_and_a_missing_time_takes_it_from_both() -> None:
    slow, quick, untimed = engine(16), engine(8), engine(8, timed=False)
    a, b = layer_strips([slow, quick], ["a", "b"])
    assert a is not None and b is not None
    assert a.extent == 100 and b.extent == pytest.approx(100 * 29 / 59)
    a, b = layer_strips([slow, untimed], ["a", "b"])
    assert a is not None and b is not None and (a.extent, b.extent) == (100, 50)
    assert "the other's times are unknown" in a.note and "their times are" in b.note


def test_a_layer_without_a_time_is_counted_and_has_no_width() -> None:
    layers = (layer("a", Precision.FP16, 0.001), layer("b", Precision.FP32, None))
    (strip,) = layer_strips([EngineReport(path="x", layers=layers)], ["x"])
    assert strip is not None
    assert "1 of 2 layers has no time in the profile, and so no width." in strip.note
    assert sum(share.layers for share in strip.shares) == 2


def test_slivers_are_drawn_together_and_tell_their_parts() -> None:
    (strip,) = layer_strips([engine(50_000)], ["x"])
    assert strip is not None and len(strip.parts) <= 1001
    assert sum(part.width for part in strip.parts) == pytest.approx(100, abs=0.2)
    part = strip.parts[500]
    assert re.match(r"\d+ layers, from .+ to .+; \d+ FP16, \d+ \S+", part.title)
    assert len(part.bands) > 1
    assert sum(band.height for band in part.bands) == pytest.approx(46)
    assert sum(share.layers for share in strip.shares) == 50_000


def test_only_the_first_optimization_profile_is_drawn() -> None:
    layers = tuple(
        msgspec.structs.replace(each, profile=profile)
        for profile in (0, 1)
        for each in engine(4).layers
    )
    (strip,) = layer_strips([EngineReport(path="x", layers=layers)], ["x"])
    assert strip is not None and len(strip.parts) == 4
    assert "Only the first optimization profile is drawn." in strip.note


def test_engines_of_one_name_are_told_apart_and_have_each_a_scale() -> None:
    text = render_html(base(engines=(engine(4, path="a/m.plan"), engine(8, path="b/m.plan"))))
    assert "<strong>a/m.plan</strong>" in text and "<strong>b/m.plan</strong>" in text
    assert text.count('<rect class="frame" y="14" width="100.000%"') == 2


def test_maps_that_a_page_has_no_room_for_are_counted() -> None:
    engines = tuple(engine(500, path=f"{n}.plan") for n in range(14))
    text = render_html(base("healthy", command="inspect", engines=engines))
    assert "2 more maps are not on this page: there are too many." in text


def test_an_engine_without_layers_has_no_strip() -> None:
    assert layer_strips([EngineReport(path="x")], ["x"]) == (None,)
    assert "Precision map" not in render_html(base(engines=(EngineReport(path="x"),)))


def test_a_model_has_a_strip_for_each_world_and_one_for_its_plan() -> None:
    (model,) = planned().models
    strong, weak, plan = model_strips(model)
    assert [part.bands[0].look.word for part in strong.parts] == ["FP32"] * 6
    assert {part.bands[0].look.word for part in weak.parts} == {"the builder's choice"}
    assert [part.bands[0].look.word for part in plan.parts] == ["FP16"] * 2 + ["FP32"] + [
        "FP16"
    ] * 3
    rows = list(node_rows(model))
    assert rows[2].types == ("FP32", "FP16 or FP32")
    assert (rows[2].hazard, rows[2].kept) == ("epsilon: flush (likely)", "its epsilon")
    # A hazard that does no harm is no alert.
    assert (rows[4].hazard, rows[4].kept) == ("", "")


def test_nodes_that_a_report_does_not_name_are_told() -> None:
    (model,) = planned().models
    (region,) = model.maps[0].regions
    short = msgspec.structs.replace(region, nodes=region.nodes[:3])
    found = msgspec.structs.replace(model.maps[0], regions=(short,))
    strip, *_ = model_strips(msgspec.structs.replace(model, maps=(found,)))
    assert "The report names 3 of 6; only these are drawn." in strip.note


# Bars --------------------------------------------------------------------------------------------


def test_bars_of_cost_are_signed_and_have_one_scale() -> None:
    small = CostTold(margin_ms=0.001, kernels_ms=-0.001, conversions_ms=0.002, plan_ms=1)
    large = CostTold(margin_ms=0.004, kernels_ms=0.004, conversions_ms=0, plan_ms=1)
    scale = cost_scale((small, large))
    kernels, conversions, together = cost_bars(small, scale).rows
    assert (kernels.x, kernels.width, kernels.told) == (38, 12, "1.00 us less")
    assert (conversions.x, conversions.width, conversions.told) == (50, 24, "2.00 us more")
    assert (together.x, together.width, together.told) == (50, 12, "1.00 us more")
    assert cost_bars(large, scale).rows[1].told == "no difference"
    assert cost_bars(large, 0.0).rows[0].width == 0


def test_a_proof_shows_what_was_promised_beside_what_was_measured() -> None:
    proof = Proof(remedies=("x",), promised_ms=(0.002, 0.004), gained_ms=(-0.001, -0.002, 0.001))
    drawn = proof_bars(proof)
    assert drawn is not None
    promised, measured = drawn.rows
    assert (promised.x, promised.width) == (74, 24)
    assert (measured.x, measured.width, measured.point) == (26, 36, 38)
    assert measured.told == "-1.00 us (-2.00 us to 1.00 us)"
    assert proof_bars(Proof(remedies=("x",), failed="it did not build")) is None


# Texts -------------------------------------------------------------------------------------------


def test_commands_stand_whole_under_who_takes_them() -> None:
    line = "trtexec --onnx=" + "long/" * 3000 + "m.onnx"
    (item,) = items([("remedy", "Do it."), *to_run(line, "polygraphy run m.onnx")])
    assert item.label == "remedy"
    text, first, second = item.entries
    assert (text.text, text.heading) == ("Do it.", "")
    assert (first.heading, second.heading) == ("With trtexec:", "With Polygraphy:")
    assert Markup(first.whole).striptags() == line


def test_a_script_keeps_its_lines_and_its_blanks() -> None:
    lines = ("for x in y:", "    print(x,  '<a>')")
    ((entry,),) = (item.entries for item in items([Command(tool=Tool.PYTHON, lines=lines)]))
    shown = re.sub(r"</?span>", "", str(entry.whole)).replace("&lt;", "<").replace("&gt;", ">")
    shown = shown.replace("&#39;", "'")
    assert shown == "\n".join(lines) and ast.parse(shown)


def test_a_long_list_is_folded_and_one_with_commands_is_not() -> None:
    rows = [("evidence", "0"), *(("", str(n)) for n in range(1, 9))]
    (item,) = items(rows)
    assert [entry.text for entry in item.shown + item.folded] == [str(n) for n in range(9)]
    assert len(item.folded) == 4
    (item,) = items([*rows, *to_run("trtdoctor check")])
    assert not item.folded and len(item.shown) == 10


def test_a_page_of_five_thousand_layers_is_small() -> None:
    text = render_html(explained(5000))
    assert len(text.encode()) < 5_000_000
    assert "/model/encoder/layer.4998/" in text.replace("<wbr>", "")
    assert "on this page" not in text


def test_a_command_is_on_the_page_as_text() -> None:
    made = explained(16)
    (told,) = made.engines
    first, *rest = told.explanations
    remedy = Remedy(text="x", commands=to_run(f"trtexec {HOSTILE}"))
    told = msgspec.structs.replace(
        told, explanations=(msgspec.structs.replace(first, remedy=remedy), *rest)
    )
    text = render_html(msgspec.structs.replace(made, engines=(told,)))
    assert "<img" not in text and "\x1b" not in text and "<script>alert" not in text
