"""What the banner of a build alone proves, for logs that are not verbose."""

from __future__ import annotations

import re

from trtdoctor.model.report import Confidence, Evidence
from trtdoctor.model.typing import Typing
from trtdoctor.readers.buildlog import Build

from .witness import Cause, Reason, Witness


def not_enabled_by_banner(build: Build, witness: Witness, typing: Typing) -> Reason | None:
    """``Precision: FP32`` and no more: nothing but FP32 was allowed in the whole build.

    Args:
        build: the build.
        witness: makes the evidence.
        typing: who decided precision in that build, by `typing_of_build`.
    """
    banner = build.setting("Precision")
    if typing is not Typing.WEAK or banner is None or banner.value.strip() != "FP32":
        return None
    return Reason(
        cause=Cause.NOT_ENABLED,
        confidence=Confidence.CERTAIN,
        evidence=(witness.at(banner.line, f"Precision: {banner.value}"),),
    )


# A limit of less is none that anybody asks for: the shortest unit that a person means is a MiB.
_LEAST_MIB = 1.0
_WORKSPACE = re.compile(r"\bworkspace: ([0-9.eE+-]{1,24}) MiB")
_ASKED = re.compile(r"--memPoolSize=(?:\S*,)?workspace:([0-9.]{1,24})([A-Za-z]+)")


def mistaken_workspace(build: Build, witness: Witness) -> Evidence | None:
    """A workspace of less than 1 MiB that the command wrote with a unit trtexec reads as another.

    As ``--memPoolSize=workspace:1024MiB``, which trtexec of 10.16 takes for 1024 bytes.
    """
    banner, command = build.setting("Memory Pools"), build.setting("command")
    limit = _WORKSPACE.search(banner.value) if banner else None
    asked = _ASKED.search(command.value) if command else None
    if banner is None or limit is None or asked is None:
        return None
    try:
        if float(limit.group(1)) >= _LEAST_MIB:
            return None
    except ValueError:
        return None
    number, unit = asked.groups()
    return witness.at(
        banner.line,
        f"the workspace was {limit.group(1)} MiB, because trtexec does not read "
        f"workspace:{number}{unit} as it is meant; it counts MiB: a number without a unit",
    )
