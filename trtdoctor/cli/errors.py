"""Errors a user can cause."""

from __future__ import annotations


class UserError(Exception):
    """Wrong usage or unreadable input: one sentence saying what, which file, what to do. Exit 2."""
