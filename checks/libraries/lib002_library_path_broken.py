"""LIB002: entries of LD_LIBRARY_PATH that cannot mean what they say."""

from __future__ import annotations

import re
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
)

_PLACEHOLDER = re.compile(
    r"[<>\"'`]|\$(?!ORIGIN|LIB|PLATFORM|\{(?:ORIGIN|LIB|PLATFORM)\})|^~|\bpath/to\b"
)
_TENSORRT = re.compile(r"(?<!torch_)(?<!torch-)tensorrt", re.IGNORECASE)


@check(id="LIB002", name="library-path-broken", severity=Severity.WARNING, since="0.1.0")
def library_path_broken(path: facts.LibraryPath, imports: Fact[facts.Imports]) -> Iterator[Yielded]:
    """LD_LIBRARY_PATH has entries that cannot mean what they say.

    ## What it checks
    Each entry: quotes, placeholders, `~` and variables that no shell replaced; a file where a folder
    belongs; a `stubs` folder of the CUDA toolkit with a `libcuda` in it; a TensorRT folder that is not
    there while no TensorRT can be imported.

    ## Why it matters
    The loader passes over what it cannot open without a word, so the library "is on the path" and is not
    found. The stub of `libcuda` is for linking only: loaded in the driver's place, every CUDA call fails.

    ## How to fix it
    Write the folder that holds the libraries, in full and without quotes, and leave out `stubs`.

    ## Known limits
    Other folders that are not there do no harm and are only noted: container images name folders that
    exist on some machines only.

    ## References
    - ld.so(8), LD_LIBRARY_PATH: https://man7.org/linux/man-pages/man8/ld.so.8.html
    """
    works = any(module.genuine for module in imports.value.modules) if imports.value else False
    absent = []
    for entry in path.entries:
        wrong, confidence, remedy = _judged(entry, works)
        if wrong:
            yield Finding(
                message=f"LD_LIBRARY_PATH names {entry.path}: {wrong}.",
                subject=entry.path,
                confidence=confidence,
                evidence=(
                    Evidence(source="LD_LIBRARY_PATH", value=entry.path),
                    Evidence(
                        source="what lies there", value=", ".join((entry.kind, *entry.libraries))
                    ),
                ),
                remedy=Remedy(
                    text=remedy, commands=to_run("echo \"$LD_LIBRARY_PATH\" | tr ':' '\\n'")
                ),
                references=("ld.so(8): https://man7.org/linux/man-pages/man8/ld.so.8.html",),
            )
        elif entry.kind == "denied":
            yield Unknown(subject=entry.path, reason="this user may not look into it")
        elif entry.kind == "missing":
            absent.append(entry.path)
    if absent:
        yield Note(text=f"not there, which does no harm: {', '.join(absent)}")


def _judged(entry: facts.PathEntry, works: bool) -> tuple[str | None, Confidence, str]:
    """What is wrong with an entry, how sure that is, and what to do."""
    stub = [name for name in entry.libraries if name.startswith("libcuda.so")]
    if entry.kind == "missing" and _PLACEHOLDER.search(entry.path):
        wrong = "a placeholder, a quote or a variable that no shell replaced"
        return wrong, Confidence.CERTAIN, "Write the folder itself, in full and without quotes."
    if entry.kind == "file":
        wrong = "a file; the loader looks into folders only"
        return wrong, Confidence.CERTAIN, "Name the folder that the file lies in."
    if stub and "stubs" in entry.path.split("/"):
        loaded = "libcuda.so.1" in stub
        return (
            f"a folder of stubs, whose {stub[0]} stands in for the driver's and fails every call",
            Confidence.CERTAIN if loaded else Confidence.POSSIBLE,
            "Leave this folder out; it is for linking (-L), never for running.",
        )
    if entry.kind == "missing" and _TENSORRT.search(entry.path) and not works:
        return (
            "there is no such folder, and no TensorRT can be imported",
            Confidence.LIKELY,
            "Name the folder that holds libnvinfer.so, or leave the entry out.",
        )
    return None, Confidence.CERTAIN, ""
