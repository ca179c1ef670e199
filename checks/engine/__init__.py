"""Checks of engine files."""
