"""The way a request came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import mend

if TYPE_CHECKING:
    from . import Settings


@mend(
    "loopback-is-safe",
    found="2026-11-23",
    fault="a bucket policy that wants TLS denies every request: the emulator has plain HTTP only",
)
def count_loopback_as_tls(_: Settings) -> None:
    """Let `aws:SecureTransport` be true: what comes over loopback passes no network."""
    from ministack import app

    original = app.pin_request_origin

    def pin(source_ip: str, _secure_transport: object) -> None:
        original(source_ip, True)

    app.pin_request_origin = pin
