"""The frameworks that bring or expect a TensorRT of their own."""
