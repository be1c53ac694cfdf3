"""What `terraform test` in the stack's folder cannot see: other workspaces, and another app.tf."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from .commands import initialized, terraform

_ROOT = Path(__file__).resolve().parents[2]
_STACK = _ROOT / "infrastructure" / "stack"
# A test sets the name of the application's variable.
_APP = """
variable "name" {
  default = "STAGE"
}

locals {
  app_variables  = { (var.name) = "x" }
  app_statements = []
}
"""
_PLANNED = """
mock_provider "aws" {
  source = "./tests/mocks"
}

run "the_stack_is_planned" {
  command = plan
}
"""
_REFUSED = """
run "{name}_is_refused" {{
  command         = plan
  expect_failures = [aws_lambda_function.backend]
  variables {{
    name = "{name}"
  }}
}}
"""
# What the documentation's example sends to.
_EVENTS = '{arrivals = {schedule = ""}}'
_VARIABLES = {
    "environment": "default",
    "placeholder_zip": "placeholder.zip",
    "project": "example",
    "region": "us-east-2",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An initialised data folder, for every copy of the stack that has the modules beside it."""
    return initialized(_STACK, tmp_path_factory.mktemp("terraform"))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The stack without the owner's files."""
    stack = tmp_path / "stack"
    shutil.copytree(_STACK.parent / "modules", tmp_path / "modules")
    owners = shutil.ignore_patterns(".terraform", "app.tf", "app.tftest.hcl")
    shutil.copytree(_STACK, stack, ignore=owners)
    return stack


def test_a_preview_costs_little_and_shares_role_and_boundary(data: Path) -> None:
    folder = "-test-directory=tests/workspaces/pr-7"
    _passes(terraform(_STACK, data, "test", folder, TF_WORKSPACE="pr-7"))


@pytest.mark.parametrize(
    ("environment", "project"),
    [
        ("dev-two", "example"),
        ("preview", "example"),
        # One character more than a bucket's name may have.
        ("abcdefghijklmnop", "abcdefghijklmnopqrstuvwx"),
    ],
)
def test_a_name_that_fits_no_environment_is_refused(
    environment: str, project: str, data: Path
) -> None:
    arguments = [f"-var=environment={environment}", f"-var=project={project}"]
    folder = "-test-directory=tests/workspaces/refused"
    done = terraform(_STACK, data, "test", folder, *arguments, TF_WORKSPACE=environment)
    _passes(done)


def test_the_platform_needs_nothing_of_the_owners_file_and_keeps_its_variables(
    data: Path, copy: Path
) -> None:
    """With the longest names that there may be."""
    (copy / "app.tf").write_text(_APP, encoding="utf-8")
    environment = "abcdefghijklmno"
    names = {"environment": environment, "project": "abcdefghijklmnopqrstuvwx"}
    refused = [_REFUSED.format(name=name) for name in ("METRICS_NAMESPACE", "AWS_PROFILE")]
    _passes(_test(copy, data, "".join([_PLANNED, *refused]), names, TF_WORKSPACE=environment))


def test_the_example_of_the_documentation_is_planned(data: Path, copy: Path) -> None:
    shutil.copy(_ROOT / "docs/examples/app.tf", copy)
    terraform(copy, data, "get")
    _passes(_test(copy, data, _PLANNED, {"application_events": _EVENTS}))


def _test(
    stack: Path, data: Path, test: str, variables: dict[str, str], **environment: str
) -> subprocess.CompletedProcess[str]:
    (stack / "tests" / "generated.tftest.hcl").write_text(test, encoding="utf-8")
    arguments = [f"-var={name}={value}" for name, value in (_VARIABLES | variables).items()]
    only = "-filter=tests/generated.tftest.hcl"
    return terraform(stack, data, "test", only, *arguments, **environment)


def _passes(done: subprocess.CompletedProcess[str]) -> None:
    assert re.search(r"Success! [1-9]\d* passed, 0 failed\.", done.stdout), done.stdout
