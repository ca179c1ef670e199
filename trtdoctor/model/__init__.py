"""The report document and the facts in it: frozen, typed, JSON in and out. Knows nothing of machines."""
