"""The TensorRT installs, what importing them does, and who decides precision."""
