import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from ship.environments.context import Context
from ship.environments.cost import Usage, per_month, requests_where_fargate_is_cheaper
from ship.state.store import HistoryEntry
from tests.ship.cli.conftest import Ship

RELEASE = "20261123-2-1a2b3c4"
STACK = SimpleNamespace(
    function_name="f", alias="live", alarms=("a", "b"), settings_key="alias/aws/ssm"
)


def test_metrics_come_from_the_history_and_from_gits_commits(
    ship: Ship, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org")
    day_ago = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    made = {"GIT_COMMITTER_DATE": day_ago, "GIT_AUTHOR_DATE": day_ago}
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run(
        [*git, "commit", "--quiet", "--allow-empty", "--message", "One"],
        check=True,
        env=os.environ | made,
    )
    commit = subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()

    def entry(number: int, commit: str) -> HistoryEntry:
        at = datetime.now(UTC).isoformat()
        return HistoryEntry(number, "live", RELEASE, None, commit, "1", "a", "", "", at, 1)

    entries = [entry(1, commit), entry(0, "f" * 40)]
    store = SimpleNamespace(stack=lambda: STACK, history=lambda _: entries)
    monkeypatch.setattr(Context, "clients", lambda *_: None)
    monkeypatch.setattr(Context, "store", lambda *_: store)

    assert ship("metrics", "qa", "--days", "7") == 0
    row = ship.out.splitlines()[1].split()
    assert row[:3] == ["qa", "2", "2"]
    assert row[3:5] == ["1", "day,"]
    assert row[-3:] == ["0%", "-", "0%"]

    assert ship("metrics", "--json") == 0
    found = json.loads(ship.out)
    assert list(found) == ["qa", "live"]
    assert found["qa"]["lead_time"] == pytest.approx(86400, abs=60)

    assert ship("metrics", "--days", "0") == 2


def test_costs_are_those_of_the_live_function(
    ship: Ship, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = dict[str, str]()
    file = project / "pyproject.toml"
    uses = '[tool.ship]\nuses = ["dynamodb", "sqs"]\n'
    file.write_text(file.read_text().replace("[tool.ship]\n", uses))

    def configuration(**which: str) -> dict[str, object]:
        asked.update(which)
        return {"MemorySize": 1024, "Architectures": ["x86_64"]}

    function = SimpleNamespace(get_function_configuration=configuration)
    clients = SimpleNamespace(client=lambda _: function)
    monkeypatch.setattr(Context, "clients", lambda *_: clients)
    monkeypatch.setattr(Context, "store", lambda *_: SimpleNamespace(stack=lambda: STACK))

    assert ship("cost", "qa", "--requests", "1000000", "--milliseconds", "100", "--json") == 0
    found = json.loads(ship.out)

    assert asked == {"FunctionName": "f", "Qualifier": "live"}
    items = found["items"]
    assert items["alarms"] == 0.20
    assert items["KMS key"] == 0
    assert items["Lambda time"] == pytest.approx(1_000_000 * 0.1 * 1 * 0.0000166667, rel=1e-3)
    assert items["CloudFront transfer"] == pytest.approx(20 * 0.085, rel=1e-3)
    assert found["total"] == pytest.approx(sum(items.values()), abs=0.01)
    assert found["at_rest"] < 2 < found["total"]

    assert ship("cost", "qa", "--requests", "0") == 0
    lines = ship.out.splitlines()
    total, rest = (line.split()[-1] for line in lines if line.startswith(("total", "of it")))
    assert total == rest
    assert lines[-1] == "Not in it: what infrastructure/stack/app.tf makes (dynamodb, sqs)."


def test_fargate_is_cheaper_where_both_cost_the_same() -> None:
    usage = Usage(1_000_000, 50, 20, 512, "arm64", 5, own_key=True)

    limit = requests_where_fargate_is_cheaper(usage)

    found = per_month(Usage(limit, 50, 20, 512, "arm64", 5, own_key=True))
    assert found["KMS key"] == 1
    replaced = found["Lambda requests"] + found["Lambda time"] + found["API Gateway"]
    # Two tasks of half a processor and 1 GB, and a load balancer with one capacity unit.
    assert replaced == pytest.approx(730 * (0.03238 + 2 * 0.00356 + 0.0305), rel=1e-5)
