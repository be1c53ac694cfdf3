"""The plan that was approved is the one that is applied."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ship.edge_config import Edge
from ship.environments import domain, infrastructure
from ship.errors import ShipError
from tests.ship.environments.factories import SILENT, change, make_project

ZIP = "placeholder.zip"


class Stack:
    """Terraform whose plans change these things, and a list of how it was called."""

    def __init__(self, root: Path, *changes: Any) -> None:
        (root / ".ship").mkdir(parents=True)
        self.called: list[dict[str, Any]] = []
        self._plan = {"resource_changes": list(changes)}
        self.project, self.progress = make_project(root), SILENT

    def stack(self, *_: object) -> Any:
        return self

    def plan(self, out: Path | None, **options: Any) -> bool:
        self.called.append({"out": out, **options})
        return True

    def show(self, _: Path) -> dict[str, Any]:
        return self._plan

    @property
    def fingerprint(self) -> str:
        return infrastructure.fingerprint(self, self._plan)  # type: ignore[arg-type]


def made(root: Path, value: str = "512", address: str = "aws_lambda_function.backend") -> Stack:
    values = {"memory_size": value, "filename": f"{root}/.ship/{ZIP}"}
    return Stack(root, change(address, {}, values, after_unknown={"arn": True}))


def test_checkouts_at_other_places_make_the_same_plan(tmp_path: Path) -> None:
    assert made(tmp_path / "one").fingerprint == made(tmp_path / "two").fingerprint


@pytest.mark.parametrize(
    "other", [{"value": "1024"}, {"address": "aws_lambda_function.other"}], ids=str
)
def test_another_change_is_another_plan(tmp_path: Path, other: dict[str, str]) -> None:
    assert made(tmp_path / "a").fingerprint != made(tmp_path / "b", **other).fingerprint


def test_another_plan_than_the_approved_one_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlocked = SimpleNamespace(holder=lambda: None)
    monkeypatch.setattr(infrastructure, "StateLock", lambda *_: unlocked)
    stack, out = made(tmp_path / "a"), tmp_path / "deploy.tfplan"

    assert infrastructure.plan(stack, "live", out, stack.fingerprint)  # type: ignore[arg-type]
    # What was shown was compared without reading the real resources; what is applied reads them.
    shown, applied = stack.called
    assert (shown["refresh"], applied) == (False, {"out": out})
    stack.called.clear()
    with pytest.raises(ShipError, match="not the one that was shown before the approval"):
        infrastructure.plan(stack, "live", out, "0" * 64)  # type: ignore[arg-type]
    assert [one["out"] == out for one in stack.called] == [False]


@pytest.mark.parametrize(
    ("uses", "said"), [(("sqs",), "3 in shop-dev-gone, 1 in shop-dev-gone-dead"), ((), "")]
)
def test_queues_of_events_that_are_gone_are_asked_for_messages(
    tmp_path: Path, uses: tuple[str, ...], said: str
) -> None:
    counts = {"gone": (1, 1, 1), "gone-dead": (1, 0, 0), "kept": (5, 5, 5), "empty": (0, 0, 0)}

    def attributes(QueueUrl: str, AttributeNames: list[str]) -> Any:  # noqa: N803 - boto3's
        found = counts[QueueUrl.removeprefix("https://sqs/")]
        return {"Attributes": dict(zip(AttributeNames, map(str, found), strict=True))}

    def queue(name: str) -> dict[str, Any]:
        return {"name": f"shop-dev-{name}", "url": f"https://sqs/{name}"}

    state = {
        'aws_sqs_queue.dead_events["gone"]': queue("gone-dead"),
        'aws_sqs_queue.events["empty"]': queue("empty"),
        'aws_sqs_queue.events["gone"]': queue("gone"),
        'aws_sqs_queue.events["kept"]': queue("kept"),
        "aws_sqs_queue.jobs": queue("the-owner-s"),
    }
    project = SimpleNamespace(uses=uses, application=SimpleNamespace(events={"kept": None}))
    sqs = SimpleNamespace(get_queue_attributes=attributes)
    found = infrastructure.describe_messages(
        SimpleNamespace(project=project),  # type: ignore[arg-type]
        SimpleNamespace(client=lambda _: sqs),  # type: ignore[arg-type]
        SimpleNamespace(state=lambda: state),  # type: ignore[arg-type]
    )

    assert ", ".join(sorted(found.split(", "), key=len)) == said


def secret(context: Stack, monkeypatch: pytest.MonkeyPatch, wanted: int, pending: str = "") -> Any:
    """Whether an apply gets through, where the value with the number 2 is applied."""
    context.project.edges["live"] = Edge(origin_secret=wanted)
    store: dict[str, Any] = {
        "exists": lambda: True,
        "stack": lambda: SimpleNamespace(origin_secret=2),
        "read_state": lambda: ("state", ""),
    }
    found: Any = context
    found.clients, found.store = lambda _: "clients", lambda *_: SimpleNamespace(**store)
    monkeypatch.setattr(infrastructure, "pending_configuration", lambda *_: pending)
    monkeypatch.setattr(domain, "prepare", lambda *_: None)
    lock = SimpleNamespace(hold=lambda: nullcontext(False))
    monkeypatch.setattr(infrastructure, "StateLock", lambda *_: lock)
    found.apply = lambda saved: context.called.append({"saved": saved})
    infrastructure.apply(found, "live")


@pytest.mark.parametrize(
    ("wanted", "pending"),
    [(2, ""), (2, "variable ORIGIN_VERIFY changed"), (3, "variable X changed"), (1, "")],
)
def test_the_next_origin_secret_may_be_drawn_once_the_last_is_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: int, pending: str
) -> None:
    context = made(tmp_path)

    secret(context, monkeypatch, wanted, pending)

    assert context.called == [{"saved": None}]


@pytest.mark.parametrize(
    ("wanted", "pending", "said"),
    [
        (4, "", "from 2 to 4"),
        (3, "memory 1 → 2 MB, variable ORIGIN_VERIFY changed", "does not know the newest"),
    ],
)
def test_no_apply_leaves_cloudfront_and_the_live_version_without_a_common_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: int, pending: str, said: str
) -> None:
    context = made(tmp_path)

    with pytest.raises(ShipError, match=said):
        secret(context, monkeypatch, wanted, pending)

    assert not context.called
