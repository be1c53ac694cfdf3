from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from app.cloudwatch import DAY, HOUR, SLICE, Alarm, CloudWatch, first_day, first_hour
from lambda_adapter.config import Credentials, Settings
from lambda_adapter.errors import ServiceError
from tests.lambda_adapter.fakes import (
    ALARM_PREFIX,
    SETTINGS,
    CloudWatchDouble,
    Scripted,
    alarm,
    running_cloudwatch,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1773119783.6  # 2026-03-10T05:16:23Z
MIDNIGHT = 1773100800
MODEL = botocore.session.get_session().get_service_model("cloudwatch")


@pytest.fixture
def double() -> Iterator[CloudWatchDouble]:
    with running_cloudwatch() as running:
        yield running


def settings_for(url: str) -> Settings:
    return replace(
        SETTINGS,
        alarm_prefix=ALARM_PREFIX,
        cloudwatch_endpoint=url,
        credentials=Credentials("AKIDEXAMPLE", "secret", "token"),
    )


def cloudwatch_at(double: CloudWatchDouble, timeout: float = 0.5) -> CloudWatch:
    return CloudWatch(settings_for(double.url), timeout)


def test_the_last_hours_and_days_begin_on_the_hour_and_at_midnight() -> None:
    assert first_hour(NOW) == MIDNIGHT - 18 * HOUR
    assert first_hour(MIDNIGHT) == MIDNIGHT - 23 * HOUR
    assert first_day(NOW) == MIDNIGHT - 89 * DAY


def test_everything_is_asked_for_in_three_calls(double: CloudWatchDouble) -> None:
    cloudwatch_at(double).read(NOW)

    alarms, day, days = double.asked
    assert alarms == {
        "AlarmNamePrefix": "serverless-flask-staging-",
        "AlarmTypes": ["MetricAlarm"],
        "MaxRecords": 100,
    }
    assert (day["StartTime"], day["EndTime"]) == (MIDNIGHT - 18 * HOUR, MIDNIGHT + 6 * HOUR)
    assert (days["StartTime"], days["EndTime"]) == (MIDNIGHT - 89 * DAY, MIDNIGHT + DAY)
    assert {_asked_for(query) for query in day["MetricDataQueries"]} == {
        ("requests", "Sum", SLICE),
        ("errors", "Sum", SLICE),
        ("available", "Average", SLICE),
        ("cold_starts", "Sum", DAY),
        *(("duration_ms", p, period) for p in ("p50", "p95", "p99") for period in (DAY, HOUR)),
    }
    assert {_asked_for(query) for query in days["MetricDataQueries"]} == {
        ("available", "Average", DAY),
        ("available", "SampleCount", DAY),
    }


def test_no_more_than_twelve_metrics_are_paid_for(double: CloudWatchDouble) -> None:
    cloudwatch_at(double).read(NOW)

    assert sum(len(asked.get("MetricDataQueries", ())) for asked in double.asked) == 12


def test_only_this_environments_own_metrics_are_asked_for(double: CloudWatchDouble) -> None:
    cloudwatch_at(double).read(NOW)

    for asked in double.asked[1:]:
        for query in asked["MetricDataQueries"]:
            metric = query["MetricStat"]["Metric"]
            assert metric["Namespace"] == "serverless-flask"
            assert metric["Dimensions"] == [{"Name": "environment", "Value": "staging"}]


def test_a_call_is_on_the_wire_what_botocore_would_send(double: CloudWatchDouble) -> None:
    """The emulator is not AWS, so this is what says that AWS would understand."""
    cloudwatch_at(double).read(NOW)

    assert len(double.bodies) == 3
    for asked, body, headers in zip(double.asked, double.bodies, double.headers, strict=True):
        operation = MODEL.operation_model(headers["x-amz-target"].rpartition(".")[2])
        theirs = create_serializer("json").serialize_to_request(asked, operation)
        assert "json" in MODEL.metadata["protocols"]
        assert (theirs["method"], theirs["url_path"]) == ("POST", "/")
        assert body == theirs["body"]
        theirs["headers"].pop("x-amzn-query-mode")  # Errors in the words of the old protocol too.
        assert {name: headers[name.lower()] for name in theirs["headers"]} == theirs["headers"]
        assert headers["authorization"] == _botocores(headers, body)


def _botocores(headers: dict[str, str], body: bytes) -> str:
    """The signature that botocore would put on these headers and this body."""
    names = ("host", "content-type", "x-amz-target", "x-amz-date", "x-amz-security-token")
    keys = BotocoreCredentials("AKIDEXAMPLE", "secret", "token")
    auth = SigV4Auth(keys, MODEL.signing_name, "eu-central-1")
    given = {name: headers[name] for name in names}
    request = AWSRequest("POST", f"http://{headers['host']}/", headers=given, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    to_sign = auth.string_to_sign(request, auth.canonical_request(request))
    auth._inject_signature_to_request(request, auth.signature(to_sign, request))
    return str(request.headers["Authorization"])


def test_the_double_answers_what_botocore_understands(double: CloudWatchDouble) -> None:
    double.points["requests"] = {MIDNIGHT: 4.0}
    double.alarms = [alarm("errors")]
    asked = {"MetricDataQueries": [{"Id": "requests"}]}

    alarms = _parsed("DescribeAlarms", double.regular("DescribeAlarms", {}))
    data = _parsed("GetMetricData", double.regular("GetMetricData", asked))

    assert alarms["MetricAlarms"][0]["StateUpdatedTimestamp"].timestamp() == 1773119783.6
    assert data["MetricDataResults"][0]["Timestamps"][0].timestamp() == MIDNIGHT
    assert data["MetricDataResults"][0]["Values"] == [4.0]


def test_the_history_holds_what_cloudwatch_said(double: CloudWatchDouble) -> None:
    double.points = {
        "requests": {MIDNIGHT: 4.0, MIDNIGHT + 300: 2.0},
        "p99": {MIDNIGHT - 18 * HOUR: 12.5},
        "daily_available": {MIDNIGHT: 0.5},
    }
    double.alarms = [alarm("errors"), alarm("duration", "OK"), alarm("x", "INSUFFICIENT_DATA")]

    history = cloudwatch_at(double).read(NOW)

    assert history.at == NOW
    assert history.requests == {MIDNIGHT: 4.0, MIDNIGHT + 300: 2.0}
    assert history.p99 == {MIDNIGHT - 18 * HOUR: 12.5}
    assert history.daily_available == {MIDNIGHT: 0.5}
    assert history.errors == {}
    assert history.alarms == (Alarm("errors", "About errors.", 1773119783.6),)


def test_all_pages_are_read(double: CloudWatchDouble) -> None:
    double.page = 2
    double.points["requests"] = {MIDNIGHT + number * SLICE: float(number) for number in range(5)}
    double.alarms = [alarm(f"a{number}") for number in range(3)]

    history = cloudwatch_at(double).read(NOW)

    assert len(history.requests) == 5
    assert [one.name for one in history.alarms] == ["a0", "a1", "a2"]
    assert [asked.get("NextToken") for asked in double.asked][:3] == [None, "2", "4"]


def test_alarms_of_others_are_dropped_whatever_the_service_says(double: CloudWatchDouble) -> None:
    other = {"AlarmName": "serverless-flask-production-errors"}
    double.alarms = ["errors", {"AlarmName": None}, alarm("errors", **other), alarm("mine")]  # type: ignore[list-item]

    history = cloudwatch_at(double).read(NOW)

    assert [one.name for one in history.alarms] == ["mine"]


def test_an_alarm_is_on_since_it_changed(double: CloudWatchDouble) -> None:
    double.alarms = [
        alarm("a", StateTransitionedTimestamp=1773119000),
        alarm("b", AlarmDescription=None),
        alarm("c", StateUpdatedTimestamp="yesterday"),
        alarm("d", StateUpdatedTimestamp=1e15),
    ]

    history = cloudwatch_at(double).read(NOW)

    assert [one.since for one in history.alarms] == [1773119000, 1773119783.6, 0.0, 0.0]
    assert history.alarms[1].description == ""


def test_an_environment_without_any_alarm_is_not_this_one(double: CloudWatchDouble) -> None:
    double.alarms = []

    with pytest.raises(ServiceError, match="no alarm of this environment; create them with"):
        cloudwatch_at(double).read(NOW)
    assert len(double.asked) == 1


GOOD_ALARMS = Scripted(body=json.dumps({"MetricAlarms": [alarm("errors", "OK")]}).encode())


@pytest.mark.parametrize("answer", [b"{}", b'{"MetricDataResults": {}}', b"[]", b"<html>"])
def test_data_that_are_none_are_refused(double: CloudWatchDouble, answer: bytes) -> None:
    double.script = [GOOD_ALARMS, Scripted(body=answer)]

    with pytest.raises(ServiceError, match="CloudWatch answered GetMetricData with something else"):
        cloudwatch_at(double).read(NOW)


@pytest.mark.parametrize(
    "changes",
    [
        None,
        {"Id": "p98"},
        {"Id": ["p99"]},
        {"StatusCode": "InternalError"},
        {"Timestamps": []},
        {"Timestamps": "now", "Values": [1.0]},
        {"Timestamps": [None]},
        {"Timestamps": [True]},
        {"Timestamps": [1e15]},
        {"Values": ["1"]},
        {"Values": [True]},
        {"Values": [-1]},
        {"Values": [float("nan")]},
        {"Values": [float("inf")]},
        {"Values": [10**400]},
    ],
)
def test_one_result_that_cannot_be_right_spoils_all(
    double: CloudWatchDouble, changes: dict[str, Any] | None
) -> None:
    cloudwatch_at(double).read(NOW)  # What it is like when it is right.
    page = double.regular("GetMetricData", double.asked[1])
    result = page["MetricDataResults"][-1]
    result |= {"Timestamps": [MIDNIGHT], "Values": [1.0]}
    double.script = [GOOD_ALARMS, Scripted(body=json.dumps(page).encode())]
    assert cloudwatch_at(double).read(NOW).hourly_p99 == {MIDNIGHT: 1.0}

    page["MetricDataResults"][-1] = changes and result | changes
    double.script = [GOOD_ALARMS, Scripted(body=json.dumps(page).encode())]

    with pytest.raises(ServiceError, match="CloudWatch answered GetMetricData with something else"):
        cloudwatch_at(double).read(NOW)


@pytest.mark.parametrize("answer", [Scripted(), Scripted(body=b'{"MetricAlarms": 1}')])
def test_alarms_that_are_none_are_refused(double: CloudWatchDouble, answer: Scripted) -> None:
    double.script = [answer]

    with pytest.raises(ServiceError, match="answered DescribeAlarms with something else"):
        cloudwatch_at(double).read(NOW)


def test_who_may_not_read_is_told_which_right_is_missing(double: CloudWatchDouble) -> None:
    double.script = [GOOD_ALARMS, Scripted.fault("AccessDeniedException", 403)]

    with pytest.raises(ServiceError, match="may call cloudwatch:GetMetricData"):
        cloudwatch_at(double).read(NOW)


@pytest.mark.parametrize("kind", ["Throttling", "ThrottlingException"])
def test_a_throttled_call_is_made_once_more(double: CloudWatchDouble, kind: str) -> None:
    double.script = [Scripted.fault(kind)]

    history = cloudwatch_at(double).read(NOW)

    assert history.at == NOW
    assert len(double.asked) == 4


def _asked_for(query: dict[str, Any]) -> tuple[str, str, int]:
    stat = query["MetricStat"]
    return stat["Metric"]["MetricName"], stat["Stat"], stat["Period"]


def _parsed(operation: str, answer: dict[str, Any]) -> Any:
    parser = create_parser("json")
    response = {"status_code": 200, "headers": {}, "body": json.dumps(answer).encode()}
    return parser.parse(response, MODEL.operation_model(operation).output_shape)
