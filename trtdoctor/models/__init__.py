"""One ONNX model read, judged by its numbers and converted; never asks a machine and never prints."""
