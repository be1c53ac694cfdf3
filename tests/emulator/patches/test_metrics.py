"""Every invocation counts in AWS/Lambda, whoever invoked."""

from __future__ import annotations

import datetime as dt

import httpx
import pytest

from emulator.patches.metrics import dimension_sets

from ..account import NUMBER, REGION, Account, wait


def test_invocations_by_the_api_count_and_raise_the_alarm(account: Account) -> None:
    name = account.function()
    alarm = account.alarm(name)
    assert _call(account, name, times=3) == {200}
    assert count(account, "Invocations", name) == 3
    assert count(account, "Errors", name) == 0
    assert account.alarm_state(alarm) == "OK"


def test_without_the_mend_invocations_by_the_api_do_not_count(unmended: Account) -> None:
    name = unmended.function()
    assert _call(unmended, name, times=3) == {200}
    assert count(unmended, "Invocations", name) == 0


def test_an_error_raises_the_alarm_of_the_alias_and_of_no_other(account: Account) -> None:
    failing, fine = account.function(), account.function()
    alarms = {
        name: account.alarm(name, Dimensions=alias_dimensions(name)) for name in (failing, fine)
    }
    account.invoke(failing, fail=True)
    account.invoke(fine)
    assert account.alarm_state(alarms[failing]) == "ALARM"
    assert account.alarm_state(alarms[fine]) == "OK"


def test_direct_invocations_count_once(account: Account) -> None:
    name = account.function()
    account.invoke(name)
    account.invoke(name, fail=True)
    assert count(account, "Invocations", name) == 2
    assert count(account, "Errors", name) == 1
    assert count(account, "Throttles", name) == 0


def test_invocations_by_an_event_count(account: Account) -> None:
    name = account.function()
    account.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    wait(lambda: count(account, "Invocations", name) == 1)


def test_a_throttled_invocation_counts_as_that_alone(account: Account) -> None:
    name = account.function()
    _allow_none(account, name)
    assert _call(account, name, times=1) == {429}
    assert count(account, "Throttles", name) == 1
    assert count(account, "Invocations", name) == 0


def test_without_the_mend_reserved_concurrency_forgets_aliases(unmended: Account) -> None:
    name = unmended.function()
    _allow_none(unmended, name)
    assert _call(unmended, name, times=1) == {200}


def _allow_none(account: Account, name: str) -> None:
    account.client("lambda").put_function_concurrency(
        FunctionName=name, ReservedConcurrentExecutions=0
    )


def alias_dimensions(name: str) -> list[dict[str, str]]:
    return [
        {"Name": "FunctionName", "Value": name},
        {"Name": "Resource", "Value": f"{name}:live"},
    ]


def count(account: Account, metric: str, name: str) -> float:
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
    with httpx.Client(base_url=account.api(name)) as client:
        return {client.get("/api/x").status_code for _ in range(times)}


@pytest.mark.parametrize(
    ("ending", "resource"),
    [("", "shop"), (":live", "shop:live"), (":7", "shop:7"), (":$LATEST", "shop")],
)
def test_an_invocation_counts_by_function_and_by_what_was_invoked(
    ending: str, resource: str
) -> None:
    arn = f"arn:aws:lambda:{REGION}:{NUMBER}:function:shop{ending}"
    expected = [{"FunctionName": "shop"}, {"FunctionName": "shop", "Resource": resource}]
    assert dimension_sets("shop", arn) == expected
