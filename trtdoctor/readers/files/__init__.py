"""Reads at any place of a file and recognises what a file is, never unpickling or running any."""
