"""What is refused is named, in the answer and in the log; secrets take their key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from emulator.patches.resources import plain

from ..account import NUMBER, REGION, Account, is_refused, unique

if TYPE_CHECKING:
    from emulator import Emulator

ROOT = {"AWS": f"arn:aws:iam::{NUMBER}:root"}
ANY = {"Effect": "Allow", "Resource": "*"}


def test_the_answer_and_the_log_name_the_permission_that_is_missing(
    account: Account, emulator: Emulator
) -> None:
    role = account.role(ROOT)
    account.allow(role["RoleName"], ANY | {"Action": "lambda:*"})
    create = account.assume(role["Arn"]).client("lambda").create_function
    with pytest.raises(ClientError) as caught:
        create(
            FunctionName="named",
            Role=f"arn:aws:iam::{NUMBER}:role/passed",
            Code={"ZipFile": b"x"},
            Runtime="python3.13",
            Handler="a.b",
        )
    denied = f"iam:PassRole on resource: arn:aws:iam::{NUMBER}:role/passed"
    assert denied in str(caught.value)
    log = emulator._home.log.read_text()
    assert f"denied iam:PassRole on arn:aws:iam::{NUMBER}:role/passed to" in log


def test_a_role_passes_to_lambda_only_what_it_may_pass_to_lambda(account: Account) -> None:
    name = account.function()
    passed = account.role({"Service": "lambda.amazonaws.com"})["Arn"]
    role = account.role(ROOT)
    update = account.assume(role["Arn"]).client("lambda").update_function_configuration
    for service, refused in (("events.amazonaws.com", True), ("lambda.amazonaws.com", False)):
        condition = {"StringEquals": {"iam:PassedToService": service}}
        passing = {"Action": "iam:PassRole", "Resource": passed, "Condition": condition}
        account.allow(role["RoleName"], ANY | {"Action": "lambda:*"}, ANY | passing)
        assert is_refused(lambda: update(FunctionName=name, Role=passed)) is refused


def test_a_secret_parameter_takes_its_key_to_read_and_to_write(account: Account) -> None:
    key = account.client("kms").create_key()["KeyMetadata"]
    name = f"/{unique('shop')}/secret"
    secret = {"Name": name, "Value": "hidden", "Type": "SecureString", "KeyId": key["KeyId"]}
    account.client("ssm").put_parameter(**secret)
    role = account.role(ROOT)
    parameters = account.assume(role["Arn"]).client("ssm")
    calls = (
        lambda: parameters.get_parameter(Name=name, WithDecryption=True),
        lambda: parameters.get_parameters(Names=[name], WithDecryption=True),
        lambda: parameters.get_parameters_by_path(
            Path=name.rpartition("/")[0], WithDecryption=True
        ),
        lambda: parameters.put_parameter(**secret, Overwrite=True),
    )
    account.allow(role["RoleName"], ANY | {"Action": "ssm:*"})
    assert all(is_refused(call) for call in calls)
    assert not is_refused(lambda: parameters.get_parameter(Name=name))
    through = {"StringEquals": {"kms:ViaService": f"ssm.{REGION}.amazonaws.com"}}
    use = {"Action": ["kms:Decrypt", "kms:Encrypt"], "Resource": key["Arn"], "Condition": through}
    account.allow(role["RoleName"], ANY | {"Action": "ssm:*"}, ANY | use)
    assert not any(is_refused(call) for call in calls)


def test_without_the_mend_a_secret_parameter_takes_no_key(unmended: Account) -> None:
    key = unmended.client("kms").create_key()["KeyMetadata"]["KeyId"]
    unmended.client("ssm").put_parameter(
        Name="/shop/secret", Value="hidden", Type="SecureString", KeyId=key
    )
    role = unmended.role(ROOT)
    unmended.allow(role["RoleName"], ANY | {"Action": "ssm:*"})
    read = unmended.assume(role["Arn"]).client("ssm").get_parameter
    assert not is_refused(lambda: read(Name="/shop/secret", WithDecryption=True))


def test_an_alias_of_a_key_stands_for_the_key(account: Account) -> None:
    key = account.client("kms").create_key()["KeyMetadata"]
    alias = f"alias/{unique('shop')}"
    role = account.role(ROOT)
    keys = account.assume(role["Arn"]).client("kms")
    make = lambda: keys.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])  # noqa: E731
    on_alias = ANY | {"Action": "kms:*", "Resource": f"arn:aws:kms:{REGION}:{NUMBER}:{alias}"}
    on_key = ANY | {"Action": "kms:*", "Resource": key["Arn"]}
    account.allow(role["RoleName"], on_alias)
    assert is_refused(make)
    account.allow(role["RoleName"], on_alias, on_key)
    assert not is_refused(make)
    account.allow(role["RoleName"], on_key)
    assert not is_refused(lambda: keys.describe_key(KeyId=alias))


@pytest.mark.parametrize(("stage", "refused"), [("dev", False), ("production", True)])
def test_tags_of_a_resource_decide_whatever_its_arn_ends_in(
    account: Account, stage: str, refused: bool
) -> None:
    name, group = account.function(), f"/{unique('group')}"
    arn = f"arn:aws:lambda:{REGION}:{NUMBER}:function:{name}"
    account.client("lambda").tag_resource(Resource=arn, Tags={"stage": "dev"})
    account.client("logs").create_log_group(logGroupName=group, tags={"stage": "dev"})
    role = account.role(ROOT)
    tagged = {"Condition": {"StringEquals": {"aws:ResourceTag/stage": stage}}}
    account.allow(role["RoleName"], ANY | {"Action": ["lambda:*", "logs:*"]} | tagged)
    acting = account.assume(role["Arn"])
    invoke, find = acting.client("lambda").invoke, acting.client("logs").filter_log_events
    assert is_refused(lambda: invoke(FunctionName=name, Qualifier="live")) is refused
    assert is_refused(lambda: find(logGroupName=group)) is refused


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        ("arn:aws:lambda:r:1:function:f:live", "arn:aws:lambda:r:1:function:f"),
        ("arn:aws:lambda:r:1:function:f", "arn:aws:lambda:r:1:function:f"),
        ("arn:aws:logs:r:1:log-group:/g:log-stream:", "arn:aws:logs:r:1:log-group:/g"),
        ("arn:aws:s3:::bucket/key", "arn:aws:s3:::bucket/key"),
        ("*", "*"),
    ],
)
def test_tags_are_kept_under_the_plain_arn(arn: str, expected: str) -> None:
    assert plain(arn) == expected
