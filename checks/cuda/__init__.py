"""Checks of the CUDA driver API."""
