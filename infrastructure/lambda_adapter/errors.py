"""What can go wrong here. Messages say what was wrong, then what to do about it."""

from __future__ import annotations


class BackendError(Exception):
    """Base of everything this package raises on purpose."""


class ConfigurationError(BackendError):
    """An environment variable of the function makes no sense."""


class ServiceError(BackendError):
    """A service of AWS did not give an answer that can be used."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class RefusalError(BackendError):
    """What reached the function is not answered, and why. Nothing in it comes from the caller."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail


class AnswerTooLargeError(BackendError):
    """The application's answer does not fit into what Lambda hands back."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"the answer takes more than {limit} bytes; send it in pages, or from the site"
        )
