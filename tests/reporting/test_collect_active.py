"""What uses the GPU: only where it is asked for, and never two things at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from trtdoctor.host import Host, NotRecorded
from trtdoctor.model.facts import Arithmetic, Builders, OwnModules, TinyEngines
from trtdoctor.model.report import FactStatus
from trtdoctor.probes.observing import Cost, NotThere, Probe
from trtdoctor.reporting.collect import Collection
from trtdoctor.testing import FakeMachine

ON_GPU = (Arithmetic, Builders, TinyEngines)


def probes(look: Callable[[Host], Any]) -> list[Probe]:
    return [Probe(provides=kind, cost=Cost.ACTIVE, look=look) for kind in ON_GPU]


def test_they_run_one_after_the_other_in_their_order() -> None:
    busy, met, order = threading.Lock(), [], []

    def look(kind: type) -> Callable[[Host], Any]:
        def looked(host: Host) -> Any:
            met.append(not busy.acquire(blocking=False))
            # Others would come in meanwhile if they could.
            threading.Event().wait(0.02)
            order.append(kind)
            busy.release()
            raise NotThere("nothing")

        return looked

    made = [Probe(provides=kind, cost=Cost.ACTIVE, look=look(kind)) for kind in ON_GPU]
    seen = Collection(Host(FakeMachine()), made, active=True).finish(budget=20)
    assert not any(met)
    assert order == list(ON_GPU)
    assert {record.status for record in seen.facts.values()} == {FactStatus.ABSENT}


def test_one_that_hangs_leaves_those_behind_it_without_an_answer() -> None:
    let_go = threading.Event()

    def look(host: Host) -> Any:
        let_go.wait(20)
        raise NotThere("late")

    other = Probe(provides=OwnModules, cost=Cost.LIGHT, look=lambda host: 1 / 0)
    seen = Collection(Host(FakeMachine()), [*probes(look), other], active=True).finish(budget=0.3)
    let_go.set()
    assert [seen.facts[kind.FACT].status for kind in ON_GPU] == [FactStatus.TIMEOUT] * 3
    assert seen.facts[OwnModules.FACT].status is FactStatus.FAILED


def test_nothing_of_it_runs_unasked() -> None:
    def look(host: Host) -> Any:
        raise AssertionError("it ran")

    seen = Collection(Host(FakeMachine()), probes(look), active=False).finish(budget=20)
    for record in seen.facts.values():
        assert record.status is FactStatus.NOT_RUN
        assert record.reason == "uses the GPU; ask for it with --active"


def test_an_older_recording_did_not_look() -> None:
    def look(host: Host) -> Any:
        raise NotRecorded("the recording has no answer to: child")

    passive = Probe(provides=OwnModules, cost=Cost.PASSIVE, look=look)
    seen = Collection(Host(FakeMachine()), [*probes(look), passive], active=True).finish(budget=20)
    assert {seen.facts[kind.FACT].status for kind in ON_GPU} == {FactStatus.NOT_RUN}
    assert seen.facts[OwnModules.FACT].status is FactStatus.FAILED
