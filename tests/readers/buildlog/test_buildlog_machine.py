"""What a log tells of the machine and of the release that built."""

from __future__ import annotations

import pytest

from trtdoctor.knowledge import NoteKind

BUILD = "[04/30/2026-18:02:26] [TRT] [V] Original: 3 layers\n"


@pytest.mark.parametrize(
    ("library", "version"),
    [
        ("libnvinfer_builder_resource_sm89.so.10.16.0", "10.16.0"),
        ("libnvinfer_builder_resource_sm120.so.10.9.0", "10.9.0"),
        ("libnvinfer_builder_resource.so.8.6.0", "8.6.0"),
    ],
)
def test_the_builders_library_tells_the_release(parse, library, version):
    build = parse(
        f"[04/30/2026-18:02:26] [TRT] [V] Loaded shared library {library}\n" + BUILD
        + "[04/30/2026-18:02:26] [TRT] [V] Adding network input: x with dtype: float32, "
        "dimensions: (1, 2)\n"
    ).build  # fmt: skip
    assert build.version == version and build.setting("builder resource").value == library


def test_a_note_behind_the_start_of_a_setting_is_a_note(parse):
    build = parse(
        BUILD + "[04/30/2026-18:02:26] [TRT] [E] Layer c1 has no such kernel. Network created with "
        "kSTRONGLY_TYPED flag, so treating as error.\n"
        + "[04/30/2026-18:02:26] [TRT] [V] Adding network input: x with dtype: float32, "
        "dimensions: (1, 2)\n"
    ).build
    assert [note.kind for note in build.noted(NoteKind.TYPING)] == [NoteKind.TYPING]
