"""What the banner of a build alone proves, for logs that are not verbose."""

from __future__ import annotations

from trtdoctor.model.report import Confidence
from trtdoctor.readers.buildlog import Build

from .witness import Cause, Reason, Witness

# Strongly typed builds announce that instead of a list of precisions; from 11 on all are.
_WEAK_MAJORS = range(8, 11)


def not_enabled_by_banner(build: Build, witness: Witness) -> Reason | None:
    """``Precision: FP32`` and no more: nothing but FP32 was allowed in the whole build."""
    banner = build.setting("Precision")
    major = (build.version or "").partition(".")[0]
    if banner is None or not major.isdigit() or int(major) not in _WEAK_MAJORS:
        return None
    if banner.value.strip() != "FP32":
        return None
    return Reason(
        cause=Cause.NOT_ENABLED,
        confidence=Confidence.CERTAIN,
        evidence=(witness.at(banner.line, f"Precision: {banner.value}"),),
    )
