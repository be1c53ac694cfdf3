import pytest

from app.config import Settings


def test_without_any_variable_the_defaults_hold() -> None:
    assert Settings.from_environment({}) == Settings()


def test_the_functions_variables_are_read() -> None:
    assert Settings.from_environment(
        {
            "ENVIRONMENT": "pr-12",
            "PARAMETER_PREFIX": "/serverless-flask/pr-12/public",
            "PARAMETER_TTL_SECONDS": "90",
            "METRICS_NAMESPACE": "metrics",
            "ALARM_PREFIX": "serverless-flask-pr-12-",
            "STATUS_TTL_SECONDS": "300",
        }
    ) == Settings(
        environment="pr-12",
        parameter_prefix="/serverless-flask/pr-12/public",
        parameter_ttl=90.0,
        metrics_namespace="metrics",
        alarm_prefix="serverless-flask-pr-12-",
        status_ttl=300.0,
    )


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("PARAMETER_TTL_SECONDS", "soon", "set a number of seconds from 1 to 86400"),
        ("PARAMETER_TTL_SECONDS", "0", "from 1 to 86400"),
        ("PARAMETER_TTL_SECONDS", "nan", "from 1 to 86400"),
        ("PARAMETER_TTL_SECONDS", "inf", "from 1 to 86400"),
        ("STATUS_TTL_SECONDS", "0.5", "STATUS_TTL_SECONDS is '0.5'; set a number of seconds"),
        ("STATUS_TTL_SECONDS", "86401", "from 1 to 86400"),
        ("ALARM_PREFIX", "serverless-flask-pr-1", "set what .* begin with, with a hyphen"),
        ("ALARM_PREFIX", "-", "with a hyphen"),
        ("ALARM_PREFIX", "a b-", "with a hyphen"),
        ("PARAMETER_PREFIX", "/", "set an absolute path that ends in /public"),
        ("PARAMETER_PREFIX", "/serverless-flask/dev/private", "ends in /public"),
        ("PARAMETER_PREFIX", "/serverless-flask/dev/public/", "ends in /public"),
        ("PARAMETER_PREFIX", "serverless-flask/dev/public", "ends in /public"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_a_hint(
    name: str, value: str, hint: str
) -> None:
    with pytest.raises(ValueError, match=hint):
        Settings.from_environment({name: value})
