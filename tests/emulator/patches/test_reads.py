"""A read beside a write answers the old or the new object, whole."""

from __future__ import annotations

import threading

from emulator.patches.reads import is_whole, settled

from ..account import Account, unique


def test_an_answer_that_is_no_whole_one_is_read_again() -> None:
    torn, whole = (200, {"Content-Length": "3"}, b"ab"), (200, {"Content-Length": "3"}, b"abc")
    answers = iter([torn, torn, whole])

    assert settled(lambda: next(answers)) == whole


def test_other_answers_are_taken_as_they_come() -> None:
    for answer in (
        (404, {"Content-Length": "9"}, b""),
        (206, {"Content-Length": "1"}, b"a"),
        (200, {}, b"abc"),
        (200, {"Content-Length": "9"}, None),
    ):
        assert is_whole(*answer)


def test_a_reader_beside_a_writer_sees_whole_objects(account: Account) -> None:
    s3, bucket = account.client("s3"), unique("reads")
    s3.create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    bodies = (b"a" * 6000, b"b" * 7000)
    s3.put_object(Bucket=bucket, Key="page", Body=bodies[0])
    done = threading.Event()

    def write() -> None:
        for number in range(60):
            s3.put_object(Bucket=bucket, Key="page", Body=bodies[number % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(s3.get_object(Bucket=bucket, Key="page")["Body"].read())
    writer.join()
    assert seen <= set(bodies)
