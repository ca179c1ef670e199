"""What error texts mean, by the tables alone: the first cause first, codes, and what is not known."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from trtdoctor.checking.discover import Catalogue
from trtdoctor.knowledge import CodeTable, Knowledge
from trtdoctor.knowledge.decoding import ATTACH, code_id, decode
from trtdoctor.model.decoded import Decoded
from trtdoctor.model.finding import to_run

K = Knowledge.load()
MEMORY = "[W] Tactic Device request: 4608MB Available: 3904MB. Device memory is insufficient."
NO_KERNEL = "[E] 10: Could not find any implementation for node /conv1/Conv.)"
NULLPTR = "TypeError: pybind11::init(): factory function returned nullptr"
MISSING = "ImportError: libnvinfer.so.10: cannot open shared object file: No such file or directory"


def told(text: str) -> list[str]:
    return [answer.id for answer in decode(text, K).answers]


def test_what_people_paste(shared: Path, golden) -> None:
    """Each line of the corpus by the row that answers it; at least 60 of the 71 are answered."""
    lines = (shared / "corpus" / "errors.txt").read_text("utf-8").splitlines()
    decoded = [decode(line, K) for line in lines]
    assert len(lines) == 71
    assert sum(d.known for d in decoded) >= 60
    rows = [f"{_first(d)}\n    {line}\n" for d, line in zip(decoded, lines, strict=True)]
    golden("decode-errors.txt", "".join(rows))


def _first(decoded: Decoded) -> str:
    if not decoded.known:
        return "not known"
    words = []
    for answer in decoded.answers:
        code = f" ({answer.code.kind} {answer.code.code})" if answer.code else ""
        words.append(f"{answer.id}{code}: {answer.meaning}\n    next: {answer.next_step}")
    return "\n".join(words)


@pytest.mark.parametrize("row", K.rows("log_messages"), ids=lambda row: row["id"])
def test_every_message_answers_its_example_first(row: dict[str, object]) -> None:
    (first, *_) = decode(str(row["example"]), K).answers
    # A frame of many codes is answered by the code's own row.
    frame = "codes" in row and "code" not in row
    assert first.id == row["id"] or (frame and first.code is not None)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("CUDA initialization failure with error: 803", 803),
        ("Cuda failure: 35", 35),
        ("CUDA error 700 at kernel.cu:12", 700),
        ("cudaGetDeviceCount() returned 35", 35),
        ("CUDA_ERROR_SYSTEM_NOT_READY", 802),
        ("RuntimeError: CUDA error: device-side assert triggered", 710),
        ("Error Code 1: Cuda Runtime (unspecified launch failure)", 719),
        ("pynvml.NVMLError_GpuIsLost: GPU is lost", 15),
        ("NVML_ERROR_DRIVER_NOT_LOADED", 9),
        ("Failed to initialize NVML: Driver Not Loaded", 9),
        ("the process exited with code 139", 139),
        ("returned non-zero exit status -11", -11),
        ("Segmentation fault (core dumped)", 139),
        ("killed by SIGKILL", 137),
        ("exited with code 0xC0000005", 3221225477),
        ("exit code: -1073741819", 3221225477),
        ("Error Code 6: API Usage Error (nobody has seen this)", 6),
    ],
)
def test_codes_are_looked_up_by_number_name_and_sentence(text: str, code: int) -> None:
    (answer,) = decode(text, K).answers
    assert answer.code is not None and answer.code.code == code


def test_a_number_alone_has_each_of_its_meanings() -> None:
    kinds = [answer.code.kind for answer in decode("9", K).answers if answer.code]
    assert kinds == ["cuda", "nvml", "tensorrt"]
    assert [a.code.code for a in decode("0x23", K).answers if a.code] == [35]


@pytest.mark.parametrize(
    "text",
    ["CUDA error 12345", "cudaErrorOfMine happened", "exited with code 1", "it returned 137 rows"],
)
def test_a_code_that_no_table_has_is_not_known(text: str) -> None:
    assert decode(text, K).answers == ()


def test_ids_of_codes_are_unique_and_permanent_words() -> None:
    ids = [code_id(kind, row) for kind in CodeTable for row in K.error_codes(kind)]
    assert len(ids) == len(set(ids))
    assert {"cuda-35", "nvml-999", "tensorrt-10", "exit-139", "exit-minus-9"} <= set(ids)


def test_what_a_message_names_stands_in_its_command_unless_a_shell_would_obey_it() -> None:
    (answer,) = decode(MISSING, K).answers
    assert answer.details == {"library": "libnvinfer.so.10"}
    assert "find / -name 'libnvinfer.so.10*' 2>/dev/null" in answer.commands[0].lines
    (answer,) = decode('Error loading "C:\\onnxruntime_providers_cuda.dll" which depends on "a\'; b" '
                       "which is missing", K).answers  # fmt: skip
    assert answer.commands == to_run("where LIBRARY")


def test_the_cause_comes_before_what_follows_from_it() -> None:
    assert told("\n".join([NULLPTR, MISSING])) == ["library-missing", "factory-returned-nullptr"]
    text = "\n".join(["[I] building", MEMORY, NO_KERNEL, NULLPTR])
    decoded = decode(text, K)
    assert [a.id for a in decoded.answers] == [
        "tactic-memory",
        "no-implementation",
        "factory-returned-nullptr",
    ]
    assert [a.line for a in decoded.answers] == [2, 3, 4]


def test_what_comes_later_is_no_cause() -> None:
    assert told("\n".join([NO_KERNEL, MEMORY])) == ["no-implementation", "tactic-memory"]


def test_a_run_that_ended_well_is_not_what_failed() -> None:
    text = "\n".join([MISSING, "&&&& PASSED TensorRT.trtexec [v101600]", "x", NO_KERNEL])
    first, second = decode(text, K).answers
    assert (first.id, first.recovered) == ("no-implementation", False)
    assert (second.id, second.recovered) == ("library-missing", True)


def test_a_message_on_many_lines_is_told_once() -> None:
    (answer,) = decode("\n".join([MISSING] * 7), K).answers
    assert (answer.line, answer.times) == (1, 7)


def test_one_line_is_answered_once_by_what_explains_most() -> None:
    text = (
        "CUDA error 209: cudaErrorNoKernelImageForDevice: no kernel image is available for execution "
        "on the device"
    )
    assert told(text) == ["cuda-no-kernel-image"]


def test_an_unknown_error_before_the_first_known_one_is_told() -> None:
    decoded = decode("\n".join(["[E] something of its own", MISSING]), K)
    assert decoded.known
    assert [(u.line, u.text) for u in decoded.unknown] == [(1, "[E] something of its own")]


def test_an_unknown_text_is_not_known_and_says_what_is_nearest_and_what_to_attach() -> None:
    decoded = decode("Cannot deserialize this safety engine with public APIs of mine", K)
    assert not decoded.known and decoded.answers == ()
    assert decoded.nearest is not None and decoded.nearest.id == "plan-for-safety-runtime"
    assert decoded.attach
    nothing = decode("zzz qqq", K)
    assert nothing.nearest is None and nothing.unknown[0].text == "zzz qqq"


def test_a_log_in_which_nothing_looks_like_an_error_has_none() -> None:
    decoded = decode("[I] going on\n" * 20, K)
    assert not decoded.known and decoded.unknown == ()


def test_the_frame_of_an_unknown_error_is_only_a_part() -> None:
    decoded = decode("Error Code 9: Internal Error (what nobody has seen)", K)
    assert [answer.partial for answer in decoded.answers] == [True]
    assert not decoded.known and decoded.attach


@pytest.mark.parametrize("text", ["", " ", "\n", "\0", "\x1b[31m", "9" * 5000, "-", "{" * 200])
def test_nothing_is_raised_for_nonsense(text: str) -> None:
    assert not decode(text, K).known


@pytest.mark.usefixtures("runaway")
@pytest.mark.parametrize(
    "unit",
    ["CUDA error: ", "exit code 137\n", f"{MISSING}\n", "Failed to load library ", "SIG", "a\n"],
)
def test_long_texts_have_a_bound(unit: str) -> None:
    decode(unit * (500_000 // len(unit)), K)


def test_no_command_that_is_pasted_writes_over_a_file_or_ends_what_runs() -> None:
    """Of a text alone nobody knows the options of a build, or what else runs on the machine."""
    commands = [command for message in K.all_messages() for command in message.commands]
    assert len(commands) > 100
    for command in (*commands, *ATTACH):
        plain = command.replace("2>/dev/null", "")
        assert not re.search(r"\b(reboot|shutdown|poweroff|systemctl|kill|(?<!-)rm)\b", plain), (
            command
        )
        assert "--saveEngine" not in plain, command
        assert not re.search(r"> (?!verbose\.log)", plain), command
        assert not re.search(r":\$\w+$", plain), (
            f"{command}: an empty entry is the working directory"
        )
    for command in commands:
        subprocess.run(["bash", "-n", "-c", command], check=True)


def test_checks_and_causes_that_rows_name_exist(catalogue: Catalogue) -> None:
    ids = {check.id for check in catalogue.checks}
    messages = K.all_messages()
    known = {message.id for message in messages}
    for message in messages:
        assert set(message.checks) <= ids, message.id
        assert set(message.follows) <= known, message.id
        assert message.code is None or message.codes is not None, message.id
    for kind in CodeTable:
        for row in K.error_codes(kind):
            assert set(row.checks) <= ids, row.name
