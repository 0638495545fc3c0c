"""Experiments as JSON files, runs as directories TensorBoard can open, answers from both."""

__version__ = "0.1.0"
