"""Every check against its cases: facts in, findings out."""

from __future__ import annotations

from pathlib import Path

import pytest

from trtdoctor.checking.discover import Catalogue
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
