"""The solver is exact: elimination, the integer program and trying everything agree."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

np = pytest.importorskip("numpy")

from trtdoctor.precision.log.formats import same_addresses  # noqa: E402
from trtdoctor.precision.log.solver import (  # noqa: E402
    Tables,
    eliminate,
    elimination_order,
    integer_program,
)
from trtdoctor.readers.buildlog.text import Formats  # noqa: E402

ROOT = Path(__file__).parents[3]
COST = st.one_of(st.integers(0, 20).map(float), st.just(float("inf")))


@st.composite
def problems(draw):
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=5))
    single = [np.array(draw(st.lists(COST, min_size=n, max_size=n))) for n in sizes]
    pair = {}
    for first, second in itertools.combinations(range(len(sizes)), 2):
        if draw(st.booleans()):
            cells = sizes[first] * sizes[second]
            costs = draw(st.lists(COST, min_size=cells, max_size=cells))
            pair[first, second] = np.array(costs).reshape(sizes[first], sizes[second])
    return Tables(single, pair, 1.5)


def cost(tables, chosen):
    total = tables.constant + sum(table[o] for table, o in zip(tables.single, chosen, strict=True))
    return total + sum(table[chosen[a], chosen[b]] for (a, b), table in tables.pair.items())


@settings(max_examples=200, deadline=None)
@given(problems())
def test_elimination_finds_the_minimum(tables):
    sizes = [len(table) for table in tables.single]
    best = min(cost(tables, c) for c in itertools.product(*map(range, sizes)))
    solution = eliminate(tables, elimination_order(sizes, set(tables.pair))[0])
    if best == float("inf"):
        assert solution is None
    else:
        assert solution is not None and solution.total_ms == pytest.approx(best)
        assert cost(tables, solution.options) == pytest.approx(best)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_the_integer_program_finds_the_same(tables):
    pytest.importorskip("highspy")
    sizes = [len(table) for table in tables.single]
    solution = eliminate(tables, elimination_order(sizes, set(tables.pair))[0])
    other = integer_program(tables)
    assert (solution is None) == (other is None)
    if solution is not None and other is not None:
        assert other.total_ms == pytest.approx(solution.total_ms)
        assert cost(tables, other.options) == pytest.approx(solution.total_ms)


def test_an_integer_program_tells_solutions_apart_by_less_than_a_nanosecond():
    """Times of kernels in milliseconds are about as small as HiGHS's own tolerances."""
    pytest.importorskip("highspy")
    random = np.random.default_rng(3)
    pairs = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 4), (3, 4), (0, 4)]

    def times(*shape):
        return 0.004 + random.integers(0, 30, shape) * 1e-8

    for _ in range(20):
        tables = Tables([times(3) for _ in range(5)], {pair: times(3, 3) for pair in pairs})
        solution = eliminate(tables, elimination_order([3] * 5, set(pairs))[0])
        other = integer_program(tables)
        assert solution is not None and other is not None
        assert cost(tables, other.options) == pytest.approx(solution.total_ms, rel=1e-12)


def test_an_integer_program_prints_nothing():
    """HiGHS writes past Python's own streams, so only another process shows it."""
    pytest.importorskip("highspy")
    script = (
        "import numpy as np\n"
        "from trtdoctor.precision.log.solver import Tables, integer_program\n"
        "single = [np.array([1.0, 2.0]), np.array([2.0, 1.0])]\n"
        "pair = {(0, 1): np.array([[0.0, 5.0], [float('inf'), 0.0]])}\n"
        "assert integer_program(Tables(single, pair)).options in {(0, 0), (1, 1)}\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, cwd=ROOT, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_a_long_chain_with_a_skip_stays_small():
    sizes = [12] * 400
    pairs = {(i, i + 1) for i in range(399)} | {(i, i + 3) for i in range(0, 396, 3)}
    order, cells = elimination_order(sizes, pairs)
    assert len(order) == 400 and cells <= 12**3


@pytest.mark.parametrize(
    ("first", "second", "dims", "same"),
    [
        ("Float(1024,1,1,1)", "Float(256,1:4,256,256)", (-1, 1024, 1, 1), True),
        ("Float(1024,1,1,1)", "Float(1024,1,1024,1024)", (-1, 1024, 1, 1), True),
        ("Float(1024,1,1,1)", "Half(1024,1,1,1)", (-1, 1024, 1, 1), False),
        ("Half(10,1,1,1)", "Half(2,1:8,2,2)", (1, 10, 1, 1), False),  # 8 does not divide 10
        ("Float(32768,1,1024,32)", "Float(8192,1:4,256,8)", (1, 32, 32, 32), True),
        ("Float(32768,1024,32,1)", "Float(8192,1:4,256,8)", (1, 32, 32, 32), False),
        ("Half(16384,1024:2,32,1)", "Half(32768,1024,32,1)", (1, 32, 32, 32), False),
        ("Half(1024,1024:2,32,1)", "Half(2048,1,64,2)", (1, 2, 32, 32), True),
        ("Float(32768,1,1024,32)", "Float(8192,1:4,256,8)", (), False),
        # A part of a concatenation with the strides of the whole is written right into it.
        ("Float(8,1) long-strided", "Float(8,1)", (4, 8), True),
        ("Float(16,1) long-strided", "Float(8,1)", (4, 8), False),
        # So is one of another vector width, which TensorRT does not take for the same there.
        ("Half(12800,1:16,160,2)", "Half(25600,1:8,320,4)", (1, 32, 80, 80), True),
        (
            "Half(12800,1:16,160,2) long-strided",
            "Half(25600,1:8,320,4) long-strided",
            (1, 32, 80, 80),
            False,
        ),
    ],
)
def test_same_addresses(first, second, dims, same):
    formats = Formats()
    one, two = formats.one(first), formats.one(second)
    assert one is not None and two is not None
    assert same_addresses(one, two, dims) is same is same_addresses(two, one, dims)
