"""Checks of builds, as their logs tell of them."""
