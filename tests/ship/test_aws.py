from collections.abc import Iterator
from pathlib import Path

import pytest

from ship import aws
from ship.errors import ShipError


@pytest.fixture
def _own_session() -> Iterator[None]:
    aws._session.cache_clear()
    yield
    aws._session.cache_clear()


@pytest.mark.usefixtures("_own_session")
def test_credentials_that_terraform_cannot_use_are_refused_with_the_way_to_pass_them_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[profile me]\nlogin_session = arn:aws:iam::111111111111:user/me\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "me")

    # No address: it is refused before AWS is asked.
    with pytest.raises(ShipError, match="cannot use credentials of `aws login`") as raised:
        aws.current_account("eu-north-1", "http://127.0.0.1:9")

    assert "aws configure export-credentials --format env" in raised.value.hint
