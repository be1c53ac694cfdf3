"""One HTTP/1.1 request to another host.

`http.client` would bring `email`, and TLS for http too: 13 ms of a cold start that reads settings.
`socket` alone, with `selectors`, takes 2 ms more than the module in C that it is made of.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

try:
    import _socket as sockets
except ImportError:  # Another Python may have it elsewhere.
    import socket as sockets  # type: ignore[no-redef]

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

_MAX_LINE = 65_536


class Connection:
    """A connection for one request, not yet open.

    It waits for so many seconds to connect, and for each part of the answer. Methods raise OSError
    when the other side is not there, too slow, without a valid certificate, or cuts the answer off.
    """

    def __init__(self, url: str, seconds: float) -> None:
        parts = urlsplit(url)
        self._name = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = tls() if parts.scheme == "https" else None
        self._seconds = seconds
        self._socket: Any = None
        self.host = self._name if self._port in (80, 443) else parts.netloc
        """What the request's Host header says: https://www.rfc-editor.org/rfc/rfc9110#section-7.2."""

    def open(self) -> Any:
        """Connect, unless it is connected already."""
        if self._socket is None:
            # Bytes: for text Python imports the codec of international names, 2 ms.
            name: Any = self._name.encode()
            connected: Any = _connect(name, self._port, self._seconds)
            if self._tls:
                connected = self._tls.wrap_socket(connected, server_hostname=name)
            self._socket = connected
        return self._socket

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> None:
        """Send the request, with Host, Content-Length and Connection besides its headers."""
        own = {"host": self.host, "content-length": str(len(body)), "connection": "close"}
        lines = [f"{name}: {value}\r\n" for name, value in (own | dict(headers)).items()]
        head = f"{method} {target} HTTP/1.1\r\n{''.join(lines)}\r\n"
        self.open().sendall(head.encode() + body)

    def receive(self, limit: int) -> tuple[int, bytes]:
        """Return the response's status, and its body up to so many bytes."""
        stream: Any = io.BufferedReader(_Received(self.open()))
        try:
            return _read_response(stream, limit)
        except (ValueError, IndexError) as error:
            raise ConnectionError("the answer is not HTTP") from error

    def close(self) -> None:
        """Close it; it may be closed, or not open yet."""
        if self._socket:
            self._socket.close()


class _Received(io.RawIOBase):
    """What a socket receives, as a stream."""

    def __init__(self, source: Any) -> None:
        self._source = source

    def readable(self) -> bool:
        """Be for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Receive what there is, up to the buffer's size."""
        received: int = self._source.recv_into(buffer)
        return received


def _connect(name: bytes, port: int, seconds: float) -> sockets.socket:
    """Connect to the first of a host's addresses that accepts, as `socket.create_connection`."""
    refused: OSError = ConnectionError("the host has no address")
    for family, kind, protocol, _, address in sockets.getaddrinfo(
        name, port, 0, sockets.SOCK_STREAM
    ):
        connecting = sockets.socket(family, kind, protocol)
        try:
            connecting.settimeout(seconds)
            connecting.connect(address)
        except OSError as error:
            connecting.close()
            refused = error
        else:
            return connecting
    raise refused


@lru_cache(maxsize=1)
def tls() -> ssl.SSLContext:
    """Return the one TLS context of the process: making it takes 20 ms."""
    import ssl

    return ssl.create_default_context()


def _read_response(stream: BinaryIO, limit: int) -> tuple[int, bytes]:
    """https://www.rfc-editor.org/rfc/rfc9112#section-6.3."""
    version, code, *_ = _read_line(stream).split(None, 2)
    status = int(code)
    if not version.startswith(b"HTTP/1.") or not 200 <= status <= 599:
        raise ValueError(version)
    headers: dict[bytes, bytes] = {}
    while line := _read_line(stream):
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip().lower()
    if status in (204, 304):
        return status, b""
    if headers.get(b"transfer-encoding") == b"chunked":
        body = b""
        while size := int(_read_line(stream).partition(b";")[0], 16):
            body += _read_exactly(stream, min(size, limit - len(body)))
            if len(body) == limit:
                break
            _read_line(stream)
        return status, body
    length = headers.get(b"content-length")
    if length is None:  # It ends with the connection.
        return status, stream.read(limit)
    return status, _read_exactly(stream, min(int(length), limit))


def _read_line(stream: BinaryIO) -> bytes:
    line = stream.readline(_MAX_LINE)
    if not line.endswith(b"\n"):
        raise ConnectionError("the answer was cut off")
    return line.rstrip(b"\r\n")


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    if size < 0:
        raise ValueError(size)
    body = stream.read(size)
    if len(body) < size:
        raise ConnectionError("the answer was cut off")
    return body
