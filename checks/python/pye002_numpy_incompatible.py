"""PYE002: a NumPy that the TensorRT bindings fail with."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    Finding,
    Knowledge,
    NotApplicable,
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


@check(id="PYE002", name="numpy-incompatible", severity=Severity.WARNING, since="0.1.0")
def numpy_incompatible(
    packages: facts.Packages,
    imports: Fact[facts.Imports],
    installs: Fact[facts.Installs],
    python: Fact[facts.TargetPython],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """The installed NumPy is one that these TensorRT bindings fail with.

    ## What it checks
    The installed NumPy against the version from which on the bindings of this TensorRT release fail.

    ## Why it matters
    The bindings of releases before 8.6 use `numpy.bool`, which NumPy 1.24 removed. The import works;
    the first `tensorrt.nptype`, that is the first buffer for an input or output, raises
    `AttributeError: module 'numpy' has no attribute 'bool'`.

    ## How to fix it
    Install an older NumPy beside this TensorRT, or a newer TensorRT.

    ## Known limits
    The lean, dispatch and RTX families are not judged.

    ## References
    - NumPy 1.24.0 release notes, expired deprecations:
      https://numpy.org/doc/stable/release/1.24.0-notes.html
    """
    version = _tensorrt(imports.value, installs.value)
    if version is None:
        if imports.unseen and installs.unseen:
            yield Unknown(reason="TensorRT's version in this Python could not be looked at")
            return
        raise NotApplicable("this Python has no tensorrt")
    numpy = packages.version("numpy")
    if numpy is None:
        yield Note(text="NumPy is not installed; TensorRT runs without it")
        return
    limit = kb.numpy_limit("tensorrt", version)
    if limit is None:
        yield Note(text=f"no limit is known for TensorRT {version}; NumPy is {numpy}")
        return
    have, wanted = versions.numbers(numpy), versions.numbers(limit.numpy_from)
    if have is None or wanted is None:
        yield Unknown(reason=f"NumPy's version {numpy} is none that can be compared")
    elif have < wanted:
        yield Note(text=f"NumPy {numpy} is older than {limit.numpy_from}")
    else:
        interpreter = shlex.quote(python.value.executable) if python.value else "python3"
        yield Finding(
            message=f"TensorRT {version} fails with NumPy {limit.numpy_from} and newer, and NumPy {numpy} "
            f"is installed: {limit.symptom}.",
            subject="numpy",
            confidence=limit.certainty,
            evidence=(
                Evidence(source="pip metadata", value=f"numpy {numpy}"),
                Evidence(source="version of the TensorRT bindings", value=version),
            ),
            remedy=Remedy(
                text=f"Install a NumPy before {limit.numpy_from}, or TensorRT {limit.fixed} or newer.",
                commands=to_run(f"{interpreter} -m pip install 'numpy<{limit.numpy_from}'"),
            ),
            references=(limit.source,),
        )


def _tensorrt(imports: facts.Imports | None, installs: facts.Installs | None) -> str | None:
    """The version of the bindings: as imported, else as installed with pip."""
    worked = imports.working("tensorrt") if imports else None
    if worked is not None and worked.version:
        return worked.version
    for install in installs.installs if installs else ():
        if install.kind == "pip" and install.product == "tensorrt":
            return install.version
    return None
