"""TRT003: a pip installation of TensorRT that lacks a part, or mixes two releases."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    FactStatus,
    Finding,
    Note,
    Remedy,
    Severity,
    Unknown,
    Yielded,
    check,
    facts,
    to_run,
    versions,
)

_FIRST_SPLIT = (8, 6, 1)
_NO_LIBRARIES = "it has bindings and no libraries"
_LACKS = {
    frozenset({"libs"}): _NO_LIBRARIES,
    frozenset({"bindings"}): "it has libraries and no bindings",
    frozenset({"libs", "bindings"}): "it has neither bindings nor libraries",
}


@check(
    id="TRT003",
    name="tensorrt-half-installed",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=("jetson-pip-tensorrt",),
)
def tensorrt_half_installed(
    installs: facts.Installs, imports: Fact[facts.Imports], python: Fact[facts.TargetPython]
) -> Iterator[Yielded]:
    """A TensorRT installed with pip lacks a part or mixes two releases.

    ## What it checks
    Since 8.6.1 a TensorRT from the package index is several distributions: `tensorrt` only asks for
    `tensorrt-cu13`, and that for `-cu13-bindings` and `-cu13-libs`; likewise the lean, dispatch and RTX
    families, each judged by itself. What a distribution's own metadata asks for of its family and is not
    there, or is there in another version, bindings and libraries of different releases, and zero-version
    placeholders are told. An import of the product's own module that works overrides a part that is
    missing: the libraries may come from the system. That `tensorrt_bindings` imports does not.

    ## Why it matters
    The libraries are fetched from NVIDIA's own index while pip installs; where that index is out of
    reach, pip can leave the bindings without libraries behind. What is left fails at `import`.

    ## How to fix it
    Remove every part and install the family again, with NVIDIA's index in reach.

    ## Known limits
    A wheel of the tar, deb or NGC packages is one distribution, `tensorrt`; its import alone judges it.
    """
    modules = imports.value.modules if imports.value else ()
    for install in (i for i in installs.installs if i.kind == "pip"):
        worked = any(m.genuine and m.module == install.product.replace("-", "_") for m in modules)
        beside = _beside(install, installs)
        wrong = _mixed(install, beside)
        lacking = None if wrong or worked else _lacking(install, modules) or _unmet(install, beside)
        if lacking and imports.status not in (FactStatus.OK, FactStatus.ABSENT):
            untried = f"{lacking}; whether it works nobody could try ({imports.reason})"
            yield Unknown(subject=install.product, reason=untried)
        elif lacking == _NO_LIBRARIES and _system_has(install, installs):
            yield Note(text=f"{install.product}: {lacking}; the system has them")
        elif wrong or lacking:
            yield _finding(install, beside, wrong or lacking or "", modules, python.value)
        else:
            yield Note(text=f"{install.product} {install.version or ''}".rstrip() + " is whole")


def _finding(
    install: facts.Install,
    beside: dict[str, str],
    wrong: str,
    modules: tuple[facts.ModuleImport, ...],
    python: facts.TargetPython | None,
) -> Finding:
    evidence = [Evidence(source="pip metadata", value=f"{n} {v}") for n, v in beside.items()]
    for m in modules:
        if m.product == install.product:
            said = m.attempt.detail or m.attempt.ending.value
            evidence.append(Evidence(source=f"import {m.module}", value=said))
    return Finding(
        message=f"{install.product} in {install.location} is not whole: {wrong}.",
        subject=install.product,
        evidence=tuple(evidence),
        remedy=_remedy(install, beside, shlex.quote(python.executable) if python else "python3"),
    )


def _beside(install: facts.Install, installs: facts.Installs) -> dict[str, str]:
    """All parts of the product in the same folder, of every CUDA flavour."""
    parts: dict[str, str] = {}
    for other in installs.installs:
        if (other.kind, other.product, other.location) == (
            "pip",
            install.product,
            install.location,
        ):
            parts.update(other.parts)
    return parts


def _asked(install: facts.Install) -> Iterator[tuple[str, str, str]]:
    """What the parts ask for of their own family: who, which distribution, which versions."""
    for name, requires in install.requires.items():
        for text in requires:
            wanted = versions.requirement(text)
            if wanted and wanted[0].startswith(install.product):
                yield name, *wanted


def _mixed(install: facts.Install, beside: dict[str, str]) -> str | None:
    for cuda, roles in install.families.items():
        bindings, libs = roles.get("bindings"), roles.get("libs")
        if bindings and libs and versions.agree(bindings, libs) is False:
            flavour = f" for {cuda}" if cuda else ""
            return f"the bindings{flavour} are {bindings}, the libraries {libs}"
    for name, part, wanted in _asked(install):
        have = beside.get(part)
        if have and wanted and versions.satisfies(have, wanted) is False:
            return f"{name} {install.parts[name]} asks for {part}{wanted}, and {have} is installed"
    return None


def _unmet(install: facts.Install, beside: dict[str, str]) -> str | None:
    for name, part, _ in _asked(install):
        if part not in beside:
            return f"{name} {install.parts[name]} asks for {part}, which is not installed"
    return None


def _lacking(install: facts.Install, modules: tuple[facts.ModuleImport, ...]) -> str | None:
    """What the best of the flavours lacks; None where one has everything."""
    parts = install.families
    module = install.product.replace("-", "_")
    tried = next((m for m in modules if m.module == module), None)
    reasons = []
    for cuda, roles in parts.items():
        lacks = {"bindings", "libs"} - roles.keys()
        if not cuda and set(roles) == {"meta"}:
            split = (versions.numbers(roles["meta"]) or ())[:3] >= _FIRST_SPLIT
            stub = tried is None or "No module named 'tensorrt" in (tried.attempt.detail or "")
            if len(parts) == 1 and stub and (split or install.product == "tensorrt-rtx"):
                reasons.append("it is only the name, with nothing behind it")
        elif any((versions.numbers(v) or (1,))[0] == 0 for v in roles.values()):
            reasons.append("a part is a placeholder that holds nothing")
        elif lacks:
            reasons.append(_LACKS[frozenset(lacks)])
        elif cuda and "meta" not in roles and tried is None:
            reasons.append(f"without {install.product}-{cuda} there is no module {module}")
        else:
            return None
    return reasons[0] if reasons else None


def _system_has(install: facts.Install, installs: facts.Installs) -> bool:
    return any(
        other.kind == "library"
        and other.product == install.product
        and versions.agree(other.version, install.version)
        for other in installs.installs
    )


def _remedy(install: facts.Install, beside: dict[str, str], interpreter: str) -> Remedy:
    cuda = next((flavour for flavour in install.families if flavour), None)
    wanted = f"{install.product}-{cuda}" if cuda else install.product
    if (versions.numbers(install.version) or (0,))[0] > 0:
        wanted += f"=={install.version}"
    return Remedy(
        text="Remove every part and install them together; the libraries come from NVIDIA's package "
        "index, which must be in reach.",
        commands=to_run(
            f"{interpreter} -m pip uninstall -y {' '.join(sorted(beside))}",
            f"{interpreter} -m pip install --no-cache-dir {shlex.quote(wanted)}",
        ),
    )
