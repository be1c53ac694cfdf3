"""httpbin's own tests, asked plainly and through the adapter."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.applications.conftest import LOCK
from tests.e2e.sandbox import ROOT
from toolchain import find

pytestmark = pytest.mark.nightly

# What an HTTP API does, and what is meant: a visitor's X-Forwarded-Proto counts for nothing.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
DIFFERENT = {
    "test_post_chunked": "501 != 200|200 != 501",
    "test_response_headers_multi": "'dog, cat'",
    "test_x_forwarded_proto": "'http://localhost/get'",
}
ENDS = ("PASSED", "FAILED")
PLUGIN = ("-p", "through_adapter")


def test_the_same_tests_of_httpbin_pass_as_without_the_adapter(
    sources: Callable[[str], Path], tmp_path: Path
) -> None:
    python = tmp_path / "environment/bin/python"
    uv = str(find(ROOT).uv)
    venv = [uv, "venv", "--quiet", "--python", str(find(ROOT).python), str(python.parents[1])]
    subprocess.run(venv, check=True)
    install = [uv, "pip", "install", "--quiet", "--python", str(python), "--constraint", str(LOCK)]
    subprocess.run([*install, "httpbin", "pytest"], check=True)
    folders = f"{Path(__file__).parent}:{ROOT / 'infrastructure'}"

    def results(*options: str) -> tuple[set[str], set[str], str]:
        """The tests that pass, those that fail, and what is said of them."""
        done = subprocess.run(
            [python, "-m", "pytest", "-v", "-p", "no:cacheprovider", *options, "tests"],
            cwd=sources("httpbin"),
            env={"PYTHONPATH": folders, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        passed, failed = (set(re.findall(rf"::(\w+) {end}", done.stdout)) for end in ENDS)
        return passed, failed, done.stdout + done.stderr

    plainly, failed, said = results()
    assert (bool(plainly), failed) == (True, set()), said[-3000:]
    through, failed, said = results(*PLUGIN)
    assert failed == set(DIFFERENT), said[-3000:]
    assert through == plainly - failed
    for reason in DIFFERENT.values():
        assert re.search(reason, said), reason
