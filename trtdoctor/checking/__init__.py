"""What a check is, how it is found, and how it is judged; never looks at a machine."""
