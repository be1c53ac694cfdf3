import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ship.environments.context import Context
from ship.environments.parameters import Parameters
from ship.errors import RolledBackError, ShipError
from ship.release.environment import Outcome
from tests.ship.cli.conftest import Ship

PATH, KEY = "/weather/qa", "alias/weather-qa"
BY = "arn:aws:sts::1:assumed-role/weather-deploy-qa/ann"
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


class ParameterStore:
    """Parameter Store's calls in memory; every version stays."""

    def __init__(self) -> None:
        self.found: dict[str, list[dict[str, Any]]] = {}

    def put_parameter(self, **request: Any) -> None:
        if "{{" in request["Value"]:
            raise self._error("ValidationException", f"Value {request['Value']} is not valid")
        if "KeyId" in request and request["Type"] != "SecureString":
            raise self._error("ValidationException", "KeyId")
        assert request["Overwrite"]
        assert request["Tier"] == "Intelligent-Tiering"
        versions = self.found.setdefault(request["Name"], [])
        about = {"Version": len(versions) + 1, "LastModifiedDate": AT, "LastModifiedUser": BY}
        versions.append(request | about)

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        if request["Name"] not in self.found:
            raise self._error("ParameterNotFound")
        return {"Parameter": self._shown(self.found[request["Name"]][-1], **request)}

    def delete_parameter(self, **request: Any) -> None:
        if self.found.pop(request["Name"], None) is None:
            raise self._error("ParameterNotFound")

    def get_paginator(self, operation: str) -> Any:
        def paginate(**request: Any) -> Iterator[dict[str, Any]]:
            if operation == "get_parameter_history":
                found = self.found[request["Name"]]
            elif operation == "describe_parameters":
                (chosen,) = request["ParameterFilters"]
                assert (chosen["Key"], chosen["Option"]) == ("Path", "OneLevel")
                found = self._below(chosen["Values"][0])
            else:
                found = self._below(request["Path"])
            for one in found:  # One a page.
                yield {"Parameters": [self._shown(one, **request)]}

        return SimpleNamespace(paginate=paginate)

    def values(self) -> dict[str, str]:
        return {name: versions[-1]["Value"] for name, versions in self.found.items()}

    def _below(self, path: str) -> list[dict[str, Any]]:
        return [one[-1] for name, one in self.found.items() if name.rpartition("/")[0] == path]

    def _shown(self, one: dict[str, Any], **request: Any) -> dict[str, Any]:
        if one["Type"] == "SecureString" and not request.get("WithDecryption"):
            return one | {"Value": "AQICAH-encrypted"}
        return one

    @staticmethod
    def _error(code: str, message: str = "") -> ClientError:
        return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> ParameterStore:
    fake = ParameterStore()
    stack = SimpleNamespace(settings_key=KEY)
    monkeypatch.setattr(
        Context, "clients", lambda *_: SimpleNamespace(client={"ssm": fake}.__getitem__)
    )
    monkeypatch.setattr(Context, "store", lambda *_: SimpleNamespace(stack=lambda: stack))
    return fake


@pytest.fixture
def pipe(ship: Ship, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set a setting to what is piped in; return the exit status."""

    def pipe(name: str, value: str) -> int:
        monkeypatch.setattr(sys, "stdin", io.StringIO(value))
        return ship("settings", "qa", "set", name)

    return pipe


def test_a_secret_is_piped_in_encrypted_with_the_environments_key_and_not_shown(
    ship: Ship, store: ParameterStore, pipe: Any
) -> None:
    assert pipe("DATABASE_URL", "postgres://canary\n") == 0

    (written,) = store.found[f"{PATH}/DATABASE_URL"]
    assert (written["Value"], written["Type"]) == ("postgres://canary", "SecureString")
    assert written["KeyId"] == KEY
    assert "`ship restart qa`" in ship.out

    for listing in (["list"], ["history", "DATABASE_URL"], ["list", "--json"]):
        assert ship("settings", "qa", *listing) == 0
        assert "canary" not in ship.out
        assert "AQICAH" not in ship.out
        assert ship.out.count("assumed-role/weather-deploy-qa/ann") == 1
        assert ship.out.count("2026-11-23T08:00:00Z") == 1

    assert ship("settings", "qa", "get", "DATABASE_URL") == 0
    assert ship.out == "postgres://canary\n"


def test_a_plain_value_is_an_argument_and_is_shown(ship: Ship, store: ParameterStore) -> None:
    assert ship("settings", "qa", "set", "--plain", "QUERY=a=b c") == 0
    assert ship("settings", "qa", "set", "--plain", "QUERY=d") == 0

    assert [one["Type"] for one in store.found[f"{PATH}/QUERY"]] == ["String"] * 2
    assert ship("settings", "qa", "history", "QUERY") == 0
    rows = [line.split(maxsplit=3) for line in ship.out.splitlines()[1:]]
    assert [(row[0], row[3]) for row in rows] == [("2", "d"), ("1", "a=b c")]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["set", "PASSWORD=canary"], 2, "pipe it into `ship settings qa set PASSWORD`"),
        (["set", "--plain", "GREETING"], 2, "write --plain GREETING=VALUE"),
        (["set", "--plain", "a-b=x"], 2, "is not a variable's name"),
        (["set", "--plain", "LOG_LEVEL=x"], 2, "belongs to the platform"),
        (["set", "--plain", "AWS_REGION=x"], 2, "belongs to the platform"),
        (["set", "--plain", "A="], 2, "has 0 bytes"),
        (["set", "--plain", f"A={'ä' * 4097}"], 2, "has 8194 bytes"),
        (["set", "--plain", "A={{canary}}"], 1, "does not take this value of A"),
        (["set", "--plain", "TOKEN=canary"], 1, "TOKEN is a secret"),
        (["get", "TOKN"], 1, "did you mean TOKEN?"),
        (["unset", "OTHER"], 1, "see `ship settings qa list`"),
        (["history", "OTHER"], 1, "has no OTHER"),
        (["rotate", "TOKEN"], 2, "is not a key that `ship` can draw"),
        (["rotate", "FLASK_SECRET_KEY"], 1, "has no FLASK_SECRET_KEY"),
        (["unset", "SECRET_KEY"], 1, "`ship settings qa rotate SECRET_KEY`"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do_and_changes_nothing(
    ship: Ship, store: ParameterStore, pipe: Any, arguments: list[str], status: int, said: str
) -> None:
    assert pipe("TOKEN", "t") == pipe("SECRET_KEY", "k") == 0
    before = store.values()

    assert ship("settings", "qa", *arguments) == status

    error = ship.err
    assert said in error
    assert "canary" not in error
    assert store.values() == before


def test_a_setting_can_become_a_secret_and_be_removed(
    ship: Ship, store: ParameterStore, pipe: Any
) -> None:
    assert ship("settings", "qa", "set", "--plain", "TOKEN=x") == 0
    assert pipe("TOKEN", "y") == 0
    assert store.found[f"{PATH}/TOKEN"][-1]["Type"] == "SecureString"

    assert ship("settings", "qa", "unset", "TOKEN") == 0
    assert store.found == {}


def test_a_rotated_key_keeps_the_last_three(ship: Ship, store: ParameterStore, pipe: Any) -> None:
    assert pipe("SECRET_KEY", "first") == 0
    keys = ["first"]
    for _ in range(4):
        assert ship("settings", "qa", "rotate", "SECRET_KEY") == 0
        keys.append(store.values()[f"{PATH}/SECRET_KEY"])

    fallbacks = store.values()[f"{PATH}/SECRET_KEY_FALLBACKS"]
    assert json.loads(fallbacks) == [keys[3], keys[2], keys[1]]
    assert len(set(keys)) == 5
    assert len(keys[-1]) == 64
    assert {one[-1]["Type"] for one in store.found.values()} == {"SecureString"}
    assert keys[-1] not in ship.out


def test_more_settings_than_a_function_reads_are_refused(
    ship: Ship, store: ParameterStore, pipe: Any
) -> None:
    assert pipe("A0", "x") == 0
    (one,) = store.found[f"{PATH}/A0"]
    for number in range(1, 100):
        name = f"{PATH}/A{number}"
        store.found[name] = [one | {"Name": name}]

    assert pipe("B", "x") == 1
    assert "has 100 settings" in ship.err
    assert pipe("A5", "y") == 0


@pytest.mark.parametrize("fallbacks", ["canary", '"canary"', "[1]", "{}"])
def test_fallbacks_that_are_no_list_stop_a_rotation(
    ship: Ship, store: ParameterStore, pipe: Any, fallbacks: str
) -> None:
    assert pipe("SECRET_KEY", "k") == pipe("SECRET_KEY_FALLBACKS", fallbacks) == 0

    assert ship("settings", "qa", "rotate", "SECRET_KEY") == 1

    assert store.values()[f"{PATH}/SECRET_KEY"] == "k"


def test_a_workflow_s_log_gets_no_secret(
    ship: Ship, store: ParameterStore, pipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pipe("TOKEN", "canary") == 0
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    assert ship("settings", "qa", "get", "TOKEN") == 1
    assert "canary" not in ship.out + ship.err


def test_the_list_says_what_the_function_does_not_use(ship: Ship, store: ParameterStore) -> None:
    """Somebody may write parameters by other means."""
    for name in ("a.b", "LOG_LEVEL", "public/title"):
        request = {"Type": "String", "Overwrite": True, "Tier": "Intelligent-Tiering"}
        store.put_parameter(Name=f"{PATH}/{name}", Value="x", **request)

    assert ship("settings", "qa", "list") == 0
    rows = ship.out.splitlines()[1:]
    assert [row.split()[0] for row in rows] == ["LOG_LEVEL", "a.b"]
    assert all("(not used: the name" in row for row in rows)


def test_destroying_an_environment_removes_its_settings_and_no_others(
    store: ParameterStore, pipe: Any
) -> None:
    assert pipe("A", "1") == pipe("B", "2") == 0
    store.found["/weather/qa2/A"] = store.found[f"{PATH}/A"]

    Parameters(store, PATH, "").remove_all()

    assert list(store.found) == ["/weather/qa2/A"]


@pytest.mark.parametrize(
    ("error", "status"), [(None, 0), (RolledBackError("x", "y"), 3), (ShipError("x", "y"), 1)]
)
def test_a_restart_shifts_like_a_deploy_and_says_how_it_ended(
    ship: Ship, monkeypatch: pytest.MonkeyPatch, error: ShipError | None, status: int
) -> None:
    asked: list[tuple[Any, ...]] = []

    def restart(*arguments: Any) -> Any:
        asked.append(arguments)
        if error:
            raise error
        return outcome

    outcome = Outcome("live", "r", "r", "3", 1.0, 2.0, {})
    monkeypatch.setattr(Context, "engine", lambda *_: SimpleNamespace(restart=restart))

    assert ship("restart", "live", "--reason", "new key") == status

    ((shift, reason),) = asked
    assert (shift.shares, reason) == ((10,), "new key")
