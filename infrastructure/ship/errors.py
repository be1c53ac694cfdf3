"""The errors a command ends with: each says what is wrong, and its hint what to do."""


class ShipError(Exception):
    """Refused, or failed before anything changed: exit status 1."""

    status = 1

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(ShipError):
    """The command was called in a way it does not know: exit status 2."""

    status = 2


class RolledBackError(ShipError):
    """Failed after users could have seen it; the earlier release is live again: exit status 3."""

    status = 3


class CheckFailedError(Exception):
    """A check of a release failed; what follows is decided by the caller."""


class InconsistentStateError(ShipError):
    """Failed, and could not be reverted: exit status 4; `ship repair` is due."""

    status = 4


class DriftError(ShipError):
    """Something differs from what Terraform and `ship` made: exit status 5."""

    status = 5


class InterruptedCommandError(ShipError):
    """A person has stopped waiting for what goes on: exit status 130."""

    status = 130
