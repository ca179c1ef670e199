"""Turn the bytes that a user gave into facts; no machine is touched."""
