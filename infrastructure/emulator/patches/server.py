"""The server: the way a request came, and the way its response goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.patches import patch

if TYPE_CHECKING:
    from emulator.patches import Settings


@patch("loopback-is-tls", "a bucket policy that requires TLS denies every request")
def count_loopback_as_tls(_: Settings) -> None:
    """Let `aws:SecureTransport` be true: what comes over loopback passes no network.

    Not an error of ministack's: it serves plain HTTP, so the key is false.
    AWS: https://docs.aws.amazon.com/config/latest/developerguide/s3-bucket-ssl-requests-only.html
    Reproduce: deny s3:* where aws:SecureTransport is false, then put an object.
    """
    from ministack import app

    original = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, _secure_transport: original(source_ip, True)


@patch("response-in-one-piece", "Terraform repeats calls that were carried out: already exists")
def answer_in_one_piece(_: Settings) -> None:
    """Send the head of a response together with the first bytes of its body.

    Report: "Responses arrive so early that the Go SDK closes the connection and retries".
    The head leaves before the body. The Go SDK closes a request's body as soon as the head of the
    response is there. If the goroutine that writes the request has not yet looked for its end, it
    finds a closed body and closes the connection. The SDK then sends the request once more:
    CreateAlias fails, and AddPermission waits five minutes for a conflict to go away.
    AWS: no response is that quick.
    https://github.com/aws/smithy-go/blob/main/transport/http/client.go
    Reproduce: read once from a socket after a GET of /_ministack/health; now and then there is
    a head and no body.
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
