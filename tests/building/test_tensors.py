"""Arrays as the bytes of network tensors, and back, against a slow loop that addresses each element."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trtdoctor.builder.tensors import array_type, from_bytes, to_bytes
from trtdoctor.model.errors import InputError

TYPES = ("FLOAT", "HALF", "BF16", "FP8", "INT8", "UINT8", "INT32", "INT64", "BOOL")
# Layout: dimensions of the tensor, channels that lie together, whether they lie innermost of all.
PACKED = {
    "CHW2": (4, 2, False),
    "CHW4": (4, 4, False),
    "CHW16": (4, 16, False),
    "CHW32": (4, 32, False),
    "CDHW32": (5, 32, False),
    "HWC": (4, 1, True),
    "HWC8": (4, 8, True),
    "HWC16": (4, 16, True),
    "DHWC": (5, 1, True),
    "DHWC8": (5, 8, True),
}


def address(index: tuple[int, ...], shape: tuple[int, ...], per: int, last: bool) -> int:
    """The element's place, as NVIDIA's documentation of TensorFormat computes it."""
    n, c, *space = index
    volume, extents = math.prod(shape[2:]), shape[2:]
    at = 0
    for place, extent in zip(space, extents, strict=True):
        at = at * extent + place
    blocks = -(-shape[1] // per)
    if last:
        return (n * volume + at) * blocks * per + c
    return ((n * blocks + c // per) * volume + at) * per + c % per


@st.composite
def packed(draw: st.DrawFn) -> tuple[str, str, Any]:
    layout = draw(st.sampled_from(sorted(PACKED)))
    rank, per, _ = PACKED[layout]
    channels = draw(st.sampled_from([1, 3, per, per + 1, 2 * per - 1]).filter(bool))
    shape = (draw(st.integers(1, 2)), channels, *(draw(st.integers(1, 3)) for _ in range(rank - 2)))
    dtype = draw(st.sampled_from(TYPES))
    values = np.arange(math.prod(shape)).reshape(shape) % (2 if dtype == "BOOL" else 15)
    return layout, dtype, values.astype(array_type(dtype))


@given(packed())
def test_every_element_lies_where_the_layout_says(made: tuple[str, str, Any]) -> None:
    layout, dtype, array = made
    _, per, last = PACKED[layout]
    data = to_bytes(array, dtype, layout)
    flat = np.frombuffer(data, array_type(dtype))
    padded = -(-array.shape[1] // per) * per
    assert flat.size == array.size // array.shape[1] * padded
    for index in itertools.product(*map(range, array.shape)):
        assert flat[address(index, array.shape, per, last)] == array[index]
    # What fills up the channels is zero.
    assert np.count_nonzero(flat) == np.count_nonzero(array)
    assert np.array_equal(from_bytes(data, dtype, array.shape, layout), array)
    # A buffer of TensorRT's may be longer than its tensor.
    assert np.array_equal(from_bytes(data + b"\1\2\3", dtype, array.shape, layout), array)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 1, 2)])
def test_linear(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.ones(shape).astype(array_type(dtype))
    data = to_bytes(array, dtype, "LINEAR")
    assert data == array.tobytes()
    back = from_bytes(data, dtype, shape, "LINEAR")
    assert back.shape == shape and np.array_equal(back, array)


def test_arrays_are_brought_to_the_tensor_s_type() -> None:
    array = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert to_bytes(array.T, "HALF", "LINEAR") == array.T.astype(np.float16).tobytes()


def test_what_is_not_known_is_refused() -> None:
    array = np.zeros((1, 3, 2, 2), np.float32)
    with pytest.raises(InputError, match="TensorRT's type INT4 are not read here"):
        to_bytes(array, "INT4", "LINEAR")
    for layout in ("DLA_HWC4", "DLA_LINEAR", "NHWC", "", "HWC8x"):
        with pytest.raises(InputError, match="in the layout"):
            to_bytes(array, "FLOAT", layout)
        with pytest.raises(InputError, match="in the layout"):
            from_bytes(b"\0" * 48, "FLOAT", (1, 3, 2, 2), layout)
    with pytest.raises(InputError, match="in the layout CHW4"):
        to_bytes(np.zeros((2, 2)), "FLOAT", "CHW4")
    for layout in ("LINEAR", "CHW4", "HWC8"):
        with pytest.raises(InputError, match="shorter than its shape says"):
            from_bytes(b"\0" * 40, "FLOAT", (1, 3, 2, 2), layout)
