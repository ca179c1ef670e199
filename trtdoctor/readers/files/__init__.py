"""Random access to a file's bytes, and the recognition of what a file is when it is no plan."""
