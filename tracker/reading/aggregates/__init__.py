"""Groups of runs as runs of their own, so that plain TensorBoard shows means and spreads."""
