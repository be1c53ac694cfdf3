"""A bucket that requires TLS can be used over loopback; a response comes in one piece."""

import socket
from urllib.parse import urlsplit

from ..account import Account, is_refused

ONLY_TLS = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def test_a_bucket_that_requires_tls_takes_requests_over_loopback(either: Account) -> None:
    bucket = either.bucket(ONLY_TLS)
    s3 = either.acting({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}).client("s3")
    refused = is_refused(lambda: s3.put_object(Bucket=bucket, Key="key", Body=b"x"))
    assert refused is not either.patched


def test_the_head_of_a_response_comes_with_its_body(either: Account) -> None:
    assert all(_arrives_whole(either) for _ in range(200)) is either.patched


def test_a_response_without_a_body_still_comes(account: Account) -> None:
    s3, bucket, body = account.client("s3"), account.bucket(), b"x" * 300_000
    s3.put_object(Bucket=bucket, Key="key", Body=body)
    assert s3.head_object(Bucket=bucket, Key="key")["ContentLength"] == len(body)
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == body
    assert s3.delete_object(Bucket=bucket, Key="key")["ResponseMetadata"]["HTTPStatusCode"] == 204


def _arrives_whole(account: Account) -> bool:
    """Whether the first that is read of a response is more than its head."""
    to = urlsplit(account.endpoint)
    with socket.create_connection((to.hostname, to.port), timeout=10) as connection:
        connection.sendall(f"GET /_ministack/health HTTP/1.1\r\nHost: {to.netloc}\r\n\r\n".encode())
        head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    return body != b""
