"""A pull request's preview by the real workflow files: made, updated, cleaned up, destroyed.

The tests build on each other, in this order, on one emulator.
"""

import signal
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.faults.test_killed_applies import kill_after
from tests.e2e.sandbox import ENVIRONMENTS, git, poll
from tests.workflows.runner import Actions, Result

PREVIEW, HALF_MADE = "pr-21", "pr-22"
LABEL = "preview"


def push(actions: Actions, note: str) -> None:
    """Give the pull request's branch one commit on top of main, whatever it held before."""
    root = actions.sandbox.root
    git(root, "checkout", "--quiet", "-B", "shown", "main")
    actions.sandbox.edit(note)
    actions.sandbox.commit(note)
    git(root, "checkout", "--quiet", "main")


def event(actions: Actions, action: str, *labels: str, fork: bool = False) -> Result:
    """Run what GitHub runs when something happens to pull request 21."""
    return actions.pull_request(
        21, "shown", workflow="preview.yml", action=action, labels=labels, fork=fork
    )


def permanent(actions: Actions) -> list[tuple[str, str, str]]:
    return [actions.sandbox.served(name) for name in ENVIRONMENTS]


def check_live(actions: Actions, note: str) -> str:
    """Check that the preview and its one comment show a push; the release."""
    status = actions.sandbox.status(PREVIEW)
    release = str(status["release"])
    assert actions.sandbox.served(PREVIEW) == (release,) * 3
    assert f"<!-- {note} -->" in httpx.get(status["site_url"], trust_env=False).text
    (comment,) = actions.github.comments_on(21, "preview")
    assert f"`{release}`" in comment
    assert f"[Site]({status['site_url']})" in comment
    return release


def test_without_the_label_or_from_a_fork_nothing_is_deployed(actions: Actions) -> None:
    push(actions, "first")

    for result in (
        event(actions, "synchronize"),
        event(actions, "closed"),
        event(actions, "labeled", LABEL, fork=True),
        event(actions, "closed", LABEL, fork=True),
    ):
        assert result.status == 0
        assert [job for job, end in result.jobs.items() if end != "skipped"] == []
    assert actions.github.tokens == []
    assert actions.github.comments_on(21) == []


def test_a_labelled_pull_request_is_live_at_its_own_address(actions: Actions) -> None:
    """Also where the machine of an earlier run died in the middle of its apply."""
    before = permanent(actions)
    kill_after(actions.sandbox, 20, "apply", PREVIEW)

    result = event(actions, "labeled", LABEL)

    assert result.status == 0, result.text
    assert "record what a dead run has made" in result.text
    assert not actions.sandbox.json("plan", PREVIEW)["changes"]
    check_live(actions, "first")
    assert actions.github.tokens[-1]["sub"].endswith(":environment:preview")
    assert permanent(actions) == before
    assert actions.github.refused == []


def test_a_preview_cannot_be_promoted(actions: Actions) -> None:
    before = actions.sandbox.status("dev")

    assert "has not been merged" in actions.sandbox.refused("promote", PREVIEW, "dev")
    assert actions.sandbox.status("dev") == before


@pytest.mark.nightly
def test_a_push_updates_it_and_its_comment(actions: Actions) -> None:
    before = actions.sandbox.status(PREVIEW)["release"]
    push(actions, "second")

    result = event(actions, "synchronize", LABEL)

    assert result.status == 0, result.text
    assert check_live(actions, "second") != before


@pytest.mark.nightly
def test_clean_up_destroys_what_is_stale_and_nothing_else(actions: Actions) -> None:
    """Here: half made by a run that died, of a pull request that was closed since."""
    stack = actions.sandbox.context.stack(HALF_MADE)
    stack._init()
    stack._run(["apply", "-auto-approve", "-target=module.site.aws_s3_bucket.this"], lambda _: None)
    actions.github.pulls[22] = actions.github.pulls[21] | {"state": "closed"}
    assert left(actions, HALF_MADE) != []
    release = actions.sandbox.status(PREVIEW)["release"]

    result = actions.schedule("clean-up.yml")

    assert result.status == 0, result.text
    assert left(actions, HALF_MADE) == []
    (comment,) = actions.github.comments_on(22, "preview")
    assert "pr-22 is gone" in comment
    assert "because its pull request is closed" in comment
    assert actions.sandbox.served(PREVIEW) == (release,) * 3
    assert actions.github.refused == []


@pytest.mark.nightly
def test_an_interrupted_destroy_leaves_something(actions: Actions) -> None:
    """What closing the pull request, the next test, has to finish."""
    interrupted = actions.sandbox.start("destroy", PREVIEW, "--yes", PREVIEW)
    poll(lambda: not distribution(actions)["Enabled"], 60)
    interrupted.send_signal(signal.SIGINT)
    interrupted.communicate(timeout=60)

    assert left(actions, PREVIEW) != []


def test_closing_the_pull_request_destroys_it(actions: Actions) -> None:
    before = permanent(actions)

    result = event(actions, "closed", LABEL)

    assert result.status == 0, result.text
    assert left(actions, PREVIEW) == []
    (comment,) = actions.github.comments_on(21, "preview")
    assert "pr-21 is gone" in comment
    assert "has not been made" in actions.sandbox.refused("status", PREVIEW)
    assert permanent(actions) == before


def distribution(actions: Actions) -> dict[str, Any]:
    listed = actions.root_client("cloudfront").list_distributions()["DistributionList"]["Items"]
    found: dict[str, Any] = next(one for one in listed if one["Comment"].endswith(f" {PREVIEW}"))
    return found


def left(actions: Actions, environment: str) -> list[str]:
    """The names of all that the account holds of an environment."""
    return [name for name in names(actions) if environment in name]


def names(actions: Actions) -> Iterator[str]:
    """What there is of each kind that a stack is made of, and the states and locks."""
    client, cloudfront = actions.root_client, actions.root_client("cloudfront")
    state = {"Bucket": actions.sandbox.context.state_bucket}
    yield from (one["Key"] for one in client("s3").list_objects_v2(**state)["Contents"])
    yield from (one["Name"] for one in client("s3").list_buckets()["Buckets"])
    yield from (one["FunctionName"] for one in client("lambda").list_functions()["Functions"])
    yield from (one["logGroupName"] for one in client("logs").describe_log_groups()["logGroups"])
    for page in client("ssm").get_paginator("describe_parameters").paginate():
        yield from (one["Name"] for one in page["Parameters"])
    yield from (one["AliasName"] for one in client("kms").list_aliases()["Aliases"])
    yield from (one["AlarmName"] for one in client("cloudwatch").describe_alarms()["MetricAlarms"])
    dashboards = client("cloudwatch").list_dashboards()["DashboardEntries"]
    yield from (one["DashboardName"] for one in dashboards)
    yield from (one["RoleName"] for one in client("iam").list_roles()["Roles"])
    yield from (one["Name"] for one in client("events").list_rules()["Rules"])
    yield from (one["Name"] for one in client("apigatewayv2").get_apis()["Items"])
    distributions = cloudfront.list_distributions()["DistributionList"]
    yield from (one["Comment"] for one in distributions["Items"])
    controls = cloudfront.list_origin_access_controls()["OriginAccessControlList"]
    yield from (one["Name"] for one in controls["Items"])
    caching = cloudfront.list_cache_policies(Type="custom")["CachePolicyList"]
    yield from (one["CachePolicy"]["CachePolicyConfig"]["Name"] for one in caching["Items"])
    headers = cloudfront.list_response_headers_policies(Type="custom")["ResponseHeadersPolicyList"]
    for one in headers["Items"]:
        yield one["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]["Name"]
