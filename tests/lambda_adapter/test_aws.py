from __future__ import annotations

import json
import socket
import ssl
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lambda_adapter.aws import Client, Parameter, ParameterStore, Service, tls
from lambda_adapter.config import Credentials, Settings
from lambda_adapter.errors import ServiceError
from tests.lambda_adapter.fakes import (
    PREFIX,
    ParameterStoreDouble,
    Scripted,
    running_parameter_store,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def double() -> Iterator[ParameterStoreDouble]:
    with running_parameter_store() as running:
        yield running


def settings_for(url: str) -> Settings:
    return Settings(
        parameter_prefix=PREFIX,
        ssm_endpoint=url,
        credentials=Credentials("AKIDEXAMPLE", "secret", "token"),
    )


def store_at(double: ParameterStoreDouble, timeout: float = 0.5) -> ParameterStore:
    return ParameterStore(settings_for(double.url), timeout=timeout)


def test_parameters_come_without_their_prefix(double: ParameterStoreDouble) -> None:
    double.set(title="Grüße", notice="-")

    assert store_at(double).read() == (
        Parameter("notice", "-", secret=False),
        Parameter("title", "Grüße", secret=False),
    )


def test_the_request_is_signed_and_asks_for_the_public_path_alone(
    double: ParameterStoreDouble,
) -> None:
    store_at(double).read()

    assert double.asked == [{"Path": PREFIX, "Recursive": False, "MaxResults": 10}]
    headers = double.headers[0]
    assert headers["host"] == double.url.removeprefix("http://")
    assert headers["x-amz-target"] == "AmazonSSM.GetParametersByPath"
    assert headers["content-type"] == "application/x-amz-json-1.1"
    assert headers["x-amz-security-token"] == "token"
    assert "/eu-central-1/ssm/aws4_request" in headers["authorization"]


def test_all_pages_are_read(double: ParameterStoreDouble) -> None:
    double.set(**{f"p{number:02}": str(number) for number in range(25)})

    assert [parameter.value for parameter in store_at(double).read()] == [
        str(number) for number in range(25)
    ]
    assert [asked.get("NextToken") for asked in double.asked] == [None, "10", "20"]


def test_more_pages_than_settings_can_be_are_not_read(double: ParameterStoreDouble) -> None:
    double.always = Scripted(body=b'{"Parameters": [], "NextToken": "again"}')

    with pytest.raises(ServiceError, match=r"more than 10 pages .* remove what does not"):
        store_at(double).read()
    assert len(double.asked) == 10


def test_an_answer_without_end_is_cut(double: ParameterStoreDouble) -> None:
    double.always = Scripted(body=b'{"Parameters": []' + b" " * 1_000_000 + b"}")

    with pytest.raises(ServiceError, match="something else"):
        store_at(double).read()


def test_what_lies_outside_the_prefix_is_dropped_whatever_the_service_says(
    double: ParameterStoreDouble,
) -> None:
    entries = [
        {"Name": "/serverless-flask/dev/private/secret_key", "Value": "canary", "Type": "String"},
        {"Name": f"{PREFIX}ly/title", "Value": "canary"},
        {"Name": f"{PREFIX}/title"},
        {"Name": None, "Value": "canary"},
        "canary",
        {"Name": f"{PREFIX}/title", "Value": "ours", "Type": "SecureString"},
    ]
    double.always = Scripted(body=json.dumps({"Parameters": entries}).encode())

    assert store_at(double).read() == (Parameter("title", "ours", secret=True),)


@pytest.mark.parametrize(
    "first",
    [
        Scripted(500, b"oops"),
        Scripted(503, b"{}"),
        Scripted(429, b"{}"),
        Scripted.fault("ThrottlingException"),
        Scripted(status=0),
    ],
    ids=["500", "503", "429", "throttled", "cut"],
)
def test_what_passes_is_tried_once_more(double: ParameterStoreDouble, first: Scripted) -> None:
    double.set(title="ours")
    double.script = [first]

    assert store_at(double).read() == (Parameter("title", "ours", secret=False),)
    assert len(double.asked) == 2


def test_nothing_is_tried_a_third_time(double: ParameterStoreDouble) -> None:
    double.always = Scripted.fault("ThrottlingException")

    with pytest.raises(ServiceError, match="400 ThrottlingException; it is asked again"):
        store_at(double).read()
    assert len(double.asked) == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            Scripted.fault("AccessDeniedException"),
            "400 AccessDeniedException; check that the function's role may call ssm:GetParameters",
        ),
        (Scripted(200, b"<html>"), "answered GetParametersByPath with something else; check its"),
        (Scripted(200, b"[]"), "something else"),
        (Scripted(200, b'{"Parameters": {}}'), "something else"),
        (Scripted(200, b"\xff"), "something else"),
        (Scripted(200, b"[" * 100_000), "something else"),
        (Scripted(403, b""), "403 without an error type"),
        (Scripted(400, b'{"__type": "secret words"}'), "400 without an error type"),
        (Scripted(400, b'{"__type": ["secret words"]}'), "400 without an error type"),
    ],
    ids=[
        "denied",
        "page of HTML",
        "list",
        "no list",
        "no text",
        "too deep",
        "nothing",
        "odd type",
        "no type",
    ],
)
def test_what_stays_is_not_tried_again_and_says_what_to_check(
    double: ParameterStoreDouble, answer: Scripted, words: str
) -> None:
    double.always = answer

    with pytest.raises(ServiceError, match=words) as caught:
        store_at(double).read()
    assert len(double.asked) == 1
    assert "secret words" not in str(caught.value)


def test_a_slow_service_costs_two_timeouts_at_most(double: ParameterStoreDouble) -> None:
    double.always = Scripted(delay=0.6)
    started = time.monotonic()

    with pytest.raises(ServiceError, match="did not answer"):
        store_at(double, timeout=0.1).read()
    assert time.monotonic() - started < 0.55


def test_an_address_where_nobody_listens_is_a_fault_of_the_service() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        store = ParameterStore(settings_for(f"http://127.0.0.1:{free.getsockname()[1]}"))
        with pytest.raises(ServiceError, match="check the function's network"):
            store.read()


def test_a_process_without_a_role_says_so(double: ParameterStoreDouble) -> None:
    store = ParameterStore(replace(settings_for(double.url), credentials=None))

    with pytest.raises(ServiceError, match=r"no credentials .* run as the function's role"):
        store.read()
    assert double.asked == []


def test_https_is_spoken_and_certificates_are_checked(double: ParameterStoreDouble) -> None:
    store = ParameterStore(settings_for(double.url.replace("http:", "https:")), timeout=0.5)

    with pytest.raises(ServiceError, match="did not answer"):
        store.read()
    assert tls().verify_mode == ssl.CERT_REQUIRED
    assert tls().check_hostname
    assert tls() is tls()


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("https://ssm.eu-central-1.amazonaws.com", "ssm.eu-central-1.amazonaws.com"),
        ("http://127.0.0.1:4566", "127.0.0.1:4566"),
    ],
)
def test_the_signed_host_names_a_port_only_where_it_is_unusual(endpoint: str, host: str) -> None:
    client = Client(Service("", "", "", "", ""), endpoint, settings_for(endpoint))
    connection = client._connect()

    _, headers = client._request(connection.host, connection.port, "Read", {})

    assert headers["host"] == host
