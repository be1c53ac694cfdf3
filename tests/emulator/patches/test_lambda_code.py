"""A function's files are those of its zip, and what is compiled in it is this machine's."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from emulator import Emulator
from emulator.patches.lambda_code import compiled_packages, find_packages

from ..account import Account, wait

HANDLER = """
import os, subprocess, sys
import boto3, fast, slow

def handler(event, context):
    print("one line", file=sys.stderr)
    mode = os.stat(os.path.join(os.path.dirname(__file__), "tool")).st_mode
    return {"fast": fast.BUILT_FOR, "slow": slow.BUILT_FOR, "program": bool(mode & 0o100)}
"""
WHEEL = "Wheel-Version: 1.0\nTag: cp313-cp313-{}\n"


def zipped(version: str = "1.0") -> bytes:
    """A function with a program, a compiled package for another machine, and a pure one."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("code.py", HANDLER)
        archive.writestr("fast/__init__.py", "BUILT_FOR = 'another'")
        archive.writestr("slow.py", "BUILT_FOR = 'any'")
        archive.writestr(f"fast-{version}.dist-info/WHEEL", WHEEL.format("manylinux_2_17_s390x"))
        archive.writestr("slow-2.dist-info/WHEEL", WHEEL.format("any"))
        program = zipfile.ZipInfo("tool")
        program.external_attr = 0o100755 << 16
        archive.writestr(program, "#!/bin/sh")
    return made.getvalue()


@pytest.fixture(scope="module")
def packages(emulator: Emulator) -> Path:
    """What has been installed for this machine: another version, too much, and the right one."""
    for name, versions in {"a": ["0.9"], "b": ["1.0", "7"], "c": ["1.0"]}.items():
        write_package(emulator.packages / name, *versions)
    return emulator.packages


def write_package(folder: Path, *versions: str) -> None:
    for version in versions:
        info = folder / f"{'fast' if version != '7' else 'more'}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "WHEEL").write_text(WHEEL.format("this"))
    (folder / "fast").mkdir()
    (folder / "fast/__init__.py").write_text(f"BUILT_FOR = 'this: {folder.name}'")


def run(account: Account, code: bytes) -> dict[str, Any]:
    functions, name = account.client("lambda"), account.function()
    wait(lambda: functions.get_function_configuration(FunctionName=name)["State"] == "Active")
    functions.update_function_code(FunctionName=name, ZipFile=code, Publish=True)
    answer: dict[str, Any] = account.invoke(name, "2")["Payload"]
    return answer


def test_programs_can_be_started_and_compiled_packages_are_this_machines(
    account: Account, packages: Path
) -> None:
    assert run(account, zipped()) == {"fast": "this: c", "slow": "any", "program": True}


def test_without_a_match_the_zip_is_taken_as_it_is(account: Account, packages: Path) -> None:
    assert run(account, zipped("2.0"))["fast"] == "another"


def test_without_the_patch_neither_is_so(unpatched: Account) -> None:
    found = run(unpatched, zipped())
    assert (found["fast"], found["program"]) == ("another", False)


def test_a_function_without_compiled_packages_matches_nothing(tmp_path: Path) -> None:
    (tmp_path / "packages/empty").mkdir(parents=True)
    assert compiled_packages(tmp_path) == frozenset()
    assert find_packages(tmp_path, tmp_path / "packages") is None
