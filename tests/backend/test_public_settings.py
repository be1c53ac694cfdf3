from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from app.public_settings import PublicSettings, SettingsCache, merge
from lambda_adapter.aws import Parameter
from lambda_adapter.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable


def given(**values: str) -> list[Parameter]:
    return [Parameter(name, value, secret=False) for name, value in values.items()]


def test_values_are_typed() -> None:
    values, faults = merge(
        PublicSettings(),
        given(title=" Hello ", notice="", refresh_seconds="5", maintenance="TRUE"),
    )

    assert values == PublicSettings("Hello", "", 5, maintenance=True)
    assert faults == ()


@pytest.mark.parametrize("value", ["none", " None ", "", " "])
def test_a_notice_of_none_is_no_notice(value: str) -> None:
    assert merge(PublicSettings(), given(notice=value)) == (PublicSettings(), ())


def test_a_parameter_that_was_deleted_falls_back_to_its_default() -> None:
    before = PublicSettings(title="Hello", notice="Careful", refresh_seconds=5)

    assert merge(before, given(title="Hello"))[0] == PublicSettings(title="Hello")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("title", "", "is empty; give the page a title"),
        ("title", "x" * 81, "no single line of at most 80 characters; shorten it"),
        ("title", "two\nlines", "no single line"),
        ("notice", "x" * 501, "at most 500"),
        ("notice", "bell\x07", "no single line"),
        ("refresh_seconds", "4", "no whole number of seconds from 5 to 3600; set one"),
        ("refresh_seconds", "3601", "no whole number"),
        ("refresh_seconds", "1e3", "no whole number"),
        ("refresh_seconds", "-5", "no whole number"),
        ("refresh_seconds", "\u0663\u0660", "no whole number"),
        ("refresh_seconds", "9" * 5000, "no whole number"),
        ("maintenance", "yes", "neither true nor false; set one of them"),
    ],
)
def test_a_bad_value_is_told_without_itself_and_leaves_the_last_good_one(
    name: str, value: str, words: str
) -> None:
    before = PublicSettings("Before", "Careful", 45, maintenance=True)
    good = given(title="Before", notice="Careful", refresh_seconds="45", maintenance="true")
    bad = [Parameter(name, value, secret=False)]

    values, faults = merge(before, [*good, *bad])

    assert values == before
    assert len(faults) == 1
    assert faults[0].startswith(f"parameter {name} is")
    assert words in faults[0]
    assert not value or value not in faults[0]


def test_a_secure_string_is_never_shown() -> None:
    values, faults = merge(PublicSettings(), [Parameter("notice", "canary", secret=True)])

    assert values.notice == ""
    assert "canary" not in faults[0]
    assert "make it a String" in faults[0]


def test_an_unknown_parameter_is_told_and_not_shown() -> None:
    values, faults = merge(PublicSettings(), given(title="Hello", secret_key="canary"))

    assert values == PublicSettings(title="Hello")
    assert faults == ("parameter 'secret_key' is not a known setting; remove it",)


def test_no_parameter_at_all_is_a_wrong_prefix() -> None:
    with pytest.raises(ServiceError, match="create them with `ship apply`"):
        merge(PublicSettings(), [])


def test_without_a_reader_the_defaults_hold() -> None:
    cache = SettingsCache(None, ttl=60)

    assert not cache.configured
    assert cache.current().values == PublicSettings()


def test_a_bad_value_leaves_the_one_that_was_read_before() -> None:
    class Reader:
        parameters = given(title="Hello", refresh_seconds="5")

        def read(self) -> Iterable[Parameter]:
            return self.parameters

    reader, now = Reader(), [1_000_000.0]
    cache = SettingsCache(reader, ttl=60, clock=lambda: now[0])
    assert cache.current().values == PublicSettings(title="Hello", refresh_seconds=5)

    reader.parameters = given(title="Sandbox", refresh_seconds="canary")
    now[0] += 60

    snapshot = cache.current()
    assert snapshot.values == PublicSettings(title="Sandbox", refresh_seconds=5)
    assert len(snapshot.faults) == 1


def test_settings_are_plain_json() -> None:
    assert json.dumps(vars(PublicSettings()))
