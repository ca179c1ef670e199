"""TRT012: the working directory has a file or package with the name of TensorRT's module."""

from __future__ import annotations

from collections.abc import Iterator

from trtdoctor.api import (
    Confidence,
    Evidence,
    Finding,
    Note,
    Remedy,
    Severity,
    Yielded,
    check,
    facts,
)


@check(
    id="TRT012",
    name="tensorrt-module-in-working-directory",
    severity=Severity.INFO,
    since="0.1.0",
    explained_by=("tensorrt-module-shadowed",),
)
def tensorrt_module_in_working_directory(own: facts.WorkingDirectory) -> Iterator[Yielded]:
    """The working directory has a file or package named tensorrt, which scripts there import.

    ## What it checks
    Whether the folder that trtdoctor was started in has a `tensorrt.py`, or a package `tensorrt` that is no
    TensorRT; likewise for its relatives. It is told by files alone and never imported.

    ## Why it matters
    Python puts the folder of the script that it runs, with `-m` and `-c` the working directory, before
    all packages. `import tensorrt` there gives this file: `module 'tensorrt' has no attribute 'Logger'`.

    ## How to fix it
    Rename it, and remove what Python compiled of it.

    ## Known limits
    Only the working directory is looked at, not the folders of other scripts; programs that are started
    from elsewhere do not find it, hence `likely`.

    ## References
    - Python documentation, "The Module Search Path":
      https://docs.python.org/3/tutorial/modules.html#the-module-search-path
    - https://github.com/ultralytics/ultralytics/issues/19648
    """
    for module, path in own.shadows.items():
        yield Finding(
            message=f"A script started here imports {path} in the place of TensorRT's {module}.",
            subject=module,
            confidence=Confidence.LIKELY,
            evidence=(Evidence(source="working directory", value=path),),
            remedy=Remedy(text="Rename it and remove what Python compiled of it."),
            references=("https://github.com/ultralytics/ultralytics/issues/19648",),
        )
    if not own.shadows:
        yield Note(text="nothing there bears the name")
