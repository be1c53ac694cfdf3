import json
from typing import Any

import botocore.session
import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from werkzeug import Response

from app.cloudwatch import DAY, HOUR, SLICE, Alarm, CloudWatch, History, first_day, first_hour
from lambda_adapter.aws import AwsSettings
from lambda_adapter.errors import ServiceError
from tests.backend.fakes import SETTINGS, FakeAws, alarm

NOW = 1773119783.6  # 2026-03-10T05:16:23Z
MIDNIGHT = 1773100800
MODEL = botocore.session.get_session().get_service_model("cloudwatch")


def read() -> History:
    return CloudWatch(SETTINGS, AwsSettings.from_environment()).read(NOW)


def test_the_last_hours_and_days_begin_on_the_hour_and_at_midnight() -> None:
    assert first_hour(NOW) == MIDNIGHT - 18 * HOUR
    assert first_hour(MIDNIGHT) == MIDNIGHT - 23 * HOUR
    assert first_day(NOW) == MIDNIGHT - 89 * DAY


def test_everything_is_asked_for_in_three_calls(aws: FakeAws) -> None:
    read()

    (_, alarms), (_, day), (_, days) = aws.requests
    assert alarms == {
        "AlarmNamePrefix": "serverless-flask-staging-",
        "AlarmTypes": ["MetricAlarm"],
        "MaxRecords": 100,
    }
    assert (day["StartTime"], day["EndTime"]) == (MIDNIGHT - 18 * HOUR, MIDNIGHT + 6 * HOUR)
    assert (days["StartTime"], days["EndTime"]) == (MIDNIGHT - 89 * DAY, MIDNIGHT + DAY)
    # Each is paid for, each time.
    assert sorted(map(_asked_for, day["MetricDataQueries"])) == [
        ("available", "Average", SLICE),
        ("cold_starts", "Sum", DAY),
        *(("duration_ms", p, period) for p in ("p50", "p95", "p99") for period in (HOUR, DAY)),
        ("errors", "Sum", SLICE),
        ("requests", "Sum", SLICE),
    ]
    assert sorted(map(_asked_for, days["MetricDataQueries"])) == [
        ("available", "Average", DAY),
        ("available", "SampleCount", DAY),
    ]


def test_a_request_is_what_botocore_would_send(aws: FakeAws) -> None:
    """Fakes and the emulator are not AWS, so this is what says that AWS would understand."""
    read()

    assert "json" in MODEL.metadata["protocols"]
    for (name, asked), (headers, body) in zip(aws.requests, aws.raw, strict=True):
        expected = create_serializer("json").serialize_to_request(
            asked, MODEL.operation_model(name)
        )
        assert (expected["method"], expected["url_path"]) == ("POST", "/")
        assert body == expected["body"]
        expected["headers"].pop("x-amzn-query-mode")  # Asks for errors of the old protocol too.
        for header, value in expected["headers"].items():
            assert headers[header.lower()] == value
        assert f"/{MODEL.signing_name}/aws4_request" in headers["authorization"]


def test_the_fake_answers_what_botocore_understands(aws: FakeAws) -> None:
    aws.points["requests"] = {MIDNIGHT: 4.0}
    aws.alarms = [alarm("errors")]
    asked = {"MetricDataQueries": [{"Id": "requests"}]}

    alarms = _parsed("DescribeAlarms", aws.answer("DescribeAlarms", {}))
    data = _parsed("GetMetricData", aws.answer("GetMetricData", asked))

    assert alarms["MetricAlarms"][0]["StateUpdatedTimestamp"].timestamp() == 1773119783.6
    assert data["MetricDataResults"][0]["Timestamps"][0].timestamp() == MIDNIGHT
    assert data["MetricDataResults"][0]["Values"] == [4.0]


def test_the_history_holds_what_cloudwatch_said(aws: FakeAws) -> None:
    aws.points = {
        "requests": {MIDNIGHT: 4.0, MIDNIGHT + 300: 2.0},
        "p99": {MIDNIGHT - 18 * HOUR: 12.5},
        "daily_available": {MIDNIGHT: 0.5},
    }
    aws.alarms = [alarm("errors"), alarm("duration", "OK"), alarm("x", "INSUFFICIENT_DATA")]

    history = read()

    assert history.at == NOW
    assert history.requests == {MIDNIGHT: 4.0, MIDNIGHT + 300: 2.0}
    assert history.p99 == {MIDNIGHT - 18 * HOUR: 12.5}
    assert history.daily_available == {MIDNIGHT: 0.5}
    assert history.errors == {}
    assert history.alarms == (Alarm("errors", "About errors.", 1773119783.6),)


def test_all_pages_are_read(aws: FakeAws) -> None:
    aws.page = 2
    aws.points["requests"] = {MIDNIGHT + number * SLICE: float(number) for number in range(5)}
    aws.alarms = [alarm(f"a{number}") for number in range(3)]

    history = read()

    assert len(history.requests) == 5
    assert [one.name for one in history.alarms] == ["a0", "a1", "a2"]
    tokens = [body.get("NextToken") for body in aws.asked("GetMetricData")]
    assert tokens[:3] == [None, "2", "4"]


def test_alarms_of_others_are_dropped_whatever_the_service_says(aws: FakeAws) -> None:
    other = {"AlarmName": "serverless-flask-production-errors"}
    aws.alarms = ["errors", {"AlarmName": None}, alarm("errors", **other), alarm("mine")]  # type: ignore[list-item]

    history = read()

    assert [one.name for one in history.alarms] == ["mine"]


def test_an_alarm_is_on_since_it_changed(aws: FakeAws) -> None:
    aws.alarms = [
        alarm("a", StateTransitionedTimestamp=1773119000),
        alarm("b", AlarmDescription=None),
        alarm("c", StateUpdatedTimestamp="yesterday"),
        alarm("d", StateUpdatedTimestamp=1e15),
    ]

    history = read()

    assert [one.since for one in history.alarms] == [1773119000, 1773119783.6, 0.0, 0.0]
    assert history.alarms[1].description == ""


def test_an_environment_without_any_alarm_is_not_this_one(aws: FakeAws) -> None:
    aws.alarms = []

    with pytest.raises(ServiceError, match="no alarm of this environment; create them with"):
        read()
    assert aws.asked("GetMetricData") == []


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("GetMetricData", "{}"),
        ("GetMetricData", '{"MetricDataResults": {}}'),
        ("GetMetricData", "<html>"),
        ("DescribeAlarms", "{}"),
        ("DescribeAlarms", '{"MetricAlarms": 1}'),
    ],
)
def test_what_is_neither_data_nor_alarms_is_refused(
    aws: FakeAws, operation: str, answer: str
) -> None:
    aws.instead[operation] = lambda: Response(answer)

    with pytest.raises(ServiceError, match=f"CloudWatch answered {operation} with something else"):
        read()


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
    aws: FakeAws, changes: dict[str, Any] | None
) -> None:
    aws.points["hourly_p99"] = {MIDNIGHT: 1.0}
    assert read().hourly_p99 == {MIDNIGHT: 1.0}

    def spoil() -> Response:
        page = aws.answer("GetMetricData", aws.asked("GetMetricData")[-1])
        results = {result["Id"]: result for result in page["MetricDataResults"]}
        if "hourly_p99" in results:
            results["hourly_p99"] = changes and results["hourly_p99"] | changes
        return Response(json.dumps({"MetricDataResults": list(results.values())}))

    aws.instead["GetMetricData"] = spoil

    with pytest.raises(ServiceError, match="CloudWatch answered GetMetricData with something else"):
        read()


def _asked_for(query: dict[str, Any]) -> tuple[str, str, int]:
    stat = query["MetricStat"]
    assert stat["Metric"]["Namespace"] == "serverless-flask"
    assert stat["Metric"]["Dimensions"] == [{"Name": "environment", "Value": "staging"}]
    return stat["Metric"]["MetricName"], stat["Stat"], stat["Period"]


def _parsed(operation: str, answer: dict[str, Any]) -> Any:
    parser = create_parser("json")
    response = {"status_code": 200, "headers": {}, "body": json.dumps(answer).encode()}
    return parser.parse(response, MODEL.operation_model(operation).output_shape)
