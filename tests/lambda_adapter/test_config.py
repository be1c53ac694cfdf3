from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lambda_adapter.config import Credentials, Release, Settings
from lambda_adapter.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


def read(root: Path, **environ: str) -> Settings:
    return Settings.from_environment(environ, root)


def test_without_any_variable_it_is_a_source_tree_on_a_laptop(tmp_path: Path) -> None:
    settings = read(tmp_path)

    assert settings == Settings()
    assert settings.environment == "local"
    assert settings.release == Release("development", "")
    assert settings.credentials is None


def test_variables_of_the_function_are_read(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        ENVIRONMENT="pr-12",
        PARAMETER_PREFIX="/serverless-flask/pr-12/public",
        PARAMETER_TTL_SECONDS="90",
        LOG_LEVEL="debug",
        AWS_LAMBDA_FUNCTION_VERSION="3",
        AWS_REGION="eu-west-1",
        BASE_PATH="v1/",
        TRUSTED_HOSTS="www.example.org, .Example.com",
        CORS_ORIGIN="https://www.example.org",
        METRICS_NAMESPACE="",
        ALARM_PREFIX="serverless-flask-pr-12-",
        STATUS_TTL_SECONDS="300",
    )

    assert settings == Settings(
        environment="pr-12",
        parameter_prefix="/serverless-flask/pr-12/public",
        parameter_ttl=90.0,
        log_level="DEBUG",
        function_version="3",
        region="eu-west-1",
        ssm_endpoint="https://ssm.eu-west-1.amazonaws.com",
        base_path="/v1",
        trusted_hosts=("www.example.org", ".example.com"),
        cors_origin="https://www.example.org",
        metrics_namespace="",
        cloudwatch_endpoint="https://monitoring.eu-west-1.amazonaws.com",
        lambda_endpoint="https://lambda.eu-west-1.amazonaws.com",
        alarm_prefix="serverless-flask-pr-12-",
        status_ttl=300.0,
    )


def test_the_release_is_read_from_the_folder_that_holds_the_package(tmp_path: Path) -> None:
    known = {"release": "20261123-42-1a2b3c4", "commit": "1a" * 20, "sequence": 42}
    (tmp_path / "release.json").write_text(json.dumps(known))

    assert read(tmp_path).release == Release("20261123-42-1a2b3c4", "1a" * 20)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"release": "x"}', "null", "\x00"])
def test_a_release_file_that_says_nothing_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "release.json").write_text(content)

    with pytest.raises(ConfigurationError, match="build it again with `ship build`"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("LOG_LEVEL", "LOUD", "set one of DEBUG, INFO"),
        ("PARAMETER_TTL_SECONDS", "soon", "set a number of seconds from 1 to 86400"),
        ("PARAMETER_TTL_SECONDS", "0", "from 1 to 86400"),
        ("PARAMETER_TTL_SECONDS", "nan", "from 1 to 86400"),
        ("PARAMETER_TTL_SECONDS", "inf", "from 1 to 86400"),
        ("STATUS_TTL_SECONDS", "0.5", "STATUS_TTL_SECONDS is '0.5'; set a number of seconds"),
        ("ALARM_PREFIX", "serverless-flask-pr-1", "set what .* begin with, up to a hyphen"),
        ("ALARM_PREFIX", "-", "up to a hyphen"),
        ("ALARM_PREFIX", "a b-", "up to a hyphen"),
        ("PARAMETER_PREFIX", "/", "set an absolute path that ends in /public"),
        ("PARAMETER_PREFIX", "/serverless-flask/dev", "ends in /public"),
        ("PARAMETER_PREFIX", "/serverless-flask/dev/private", "ends in /public"),
        ("PARAMETER_PREFIX", "/serverless-flask/dev/public/", "ends in /public"),
        ("PARAMETER_PREFIX", "serverless-flask/dev/public", "ends in /public"),
        ("CORS_ORIGIN", "*", "set one origin like https://www.example.org"),
        ("CORS_ORIGIN", "https://a.example\r\nX-Evil: 1", "set one origin"),
        ("AWS_ENDPOINT_URL", "127.0.0.1:4566", "set AWS_ENDPOINT_URL to an http:// or https://"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_a_remedy(
    tmp_path: Path, name: str, value: str, hint: str
) -> None:
    with pytest.raises(ConfigurationError, match=hint):
        read(tmp_path, **{name: value})


@pytest.mark.parametrize(
    ("environ", "endpoint"),
    [
        ({}, "https://ssm.eu-central-1.amazonaws.com"),
        ({"AWS_DEFAULT_REGION": "us-east-2"}, "https://ssm.us-east-2.amazonaws.com"),
        ({"AWS_REGION": "cn-north-1"}, "https://ssm.cn-north-1.amazonaws.com.cn"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566/"}, "http://127.0.0.1:4566"),
        (
            {"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_SSM": "https://ssm.example"},
            "https://ssm.example",
        ),
    ],
)
def test_the_endpoint_follows_the_rule_of_the_sdks(
    tmp_path: Path, environ: dict[str, str], endpoint: str
) -> None:
    assert read(tmp_path, **environ).ssm_endpoint == endpoint


def test_each_service_has_an_endpoint_of_its_own(tmp_path: Path) -> None:
    beijing = read(tmp_path, AWS_REGION="cn-north-1")
    assert beijing.cloudwatch_endpoint == "https://monitoring.cn-north-1.amazonaws.com.cn"
    given = {"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_CLOUDWATCH": "https://mine"}
    assert read(tmp_path, **given).cloudwatch_endpoint == "https://mine"
    assert read(tmp_path, **given).ssm_endpoint == "http://all"


def test_credentials_are_read_and_never_shown(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        AWS_ACCESS_KEY_ID="AKIDEXAMPLE",
        AWS_SECRET_ACCESS_KEY="canary-secret",
        AWS_SESSION_TOKEN="canary-token",
    )

    assert settings.credentials == Credentials("AKIDEXAMPLE", "canary-secret", "canary-token")
    assert "canary" not in repr(settings)


@pytest.mark.parametrize(
    "environ", [{"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE"}, {"AWS_SECRET_ACCESS_KEY": "secret"}]
)
def test_half_a_key_is_none(tmp_path: Path, environ: dict[str, str]) -> None:
    assert read(tmp_path, **environ).credentials is None
