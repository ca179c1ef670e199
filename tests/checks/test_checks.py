"""Every check against its cases: facts in, findings out."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from trtdoctor.checking.discover import Catalogue
from trtdoctor.model.finding import Tool
from trtdoctor.testing import Case, load_cases, run_case

HERE = Path(__file__).parent
CASES = list(load_cases(HERE))


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.check}-{c.kind}-{c.name}")
def test_case(case: Case, catalogue: Catalogue) -> None:
    (check,) = catalogue.named(f"trtdoctor:{case.check}")
    run_case(case, check)


def test_each_check_has_a_bad_a_good_and_an_unknown_case(catalogue: Catalogue) -> None:
    have = {(case.check, case.kind) for case in CASES}
    missing = [
        f"{check.id}: no {kind} case"
        for check in catalogue.checks
        if check.info.plugin is None
        for kind in ("bad", "good", "unknown")
        if (check.id, kind) not in have
    ]
    assert not missing


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.kind == "bad"], ids=lambda c: f"{c.check}-{c.name}"
)
def test_commands_can_be_pasted_one_after_the_other(case: Case, catalogue: Catalogue) -> None:
    """Who pastes all of a remedy's lines gets what the first of them promised."""
    (check,) = catalogue.named(f"trtdoctor:{case.check}")
    for finding in run_case(case, check).findings:
        commands = finding.remedy.commands if finding.remedy else ()
        installed: list[str] = []
        shell = [line for one in commands if one.tool is not Tool.PYTHON for line in one.lines]
        assert not any(f"--saveEngine={finding.subject}" in line for line in shell)
        assert not any("--saveEngine=MODEL.engine" in line for line in shell)
        for command in commands:
            if command.tool is Tool.PYTHON:
                assert command.where
                ast.parse("\n".join(command.lines))
                continue
            assert not any(re.match(r"[\w.]+(\(| = )", line) for line in command.lines)
            subprocess.run(["bash", "-n", "-c", "\n".join(command.lines)], check=True)
            for line in command.lines:
                if " pip install " in line:
                    words = shlex.split(line.partition(" pip install ")[2])
                    names = {re.split(r"[<>=!~\[]", w)[0] for w in words if not w.startswith("-")}
                    installed += {re.sub(r"-cu\d+.*", "", name) for name in names}
        assert len(installed) == len(set(installed)), commands
