"""What can go wrong here. A message says what is wrong, then what to do about it."""

from __future__ import annotations


class AdapterError(Exception):
    """Base of everything that this package raises on purpose."""


class ConfigurationError(AdapterError):
    """An environment variable of the function, or `release.json`, makes no sense."""


class ApplicationError(AdapterError):
    """The owner's application cannot be loaded."""


class ServiceError(AdapterError):
    """A service of AWS did not give an answer that can be used."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class UnknownEventError(AdapterError):
    """The event is neither an HTTP request nor the schedule's."""


class RequestError(AdapterError):
    """The event is an HTTP request that no application can be given; repeats nothing of it."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail


class ResponseError(AdapterError):
    """The application's response cannot be sent through API Gateway and Lambda."""
