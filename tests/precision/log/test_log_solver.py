"""The solver is exact: elimination, the integer program and trying everything agree."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

np = pytest.importorskip("numpy")

from trtdoctor.model.watch import OutOfTime  # noqa: E402
from trtdoctor.precision.log.costs import Costs, tables_of  # noqa: E402
from trtdoctor.precision.log.departures import Base  # noqa: E402
from trtdoctor.precision.log.elimination import Elimination  # noqa: E402
from trtdoctor.precision.log.elimination_order import elimination_order  # noqa: E402
from trtdoctor.precision.log.formats import same_addresses  # noqa: E402
from trtdoctor.precision.log.integer_program import IntegerProgram  # noqa: E402
from trtdoctor.readers.buildlog.text import Formats  # noqa: E402

ROOT = Path(__file__).parents[3]
COST = st.one_of(st.integers(0, 20).map(float), st.just(float("inf")))
INFINITE = float("inf")


@dataclass
class Problem:
    """Costs with one term for each entry, and values (terms by draws) for them."""

    costs: Costs
    values: np.ndarray

    @property
    def sizes(self):
        return [len(found[0]) for found in self.costs.single]

    def all_choices(self, allowed=None):
        for chosen in itertools.product(*map(range, self.sizes)):
            if all(mask[chosen[variable]] for variable, mask in (allowed or {}).items()):
                yield chosen

    def cost(self, chosen, draw=0):
        tables = tables_of(self.costs, self.values[:, draw])
        total = tables.constant + sum(
            table[option] for table, option in zip(tables.single, chosen, strict=True)
        )
        return total + sum(table[chosen[a], chosen[b]] for (a, b), table in tables.pair.items())

    def least(self, allowed=None, draw=0):
        return min((self.cost(c, draw) for c in self.all_choices(allowed)), default=INFINITE)


class Terms:
    def __init__(self):
        self.count = 1

    def table(self, *shape):
        size = int(np.prod(shape))
        self.count += size
        return np.arange(self.count - size, self.count).reshape(shape)


def problem_of(sizes, pairs, numbers, draws=1, *, twice=()):
    """A problem whose terms take these numbers in turn, again and again for other draws."""
    terms = Terms()
    costs = Costs([[terms.table(size)] for size in sizes], constant=[0])
    for first, second in pairs:
        for _ in range(2 if (first, second) in twice else 1):
            costs.add(first, second, terms.table(sizes[first], sizes[second]))
    found = itertools.islice(itertools.cycle(numbers), terms.count * draws)
    return Problem(costs, np.array(list(found)).reshape(draws, terms.count).T.copy())


@st.composite
def problems(draw, draws=1):
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=5))
    every = list(itertools.permutations(range(len(sizes)), 2))
    pairs = draw(st.lists(st.sampled_from(every), unique=True, max_size=8)) if every else []
    twice = draw(st.sets(st.sampled_from(pairs))) if pairs else ()
    count = 1 + sum(sizes) + 2 * sum(sizes[a] * sizes[b] for a, b in pairs)
    numbers = draw(st.lists(COST, min_size=count * draws, max_size=count * draws))
    return problem_of(sizes, pairs, numbers, draws, twice=twice)


@settings(max_examples=200, deadline=None)
@given(problems())
def test_elimination_finds_the_minimum(problem):
    best = problem.least()
    found = Base.of(Elimination(problem.costs), problem.values[:, 0])
    if best == INFINITE:
        assert found is None
    else:
        assert found is not None and found.total_ms == pytest.approx(best)
        assert problem.cost(found.options) == pytest.approx(best)


@settings(max_examples=200, deadline=None)
@given(problems(), st.data())
def test_elimination_finds_the_minimum_of_what_is_allowed(problem, data):
    allowed = {
        variable: data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
        for variable, size in enumerate(problem.sizes)
    }
    found = Base.of(Elimination(problem.costs), problem.values[:, 0], allowed=allowed)
    assert (found.total_ms if found else INFINITE) == pytest.approx(problem.least(allowed))


@settings(max_examples=100, deadline=None)
@given(problems(draws=3))
def test_draws_together_are_solved_as_each_alone(problem):
    elimination = Elimination(problem.costs)
    totals, options = elimination.minima(problem.values)
    assert totals.tolist() == elimination.totals(problem.values).tolist()
    for draw, total in enumerate(totals):
        assert total == pytest.approx(problem.least(draw=draw))
        if total < INFINITE:
            assert problem.cost(tuple(options[:, draw]), draw) == pytest.approx(total)


@settings(max_examples=300, deadline=None)
@given(problems(), st.data())
def test_a_departure_is_the_minimum_under_its_condition(problem, data):
    base = Base.of(Elimination(problem.costs), problem.values[:, 0])
    if base is None:
        return
    for variable, size in enumerate(problem.sizes):
        if size == 1:
            continue
        mask = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
        least = problem.least({variable: mask})
        found = base.departure(variable, mask)
        if least == INFINITE:
            assert found is None
            continue
        assert found is not None
        assert base.total_ms + found.more_ms == pytest.approx(least)
        now = [found.options.get(v, option) for v, option in enumerate(base.options)]
        assert mask[now[variable]]
        assert problem.cost(now) == pytest.approx(least)
        assert all(option != base.options[v] for v, option in found.options.items())


def test_a_departure_changes_nothing_that_costs_the_same_either_way():
    """Four in a row, where only neighbours share costs: what lies beyond stays as it is."""
    problem = problem_of([2] * 4, [(0, 1), (1, 2), (2, 3)], [0.0])
    for row, value in ((0, 0.0), (1, 1.0)):
        problem.values[problem.costs.single[0][0][row], 0] = value
    base = Base.of(Elimination(problem.costs), problem.values[:, 0], options=(0, 1, 0, 1))
    assert base is not None
    found = base.departure(0, [False, True])
    assert found is not None and found.more_ms == 1.0
    assert 3 not in found.options


@settings(max_examples=60, deadline=None)
@given(problems(draws=3), st.data())
def test_the_integer_program_finds_the_same_however_it_starts(problem, data):
    pytest.importorskip("highspy")
    program = IntegerProgram(problem.costs)
    for draw in range(3):
        allowed = {
            variable: data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
            for variable, size in enumerate(problem.sizes)
            if data.draw(st.booleans())
        }
        least = problem.least(allowed, draw)
        found = program.minimum(problem.values[:, draw], allowed, seconds=60.0)
        assert (found is None) == (least == INFINITE)
        if found is not None:
            total, options = found
            assert total == pytest.approx(least)
            assert problem.cost(options, draw) == pytest.approx(least)
            assert all(mask[options[variable]] for variable, mask in allowed.items())


@pytest.mark.parametrize("few", [0, 1 << 22])
def test_an_integer_program_that_is_not_whole_at_once(few, monkeypatch):
    """Three that all want to differ, each of two options, is the smallest of them."""
    pytest.importorskip("highspy")
    monkeypatch.setattr("trtdoctor.precision.log.integer_program._FEW_CELLS", few)
    problem = problem_of([2] * 5, [(0, 1), (1, 2), (0, 2), (2, 3), (3, 4), (2, 4)], [0.0], 2)
    for found in problem.costs.pair.values():
        for option in (0, 1):
            problem.values[found[0][option, option]] = 0.010
    problem.values[problem.costs.single[4][0][1]] = 0.001
    program = IntegerProgram(problem.costs)
    for draw in (0, 1, 0):
        found = program.minimum(problem.values[:, draw], {}, seconds=60.0)
        assert found is not None and found[0] == pytest.approx(problem.least(draw=draw))
        assert found[0] == pytest.approx(0.020)


def test_an_integer_program_tells_solutions_apart_by_less_than_a_nanosecond():
    """Times of kernels in milliseconds are about as small as HiGHS's own tolerances."""
    pytest.importorskip("highspy")
    random = np.random.default_rng(3)
    pairs = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 4), (3, 4), (0, 4)]
    for _ in range(20):
        problem = problem_of([3] * 5, pairs, 0.004 + random.integers(0, 30, 200) * 1e-8)
        solution = Base.of(Elimination(problem.costs), problem.values[:, 0])
        other = IntegerProgram(problem.costs).minimum(problem.values[:, 0], {}, seconds=60.0)
        assert solution is not None and other is not None
        assert other[0] == pytest.approx(solution.total_ms, rel=1e-12)


def test_an_integer_program_prints_nothing():
    """HiGHS writes past Python's own streams, so only another process shows it."""
    pytest.importorskip("highspy")
    script = (
        "import numpy as np\n"
        "from trtdoctor.precision.log.costs import Costs\n"
        "from trtdoctor.precision.log.integer_program import IntegerProgram\n"
        "costs = Costs([[np.array([0, 1])], [np.array([1, 0])]])\n"
        "costs.add(0, 1, np.array([[2, 3], [4, 2]]))\n"
        "values = np.array([1.0, 2.0, 0.0, 5.0, float('inf')])\n"
        "found = IntegerProgram(costs).minimum(values, {}, seconds=60.0)\n"
        "assert found[1] in {(0, 0), (1, 1)}, found\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, cwd=ROOT, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_an_integer_program_ends_when_time_is_over():
    pytest.importorskip("highspy")
    random = np.random.default_rng(5)
    pairs = list(itertools.combinations(range(24), 2))
    problem = problem_of([4] * 24, pairs, random.random(5000))
    with pytest.raises(OutOfTime):
        IntegerProgram(problem.costs).minimum(problem.values[:, 0], {}, seconds=0.0)


def cells(sizes, pairs):
    costs = problem_of(sizes, pairs, [0.0]).costs
    return Elimination(costs).cells


def test_a_long_chain_with_a_skip_stays_small():
    pairs = {(i, i + 1) for i in range(399)} | {(i, i + 3) for i in range(0, 396, 3)}
    assert cells([12] * 400, sorted(pairs)) <= 12**3


def test_variables_without_a_choice_take_no_axis():
    """One layer of one combination may read more tensors than an array has axes."""
    pairs = [(0, other) for other in range(1, 100)]
    assert cells([1] + [3] * 99, pairs) == 3
    assert cells([2] + [1] * 99, pairs) == 2


def test_where_tables_are_large_a_better_order_is_looked_for():
    """Eight branches side by side that exchange tensors all the way, which no greedy rule handles."""
    side, length = 8, 40
    pairs = [
        (along * side + branch, next_along * side + other)
        for along, branch in itertools.product(range(length), range(side))
        for next_along, other in ((along + 1, branch), (along, branch + 1))
        if next_along < length and other < side
    ]
    variables = list(range(side * length))
    assert sorted(elimination_order([4] * len(variables), variables, pairs)) == variables
    assert cells([4] * len(variables), pairs) == 4 ** (side + 1)


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
