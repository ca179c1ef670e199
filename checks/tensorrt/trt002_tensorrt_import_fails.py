"""TRT002: importing an installed TensorRT fails."""

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
    NotApplicable,
    Note,
    Remedy,
    Severity,
    Yielded,
    check,
    facts,
    to_run,
)

# What the driver, or on a Jetson Jetson Linux, brings; without a GPU passed in a container lacks them.
_OF_THE_DRIVER = ("libcuda.so", "libnvidia-", "libnvdla", "libcudla.so", "libnvrm", "libnvos.")
_MISSING = re.compile(r"(?P<library>lib[\w.+-]+\.so[\d.]*): cannot open shared object file")


@check(
    id="TRT002",
    name="tensorrt-import-fails",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=(
        "tensorrt-missing",
        "tensorrt-half-installed",
        "python-unsupported",
        "jetson-pip-tensorrt",
        "jetson-image-for-another-release",
    ),
)
def tensorrt_import_fails(
    imports: facts.Imports,
    installs: Fact[facts.Installs],
    python: Fact[facts.TargetPython],
    cuda: Fact[facts.CudaDriver],
    kb: Knowledge,
) -> Iterator[Yielded]:
    """An installed TensorRT cannot be imported.

    ## What it checks
    `import tensorrt`, `tensorrt_lean`, `tensorrt_dispatch` and `tensorrt_rtx`, as far as the Python that
    is looked at can find them, each in a process of its own: whether it returned, raised, called
    `sys.exit`, died of a signal or did not come back, and whether what it returned is a TensorRT at all.

    ## Why it matters
    Nothing in Python can use this TensorRT, and what depends on it fails with messages about something
    else.

    ## How to fix it
    By the message: a library that is not found needs its folder on the loader's path or its package; an
    undefined symbol or a signal means that parts of different versions meet; an executable stack that is
    refused needs another release.

    ## Known limits
    A slow disk can look like a hang: an import that did not return in time is `likely`, not `certain`.

    ## References
    - TensorRT documentation, "Installing TensorRT":
      https://docs.nvidia.com/deeplearning/tensorrt/latest/installing-tensorrt/installing.html
    """
    failed: dict[str, facts.ModuleImport] = {}
    for module in imports.modules:
        if module.genuine:
            yield Note(text=f"{module.module} {module.version or ''}".rstrip() + " imports")
        elif imports.working(module.product) is None:
            # Of a product's modules the one that users import speaks for all.
            known = failed.get(module.product)
            if known is None or known.module.endswith("_bindings"):
                failed[module.product] = module
    for module in failed.values():
        lacks = _MISSING.search(module.attempt.detail or "")
        if (
            lacks
            and lacks.group("library").startswith(_OF_THE_DRIVER)
            and cuda.status is FactStatus.ABSENT
        ):
            # Whoever brings the driver brings this; its own checks tell who that is here.
            raise NotApplicable(
                f"{module.module} lacks {lacks.group('library')} of the driver, which is missing as a whole"
            )
        yield _finding(module, installs.value, python.value, kb)


def _finding(
    module: facts.ModuleImport,
    installs: facts.Installs | None,
    python: facts.TargetPython | None,
    kb: Knowledge,
) -> Finding:
    attempt = module.attempt
    said = "\n".join(text for text in (attempt.detail, attempt.output) if text)
    errors = (m for m in kb.log_messages(said) if m.message.severity is Severity.ERROR)
    known = sorted(errors, key=lambda m: m.message.follower)
    interpreter = shlex.quote(python.executable) if python else "python3"
    how = {
        facts.Ending.EXCEPTION: f"raises {attempt.detail or 'an exception'}",
        facts.Ending.EXIT: f"ends the interpreter: {attempt.detail or 'exit'}",
        facts.Ending.SIGNAL: f"kills the interpreter: {attempt.detail or 'a signal'}",
        facts.Ending.DEADLINE: f"did not come back: {attempt.detail or 'past its deadline'}",
        facts.Ending.RETURNED: f"gives {module.file or 'an empty folder'}, which is not TensorRT",
    }[attempt.ending]
    evidence = [
        Evidence(source=f"import {module.module}", value=attempt.detail or attempt.ending.value)
    ]
    if attempt.output and attempt.output.strip():
        evidence.append(Evidence(source="its output, the end", value=attempt.output.strip()[-600:]))
    evidence += [
        Evidence(source="/proc/self/maps", value=library.path) for library in module.libraries[:6]
    ]
    missing = _MISSING.search(said)
    folder = _folder(missing.group("library"), installs) if missing else None
    if missing and folder:
        remedy = Remedy(
            text=f"{missing.group('library')} lies in {folder}, where the loader does not look.",
            commands=to_run(
                f"export LD_LIBRARY_PATH={shlex.quote(folder)}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}",
            ),
        )
    elif known:
        remedy = Remedy(
            text="; ".join(f"{m.message.meaning}: {m.message.next_step}" for m in known[:2]) + ".",
            commands=to_run(f"LD_DEBUG=libs {interpreter} -c 'import {module.module}'"),
        )
    elif module.returned:
        remedy = Remedy(
            text="A file or folder of that name hides TensorRT, or is what an uninstall left. Remove it.",
            commands=to_run(f"{interpreter} -c 'import {module.module} as m; print(m.__path__)'"),
        )
    elif missing and missing.group("library").startswith(_OF_THE_DRIVER):
        remedy = Remedy(
            text=f"{missing.group('library')} comes with the NVIDIA driver, in a container from the host "
            "and on a Jetson with Jetson Linux: TensorRT's packages do not have it.",
            commands=to_run(f"ldconfig -p | grep {missing.group('library').partition('.so')[0]}"),
        )
    elif missing:
        remedy = Remedy(
            text=f"The loader does not find {missing.group('library')}. Which package would bring it here "
            "is not known; the library that needs it is in the loader's output.",
            commands=to_run(f"LD_DEBUG=libs {interpreter} -c 'import {module.module}'"),
        )
    else:
        remedy = Remedy(
            text="What causes this is not known here. See what the loader and Python do last.",
            commands=to_run(
                f"LD_DEBUG=libs {interpreter} -X faulthandler -c 'import {module.module}'"
            ),
        )
    unsure = attempt.ending is facts.Ending.DEADLINE or module.returned
    return Finding(
        message=f"import {module.module} {how}.".replace("..", "."),
        subject=module.module,
        confidence=Confidence.LIKELY if unsure else Confidence.CERTAIN,
        evidence=tuple(evidence),
        remedy=remedy,
        references=tuple(dict.fromkeys(m.message.source for m in known[:2])),
    )


def _folder(library: str, installs: facts.Installs | None) -> str | None:
    """Where a library of that name lies among the installs found."""
    for install in installs.installs if installs else ():
        for path in install.libraries:
            folder, _, name = path.rpartition("/")
            if name == library or name.startswith(library + "."):
                return folder
    return None
