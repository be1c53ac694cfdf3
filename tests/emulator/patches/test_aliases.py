"""An alias with weights shares its traffic between two versions."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import httpx
import pytest

from emulator.patches.aliases import choose

from ..account import Account

TIMES = 60


@pytest.fixture(scope="module")
def shared(account: Account) -> str:
    """A function whose alias gives half the traffic to version 2."""
    return _half_and_half(account)


def test_weights_shift_traffic_of_the_api(account: Account, shared: str) -> None:
    found = _versions_of_api(account, shared)
    assert set(found) == {"1", "2"}
    assert 10 < found["2"] < 50


def test_weights_shift_direct_invocations(account: Account, shared: str) -> None:
    assert 10 < _versions_invoked(account, shared)["2"] < 50


def test_without_the_mend_weights_shift_nothing(unmended: Account) -> None:
    name = _half_and_half(unmended)
    assert set(_versions_invoked(unmended, name)) == {"1"}
    assert set(_versions_of_api(unmended, name)) == {"1"}


def test_asking_for_the_alias_still_names_its_own_version(account: Account, shared: str) -> None:
    functions = account.client("lambda")
    ask = functions.get_function_configuration
    assert {ask(FunctionName=shared, Qualifier="live")["Version"] for _ in range(10)} == {"1"}
    weights = functions.get_alias(FunctionName=shared, Name="live")["RoutingConfig"]
    assert weights == {"AdditionalVersionWeights": {"2": 0.5}}


def test_the_handler_sees_the_alias_that_was_asked_for(account: Account, shared: str) -> None:
    with httpx.Client(base_url=account.api(shared)) as client:
        assert client.get("/api/x").json()["arn"].endswith(f"{shared}:live")
    direct = json.loads(account.invoke(shared)["Payload"]["body"])
    assert direct["arn"].endswith(f"{shared}:live")
    version = json.loads(account.invoke(shared, "2")["Payload"]["body"])
    assert version["arn"].endswith(f"{shared}:2")


def _half_and_half(account: Account) -> str:
    name = account.function(versions=2)
    account.client("lambda").update_alias(
        FunctionName=name,
        Name="live",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )
    return name


def _versions_of_api(account: Account, name: str) -> Counter[str]:
    with httpx.Client(base_url=account.api(name)) as client:
        return Counter(str(client.get("/api/x").json()["version"]) for _ in range(TIMES))


def _versions_invoked(account: Account, name: str) -> Counter[str]:
    return Counter(account.invoke(name)["ExecutedVersion"] for _ in range(TIMES))


@pytest.mark.parametrize(
    ("weights", "draw", "expected"),
    [
        ({}, 0.0, "1"),
        ({"2": 0.2}, 0.0, "2"),
        ({"2": 0.2}, 0.19, "2"),
        ({"2": 0.2}, 0.2, "1"),
        ({"2": 0.2}, 0.99, "1"),
        ({"2": 0.0}, 0.0, "1"),
        ({"2": 1.0}, 0.99, "2"),
    ],
)
def test_a_draw_below_the_weight_goes_to_the_other_version(
    weights: dict[str, Any], draw: float, expected: str
) -> None:
    routing = {"RoutingConfig": {"AdditionalVersionWeights": weights}} if weights else {}
    assert choose({"FunctionVersion": "1", **routing}, draw) == expected
