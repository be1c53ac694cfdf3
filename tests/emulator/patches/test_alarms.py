"""Alarms are described whole and follow their own metric, silence included."""

from __future__ import annotations

import re
from typing import Any

import pytest

from emulator.patches.alarms import decide, query_as_data, xml

from ..account import REGION, Account, unique, wait

ALARM = {
    "StateValue": "OK",
    "Threshold": 1.0,
    "EvaluationPeriods": 3,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
}
MEMBERS = ("Dimensions", "TreatMissingData", "AlarmActions", "ActionsEnabled", "AlarmDescription")


def describe(account: Account, name: str) -> str:
    return account.query("monitoring", "DescribeAlarms", **{"AlarmNames.member.1": name})


def test_an_alarm_is_described_with_all_its_members(account: Account) -> None:
    topic = f"arn:aws:sns:{REGION}:000000000000:topic"
    name = account.alarm("one", AlarmActions=[topic], AlarmDescription="a < b & c")
    found = describe(account, name)
    assert all(f"<{member}>" in found for member in MEMBERS)
    assert f"<AlarmActions><member>{topic}</member></AlarmActions>" in found
    assert "<member><Name>FunctionName</Name><Value>one</Value></member>" in found
    assert "<AlarmDescription>a &lt; b &amp; c</AlarmDescription>" in found
    assert "<ActionsEnabled>true</ActionsEnabled>" in found
    assert re.search(r"<StateUpdatedTimestamp>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ<", found)


def test_without_the_mend_members_are_left_out(unmended: Account) -> None:
    found = describe(unmended, unmended.alarm("one"))
    assert "<AlarmName>" in found
    assert not any(f"<{member}>" in found for member in MEMBERS)


def test_an_alarm_on_a_percentile_has_no_other_statistic(account: Account) -> None:
    found = describe(account, account.alarm("one", ExtendedStatistic="p99", Statistic=None))
    assert "<ExtendedStatistic>p99</ExtendedStatistic>" in found
    assert "<Statistic>" not in found
    assert "<Statistic>Sum</Statistic>" in describe(account, account.alarm("one"))


def test_a_query_that_is_wrong_is_answered_as_before(account: Account) -> None:
    found = account.query("monitoring", "DescribeAlarms", MaxRecords="1000")
    assert "<Code>ValidationError</Code>" in found


def test_alarms_are_selected_by_name_and_prefix(account: Account) -> None:
    names = [account.alarm("one"), account.alarm("two")]
    found = account.query("monitoring", "DescribeAlarms", AlarmNamePrefix=names[0])
    assert names[0] in found
    assert names[1] not in found


def test_an_alarm_counts_only_its_own_dimensions(account: Account) -> None:
    state = _state_after_an_error_of_another(account)
    assert state == "OK"


def test_without_the_mend_an_alarm_counts_everybodys_errors(unmended: Account) -> None:
    state = _state_after_an_error_of_another(unmended)
    assert state == "ALARM"


def _state_after_an_error_of_another(account: Account) -> str:
    name = account.alarm(unique("one"))
    _put(account, unique("other"), 1.0)
    return account.alarm_state(name)


def test_an_alarm_that_sees_silence_does_as_it_was_told(account: Account) -> None:
    told = {"notBreaching": "OK", "breaching": "ALARM", "missing": "INSUFFICIENT_DATA"}
    for treatment, state in told.items():
        name = account.alarm("any", Namespace="Silent", TreatMissingData=treatment)
        assert account.alarm_state(name) == state


def test_without_the_mend_silence_is_never_seen(unmended: Account) -> None:
    name = unmended.alarm("any", Namespace="Silent", TreatMissingData="breaching")
    assert unmended.alarm_state(name) == "INSUFFICIENT_DATA"


def test_an_alarm_returns_when_the_errors_are_past(account: Account) -> None:
    function = unique("one")
    name = account.alarm(function)
    _put(account, function, 1.0)
    assert account.alarm_state(name) == "ALARM"
    account.client("cloudwatch").delete_alarms(AlarmNames=[name])
    brief = account.alarm(function, Period=1)
    assert account.alarm_state(brief) in ("ALARM", "OK")
    wait(lambda: account.alarm_state(brief) == "OK")


def test_a_state_that_was_set_stays_until_the_next_evaluation(account: Account) -> None:
    name = account.alarm(unique("one"))
    _set_to_alarm(account, name)
    assert account.alarm_state(name) == "ALARM"
    brief = account.alarm(unique("one"), Period=1)
    _set_to_alarm(account, brief)
    wait(lambda: account.alarm_state(brief) == "OK")


def _set_to_alarm(account: Account, name: str) -> None:
    account.client("cloudwatch").set_alarm_state(
        AlarmName=name, StateValue="ALARM", StateReason="a test"
    )


def _put(account: Account, function: str, value: float) -> None:
    datum = {"MetricName": "Errors", "Value": value}
    datum["Dimensions"] = [{"Name": "FunctionName", "Value": function}]
    account.client("cloudwatch").put_metric_data(Namespace="AWS/Lambda", MetricData=[datum])


@pytest.mark.parametrize(
    ("values", "more", "expected"),
    [
        ([1.0, 1.0, 1.0], {}, "ALARM"),
        ([1.0, 1.0, 0.0], {}, "OK"),
        ([1.0, 0.0, 1.0], {"DatapointsToAlarm": 2}, "ALARM"),
        ([0.0, 0.0, 0.0], {"ComparisonOperator": "LessThanThreshold"}, "ALARM"),
        ([1.0, 1.0, 1.0], {"ComparisonOperator": "LessThanOrEqualToThreshold"}, "ALARM"),
        ([1.0, 1.0, 1.0], {"ComparisonOperator": "GreaterThanThreshold"}, "OK"),
        ([1.0, None, None], {"TreatMissingData": "breaching"}, "ALARM"),
        ([1.0, None, None], {"TreatMissingData": "notBreaching"}, "OK"),
        ([None, None, None], {"TreatMissingData": "breaching"}, "ALARM"),
        ([None, None, None], {"TreatMissingData": "notBreaching"}, "OK"),
        ([None, None, None], {}, "INSUFFICIENT_DATA"),
        ([None, None, None], {"TreatMissingData": "ignore", "StateValue": "ALARM"}, "ALARM"),
    ],
)
def test_the_state_follows_the_values(
    values: list[float | None], more: dict[str, Any], expected: str
) -> None:
    assert decide({**ALARM, **more}, values)[0] == expected


def test_form_parameters_become_data() -> None:
    form = {"AlarmNames.member.1": ["a"], "AlarmNames.member.2": "b", "MaxRecords": ["5"]}
    assert query_as_data(form) == {"AlarmNames": ["a", "b"], "MaxRecords": "5"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (True, "<A>true</A>"),
        (0.5, "<A>0.5</A>"),
        (["x", "y"], "<A><member>x</member><member>y</member></A>"),
        ([{"B": "<"}], "<A><member><B>&lt;</B></member></A>"),
        ([], "<A></A>"),
    ],
)
def test_members_are_rendered_as_the_query_protocol_does(value: object, expected: str) -> None:
    assert xml("A", value) == expected
