"""TRT009: a system TensorRT that the Python looked at cannot import."""

from __future__ import annotations

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
)


@check(
    id="TRT009",
    name="tensorrt-without-python",
    severity=Severity.INFO,
    since="0.1.0",
    explained_by=(
        "jetson-pip-tensorrt",
        "jetson-bindings-for-another-python",
    ),
)
def tensorrt_without_python(
    installs: facts.Installs, imports: Fact[facts.Imports], python: Fact[facts.TargetPython]
) -> Iterator[Yielded]:
    """TensorRT is on the machine, but the Python that is looked at has no bindings for it.

    ## What it checks
    Whether the system has TensorRT libraries or `trtexec` while the Python that is looked at finds no
    TensorRT module at all.

    ## Why it matters
    C++ programs and `trtexec` need no Python: on such a machine this is as it should be. For a Python
    program it means `ModuleNotFoundError: No module named 'tensorrt'`.

    ## How to fix it
    Where Python is wanted: look at the right interpreter with `--python`, create the virtual environment
    with `--system-site-packages`, or install bindings of the library's own version.

    ## Known limits
    Of Python interpreters, only the one that is looked at is asked.
    """
    if any(install.kind == "pip" for install in installs.installs):
        yield Note(text="its Python packages are there")
        return
    if imports.status is FactStatus.OK:
        yield Note(text="a TensorRT module can be found")
        return
    if imports.status is not FactStatus.ABSENT:
        yield Unknown(reason=f"could not ask the Python: {imports.reason or imports.status.value}")
        return
    where = python.value.executable if python.value else "the Python looked at"
    found = ", ".join(
        f"{i.product} {i.version or 'of unknown version'} in {i.location}"
        for i in installs.installs
    )
    yield Finding(
        message=f"{where} has no TensorRT module; C++ programs and trtexec can use {found}.",
        evidence=(
            Evidence(source="libraries and trtexec", value=found),
            Evidence(source="modules of the interpreter", value=imports.reason or "none"),
        ),
        remedy=Remedy(
            text="If Python is to use it, name the interpreter that has the bindings, or install the "
            "bindings of this version: the wheel of the tar package, or python3-libnvinfer for the "
            "distribution's own Python.",
            commands=to_run("trtdoctor check --python /usr/bin/python3"),
        ),
    )
