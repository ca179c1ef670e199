"""What the builder counts as free and what it does not: each rule by a log's own numbers."""

from __future__ import annotations

import io

import pytest

pytest.importorskip("numpy")

from trtdoctor.precision.log.network_io import NetworkIoSolver
from trtdoctor.precision.log.problem_from_log import problem_of
from trtdoctor.precision.log.solution import choice_of, solved
from trtdoctor.precision.log.solver import Solver
from trtdoctor.readers.buildlog import parse_build_log

STARS = "***************"
LINEAR, LAST = "Float(65536,1024,32,1)", "Float(16384,1:4,512,16)"
HALF = "Half(65536,1024,32,1)"


def tuning(layer, kernels, kind="CaskConvolution"):
    """The candidates of a layer with their times."""
    yield "=============== Computing costs for "
    for form, ms in kernels.items():
        yield f"{STARS} Autotuning format combination: {form} {STARS}"
        yield f"--------------- Timing Runner: {layer} ({kind}[0x80000009])"
        yield f"Tactic: 0x0000000000000001 Time: {ms}"
        yield (
            f"{layer} ({kind}[0x80000009]) profiling completed in 0.1 seconds. "
            f"Fastest Tactic: 0x0000000000000001 Time: {ms}"
        )


def conversions(name, moves, *, layer=None):
    """The conversions of a tensor, or of a layer that only moves; no time: from the cache."""
    runner = f"{layer or f'Optimizer Reformat({name})'} (Reformat[0x80000006])"
    yield "=============== Computing reformatting costs: "
    for (source, target), ms in moves.items():
        yield f"{STARS} Autotuning Reformat: {source} -> {target} {STARS}"
        if ms is None:
            continue
        yield f"--------------- Timing Runner: {runner}"
        yield f"Tactic: 0x0000000000000000 Time: {ms}"
        yield (
            f"{runner} profiling completed in 0.1 seconds. "
            f"Fastest Tactic: 0x0000000000000000 Time: {ms}"
        )


def problem(*blocks, added=(), layers):
    """The problem of a log with these blocks, and its solution."""
    lines = ["Original: 3 layers", "Constructing optimization profile number 0 [1/1]."]
    for block in blocks:
        lines.extend(block)
    lines.extend(f"Adding reformat layer: {words}" for words in added)
    lines += ["Formats and tactics selection completed in 4.5 seconds."]
    lines += ["Engine Layer Information:"]
    text = "\n".join([*(f"[VERBOSE] {line}" for line in lines), *layers]) + "\n"
    build = parse_build_log(io.BytesIO(text.encode())).build
    made = problem_of(build, build.chosen[0])
    found = solved(Solver(made), made.values())
    assert found is not None
    return made, *found


def choice(*blocks, added=(), layers):
    """The solved choice of a log with these blocks."""
    return choice_of(*problem(*blocks, added=added, layers=layers))


@pytest.mark.parametrize(("into", "out"), [(0.003, 0.007), (0.007, 0.003)])
def test_a_cached_conversion_takes_its_time_from_the_same_side(into, out):
    """The network output's conversions are cached; both sides were timed for another tensor."""
    pair = (LAST, LINEAR)
    solved_choice = choice(
        tuning("a", {f"{LINEAR} -> {LAST}": 0.01}),
        tuning("b", {f"{LAST} -> {LAST}": 0.01, f"{LINEAR} -> {LAST}": 0.03}),
        conversions("<in> -> m", {pair: into, (LINEAR, LAST): 0.004}),
        conversions("m -> <out>", {pair: out, (LINEAR, LAST): 0.004}),
        conversions("<in> -> y", {pair: None, (HALF, LINEAR): 0.05}),
        added=[f"Reformatted Output Tensor 0 to b (y) from {LAST} to {LINEAR}"],
        layers=[
            "Layer(CaskConvolution): a, Tactic: 0x1, x (Float[1,64,32,32]) -> "
            "m (Float[1,64:4,32,32])",
            "Layer(CaskConvolution): b, Tactic: 0x1, m (Float[1,64:4,32,32]) -> "
            "Reformatted Output Tensor 0 to b (Float[1,64:4,32,32])",
            "Layer(Reformat): Reformatting CopyNode for Output Tensor 0 to b, Tactic: 0x0, "
            "Reformatted Output Tensor 0 to b (Float[1,64:4,32,32]) -> y (Float[1,64,32,32])",
        ],
    )
    assert solved_choice.reproduced
    assert solved_choice.plan_ms == pytest.approx(0.02 + into)


@pytest.mark.parametrize("kind", ["Reformat", "NoOp"])
@pytest.mark.parametrize("name", ["m copy", "Reformatting CopyNode for Network Input m"])
def test_a_copy_is_timed_unless_the_engine_runs_nothing(name, kind):
    """It moves its data in any format, so equal formats are no reason to be free."""
    copied = choice(
        tuning("a", {f"{LINEAR} -> {LINEAR}": 0.01}),
        conversions("", {(LINEAR, LINEAR): 0.004}, layer=name),
        layers=[
            "Layer(CaskConvolution): a, Tactic: 0x1, x (Float[1,64,32,32]) -> "
            "m (Float[1,64,32,32])",
            f"Layer({kind}): {name}, Tactic: 0x0, m (Float[1,64,32,32]) -> y (Float[1,64,32,32])",
        ],
    )
    assert copied.reproduced
    assert copied.plan_ms == pytest.approx(0.014 if kind == "Reformat" else 0.01)


@pytest.mark.parametrize(
    ("part", "free"),
    [
        ("Float(131072,1024,32,1) long-strided", True),
        ("Float(65536,1024,32,1) long-strided", False),
        ("Half(131072,1024,32,1) long-strided", False),
    ],
)
def test_a_part_with_the_wholes_strides_is_written_where_it_belongs(part, free):
    """Its writer needs no conversion where strides and type agree, whatever one would take."""
    whole = "Float(131072,1024,32,1)"
    laid = choice(
        tuning("a", {f"{LINEAR} -> {part}": 0.01}),
        tuning("b", {f"{whole} -> {whole}": 0.02}),
        conversions("m -> <out>", {(part, whole): 0.005}),
        layers=[
            "Layer(CaskConvolution): a, Tactic: 0x1, x (Float[1,64,32,32]) -> "
            f"m ({part.partition('(')[0]}[1,64,32,32])",
            "Layer(CaskConvolution): b, Tactic: 0x1, m (Float[1,128,32,32]) -> "
            "y (Float[1,128,32,32])",
        ],
    )
    assert laid.plan_ms == pytest.approx(0.03 if free else 0.035)


@pytest.mark.parametrize(
    ("kind", "target", "free"),
    [
        ("NoOp", "Float(65536,2048,64,1)", True),
        ("NoOp", "Float(65536,32,1,1024)", False),
        ("Shuffle", "Float(65536,2048,64,1)", False),
    ],
)
def test_a_permutation_that_keeps_every_stride_is_free(kind, target, free):
    """Channels last before it and row-major after it are the same bytes."""
    last = "Float(65536,1,2048,64)"
    permuted = choice(
        tuning("a", {f"{LINEAR} -> {last}": 0.01}),
        tuning("p", {f"{last} -> {target}": 0.003}, "Shuffle"),
        layers=[
            "Layer(CaskConvolution): a, Tactic: 0x1, x (Float[1,64,32,32]) -> "
            "m (Float[1,64,32,32])",
            f"Layer({kind}): p, Tactic: 0x0, m (Float[1,64,32,32]) -> y (Float[1,32,32,64])",
        ],
    )
    assert permuted.reproduced
    assert permuted.plan_ms == pytest.approx(0.01 if free else 0.013)


@pytest.mark.parametrize(("kind", "unknown"), [("Constant", 0), ("Shuffle", 2)])
def test_a_constant_lacks_no_time(kind, unknown):
    """The log prints no time for a constant in either of its formats, and there is none."""
    held = choice(
        [
            "=============== Computing costs for ",
            f"{STARS} Autotuning format combination:  -> {LINEAR} {STARS}",
            f"{STARS} Autotuning format combination:  -> {HALF} {STARS}",
        ],
        tuning("b", {f"{LINEAR}, {LINEAR} -> {LINEAR}": 0.02}),
        conversions("k -> <out>", {(HALF, LINEAR): 0.004}),
        layers=[
            f"Layer({kind}): k, Tactic: 0x0,  -> k (Float[1,64,32,32])",
            "Layer(ElementWise): b, Tactic: 0x1, x (Float[1,64,32,32]), k (Float[1,64,32,32]) -> "
            "y (Float[1,64,32,32])",
        ],
    )
    assert held.unknown_terms == unknown
    assert held.certain is (unknown == 0)


COPIED = "Reformatted x"


@pytest.mark.parametrize("ms", [0.002, 0.009])
def test_a_network_input_that_nothing_copies_has_one_name(ms):
    """Conversions are tried for the copy; they are told of the network's own tensor."""
    alias = "Reformatted Input Tensor 0 to a"
    layers = [
        "Layer(NoOp): Reformatting CopyNode for Network Input x, Tactic: 0x0, "
        f"x (Float[1,64,32,32]) -> {COPIED} (Float[1,64,32,32])"
    ]
    added = []
    if ms < 0.007:
        added.append(f"{alias} ({COPIED}) from {LINEAR} to {HALF}")
        layers += [
            "Layer(Reformat): Reformatting CopyNode for Input Tensor 0 to a, Tactic: 0x0, "
            f"{COPIED} (Float[1,64,32,32]) -> {alias} (Half[1,64,32,32])",
            f"Layer(CaskConvolution): a, Tactic: 0x1, {alias} (Half[1,64,32,32]) -> "
            "y (Float[1,64,32,32])",
        ]
    else:
        layers.append(
            f"Layer(CaskConvolution): a, Tactic: 0x1, {COPIED} (Float[1,64,32,32]) -> "
            "y (Float[1,64,32,32])"
        )
    single = choice(
        tuning("a", {f"{LINEAR} -> {LINEAR}": 0.02, f"{HALF} -> {LINEAR}": 0.013}),
        conversions(f"{COPIED} -> <out>", {(LINEAR, HALF): ms}),
        added=added,
        layers=layers,
    )
    assert single.reproduced
    assert single.plan_ms == pytest.approx(min(0.02, 0.013 + ms))
    assert [c.tensor for c in single.converted] == ["x"] * len(added)


def test_a_region_has_the_name_of_its_tensor():
    """The engine of 8.4 names regions, autotuning tensors; the conversion between is found."""
    pair = (LAST, LINEAR)
    folded = choice(
        tuning("a", {f"{LINEAR} -> {LAST}": 0.01}),
        tuning("b", {f"{LINEAR} -> {LINEAR}": 0.02}),
        conversions("m_out_tensor -> <out>", {pair: 0.004}),
        added=[f"Reformatted Input Tensor 0 to b (m_out_tensor) from {LAST} to {LINEAR}"],
        layers=[
            "Layer(CaskConvolution): a, Tactic: 0x1, x (Float[1,64,32,32]) -> "
            "m_out_region (Float[1,64:4,32,32])",
            "Layer(CaskConvolution): b, Tactic: 0x1, m_out_region (Float[1,64,32,32]) -> "
            "y (Float[1,64,32,32])",
        ],
    )
    assert folded.certain and folded.plan_ms == pytest.approx(0.034)
    assert [c.tensor for c in folded.converted] == ["m_out_tensor"]


@pytest.mark.parametrize(("kind", "same"), [("NoOp", True), ("Reformat", False)])
def test_a_plan_without_a_conversion_that_copies_nothing_is_the_same(kind, same):
    alias = "Reformatted Input Tensor 0 to b"
    plan = choice(
        tuning("a", {f"{LINEAR} -> {LINEAR}": 0.01}),
        tuning("b", {f"{LINEAR} -> {LINEAR}": 0.02}),
        added=[f"{alias} (m) from {LINEAR} to {LAST}"],
        layers=[
            "Layer(CaskConvolution): a, Tactic: 0x1, x (Float[1,64,32,32]) -> "
            "m (Float[1,64,32,32])",
            f"Layer({kind}): Reformatting CopyNode for Input Tensor 0 to b, Tactic: 0x0, "
            f"m (Float[1,64,32,32]) -> {alias} (Float[1,64,32,32])",
            f"Layer(CaskConvolution): b, Tactic: 0x1, {alias} (Float[1,64,32,32]) -> "
            "y (Float[1,64,32,32])",
        ],
    )
    assert plan.reproduced is same


@pytest.mark.parametrize(
    ("chosen", "other", "ceiling"),
    [(0.01, 0.02, "certain"), (0.01, 0.00995, "likely"), (0.01, 0.0098, "possible")],
)
def test_nothing_is_surer_than_the_plan_that_it_follows_from(chosen, other, ceiling):
    """The engine has FP32; the further the log's numbers are from that, the less they prove."""
    doubted = choice(
        tuning("a", {f"{LINEAR} -> {LINEAR}": chosen, f"{HALF} -> {HALF}": other - 0.002}),
        conversions("x -> <out>", {(LINEAR, HALF): 0.001}),
        conversions("<in> -> y", {(HALF, LINEAR): 0.001}),
        layers=[
            "Layer(CaskConvolution): a, Tactic: 0x1, x (Float[1,64,32,32]) -> y (Float[1,64,32,32])"
        ],
    )
    assert doubted.ceiling.value == ceiling
    assert doubted.certain is doubted.reproduced is (ceiling == "certain")


def test_a_plan_that_the_log_does_not_offer_is_possible_at_most():
    """The engine's vectors are none of the layer's candidates."""
    strange = choice(
        tuning("a", {f"{LINEAR} -> {LINEAR}": 0.01}),
        layers=[
            "Layer(CaskConvolution): a, Tactic: 0x1, x (Float[1,64,32,32]) -> "
            "y (Float[1,64:4,32,32])"
        ],
    )
    assert strange.logged_ms is None and strange.ceiling.value == "possible"


@pytest.mark.parametrize("note", [" hazard", " long-strided", " hazard long-strided"])
def test_a_cached_candidate_has_the_time_of_one_that_only_a_note_tells_apart(note):
    """TensorRT's cache does not know notes, and never is a time that is not printed nothing."""
    marked = choice(
        [
            *tuning("a", {f"{LINEAR} -> {LINEAR}": 0.01, f"{LAST}{note} -> {LINEAR}": 0.02}),
            f"{STARS} Autotuning format combination: {LAST} -> {LINEAR} {STARS}",
        ],
        conversions("x -> <out>", {(LINEAR, LAST): 0.001}),
        layers=[
            "Layer(CaskConvolution): a, Tactic: 0x1, x (Float[1,64,32,32]) -> y (Float[1,64,32,32])"
        ],
    )
    assert marked.reproduced and not marked.unknown_terms
    assert marked.plan_ms == pytest.approx(0.01)


@pytest.mark.parametrize("note", [" hazard", " long-strided"])
def test_a_cached_conversion_has_the_time_of_one_that_only_a_note_tells_apart(note):
    pair = (LAST, LINEAR)
    marked = choice(
        tuning("a", {f"{LINEAR} -> {LAST}": 0.01}),
        tuning("b", {f"{LAST} -> {LAST}{note}": 0.01, f"{LINEAR} -> {LAST}{note}": 0.03}),
        conversions("<in> -> m", {pair: 0.003, (LINEAR, LAST): 0.004}),
        conversions("<in> -> y", {(LAST + note, LINEAR): None, (HALF, LINEAR): 0.05}),
        added=[f"Reformatted Output Tensor 0 to b (y) from {LAST}{note} to {LINEAR}"],
        layers=[
            "Layer(CaskConvolution): a, Tactic: 0x1, x (Float[1,64,32,32]) -> "
            "m (Float[1,64:4,32,32])",
            "Layer(CaskConvolution): b, Tactic: 0x1, m (Float[1,64:4,32,32]) -> "
            "Reformatted Output Tensor 0 to b (Float[1,64:4,32,32])",
            "Layer(Reformat): Reformatting CopyNode for Output Tensor 0 to b, Tactic: 0x0, "
            "Reformatted Output Tensor 0 to b (Float[1,64:4,32,32]) -> y (Float[1,64,32,32])",
        ],
    )
    assert marked.reproduced and not marked.unknown_terms
    assert marked.plan_ms == pytest.approx(0.023)


def concatenated(*, dims="1,32,32,32", part="Float(32768,1024,32,1)", named="p"):
    """Two layers that write into one tensor, which a third reads: ``p`` is the part of the first."""
    whole, laid = "Float(65536,1024,32,1)", "Float(65536,1024,32,1) long-strided"
    return choice(
        ["Eliminating concatenation cat", "Retargeting p to m", "Retargeting q to m"],
        tuning("a", {f"{LINEAR} -> {part}": 0.01}),
        tuning("b", {f"{LINEAR} -> {laid}": 0.01}),
        tuning("c", {f"{whole} -> {whole}": 0.02}),
        conversions(f"<in> -> {named}", {(part, whole): 0.004}),
        added=[f"Reformatted Output Tensor 0 to a (p) from {part} to {whole}"] * (part[0] == "H"),
        layers=[
            "Layer(CaskConvolution): a, Tactic: 0x1, x (Float[1,64,32,32]) -> "
            f"{'Reformatted Output Tensor 0 to a' if part[0] == 'H' else 'm'} "
            f"({part.partition('(')[0]}[{dims}])",
            *(
                [
                    "Layer(Reformat): Reformatting CopyNode for Output Tensor 0 to a, Tactic: 0x0, "
                    f"Reformatted Output Tensor 0 to a (Half[{dims}]) -> m (Float[{dims}])"
                ]
                if part[0] == "H"
                else []
            ),
            f"Layer(CaskConvolution): b, Tactic: 0x1, x (Float[1,64,32,32]) -> m (Float[{dims}])",
            "Layer(CaskConvolution): c, Tactic: 0x1, m (Float[1,64,32,32]) -> y (Float[1,64,32,32])",
        ],
    )


def test_a_part_is_converted_by_its_own_layer_under_its_own_name():
    """``Retargeting`` tells whose conversions those of a tensor are that the engine does not have."""
    choice_ = concatenated(part="Half(32768,1024,32,1)")
    assert choice_.reproduced and choice_.conversions == (1, 1)
    assert choice_.plan_ms == pytest.approx(0.044)
    (converted,) = (one for one in choice_.converted if one.time_ms)
    assert converted.layer == "a" and not converted.into


def test_a_part_that_lies_right_by_chance_has_a_price_but_no_layer():
    """For one image its strides are the whole's; the builder prices the copy, the engine has none."""
    choice_ = concatenated()
    assert choice_.reproduced and choice_.conversions == (0, 0)
    assert choice_.plan_ms == pytest.approx(0.044)


@pytest.mark.parametrize(("cached", "unknown"), [(LINEAR, 0), ("Float(65536,1,2048,64)", 1)])
def test_a_cached_candidate_has_the_time_of_the_most_similar_layer(cached, unknown):
    """One of two equal layers writes a part of a concatenation, and so has other candidates too."""
    laid = "Float(131072,1024,32,1) long-strided"
    repeated = choice(
        tuning(
            "a",
            {
                f"{LINEAR} -> {laid}": 0.04,
                f"{LINEAR} -> {LINEAR}": 0.01,
                f"{LINEAR} -> {LAST}": 0.03,
            },
        ),
        [
            "=============== Computing costs for ",
            f"{STARS} Autotuning format combination: {LINEAR} -> {cached} {STARS}",
            f"{STARS} Autotuning format combination: {LINEAR} -> {HALF} {STARS}",
            "--------------- Timing Runner: b (CaskConvolution[0x80000009])",
            "CaskConvolution has no valid tactics for this config, skipping",
        ],
        layers=[
            "Layer(CaskConvolution): a, Tactic: 0x1, x (Float[1,64,32,32]) -> m (Float[1,64,32,32])",
            "Layer(CaskConvolution): b, Tactic: 0x1, m (Float[1,64,32,32]) -> y (Float[1,64,32,32])",
        ],
    )
    assert repeated.unknown_terms == unknown
    assert repeated.plan_ms == pytest.approx(0.01 if unknown else 0.02)


def test_a_concatenation_has_a_format_of_its_own_though_one_layer_reads_it():
    """Parts lie right in the whole, which is then read free as the same bytes of another width."""
    part, whole = "Half(32768,1:8,1024,32) long-strided", "Half(32768,1:8,1024,32)"
    wider = "Half(16384,1:16,512,16)"
    joined = choice(
        ["Eliminating concatenation cat", "Retargeting p to m", "Retargeting q to m"],
        tuning("a", {f"{HALF} -> {part}": 0.01}),
        tuning("b", {f"{HALF} -> {part}": 0.01}),
        tuning("c", {f"{wider} -> {wider}": 0.02}),
        conversions("<in> -> p", {(part, whole): 0.004, (part, wider): 0.005}),
        conversions("m -> <out>", {(whole, wider): 0.006}),
        added=[f"Reformatted Input Tensor 0 to c (m) from {whole} to {wider}"],
        layers=[
            "Layer(CaskConvolution): a, Tactic: 0x1, x (Half[1,64,32,32]) -> m (Half[1,128:8,32,32])",
            "Layer(CaskConvolution): b, Tactic: 0x1, x (Half[1,64,32,32]) -> m (Half[1,128:8,32,32])",
            "Layer(NoOp): Reformatting CopyNode for Input Tensor 0 to c, Tactic: 0x0, "
            "m (Half[1,256:8,32,32]) -> Reformatted Input Tensor 0 to c (Half[1,256:16,32,32])",
            "Layer(CaskConvolution): c, Tactic: 0x1, "
            "Reformatted Input Tensor 0 to c (Half[1,256:16,32,32]) -> y (Half[1,256:16,32,32])",
        ],
    )
    assert joined.reproduced and joined.conversions == (1, 1)
    assert joined.plan_ms == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("target", "dims", "free"),
    [
        ("Half(800,1:8,800,2)", "4,12,1,400", True),
        ("Half(4800,1:2,4800,24)", "4,12,1,400", False),
        ("Half(800,2:8,800,4)", "4,12,1,400", False),
    ],
)
def test_a_permutation_is_free_though_the_last_vector_is_not_full(target, dims, free):
    """Twelve channels in vectors of eight: only a format of the same width holds the same bytes."""
    before = "Half(800,1:8,2,2)"
    permuted = choice(
        tuning("a", {f"{HALF} -> {before}": 0.01}),
        tuning("p", {f"{before} -> {target}": 0.003}, "Shuffle"),
        layers=[
            "Layer(CaskConvolution): a, Tactic: 0x1, x (Half[1,64,32,32]) -> m (Half[4,12:8,400,1])",
            f"Layer(NoOp): p, Tactic: 0x0, m (Half[4,12:8,400,1]) -> y (Half[{dims}])",
        ],
    )
    assert permuted.plan_ms == pytest.approx(0.01 if free else 0.013)


def chain(*names, shapes=("64,32,32",) * 3, added=()):
    """Layers a, b + act and c, whose tensors in between autotuning calls by these names."""
    between = ["(Unnamed Layer* 0) [Activation]_output", "(Unnamed Layer* 1) [Activation]_output"]
    (first, second), layers = names, ["a", "b + act", "c"]
    return choice(
        tuning("a", {f"{LINEAR} -> {LAST}": 0.01}),
        tuning("b + act", {f"{LINEAR} -> {LAST}": 0.02}),
        tuning("c", {f"{LINEAR} -> {LINEAR}": 0.04}),
        *(conversions(f"{name} -> <out>", {(LAST, LINEAR): ms}) for name, ms in (first, second)),
        added=added,
        layers=[
            f"Layer(CaskConvolution): {layer}, Tactic: 0x1, {before} (Float[1,{shape}]) -> "
            f"{after} (Float[1,{shape.replace('64', '64:4') if layer != 'c' else shape}])"
            for layer, before, after, shape in zip(
                layers, ["x", *between], [*between, "y"], shapes, strict=True
            )
        ],
    )


def test_a_renamed_tensor_is_the_one_whose_conversion_the_plan_names():
    told = chain(
        ("p", 0.003),
        ("q", 0.005),
        added=[
            f"Reformatted Input Tensor 0 to c (q) from {LAST} to {LINEAR}",
            f"Reformatted Input Tensor 0 to b + act (p) from {LAST} to {LINEAR}",
        ],
    )
    assert told.certain and told.plan_ms == pytest.approx(0.078)


def test_a_renamed_tensor_is_the_output_that_has_its_default_name():
    told = chain(("a_output", 0.003), ("act_output", 0.005))
    assert told.plan_ms == pytest.approx(0.078) and not told.unknown_terms


def test_a_conversion_without_a_proven_name_is_never_free():
    """Each name fits both tensors: their prices are unknown, and nothing is certain."""
    open_ = chain(("p", 0.003), ("q", 0.005))
    assert open_.unknown_terms == 2 and not open_.certain
    assert open_.plan_ms > 0.07
    assert [c.known for c in open_.converted] == [False, False]


def test_a_renamed_tensor_is_the_only_one_that_its_formats_fit():
    told = choice(
        tuning("a", {f"{LINEAR} -> {LAST}": 0.01}),
        tuning("b", {f"{LINEAR} -> {LINEAR}": 0.02}),
        tuning("c", {f"{LINEAR} -> {HALF}": 0.02}),
        conversions("m -> <out>", {(LAST, LINEAR): 0.004}),
        conversions("n -> <out>", {(HALF, LAST): 0.004}),
        layers=[
            "Layer(CaskConvolution): a, Tactic: 0x1, x (Float[1,64,32,32]) -> "
            "(Unnamed Layer* 0) [Activation]_output (Float[1,64:4,32,32])",
            "Layer(CaskConvolution): b, Tactic: 0x1, (Unnamed Layer* 0) [Activation]_output "
            "(Float[1,64,32,32]) -> y (Float[1,64,32,32])",
        ],
    )
    assert not told.unknown_terms and told.plan_ms == pytest.approx(0.034)


NARROW, WIDE = "Int8(16384,1024:4,32,1)", "Int8(2048,1024:32,32,1)"


def test_nothing_is_converted_into_what_a_conversion_writes():
    """A QuantizeLinear has a time of its own for each format; another one behind it is not tried."""
    quantised = choice(
        conversions("", {(LINEAR, NARROW): 0.004, (LINEAR, WIDE): 0.009}, layer="q"),
        tuning("b", {f"{WIDE} -> {WIDE}": 0.01}),
        tuning("c", {f"{NARROW} -> {WIDE}": 0.02, f"{WIDE} -> {WIDE}": 0.01}),
        conversions("m -> <out>", {(NARROW, WIDE): 0.003}),
        layers=[
            "Layer(Reformat): q, Tactic: 0x0, x (Float[1,64,32,32]) -> m (Int8[1,64:32,32,32])",
            *(
                f"Layer(CaskConvolution): {layer}, Tactic: 0x1, m (Int8[1,64:32,32,32]) -> "
                f"{layer}0 (Int8[1,64:32,32,32])"
                for layer in "bc"
            ),
        ],
    )
    assert quantised.reproduced
    assert quantised.plan_ms == pytest.approx(0.029)


@pytest.mark.parametrize(("direct", "plan"), [(0.03, 0.026), (0.002, 0.022)])
def test_nothing_is_converted_for_a_layer_that_converts(direct, plan):
    """A copy reads the tensor as it is held, though converting for it first would be cheaper."""
    held, alias = ("Float[1,64:4,32,32]", "m")
    layers, added = [], []
    if direct > 0.01:
        held, alias = ("Float[1,64,32,32]", "Reformatted Input Tensor 0 to b")
        added.append(f"{alias} (m) from {LINEAR} to {LAST}")
        layers.append(
            "Layer(Reformat): Reformatting CopyNode for Input Tensor 0 to b, Tactic: 0x0, "
            f"m ({held}) -> {alias} (Float[1,64:4,32,32])"
        )
    copied = choice(
        tuning("a", {f"{LINEAR} -> {LAST}": 0.01, f"{LINEAR} -> {LINEAR}": 0.01}),
        tuning("b", {f"{LAST} -> {LAST}": 0.01}),
        conversions("", {(LINEAR, LINEAR): 0.001, (LAST, LINEAR): direct}, layer="m copy"),
        conversions("<in> -> m", {(LINEAR, LAST): 0.006, (LAST, LINEAR): 0.006}),
        conversions("m -> <out>", {(LINEAR, LAST): 0.005, (LAST, LINEAR): 0.0001}),
        added=added,
        layers=[
            f"Layer(CaskConvolution): a, Tactic: 0x1, x (Float[1,64,32,32]) -> m ({held})",
            f"Layer(Reformat): m copy, Tactic: 0x0, m ({held}) -> z (Float[1,64,32,32])",
            *layers,
            f"Layer(CaskConvolution): b, Tactic: 0x1, {alias} (Float[1,64:4,32,32]) -> "
            "y (Float[1,64:4,32,32])",
        ],
    )
    assert copied.reproduced
    assert copied.plan_ms == pytest.approx(plan)


@pytest.mark.parametrize(("into", "out"), [(0.003, 0.004), (0.004, 0.003)])
def test_a_tensor_with_conversions_on_both_sides_is_converted_on_the_cheaper_one(into, out):
    """TensorRT 8.2 and 8.4 try both for some tensors that one layer reads: none is an output."""
    writes = into < out
    where = "Reformatted Output Tensor 0 to a" if writes else "Reformatted Input Tensor 0 to b"
    ends = (f"{where} (Float[1,64,32,32])", "m (Float[1,64:4,32,32])")
    if not writes:
        ends = ("m (Float[1,64,32,32])", f"{where} (Float[1,64:4,32,32])")
    single = choice(
        tuning("a", {f"{LINEAR} -> {LINEAR}": 0.01}),
        tuning("b", {f"{LAST} -> {LAST}": 0.01, f"{LINEAR} -> {LAST}": 0.03}),
        conversions("<in> -> m", {(LINEAR, LAST): into}),
        conversions("m -> <out>", {(LINEAR, LAST): out, (LAST, LINEAR): 0.004}),
        added=[f"{where} (m) from {LINEAR} to {LAST}"],
        layers=[
            f"Layer(CaskConvolution): a, Tactic: 0x1, x (Float[1,64,32,32]) -> {ends[0]}",
            f"Layer(Reformat): {where.replace('Reformatted', 'Reformatting CopyNode for')}, "
            f"Tactic: 0x0, {ends[0]} -> {ends[1]}",
            f"Layer(CaskConvolution): b, Tactic: 0x1, {ends[1]} -> y (Float[1,64:4,32,32])",
        ],
    )
    assert single.reproduced and single.conversions == (1, 1)
    assert single.plan_ms == pytest.approx(0.023)


def test_an_output_of_a_type_that_no_layer_makes_is_converted_for_a_price_not_told():
    """TensorRT 10 tries no conversion of an FP8 output that the network holds in FP32."""
    alias = "Reformatted Output Tensor 0 to a"
    quantised = choice(
        tuning("a", {"Float(16,1) -> FP8(16,1)": 0.01}, "Myelin"),
        added=[f"{alias} (y) from FP8(16,1) to Float(16,1)"],
        layers=[
            f"Layer(Myelin): a, Tactic: 0x1, x (Float[3,16]) -> {alias} (FP8[3,16])",
            "Layer(MyelinReformat): Reformatting CopyNode for Output Tensor 0 to a, Tactic: 0x0, "
            f"{alias} (FP8[3,16]) -> y (Float[3,16])",
        ],
    )
    assert quantised.reproduced and quantised.conversions == (1, 1)
    assert quantised.unknown_terms == 1 and not quantised.certain


@pytest.mark.parametrize(("into", "out"), [(0.003, 0.007), (0.007, 0.003)])
def test_a_conversion_into_an_fp16_output_has_a_time_of_its_own_side(into, out):
    """No such conversion was tried for the output itself, but both sides of it for another tensor."""
    packed = "Half(16384,1:4,512,16)"
    made, solution, _ = problem(
        tuning("b", {f"{LINEAR} -> {LINEAR}": 0.01}),
        tuning("a", {f"{LINEAR} -> {packed}": 0.01}),
        conversions("m -> <out>", {(packed, HALF): out}),
        conversions("<in> -> m", {(packed, HALF): into}),
        conversions("<in> -> y", {(packed, LINEAR): 0.005}),
        added=[f"Reformatted Output Tensor 0 to a (y) from {packed} to {LINEAR}"],
        layers=[
            "Layer(CaskConvolution): b, Tactic: 0x1, x (Float[1,64,32,32]) -> m (Float[1,64,32,32])",
            "Layer(CaskConvolution): a, Tactic: 0x1, m (Float[1,64,32,32]) -> "
            "Reformatted Output Tensor 0 to a (Half[1,64:4,32,32])",
            "Layer(Reformat): Reformatting CopyNode for Output Tensor 0 to a, Tactic: 0x0, "
            "Reformatted Output Tensor 0 to a (Half[1,64:4,32,32]) -> y (Float[1,64,32,32])",
        ],
    )
    changed = NetworkIoSolver(Solver(made), made.values(), solution).solved(linear_only=True)
    assert changed is not None
    assert changed.total_ms == pytest.approx(0.02 + into)
