"""trtdoctor: diagnostics for NVIDIA TensorRT.

The functions of :mod:`trtdoctor.run` are here too: ``trtdoctor.check()``, ``trtdoctor.inspect(...)``,
``trtdoctor.explain(...)``. They are imported at their first use, so that importing trtdoctor costs
nothing.
"""

# Nothing is imported here that Python has not imported itself: until __main__ has taken the working
# directory off the path, even __future__ may be somebody else's.
from .version import __version__

# Importing typing would take longer than the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from .run import (
        Decoded,
        Fleet,
        InputError,
        Looking,
        Report,
        TrtdoctorError,
        UsageError,
        audit,
        build,
        check,
        compare,
        decode,
        explain,
        extract,
        fleet,
        inspect,
        load,
        plan,
        rejudge,
    )


__all__ = [
    "Decoded",
    "Fleet",
    "InputError",
    "Looking",
    "Report",
    "TrtdoctorError",
    "UsageError",
    "__version__",
    "audit",
    "build",
    "check",
    "compare",
    "decode",
    "explain",
    "extract",
    "fleet",
    "inspect",
    "load",
    "plan",
    "rejudge",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        from . import run

        return getattr(run, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
