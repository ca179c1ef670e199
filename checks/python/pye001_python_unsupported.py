"""PYE001: TensorRT has no bindings for this Python."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Fact,
    FactStatus,
    Finding,
    Knowledge,
    KnowledgeEnds,
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Situation,
    Unknown,
    Yielded,
    check,
    facts,
    installable,
    situation,
    to_run,
    versions,
)

# Where Debian's packages put modules; each is built for the one Python of the release.
_OF_THE_DISTRIBUTION = re.compile(r"/usr/lib/python3(\.\d+)?/dist-packages")


@check(id="PYE001", name="python-unsupported", severity=Severity.ERROR, since="0.1.0")
def python_unsupported(
    python: facts.TargetPython,
    installs: Fact[facts.Installs],
    imports: Fact[facts.Imports],
    nvml: Fact[facts.Nvml],
    gpus: Fact[facts.Gpus],
    cuda: Fact[facts.CudaDriver],
    driver: Fact[facts.KernelDriver],
    wsl: Fact[facts.Wsl],
    onnxruntime: Fact[facts.OnnxRuntime],
    torch_tensorrt: Fact[facts.TorchTensorRT],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """TensorRT has no bindings for the Python that is looked at.

    ## What it checks
    The version and build of the interpreter against the wheels that exist for the TensorRT installed in
    it, or, where none is installed, against the wheels of all releases. An import that works settles it.

    ## Why it matters
    The bindings are one compiled module for each Python version. Another version ends in
    `ModuleNotFoundError`, or pip finds no matching distribution. The wheels' tags let pip install them
    into a free-threaded Python, whose binary interface they are not built for.

    ## How to fix it
    Make a virtual environment with a Python that this release has bindings for, or install a release that
    has bindings for this Python.

    ## Known limits
    A Python that is newer than the table is unknown, not unsupported.

    ## References
    - TensorRT documentation, "Prerequisites":
      https://docs.nvidia.com/deeplearning/tensorrt/latest/installing-tensorrt/prerequisites.html
    """
    if installs.unseen:
        yield Unknown(reason=f"could not look for a TensorRT: {installs.reason}")
        return
    if installs.status is FactStatus.NOT_RUN:
        raise NotApplicable("nobody looked for a TensorRT")
    found = installs.value.installs if installs.value else ()
    if not found:
        # Another Python is to be chosen, so this one's version decides nothing.
        anywhere = situation(
            gpus=gpus,
            cuda=cuda,
            driver=driver,
            nvml=nvml,
            wsl=wsl,
            python=Fact(status=FactStatus.NOT_RUN),
            onnxruntime=onnxruntime,
            torch_tensorrt=torch_tensorrt,
            kb=kb,
        )
        yield from _wanted(python, anywhere, kb)
        return
    bindings = [install for install in found if install.kind == "pip"]
    if not bindings:
        raise NotApplicable("no TensorRT is installed in this Python")
    for install in bindings:
        if imports.value and imports.value.working(install.product):
            yield Note(text=f"{install.product} imports into Python {python.version}")
            continue
        if odd := _odd_build(python):
            yield _finding(
                python,
                install.product,
                odd,
                Confidence.LIKELY,
                "Python documentation",
                _same(install),
            )
            continue
        if python.prefix == "/usr" and _OF_THE_DISTRIBUTION.match(install.location):
            yield Note(
                text=f"{install.product} is a package of the system, for the system's Python"
            )
            continue
        try:
            window = kb.python_support(install.product, install.version or "")
        except KnowledgeEnds as end:
            yield Unknown(subject=install.product, reason=str(end))
            continue
        numbers = (versions.numbers(python.version) or ())[:2]
        first, last = versions.numbers(window.minimum) or (), versions.numbers(window.maximum) or ()
        if first <= numbers <= last:
            yield Note(
                text=f"{install.product} {install.version} has bindings for {python.version}"
            )
            continue
        wrong = f"{install.product} {install.version} has bindings for Python {window.minimum} to "
        wrong += f"{window.maximum}, not for {python.version}"
        yield _finding(
            python,
            install.product,
            wrong,
            window.certainty,
            window.source,
            _same(install),
            window.maximum,
        )


def _odd_build(python: facts.TargetPython) -> str | None:
    if python.free_threaded:
        return f"the bindings are not built for free-threaded Pythons as this {python.version}"
    if python.implementation.lower() != "cpython":
        return f"the bindings are built for CPython, not for {python.implementation}"
    return None


def _same(install: facts.Install) -> str:
    """The release that is installed, as pip takes it."""
    return f"{install.product}=={install.version}" if install.version else install.product


def _wanted(python: facts.TargetPython, where: Situation, kb: Knowledge) -> Iterator[Yielded]:
    """Whether any release could be installed here."""
    if odd := _odd_build(python):
        found = installable(where, kb)
        window = kb.python_support("tensorrt", found.version) if found else None
        yield _finding(
            python,
            "tensorrt",
            odd,
            Confidence.LIKELY,
            "Python documentation",
            found.requirement if found else None,
            window.maximum if window else "3",
        )
        return
    maxima = [
        versions.numbers(row["maximum"]) or ()
        for row in kb.rows("python_support")
        if row["product"] == "tensorrt"
    ]
    newest = max(maxima)
    if (versions.numbers(python.version) or ())[:2] > newest:
        known = ".".join(map(str, newest))
        yield Unknown(
            reason=f"Python {python.version}: table python_support ends at Python {known}"
        )
    else:
        yield Note(text=f"there are releases with bindings for Python {python.version}")


def _finding(
    python: facts.TargetPython,
    product: str,
    wrong: str,
    confidence: Confidence,
    source: str,
    requirement: str | None,
    suited: str = "3",
) -> Finding:
    install = f"venv/bin/python -m pip install {shlex.quote(requirement or '')}"
    return Finding(
        message=wrong[0].upper() + wrong[1:] + "." if wrong.startswith("the ") else wrong + ".",
        subject=product,
        confidence=confidence,
        evidence=(
            Evidence(source=python.executable, value=f"{python.implementation} {python.version}"),
        ),
        remedy=Remedy(
            text="Use a CPython that this release has bindings for, or another release.",
            commands=to_run(f"python{suited} -m venv venv", *((install,) if requirement else ())),
        ),
        references=(source,),
    )
