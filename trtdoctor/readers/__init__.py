"""Readers turn bytes that the user gave into facts: bounded in time and memory, and touching no machine."""
