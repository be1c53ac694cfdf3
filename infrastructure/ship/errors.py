"""The faults a command ends with: each one line of what was wrong and one of what to do."""

from __future__ import annotations


class Fault(Exception):
    """Refused, or failed before anything changed: exit status 1."""

    status = 1

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class UsageFault(Fault):
    """The command was called in a way it does not know: exit status 2."""

    status = 2


class PutBackFault(Fault):
    """Failed after users could have seen it, and the earlier release is back: exit status 3."""

    status = 3


class CheckFault(Exception):
    """A check of a release found something wrong; the engine decides what follows from it."""


class LeftBehindFault(Fault):
    """Failed, and what was live before could not be put back: exit status 4; a repair is due."""

    status = 4


class DriftFault(Fault):
    """Nothing failed, but something is not as it was made: exit status 5."""

    status = 5
