"""How much times differ between builds, and a problem with its times measured again.

Measured on 2026-11-25 with TensorRT 8.6 on an H100, by the same candidate or conversion timed in two
builds of one network (271 kernels, 1433 conversions of seven networks): a build's deviations have
heavy tails, kernels a core of 4.7 % and conversions a standard deviation of 17 %; and all conversions
of a build together are off by 7 %, all kernels by 2 %.
"""

from __future__ import annotations

from collections.abc import Iterator

from .problem import Floats, Problem, TermKind

KERNELS = 0.046
CONVERSIONS = 0.17
_KERNELS_TOGETHER = 0.02
_CONVERSIONS_TOGETHER = 0.07
# Student's t with so many degrees of freedom has tails as heavy as those that were measured.
_FREEDOM = 4
# No measurement is off by more than this factor (e to its power) without being noticed.
_FARTHEST = 1.5
_DRAWS = 200
_LARGE = 100


def measured_again(problem: Problem, values: Floats, *, seed: int = 0) -> Iterator[Floats]:
    """The same times measured again and again: enough for two digits, fewer for large networks.

    Args:
        problem: whose terms say what is a kernel and what a conversion.
        values: milliseconds by term.
        seed: draws of another seed are independent of these.
    """
    import numpy as np

    draws = _DRAWS if len(problem.variables) <= _LARGE else _DRAWS // 5
    random = np.random.default_rng(seed)
    converts = np.array([term.kind is TermKind.CONVERSION for term in problem.terms])
    scales = np.where(converts, CONVERSIONS, KERNELS)
    for _ in range(draws):
        kernels, conversions = random.standard_normal(2)
        together = np.where(
            converts, _CONVERSIONS_TOGETHER * conversions, _KERNELS_TOGETHER * kernels
        )
        deviation = together + scales * random.standard_t(_FREEDOM, len(values))
        # A time that is none can overflow; the solution with it is then as bad as it gets.
        with np.errstate(over="ignore"):
            yield values * np.exp(np.clip(deviation, -_FARTHEST, _FARTHEST))
