"""What converters make of numbers, against what they really made of them."""

from __future__ import annotations

import math

import pytest

from trtdoctor.precision.numbers.converters import (
    AUTOCAST,
    CONVERTERS,
    ONNXCONVERTER_COMMON,
    ONNXRUNTIME,
    replaced,
)

INF = math.inf
LEAST = 5.960464477539063e-08
TWICE = 1.1920928955078125e-07
# FP32 number; then what onnxconverter-common 1.16.0 and onnxruntime 1.32.0 made of it when they were
# run, and what the lines of AutoCast 0.47.0 that convert an initialiser made of it.
RUN = [
    (-1e9, -10000.0, -65504.0, -65504.0),
    (-3.4028234663852886e38, -10000.0, -65504.0, -65504.0),
    (-INF, -INF, -INF, -65504.0),
    (INF, INF, INF, 65504.0),
    (65519.0, 10000.0, 65504.0, 65504.0),
    (65504.0, 10000.0, 65504.0, 65504.0),
    (70000.0, 10000.0, 65504.0, 65504.0),
    (20000.0, 10000.0, 20000.0, 20000.0),
    (1e-12, TWICE, LEAST, LEAST),
    (-1e-12, -TWICE, -LEAST, LEAST),
    (1e-7, TWICE, TWICE, TWICE),
    (-8e-8, -TWICE, -LEAST, -LEAST),
    (5.9e-8, TWICE, LEAST, LEAST),
    (1.25e-10, TWICE, LEAST, LEAST),
    (-3e-8, -TWICE, -LEAST, LEAST),
    (4e-8, TWICE, LEAST, LEAST),
    (0.0, 0.0, 0.0, 0.0),
    (1.0, 1.0, 1.0, 1.0),
    (0.1, 0.0999755859375, 0.0999755859375, 0.0999755859375),
]


@pytest.mark.parametrize(("old", "common", "runtime", "autocast"), RUN)
def test_numbers_become_what_the_converters_made_of_them(old, common, runtime, autocast):
    assert ONNXCONVERTER_COMMON.becomes(old) == common
    assert ONNXRUNTIME.becomes(old) == runtime
    assert AUTOCAST.becomes(old) == autocast


def test_nan_stays():
    assert all(math.isnan(converter.becomes(math.nan)) for converter in CONVERTERS)
    assert all(each.rounded for each in replaced([math.nan]))


def test_replaced_numbers_are_told_from_rounded_ones():
    told = {(each.converter, each.old): each for each in replaced([-1e9, 0.1, 20000.0, -3e-8])}
    assert len(told) == 12
    assert not any(told[c.name, -1e9].rounded for c in CONVERTERS)
    assert all(told[c.name, 0.1].rounded for c in CONVERTERS)
    assert not told["onnxconverter-common", 20000.0].rounded
    assert told["onnxruntime", 20000.0].rounded
    # The nearest number is the negative one: AutoCast turns the sign.
    assert told["onnxruntime", -3e-8].rounded
    assert not told["AutoCast", -3e-8].rounded
