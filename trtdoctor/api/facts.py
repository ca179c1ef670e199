"""The facts a check may ask for, under the name that checks import them by."""

from trtdoctor.model.facts import *  # noqa: F403
from trtdoctor.model.facts import __all__ as __all__
