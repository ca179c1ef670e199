"""trtdoctor's own checks: here in a wheel, in the repository's ``checks/`` in a checkout."""

from pathlib import Path

_checkout = Path(__file__).resolve().parents[2] / "checks"
if _checkout.is_dir() and (_checkout.parent / "pyproject.toml").is_file():
    __path__.append(str(_checkout))
