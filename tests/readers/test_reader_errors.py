"""One error for every file that is something else, with the file's name where a reader has it."""

from __future__ import annotations

import pytest

from trtdoctor.host.recorded import RecordingError
from trtdoctor.model.codec import DocumentError
from trtdoctor.model.errors import InputError, TrtdoctorError, UsageError
from trtdoctor.probes.python import UnusablePython
from trtdoctor.readers import buildlog, layers, onnxmodel
from trtdoctor.readers.buildlog import read_build_log
from trtdoctor.readers.errors import FormatError
from trtdoctor.readers.layers import read_layers
from trtdoctor.readers.onnxmodel import OnnxUnavailable, read_onnx
from trtdoctor.readers.profile import read_profile


def test_what_a_caller_can_put_right_is_told_apart_from_bugs():
    assert {FormatError, DocumentError, RecordingError} <= set(InputError.__subclasses__())
    assert issubclass(UnusablePython, UsageError) and issubclass(OnnxUnavailable, TrtdoctorError)
    assert buildlog.FormatError is layers.FormatError is onnxmodel.FormatError is FormatError


@pytest.mark.parametrize(
    "read",
    [
        read_build_log,
        read_onnx,
        lambda path: read_layers(path.read_bytes(), name=str(path)),
        lambda path: read_profile(path.read_bytes(), name=str(path)),
    ],
    ids=["build log", "ONNX", "layers", "profile"],
)
def test_the_file_is_named(tmp_path, read):
    path = tmp_path / "some file"
    path.write_bytes(b'{"what": "else"}')
    with pytest.raises(FormatError) as raised:
        read(path)
    assert str(raised.value).startswith(str(path)) and "Give" in str(raised.value)


def test_bytes_without_a_name_are_this_file():
    with pytest.raises(FormatError, match=r"^This file is empty"):
        read_profile(b"")
