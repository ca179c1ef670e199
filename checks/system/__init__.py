"""Checks of the operating system and what it lends."""
