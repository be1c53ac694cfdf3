"""Other adapters for Flask on Lambda, to compare this one with; in folders of their own."""

import json
import os
import subprocess
import zipfile
from pathlib import Path

from tests.e2e.sandbox import ROOT
from tests.fixtures import applications
from toolchain import find

ZAPPA = "zappa==0.63.0"
WSGI = ("apig-wsgi==2.20.0",)
ASGI = ("asgiref==3.*", "mangum==0.22.0")
SERVERLESS_WSGI = ("serverless-wsgi==3.1.0",)


def install(folder: Path, *packages: str) -> Path:
    """Put packages and what they need into a folder that can be imported from."""
    _uv("pip", "install", "--quiet", "--target", str(folder), *packages)
    return folder


def package_zappa(folder: Path) -> Path:
    """Let Zappa package the minimal application; return the folder that Lambda would see.

    `zappa package` takes the environment it runs in: Zappa and the application's packages. It makes
    no bytecode, and Lambda's code folder is read-only.
    """
    project, environment = folder / "project", folder / "environment"
    applications.install("minimal", project)
    _uv("venv", "--quiet", "--python", str(find(ROOT).python), str(environment))
    locked = ("--requirement", str(project / "requirements.txt"))
    _uv("pip", "install", "--quiet", "--python", str(environment / "bin/python"), *locked)
    _uv("pip", "install", "--quiet", "--python", str(environment / "bin/python"), ZAPPA)
    settings = {
        "app_function": "wsgi.app",
        "aws_region": "eu-central-1",
        "project_name": "bench",
        "runtime": "python3.13",
        "s3_bucket": "none",
        "slim_handler": False,
    }
    (project / "zappa_settings.json").write_text(json.dumps({"bench": settings}), "utf-8")
    subprocess.run(
        [environment / "bin/zappa", "package", "bench", "--output", "bench.zip"],
        cwd=project,
        env=os.environ | {"VIRTUAL_ENV": str(environment)},
        check=True,
        capture_output=True,
    )
    with zipfile.ZipFile(project / "bench.zip") as archive:
        archive.extractall(folder / "task")
    return folder / "task"


def _uv(*arguments: str) -> None:
    subprocess.run([find(ROOT).uv, *arguments], check=True)
