import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lambda_adapter.errors import ConfigurationError
from lambda_adapter.parameters import Reading, refusal
from tests.fixtures.events import http_api
from tests.lambda_adapter.http_server import Answer, Received, serve
from tests.lambda_adapter.in_memory import Log
from tests.lambda_adapter.test_handler import start

PATH = "/corner-shop/dev"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
RESERVED = [
    *(
        "ENVIRONMENT",
        "API_BEHIND_CLOUDFRONT",
        "LOGIN_PATHS",
        "LOG_LEVEL",
        "METRICS_NAMESPACE",
        "ORIGIN_VERIFY",
        "SETTINGS_PATH",
    ),
    *("SITE_URL", "AWS_REGION", "PATH"),
    *("AWS_LAMBDA_EXEC_WRAPPER", "_HANDLER", "PYTHONPATH", "LD_PRELOAD", "a-b", "a.b", "1A"),
]
DENIED = Answer(400, b'{"__type": "AccessDeniedException", "message": "canary"}')
THROTTLED = Answer(400, b'{"__type": "ThrottlingException"}')


def page(values: dict[str, str], token: str | None = None) -> Answer:
    found = [{"Name": f"{PATH}/{name}", "Value": value} for name, value in values.items()]
    return Answer(body=json.dumps({"Parameters": found, "NextToken": token}).encode())


@dataclass
class ParameterStore:
    """Gives its answers in turn, the last one again and again."""

    answers: list[Answer] = field(default_factory=lambda: [page({})])
    received: list[Received] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    def respond(self, request: Received) -> Answer:
        self.received.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def read(self, log: Log, **environ: str) -> dict[str, str]:
        Reading(PATH).apply(log, environ)
        return environ


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ParameterStore]:
    fake = ParameterStore()
    with serve(fake.respond) as url:
        fake.variables = KEYS | {"AWS_ENDPOINT_URL": url}
        for name, value in fake.variables.items():
            monkeypatch.setenv(name, value)
        yield fake


def test_parameters_become_variables_in_the_place_of_app_tf_s(
    store: ParameterStore, log: Log
) -> None:
    store.answers = [page({"SECRET_KEY": "s"}, "next"), page({"GREETING": "hi", "big": "x" * 8000})]

    found = store.read(log, GREETING="hello", OTHER="stays")

    assert found == {"SECRET_KEY": "s", "GREETING": "hi", "OTHER": "stays", "big": "x" * 8000}
    asked = [json.loads(request.body) for request in store.received]
    assert [request.get("NextToken") for request in asked] == [None, "next"]
    assert asked[0] == {
        "Path": PATH,
        "Recursive": False,
        "WithDecryption": True,
        "MaxResults": 10,
    }
    assert log.text() == ""


def test_without_parameters_it_is_one_call(store: ParameterStore, log: Log) -> None:
    assert store.read(log, A="1") == {"A": "1"}
    assert len(store.received) == 1


def test_without_a_path_nothing_is_called(log: Log) -> None:
    Reading("").apply(log, {})


@pytest.mark.parametrize("name", RESERVED)
def test_what_is_not_the_owner_s_is_never_overwritten_and_named(
    store: ParameterStore, log: Log, name: str
) -> None:
    store.answers = [page({name: "canary", "LDAP_URL": "ldap://x"})]

    assert store.read(log, **{name: "before"}) == {name: "before", "LDAP_URL": "ldap://x"}

    (record,) = log.records()
    assert record["level"] == "WARNING"
    assert record["message"] == f"{PATH}/{name} is not used: its name {refusal(name)}"
    assert "canary" not in str(record)


def test_a_throttled_start_tries_again(store: ParameterStore, log: Log) -> None:
    store.answers = [*[THROTTLED] * 3, page({"A": "1"})]

    assert store.read(log) == {"A": "1"}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (DENIED, "400 AccessDeniedException.*role may call ssm:GetParametersByPath"),
        (Answer(body=b'{"Parameters": null}'), "with something else"),
        (Answer(body=b'{"Parameters": [{"Name": "x"}]}'), "with something else"),
    ],
)
def test_what_cannot_be_read_fails_the_start_at_once(
    store: ParameterStore, log: Log, answer: Answer, reason: str
) -> None:
    store.answers = [answer]

    with pytest.raises(ConfigurationError, match=rf"below {PATH} cannot be read: .*{reason}") as e:
        store.read(log)

    assert len(store.received) == 1
    assert "canary" not in str(e.value)


def test_a_store_that_stays_throttled_fails_the_start_in_time(
    store: ParameterStore, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_adapter.parameters._RETRY_SECONDS", 0.3)
    store.answers = [THROTTLED]

    with pytest.raises(ConfigurationError, match="ThrottlingException"):
        store.read(log)

    assert len(store.received) > 2


def test_a_module_of_the_application_finds_its_secret_when_it_is_imported(
    store: ParameterStore, tmp_path: Path
) -> None:
    """`broken_import` reads the variable on its top level, and does not start without it."""
    store.answers = [page({"A_VARIABLE_THAT_NOBODY_SET": "canary"})]

    variables = store.variables | {"SETTINGS_PATH": PATH}
    output = start(tmp_path, "broken_import", http_api("/-/ready"), **variables)

    assert "ready" in output
    assert "canary" not in output


def test_a_start_with_settings_loads_no_more_than_the_call_needs(
    store: ParameterStore, tmp_path: Path
) -> None:
    """The list is what `http.client`, `random`, signing and TLS would bring, but for Flask's."""
    script = (
        "import sys\nimport lambda_adapter.handler\n"
        "unused = {'email.parser', 'http.client', 'random', 'ssl', 'encodings.idna', 'boto3',\n"
        "          'socket', 'selectors', 'hashlib'}\n"
        "print('unused:', sorted(unused & set(sys.modules)))"
    )

    variables = store.variables | {"SETTINGS_PATH": PATH}

    assert "unused: []" in start(tmp_path, "minimal", script=script, **variables)
    assert len(store.received) == 1


def test_a_handler_that_may_not_read_its_settings_does_not_start(
    store: ParameterStore, tmp_path: Path
) -> None:
    store.answers = [DENIED]

    with pytest.raises(RuntimeError, match=f"ConfigurationError: the settings below {PATH} cannot"):
        start(tmp_path, "minimal", SETTINGS_PATH=PATH, **store.variables)
