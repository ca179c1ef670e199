"""What a layer computes in, and why."""
