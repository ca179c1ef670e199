"""The documents say what the program does: generated pages are current, links lead somewhere."""

from __future__ import annotations

import base64
import gzip
import importlib
import importlib.util
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import planwriter
import pytest
import yaml

from trtdoctor.checking.discover import Catalogue
from trtdoctor.cli.app import run
from trtdoctor.model.report import FactStatus, Report, Status, Verdict
from trtdoctor.testing import load_cases

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    return importlib.import_module("docs.generate")


def test_the_generated_pages_are_current(generator: ModuleType) -> None:
    made = generator.pages()
    stale = [
        str(path)
        for path, content in made.items()
        if not (ROOT / path).is_file() or (ROOT / path).read_text("utf-8") != content
    ]
    gone = [
        str(path.relative_to(ROOT))
        for folder in generator.FOLDERS
        for path in (ROOT / "docs" / folder).glob("*.md")
        if path.relative_to(ROOT) not in made
    ]
    assert not stale + gone, "run: python3 dev.py docs"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("jq"), reason="pages show jq, which is not installed")
def test_what_the_tours_show_is_what_is_printed(generator: ModuleType) -> None:
    """Every command of these pages runs, and its output is the one on the page."""
    neutral = importlib.import_module("docs.screens").neutral
    made = generator.tours()
    assert made
    for path, text in made.items():
        assert "Traceback" not in text
        assert neutral((ROOT / path).read_text("utf-8")) == neutral(text), "python3 dev.py docs"


def test_the_page_of_the_report_names_every_part_and_every_status() -> None:
    text = (ROOT / "docs" / "report.md").read_text("utf-8")
    words = [status.value for kind in (Verdict, Status, FactStatus) for status in kind]
    assert not [w for w in (*Report.__struct_fields__, *words) if f"`{w}`" not in text]


@pytest.mark.slow
def test_the_pictures_show_what_is_printed() -> None:
    made = importlib.import_module("docs.pictures").pictures()
    for path, svg in made.items():
        assert (ROOT / path).read_text("utf-8") == svg, "run: python3 dev.py docs"
        assert not re.findall(r"@font-face|(?:href|src|url\()[^>]*https?:", svg)


@pytest.mark.slow
def test_the_site_builds_and_asks_the_network_for_nothing(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    pytest.importorskip("material")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = re.compile(
        r"""<(?:script|img|iframe|link(?=[^>]*rel="?(?:stylesheet|preconnect|icon)))[^>]*"""
        r"""(?:src|href)="?(?:https?:)?//[^>]*>"""
    )
    for page in tmp_path.rglob("*.html"):
        assert not loaded.findall(page.read_text("utf-8")), page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES[:1] + PAGES[2:], ids=lambda p: str(p.relative_to(ROOT)))
def test_a_percentage_is_written_as_the_product_prints_it(page: Path) -> None:
    assert not re.findall(r".*\d %.*", page.read_text("utf-8"))


def onnx_model() -> bytes:
    import onnx
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "g",
        [value("x", TensorProto.FLOAT, [1])],
        [value("y", TensorProto.FLOAT, [1])],
    )
    model: onnx.ModelProto = helper.make_model(graph)
    return model.SerializeToString()


def commands(page: Path) -> list[str]:
    found = []
    for block in re.findall(r"```console\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
        for line in block.splitlines():
            command = line.removeprefix("$ ").partition(" #")[0].strip()
            if command.startswith("trtdoctor "):
                found.append(command.partition(" ")[2])
    return found


def recorded_files(numpy: Any, plan: bytes) -> None:
    """What other programs would have recorded, in the working directory."""
    Path("run.json").write_text(json.dumps([{"computeMs": 0.5 + n / 1000} for n in range(9)]))
    head = {"tuner_version": "2", "tuning_expr": "-a=[1|2]"}
    lines = [head, *({"build_route": f"-a={n}", "crash": False, "gpu_time": n} for n in (1, 2))]
    Path("tuning.json").write_text("\n".join(map(json.dumps, lines)))
    shutil.copy(ROOT / "tests" / "data" / "recorded" / "rtx171_onnx.capture.json", "capture.json")
    stream = io.BytesIO()
    numpy.save(stream, numpy.ones(1, numpy.float32))
    array = {"array": base64.b64encode(stream.getvalue()).decode(), "polygraphy_class": "ndarray"}
    Path("inputs.json").write_text(json.dumps([{"x": array}] * 2))
    Path("trt_cache").mkdir()
    Path("trt_cache", "TensorrtExecutionProvider_TRTKernel_graph_g_1_0_0_sm87.engine").write_bytes(
        plan
    )


def builds(arguments: list[str]) -> bool:
    """Whether a command needs a TensorRT that builds."""
    arms = arguments[0] == "compare" and "--onnx" in arguments
    return arguments[0] == "build" or "--verify" in arguments or arms


@pytest.mark.slow
def test_every_command_of_the_readme_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each runs in turn; files and paths that only a reader has are put there or replaced."""
    monkeypatch.chdir(tmp_path)
    plan = planwriter.plan(planwriter.releases()["10.3"])
    for name in ("model.engine", "a.engine", "b.plan"):
        Path(name).write_bytes(plan)
    data = ROOT / "tests" / "data"
    shutil.copy(data / "layers" / "trt86.cnn.io16.layers.json", "layers.json")
    shutil.copy(data / "layers" / "trt86.cnn.io16.profile.json", "profile.json")
    with gzip.open(next((data / "buildlog").glob("*.gz"))) as packed:
        Path("build.log").write_bytes(packed.read())
    Path("model.onnx").write_bytes(onnx_model())
    Path("eval.py").write_text("import sys; assert sys.argv[1].endswith('.onnx')")
    numpy = pytest.importorskip("numpy")
    numpy.savez("data.npz", x=numpy.ones((3, 1), numpy.float32))
    recorded_files(numpy, plan)
    named = ["README", "use", "index", "tensorrt-11", "writing-a-check", "plan", "recorded", "ci"]
    pages = [f"{'' if name == 'README' else 'docs/'}{name}.md" for name in named]
    own = [command for page in (*pages, "SKILL.md") for command in commands(ROOT / page)]
    assert len(own) > 10
    assert run(["check", "-o", "before.json", "-o", "after.json", "--fail-on", "never"]) == 0
    Path("reports").mkdir()
    shutil.copy("before.json", "reports/node1.json")
    for command in own:
        plain = command.partition("|")[0].replace("/opt/venv/bin/python", sys.executable)
        arguments = shlex.split(plain)
        if builds(arguments):
            continue
        if arguments[0] == "decode":
            # What stands in quotes there is the text itself.
            arguments = plain.split()
        assert run(arguments) in (0, 1, 3), command
        assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "page", ["README.md", "docs/use.md", "docs/build.md", "docs/remedies.md", "docs/compare.md"]
)
def test_every_command_that_builds_is_understood(page: str) -> None:
    """What needs a TensorRT or a GPU is parsed, with all of its options, and not run."""
    found = [command for command in commands(ROOT / page) if command]
    assert found
    for command in found:
        name, *words = shlex.split(command.partition("#")[0].partition("|")[0])
        if not builds([name, *words]):
            continue
        module = importlib.import_module(f"trtdoctor.cli.{name}")
        context = module.command.make_context(name, words)
        assert not context.args, command


@pytest.mark.parametrize(
    ("heading", "check"),
    [
        ("GitHub Actions", ["check_jsonschema", "--builtin-schema", "vendor.github-workflows"]),
        ("GitLab", ["check_jsonschema", "--builtin-schema", "vendor.gitlab-ci"]),
        ("pre-commit", ["pre_commit", "validate-config"]),
    ],
)
def test_what_is_to_be_copied_into_ci_is_valid(
    heading: str, check: list[str], tmp_path: Path
) -> None:
    if check[0] == "check_jsonschema" and version("click") < "8.2":
        pytest.skip("that validator needs a newer click than the oldest that trtdoctor takes")
    text = (ROOT / "docs" / "ci.md").read_text("utf-8")
    block = re.search(rf"^## {heading}\n+```yaml\n(.*?)```", text, re.DOTALL | re.MULTILINE)
    assert block is not None
    file = tmp_path / "config.yaml"
    file.write_text(block[1])
    done = subprocess.run([sys.executable, "-m", *check, file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ci_is_told_only_of_inputs_metrics_and_hooks_that_there_are() -> None:
    text = (ROOT / "docs" / "ci.md").read_text("utf-8")
    blocks = [yaml.safe_load(b) for b in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    step = blocks[0]["jobs"]["audit"]["steps"][1]
    assert set(step["with"]) <= set(action["inputs"])
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    used = {hook["id"] for hook in blocks[-1]["repos"][0]["hooks"]}
    assert used == {hook["id"] for hook in hooks}
    source = (ROOT / "trtdoctor" / "render" / "prometheus.py").read_text("utf-8")
    made = set(re.findall(r'"(trtdoctor_[a-z0-9_]+)"', source))
    told = set(re.findall(r"trtdoctor_[a-z0-9_]+", text))
    told |= {f"trtdoctor_engine{end}" for end in re.findall(r"`(_[a-z_]+)`", text)}
    assert told == made


def test_the_skill_has_a_name_and_says_when_to_use_it() -> None:
    _, head, _ = (ROOT / "SKILL.md").read_text("utf-8").split("---\n", 2)
    told = yaml.safe_load(head)
    assert set(told) == {"name", "description"}
    assert re.fullmatch(r"[a-z0-9-]{1,64}", told["name"]) and len(told["description"]) <= 1024


def test_names_state_the_problem(catalogue: Catalogue) -> None:
    forbidden = r"(check|verify|ensure|use|install|upgrade|no-support)-"
    assert not [c.name for c in catalogue.checks if re.match(forbidden, c.name)]


# What a clause has and a headline lacks: a finite verb. A new sentence may need its verb put here.
VERBS = (
    "is are was were has have had does did may can adds computes differs ends fell finds found gives hangs "
    "hides holds keeps leads leaves lies loads lost names needs overheats runs says stands warns"
)


def test_the_example_of_every_check_begins_with_a_whole_sentence(catalogue: Catalogue) -> None:
    for check in catalogue.checks:
        told = [case.example for case in load_cases(ROOT / "tests" / "checks" / f"{check.id}.yaml")]
        sentence = next(filter(None, told), "")
        assert re.fullmatch(r"[A-Z].*[^.]\.", sentence), (check.id, sentence)
        verb = re.search(rf"\b({'|'.join(VERBS.split())})\b", sentence)
        assert verb, f"{check.id}: no whole sentence: {sentence}"


def test_the_catalogue_changes_only_on_purpose(catalogue: Catalogue, golden) -> None:
    """Ids are permanent: a check that goes or changes its severity shows in this golden's diff."""
    rows = [
        f"{c.id} {c.name} {c.info.severity.value} since {c.since}"
        for c in catalogue.checks
        if c.info.plugin is None
    ]
    golden("catalogue.txt", "\n".join(rows) + "\n")


def test_imports_at_start_are_few() -> None:
    """--help needs neither the renderers nor any library that is heavy to import."""
    script = (
        "import sys; from trtdoctor.cli.app import run; run(['--help']); "
        "heavy = {'rich', 'jinja2', 'elftools', 'msgspec', 'highspy', 'numpy', 'onnx', 'pynvml'}; "
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_importing_trtdoctor_imports_nothing_else() -> None:
    """So that it costs nothing to those who want its version or, later, one of its functions."""
    script = (
        "import sys; before = set(sys.modules); import trtdoctor; trtdoctor.__version__; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    imported = set(done.stdout.split())
    assert "trtdoctor" in imported, done.stderr
    assert imported <= {"__future__", "trtdoctor", "trtdoctor.version"}


def test_windows_is_said_to_be_unsupported_where_people_look(capsys) -> None:
    assert run(["--help"]) == 0
    assert "Windows itself is not" in capsys.readouterr().out
    assert "Windows itself is not supported yet" in (ROOT / "README.md").read_text()


def test_tables_that_are_behind_a_release_are_listed(capsys) -> None:
    spec = importlib.util.spec_from_file_location("stale", ROOT / "docs" / "stale.py")
    stale = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stale)
    assert stale.main(["tensorrt=99.1.2"]) == 1
    told = capsys.readouterr().out.splitlines()
    (line,) = [line for line in told if line.startswith("tensorrt_cuda")]
    assert line.endswith("99.1")
    with pytest.raises(SystemExit) as ended:
        stale.main(["tensorrt=new"])
    assert ended.value.code == 2
