"""When two formats hold a tensor at the same addresses, so that converting copies nothing."""

from __future__ import annotations

from itertools import pairwise

from trtdoctor.readers.buildlog import Stride, TensorFormat, at_least, times

DYNAMIC = -1


def same_addresses(first: TensorFormat, second: TensorFormat, dims: tuple[int, ...]) -> bool:
    """Whether both formats describe the same bytes for a tensor of these extents.

    Extents of 1 have no stride that matters; a dynamic extent (negative) is taken as larger than 1.
    Unknown extents or ranks that differ answer False, and so do symbolic strides that are not told
    by the same product.
    """
    if first.text == second.text:
        return True
    if first.dtype != second.dtype or first.note != second.note:
        return False
    if first == second:
        return True
    steps = _steps(first, dims)
    return steps is not None and steps == _steps(second, dims)


def _steps(form: TensorFormat, dims: tuple[int, ...]) -> tuple[tuple[int, Stride], ...] | None:
    """Axis and element stride of every extent but 1, with vectors told apart where gaps are."""
    if not dims or len(dims) != len(form.strides):
        return None
    steps: list[tuple[int, Stride]] = []
    for axis, (extent, stride) in enumerate(zip(dims, form.strides, strict=True)):
        if axis != form.vector_axis:
            if extent != 1:
                steps.append((axis, times(stride, form.vector)))
            continue
        if extent < 1 or extent % form.vector:
            return None
        if stride == 1 or extent == form.vector:
            if extent != 1:
                steps.append((axis, 1))
        else:
            # Groups of a vector's width lie apart: no format without that vector is the same.
            steps.extend([(axis, times(stride, form.vector)), (axis, -form.vector)])
    return tuple(steps)


def linear(form: TensorFormat) -> bool:
    """Whether the format is row-major without vectors; False where the strides cannot tell."""
    return form.vector == 1 and all(at_least(a, b) for a, b in pairwise(form.strides))


def agrees(form: TensorFormat, dtype: str, vector: int) -> bool:
    """Whether type and vector width are these, which is all that ``Layer(...)`` lines tell."""
    return form.dtype == dtype and form.vector == vector
