"""The face: one door in front of `commands/`, and what the commands share to ask and to print."""
