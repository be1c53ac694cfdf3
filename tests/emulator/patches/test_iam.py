"""What a request asks for is read from what it does; what is denied is named."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator import Emulator

from ..account import NUMBER, REGION, Account, function_config, is_refused, unique

ANY = {"Effect": "Allow", "Resource": "*"}


def test_changing_an_alias_takes_its_own_permission(either: Account) -> None:
    functions = either.acting(ANY | {"Action": "lambda:ListAliases"}).client("lambda")
    change = {"FunctionName": "any", "Name": "live", "FunctionVersion": "1"}
    assert is_refused(lambda: functions.update_alias(**change)) is either.patched
    if either.patched:
        assert not is_refused(lambda: functions.list_aliases(FunctionName="any"))


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("lambda", "delete_function", {"FunctionName": "any"}),
        ("s3", "delete_bucket", {"Bucket": "any"}),
        ("cloudfront", "delete_origin_access_control", {"Id": "any", "IfMatch": "any"}),
    ],
)
def test_a_header_cannot_choose_what_is_authorized(
    account: Account, service: str, operation: str, parameters: dict[str, Any]
) -> None:
    assert is_refused(_with_target(account, service, operation, parameters))


def test_without_the_patch_a_header_chooses_what_is_authorized(unpatched: Account) -> None:
    delete = _with_target(unpatched, "lambda", "delete_function", {"FunctionName": "any"})
    assert not is_refused(delete)


def _with_target(
    account: Account, service: str, operation: str, parameters: dict[str, Any]
) -> Callable[[], object]:
    client = account.acting(ANY | {"Action": f"{service}:Harmless"}).client(service)

    def name_another(request: Any, **_: object) -> None:
        request.headers["X-Amz-Target"] = "Any.Harmless"

    client.meta.events.register("before-sign", name_another)
    return lambda: getattr(client, operation)(**parameters)


def test_what_a_role_is_allowed_is_written_down_once(account: Account, emulator: Emulator) -> None:
    acting = account.acting(ANY | {"Action": "ssm:GetParameter"})
    for _ in range(2):
        assert not is_refused(lambda: acting.client("ssm").get_parameter(Name="any"))
    assert is_refused(lambda: acting.client("ssm").delete_parameter(Name="any"))

    arn = acting.client("sts").get_caller_identity()["Arn"]
    calls = emulator._directory.calls.read_text().splitlines()
    role = arn.split("/")[1]
    assert [call for call in calls if call.startswith(role)] == [
        f"{role} ssm:GetParameter arn:aws:ssm:{REGION}:{NUMBER}:parameter/any"
    ]


def test_a_denial_is_named_in_the_log_too(account: Account, emulator: Emulator) -> None:
    create = account.acting(ANY | {"Action": "lambda:*"}).client("lambda").create_function
    role = f"arn:aws:iam::{NUMBER}:role/passed"
    with pytest.raises(ClientError, match=f"iam:PassRole on resource: {role}"):
        create(**function_config("named"))
    assert f"denied iam:PassRole on {role} to" in emulator._directory.log.read_text()


@pytest.mark.parametrize("service", ["events.amazonaws.com", "lambda.amazonaws.com"])
def test_a_role_is_passed_to_one_service_only(account: Account, service: str) -> None:
    name = account.function()
    passed = account.role({"Service": "lambda.amazonaws.com"})["Arn"]
    condition = {"StringEquals": {"iam:PassedToService": service}}
    passing = ANY | {"Action": "iam:PassRole", "Resource": passed, "Condition": condition}
    functions = account.acting(ANY | {"Action": "lambda:*"}, passing).client("lambda")
    update = functions.update_function_configuration
    refused = is_refused(lambda: update(FunctionName=name, Role=passed))
    assert refused is (service != "lambda.amazonaws.com")


def test_a_secret_parameter_takes_its_key_to_read_and_to_write(either: Account) -> None:
    key = either.client("kms").create_key()["KeyMetadata"]
    name = f"/{unique('shop')}/secret"
    secret = {"Name": name, "Value": "hidden", "Type": "SecureString", "KeyId": key["KeyId"]}
    either.client("ssm").put_parameter(**secret)
    folder = name.rpartition("/")[0]
    through = {"StringEquals": {"kms:ViaService": f"ssm.{REGION}.amazonaws.com"}}
    use = {"Action": ["kms:Decrypt", "kms:Encrypt"], "Resource": key["Arn"], "Condition": through}

    for statements, refused in (((), either.patched), ((ANY | use,), False)):
        ssm = either.acting(ANY | {"Action": "ssm:*"}, *statements).client("ssm")
        calls = (
            lambda ssm=ssm: ssm.get_parameter(Name=name, WithDecryption=True),
            lambda ssm=ssm: ssm.get_parameters(Names=[name], WithDecryption=True),
            lambda ssm=ssm: ssm.get_parameters_by_path(Path=folder, WithDecryption=True),
            lambda ssm=ssm: ssm.put_parameter(**secret, Overwrite=True),
        )
        assert [is_refused(call) for call in calls] == [refused] * len(calls)
        assert not is_refused(lambda ssm=ssm: ssm.get_parameter(Name=name))


def test_an_alias_of_a_key_stands_for_the_key(account: Account) -> None:
    key = account.client("kms").create_key()["KeyMetadata"]
    alias = f"alias/{unique('shop')}"
    on_alias = ANY | {"Action": "kms:*", "Resource": f"arn:aws:kms:{REGION}:{NUMBER}:{alias}"}
    on_key = ANY | {"Action": "kms:*", "Resource": key["Arn"]}
    for statements, refused in (((on_alias,), True), ((on_alias, on_key), False)):
        create = account.acting(*statements).client("kms").create_alias
        call = lambda create=create: create(AliasName=alias, TargetKeyId=key["KeyId"])  # noqa: E731
        assert is_refused(call) is refused
    describe = account.acting(on_key).client("kms").describe_key
    assert not is_refused(lambda: describe(KeyId=alias))


@pytest.mark.parametrize(("stage", "refused"), [("dev", False), ("production", True)])
def test_the_tags_of_a_resource_decide_for_its_aliases_and_streams(
    account: Account, stage: str, refused: bool
) -> None:
    name, group = account.function(), f"/{unique('group')}"
    arn = f"arn:aws:lambda:{REGION}:{NUMBER}:function:{name}"
    account.client("lambda").tag_resource(Resource=arn, Tags={"stage": "dev"})
    account.client("logs").create_log_group(logGroupName=group, tags={"stage": "dev"})
    tagged = {"Condition": {"StringEquals": {"aws:ResourceTag/stage": stage}}}
    acting = account.acting(ANY | {"Action": ["lambda:*", "logs:*"]} | tagged)
    invoke, find = acting.client("lambda").invoke, acting.client("logs").filter_log_events
    assert is_refused(lambda: invoke(FunctionName=name, Qualifier="live")) is refused
    assert is_refused(lambda: find(logGroupName=group)) is refused
