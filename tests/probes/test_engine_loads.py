"""Loading engines in the target Python: what is asked of the child, and what becomes of its answer."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trtdoctor.host import Host, Target
from trtdoctor.host.live import LiveBackend
from trtdoctor.model.facts import Ending, EngineLoad
from trtdoctor.probes import choose
from trtdoctor.probes.engine_loads import LoadRequest, engine_loads
from trtdoctor.testing import FakeMachine

STAGE = "trtdoctor-stage: "


def load(host: Host, **request: Any) -> EngineLoad:
    asked = {"product": "tensorrt", "version": "8.6.0.12", **request}
    (found,) = engine_loads([LoadRequest(path="/w/a.engine", **asked)]).look(host).value.loads
    return found


def returned(said: Any) -> dict[str, Any]:
    return {"ending": "returned", "value": said}


def imagined(answer: Any, modules: tuple[str, ...] = ("tensorrt",)) -> Host:
    specs = {name: {"origin": f"/site/{name}/__init__.py"} for name in modules}
    listed = {"path": ["/site"], "denied": [], "packages": [], "modules": specs}
    machine = FakeMachine(children={"inventory": returned(listed), "load_engine": answer})
    return Host(machine, target=Target(path="/opt/venv/bin/python", chosen_by="VIRTUAL_ENV"))


def test_a_module_that_is_missing_is_named() -> None:
    found = load(imagined(None, modules=()), product="tensorrt-rtx")
    assert found.loaded is None and found.attempt is None
    assert found.missing_module == "tensorrt_rtx"
    assert found.why_not == "the target Python has no module tensorrt_rtx"


def test_a_file_not_to_be_loaded_is_not_tried() -> None:
    found = load(imagined(None), why_not="the file is damaged: cut")
    assert (found.loaded, found.why_not) == (None, "the file is damaged: cut")


@pytest.mark.parametrize(
    ("stage", "loaded"),
    [("runtime 8.6.0", None), ("deserialize 8.6.0", False), ("context", True), ("inspect", True)],
)
def test_a_crash_counts_against_the_engine_only_once_it_was_looked_at(
    stage: str, loaded: bool | None
) -> None:
    output = (
        f"{STAGE}import\n{STAGE}plugins 8.6.0\n{STAGE}{stage}\nFatal Python error: Segmentation"
    )
    found = load(imagined({"ending": "signal", "detail": "SIGSEGV", "output": output}))
    assert found.loaded is loaded
    assert found.stage == stage.split()[0]
    assert found.version == "8.6.0"
    assert found.attempt is not None
    assert (found.attempt.ending, found.attempt.detail) == (Ending.SIGNAL, "SIGSEGV")
    assert found.attempt.output == "Fatal Python error: Segmentation"
    assert (found.why_not is None) is (loaded is not None)


def test_a_child_that_never_came_to_work_says_nothing_of_the_engine() -> None:
    found = load(imagined({"ending": "exit", "detail": "exit status 127", "output": "not found"}))
    assert found.loaded is None
    assert found.why_not == "it came as far as starting Python: exit status 127"


def test_what_was_skipped_is_no_attempt() -> None:
    said = {"ending": "skipped", "skipped": "version", "version": "11.4.0.106"}
    found = load(imagined(returned(said)))
    assert found.attempt is None
    assert found.why_not == "the plan needs TensorRT 8.6.0.12, and tensorrt is 11.4.0.106"


def test_lean_is_taken_where_the_whole_is_missing() -> None:
    said = {"ending": "returned", "loaded": True, "version": "11.4.0.106"}
    found = load(imagined(returned(said), modules=("tensorrt_lean",)), version=None)
    assert (found.module, found.loaded) == ("tensorrt_lean", True)


# A TensorRT of a few lines, so that the child itself runs: it dies or answers where it is told to.
TENSORRT = """
import os, signal
__version__ = "8.6.1.post1"

def reach(place):
    where, _, how = os.environ.get("FAIL", "").partition(":")
    if where == place and how == "raise":
        raise RuntimeError("as told")
    if where == place:
        os.kill(os.getpid(), signal.SIGSEGV)

reach("import")

class ILogger:
    class Severity:
        WARNING = 2

class LayerInformationFormat:
    JSON = 1

class Context:
    def set_optimization_profile_async(self, index, stream):
        self.profile = index

class Inspector:
    execution_context = None
    def get_engine_information(self, kind):
        reach("inspect")
        if "LONG" in os.environ:
            return "x" * (13 << 20)
        return '{"profile": %d}' % getattr(self.execution_context, "profile", 0)

class Engine:
    device_memory_size = 4096
    num_optimization_profiles = 2
    def create_execution_context(self):
        reach("context")
        return Context()
    def create_engine_inspector(self):
        return Inspector()

class Runtime:
    def __init__(self, logger):
        reach("runtime")
        self.logger = logger
    def deserialize_cuda_engine(self, plan):
        reach("deserialize")
        self.logger.log(1, "read " + plan.decode())
        self.logger.log(3, "information is left out")
        return Engine() if plan == b"plan" else None
"""
DRIVER = "int cuInit(unsigned f){return %d;} int cuDeviceGetCount(int*n){*n=%d;return 0;}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "site/tensorrt").mkdir(parents=True)
    (tmp_path / "site/tensorrt/__init__.py").write_text(TENSORRT)
    (tmp_path / "site/tensorrt/tensorrt.so").touch()
    (tmp_path / "a.engine").write_bytes(b"headplantail")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    return tmp_path


def with_driver(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int = 0, gpus: int = 1
) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("no C compiler to make a driver with")
    source = folder / "driver.c"
    source.write_text(DRIVER % (code, gpus))
    library = folder / "libcuda.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder))


def live(folder: Path, *, offset: int = 4, length: int = 4, version: str = "8.6.1.6") -> EngineLoad:
    backend = LiveBackend(budget=60)
    try:
        host = Host(backend)
        host.target = choose(host, sys.executable)
        request = LoadRequest(
            path=str(folder / "a.engine"),
            offset=offset,
            length=length,
            product="tensorrt",
            version=version,
        )
        (found,) = engine_loads([request]).look(host).value.loads
        return found
    finally:
        backend.close()


def test_an_engine_is_loaded_and_inspected_for_each_profile(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_driver(folder, monkeypatch)
    found = live(folder)
    assert found.loaded is True and found.with_context and found.stage is None
    assert found.layers == ('{"profile": 0}', '{"profile": 1}')
    assert found.device_memory_bytes == 4096
    assert found.log == ("[1] read plan",)
    assert found.version == "8.6.1.post1"


def test_an_engine_that_is_refused_has_its_log(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_driver(folder, monkeypatch)
    found = live(folder, offset=0)
    assert (found.loaded, found.log) == (False, ("[1] read head",))


@pytest.mark.parametrize(
    ("fail", "loaded", "stage", "ending"),
    [
        ("import", None, "import", Ending.SIGNAL),
        ("import:raise", None, "import", Ending.EXCEPTION),
        ("runtime", None, "runtime", Ending.SIGNAL),
        ("deserialize", False, "deserialize", Ending.SIGNAL),
        ("deserialize:raise", False, "deserialize", Ending.EXCEPTION),
        ("context", True, "context", Ending.SIGNAL),
        ("inspect", True, "inspect", Ending.SIGNAL),
        ("inspect:raise", True, "inspect", Ending.EXCEPTION),
    ],
)
def test_each_place_to_fail(
    fail: str,
    loaded: bool | None,
    stage: str,
    ending: Ending,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_driver(folder, monkeypatch)
    monkeypatch.setenv("FAIL", fail)
    found = live(folder)
    assert (found.loaded, found.stage) == (loaded, stage)
    assert found.attempt is not None and found.attempt.ending is ending


def test_a_context_that_cannot_be_made_leaves_the_layers(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_driver(folder, monkeypatch)
    monkeypatch.setenv("FAIL", "context:raise")
    found = live(folder)
    assert found.loaded is True and not found.with_context
    assert found.layers == ('{"profile": 0}',)


def test_a_text_too_long_for_an_answer_is_left_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_driver(folder, monkeypatch)
    monkeypatch.setenv("LONG", "1")
    found = live(folder)
    assert found.loaded is True and found.layers == ()
    assert found.context_log == ("the inspector's text is longer than 12 MiB",)


@pytest.mark.parametrize("version", ["8.6.0.12", "8.5.1.6", "10.0.0.1"])
def test_another_version_is_never_tried(version: str, folder: Path) -> None:
    found = live(folder, version=version)
    assert found.attempt is None and found.loaded is None
    assert found.why_not == f"the plan needs TensorRT {version}, and tensorrt is 8.6.1.post1"


@pytest.mark.parametrize(
    ("code", "gpus", "why"), [(100, 0, "cuInit returned 100"), (0, 0, "no GPU is visible")]
)
def test_without_cuda_it_is_never_tried(
    code: int, gpus: int, why: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_driver(folder, monkeypatch, code, gpus)
    monkeypatch.setenv("FAIL", "runtime")
    found = live(folder)
    assert found.attempt is None and found.loaded is None
    assert why in (found.why_not or "")
