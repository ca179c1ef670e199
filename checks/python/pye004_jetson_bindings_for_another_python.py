"""PYE004: on a Jetson, the Python looked at is not the one that JetPack's bindings are built for."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Evidence,
    Fact,
    FactStatus,
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


@check(
    id="PYE004",
    name="jetson-bindings-for-another-python",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=("jetson-pip-tensorrt",),
)
def jetson_bindings_for_another_python(
    jetson: facts.Jetson,
    python: facts.TargetPython,
    installs: facts.Installs,
    imports: Fact[facts.Imports],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """On a Jetson, TensorRT's bindings are for another Python than the one that is looked at.

    ## What it checks
    Whether the Python that is looked at finds no TensorRT module, while JetPack's TensorRT is on the
    machine and JetPack's bindings are built for another version of Python: that of the Ubuntu which Jetson
    Linux is made of.

    ## Why it matters
    The bindings are one compiled module for one version of Python. A Python of pyenv, conda or uv of
    another version cannot load them, with `--system-site-packages` or a link neither, and for the
    integrated GPUs up to Orin the package index has no bindings.

    ## How to fix it
    Make the environment with the system's own Python, so that it sees JetPack's bindings.

    ## Known limits
    NVIDIA's source release of the bindings can be built for another Python; that is not looked for.

    ## References
    - https://github.com/NVIDIA/TensorRT/issues/4176
    - TensorRT documentation, "Installing TensorRT":
      https://docs.nvidia.com/deeplearning/tensorrt/latest/installing-tensorrt/installing.html
    """
    system = [i for i in installs.installs if i.kind == "library" and i.product == "tensorrt"]
    if not system:
        raise NotApplicable("JetPack's TensorRT is not installed")
    if imports.status is FactStatus.OK:
        yield Note(text="a TensorRT module can be found")
        return
    if imports.status is not FactStatus.ABSENT:
        yield Unknown(reason=f"could not ask the Python: {imports.reason or imports.status.value}")
        return
    if jetson.l4t is None:
        yield Unknown(reason="which Jetson Linux this is, and so its Python, is not known")
        return
    built_for = kb.jetpack_python(jetson.l4t)
    here = (versions.numbers(python.version) or ())[:2]
    if here == versions.numbers(built_for.python):
        yield Note(text=f"the bindings are built for Python {built_for.python}, as this one is")
        return
    yield Finding(
        message=f"{python.executable} is Python {python.version}, and JetPack's bindings of TensorRT "
        f"{system[0].version or ''} are built for Python {built_for.python}.".replace("  ", " "),
        subject=python.prefix,
        evidence=(
            Evidence(source="Jetson Linux", value=f"{jetson.l4t}: Python {built_for.python}"),
            Evidence(source=python.executable, value=python.version),
            Evidence(source="modules of the interpreter", value=imports.reason or "none"),
        ),
        remedy=Remedy(
            text=f"Use the system's Python {built_for.python}: make an environment with it that sees "
            "the system's packages.",
            commands=to_run(
                "sudo apt install python3-libnvinfer python3-venv",
                "/usr/bin/python3 -m venv --system-site-packages venv",
                "trtdoctor check --python venv/bin/python",
            ),
        ),
        references=(built_for.source,),
    )
