from typing import Any

import pytest

from ship.release.configuration import differences

VARIABLES = {"LEVEL": "info", "OLD": "a secret"}
BEFORE: dict[str, Any] = {
    "MemorySize": 512,
    "Timeout": 10,
    "Architectures": ["arm64"],
    "TracingConfig": {"Mode": "Active"},
    "Environment": {"Variables": VARIABLES},
    "RevisionId": "1",
}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"RevisionId": "2", "LastModified": "now"}, ()),
        ({"MemorySize": 1024}, ("memory 512 → 1024 MB",)),
        ({"Timeout": 20}, ("timeout 10 → 20 s",)),
        ({"TracingConfig": {"Mode": "PassThrough"}}, ("tracing Active → PassThrough",)),
        ({"Layers": [{"Arn": "arn:b"}, {"Arn": "arn:a"}]}, ("layers none → arn:a, arn:b",)),
        ({"VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}}, ()),
        (
            {"Environment": {"Variables": {"LEVEL": "debug", "NEW": "another secret"}}},
            ("variable LEVEL changed", "variable NEW added", "variable OLD removed"),
        ),
        ({"Environment": None}, ("variable LEVEL removed", "variable OLD removed")),
    ],
)
def test_what_another_version_has_in_another_way(
    change: dict[str, Any], found: tuple[str, ...]
) -> None:
    assert differences(BEFORE, BEFORE | change) == found
