"""API Gateway: what an HTTP API sends to a function, and which requests."""

# ruff: noqa: SLF001 (patches reach what ministack keeps private)

from __future__ import annotations

import hashlib
import secrets
import time
from typing import TYPE_CHECKING, Any

from emulator.patches import patch
from emulator.patches.upstream import Upstream, edit

if TYPE_CHECKING:
    from emulator.patches import Settings

_HOP_BY_HOP = ("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")


@patch("http-api-events", "events have no cookies list, no forwarded headers and no trace header")
def send_true_events(_: Settings) -> None:
    """Send a function what an HTTP API of AWS sends it, payload format 2.0.

    Report: "HTTP API events: cookies stay in the headers, x-forwarded-* and x-amzn-trace-id miss".
    AWS: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    Reproduce: send a request with a cookie to an API whose function returns its event.
    """
    from ministack.services import lambda_svc

    original = lambda_svc._execute_function_with_config_scope

    def execute(function: Upstream, event: Upstream) -> Upstream:
        return original(function, complete_event(event) if is_http_api_event(event) else event)

    lambda_svc._execute_function_with_config_scope = execute


def is_http_api_event(event: Upstream) -> bool:
    """Whether an event is one of an HTTP API, and not of a function URL, which looks alike."""
    if not isinstance(event, dict) or event.get("version") != "2.0":
        return False
    return ".execute-api." in str((event.get("requestContext") or {}).get("domainName"))


def complete_event(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event with the headers and cookies as API Gateway gives them."""
    headers = {name: value for name, value in event["headers"].items() if name not in _HOP_BY_HOP}
    cookies = [part.strip() for part in headers.pop("cookie", "").split(";") if part.strip()]
    source = event["requestContext"]["http"]["sourceIp"]
    viewer = headers.get("x-forwarded-for")
    headers["x-forwarded-for"] = f"{viewer}, {source}" if viewer else source
    headers |= {"x-forwarded-port": "443", "x-forwarded-proto": "https"}
    headers.setdefault("content-length", "0")
    trace = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    headers.setdefault("x-amzn-trace-id", trace)
    return {**event, "headers": headers, **({"cookies": cookies} if cookies else {})}


@patch("preflights", "the application never gets a preflight: the API answers 403")
def pass_preflights(_: Settings) -> None:
    """Send OPTIONS to the integration where the API has no CORS configuration.

    Report: "An HTTP API without CORS configuration answers OPTIONS with 403, CORS not configured".
    AWS: only with a CORS configuration does the API itself answer preflights; without one OPTIONS
    is a method as any other. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
    Reproduce: send OPTIONS to a route that takes ANY method.
    """
    from ministack.services import apigateway

    preflight = 'if method == "OPTIONS"'
    edit(apigateway, "_handle_execute_in_scope", f"{preflight}:", f"{preflight} and cors_cfg:")


# What precedes a SHA-256 digest in what RSA signs. https://www.rfc-editor.org/rfc/rfc8017#section-9.2
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")


@patch("signed-tokens", "a JWT authorizer refuses every token, and differs in every later plan")
def verify_tokens(_: Settings) -> None:
    """Verify signatures without the package cryptography; give only Lambda authorizers a format.

    Report: "JWT authorizers answer 401 to valid tokens where cryptography is not installed, and
    have a payload format version".
    AWS: "AuthorizerPayloadFormatVersion: … Required for HTTP API Lambda authorizers", and
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
    Reproduce: send a valid token to a route with a JWT authorizer, with ministack alone installed.
    """
    from ministack.services import apigateway

    decode = apigateway._b64url_decode

    def verify(token: str, key: dict[str, str]) -> bool:
        signed, _, text = token.rpartition(".")
        try:
            signature = decode(text)
            modulus, exponent = (int.from_bytes(decode(key[name]), "big") for name in ("n", "e"))
        except (KeyError, ValueError):
            return False
        size = (modulus.bit_length() + 7) // 8
        found = pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(size, "big")
        end = b"\0" + _SHA256 + hashlib.sha256(signed.encode()).digest()
        return len(signature) == size and found == b"\0\1" + b"\xff" * (size - 2 - len(end)) + end

    apigateway._verify_rs256_signature = verify
    format_version = 'data.get("authorizerPayloadFormatVersion", "2.0")'
    own = f'"" if data.get("authorizerType") == "JWT" else {format_version}'
    edit(apigateway, "_create_authorizer", format_version, own)


@patch("current-tags", "changed tags of an API differ in every later plan")
def answer_current_tags(_: Settings) -> None:
    """Answer GetApi and GetStage with the tags that TagResource and UntagResource have left.

    Report: "GetApi and GetStage show the tags of the creation, whatever was tagged since".
    AWS: all of them show the same tags.
    Reproduce: tag an API, then get it.
    """
    from ministack.services import apigateway

    def copying(original: Upstream) -> Upstream:
        def change(arn: str, given: Upstream) -> Upstream:
            answer = original(arn, given)
            canonical, _ = apigateway._validate_tag_resource_arn(arn)
            api_id, _, stage = str(canonical).partition("/apis/")[2].partition("/stages/")
            stages = apigateway._stages.get(api_id, {})
            record = stages.get(stage) if stage else apigateway._apis.get(api_id)
            if record is not None:
                record["tags"] = dict(apigateway._api_tags.get(canonical, {}))
            return answer

        return change

    apigateway._tag_resource = copying(apigateway._tag_resource)
    apigateway._untag_resource = copying(apigateway._untag_resource)
