"""One engine's evidence put together and explained; never asks a machine and never prints."""
