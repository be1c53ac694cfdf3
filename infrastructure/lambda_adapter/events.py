"""HTTP requests out of API Gateway's events, payload format 2.0, read with distrust.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from lambda_adapter.errors import RequestError, UnknownEventError

try:
    # As hmac takes it, which would load OpenSSL.
    from _operator import _compare_digest as compare_digest
except ImportError:  # Another Python may have it elsewhere.
    from hmac import compare_digest

if TYPE_CHECKING:
    from lambda_adapter.config import CloudFront

_METHOD = re.compile(r"[A-Z]{1,20}")
_USUAL_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^`|~-]+")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}")
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]{2,45}")
_STAGE = re.compile(r"[A-Za-z0-9_-]{1,128}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_BUT_TAB = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# AWS's own examples call it so:
# https://aws.amazon.com/blogs/networking-and-content-delivery/restricting-access-http-api-gateway-lambda-authorizer/
_ORIGIN_VERIFY = "x-origin-verify"
# Said by the event, or by any client, or no longer true of a body that is here in one piece.
_DROPPED_HEADERS = frozenset(
    {
        "host",
        "forwarded",
        "x-real-ip",
        "proxy",
        "content-length",
        "transfer-encoding",
        _ORIGIN_VERIFY,
    }
)


class Request(NamedTuple):
    """One HTTP request."""

    method: str
    path: str
    """Decoded, starts with a slash, without the stage."""
    script_name: str
    """The stage that was cut off the path: empty, or starts with a slash."""
    query: str
    headers: dict[str, str]
    """Lower-case names; cookies joined; fit for a WSGI environment."""
    body: bytes
    client: str
    """The address that CloudFront saw, or else API Gateway; empty where there is none."""
    scheme: str
    host: str
    """CloudFront's public host, with a port on the emulator, or else the API's."""
    through_cloudfront: bool
    gateway_id: object
    """The id that API Gateway gave the request, not checked."""
    authorizer: dict[str, Any]
    """What the route's authorizer found out about the caller."""


def parse(event: object, cloudfront: CloudFront | None = None) -> Request:
    """Read a request from an event.

    Scheme, host and client come from the distribution where the request came through it, else
    from the event alone. No header that a client can send changes them.

    Raises:
        UnknownEventError: it is not an HTTP event of payload format 2.0.
        RequestError: it is one, and what it holds cannot be an HTTP request.
    """
    context = event.get("requestContext") if isinstance(event, dict) else None
    http = context.get("http") if isinstance(context, dict) else None
    if (
        not isinstance(event, dict)
        or not isinstance(context, dict)
        or not isinstance(http, dict)
        or event.get("type") == "REQUEST"  # A Lambda authorizer is asked in the same form.
    ):
        raise UnknownEventError(
            "this function answers API Gateway's HTTP events (payload format 2.0) and its own "
            "schedule, and the event is neither; send it to a function of its own"
        )
    method = _text(http.get("method"))
    if method not in _USUAL_METHODS:
        method = method.upper()
        if not _METHOD.fullmatch(method):
            raise _bad("The method is not an HTTP method; send one like GET.")
    path, script_name = _path(event.get("rawPath"), context)
    headers = _headers(event.get("headers"), event.get("cookies"))
    domain, address = context.get("domainName"), http.get("sourceIp")
    scheme, host = "https", domain if isinstance(domain, str) and _is_host(domain) else "localhost"
    client = address if isinstance(address, str) and _ADDRESS.fullmatch(address) else ""
    through_cloudfront = False
    if cloudfront and _came_through(cloudfront, event.get("headers")):
        through_cloudfront = True
        scheme, host = cloudfront.scheme, cloudfront.host
        client = _viewer(event["headers"].get("x-forwarded-for"), client)
    authorizer = context.get("authorizer")
    return Request(
        method=method,
        path=path,
        script_name=script_name,
        query=_clean(_text(event.get("rawQueryString"))),
        headers=headers,
        body=_body(event),
        client=client,
        scheme=scheme,
        host=host,
        through_cloudfront=through_cloudfront,
        gateway_id=context.get("requestId"),
        authorizer=authorizer if isinstance(authorizer, dict) else {},
    )


def _path(raw: object, context: dict[str, Any]) -> tuple[str, str]:
    """Return the path and the stage that was cut off it.

    HTTP APIs decode `rawPath`, all but `%25` at least; decoding the rest again would turn `%2541`
    in an address into `A`: https://github.com/middleapi/standard-server/issues/93.
    """
    if raw is None:
        raise _bad("The event has no path; send one.")
    path = _clean(_text(raw)).replace("%25", "%") or "/"
    stage, domain = context.get("stage"), context.get("domainName")
    script_name = ""
    # A custom domain has no stage in its addresses, whatever the path begins with.
    if (
        isinstance(stage, str)
        and _STAGE.fullmatch(stage)  # Not `$default`, which is in no address.
        and isinstance(domain, str)
        and ".execute-api." in domain
        and f"{path}/".startswith(f"/{stage}/")
    ):
        script_name = f"/{stage}"
        path = path.removeprefix(script_name) or "/"
    if not path.startswith("/"):
        raise _bad("The path does not start with a slash; send one that does.")
    if path[1:2] in ("/", "\\"):  # In a redirect it would be another host's address.
        raise _bad("The path starts with two slashes; send it with one.")
    return path, script_name


def _headers(given: object, cookies: object) -> dict[str, str]:
    if not isinstance(given, dict | None) or not isinstance(cookies, list | None):
        raise _bad("The headers are not an object, or the cookies not a list; leave them out.")
    headers: dict[str, str] = {}
    for name, value in (given or {}).items():
        key = _header_name(name)
        is_plain = isinstance(value, str) and value.isascii() and value.isprintable()
        text = value if is_plain else _header_value(value)
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    headers.pop("", None)
    if cookies:
        # API Gateway moves cookies out of the headers; a request may come with both all the same.
        own = [headers["cookie"]] if "cookie" in headers else []
        headers["cookie"] = "; ".join([*own, *map(_header_value, cookies)])
    return headers


@lru_cache(maxsize=256)
def _header_name(name: str) -> str:
    """Return the name in small letters; nothing for a header that the application cannot trust."""
    key = name.lower()
    if "_" in key:
        return ""  # WSGI would take it for the header with a dash.
    if not _HEADER_NAME.fullmatch(key):
        raise _bad("A header's name has characters that no header may have; remove it.")
    return "" if key in _DROPPED_HEADERS or key.startswith("x-forwarded-") else key


def _header_value(value: object) -> str:
    """Return the text as WSGI wants it: its UTF-8 bytes, each as one character."""
    text = _text(value).strip()
    if _CONTROL_BUT_TAB.search(text):
        raise _bad("A header has a control character in it; remove it.")
    return _encode(text).decode("latin-1")


def _came_through(cloudfront: CloudFront, headers: object) -> bool:
    """Whether the distribution sent this, and not somebody who asked the API itself.

    CloudFront replaces what a viewer sends under the name of a custom origin header, and API
    Gateway writes all names in small letters:
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html
    """
    given = headers.get(_ORIGIN_VERIFY) if isinstance(headers, dict) else None
    if not isinstance(given, str):
        return False
    # The same as a whole but for a while after a new value was drawn: then they have one in common.
    sent, known = given.encode(), cloudfront.origin_verify.encode()
    return compare_digest(sent, known) or any(
        compare_digest(one, own) for one in sent.split(b",") for own in known.split(b",")
    )


def _viewer(forwarded: object, edge: str) -> str:
    """Return the address of CloudFront's viewer, or else of its edge location.

    CloudFront appends the viewer's address to whatever X-Forwarded-For the viewer sent, and API
    Gateway appends the edge's to that:
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html#RequestCustomIPAddresses
    """
    addresses = [part.strip() for part in _text(forwarded).split(",")]
    viewer = addresses[-2] if len(addresses) > 1 and addresses[-1] == edge else addresses[-1]
    return viewer if _ADDRESS.fullmatch(viewer) else edge


def _body(event: dict[str, Any]) -> bytes:
    text = _text(event.get("body"))
    if not text or event.get("isBase64Encoded") is not True:
        return _encode(text)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise _bad("The body is said to be base64 and is not; encode it, or say so.") from None


@lru_cache(maxsize=16)
def _is_host(domain: str) -> bool:
    """Remember the few names that the API has."""
    return _HOST.fullmatch(domain) is not None


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
    _encode(text)
    return text


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _bad("The event has half a character in it, a lone surrogate; remove it.") from None


def _bad(detail: str) -> RequestError:
    return RequestError(400, "Bad Request", detail)
