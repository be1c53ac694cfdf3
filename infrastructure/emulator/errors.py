"""What can go wrong with the emulator, and what to do about it."""

from dataclasses import dataclass


class EmulatorError(Exception):
    """The emulator cannot be started, found, stopped or used as asked.

    Attributes:
        hint: what to do about it.
        status: the exit status of a command that ends with it.
    """

    status = 1

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Hints:
    """What to do about the common errors; a caller can name its own commands and settings."""

    port: str = "end that program, or choose another port"
    environment: str = "make a virtual environment that holds the pinned ministack and no more"
    running: str = "stop it first"
    root: str = "assume a role, or restore the root credentials"
