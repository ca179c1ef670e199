"""What plugins test with fails where it should, and says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from trtdoctor.checking.discover import Catalogue
from trtdoctor.testing import load_cases, run_case

CASES = Path(__file__).parent / "checks"


def test_a_case_of_another_check_is_refused(catalogue: Catalogue) -> None:
    (check,) = catalogue.named("DRV001")
    case = next(load_cases(CASES / "DRV002.yaml"))
    with pytest.raises(AssertionError, match=r"is one of DRV002, .* DRV001 driver-missing"):
        run_case(case, check)
