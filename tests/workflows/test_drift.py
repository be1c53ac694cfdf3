"""Drift made by hand, and the issue that tells of it, by the real workflow file."""

from __future__ import annotations

import pytest

from tests.workflows.runner import Actions, Result
from tests.world import git

pytestmark = pytest.mark.journey

NAME = "serverless-flask-staging"
CANARY = "canary-5f2c"


def nightly(actions: Actions, matrix: str = "") -> Result:
    """What the schedule starts."""
    commit = git(actions.world.root, "rev-parse", "main")
    return actions.run("drift.yml", "schedule", commit, {}, matrix=matrix)


def change_by_hand(actions: Actions) -> None:
    """Shift half of the traffic, alter a page, shorten how long logs are kept, write a secret."""
    function = actions.world.client("lambda", "staging")
    halved = {"AdditionalVersionWeights": {"1": 0.5}}
    function.update_alias(FunctionName=NAME, Name="live", RoutingConfig=halved)
    s3 = actions.world.client("s3", "staging")
    s3.put_object(Bucket=f"{NAME}-site-000000000000", Key="404.html", Body=b"altered")
    logs = actions.world.client("logs", "staging")
    logs.put_retention_policy(logGroupName=f"/aws/lambda/{NAME}", retentionInDays=3)
    group = f"arn:aws:logs:eu-central-1:000000000000:log-group:/aws/lambda/{NAME}"
    logs.tag_resource(resourceArn=group, tags={"password": CANARY})


def test_drift_made_by_hand_has_one_issue_until_it_is_gone(actions: Actions) -> None:
    github, release = actions.github, actions.world.status("staging")["release"]
    minted = len(github.tokens)
    change_by_hand(actions)

    found = nightly(actions, "environment:staging")

    assert found.step("Compare staging", "Compare") == "failure", found.text
    (issue,) = github.issues
    assert (issue["title"], issue["labels"]) == ("Drift in staging", ["drift"])
    for said in (
        "### staging: 3 differences",
        "`aws_cloudwatch_log_group.backend` was changed: `retention_in_days` is 3, not 365, ",
        f"50% to 1; the live release `{release}` is version",
        "`404.html` is not what was deployed",
    ):
        assert said in issue["body"]
    assert CANARY not in f"{issue}{found.text}{found.summaries}"
    (claims,) = github.tokens[minted:]
    assert claims["sub"].endswith(":ref:refs/heads/main")

    again = nightly(actions, "environment:staging")

    assert again.ended("Keep one issue per environment") == "success", again.text
    assert (len(github.issues), github.replies) == (1, [])
    assert f"/runs/{again.number}" in github.issues[0]["body"]

    actions.world.ship("apply", "staging")
    actions.world.ship("deploy", "staging", "--release", release)
    gone = nightly(actions)

    assert gone.status == 0, gone.text
    assert (len(github.issues), github.issues[0]["state"]) == (1, "closed")
    assert [number for number, _ in github.replies] == [1]
    assert github.refused == []
    assert set(actions.world.seen("staging")) == {release}
