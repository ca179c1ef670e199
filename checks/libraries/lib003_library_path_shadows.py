"""LIB003: LD_LIBRARY_PATH leads other programs to another TensorRT than Python's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    Finding,
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

_LIBRARY = re.compile(r"libnvinfer\.so\.(?P<version>\d+(?:\.\d+)*)")


@check(
    id="LIB003",
    name="library-path-shadows",
    severity=Severity.WARNING,
    since="0.1.0",
    explained_by=("tensorrt-half-installed", "tensorrt-version-mismatch"),
)
def library_path_shadows(
    path: facts.LibraryPath, imports: Fact[facts.Imports], installs: Fact[facts.Installs]
) -> Iterator[Yielded]:
    """LD_LIBRARY_PATH holds another version of TensorRT than the one Python brings.

    ## What it checks
    Whether a folder of `LD_LIBRARY_PATH` holds a `libnvinfer` of the same name, that is of the same major
    version, as Python's TensorRT, but of another release.

    ## Why it matters
    Releases of one major version share the name `libnvinfer.so.10`. The wheels load their own copy by its
    full path, but `trtexec`, C++ programs, ONNX Runtime and plugins started from the same shell take the
    one in `LD_LIBRARY_PATH`: engines of one are refused by the other, and both in one process may crash.

    ## How to fix it
    Take the folder out of `LD_LIBRARY_PATH`, or use that version in Python too.

    ## Known limits
    Where neither the library's file name nor its install tells the release, the outcome is unknown.

    ## References
    - ld.so(8), LD_LIBRARY_PATH: https://man7.org/linux/man-pages/man8/ld.so.8.html
    """
    ours = _python_version(imports.value, installs.value)
    if ours is None:
        if imports.unseen or installs.unseen:
            yield Unknown(reason="Python's TensorRT could not be looked at")
            return
        raise NotApplicable("Python has no TensorRT")
    for entry in path.entries:
        found = [
            match.group("version") for n in entry.libraries if (match := _LIBRARY.fullmatch(n))
        ]
        same_name = [v for v in found if versions.agree(v.partition(".")[0], ours)]
        if not same_name:
            continue
        full = max(same_name, key=lambda v: v.count("."))
        version = full if "." in full else _installed(entry.path, installs.value)
        if version is None:
            yield Unknown(
                subject=entry.path, reason=f"the release of libnvinfer.so.{full} is unknown"
            )
        elif versions.agree(version, ours):
            yield Note(text=f"{entry.path} holds {version}, as Python does")
        else:
            yield Finding(
                message=f"LD_LIBRARY_PATH leads to TensorRT {version} in {entry.path}, while Python has "
                f"{ours}: programs of this shell and Python use different releases.",
                subject=entry.path,
                evidence=(
                    Evidence(source="LD_LIBRARY_PATH", value=entry.path),
                    Evidence(source=f"libnvinfer in {entry.path}", value=version),
                    Evidence(source="Python's TensorRT", value=ours),
                ),
                remedy=Remedy(
                    text=f"Take {entry.path} out of LD_LIBRARY_PATH, or use TensorRT {version} in "
                    "Python too.",
                    commands=to_run("echo \"$LD_LIBRARY_PATH\" | tr ':' '\\n'"),
                ),
                references=("ld.so(8): https://man7.org/linux/man-pages/man8/ld.so.8.html",),
            )


def _python_version(imports: facts.Imports | None, installs: facts.Installs | None) -> str | None:
    worked = imports.working("tensorrt") if imports else None
    if worked is not None and worked.version:
        return worked.version
    for install in installs.installs if installs else ():
        if install.kind == "pip" and install.product == "tensorrt":
            return install.version
    return None


def _installed(folder: str, installs: facts.Installs | None) -> str | None:
    for install in installs.installs if installs else ():
        if install.product == "tensorrt" and install.location == folder.rstrip("/"):
            return install.version
    return None
