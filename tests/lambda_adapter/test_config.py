import json
from pathlib import Path

import pytest

from lambda_adapter.config import CloudFront, Release, Settings
from lambda_adapter.errors import ConfigurationError


def read(folder: Path, **environ: str) -> Settings:
    return Settings.from_environment(environ, folder)


def test_without_any_variable_it_is_a_source_tree_on_a_laptop(tmp_path: Path) -> None:
    settings = read(tmp_path)

    assert settings == Settings()
    assert settings.environment == "local"
    assert settings.release == Release("development", "", "")


def test_variables_of_the_function_are_read(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        ENVIRONMENT="pr-12",
        LOG_LEVEL="debug",
        AWS_LAMBDA_FUNCTION_VERSION="3",
        METRICS_NAMESPACE="serverless-flask",
        SITE_URL="https://d123.cloudfront.net",
        ORIGIN_VERIFY="4f1d",
        API_BEHIND_CLOUDFRONT="true",
        LOGIN_PATHS="/account/ /orders/",
        SETTINGS_PATH="/serverless-flask/pr-12",
    )

    assert settings == Settings(
        environment="pr-12",
        log_level="DEBUG",
        function_version="3",
        metrics_namespace="serverless-flask",
        cloudfront=CloudFront("https", "d123.cloudfront.net", "4f1d"),
        behind_cloudfront=True,
        login_paths=("/account/", "/orders/"),
        settings_path="/serverless-flask/pr-12",
    )


def test_the_emulators_site_has_a_port(tmp_path: Path) -> None:
    found = read(tmp_path, SITE_URL="http://127.0.0.1:4567", ORIGIN_VERIFY="4f1d").cloudfront

    assert found == CloudFront("http", "127.0.0.1:4567", "4f1d")


@pytest.mark.parametrize("missing", ["SITE_URL", "ORIGIN_VERIFY"])
def test_there_is_no_distribution_without_its_url_and_its_mark(
    missing: str, tmp_path: Path
) -> None:
    given = {"SITE_URL": "https://d123.cloudfront.net", "ORIGIN_VERIFY": "4f1d", missing: ""}

    assert read(tmp_path, **given).cloudfront is None


@pytest.mark.parametrize("url", ["d123.cloudfront.net", "https://", "https://x/", "ftp://x"])
def test_a_site_url_that_is_none_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"SITE_URL is .*; set it to https:// and a host"):
        read(tmp_path, SITE_URL=url, ORIGIN_VERIFY="4f1d")


def test_the_release_is_read_from_the_package_s_folder(tmp_path: Path) -> None:
    known = {"release": "20261123-42-1a2b3c4", "commit": "1a" * 20, "sequence": 42}
    (tmp_path / "release.json").write_text(json.dumps(known | {"factory": "wsgi:app"}))

    assert read(tmp_path).release == Release("20261123-42-1a2b3c4", "1a" * 20, "wsgi:app")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"release": "x", "commit": "x"}', "null", "\x00"]
)
def test_a_release_file_that_says_nothing_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "release.json").write_text(content)

    with pytest.raises(ConfigurationError, match="build it again with `ship build`"):
        read(tmp_path)


@pytest.mark.parametrize("level", ["LOUD", "5", "WARN"])
def test_a_log_level_that_does_not_exist_is_refused(tmp_path: Path, level: str) -> None:
    with pytest.raises(ConfigurationError, match="set one of DEBUG, INFO"):
        read(tmp_path, LOG_LEVEL=level)
