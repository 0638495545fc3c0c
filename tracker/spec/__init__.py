"""What is asked: an experiment as JSON, checked, and frozen before any other room sees it."""
