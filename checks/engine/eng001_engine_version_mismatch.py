"""ENG001: an engine of another TensorRT version than the one that would load it."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    Finding,
    Fit,
    Knowledge,
    LoadedTensorRT,
    NotApplicable,
    Note,
    Plan,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    load_of,
    loaded_tensorrts,
    runtime_for,
    sound_plans,
    stand_in,
    to_run,
    version_fit,
    versions,
)


@check(id="ENG001", name="engine-version-mismatch", severity=Severity.ERROR, since="0.1.0")
def engine_version_mismatch(
    files: facts.EngineFiles,
    loads: Fact[facts.EngineLoads],
    system: Fact[facts.OperatingSystem],
    imports: Fact[facts.Imports],
    installs: Fact[facts.Installs],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """An engine was built by another TensorRT than the one that would load it.

    ## What it checks
    The version that each plan names against the TensorRT of the same product that the target Python
    loads; where Python has none, against the only one among the system's libraries. TensorRT compares
    four parts of the version, TensorRT-RTX three; of a wheel that names three, three are compared.
    A plan that was built version compatible also loads in newer releases: of the same major version,
    from 8 in 9 and 10, from 10 in 11, never from 8 in 11, and never in an older release.

    ## Why it matters
    Loading fails: `expecting library version X got Y`, where X is the runtime and Y the plan.

    ## How to fix it
    Build the engine again with the TensorRT that runs it, or install the TensorRT that built it.

    ## Known limits
    Version compatibility is not always visible in the file; then the finding is only likely. In a cache
    of ONNX Runtime an engine beside one that fits is passed over, as ONNX Runtime does.

    ## References
    - TensorRT documentation, "Support Policies"
    - TensorRT documentation, "Version Compatibility":
      https://docs.nvidia.com/deeplearning/tensorrt/11.1.0/inference-library/engine-compatibility.html
    """
    plans = sound_plans(files, system.value)
    if (imports.status, installs.status) == ("not_run", "not_run"):
        raise NotApplicable("the machine was not looked at")
    loaded = loaded_tensorrts(imports, installs)
    if isinstance(loaded, Unknown):
        yield loaded
        return
    judged = [
        _judge(plan, plans, load_of(plan.file, loads.value), loaded, installs.value, kb)
        for plan in plans
        # A missing TensorRT-RTX is a cause of its own.
        if not (plan.rtx and runtime_for(plan, loaded) is None)
    ]
    if not judged:
        raise NotApplicable("no TensorRT of the engine's product is there")
    yield from judged


def _judge(
    plan: Plan,
    plans: tuple[Plan, ...],
    load: facts.EngineLoad | None,
    loaded: tuple[LoadedTensorRT, ...],
    installs: facts.Installs | None,
    kb: Knowledge,
) -> Yielded:
    if load is not None and load.loaded:
        return Note(text=f"{plan.subject}: {load.module} {load.version} loads it")
    runtime = runtime_for(plan, loaded)
    if runtime is None:
        why = "TensorRT-RTX does not load the plans of TensorRT"
        return _finding(plan, loaded[0], Fit(fits=False, why=why), installs, kb)
    if plan.version is None:
        return Unknown(subject=plan.subject, reason="the file does not say what built it")
    fit = version_fit(plan, runtime.version, kb, runtime.product)
    if fit.fits is None:
        return Unknown(subject=plan.subject, reason=f"{plan.label} and {runtime.label}: {fit.why}")
    if fit.fits:
        return Note(text=f"{plan.subject}: {plan.label} and {runtime.label}: {fit.why}")
    version, product = runtime.version, runtime.product
    other = stand_in(plan, plans, lambda each: version_fit(each, version, kb, product).fits)
    if other is not None:
        return Note(text=f"{plan.subject}: its cache has {other.subject} for {runtime.label}")
    return _finding(plan, runtime, fit, installs, kb)


def _finding(
    plan: Plan,
    runtime: LoadedTensorRT,
    fit: Fit,
    installs: facts.Installs | None,
    kb: Knowledge,
) -> Finding:
    others = [
        f"{item.product} {item.version} in {item.location}"
        for item in (installs.installs if installs else ())
        if item.version
        and (item.product == plan.family or (item.kind == "trtexec" and not plan.rtx))
        and version_fit(plan, item.version, kb).fits
    ]
    text = f"Build the engine again with {runtime.label}, or install {plan.label}."
    if others:
        text = f"Load it with {' or '.join(others)}; or build it again with {runtime.label}."
    built = versions.numbers(plan.version) or ()
    exact = ".".join(str(part) for part in built[:3])
    # Older releases were never on a package index.
    offered = built and not others and (plan.rtx or built >= (8, 5))
    return Finding(
        message=f"{plan.subject} was built by {plan.label}, and {runtime.label} would load it: "
        f"{fit.why}.",
        subject=plan.subject,
        confidence=fit.confidence,
        evidence=(
            Evidence(source="version in the plan", value=plan.version or "unknown"),
            Evidence(source=runtime.source, value=f"{runtime.product} {runtime.version}"),
        ),
        remedy=Remedy(
            text=text,
            commands=to_run(f"pip install '{plan.family}=={exact}.*'") if offered else (),
        ),
    )
