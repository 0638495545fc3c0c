"""What comes after a run: its network on anybody's pictures, on other data, in other programs."""
