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
    interpreter = shlex.quote(python.executable)
    hidden = python.in_virtualenv and python.system_site_packages is False
    working = (
        {t.module for t in builders.value.trials if t.attempt.ending is facts.Ending.RETURNED}
        if builders.value
        else set()
    )
    for install in found:
        from_index = install.kind == "pip" and any(install.families.keys() - {""})
        if not from_index:
            continue
        told = ", ".join(f"{n} {v}" for n, v in install.parts.items())
        l4t = versions.numbers(jetson.l4t)
        if install.product.replace("-", "_") in working:
            yield Note(text=f"{told} make a Builder here")
        elif l4t is None or l4t[0] >= _SERVER_LIKE:
            yield Unknown(
                subject=install.product,
                reason=f"whether {told} work on Jetson Linux {jetson.l4t or 'of unknown release'}, "
                "--active can tell",
            )
        else:
            yield Finding(
                message=f"{install.product} {install.version or ''} of the package index is installed on "
                f"{jetson.model or 'a Jetson'}; it is built for PCs and servers.",
                subject=install.product,
                confidence=Confidence.LIKELY,
                evidence=(
                    Evidence(source="pip metadata", value=told),
                    Evidence(source="Jetson Linux", value=str(jetson.l4t)),
                ),
                remedy=Remedy(
                    text="Uninstall it and use JetPack's TensorRT."
                    + (f" {_SEE_THE_SYSTEM}" if hidden else ""),
                    commands=(
                        f"{interpreter} -m pip uninstall -y {' '.join(sorted(install.parts))}",
                        "sudo apt install python3-libnvinfer",
                        *((_with_the_system(python),) if hidden else ()),
                    ),
                ),
            )
    system = [i for i in found if i.kind == "library" and i.product == "tensorrt"]
    if system and hidden and imports.unseen:
        yield Unknown(reason=f"whether {python.executable} sees a TensorRT could not be looked at")
    elif system and hidden and imports.status is FactStatus.ABSENT:
        yield Finding(
            message=f"The virtual environment {python.prefix} hides JetPack's TensorRT "
            f"{system[0].version or ''}".rstrip()
            + ": it does not see the system's packages.",
            subject=python.prefix,
            evidence=(
                Evidence(source="pyvenv.cfg", value="include-system-site-packages = false"),
                Evidence(source="libraries of the system", value=system[0].location),
            ),
            remedy=Remedy(
                text=_SEE_THE_SYSTEM,
                commands=(_with_the_system(python),),
            ),
        )


def _with_the_system(python: facts.TargetPython) -> str:
    return f"/usr/bin/python3 -m venv --system-site-packages {shlex.quote(python.prefix)}"
