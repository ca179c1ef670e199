"""Probe of loading engines: each in a child of the target Python, with the module its plan needs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trtdoctor.host import Host, NotRecorded
from trtdoctor.model.facts import Attempt, Ending, EngineLoad, EngineLoads

from .asking import inventory, target_python
from .observing import Cost, Observed, Probe
from .tensorrt import user_modules

_MODULES = {"tensorrt": ("tensorrt", "tensorrt_lean"), "tensorrt-rtx": ("tensorrt_rtx",)}
# A large engine takes long to read and to copy to the GPU; the run's own deadline is the limit.
_DEADLINE = 3600.0
_STAGE = re.compile(r"^trtdoctor-stage: (?P<stage>\w+) ?(?P<version>\S*)\n", re.MULTILINE)
_NOT_RECORDED = (
    "the recording tells nothing of loading this engine, so that its file alone was looked at; on that "
    "machine, `trtdoctor check ENGINE --record DIR` records it"
)


@dataclass(frozen=True, kw_only=True)
class LoadRequest:
    """One engine to load: where its plan lies in the file, and what made it.

    ``why_not`` is set where loading makes no sense; ``version`` is as much of the maker's version
    as the module's must agree with, null where any module may load it.
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
        loads: list[EngineLoad] = []
        missing = 0
        for request in requests:
            try:
                loads.append(_load(host, request))
            except NotRecorded:
                loads.append(EngineLoad(path=request.path, why_not=_NOT_RECORDED))
                missing += 1
        if missing and missing == len(loads):
            raise NotRecorded(_NOT_RECORDED)
        return Observed(value=EngineLoads(loads=tuple(loads)), source="deserialize_cuda_engine")

    return Probe(provides=EngineLoads, cost=Cost.LIGHT, look=look)


def _load(host: Host, request: LoadRequest) -> EngineLoad:
    why_not = request.why_not
    module = missing = None
    if why_not is None:
        module, missing, why_not = _module(host, request)
    if module is None:
        return EngineLoad(path=request.path, why_not=why_not, missing_module=missing)
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
        documents=("layers",),
    )
    said: dict[str, Any] = answer.value if isinstance(answer.value, dict) else {}
    ending, detail = answer.ending, answer.detail
    if ending == "returned":
        ending, detail = said["ending"], said.get("detail")
    if ending == "skipped":
        if said.get("skipped") == "version":
            had = said.get("version")
            detail = f"the plan needs TensorRT {request.version}, and {module} is {had}"
        return EngineLoad(
            path=request.path, module=module, version=said.get("version"), why_not=detail
        )
    ending = "exception" if ending == "raised" else ending
    stage, version = _reached(answer.output)
    output = _STAGE.sub("", answer.output).strip()
    loaded: bool | None = said.get("loaded")
    if loaded is None:
        # Only the call itself shows whether a plan loads; before it, nothing is known of the plan.
        loaded = {"deserialize": False, "context": True, "inspect": True}.get(stage or "")
        why_not = f"it came as far as {stage or 'starting Python'}: {detail}"
    return EngineLoad(
        path=request.path,
        module=module,
        version=said.get("version") or version,
        attempt=Attempt(ending=Ending(ending), detail=detail, output=output[-2000:] or None),
        loaded=loaded,
        why_not=why_not if loaded is None else None,
        stage=None if ending == "returned" else stage,
        log=tuple(said.get("log") or ()),
        device_memory_bytes=said.get("device_memory"),
        with_context=bool(said.get("with_context")),
        context_log=(*(said.get("context_log") or ()), *([said["cut"]] if "cut" in said else [])),
        layers=tuple(said.get("layers") or ()),
    )


def _reached(output: str) -> tuple[str | None, str | None]:
    """How far the child came by its own words, and the version it had by then."""
    stage = version = None
    for match in _STAGE.finditer(output):
        stage, version = match["stage"], match["version"] or version
    return stage, version


def _module(host: Host, request: LoadRequest) -> tuple[str | None, str | None, str | None]:
    """The module to load with; else the one that is missing, if it is that, and why not."""
    wanted = _MODULES.get(request.product or "", ())
    own = user_modules(host)
    seen = {name: spec for name, spec in inventory(host).modules.items() if name not in own}
    for name in wanted:
        if seen.get(name) is not None:
            return name, None, None
    if not wanted:
        return None, None, "which product made the plan is unknown"
    return None, wanted[0], f"the target Python has no module {wanted[0]}"
