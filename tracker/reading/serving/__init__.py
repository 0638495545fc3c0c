"""TensorBoard over some runs: started, found again, stopped, opened on the question."""
