"""What the banner of a build alone proves, for logs that are not verbose."""

from __future__ import annotations

from trtdoctor.model.report import Confidence
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
