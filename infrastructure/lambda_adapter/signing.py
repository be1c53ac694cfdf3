"""Signature Version 4 with the standard library: botocore's costs 110 ms of a cold start."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

# `hashlib` and `hmac` would bring OpenSSL, which takes 3 ms where nothing else needs it.
try:
    from _sha2 import sha256  # type: ignore[import-not-found]
except ImportError:  # Another Python may have it elsewhere.
    from hashlib import sha256

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambda_adapter.aws import Credentials

_ALGORITHM = "AWS4-HMAC-SHA256"
_BLOCK = 64  # Of SHA-256, in bytes.


def sign(
    headers: Mapping[str, str],
    body: bytes,
    *,
    credentials: Credentials,
    region: str,
    service: str,
    now: float,
    path: str = "/",
    query: str = "",
) -> dict[str, str]:
    """Headers of a POST, with the three that sign it added.

    Path and query hold nothing that would have to be encoded; `now` is in seconds since the
    epoch. Source:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    signed = {name.lower(): value for name, value in headers.items()} | {"x-amz-date": stamp}
    if credentials.session_token:
        signed["x-amz-security-token"] = credentials.session_token
    names = ";".join(sorted(signed))
    lines = "".join(f"{name}:{' '.join(signed[name].split())}\n" for name in sorted(signed))
    canonical = f"POST\n{path}\n{query}\n{lines}\n{names}\n{sha256(body).hexdigest()}"
    digest = sha256(canonical.encode()).hexdigest()
    key = b"AWS4" + credentials.secret_key.encode()
    for part in (*scope.split("/"), f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}"):
        key = _hmac(key, part.encode())
    signed["authorization"] = (
        f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={key.hex()}"
    )
    return signed


def _hmac(key: bytes, message: bytes) -> bytes:
    """https://www.rfc-editor.org/rfc/rfc2104#section-2, with SHA-256."""
    block = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner = sha256(bytes(byte ^ 0x36 for byte in block) + message).digest()
    digest: bytes = sha256(bytes(byte ^ 0x5C for byte in block) + inner).digest()
    return digest
