"""What the processes of `test_workers` are given to do: they import it by its name."""

import os


def square(number: int) -> int:
    return number * number


def pid(_: int) -> int:
    return os.getpid()


def fail(number: int) -> bytes:
    if number == 3:
        raise ValueError("a bug")
    return b"x" * number


def reverse(text: str) -> str:
    return text[::-1]
