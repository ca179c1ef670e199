"""LIB004: a TensorRT library wants an executable stack, which new C libraries refuse."""

from __future__ import annotations

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
    versions,
)

_REFUSES_SINCE = (2, 41)


@check(
    id="LIB004",
    name="executable-stack-library",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=("tensorrt-import-fails", "tensorrt-half-installed"),
)
def executable_stack_library(
    libraries: facts.Libraries, system: facts.OperatingSystem, imports: Fact[facts.Imports]
) -> Iterator[Yielded]:
    """A TensorRT library asks for an executable stack, and this C library refuses it.

    ## What it checks
    The `PT_GNU_STACK` entry of TensorRT's libraries, and the version of the C library: since 2.41 glibc
    no longer makes the stack executable for a library that is loaded while a program runs. A library
    that an import has loaded is fine.

    ## Why it matters
    Python, ONNX Runtime and everything else that loads TensorRT at run time ends in "cannot enable
    executable stack as shared object requires". The libraries of TensorRT 10.7 are such.

    ## How to fix it
    Use another release: those of 10.8 and later don't ask for it.

    ## Known limits
    A program that is linked with the library, as `trtexec`, may still start, and the tunable
    `glibc.rtld.execstack` can allow it, hence `likely`. Kernels and security modules that refuse it with
    an older glibc are not told.

    ## References
    - glibc 2.41 release notes, executable stacks
    """
    loaded = {
        library.path
        for module in (imports.value.modules if imports.value else ())
        if module.genuine
        for library in module.libraries
    }
    wanting = [item for item in libraries.libraries if item.executable_stack]
    if not wanting:
        for path, why in libraries.unreadable.items():
            yield Unknown(subject=path, reason=why)
        yield Note(text="none asks for an executable stack")
        return
    glibc = versions.numbers(system.glibc)
    for item in wanting:
        if item.path in loaded:
            yield Note(text=f"{item.path} asks for one and was loaded all the same")
        elif glibc is None:
            yield Unknown(subject=item.path, reason="it asks for one; glibc's version is not known")
        elif glibc < _REFUSES_SINCE:
            yield Note(
                text=f"{item.path} asks for one; glibc {system.glibc} grants it, 2.41 does not"
            )
        else:
            yield Finding(
                message=f"{item.path} asks for an executable stack, which glibc {system.glibc} refuses.",
                subject=item.path,
                confidence=Confidence.LIKELY,
                evidence=(
                    Evidence(source="ELF PT_GNU_STACK", value="RWE"),
                    Evidence(source="glibc", value=str(system.glibc)),
                ),
                remedy=Remedy(text="Use TensorRT 10.8 or later, or one before 10.7."),
                references=(
                    "glibc 2.41 release notes",
                    "https://github.com/TNTwise/REAL-Video-Enhancer/issues/85",
                ),
            )
