"""Several runs of trtexec and several builds in one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from trtdoctor.readers.layers import read_layers

DATA = Path(__file__).parents[2] / "data"
RUN = "&&&& RUNNING TensorRT.trtexec [TensorRT v{}] # trtexec {}\n"
PASSED = "&&&& PASSED TensorRT.trtexec [TensorRT v8501] # trtexec\n"
BANNER = (
    "[08/17/2022-07:40:58] [I] === Build Options ===\n"
    "[08/17/2022-07:40:58] [I] Precision: FP32+FP16\n"
)
LOAD = RUN.format("8501", "--loadEngine=old.plan --fp16") + BANNER
QUIET = (
    RUN.format("8401", "--onnx=m.onnx --fp16")
    + BANNER
    + "[09/07/2022-04:04:17] [I] [TRT] Adding network input: x with dtype: float32, "
    "dimensions: (1, 2)\n[09/07/2022-04:04:20] [I] Engine built in 2.71777 sec.\n"
)


@pytest.fixture
def verbose(text):
    """A verbose build without a banner."""
    return text("trt86-cnn.noflag") + "\n"


@pytest.mark.parametrize("end", [PASSED, PASSED.replace("PASSED", "FAILED"), ""])
def test_the_banner_of_a_run_that_loads_is_not_the_next_builds(parse, verbose, end):
    log = parse(LOAD + end + verbose)
    assert len(log.builds) == 1
    assert log.build.setting("Precision") is None and log.build.version != "8.5.1"
    assert log.build.complete and len(log.build.layers) == len(parse(verbose).build.layers)


def test_a_run_that_loads_leaves_the_build_before_it_as_it_is(parse, verbose):
    build = parse(verbose + PASSED + LOAD + PASSED).build
    assert build.setting("Precision") is None and build.complete and build.verbose


def test_a_build_that_can_be_explained_comes_before_a_later_quiet_one(parse, verbose):
    content = verbose + PASSED + QUIET + PASSED
    log = parse(content)
    assert [(b.complete, b.verbose) for b in log.builds] == [(True, True), (True, False)]
    assert log.build.number == 1 and log.build.setting("Precision") is None
    second = parse(content, build=2).build
    assert second.setting("Precision") is not None and second.version == "8.4.1"


def test_of_several_that_can_be_explained_the_last_is_taken(parse, verbose):
    assert parse(verbose + PASSED + QUIET + PASSED + verbose + QUIET).build.number == 3


LISTED = (DATA / "layers" / "rtx171.attn_fp16.txt").read_text()


def rtx(*, before="", after=""):
    """The end of a build by TensorRT-RTX, with what its inspector prints."""
    lines = [
        "[VERBOSE] Original: 22 layers",
        "[VERBOSE] =============== Computing costs for {ForeignNode[wo...out]}",
        "[VERBOSE] *************** Autotuning format combination: Half(8,1) -> Half(8,1) "
        "***************",
        before,
        "[INFO] Engine generation completed in 0.0334299 seconds.",
        LISTED,
        "[INFO] [MemUsageStats] Peak memory usage of TRT CPU/GPU memory allocators: CPU 0 MiB",
        after,
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "prefix",
    ["", "trt-1  | ", "I1125 12:00:00.000000 1 logging.cc:46] ", "2026-11-25T12:00:00.0Z "],
)
def test_a_build_that_ends_with_the_inspectors_text_is_complete(parse, prefix):
    """TensorRT-RTX and TensorRT 11 print no Layer(...) lines."""
    text = "".join(f"{prefix}{line}\n" for line in rtx().splitlines())
    build = parse(text).build
    assert build.complete
    assert build.layers == ()
    assert build.listing == read_layers(LISTED.encode()).layers


def test_only_the_engine_that_the_build_made_is_its_listing(parse):
    """An engine that is loaded before or after it, in the same run, is another one."""
    other = LISTED.replace("_myl0_", "_myl7_")
    expected = read_layers(LISTED.encode()).layers
    assert parse(rtx(after=other)).build.listing == expected
    assert parse(rtx(before=other)).build.listing == expected
    cut = parse(rtx().partition("[VERBOSE] Layers:")[0]).build
    assert (cut.complete, cut.listing) == (False, ())


def test_an_error_after_the_plan_was_written_is_another_builds(parse, verbose):
    """A program that builds several networks may print of the next one no more than its error."""
    failed = (
        "[VERBOSE] Adding 1 engine(s) to plan file.\n"
        "[ERROR] IBuilder::buildSerializedNetwork: Error Code 10: Internal Error (Could not find any "
        "implementation for node b.)\n"
    )
    log = parse(verbose + failed)
    assert [b.complete for b in log.builds] == [True, False]
    assert log.build.number == 1 and not log.build.notes
    before = verbose.replace(" engine(s) to plan file", "")
    whole = parse(before + failed.partition("\n")[2])
    assert [b.complete for b in whole.builds] == [False]


def test_a_build_that_can_be_solved_comes_before_a_later_one_that_cannot(parse, verbose):
    """TensorRT 10 lists a build of detailed profiling verbosity in the inspector's text alone."""
    log = parse(verbose + rtx())
    assert [(b.complete, b.verbose) for b in log.builds] == [(True, True)] * 2
    assert log.build.number == 1
    assert parse(rtx() + verbose).build.number == 2
    assert parse(rtx() * 2).build.number == 2
