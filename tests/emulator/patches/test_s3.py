"""Reads beside writes are whole; a bucket can forbid overwriting, and tell what is missing."""

import json
import threading
from typing import Any

import pytest

from emulator.patches.s3 import read_until_whole, write_keys

from ..account import Account, browser, is_refused, policy, unique

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


def test_cloudfront_is_told_what_is_missing_where_it_may_list(either: Account) -> None:
    bucket, s3 = either.site(unique("pages"), either.echo), either.client("s3")
    (read,) = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    distribution = read["Condition"]["StringEquals"]["AWS:SourceArn"].rpartition("/")[2]
    found = either.client("cloudfront").get_distribution(Id=distribution)["Distribution"]
    host = {"host": found["DomainName"], "x-forwarded-proto": "https"}

    def status(path: str) -> int:
        return browser.get(f"{either.endpoint}/{path}", headers=host).status_code

    assert (status(""), status("none")) == (200, 403)
    listing = read | {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"}
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(read, listing))
    assert (status(""), status("none")) == (200, 404 if either.patched else 403)


@pytest.mark.parametrize("query", [{"uploads": [""]}, {"uploadId": ["1"], "partNumber": ["1"]}])
def test_a_part_of_an_upload_creates_no_object(query: dict[str, Any]) -> None:
    assert write_keys(query, {}) == {"s3:ObjectCreationOperation": "false"}


def test_conditions_have_the_names_of_the_headers() -> None:
    assert write_keys({}, {"if-match": "e", "x": "y"}) == {
        "s3:ObjectCreationOperation": "true",
        "s3:if-match": "e",
    }
