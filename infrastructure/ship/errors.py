"""The faults a command ends with: each one line of what was wrong and one of what to do."""

from __future__ import annotations


class ShipError(Exception):
    """ExpectedError, or failed before anything changed: exit status 1."""

    status = 1

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(ShipError):
    """The command was called in a way it does not know: exit status 2."""

    status = 2


class RolledBackError(ShipError):
    """Failed after users could have seen it, and the earlier release is back: exit status 3."""

    status = 3


class CheckFailedError(Exception):
    """A check of a release found something wrong; the engine decides what follows from it."""


class InconsistentStateError(ShipError):
    """Failed, and what was live before could not be put back: exit status 4; a repair is due."""

    status = 4


class DriftError(ShipError):
    """Nothing failed, but something is not as it was made: exit status 5."""

    status = 5
