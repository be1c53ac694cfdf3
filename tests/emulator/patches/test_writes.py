"""A bucket can want that what was written once stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.patches.writes import write_keys

from ..account import NUMBER, Account, is_refused, policy, unique

ROOT = {"AWS": f"arn:aws:iam::{NUMBER}:root"}


def test_a_bucket_that_wants_if_none_match_refuses_a_plain_write(account: Account) -> None:
    s3, bucket = _write_once(account)

    assert is_refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x"))
    assert not is_refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x", IfNoneMatch="*"))


def test_without_the_mend_it_takes_it(unmended: Account) -> None:
    s3, bucket = _write_once(unmended)

    assert not is_refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x"))


@pytest.mark.parametrize(
    ("query", "makes"),
    [
        ({}, "true"),
        ({"uploadId": ["1"]}, "true"),
        ({"uploads": [""]}, "false"),
        ({"uploadId": ["1"], "partNumber": ["1"]}, "false"),
    ],
)
def test_only_what_makes_an_object_counts(query: dict[str, Any], makes: str) -> None:
    assert write_keys(query, {})["s3:ObjectCreationOperation"] == makes


def test_conditions_are_named_as_they_were_given() -> None:
    assert write_keys({}, {"if-match": '"e"', "x": "y"})["s3:if-match"] == '"e"'


def _write_once(account: Account) -> tuple[Any, str]:
    bucket, role = unique("once"), account.role(ROOT)
    account.client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    condition = {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }
    once = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": condition,
    }
    account.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy(once))
    allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    account.allow(role["RoleName"], allowed)
    return account.assume(role["Arn"]).client("s3"), bucket
