"""Lambda's HTTP events, read with distrust into one shape.

Formats, as AWS documents them:
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote, urlencode

from lambda_adapter.errors import RefusalError

MAX_BODY = 4 * 1024 * 1024
"""Bytes. Lambda takes events of 6 MB, and base64 makes 5.6 MB of these 4."""

_Object = dict[str, Any]
_METHOD = re.compile(r"[A-Z]{1,20}")
_USUAL_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^`|~-]+")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{2,45}")
_STAGE = re.compile(r"[A-Za-z0-9_-]{1,128}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_BUT_TAB = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Said by the event, said by anybody, or said wrongly once the body is here in one piece.
_DROPPED = frozenset(
    {"host", "forwarded", "x-real-ip", "proxy", "content-length", "transfer-encoding"}
)


class Rules(NamedTuple):
    """What the function knows about its own addresses."""

    base_path: str = ""
    """Path of a custom domain's mapping: empty, or starts with a slash and does not end in one."""
    trusted_hosts: tuple[str, ...] = ()
    """Public host names besides the API's own; `.example.org` stands for all below it."""


class Request(NamedTuple):
    """One HTTP request, whichever service brought it."""

    source: str
    """`http-api` (function URLs too), `rest-api` or `load-balancer`."""
    method: str
    path: str
    """Decoded, starts with a slash, without stage and base path."""
    mount: str
    """What was cut off the path: empty, or starts with a slash."""
    query: str
    headers: dict[str, str]
    """Lower-case names; cookies and repeated headers joined; fit for a WSGI environment."""
    body: bytes
    client: str
    """The address that the service saw, or empty. Never from a header that a client can set."""
    host: str
    scheme: str
    multi_value: bool
    """Whether the answer may name a header several times."""
    gateway_id: object
    """The id that the service gave the request, not checked."""


def parse(event: object, rules: Rules = Rules()) -> Request:  # noqa: B008 - it is immutable.
    """Read an event, or raise RefusalError with a status and a reason for the caller."""
    if isinstance(event, dict):
        context = event.get("requestContext")
        if isinstance(context, dict):
            if isinstance(context.get("http"), dict):
                return _payload_2(event, context, rules)
            if isinstance(event.get("httpMethod"), str):
                return _payload_1(event, context, rules)
    raise RefusalError(
        400,
        "Not an HTTP request",
        "This function answers HTTP events of API Gateway, Application Load Balancer and "
        "function URLs, and its own schedule; send one of those.",
    )


def _payload_2(event: _Object, context: _Object, rules: Rules) -> Request:
    http = context["http"]
    given = _headers(event.get("headers"))
    path, mount = _unmount(_path(event.get("rawPath")), _stage(context), rules)
    headers = _kept(given)
    cookies = [_header_value(cookie) for cookie in _list(event.get("cookies"))]
    if cookies:
        headers["cookie"] = "; ".join(cookies)
    return Request(
        source="http-api",
        method=_method(http.get("method")),
        path=path,
        mount=mount,
        query=_clean(_text(event.get("rawQueryString"))),
        headers=headers,
        body=_body(event),
        client=_client(http.get("sourceIp")),
        host=_host(given, context.get("domainName"), rules),
        scheme=_scheme(given),
        multi_value=False,
        gateway_id=context.get("requestId"),
    )


def _payload_1(event: _Object, context: _Object, rules: Rules) -> Request:
    balanced = isinstance(context.get("elb"), dict)
    given = _headers(event.get("multiValueHeaders") or event.get("headers"))
    path, mount = _unmount(_path(event.get("path")), "", rules)
    return Request(
        source="load-balancer" if balanced else "rest-api",
        method=_method(event.get("httpMethod")),
        path=path,
        mount=_stage_before(event, context) + mount,
        query=_query(event, encoded=balanced),
        headers=_kept(given),
        body=_body(event),
        client=_client(_balancers_client(given) if balanced else _gateways_client(context)),
        host=_host(given, context.get("domainName"), rules),
        scheme=_scheme(given),
        multi_value=not balanced or bool(event.get("multiValueHeaders")),
        gateway_id=context.get("requestId"),
    )


def _method(value: object) -> str:
    method = _text(value)
    if method in _USUAL_METHODS:
        return method
    method = method.upper()
    if _METHOD.fullmatch(method):
        return method
    raise _bad("The method is no HTTP method; send one like GET.")


def _path(value: object) -> str:
    """Decode a path. One that could pass for another host's address is refused."""
    text = _text(value)
    path = _clean(unquote(text) if "%" in text else text)
    if not path.startswith("/"):
        raise _bad("The path does not start with a slash; send one that does.")
    if path[1:2] in ("/", "\\"):
        raise _bad("The path starts with two slashes; send it with one.")
    return path


def _stage(context: _Object) -> str:
    """Return the path segment of a named stage; `$default` has none."""
    stage = context.get("stage")
    if stage is None or stage == "$default":
        return ""
    return f"/{stage}" if isinstance(stage, str) and _STAGE.fullmatch(stage) else ""


def _stage_before(event: _Object, context: _Object) -> str:
    """REST APIs cut the stage off `path` themselves, and tell the whole path in the context."""
    path, whole = _text(event.get("path")), context.get("path")
    stage = _stage(context)
    return stage if stage and whole == stage + path else ""


def _unmount(path: str, stage: str, rules: Rules) -> tuple[str, str]:
    mount = ""
    if not stage and not rules.base_path:
        return path, mount
    for prefix in (stage, rules.base_path):
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            path, mount = path[len(prefix) :] or "/", mount + prefix
    if path.startswith("//"):
        raise _bad("The path starts with two slashes; send it with one.")
    return path, mount


def _query(event: _Object, *, encoded: bool) -> str:
    """Load balancers leave parameters as they came, encoded; REST APIs decode them."""
    given = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters")
    pairs = [
        (_clean(name), _clean(_text(value)))
        for name, values in _object(given).items()
        for value in (values if isinstance(values, list) else [values])
    ]
    return "&".join(f"{name}={value}" for name, value in pairs) if encoded else urlencode(pairs)


def _headers(given: object) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in _object(given).items():
        key = _header_name(name)
        if key in headers or not isinstance(value, str):
            _join(headers, key, value if isinstance(value, list) else [value])
        elif value.isascii() and value.isprintable():
            headers[key] = value.strip()
        else:
            headers[key] = _header_value(value)
    headers.pop("", None)
    return headers


def _join(headers: dict[str, str], key: str, values: list[object]) -> None:
    between = "; " if key == "cookie" else ", "
    for value in values:
        text = _header_value(value)
        headers[key] = headers[key] + between + text if key in headers else text


@lru_cache(maxsize=256)
def _header_name(name: str) -> str:
    """Return the name in small letters; nothing for one that is not to be read."""
    key = name.lower()
    if "_" in key:
        return ""  # WSGI would take it for the header with a dash, maybe one of ours.
    if _HEADER_NAME.fullmatch(key):
        return key
    raise _bad("A header's name has characters that no header may have; remove it.")


def _header_value(value: object) -> str:
    """Return the text as WSGI wants it: its UTF-8 bytes, each as one character."""
    text = _text(value).strip()
    if _CONTROL_BUT_TAB.search(text):
        raise _bad("A header has a control character in it; remove it.")
    return _encoded(text).decode("latin-1")


def _kept(given: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in given.items() if _is_kept(name)}


@lru_cache(maxsize=256)
def _is_kept(name: str) -> bool:
    return name not in _DROPPED and not name.startswith("x-forwarded-")


def _body(event: _Object) -> bytes:
    text = _text(event.get("body"))
    if not text:
        return b""
    if len(text) > MAX_BODY * 4 // 3 + 4:
        raise _too_large()
    body = _decoded(text) if event.get("isBase64Encoded") is True else _encoded(text)
    if len(body) > MAX_BODY:
        raise _too_large()
    return body


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise _bad("The body is said to be base64 and is not; encode it, or say so.") from None


def _client(address: object) -> str:
    return address if isinstance(address, str) and _ADDRESS.fullmatch(address) else ""


def _gateways_client(context: _Object) -> object:
    identity = context.get("identity")
    return identity.get("sourceIp") if isinstance(identity, dict) else None


def _balancers_client(headers: dict[str, str]) -> str:
    """Return the address that the balancer appended; all before it is the client's word."""
    return headers.get("x-forwarded-for", "").rpartition(",")[2].strip()


def _host(headers: dict[str, str], domain: object, rules: Rules) -> str:
    """Take a header's host only when it is known to be ours; else the one the gateway names."""
    for name in ("x-forwarded-host", "host") if rules.trusted_hosts else ():
        host = headers.get(name, "")
        if _HOST.fullmatch(host) and _is_trusted(host.partition(":")[0].lower(), rules):
            return host
    return domain if isinstance(domain, str) and _is_host(domain) else "localhost"


@lru_cache(maxsize=16)
def _is_host(domain: str) -> bool:
    """Remember the few names that the gateway has for the API."""
    return _HOST.fullmatch(domain) is not None


def _is_trusted(host: str, rules: Rules) -> bool:
    return any(
        host == known or (known.startswith(".") and host.endswith(known))
        for known in rules.trusted_hosts
    )


def _scheme(headers: dict[str, str]) -> str:
    return "http" if headers.get("x-forwarded-proto") == "http" else "https"


def _object(value: object) -> _Object:
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise _bad("Headers or query parameters are no object; send an object, or leave them out.")


def _list(value: object) -> list[object]:
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise _bad("The cookies are no list; send a list, or leave them out.")


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise _bad("The event has something else where text belongs; send text.")


def _clean(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    if _CONTROL.search(text):
        raise _bad("The address has a control character in it; remove it.")
    _encoded(text)
    return text


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _bad("The event has half a character in it, a lone surrogate; remove it.") from None


def _bad(detail: str) -> RefusalError:
    return RefusalError(400, "Bad Request", detail)


def _too_large() -> RefusalError:
    return RefusalError(
        413, "Content Too Large", f"The body is larger than {MAX_BODY} bytes; send less."
    )
