"""Only one random key pair is root, and nobody is once it is withdrawn."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator import Credentials, Emulator, EmulatorError

from ..account import Account, browser, error_code
from ..serving import free_port

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
    made = Emulator(tmp_path_factory.mktemp("root") / "folder", python, free_port())
    made.start()
    yield made
    made.stop()


@pytest.fixture
def root(own_emulator: Emulator) -> Account:
    """The account of the module's emulator, for a new root."""
    running = own_emulator.running()
    assert running
    return Account(running.endpoint, own_emulator.restore_root())


@pytest.mark.parametrize(("service", "operation"), CALLS)
def test_only_roots_key_and_secret_are_root(account: Account, service: str, operation: str) -> None:
    def code(pair: Credentials) -> str:
        somebody = Account(account.endpoint, pair)
        return error_code(getattr(somebody.client(service), operation))

    assert "" not in [code(pair) for pair in EVERYBODY]
    guessed = Credentials(account.credentials.access_key_id, "guessed")
    assert code(guessed) in ("SignatureDoesNotMatch", "InvalidSignatureException")
    assert code(account.credentials) == ""


def test_without_the_patch_everybody_is_root(unpatched: Account) -> None:
    for name in ("test", "000000000000"):
        somebody = Account(unpatched.endpoint, Credentials(name, "guessed"))
        assert error_code(somebody.client("iam").list_roles) == ""
    functions = f"{unpatched.endpoint}/2015-03-31/functions/"
    assert browser.get(functions, headers={"authorization": "Bearer x"}).status_code == 200


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
def test_a_request_without_a_key_is_refused(account: Account, method: str, path: str) -> None:
    for headers in ({}, {"authorization": "Bearer x"}):
        answer = browser.request(method, account.endpoint + path, headers=headers)
        assert answer.status_code == 403


def test_an_open_route_answers_without_a_key(account: Account) -> None:
    api = account.echo
    assert browser.get(f"{api}/api/x").status_code == 200
    assert browser.get(f"{api}/elsewhere").status_code == 404
    bearer = browser.get(f"{api}/api/x", headers={"authorization": "Bearer x"})
    assert bearer.status_code == 200


def test_a_private_bucket_refuses_a_request_without_a_key(account: Account) -> None:
    bucket = account.bucket()
    account.client("s3").put_object(Bucket=bucket, Key="a", Body=b"a")
    assert browser.get(f"{account.endpoint}/{bucket}/a").status_code == 403
    assert browser.put(f"{account.endpoint}/{bucket}/b", content=b"b").status_code == 403


def test_withdrawal_ends_root_and_its_sessions(own_emulator: Emulator, root: Account) -> None:
    sts = root.client("sts")
    sessions = [sts.get_session_token(), sts.get_federation_token(Name="somebody")]
    accounts = [root, *(root.using(found["Credentials"]) for found in sessions)]
    assert error_code(root.client("iam").list_roles) == ""
    own_emulator.withdraw_root()
    for one in accounts:
        assert error_code(one.client("iam").list_roles) == "InvalidClientTokenId"
        assert error_code(one.client("sts").get_caller_identity) == "InvalidClientTokenId"


def test_all_else_goes_on_without_root(own_emulator: Emulator, root: Account) -> None:
    api = root.api(root.function())
    root.site("dev", api)
    acting = root.acting({"Effect": "Allow", "Action": "iam:ListRoles", "Resource": "*"})
    own_emulator.withdraw_root()
    assert error_code(acting.client("iam").list_roles) == ""
    site = own_emulator.site_url("dev")
    assert browser.get(site).text == "<h1>Hello</h1>"
    variables = browser.get(f"{site}/api/x").json()["environment"]
    names = {"AccessKeyId": "ACCESS_KEY_ID", "SecretAccessKey": "SECRET_ACCESS_KEY"}
    names["SessionToken"] = "SESSION_TOKEN"
    function = root.using({name: variables[f"AWS_{key}"] for name, key in names.items()})
    assert ":assumed-role/" in function.client("sts").get_caller_identity()["Arn"]


def test_withdrawn_root_is_an_error_and_restored_root_another_key(own_emulator: Emulator) -> None:
    before = own_emulator.restore_root()
    own_emulator.withdraw_root()
    with pytest.raises(EmulatorError, match="withdrawn"):
        own_emulator.root()
    assert own_emulator.restore_root() != before
    assert before.secret_access_key not in repr(before)
