"""The function's code as the zip has it, from the sources and without its dependencies."""

import json
import shutil
from pathlib import Path

from tests.fixtures import applications

PACKAGE = Path(__file__).parents[2] / "infrastructure/lambda_adapter"
RELEASE = {"release": "20261123-42-1a2b3c4", "commit": "1a2b", "sequence": 42}


def assemble(folder: Path, application: str) -> Path:
    """Put an application, the adapter and the release's identity into a folder."""
    factory = applications.install(application, folder)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, folder / "lambda_adapter", ignore=ignored)
    path = folder / "lambda_adapter/release.json"
    path.write_text(json.dumps(RELEASE | {"factory": factory}))
    return folder
