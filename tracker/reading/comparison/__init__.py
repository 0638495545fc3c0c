"""The answer: groups of runs, means over seeds, tests, and what they come to in words."""
