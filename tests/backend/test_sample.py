"""`ship init` knows the sample by some of its texts, to remove it for another application."""

from pathlib import Path

from ship.adoption import sample

ROOT = Path(__file__).parents[2]


def test_every_part_of_the_sample_is_known() -> None:
    assert [part.sign for part in sample.PARTS if not part.is_in(ROOT)] == []
