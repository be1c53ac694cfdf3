"""What a plan is to create although it exists: how it is found on AWS, by type of resource.

Left out is what Terraform may create a second time without harm: AWS only sets it again (policies,
alarms, rules, parts of buckets).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ship.aws import aws_find

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ship.aws import Client, Clients

type _Values = dict[str, Any]


def find(plan: dict[str, Any], clients: Clients) -> dict[str, str]:
    """What a plan (as `terraform show -json` prints it) would create, and exists.

    Returns:
        The provider's id for imports, by address.
    """
    found = {}
    for change in plan.get("resource_changes", []):
        finder = _FINDERS.get(change["type"])
        if finder and change["change"]["actions"] == ["create"]:
            service, identify = finder
            client, values = clients.client(service), change["change"]["after"]

            def call(
                identify: _Identify = identify, client: Client = client, values: _Values = values
            ) -> str | None:
                return identify(client, values)

            if identity := aws_find(call, f"{change['address']} cannot be looked for"):
                found[change["address"]] = identity
    return found


# --- by name ---


def _log_group(logs: Client, values: _Values) -> str | None:
    name = values["name"]
    listed = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return _first(name for one in listed if one["logGroupName"] == name)


def _parameter(ssm: Client, values: _Values) -> str | None:
    # Describing a parameter tells no value, and needs no key.
    name = values["name"]
    chosen = [{"Key": "Name", "Values": [name]}]
    return _first(
        one["Name"]
        for one in _pages(ssm, "describe_parameters", "Parameters", ParameterFilters=chosen)
    )


def _bucket(s3: Client, values: _Values) -> str | None:
    s3.head_bucket(Bucket=values["bucket"])
    return str(values["bucket"])


def _role(iam: Client, values: _Values) -> str | None:
    return str(iam.get_role(RoleName=values["name"])["Role"]["RoleName"])


def _function(client: Client, values: _Values) -> str | None:
    name = values["function_name"]
    return str(client.get_function_configuration(FunctionName=name)["FunctionName"])


def _alias(client: Client, values: _Values) -> str | None:
    name, function = values["name"], values["function_name"]
    client.get_alias(FunctionName=function, Name=name)
    return f"{function}/{name}"


def _permission(client: Client, values: _Values) -> str | None:
    function, qualifier, wanted = (
        values[name] for name in ("function_name", "qualifier", "statement_id")
    )
    policy = client.get_policy(FunctionName=function, Qualifier=qualifier)["Policy"]
    return (
        f"{function}:{qualifier}/{wanted}"
        if f'"Sid":"{wanted}"' in policy.replace(" ", "")
        else None
    )


def _key(kms: Client, values: _Values) -> str | None:
    # It has no name: its tags say whose it is, and one that is to be deleted counts no more.
    for one in _pages(kms, "list_keys", "Keys"):
        with suppress(kms.exceptions.ClientError):
            listed = kms.list_resource_tags(KeyId=one["KeyId"])["Tags"]
            tags = {tag["TagKey"]: tag["TagValue"] for tag in listed}
            if tags == values["tags_all"]:
                described = kms.describe_key(KeyId=one["KeyId"])["KeyMetadata"]
                if described["KeyState"] == "Enabled":
                    return str(one["KeyId"])
    return None


def _key_alias(kms: Client, values: _Values) -> str | None:
    listed = _pages(kms, "list_aliases", "Aliases")
    return _first(one["AliasName"] for one in listed if one["AliasName"] == values["name"])


def _edge_function(cloudfront: Client, values: _Values) -> str | None:
    cloudfront.describe_function(Name=values["name"], Stage="DEVELOPMENT")
    return str(values["name"])


# The owner's, in app.tf: queues and topics AWS only sets again.


def _table(dynamodb: Client, values: _Values) -> str | None:
    return str(dynamodb.describe_table(TableName=values["name"])["Table"]["TableName"])


def _secret(secrets: Client, values: _Values) -> str | None:
    described = secrets.describe_secret(SecretId=values["name"])
    # One that is being deleted is in nobody's way but its name's, and Terraform says so.
    return None if "DeletedDate" in described else str(described["ARN"])


def _identity(ses: Client, values: _Values) -> str | None:
    ses.get_email_identity(EmailIdentity=values["email_identity"])
    return str(values["email_identity"])


def _configuration_set(ses: Client, values: _Values) -> str | None:
    name = values["configuration_set_name"]
    return str(ses.get_configuration_set(ConfigurationSetName=name)["ConfigurationSetName"])


def _mapping(client: Client, values: _Values) -> str | None:
    if not (source := values.get("event_source_arn")):
        return None
    chosen = {"EventSourceArn": source, "FunctionName": values["function_name"]}
    listed = _pages(client, "list_event_source_mappings", "EventSourceMappings", **chosen)
    return _first(one["UUID"] for one in listed)


# --- by name, where AWS chose the id ---


def _api(client: Client, values: _Values) -> str | None:
    listed = _pages(client, "get_apis", "Items")
    return _first(
        one["ApiId"]
        for one in listed
        if (one["Name"], one.get("Tags")) == (values["name"], values["tags_all"])
    )


def _authorizer(client: Client, values: _Values) -> str | None:
    if not (api := values.get("api_id")):
        return None
    listed = _pages(client, "get_authorizers", "Items", ApiId=api)
    return _first(f"{api}/{one['AuthorizerId']}" for one in listed)


def _integration(client: Client, values: _Values) -> str | None:
    if not (api := values.get("api_id")):
        return None
    listed = _pages(client, "get_integrations", "Items", ApiId=api)
    return _first(f"{api}/{one['IntegrationId']}" for one in listed)


def _route(client: Client, values: _Values) -> str | None:
    if not (api := values.get("api_id")):
        return None
    listed = _pages(client, "get_routes", "Items", ApiId=api)
    return _first(
        f"{api}/{one['RouteId']}" for one in listed if one["RouteKey"] == values["route_key"]
    )


def _stage(client: Client, values: _Values) -> str | None:
    if not (api := values.get("api_id")):
        return None
    listed = _pages(client, "get_stages", "Items", ApiId=api)
    return _first(f"{api}/{values['name']}" for one in listed if one["StageName"] == values["name"])


def _distribution(cloudfront: Client, values: _Values) -> str | None:
    listed = _pages(cloudfront, "list_distributions", "DistributionList.Items")
    return _first(one["Id"] for one in listed if one["Comment"] == values["comment"])


def _access_control(cloudfront: Client, values: _Values) -> str | None:
    # boto3 has no paginators for these three.
    listed = cloudfront.list_origin_access_controls(MaxItems="100")["OriginAccessControlList"]
    return _first(one["Id"] for one in listed.get("Items", ()) if one["Name"] == values["name"])


def _cache_policy(cloudfront: Client, values: _Values) -> str | None:
    listed = cloudfront.list_cache_policies(Type="custom", MaxItems="100")["CachePolicyList"]
    found = (one["CachePolicy"] for one in listed.get("Items", ()))
    return _first(p["Id"] for p in found if p["CachePolicyConfig"]["Name"] == values["name"])


def _headers_policy(cloudfront: Client, values: _Values) -> str | None:
    listed = cloudfront.list_response_headers_policies(Type="custom", MaxItems="100")
    items = listed["ResponseHeadersPolicyList"].get("Items", ())
    found = (one["ResponseHeadersPolicy"] for one in items)
    return _first(
        p["Id"] for p in found if p["ResponseHeadersPolicyConfig"]["Name"] == values["name"]
    )


def _pages(client: Client, call: str, key: str, **request: Any) -> Iterable[Any]:
    found = client.get_paginator(call).paginate(**request).search(f"{key}[]")
    # A page without the key is none.
    return (one for one in found if one is not None)


def _first(found: Iterable[str]) -> str | None:
    return next(iter(found), None)


type _Identify = Callable[[Client, _Values], str | None]

_FINDERS: dict[str, tuple[str, _Identify]] = {
    "aws_apigatewayv2_api": ("apigatewayv2", _api),
    "aws_apigatewayv2_authorizer": ("apigatewayv2", _authorizer),
    "aws_apigatewayv2_integration": ("apigatewayv2", _integration),
    "aws_apigatewayv2_route": ("apigatewayv2", _route),
    "aws_apigatewayv2_stage": ("apigatewayv2", _stage),
    "aws_cloudfront_cache_policy": ("cloudfront", _cache_policy),
    "aws_cloudfront_distribution": ("cloudfront", _distribution),
    "aws_cloudfront_function": ("cloudfront", _edge_function),
    "aws_cloudfront_origin_access_control": ("cloudfront", _access_control),
    "aws_cloudfront_response_headers_policy": ("cloudfront", _headers_policy),
    "aws_cloudwatch_log_group": ("logs", _log_group),
    "aws_dynamodb_table": ("dynamodb", _table),
    "aws_iam_role": ("iam", _role),
    "aws_kms_alias": ("kms", _key_alias),
    "aws_kms_key": ("kms", _key),
    "aws_lambda_alias": ("lambda", _alias),
    "aws_lambda_event_source_mapping": ("lambda", _mapping),
    "aws_lambda_function": ("lambda", _function),
    "aws_lambda_permission": ("lambda", _permission),
    "aws_s3_bucket": ("s3", _bucket),
    "aws_secretsmanager_secret": ("secretsmanager", _secret),
    "aws_sesv2_configuration_set": ("sesv2", _configuration_set),
    "aws_sesv2_email_identity": ("sesv2", _identity),
    "aws_ssm_parameter": ("ssm", _parameter),
}
