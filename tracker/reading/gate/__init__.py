"""The regression gate: a short run written down, and later runs held to it."""
