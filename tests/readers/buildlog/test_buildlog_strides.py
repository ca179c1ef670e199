"""Strides over extents that only a run knows, as TensorRT 8.4 to 10.16 and TensorRT-RTX print them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trtdoctor.precision.log.formats import linear, same_addresses
from trtdoctor.readers.buildlog import Product
from trtdoctor.readers.buildlog.text import Formats

AREA = " where E0=(* (# 2 (SHAPE x)) (# 3 (SHAPE x)))"


@pytest.fixture
def both():
    """The two sides of a combination."""
    return lambda text: Formats().combination(text)


def test_names_are_the_lines_own_and_put_in(both):
    (a,), (b,) = both(
        f"Float(E0,E0,(# 3 (SHAPE x)),1) -> Half((* 8 E0),E0,(# 3 (SHAPE x)),1){AREA}"
    )
    assert a.strides[0] == Product(coefficient=1, factors=("(# 2 (SHAPE x))", "(# 3 (SHAPE x))"))
    assert a.strides[3] == 1 and b.dtype == "Half" and b.note == ""
    assert b.strides[0] == Product(coefficient=8, factors=a.strides[0].factors)
    (other,), _ = both("Float(E0,1) where E0=(* 256 (# 3 (SHAPE x))) -> Float(E0,1) where E0=7")
    assert other.text == "Float((* 256 (# 3 (SHAPE x))),1)"


def test_each_side_can_have_names_of_its_own(both):
    (a,), (b,) = both(
        "Float((* (# 2 (SHAPE x)) E0),1:4,E0,64) where E0=(* 64 (# 3 (SHAPE x))) -> "
        f"Float((* 256 E0),E0,(# 3 (SHAPE x)),1){AREA}"
    )
    assert a.strides[0].coefficient == 64 and (a.vector, a.vector_axis) == (4, 1)
    assert b.strides[0].coefficient == 256


def test_each_format_can_have_names_of_its_own_and_the_line_those_of_all(both):
    """TensorRT 8.6 numbers them anew behind each format, and once more at the end for all."""
    half = "(+ (CEIL_DIV (+ W -4) 4) 1)"
    (a, b), (c,) = both(
        f"Float((* 3 E0),E0,W,1) where E0=(* H W), Float(E0,1) where E0={half} long-strided -> "
        f"Half((* 24 E1),E1,E0,1) where E0={half} E1=(* H E0) where E0=(* H W) E1={half} E2=(* H E1)"
    )
    assert a.strides[0] == Product(coefficient=3, factors=("H", "W")) and a.note == ""
    assert b.text == f"Float({half},1) long-strided" and b.note == "long-strided"
    assert c.strides[0] == Product(coefficient=24, factors=(half, "H"))


def test_a_format_without_names_needs_none(both):
    (a,), (b,) = both("Float((* 3 E0),E0,W,1) where E0=(* H W) -> Float((* H W),1:4,W,1)")
    assert a.strides[1] == b.strides[0] == Product(coefficient=1, factors=("H", "W"))


def test_a_sum_of_like_products_is_a_product(both):
    """24 X + 24 is 24 (X + 1): channels last and vectors of four of them are the same bytes."""
    width, last = "(CEIL_DIV (+ W -2) 2)", "(MUL_ADD 24 (CEIL_DIV (+ W -2) 2) 24)"
    (a,), (b,) = both(
        f"Float((* H {last}),1,{last},24) -> "
        f"Float((* H E0),1:4,E0,6) where E0=(MUL_ADD 6 {width} 6)"
    )
    assert same_addresses(a, b, (1, 24, -1, -1))
    (a,), (b,) = both(f"Float((MUL_ADD 24 {width} 20),1) -> Float({last},1)")
    assert not same_addresses(a, b, (-1, 24))


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("Float((* 8 E0),E0,(# 3 (SHAPE x)),1)", "Float((* E0 8),E0,(# 3 (SHAPE x)),1)", True),
        ("Float(E0,E0,(# 3 (SHAPE x)),1)", "Float(E0,1,(# 3 (SHAPE x)),1)", True),
        ("Float((* 8 E0),E0,(# 3 (SHAPE x)),1)", "Half((* 8 E0),E0,(# 3 (SHAPE x)),1)", False),
        ("Float((* 8 E0),E0,(# 3 (SHAPE x)),1)", "Float((* 8 E0),E0,(# 2 (SHAPE x)),1)", False),
        ("Float((* 8 E0),E0,(# 3 (SHAPE x)),1)", "Float(800,E0,(# 3 (SHAPE x)),1)", False),
    ],
)
def test_formats_are_the_same_where_their_products_are(both, first, second, same):
    (a,), (b,) = both(f"{first} -> {second}{AREA}")
    extents = (-1, 1, -1, -1)
    assert same_addresses(a, b, extents) is same


@pytest.mark.parametrize(
    ("form", "row_major"),
    [
        ("Float((* 8 E0),E0,(# 3 (SHAPE x)),1)", True),
        ("Float((* 8 E0),1,(# 3 (SHAPE x)),8)", False),
        ("Float(100,E0,(# 3 (SHAPE x)),1)", False),
        ("Float((MUL_ADD 512 (# 1 (SHAPE x)) 5120),512,1)", False),
    ],
)
def test_row_major_only_where_every_extent_makes_it_so(both, form, row_major):
    (found,), _ = both(f"{form} -> Float(1){AREA}")
    assert linear(found) is row_major


@pytest.mark.parametrize(
    "text",
    [
        "Half(1:8,E2,E1,E0) -> Half(1) where E0=(CEIL_DIV (# 0 (SHAPE x)) 8), E1=(* 2 E0) E2=E1",
        "Float((MUL_ADD 512 E1 5120),1) -> Float(1) where E0=3 E1=(# 1 (SHAPE (a -> b), c))",
        "Float((# 1 (SHAPE (Unnamed Layer* 0) [Identity]_output)),1), Int32() -> Float(1)",
    ],
)
def test_what_is_read(both, text):
    assert both(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "Float(E1,1) -> Float(1) where E0=3",
        "Float(E0,1) -> Float(1) where E0=(* 3",
        "Float(E0,1) -> Float(1) where E0=E0",
        "Float((* 3 4,1) -> Float(1)",
        "Float(E40,1) -> Float(1) where E0=(# 0 (SHAPE x)) "
        + " ".join(f"E{n + 1}=(* E{n} E{n})" for n in range(40)),
        "Float(E40,1) -> Float(1) where E0=1 "
        + " ".join(f"E{n + 1}=(+ E{n} E{n})" for n in range(40)),
    ],
)
def test_what_cannot_be_read_is_none(both, text):
    assert both(text) is None


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="(*# E012SHAPEx),:->where=F", max_size=120))
def test_nothing_raises(text):
    Formats().combination(f"Float({text}) -> Float(1)")
    Formats().combination(f"Float(E0,1) -> Float(1) where {text}")
