"""The version of trtdoctor, known to every room."""

__version__ = "0.1.0"
