"""Reads Parameter Store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambda_adapter.aws import Client, Service
from lambda_adapter.errors import ServiceError

if TYPE_CHECKING:
    from lambda_adapter.aws import AwsSettings

_SERVICE = Service("Parameter Store", "ssm", "ssm", "AmazonSSM", "application/x-amz-json-1.1")


@dataclass(frozen=True)
class Parameter:
    """One parameter, its name without the prefix."""

    name: str
    value: str
    secret: bool = False


class ParameterStore:
    """Reads the parameters right below one path, and no others."""

    def __init__(self, prefix: str, aws: AwsSettings, timeout: float) -> None:
        self._prefix = f"{prefix}/"
        self._client = Client(_SERVICE, aws, timeout)

    def read(self) -> tuple[Parameter, ...]:
        """Read all pages; whatever the service answers, only names below the prefix count.

        https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html

        Raises:
            ServiceError: the service does not answer, or not with parameters.
        """
        operation = "GetParametersByPath"
        body = {"Path": self._prefix[:-1], "Recursive": False, "MaxResults": 10}
        found: list[Parameter] = []
        for page in self._client.pages(operation, body):
            if not isinstance(page.get("Parameters"), list):
                raise ServiceError(
                    f"Parameter Store answered {operation} with something else; check its endpoint"
                )
            for entry in page["Parameters"]:
                match entry:
                    case {"Name": str(name), "Value": str(value)} if name.startswith(self._prefix):
                        secret = entry.get("Type") == "SecureString"
                        found.append(Parameter(name.removeprefix(self._prefix), value, secret))
        return tuple(found)
