"""The loader, its search path, and what the libraries need."""
