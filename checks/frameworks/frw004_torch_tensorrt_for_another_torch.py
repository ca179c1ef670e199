"""FRW004: Torch-TensorRT was built for another release of PyTorch than the one installed."""

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

_REQUIREMENT = re.compile(r"torch\s*\(?(?P<range>[<>=!~][^;)]*)\)?\s*(?:;.*)?")
# From here on a release is made for the release of PyTorch of the same number.
_IN_STEP_SINCE = (2, 1)


@check(
    id="FRW004",
    name="torch-tensorrt-for-another-torch",
    severity=Severity.ERROR,
    since="0.1.0",
    explained_by=("tensorrt-half-installed",),
)
def torch_tensorrt_for_another_torch(
    torch_tensorrt: facts.TorchTensorRT, python: Fact[facts.TargetPython]
) -> Iterator[Yielded]:
    """Torch-TensorRT is installed for another release of PyTorch.

    ## What it checks
    The installed `torch` against the range that Torch-TensorRT's own metadata asks for; where the metadata
    names none, against the release of the same number.

    ## Why it matters
    Torch-TensorRT is a compiled extension of one minor release of PyTorch. Beside another one
    `import torch_tensorrt` ends in `undefined symbol`, or in a crash at the first compilation.

    ## How to fix it
    Install the two together, in one command, so that pip chooses releases that fit.

    ## Known limits
    Builds of NVIDIA's containers, whose PyTorch is a snapshot before a release, are compared by their
    minor release alone.

    ## References
    - Torch-TensorRT documentation, "Installation":
      https://docs.pytorch.org/TensorRT/getting_started/installation.html
    """
    name, have = f"torch-tensorrt {torch_tensorrt.version}", torch_tensorrt.torch_version
    if have is None:
        yield Unknown(subject=name, reason="no torch is installed beside it that could be compared")
        return
    ours, theirs = versions.numbers(torch_tensorrt.version), versions.numbers(have)
    if ours is None or theirs is None:
        yield Unknown(subject=name, reason=f"torch {have} is not a version that can be compared")
        return
    asked = [m for text in torch_tensorrt.requires if (m := _REQUIREMENT.fullmatch(text.strip()))]
    wanted = asked[0].group("range").strip() if asked else None
    fits = versions.satisfies(have, wanted) if wanted else None
    if fits or ours[:2] == theirs[:2]:
        yield Note(text=f"{name} and torch {have} belong together")
        return
    if fits is None and ours[:2] < _IN_STEP_SINCE:
        yield Unknown(
            subject=name, reason=f"which torch it was built for is not known; here is {have}"
        )
        return
    minor = ".".join(map(str, ours[:2]))
    interpreter = shlex.quote(python.value.executable) if python.value else "python3"
    together = f"'torch=={minor}.*' and torch-tensorrt=={torch_tensorrt.version}"
    yield Finding(
        message=f"{name} is built for torch {minor}, and torch {have} is installed.",
        subject=name,
        confidence=Confidence.CERTAIN if fits is False else Confidence.LIKELY,
        evidence=(
            Evidence(
                source=f"Requires-Dist of {name}" if wanted else "releases of the two go in step",
                value=f"torch{wanted}" if wanted else f"torch {minor}",
            ),
            Evidence(source="pip metadata", value=f"torch {have}"),
        ),
        remedy=Remedy(
            text=f"Install the Torch-TensorRT of torch {have}, naming both, so that torch stays as it is. "
            f"Where {name} has to stay, install {together} together instead.",
            commands=to_run(
                f"{interpreter} -m pip install torch=={have.partition('+')[0]} torch-tensorrt",
            ),
        ),
    )
