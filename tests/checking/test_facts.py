"""One decoder of facts: each with its status, and what cannot be read is told and not lost."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from trtdoctor.api import FactStatus, Knowledge
from trtdoctor.api.facts import CudaDriver, Gpus, KernelDriver
from trtdoctor.checking.facts import Facts
from trtdoctor.model.report import FactRecord, Snapshot
from trtdoctor.reporting.machine_card import machine_card
from trtdoctor.testing import snapshot_of


def holding(name: str, value: Any, status: FactStatus = FactStatus.OK) -> Snapshot:
    """A snapshot as a document may hold it: nothing has checked the value."""
    return msgspec.structs.replace(
        snapshot_of({}), facts={name: FactRecord(status=status, value=value, source="a file")}
    )


def test_a_value_comes_with_its_status_and_source() -> None:
    fact = Facts(snapshot_of({"nvidia.driver": {"version": "580.1"}})).fact(KernelDriver)
    assert (fact.status, fact.source) == (FactStatus.OK, "case")
    assert fact.value == KernelDriver(version="580.1")


@pytest.mark.parametrize("status", [s for s in FactStatus if s is not FactStatus.OK])
def test_only_an_ok_fact_has_a_value(status: FactStatus) -> None:
    fact = Facts(holding("nvidia.driver", {"version": "580.1"}, status)).fact(KernelDriver)
    assert (fact.status, fact.value) == (status, None)


def test_a_fact_that_the_snapshot_lacks_was_not_run() -> None:
    facts = Facts(snapshot_of({}))
    fact = facts.fact(KernelDriver)
    assert (fact.status, fact.unseen) == (FactStatus.NOT_RUN, False)
    assert fact.reason == "not looked at"
    assert facts.value(KernelDriver) is None


@pytest.mark.parametrize("value", [None, 3, "text", [], {}, {"version": 580}])
def test_a_shape_that_cannot_be_read_is_a_failure_that_says_so(value: Any) -> None:
    facts = Facts(holding("nvidia.driver", value))
    fact = facts.fact(KernelDriver)
    assert (fact.status, fact.value, fact.unseen) == (FactStatus.FAILED, None, True)
    assert "has a shape that this version cannot read: " in (fact.reason or "")
    assert facts.value(KernelDriver) is None


@pytest.mark.parametrize(
    ("kind", "field"), [(KernelDriver, "driver_reason"), (Gpus, "gpus_reason")]
)
def test_the_card_tells_that_a_fact_cannot_be_read(kind: Any, field: str) -> None:
    card = machine_card(holding(kind.FACT, {"devices": 3}), Knowledge.load())
    assert getattr(card, field).startswith("unknown: its value has a shape")


def test_no_gpu_is_claimed_of_an_answer_that_cannot_be_read() -> None:
    snapshot = holding(CudaDriver.FACT, {"init_code": "none"})
    assert machine_card(snapshot, Knowledge.load()).gpus is None
