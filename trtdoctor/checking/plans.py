"""What the checks of engines share: which files hold a sound plan, and where a plan fits.

One file must give one finding for one cause, and a check can only be excused as a whole. So the
checks ask here, from the same facts, whether another of them speaks of the file already.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from trtdoctor.knowledge import Knowledge, KnowledgeEnds, versions
from trtdoctor.model.engine import EngineIdentity
from trtdoctor.model.facts import (
    CudaDriver,
    EngineFile,
    EngineFiles,
    EngineLoad,
    EngineLoads,
    Gpus,
    Imports,
    Installs,
    OperatingSystem,
)
from trtdoctor.model.report import Confidence

from .definition import NotApplicable, Unknown
from .devices import Device, devices
from .facts import Fact
from .loaded import LoadedTensorRT, loaded_tensorrts

RTX = "tensorrt-rtx"
# Files of these kinds are meant to hold a plan; without one they are damaged, not something else.
_HOLDERS = ("plan", "ultralytics", "torch2trt", "torch-tensorrt", "base64", "wrapper")
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A sound plan in a file the user gave."""

    file: EngineFile
    identity: EngineIdentity

    @property
    def subject(self) -> str:
        """The file's path, as the user gave it."""
        return self.file.path

    @property
    def rtx(self) -> bool:
        """Whether TensorRT-RTX made it."""
        return self.identity.product == RTX

    @property
    def family(self) -> str:
        """The product whose runtimes load it."""
        return RTX if self.rtx else "tensorrt"

    @property
    def version(self) -> str | None:
        """What built it."""
        return self.identity.tensorrt_version

    @property
    def label(self) -> str:
        """Product and version of what built it, for messages."""
        return f"{'TensorRT-RTX' if self.rtx else 'TensorRT'} {self.version or '(version unknown)'}"

    def confidence(self, *fields: str) -> Confidence:
        """How sure the least sure of these fields of the identity is."""
        told = [self.identity.confidence.get(name) for name in fields]
        return weakest(*(Confidence(text) for text in told if text))


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Whether something fits; null where that cannot be told. ``why`` is a clause."""

    fits: bool | None
    why: str = ""
    confidence: Confidence = Confidence.CERTAIN


def weakest(*confidences: Confidence) -> Confidence:
    """The least sure of these; certain where there are none."""
    order = list(Confidence)
    return max(confidences, key=order.index, default=Confidence.CERTAIN)


def is_damaged(file: EngineFile) -> bool:
    """Whether a file that is meant to hold a plan is cut short or changed."""
    return bool(file.problems) and (file.identity is not None or file.container in _HOLDERS)


def is_no_plan(file: EngineFile) -> bool:
    """Whether a file holds no plan at all and is not a damaged one either."""
    return file.identity is None and not is_damaged(file)


def sound_plans(files: EngineFiles, system: OperatingSystem | None = None) -> tuple[Plan, ...]:
    """The plans that can be judged: bare or wrapped, not damaged.

    With ``system``, not those for another platform either: built again for this one, a plan is
    another plan, so nothing else need be said of it.

    Raises:
        NotApplicable: there is none.
    """
    found = tuple(
        Plan(file=file, identity=file.identity)
        for file in files.files
        if file.identity is not None and not is_damaged(file)
    )
    if not found:
        raise NotApplicable("no file with an undamaged plan was given")
    here = platform_name(system) if system else None
    native = tuple(p for p in found if here is None or p.identity.platform in (None, here))
    if not native:
        raise NotApplicable("explained by engine-for-other-platform")
    return native


def load_of(file: EngineFile, loads: EngineLoads | None) -> EngineLoad | None:
    """How loading this file ended; None where loading was no part of the look."""
    names = (file.location, file.path)
    return next((load for load in (loads.loads if loads else ()) if load.path in names), None)


def stand_in(
    plan: Plan, plans: tuple[Plan, ...], fits: Callable[[Plan], bool | None]
) -> Plan | None:
    """The plan of the same cache that a program loads instead of one that does not fit; None if none.

    ``fits`` says whether a plan fits.
    """
    place = plan.file.cache_place
    if place is None:
        return None
    others = (other for other in plans if other.file.cache_place == place and other is not plan)
    return next((other for other in others if fits(other)), None)


def runtime_for(plan: Plan, loaded: tuple[LoadedTensorRT, ...]) -> LoadedTensorRT | None:
    """The TensorRT that a program would load this plan with: the full one before lean runtimes."""
    own = [item for item in loaded if item.family == plan.family]
    return next((item for item in own if item.product == plan.family), own[0] if own else None)


def version_fit(plan: Plan, runtime: str, kb: Knowledge, product: str | None = None) -> Fit:
    """Whether a runtime's version loads a plan, by NVIDIA's rules.

    ``product`` is the runtime's; lean and dispatch runtimes load version-compatible plans alone.
    """
    version = plan.version or ""
    built, have = versions.numbers(plan.version), versions.numbers(runtime)
    if not built or not have or len(built) < 2:
        return Fit(fits=None, why="one of the versions is not known")
    sure = plan.confidence("tensorrt_version")
    compatible = plan.identity.version_compatible
    rule, unknown = None, ""
    try:
        rule = kb.plan_compatibility(plan.family, version)
    except KnowledgeEnds as end:
        unknown = str(end)
    # Wheels name three or four parts of a version.
    if versions.agree(rule.must_agree(version) if rule else version, runtime):
        return _lean(compatible) if product in ("tensorrt-lean", "tensorrt-dispatch") else _FITS
    if plan.rtx and rule:
        return Fit(
            fits=False, why="no TensorRT-RTX loads the plans of another release", confidence=sure
        )
    if have < built:
        return Fit(fits=False, why="no runtime loads the plans of a newer one", confidence=sure)
    if rule is None:
        return Fit(fits=None, why=unknown)
    if rule.loaded_by is None:
        why = f"plans of releases up to {rule.last} load in exactly their own"
        return Fit(fits=False, why=why, confidence=sure)
    across = rule.loads_in(have[0])
    if across is False:
        why = f"TensorRT {have[0]} does not load plans of TensorRT {built[0]} at all"
        return Fit(fits=False, why=why, confidence=sure)
    if compatible is False:
        sure = weakest(sure, plan.confidence("version_compatible"))
        return Fit(fits=False, why="it was not built version compatible", confidence=sure)
    if compatible is None:
        why = "it does so only if version compatible, and the file does not say whether it is"
        return Fit(fits=False, why=why, confidence=weakest(sure, Confidence.LIKELY))
    if across is None:
        why = f"it is not known whether TensorRT {have[0]} loads compatible plans of {built[0]}"
        return Fit(fits=None, why=why)
    return Fit(fits=True, why="it was built version compatible")


_FITS = Fit(fits=True, why="the versions agree")


def _lean(compatible: bool | None) -> Fit:
    why = "lean and dispatch runtimes load version-compatible plans alone"
    if compatible:
        return _FITS
    return Fit(fits=compatible, why=why, confidence=Confidence.LIKELY)


def device_fit(plan: Plan, device: Device, kb: Knowledge) -> Fit:
    """Whether a GPU runs a plan, by its compute capability.

    A GPU that the plan's own product does not support at all is left open: that is another cause.
    """
    cc, built = device.compute_capability, plan.identity.compute_capabilities
    if cc is None:
        return Fit(fits=None, why=f"the compute capability of {device.label} is not known")
    if not built:
        return Fit(fits=None, why="the file does not say which GPU it was built for")
    if cc in built:
        return Fit(fits=True, why=f"it was built for compute capability {cc}")
    sure = plan.confidence("compute_capabilities")
    if plan.rtx:
        if product_supports(plan, cc, kb) is not True:
            return Fit(fits=None, why=f"whether TensorRT-RTX supports {cc} comes first")
        return Fit(fits=False, why="it was not built for this GPU", confidence=sure)
    level = plan.identity.hardware_compatibility
    wide = kb.hardware_compatibility("ampere+")
    spanned = wide.spans(cc, *built)
    if level == wide.level and spanned:
        integrated = device.cuda.integrated if device.cuda else None
        if integrated or (plan.identity.built_on or {}).get("integrated"):
            return Fit(fits=None, why="hardware compatibility is not documented for Jetson")
        return Fit(fits=True, why="it was built hardware compatible, for Ampere and newer")
    if level is None and spanned and not _before(plan.version, wide.first):
        return Fit(fits=None, why="the file does not say whether it is hardware compatible")
    if level == wide.level:
        why = f"its hardware compatibility begins with compute capability {wide.oldest}"
    elif level == "same-cc":
        why = "it is compatible with GPUs of the same compute capability only"
    else:
        why = "it was not built hardware compatible"
    return Fit(fits=False, why=why, confidence=weakest(sure, _level_confidence(plan)))


def first_device(gpus: Fact[Gpus], cuda: Fact[CudaDriver]) -> Device | None:
    """The GPU that programs take unless told otherwise; None where there is none or nobody knows."""
    try:
        known = devices(gpus, cuda)
    except NotApplicable:
        return None
    return None if isinstance(known, Unknown) else known[0]


def certain_runtimes(
    imports: Fact[Imports], installs: Fact[Installs]
) -> tuple[LoadedTensorRT, ...]:
    """The TensorRTs that would be loaded; none where there is none or nobody knows."""
    try:
        found = loaded_tensorrts(imports, installs)
    except NotApplicable:
        return ()
    return () if isinstance(found, Unknown) else found


def unfit(
    plan: Plan,
    device: Device | None,
    loaded: tuple[LoadedTensorRT, ...],
    kb: Knowledge,
) -> str | None:
    """The check that finds this plan not to fit here, by the same facts; None where none does."""
    if device is not None and device_fit(plan, device, kb).fits is False:
        return "engine-for-other-gpu"
    runtime = runtime_for(plan, loaded)
    if runtime and version_fit(plan, runtime.version, kb, runtime.product).fits is False:
        return "engine-version-mismatch"
    return None


def engine_beside(plan: Plan, word: str) -> str:
    """The shell's word for a new engine beside this one, which may serve another machine."""
    path = PurePath(plan.subject)
    return shlex.quote(str(path.with_name(f"{path.stem or 'MODEL'}.{word}.engine")))


def platform_name(system: OperatingSystem) -> str:
    """This platform as plans name theirs: ``linux-x86_64``."""
    machine = system.machine.lower()
    return f"{system.system.lower()}-{_MACHINES.get(machine, machine)}"


def product_supports(plan: Plan, cc: str, kb: Knowledge) -> bool | None:
    """Whether the release that built a plan supports a compute capability; null past the table."""
    try:
        return kb.tensorrt_support(plan.family, plan.version or "", cc).supported
    except KnowledgeEnds:
        return None


def _level_confidence(plan: Plan) -> Confidence:
    if plan.identity.hardware_compatibility is None:
        return Confidence.CERTAIN
    return plan.confidence("hardware_compatibility")


def _before(version: str | None, bound: str) -> bool:
    numbers = versions.numbers(version)
    return numbers is not None and len(numbers) > 1 and versions.compare(numbers, bound) < 0
