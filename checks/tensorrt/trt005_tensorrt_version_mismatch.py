"""TRT005: Python's bindings run on another TensorRT's library."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Fact,
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

_MAIN = re.compile(r"lib(?:nvinfer(?:_lean|_dispatch)?|tensorrt_rtx)\.so")
_OURS = re.compile(r"lib(?:nvinfer|nvonnxparser|nvparsers|tensorrt_)\w*\.so\.?(?P<version>[\d.]*)")


@check(
    id="TRT005",
    name="tensorrt-version-mismatch",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=("tensorrt-half-installed",),
)
def tensorrt_version_mismatch(
    imports: facts.Imports, installs: Fact[facts.Installs], python: Fact[facts.TargetPython]
) -> Iterator[Yielded]:
    """The TensorRT bindings of Python run on the library of another version.

    ## What it checks
    After a successful import: the bindings' `__version__` against the version that the loaded library
    itself answers, and the versions of the other TensorRT libraries in the process (plugins, ONNX parser,
    builder resources) by their names and by the install they lie in.

    ## Why it matters
    All releases of one major version share the library's name, so the loader takes the first it finds.
    Bindings on another release crash or fail in places that have nothing to do with it, and engines are
    built for the library's version, not for the one that `__version__` shows.

    ## How to fix it
    Take the other copy's folder out of `LD_LIBRARY_PATH`, or install the bindings of the library's
    version.

    ## Known limits
    Where the library doesn't say its version and its name and place do not tell, the outcome is unknown.

    ## References
    - TensorRT documentation, "Installing TensorRT":
      https://docs.nvidia.com/deeplearning/tensorrt/latest/installing-tensorrt/installing.html
    """
    for module in imports.modules:
        if not module.genuine:
            continue
        wrong = list(_disagreeing(module, installs.value))
        if wrong:
            path, version, confidence = wrong[0]
            yield _finding(module, path, version, confidence, python.value)
        elif versions.agree(module.version, module.library_version):
            yield Note(text=f"{module.module} {module.version}: bindings and library agree")
        else:
            yield Unknown(
                subject=module.module,
                reason=f"the bindings say {module.version or 'no version'}, "
                f"the library {module.library_version or 'none'}",
            )


def _disagreeing(
    module: facts.ModuleImport, installs: facts.Installs | None
) -> Iterator[tuple[str, str, Confidence]]:
    """Each loaded library of another version: its path, its version, and how sure that is."""
    if versions.agree(module.version, module.library_version) is False:
        main = [item.path for item in module.libraries if _MAIN.match(item.name)]
        yield main[0] if main else "the library", str(module.library_version), Confidence.CERTAIN
    for library in module.libraries:
        match = _OURS.match(library.path.rpartition("/")[2])
        if match is None or (_MAIN.match(library.name) and module.library_version):
            continue
        for version in (match.group("version").strip("."), _owner(library.path, installs)):
            if versions.agree(module.version, version) is False:
                yield library.path, str(version), Confidence.LIKELY
                break


def _owner(path: str, installs: facts.Installs | None) -> str | None:
    """The version of the install that the library at a path belongs to."""
    for install in installs.installs if installs else ():
        if path in install.libraries:
            return install.version
    return None


def _finding(
    module: facts.ModuleImport,
    path: str,
    version: str,
    confidence: Confidence,
    python: facts.TargetPython | None,
) -> Finding:
    interpreter = shlex.quote(python.executable) if python else "python3"
    mapped = [
        Evidence(source="/proc/self/maps", value=library.path)
        for library in module.libraries
        if _OURS.match(library.name)
    ]
    return Finding(
        message=f"{module.module} {module.version} runs on {path}, which is version {version}.",
        subject=module.module,
        confidence=confidence,
        evidence=(
            Evidence(source=f"{module.module}.__version__", value=str(module.version)),
            Evidence(source="version of the library", value=module.library_version or "unknown"),
            *mapped,
        ),
        remedy=Remedy(
            text=f"Find what brings {path} into this process, usually LD_LIBRARY_PATH or ld.so.conf, "
            f"and remove it, or install bindings of version {version}.",
            commands=to_run(
                f"env -u LD_LIBRARY_PATH {interpreter} -c 'import {module.module}'",
                f"LD_DEBUG=libs {interpreter} -c 'import {module.module}' 2>&1 | grep 'calling init'",
            ),
        ),
    )
