"""The two loops that the stack is measured against; each file can be read by itself."""
