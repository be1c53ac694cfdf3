import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from lambda_adapter.aws import AwsSettings, Client, Credentials, Service
from lambda_adapter.errors import ConfigurationError, ServiceError
from tests.lambda_adapter.http_server import Answer, Received, serve

SSM = Service("Parameter Store", "ssm", "ssm", "AmazonSSM", "application/x-amz-json-1.1")
READ = "GetParametersByPath"
DONE = Answer(body=b'{"Parameters": []}')


def error(kind: str) -> Answer:
    body = {"__type": f"com.amazonaws.ssm#{kind}", "message": "secret words"}
    return Answer(400, json.dumps(body).encode())


@dataclass
class FakeSsm:
    """Gives its answers in turn, the last one again and again, each after `delay` seconds."""

    answers: list[Answer] = field(default_factory=lambda: [DONE])
    received: list[Received] = field(default_factory=list)
    delay: float = 0
    settings: AwsSettings = field(default_factory=AwsSettings)

    def respond(self, request: Received) -> Answer:
        self.received.append(request)
        time.sleep(self.delay)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def pages(self, timeout: float = 0.5) -> list[dict[str, object]]:
        return Client(SSM, self.settings, timeout).pages(READ, {"Path": "/x/public"})


def settings_for(url: str) -> AwsSettings:
    keys = Credentials("AKIDEXAMPLE", "secret", "token")
    return AwsSettings(credentials=keys, endpoints={"AWS_ENDPOINT_URL": url})


@pytest.fixture
def ssm() -> Iterator[FakeSsm]:
    fake = FakeSsm()
    with serve(fake.respond) as url:
        fake.settings = settings_for(url)
        yield fake


def test_a_call_is_signed_and_names_its_operation(ssm: FakeSsm) -> None:
    assert ssm.pages() == [{"Parameters": []}]

    (request,) = ssm.received
    assert (request.method, request.path) == ("POST", "/")
    assert json.loads(request.body) == {"Path": "/x/public"}
    url = ssm.settings.endpoints["AWS_ENDPOINT_URL"]
    assert request.headers["host"] == url.removeprefix("http://")
    assert request.headers["x-amz-target"] == "AmazonSSM.GetParametersByPath"
    assert request.headers["content-type"] == "application/x-amz-json-1.1"
    assert request.headers["x-amz-security-token"] == "token"
    assert "/eu-central-1/ssm/aws4_request" in request.headers["authorization"]


def test_all_pages_are_read(ssm: FakeSsm) -> None:
    ssm.answers = [Answer(body=b'{"n": 1, "NextToken": "b"}'), Answer(body=b'{"n": 2}')]

    assert [page["n"] for page in ssm.pages()] == [1, 2]
    asked = [json.loads(request.body) for request in ssm.received]
    assert asked == [{"Path": "/x/public"}, {"Path": "/x/public", "NextToken": "b"}]


def test_pages_without_end_are_not_read(ssm: FakeSsm) -> None:
    ssm.answers = [Answer(body=b'{"NextToken": "again"}')]

    with pytest.raises(ServiceError, match=r"more than 10 pages .* remove what does not"):
        ssm.pages()
    assert len(ssm.received) == 10


def test_an_answer_without_end_is_cut(ssm: FakeSsm) -> None:
    ssm.answers = [Answer(body=b'{"Parameters": []' + b" " * 1_000_000 + b"}")]

    with pytest.raises(ServiceError, match="something else"):
        ssm.pages()


@pytest.mark.parametrize(
    "first",
    [Answer(500, b"oops"), Answer(503), Answer(429), error("ThrottlingException"), Answer(0)],
    ids=["500", "503", "429", "throttled", "cut"],
)
def test_what_is_transient_is_asked_again(ssm: FakeSsm, first: Answer) -> None:
    ssm.answers = [first, DONE]

    assert ssm.pages() == [{"Parameters": []}]
    assert len(ssm.received) == 2


def test_nothing_is_asked_a_third_time(ssm: FakeSsm) -> None:
    ssm.answers = [error("ThrottlingException")]

    with pytest.raises(ServiceError, match="400 ThrottlingException; it is asked again") as caught:
        ssm.pages()
    assert caught.value.transient
    assert len(ssm.received) == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            error("AccessDeniedException"),
            "400 AccessDeniedException; check that the function's role may call ssm:GetParameters",
        ),
        (Answer(200, b"<html>"), "answered GetParametersByPath with something else; check its"),
        (Answer(200, b"[]"), "something else"),
        (Answer(200, b"\xff"), "something else"),
        (Answer(200, b"[" * 100_000), "something else"),
        (Answer(403, b""), "403 without an error type"),
        (Answer(400, b'{"__type": "secret words"}'), "400 without an error type"),
        (Answer(400, b'{"__type": ["secret words"]}'), "400 without an error type"),
    ],
    ids=["denied", "HTML", "list", "not text", "too deep", "nothing", "other type", "no type"],
)
def test_what_stays_is_not_asked_again_and_says_what_to_check(
    ssm: FakeSsm, answer: Answer, words: str
) -> None:
    ssm.answers = [answer]

    with pytest.raises(ServiceError, match=words) as caught:
        ssm.pages()
    assert len(ssm.received) == 1
    assert "secret words" not in str(caught.value)


def test_a_slow_service_costs_two_timeouts_at_most(ssm: FakeSsm) -> None:
    ssm.delay = 0.6
    started = time.monotonic()

    with pytest.raises(ServiceError, match="did not answer"):
        ssm.pages(timeout=0.1)
    assert time.monotonic() - started < 0.55


def test_a_service_that_is_not_there_is_a_service_error() -> None:
    with pytest.raises(ServiceError, match="check the function's network"):
        Client(SSM, settings_for("http://127.0.0.1:9")).pages(READ, {})


def test_a_process_without_a_role_says_so(ssm: FakeSsm) -> None:
    ssm.settings = ssm.settings._replace(credentials=None)

    with pytest.raises(ServiceError, match=r"no credentials .* run as the function's role"):
        ssm.pages()
    assert ssm.received == []


@pytest.mark.parametrize(
    ("environ", "endpoint"),
    [
        ({}, "https://ssm.eu-central-1.amazonaws.com"),
        ({"AWS_DEFAULT_REGION": "us-east-2"}, "https://ssm.us-east-2.amazonaws.com"),
        ({"AWS_REGION": "cn-north-1"}, "https://ssm.cn-north-1.amazonaws.com.cn"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566/"}, "http://127.0.0.1:4566"),
        ({"AWS_ENDPOINT_URL": ""}, "https://ssm.eu-central-1.amazonaws.com"),
        (
            {"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_SSM": "https://ssm.example"},
            "https://ssm.example",
        ),
    ],
)
def test_the_endpoint_follows_the_rule_of_the_sdks(environ: dict[str, str], endpoint: str) -> None:
    assert AwsSettings.from_environment(environ).endpoint(SSM) == endpoint


def test_a_service_s_host_and_its_variable_may_differ() -> None:
    cloudwatch = Service("CloudWatch", "monitoring", "cloudwatch", "", "")

    beijing = AwsSettings.from_environment({"AWS_REGION": "cn-north-1"})
    assert beijing.endpoint(cloudwatch) == "https://monitoring.cn-north-1.amazonaws.com.cn"
    given = {"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_CLOUDWATCH": "https://mine"}
    assert AwsSettings.from_environment(given).endpoint(cloudwatch) == "https://mine"
    assert AwsSettings.from_environment(given).endpoint(SSM) == "http://all"


def test_credentials_are_read_and_never_shown() -> None:
    settings = AwsSettings.from_environment(
        {
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "canary-secret",
            "AWS_SESSION_TOKEN": "canary-token",
        }
    )

    assert settings.credentials == Credentials("AKIDEXAMPLE", "canary-secret", "canary-token")
    assert "canary" not in repr(settings)


@pytest.mark.parametrize(
    "environ", [{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE"}, {"AWS_SECRET_ACCESS_KEY": "secret"}]
)
def test_half_a_key_is_none(environ: dict[str, str]) -> None:
    assert AwsSettings.from_environment(environ).credentials is None


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SSM"])
def test_an_endpoint_that_is_not_an_address_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is '127.*; set it to an http://"):
        AwsSettings.from_environment({name: "127.0.0.1:4566"})
