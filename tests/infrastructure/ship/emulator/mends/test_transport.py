"""A bucket that wants TLS can be used over loopback."""

from __future__ import annotations

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
