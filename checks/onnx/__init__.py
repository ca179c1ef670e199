"""Checks of ONNX models, before any build."""
