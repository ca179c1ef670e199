"""The errors that whoever calls trtdoctor can put right.

Each message is one sentence: what is wrong, with which file or option, and what to do. On the
command line they end with exit code 2; everything else that is raised is a bug.
"""

from __future__ import annotations


class TrtdoctorError(Exception):
    """Wrong usage or unreadable input; never a bug of trtdoctor."""


class UsageError(TrtdoctorError):
    """What was asked for contradicts itself, or names something that does not exist."""


class InputError(TrtdoctorError):
    """A file that cannot be read or written, or that is something else than it should be."""
