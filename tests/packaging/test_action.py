"""The GitHub Action and the hooks of pre-commit: valid by their schemas, tried here as far as that goes.

GitHub runs each step with ``bash --noprofile --norc -eo pipefail`` and the variables that ``env`` names;
so do these tests.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import planwriter
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
MODEL = ROOT / "tests" / "data" / "models" / "haz.onnx"


@dataclass(frozen=True)
class Ran:
    """How a step ended, and what it left for GitHub."""

    code: int
    printed: str
    said: str
    outputs: dict[str, str]
    summary: str

    def annotations(self, level: str) -> list[str]:
        return [line for line in self.printed.splitlines() if line.startswith(f"::{level} ")]


def environment(step: dict[str, Any], inputs: dict[str, str]) -> dict[str, str]:
    """The variables of a step, its expressions replaced as GitHub does."""
    given = {name: entry["default"] for name, entry in ACTION["inputs"].items()} | inputs
    values = {}
    for name, text in step["env"].items():
        found = re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", text)
        values[name] = given[found[1]] if found else ""
    return values


def bash(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout with a model, beside a runner's folder where trtdoctor is installed."""
    folder = tmp_path / "workspace"
    (folder / "models" / "old ones").mkdir(parents=True)
    (folder / "models" / "haz.onnx").write_bytes(MODEL.read_bytes())
    plan = planwriter.plan(planwriter.releases()["10.3"])
    (folder / "models" / "old ones" / "a.engine").write_bytes(plan)
    programs = tmp_path / "temp" / "trtdoctor" / "bin"
    programs.mkdir(parents=True)
    for name, words in (("python", ""), ("trtdoctor", "-I -m trtdoctor")):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        (programs / name).chmod(0o755)
    return folder


def ran(workspace: Path, **inputs: str) -> Ran:
    step = STEPS["Run trtdoctor"]
    temporary = workspace.parent / "temp"
    for name in ("output", "summary"):
        (temporary / name).write_text("")
    done = bash(
        step["run"],
        workspace,
        RUNNER_TEMP=str(temporary),
        GITHUB_OUTPUT=str(temporary / "output"),
        GITHUB_STEP_SUMMARY=str(temporary / "summary"),
        **environment(step, {name.replace("_", "-"): value for name, value in inputs.items()}),
    )
    lines = (temporary / "output").read_text().splitlines()
    return Ran(
        code=done.returncode,
        printed=done.stdout,
        said=done.stderr,
        outputs=dict(line.split("=", 1) for line in lines),
        summary=(temporary / "summary").read_text(),
    )


@pytest.mark.parametrize(
    "command",
    [
        ["check_jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"],
        ["pre_commit", "validate-manifest", ".pre-commit-hooks.yaml"],
    ],
    ids=["action", "hooks"],
)
def test_what_others_read_is_valid(command: list[str]) -> None:
    if command[0] == "check_jsonschema" and version("click") < "8.2":
        pytest.skip("that validator needs a newer click than the oldest that trtdoctor takes")
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_input_becomes_part_of_a_script() -> None:
    for step in STEPS.values():
        assert "${{" not in step.get("run", "")
    used = {name for step in STEPS.values() for name in re.findall(r"inputs\.[a-z-]+", str(step))}
    assert used == {f"inputs.{name}" for name in ACTION["inputs"]}


def test_every_output_is_one_that_the_step_writes() -> None:
    script = STEPS["Run trtdoctor"]["run"]
    for name, output in ACTION["outputs"].items():
        assert output["value"] == f"${{{{ steps.run.outputs.{name} }}}}"
        assert f"printf '{name}=%s\\n'" in script


def test_findings_become_annotations_a_summary_and_reports(workspace: Path) -> None:
    done = ran(workspace, command="audit", files="models/*.onnx")
    assert done.code == 0 and done.outputs["exit-code"] == "0"
    assert done.outputs["verdict"] == "problems"
    assert any("file=models/haz.onnx::" in line for line in done.annotations("warning"))
    assert done.printed.splitlines()[-1].startswith("trtdoctor: Problems: 3 warnings.")
    assert done.summary.startswith("### trtdoctor: Problems")
    report = json.loads(Path(done.outputs["report"]).read_text())
    assert report["command"] == "audit" and report["snapshot"]["redaction"]["applied"]
    assert json.loads(Path(done.outputs["sarif"]).read_text())["version"] == "2.1.0"
    assert "<testsuites" in Path(done.outputs["junit"]).read_text()


def test_the_step_fails_as_it_is_told(workspace: Path) -> None:
    done = ran(workspace, command="audit", files="models/haz.onnx", fail_on="warning")
    assert done.code == 1 and done.outputs["exit-code"] == "1" and done.summary
    assert ran(workspace, command="audit", files="models/haz.onnx", fail_on="never").code == 0


@pytest.mark.parametrize(("inconclusive", "code"), [("fail", 3), ("pass", 0)])
def test_what_is_undecided_fails_unless_it_may_pass(
    workspace: Path, inconclusive: str, code: int
) -> None:
    given = {"files": "**/*.engine", "expect": "fp16", "args": "--no-live"}
    done = ran(workspace, command="inspect", inconclusive=inconclusive, **given)
    assert done.code == code
    assert done.outputs["exit-code"] == "3" and done.outputs["verdict"] == "inconclusive"
    assert done.annotations("warning")


def test_names_with_spaces_stay_whole_and_options_are_no_files(workspace: Path) -> None:
    plan = (workspace / "models" / "old ones" / "a.engine").read_bytes()
    (workspace / "-o").write_bytes(plan)
    (workspace / "b\nc.engine").write_bytes(plan)
    done = ran(workspace, command="inspect", files="-o\nmodels/old ones/*\nb*", args="--no-live")
    assert done.code == 0, done
    report = json.loads(Path(done.outputs["report"]).read_text())
    paths = [engine["path"] for engine in report["engines"]]
    assert paths == ["-o", "models/old ones/a.engine", "b\nc.engine"]


@pytest.mark.parametrize("name", ["command", "files", "expect", "fail_on", "inconclusive", "args"])
@pytest.mark.parametrize(
    "text", ["$(touch pwned)", "`touch pwned`", "; touch pwned;", "'\"; touch pwned #", "a\n::x::%"]
)
def test_nothing_that_is_given_runs(workspace: Path, name: str, text: str) -> None:
    given = {"command": "inspect", "files": "models/old ones/a.engine"}
    done = ran(workspace, **{**given, name: text})
    assert done.code == 2 and done.outputs == {"exit-code": "2"}
    assert not list(workspace.parent.rglob("pwned"))
    (told,) = done.printed.splitlines()
    assert told.startswith("::error title=trtdoctor::")


def test_a_file_that_is_none_is_told_in_an_annotation(workspace: Path) -> None:
    (workspace / "models" / "text.engine").write_text("this is no engine")
    done = ran(workspace, command="inspect", files="models/text.engine")
    assert done.code == 2 and done.outputs["verdict"] == "problems"
    assert [line.partition("::models")[0] for line in done.annotations("error")] == [
        "::error title=ENG007 engine-not-a-plan,file=models/text.engine"
    ]
    done = ran(workspace, command="audit", files="models/text.engine")
    assert done.code == 2 and done.outputs == {"exit-code": "2"}
    (told,) = done.printed.splitlines()
    assert told.startswith("::error title=trtdoctor::trtdoctor: models/text.engine")
    done = ran(workspace, command="inspect", files="models/*.plan")
    assert done.code == 2
    assert done.printed == "::error title=trtdoctor::files: there is no 'models/*.plan'\n"


def test_two_steps_of_a_job_keep_a_report_each(workspace: Path) -> None:
    first = ran(workspace, command="audit", files="models/haz.onnx")
    second = ran(workspace, command="audit", files="models/haz.onnx")
    assert first.outputs["report"] != second.outputs["report"]
    assert Path(first.outputs["report"]).is_file()


@pytest.mark.install
@pytest.mark.slow
def test_the_action_installs_the_trtdoctor_that_it_came_with(tmp_path: Path) -> None:
    done = bash(
        STEPS["Install trtdoctor"]["run"],
        tmp_path,
        TRTDOCTOR_PYTHON=sys.executable,
        GITHUB_ACTION_PATH=str(ROOT),
        RUNNER_TEMP=str(tmp_path),
        **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
    )
    assert done.returncode == 0, done.stderr
    program = tmp_path / "trtdoctor" / "bin" / "trtdoctor"
    assert subprocess.run([program, "audit", "-q", MODEL], cwd=tmp_path).returncode == 0


HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}


@pytest.mark.parametrize(
    ("hook", "name", "code"),
    [
        ("trtdoctor-audit", "models/haz.onnx", 0),
        ("trtdoctor-inspect", "models/old ones/a.engine", 0),
        ("trtdoctor-inspect", "models/text.engine", 2),
    ],
)
def test_a_hook_is_a_command_that_takes_files(
    hook: str, name: str, code: int, workspace: Path
) -> None:
    (workspace / "models" / "text.engine").write_text("this is no engine")
    assert re.search(HOOKS[hook]["files"], name)
    program, *words = HOOKS[hook]["entry"].split()
    assert program == "trtdoctor"
    command = [sys.executable, "-I", "-m", "trtdoctor", *words, name, name]
    assert subprocess.run(command, cwd=workspace, capture_output=True).returncode == code


@pytest.mark.install
@pytest.mark.slow
def test_pre_commit_runs_a_hook_of_a_clone(tmp_path: Path) -> None:
    def git(folder: Path, *words: str) -> None:
        name = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *name, *words], cwd=folder, check=True, capture_output=True)

    clone, project = tmp_path / "clone", tmp_path / "project"
    git(ROOT, "clone", "-q", "--no-hardlinks", str(ROOT), str(clone))
    (clone / ".pre-commit-hooks.yaml").write_bytes((ROOT / ".pre-commit-hooks.yaml").read_bytes())
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "--allow-empty", "-m", "hooks")
    project.mkdir()
    git(project, "init", "-q")
    (project / "haz.onnx").write_bytes(MODEL.read_bytes())
    git(project, "add", "haz.onnx")
    command = [sys.executable, "-m", "pre_commit", "try-repo", str(clone), "trtdoctor-audit"]
    done = subprocess.run(
        [*command, "--verbose", "--all-files"],
        cwd=project,
        env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ONX003 constant-overflow-fp16" in done.stdout
