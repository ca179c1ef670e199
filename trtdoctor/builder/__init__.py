"""Building engines and measuring them, with the TensorRT of another interpreter, in children."""
