"""A bucket that wants TLS can be used over loopback; an answer comes as one piece."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from ..account import NUMBER, Account, is_refused, policy, unique

ROOT = {"AWS": f"arn:aws:iam::{NUMBER}:root"}


def test_a_bucket_that_wants_tls_takes_requests_over_loopback(account: Account) -> None:
    assert not _refuses(account)


def test_without_the_mend_it_denies_them(unmended: Account) -> None:
    assert _refuses(unmended)


def _refuses(account: Account) -> bool:
    bucket, role = unique("tls"), account.role(ROOT)
    s3 = account.client("s3")
    s3.create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    both = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    only_tls = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": both,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(only_tls))
    account.allow(role["RoleName"], {"Effect": "Allow", "Action": "s3:*", "Resource": both})
    acting = account.assume(role["Arn"]).client("s3")
    return is_refused(lambda: acting.put_object(Bucket=bucket, Key="key", Body=b"x"))


def test_the_head_of_an_answer_comes_with_its_body(account: Account) -> None:
    assert all(_comes_whole(account) for _ in range(200))


def test_without_the_mend_the_body_comes_later(unmended: Account) -> None:
    assert not all(_comes_whole(unmended) for _ in range(200))


def test_an_answer_without_a_body_still_comes(account: Account) -> None:
    s3, bucket = account.client("s3"), unique("whole")
    s3.create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    body = b"x" * 300_000
    s3.put_object(Bucket=bucket, Key="key", Body=body)

    assert s3.head_object(Bucket=bucket, Key="key")["ContentLength"] == len(body)
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == body
    assert s3.delete_object(Bucket=bucket, Key="key")["ResponseMetadata"]["HTTPStatusCode"] == 204


def _comes_whole(account: Account) -> bool:
    """Whether the first that comes of an answer is more than its head."""
    to = urlsplit(account.endpoint)
    with socket.create_connection((to.hostname, to.port), timeout=10) as connection:
        connection.sendall(f"GET /_ministack/health HTTP/1.1\r\nHost: {to.netloc}\r\n\r\n".encode())
        head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    return body != b""
