"""A release on GitHub for what reached the last environment, made once."""

from ship.github import releases
from tests.workflows.fake_github import GitHub


def test_a_release_is_published_once_and_stays_what_it_is(github: GitHub) -> None:
    urls = [releases.publish("o/r", "20261123-2-1a2b3c4", one * 40, github) for one in "ab"]

    assert github.releases == {"20261123-2-1a2b3c4": "a" * 40}
    assert urls[1] == "https://github.com/o/r/releases/tag/20261123-2-1a2b3c4"
    assert len([call for call in github.calls if call.startswith("POST")]) == 1
