"""The Python interpreter that is looked at and what its packages do to TensorRT."""
