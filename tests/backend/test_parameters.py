from typing import Any

import pytest
from werkzeug import Response

from app.parameters import Parameter, ParameterStore
from lambda_adapter.aws import AwsSettings
from lambda_adapter.errors import ServiceError
from tests.backend.fakes import PREFIX, FakeAws


def read() -> tuple[Parameter, ...]:
    return ParameterStore(PREFIX, AwsSettings.from_environment(), 0.5).read()


def test_parameters_come_without_their_prefix(aws: FakeAws) -> None:
    aws.set(title="Grüße", notice="-")

    assert read() == (Parameter("notice", "-"), Parameter("title", "Grüße"))


def test_the_public_path_alone_is_asked_for(aws: FakeAws) -> None:
    read()

    body = {"Path": PREFIX, "Recursive": False, "MaxResults": 10}
    assert aws.requests == [("GetParametersByPath", body)]
    ((headers, _),) = aws.raw
    assert headers["x-amz-target"] == "AmazonSSM.GetParametersByPath"
    assert headers["content-type"] == "application/x-amz-json-1.1"
    assert "/eu-central-1/ssm/aws4_request" in headers["authorization"]


def test_all_pages_are_read(aws: FakeAws) -> None:
    aws.page = 2
    aws.set(**{f"p{number}": str(number) for number in range(5)})

    assert [parameter.value for parameter in read()] == ["0", "1", "2", "3", "4"]


def test_what_lies_outside_the_prefix_is_dropped_whatever_the_service_says(aws: FakeAws) -> None:
    entries: list[dict[str, Any]] = [
        {"Name": "/serverless-flask/dev/private/secret_key", "Value": "canary", "Type": "String"},
        {"Name": f"{PREFIX}ly/title", "Value": "canary"},
        {"Name": f"{PREFIX}/title"},
        {"Name": None, "Value": "canary"},
        {"Name": f"{PREFIX}/title", "Value": "ours", "Type": "SecureString"},
    ]
    aws.parameters = {f"{PREFIX}/{number}": entry for number, entry in enumerate(entries)}

    assert read() == (Parameter("title", "ours", secret=True),)


@pytest.mark.parametrize("body", ["<html>", "{}", '{"Parameters": {}}'])
def test_parameters_that_are_none_are_refused(aws: FakeAws, body: str) -> None:
    aws.instead["GetParametersByPath"] = lambda: Response(body)

    with pytest.raises(ServiceError, match="answered GetParametersByPath with something else"):
        read()
