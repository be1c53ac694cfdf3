"""A read beside a write is whole; a bucket can forbid overwriting."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from emulator.patches.s3 import read_until_whole, write_keys

from ..account import Account, is_refused

WRITE_ONCE = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:PutObject",
    "Condition": {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    },
}


TORN, WHOLE = (200, {"Content-Length": "3"}, b"ab"), (200, {"Content-Length": "3"}, b"abc")


@pytest.mark.parametrize(
    "taken",
    [
        WHOLE,
        (404, {"Content-Length": "9"}, b""),
        (206, {"Content-Length": "1"}, b"a"),
        (200, {}, b"abc"),
        (200, {"Content-Length": "9"}, None),
    ],
)
def test_only_a_full_response_that_is_not_whole_is_read_again(taken: object) -> None:
    responses = iter([TORN, TORN, taken])
    assert read_until_whole(lambda: next(responses)) == taken


def test_a_reader_beside_a_writer_sees_whole_objects(account: Account) -> None:
    s3, bucket = account.client("s3"), account.bucket()
    bodies = (b"a" * 6000, b"b" * 7000)
    s3.put_object(Bucket=bucket, Key="page", Body=bodies[0])
    done = threading.Event()

    def write() -> None:
        for number in range(30):
            s3.put_object(Bucket=bucket, Key="page", Body=bodies[number % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(s3.get_object(Bucket=bucket, Key="page")["Body"].read())
    writer.join()
    assert seen <= set(bodies)


def test_a_bucket_that_requires_if_none_match_refuses_a_plain_write(either: Account) -> None:
    bucket = either.bucket(WRITE_ONCE)
    s3 = either.acting({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}).client("s3")
    put = {"Bucket": bucket, "Key": "k", "Body": b"x"}
    assert is_refused(lambda: s3.put_object(**put)) is either.patched
    if either.patched:
        assert not is_refused(lambda: s3.put_object(**put, IfNoneMatch="*"))


@pytest.mark.parametrize("query", [{"uploads": [""]}, {"uploadId": ["1"], "partNumber": ["1"]}])
def test_a_part_of_an_upload_creates_no_object(query: dict[str, Any]) -> None:
    assert write_keys(query, {}) == {"s3:ObjectCreationOperation": "false"}


def test_conditions_have_the_names_of_the_headers() -> None:
    assert write_keys({}, {"if-match": "e", "x": "y"}) == {
        "s3:ObjectCreationOperation": "true",
        "s3:if-match": "e",
    }
