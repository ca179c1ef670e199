"""Turns bytes that the user gave into facts. Touches no machine, judges nothing, survives any bytes."""
