"""Aliases share traffic, concurrency is the whole function's, every invocation counts."""

import datetime as dt
import json
from collections import Counter
from typing import Any

import pytest

from emulator.patches.lambda_ import choose_version

from ..account import Account, browser, wait

CALLS = 40


@pytest.fixture(scope="module")
def half_and_half(account: Account) -> str:
    """A function whose alias gives half the traffic to version 2."""
    return _shift_half(account)


def _shift_half(account: Account) -> str:
    name = account.function(versions=2)
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    account.client("lambda").update_alias(FunctionName=name, Name="live", RoutingConfig=routing)
    return name


def test_weights_shift_all_traffic(account: Account, half_and_half: str) -> None:
    for found in (_versions_of_api(account, half_and_half), _versions(account, half_and_half)):
        assert 5 < found["2"] < 35


def test_without_the_patch_weights_shift_nothing(unpatched: Account) -> None:
    name = _shift_half(unpatched)
    assert set(_versions(unpatched, name)) == {"1"}
    assert set(_versions_of_api(unpatched, name)) == {"1"}


def _versions_of_api(account: Account, name: str) -> Counter[str]:
    url = f"{account.api(name)}/api/x"
    return Counter(str(browser.get(url).json()["version"]) for _ in range(CALLS))


def _versions(account: Account, name: str) -> Counter[str]:
    return Counter(account.invoke(name)["ExecutedVersion"] for _ in range(CALLS))


def test_reading_an_alias_is_not_shifted(account: Account, half_and_half: str) -> None:
    functions, which = account.client("lambda"), {"FunctionName": half_and_half}
    read = functions.get_function_configuration
    assert {read(**which, Qualifier="live")["Version"] for _ in range(10)} == {"1"}
    weights = functions.get_alias(**which, Name="live")["RoutingConfig"]
    assert weights == {"AdditionalVersionWeights": {"2": 0.5}}


def test_the_handler_sees_the_alias_that_was_invoked(account: Account, half_and_half: str) -> None:
    api = browser.get(f"{account.api(half_and_half)}/api/x").json()
    assert api["arn"].endswith(f"{half_and_half}:live")
    for qualifier in ("live", "2"):
        direct = json.loads(account.invoke(half_and_half, qualifier)["Payload"]["body"])
        assert direct["arn"].endswith(f"{half_and_half}:{qualifier}")


@pytest.mark.parametrize(
    ("weights", "draw", "expected"),
    [
        ({}, 0.0, "1"),
        ({"2": 0.2}, 0.19, "2"),
        ({"2": 0.2}, 0.2, "1"),
        ({"2": 0.0}, 0.0, "1"),
        ({"2": 1.0}, 0.99, "2"),
    ],
)
def test_a_draw_below_the_weight_goes_to_the_other_version(
    weights: dict[str, Any], draw: float, expected: str
) -> None:
    routing = {"RoutingConfig": {"AdditionalVersionWeights": weights}} if weights else {}
    assert choose_version({"FunctionVersion": "1", **routing}, draw) == expected


def test_invocations_by_the_api_count(either: Account) -> None:
    name = either.function()
    alarm = either.alarm(name)
    assert _call(either, name, times=3) == {200}
    assert _count(either, "Invocations", name) == (3 if either.patched else 0)
    assert _count(either, "Errors", name) == 0
    if either.patched:
        assert either.alarm_state(alarm) == "OK"


def test_an_error_raises_the_alarm_of_the_alias_and_of_no_other(account: Account) -> None:
    failing, fine = account.function(), account.function()
    alarms = {name: account.alarm(name, Dimensions=_alias(name)) for name in (failing, fine)}
    account.invoke(failing, fail=True)
    account.invoke(fine)
    assert account.alarm_state(alarms[failing]) == "ALARM"
    assert account.alarm_state(alarms[fine]) == "OK"


def _alias(name: str) -> list[dict[str, str]]:
    both = {"FunctionName": name, "Resource": f"{name}:live"}
    return [{"Name": key, "Value": value} for key, value in both.items()]


def test_direct_invocations_count_once_and_so_do_events(account: Account) -> None:
    name = account.function()
    account.invoke(name)
    account.invoke(name, fail=True)
    counts = [_count(account, metric, name) for metric in ("Invocations", "Errors", "Throttles")]
    assert counts == [2, 1, 0]
    account.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    wait(lambda: _count(account, "Invocations", name) == 3)


def test_reserved_concurrency_holds_for_aliases(either: Account) -> None:
    name, reserve = either.function(), either.client("lambda").put_function_concurrency
    reserve(FunctionName=name, ReservedConcurrentExecutions=0)
    assert _call(either, name, times=1) == {429 if either.patched else 200}
    if either.patched:
        assert _count(either, "Throttles", name) == 1
        assert _count(either, "Invocations", name) == 0


def _count(account: Account, metric: str, name: str) -> float:
    now = dt.datetime.now(dt.UTC)
    found = account.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": name}],
        StartTime=now - dt.timedelta(minutes=5),
        EndTime=now + dt.timedelta(minutes=1),
        Period=600,
        Statistics=["Sum"],
    )
    return sum(float(point["Sum"]) for point in found["Datapoints"])


def _call(account: Account, name: str, times: int) -> set[int]:
    url = f"{account.api(name)}/api/x"
    return {browser.get(url).status_code for _ in range(times)}
