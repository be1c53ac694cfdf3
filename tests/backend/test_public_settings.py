import pytest

from app.parameters import Parameter
from app.public_settings import PublicSettings, merge
from lambda_adapter.errors import ServiceError


def given(**values: str) -> list[Parameter]:
    return [Parameter(name, value) for name, value in values.items()]


def test_values_are_typed() -> None:
    values, warnings = merge(
        PublicSettings(),
        given(title=" Hello ", notice="", refresh_seconds="5", maintenance="TRUE"),
    )

    assert values == PublicSettings("Hello", "", 5, maintenance=True)
    assert warnings == ()


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
        ("title", "x" * 81, "not a single line of at most 80 characters; shorten it"),
        ("title", "two\nlines", "not a single line"),
        ("notice", "x" * 501, "at most 500"),
        ("notice", "bell\x07", "not a single line"),
        ("refresh_seconds", "4", "not a whole number of seconds from 5 to 3600; set one"),
        ("refresh_seconds", "3601", "not a whole number"),
        ("refresh_seconds", "1e3", "not a whole number"),
        ("refresh_seconds", "-5", "not a whole number"),
        ("refresh_seconds", "\u0663\u0660", "not a whole number"),
        ("refresh_seconds", "9" * 5000, "not a whole number"),
        ("maintenance", "yes", "neither true nor false; set one of them"),
    ],
)
def test_a_bad_value_is_named_without_itself_and_leaves_the_last_good_one(
    name: str, value: str, words: str
) -> None:
    before = PublicSettings("Before", "Careful", 45, maintenance=True)
    good = given(title="Before", notice="Careful", refresh_seconds="45", maintenance="true")
    bad = [Parameter(name, value)]

    values, warnings = merge(before, [*good, *bad])

    assert values == before
    assert len(warnings) == 1
    assert warnings[0].startswith(f"parameter {name} is")
    assert words in warnings[0]
    assert not value or value not in warnings[0]


def test_a_secure_string_is_never_shown() -> None:
    values, warnings = merge(PublicSettings(), [Parameter("notice", "canary", secret=True)])

    assert values.notice == ""
    assert "canary" not in warnings[0]
    assert "make it a String" in warnings[0]


def test_an_unknown_parameter_is_named_and_dropped() -> None:
    values, warnings = merge(PublicSettings(), given(title="Hello", secret_key="canary"))

    assert values == PublicSettings(title="Hello")
    assert warnings == ("parameter 'secret_key' is not a known setting; remove it",)


def test_no_parameter_at_all_is_a_wrong_prefix() -> None:
    with pytest.raises(ServiceError, match="create them with `ship apply`"):
        merge(PublicSettings(), [])
