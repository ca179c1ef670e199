"""Turns bytes that the user gave into facts: touches no machine, judges nothing, takes anything."""
