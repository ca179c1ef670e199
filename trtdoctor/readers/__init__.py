"""Readers turn bytes that the user gave into facts, within bounds, and touch no machine."""
