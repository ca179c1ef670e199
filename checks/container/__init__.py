"""Checks of containers."""
