"""A check-up: what is wrong with this machine, these runs, or one of them, and what to do."""
