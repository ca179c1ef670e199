"""When two formats hold a tensor at the same addresses, so that converting copies nothing."""

from __future__ import annotations

from itertools import pairwise

from trtdoctor.readers.buildlog import Stride, TensorFormat, at_least, times


def same_addresses(first: TensorFormat, second: TensorFormat, dims: tuple[int, ...]) -> bool:
    """Whether both formats describe the same bytes for a tensor of these extents.

    Extents of 1 have no stride that matters; a dynamic extent (negative) is taken as larger than 1.
    Unknown extents or ranks that differ answer False, and so do symbolic strides that are not told
    by the same product.
    """
    if first.text == second.text:
        return True
    if first.dtype != second.dtype:
        return False
    laid = [(f.strides, f.vector, f.vector_axis) for f in (first, second)]
    if first.note or second.note:
        # A part written right into a concatenation has the whole's strides. TensorRT takes it for
        # the same in no other format: it converts between vectors of 8 and of 16 there.
        return {first.note, second.note} <= {"", "long-strided"} and laid[0] == laid[1]
    if laid[0] == laid[1]:
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
        if extent < 1:
            return None
        if not extent % form.vector and (stride == 1 or extent == form.vector):
            if extent != 1:
                steps.append((axis, 1))
        else:
            # Vectors lie apart, or the last one is not full: no format of another width is the same.
            steps.extend([(axis, times(stride, form.vector)), (axis, -form.vector)])
    return tuple(steps)


def same_permuted(
    first: TensorFormat, dims: tuple[int, ...], second: TensorFormat, other: tuple[int, ...]
) -> bool:
    """Whether a permutation of axes reads the same bytes: every extent keeps its stride.

    Args:
        first: the format before the permutation.
        dims: the extents before it.
        second: the format after it.
        other: the extents after it.
    """
    if first.dtype != second.dtype or first.note != second.note:
        return False
    before, after = _steps(first, dims), _steps(second, other)
    if before is None or after is None:
        return False
    return sorted((dims[a], step) for a, step in before) == sorted(
        (other[a], step) for a, step in after
    )


def linear(form: TensorFormat) -> bool:
    """Whether the format is row-major without vectors; False where the strides cannot tell."""
    return form.vector == 1 and all(at_least(a, b) for a, b in pairwise(form.strides))


def agrees(form: TensorFormat, dtype: str, vector: int) -> bool:
    """Whether type and vector width are these, which is all that ``Layer(...)`` lines tell."""
    return form.dtype == dtype and form.vector == vector
