"""The probe that builds and runs a tiny engine with each TensorRT of the target Python."""

from __future__ import annotations

from typing import Any

from trtdoctor.host import Host
from trtdoctor.model.facts import TinyEngine, TinyEngines, TinyEngineTrial
from trtdoctor.model.spreads import spread

from .asking import target_python
from .observing import Cost, Observed, probe
from .tensorrt import attempted, modules_with_builder

_SECONDS = 60.0
# A first Builder alone can take most of it: the run's own deadline is the limit.
_DEADLINE = 3600.0


@probe(TinyEngines, Cost.ACTIVE)
def tiny_engines(host: Host) -> Observed[TinyEngines]:
    """A convolution and a matrix product in FP32 and FP16, built and timed in a child."""
    trials = tuple(_trial(host, module) for module in modules_with_builder(host))
    return Observed(value=TinyEngines(trials=trials), source="engines built and run in a child")


def _trial(host: Host, module: str) -> TinyEngineTrial:
    answer = host.child(
        "tiny_engine",
        {"module": module, "seconds": _SECONDS, "sample_ms": 20.0, "samples": 9},
        python=target_python(host),
        deadline=_DEADLINE,
    )
    attempt, said = attempted(answer)
    return TinyEngineTrial(
        module=module,
        attempt=attempt,
        version=said.get("version"),
        engines=tuple(_engine(raw) for raw in said.get("engines") or ()),
        log=tuple(said.get("log") or ()),
    )


def _engine(raw: dict[str, Any]) -> TinyEngine:
    reason = raw.get("reason")
    return TinyEngine(
        precision=raw["precision"],
        typing=raw.get("typing"),
        time=spread([float(f"{ms:.5g}") for ms in raw.get("ms") or ()]),
        layers=tuple(raw.get("layers") or ()),
        build_s=raw.get("build_s"),
        reason=f"no time was left within {_SECONDS:g} s" if reason == "time" else reason,
    )
