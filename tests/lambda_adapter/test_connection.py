import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext as ok
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from lambda_adapter.connection import Connection, tls
from tests.lambda_adapter.http_server import Answer, Received, serve

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: Chunked\r\n\r\n"


@pytest.fixture
def ask() -> Iterator[Callable[..., tuple[int, bytes]]]:
    """Ask a server that sends these bytes whatever it is asked, and then closes."""
    servers: list[socket.socket] = []

    def ask(answer: bytes, limit: int = 100, *, stays_open: bool = False) -> tuple[int, bytes]:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def respond() -> None:
            client, _ = server.accept()
            servers.append(client)
            client.recv(65_536)
            client.sendall(answer)
            if not stays_open:
                with suppress(OSError):  # The client may have had enough, and be gone.
                    client.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=respond)
        thread.start()
        connection = Connection(f"http://127.0.0.1:{server.getsockname()[1]}", 0.3)
        try:
            connection.send("GET", "/", {})
            return connection.receive(limit)
        finally:
            connection.close()
            thread.join()

    yield ask
    for one in servers:
        one.close()


def test_a_server_gets_the_request() -> None:
    def respond(request: Received) -> Answer:
        found = [request.method, request.path, request.headers, request.body.decode()]
        return Answer(201, json.dumps(found).encode())

    with serve(respond) as url:
        connection = Connection(url, 1)
        connection.send("POST", "/a?b=c", {"x-one": "1"}, b"body")
        status, body = connection.receive(1000)
        connection.close()

    method, path, headers, sent = json.loads(body)
    assert (status, method, path, sent) == (201, "POST", "/a?b=c", "body")
    assert headers == {
        "host": url.removeprefix("http://"),
        "content-length": "4",
        "connection": "close",
        "x-one": "1",
    }


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK + b"Content-Length: 3\r\n\r\nabc", b"abc"),
        (OK + b"content-length:3\r\n\r\nabcdef", b"abc"),
        (OK + b"\r\nuntil the end", b"until the end"),
        (CHUNKED + b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", b"abc0123456789"),
        (CHUNKED + b"0\r\n\r\n", b""),
        (b"HTTP/1.0 200\r\n\r\nabc", b"abc"),
    ],
)
def test_a_body_has_the_end_that_the_server_gave_it(
    ask: Callable[..., tuple[int, bytes]], answer: bytes, body: bytes
) -> None:
    assert ask(answer) == (200, body)


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 2\r\n\r\n{}",
        CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    ],
)
def test_an_answer_ends_although_the_connection_stays_open(
    ask: Callable[..., tuple[int, bytes]], answer: bytes
) -> None:
    assert ask(answer, stays_open=True)[1] in (b"{}", b"")


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 999\r\n\r\n" + b"x" * 50,
        OK + b"\r\n" + b"x" * 50,
        CHUNKED + b"32\r\n" + b"x" * 50 + b"\r\n",
        CHUNKED + b"8\r\n" + b"x" * 8 + b"\r\n8\r\n" + b"x" * 8 + b"\r\n",
        CHUNKED + b"ffffffffff\r\n" + b"x" * 50,
    ],
)
def test_no_more_of_a_body_is_read_than_was_asked_for(
    ask: Callable[..., tuple[int, bytes]], answer: bytes
) -> None:
    assert ask(answer, limit=10) == (200, b"x" * 10)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        OK,
        OK + b"Content-Length: 3\r\n",
        OK + b"Content-Length: 3\r\n\r\nab",
        OK + b"Content-Length: x\r\n\r\nab",
        OK + b"Content-Length: -1\r\n\r\nab",
        CHUNKED + b"3\r\nab",
        CHUNKED + b"3\r\nabc\r\n",
        CHUNKED + b"x\r\nabc\r\n",
        CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 600\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"x" * 70_000,
    ],
)
def test_what_was_cut_off_or_is_not_http_is_an_os_error(
    ask: Callable[..., tuple[int, bytes]], answer: bytes
) -> None:
    with pytest.raises(ConnectionError, match=r"cut off|not HTTP"):
        ask(answer)


@pytest.mark.parametrize("answer", [b"", OK, OK + b"Content-Length: 3\r\n\r\nab", CHUNKED + b"3"])
def test_an_answer_that_stops_is_waited_for_no_longer_than_said(
    ask: Callable[..., tuple[int, bytes]], answer: bytes
) -> None:
    began = time.monotonic()

    with pytest.raises(TimeoutError):
        ask(answer, stays_open=True)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://ssm.eu-west-1.amazonaws.com", "ssm.eu-west-1.amazonaws.com"),
        ("https://a.example:8443", "a.example:8443"),
        ("http://127.0.0.1:4566/", "127.0.0.1:4566"),
        ("http://[::1]:4566", "[::1]:4566"),
    ],
)
def test_the_host_has_a_port_only_where_it_is_unusual(url: str, host: str) -> None:
    assert Connection(url, 1).host == host


@pytest.mark.parametrize(
    ("name", "trusted", "error"),
    [
        ("localhost", True, ""),
        ("localhost", False, "unable to get local issuer certificate"),
        ("127.0.0.1", True, "IP address mismatch"),
    ],
)
def test_over_https_certificates_and_names_are_checked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, trusted: bool, error: str
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    tls.cache_clear()
    try:
        with serve(lambda _: Answer(body=b"hello"), context) as url:
            connection = Connection(url.replace("127.0.0.1", name), 5)
            with pytest.raises(ssl.SSLCertVerificationError, match=error) if error else ok():
                connection.send("GET", "/", {})
                assert connection.receive(100) == (200, b"hello")
            connection.close()
        assert tls() is tls()
    finally:
        tls.cache_clear()
