"""How it is written down: everything a run shows in TensorBoard."""
