from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import toolchain
from toolchain import Tools

ROOT = Path(__file__).parents[2]

Git = Callable[..., str]


def run_git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit that holds a small application and site."""
    folder = tmp_path / "repository"
    (folder / "backend").mkdir(parents=True)
    (folder / "web/assets").mkdir(parents=True)
    (folder / "backend/handler.py").write_text("def handler(event, context):\n    return {}\n")
    (folder / "web/assets/site.css").write_text("body { margin: 0 }\n")
    (folder / "web/index.html").write_text(PAGE)
    lock = (ROOT / "backend/requirements.txt").read_text()
    (folder / "backend/requirements.txt").write_text(lock)
    run_git(folder, "init", "--quiet", "--initial-branch=main")
    run_git(folder, "add", "--all")
    run_git(folder, "commit", "--quiet", "--message", "First")
    return folder


@pytest.fixture(scope="session")
def tools() -> Tools:
    return toolchain.find(ROOT)


PAGE = """<!doctype html>
<html lang="en">
<meta name="release" content="development">
<title>Test</title>
<link rel="stylesheet" href="/assets/site.css">
"""
