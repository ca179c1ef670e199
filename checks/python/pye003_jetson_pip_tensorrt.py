"""PYE003: a Jetson whose Python does not use JetPack's TensorRT."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
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

# The first Jetson Linux for modules that take the packages of servers.
_SERVER_LIKE = 38
_SEE_THE_SYSTEM = (
    "Create the environment again with the system's Python and its packages, or set "
    "include-system-site-packages = true in its pyvenv.cfg."
)


@check(id="PYE003", name="jetson-pip-tensorrt", severity=Severity.ERROR, since="0.1.0")
def jetson_pip_tensorrt(
    jetson: facts.Jetson,
    python: facts.TargetPython,
    installs: Fact[facts.Installs],
    imports: Fact[facts.Imports],
    builders: Fact[facts.Builders],
) -> Iterator[Yielded]:
    """On a Jetson, Python does not use the TensorRT that JetPack brings.

    ## What it checks
    On Jetson modules up to Orin: whether TensorRT's pip packages of the package index are installed, and
    whether a virtual environment without `--system-site-packages` hides JetPack's bindings.

    ## Why it matters
    JetPack's TensorRT is built for the module's GPU and its driver. The packages of the package index are
    built for PCs and servers: they do not install, or fail at the first use of the GPU. JetPack's
    bindings live in the system's Python, which an isolated virtual environment does not see.

    ## How to fix it
    Uninstall the pip packages. Create the environment with `--system-site-packages` and the system's own
    Python, or link JetPack's `tensorrt` folder into it.

    ## Known limits
    From Jetson Linux 38 on (Thor) the packages of servers are meant to work; there the outcome is unknown.

    ## References
    - JetPack documentation, "TensorRT":
      https://docs.nvidia.com/jetson/jetpack/introduction/index.html
    """
    if installs.status is not FactStatus.OK:
        if installs.unseen:
            yield Unknown(reason=f"could not look for a TensorRT: {installs.reason}")
        return
    found = installs.value.installs if installs.value else ()
    working = _working(builders)
    for install in found:
        if install.kind == "pip" and any(install.families.keys() - {""}):
            yield _of_the_index(install, jetson, python, working)
    system = [i for i in found if i.kind == "library" and i.product == "tensorrt"]
    if system and _isolated(python):
        yield from _hidden(system[0], python, imports)


def _working(builders: Fact[facts.Builders]) -> set[str]:
    """The modules that made a Builder here."""
    trials = builders.value.trials if builders.value else ()
    return {t.module for t in trials if t.attempt.ending is facts.Ending.RETURNED}


def _isolated(python: facts.TargetPython) -> bool:
    """Whether it is a virtual environment that does not see the system's packages."""
    return python.in_virtualenv and python.system_site_packages is False


def _of_the_index(
    install: facts.Install, jetson: facts.Jetson, python: facts.TargetPython, working: set[str]
) -> Yielded:
    """What is to be said of a TensorRT that pip took from the package index."""
    told = ", ".join(f"{name} {version}" for name, version in install.parts.items())
    if install.product.replace("-", "_") in working:
        return Note(text=f"{told} make a Builder here")
    l4t = versions.numbers(jetson.l4t)
    if l4t is None or l4t[0] >= _SERVER_LIKE:
        return Unknown(
            subject=install.product,
            reason=f"whether {told} work on Jetson Linux {jetson.l4t or 'of unknown release'}, "
            "--active can tell",
        )
    return Finding(
        message=f"{install.product} {install.version or ''} of the package index is installed on "
        f"{jetson.model or 'a Jetson'}; it is built for PCs and servers.",
        subject=install.product,
        confidence=Confidence.LIKELY,
        evidence=(
            Evidence(source="pip metadata", value=told),
            Evidence(source="Jetson Linux", value=str(jetson.l4t)),
        ),
        remedy=_use_jetpacks(install, python),
    )


def _use_jetpacks(install: facts.Install, python: facts.TargetPython) -> Remedy:
    uninstall = f"{shlex.quote(python.executable)} -m pip uninstall -y"
    text = "Uninstall it and use JetPack's TensorRT."
    commands = (
        f"{uninstall} {' '.join(sorted(install.parts))}",
        "sudo apt install python3-libnvinfer",
    )
    if not _isolated(python):
        return Remedy(text=text, commands=to_run(*commands))
    return Remedy(
        text=f"{text} {_SEE_THE_SYSTEM}", commands=to_run(*commands, _with_the_system(python))
    )


def _hidden(
    system: facts.Install, python: facts.TargetPython, imports: Fact[facts.Imports]
) -> Iterator[Yielded]:
    """Whether an isolated environment keeps JetPack's TensorRT from being imported."""
    if imports.unseen:
        yield Unknown(reason=f"whether {python.executable} sees a TensorRT could not be looked at")
    elif imports.status is FactStatus.ABSENT:
        yield Finding(
            message=f"The virtual environment {python.prefix} hides JetPack's TensorRT "
            f"{system.version or ''}".rstrip()
            + ": it does not see the system's packages.",
            subject=python.prefix,
            evidence=(
                Evidence(source="pyvenv.cfg", value="include-system-site-packages = false"),
                Evidence(source="libraries of the system", value=system.location),
            ),
            remedy=Remedy(text=_SEE_THE_SYSTEM, commands=to_run(_with_the_system(python))),
        )


def _with_the_system(python: facts.TargetPython) -> str:
    return f"/usr/bin/python3 -m venv --system-site-packages {shlex.quote(python.prefix)}"
