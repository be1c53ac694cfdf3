from __future__ import annotations

from typing import Any

from ship.github import comments

ROBOT = "github-actions[bot]"


class Hub:
    """A pull request's comments behind GitHub's paths."""

    def __init__(self, *kept: tuple[str, str]) -> None:
        self.kept = {number: list(one) for number, one in enumerate(kept, 1)}
        self.calls: list[str] = []

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        self.calls.append(f"{method} {path}")
        if method == "POST":
            self.kept[len(self.kept) + 1] = [ROBOT, body["body"]]
        elif method == "PATCH":
            self.kept[int(path.rpartition("/")[2])][1] = body["body"]
        else:
            page = int(path.rpartition("=")[2])
            found = [
                {"id": number, "user": {"login": who}, "body": text}
                for number, (who, text) in self.kept.items()
            ]
            return found[(page - 1) * 100 : page * 100]
        return {}

    def settle(self, name: str, text: str) -> str:
        return comments.settle("o/r", 7, name, text, self)

    @property
    def texts(self) -> list[str]:
        return [text.partition("\n")[2] for _, text in self.kept.values()]


def test_a_comment_is_written_once_and_then_kept_up_to_date() -> None:
    hub = Hub()

    assert [hub.settle("preview", "one"), hub.settle("preview", "two")] == ["written", "updated"]
    assert hub.texts == ["two"]


def test_two_names_are_two_comments() -> None:
    hub = Hub()

    for name in ("checks", "preview", "checks"):
        hub.settle(name, f"of {name}")

    assert hub.texts == ["of checks", "of preview"]


def test_what_a_person_writes_is_never_changed() -> None:
    copied = "<!-- ship: preview -->\nmine"
    hub = Hub(("ann", copied), (ROBOT, f"quoted\n{copied}"))

    assert hub.settle("preview", "new") == "written"
    assert [text for _, text in hub.kept.values()][:2] == [copied, f"quoted\n{copied}"]


def test_it_is_found_behind_a_hundred_others() -> None:
    hub = Hub(*[("ann", "hello")] * 100, (ROBOT, "<!-- ship: preview -->\nold"))

    assert hub.settle("preview", "new") == "updated"
    assert len(hub.kept) == 101
    assert hub.calls[-1] == "PATCH repos/o/r/issues/comments/101"


def test_what_is_too_long_is_cut() -> None:
    hub = Hub()

    hub.settle("preview", "x" * 70_000)

    assert len(hub.kept[1][1]) < 65_536
