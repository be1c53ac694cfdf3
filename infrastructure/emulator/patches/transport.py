"""The way a request came, and the way its answer goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


@mend(
    "answers-in-one-piece",
    found="2026-11-23",
    fault="the head of an answer leaves before its body: between them Terraform's provider may"
    " close the connection, and then repeats what has been done",
)
def answer_in_one_piece(_: Settings) -> None:
    """Let the head of an answer leave together with the first bytes of its body.

    The Go SDK closes a request's body as soon as the head of the answer is there. If the
    goroutine that writes the request has not yet looked for its end, it finds a closed body and
    closes the connection. The SDK then sends the request once more: CreateAlias fails, and
    AddPermission waits five minutes for a conflict to go away. No answer of AWS is that quick.
    https://github.com/aws/smithy-go/blob/main/transport/http/client.go
    """
    import h11
    from hypercorn import protocol
    from hypercorn.events import RawData

    class InOnePiece(protocol.H11Protocol):  # type: ignore[misc]
        """Holds a head back until something follows it."""

        def __init__(self, *given: Any) -> None:
            *rest, self._through = given
            self._held, self._holds = b"", False
            super().__init__(*rest, self._send_whole)

        async def _send_h11_event(self, event: object) -> None:
            self._holds = isinstance(event, h11.Response)
            await super()._send_h11_event(event)

        async def _send_whole(self, event: object) -> None:
            if isinstance(event, RawData):
                self._held += event.data
                if self._holds:
                    return
                event, self._held = RawData(self._held), b""
            await self._through(event)

    protocol.H11Protocol = InOnePiece
