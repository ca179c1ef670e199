"""Checks of the precision that engines were built with."""
