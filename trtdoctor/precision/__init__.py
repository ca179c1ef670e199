"""What layers compute in and why not in FP16, from facts alone; never looks at a machine."""
