"""Probe of loading engines: each in a child of the target Python, with the module its plan needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trtdoctor.host import Host
from trtdoctor.model.facts import Attempt, Ending, EngineLoad, EngineLoads

from .asking import inventory, target_python
from .observing import Cost, Observed, Probe

_MODULES = {"tensorrt": ("tensorrt", "tensorrt_lean"), "tensorrt-rtx": ("tensorrt_rtx",)}
# A large engine takes long to read and to copy to the GPU; the run's own deadline is the limit.
_DEADLINE = 3600.0


@dataclass(frozen=True, kw_only=True)
class LoadRequest:
    """One engine to load: where its plan lies in the file, and what made it.

    ``why_not`` is set where loading makes no sense; ``version`` is null where any may load it.
    """

    path: str
    offset: int = 0
    length: int = -1
    product: str | None = None
    version: str | None = None
    why_not: str | None = None


def engine_loads(requests: Sequence[LoadRequest]) -> Probe:
    """A probe that loads these engines one after the other."""

    def look(host: Host) -> Observed[EngineLoads]:
        loads = tuple(_load(host, request) for request in requests)
        return Observed(value=EngineLoads(loads=loads), source="deserialize_cuda_engine")

    return Probe(provides=EngineLoads, cost=Cost.LIGHT, look=look)


def _load(host: Host, request: LoadRequest) -> EngineLoad:
    why_not = request.why_not
    module = None
    if why_not is None:
        module, why_not = _module(host, request)
    if module is None:
        return EngineLoad(path=request.path, why_not=why_not)
    answer = host.child(
        "load_engine",
        {
            "module": module,
            "path": request.path,
            "offset": request.offset,
            "length": request.length,
            "version": request.version,
        },
        python=target_python(host),
        deadline=_DEADLINE,
    )
    said: dict[str, Any] = answer.value if isinstance(answer.value, dict) else {}
    ending, detail = answer.ending, answer.detail
    if ending == "returned":
        ending, detail = said["ending"], said.get("detail")
    if ending == "skipped":
        return EngineLoad(
            path=request.path,
            module=module,
            version=said.get("version"),
            why_not=f"the plan needs TensorRT {request.version}, and {module} is {said.get('version')}",
        )
    ending = "exception" if ending == "raised" else ending
    return EngineLoad(
        path=request.path,
        module=module,
        version=said.get("version"),
        attempt=Attempt(
            ending=Ending(ending), detail=detail, output=answer.output.strip()[-2000:] or None
        ),
        loaded=bool(said.get("loaded")),
        log=tuple(said.get("log") or ()),
        device_memory_bytes=said.get("device_memory"),
        with_context=bool(said.get("with_context")),
        context_log=tuple(said.get("context_log") or ()),
        layers=tuple(said.get("layers") or ()),
    )


def _module(host: Host, request: LoadRequest) -> tuple[str | None, str | None]:
    wanted = _MODULES.get(request.product or "", ())
    seen = inventory(host).modules
    for name in wanted:
        if seen.get(name) is not None:
            return name, None
    if not wanted:
        return None, "which product made the plan is unknown"
    return None, f"the target Python has no module {wanted[0]}"
