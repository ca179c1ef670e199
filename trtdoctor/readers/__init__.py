"""Readers: bytes that the user gave become facts. They touch no machine and judge nothing."""
