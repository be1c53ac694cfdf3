"""Only one random key pair is root, and nobody is once it is withdrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from emulator import Credentials, Emulator, EmulatorError
from emulator.patches.root import RootFile, RootKey

from ..account import Account, error_code
from ..serving import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVERYBODY = (
    Credentials("test", "test"),
    Credentials("000000000000", "test"),
    Credentials("123456789012", "test"),
    Credentials("AKIAAAAAAAAAAAAAAAAA", "test"),
)
CALLS = (
    ("sts", "get_caller_identity"),
    ("iam", "list_roles"),
    ("lambda", "list_functions"),
    ("s3", "list_buckets"),
    ("ssm", "describe_parameters"),
    ("apigatewayv2", "get_apis"),
)


@pytest.fixture(scope="module")
def own_emulator(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator of these tests' own, for they withdraw its root."""
    made = Emulator(tmp_path_factory.mktemp("root") / "home", python, free_port())
    made.start()
    yield made
    made.stop()


@pytest.fixture
def root(own_emulator: Emulator) -> Account:
    """The account of the module's emulator, for a new root."""
    running = own_emulator.running()
    assert running
    return Account(running.endpoint, own_emulator.restore_root())


@pytest.mark.parametrize("pair", EVERYBODY, ids=lambda pair: pair.access_key_id)
@pytest.mark.parametrize(("service", "operation"), CALLS)
def test_a_well_known_key_is_nobody(
    account: Account, pair: Credentials, service: str, operation: str
) -> None:
    somebody = Account(account.endpoint, pair)
    assert error_code(getattr(somebody.client(service), operation)) != ""


@pytest.mark.parametrize(("service", "operation"), CALLS)
def test_roots_key_with_another_secret_is_nobody(
    account: Account, service: str, operation: str
) -> None:
    pair = Credentials(account.credentials.access_key_id, "guessed")
    code = error_code(getattr(Account(account.endpoint, pair).client(service), operation))
    assert code in ("SignatureDoesNotMatch", "InvalidSignatureException")


@pytest.mark.parametrize(("service", "operation"), CALLS)
def test_root_may_do_all(account: Account, service: str, operation: str) -> None:
    assert error_code(getattr(account.client(service), operation)) == ""


def test_without_the_mend_everybody_is_root_and_no_secret_is_asked_for(unmended: Account) -> None:
    for name in ("test", "000000000000"):
        somebody = Account(unmended.endpoint, Credentials(name, "guessed"))
        assert error_code(somebody.client("iam").list_roles) == ""
    keyless = httpx.get(
        f"{unmended.endpoint}/2015-03-31/functions/", headers={"authorization": "Bearer x"}
    )
    assert keyless.status_code == 200


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer x"}], ids=["none", "odd"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("PUT", "/new-bucket"),
        ("GET", "/2015-03-31/functions/"),
        ("GET", "/v2/apis"),
        ("POST", "/?Action=ListRoles&Version=2010-05-08"),
        ("GET", "/2020-05-31/distribution"),
    ],
)
def test_whoever_has_no_key_is_nobody(
    account: Account, method: str, path: str, headers: dict[str, str]
) -> None:
    assert httpx.request(method, account.endpoint + path, headers=headers).status_code == 403


def test_an_open_route_answers_whoever_has_no_key(account: Account) -> None:
    api = account.api(account.function())
    assert httpx.get(f"{api}/api/x").status_code == 200
    assert httpx.get(f"{api}/elsewhere").status_code == 404
    odd = httpx.get(f"{api}/api/x", headers={"authorization": "Bearer x"})
    assert odd.status_code == 200


def test_a_bucket_that_is_public_answers_whoever_has_no_key_and_a_private_one_does_not(
    account: Account,
) -> None:
    account.client("s3").create_bucket(
        Bucket="private-one", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    account.client("s3").put_object(Bucket="private-one", Key="a", Body=b"a")
    assert httpx.get(f"{account.endpoint}/private-one/a").status_code == 403
    assert httpx.put(f"{account.endpoint}/private-one/b", content=b"b").status_code == 403


def test_withdrawal_ends_root_and_what_came_from_it_at_once(
    own_emulator: Emulator, root: Account
) -> None:
    sts = root.client("sts")
    sessions = [sts.get_session_token(), sts.get_federation_token(Name="somebody")]
    kept = [_session(root, found["Credentials"]) for found in sessions]
    assert [error_code(one.client("iam").list_roles) for one in [root, *kept]][:1] == [""]
    own_emulator.withdraw_root()
    for one in (root, *kept):
        assert error_code(one.client("iam").list_roles) == "InvalidClientTokenId"
        assert error_code(one.client("sts").get_caller_identity) == "InvalidClientTokenId"


def test_roles_functions_and_sites_go_on_without_root(
    own_emulator: Emulator, root: Account
) -> None:
    api = root.api(root.function())
    root.site("dev", api)
    role = root.role({"AWS": "arn:aws:iam::000000000000:root"})
    root.allow(role["RoleName"], {"Effect": "Allow", "Action": "iam:ListRoles", "Resource": "*"})
    acting = root.assume(role["Arn"])
    own_emulator.withdraw_root()
    assert error_code(acting.client("iam").list_roles) == ""
    door = own_emulator.site_url("dev")
    assert httpx.get(door).text == "<h1>Hello</h1>"
    variables = httpx.get(f"{door}/api/x").json()["environment"]
    function = _session(
        root,
        {
            "AccessKeyId": variables["AWS_ACCESS_KEY_ID"],
            "SecretAccessKey": variables["AWS_SECRET_ACCESS_KEY"],
            "SessionToken": variables["AWS_SESSION_TOKEN"],
        },
    )
    assert ":assumed-role/" in function.client("sts").get_caller_identity()["Arn"]


def test_withdrawn_root_is_a_fault_and_restored_root_another_key(own_emulator: Emulator) -> None:
    before = own_emulator.restore_root()
    own_emulator.withdraw_root()
    with pytest.raises(EmulatorError, match="withdrawn"):
        own_emulator.root()
    assert own_emulator.restore_root() != before
    assert before.secret_access_key not in repr(before)


def test_the_root_file_is_read_anew_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "root.json"
    root = RootFile(file)
    assert root.key() == RootKey()
    file.write_text('{"access_key_id": "A", "secret_access_key": "B"}')
    assert root.key() == RootKey("A", "B")
    other = tmp_path / "other.json"
    other.write_text('{"withdrawn": 1}')
    other.replace(file)
    assert root.key() == RootKey()


def _session(account: Account, keys: dict[str, str]) -> Account:
    pair = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"])
    return Account(account.endpoint, pair, keys["SessionToken"])
