"""What is fast, and how it is known: each module is a program that prints a table."""
