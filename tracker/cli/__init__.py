"""The face: one small file per command, one door in front of them (`main`), one way to print."""
