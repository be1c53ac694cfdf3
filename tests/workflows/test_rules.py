"""What no linter checks: rules over whatever workflow files there are.

Each rule yields what breaks it. `broken.yml` breaks every rule. Every job is compared whole with
`reviewed_jobs.txt`; after a review of the change, write that file with
`python -m tests.workflows.files > tests/workflows/reviewed_jobs.txt`.
"""

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

import click
import pytest

from ship.cli.main import cli
from ship.github.settings import REQUIRED_CHECK
from ship.github.workflows import render
from tests.workflows.files import Workflows

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
OWNERS = "actions|aws-actions|github"
MAIN = "github.ref == 'refs/heads/main'"
OWN_BRANCH = {
    "github.event.pull_request.head.repo.full_name == github.repository",
    "github.event.pull_request.user.login != 'dependabot[bot]'",
}
Rule = Callable[[Workflows], Iterator[str]]


def nobody_untrusted_starts_a_run_with_rights(files: Workflows) -> Iterator[str]:
    """`pull_request_target` and `workflow_run` give a fork's change the rights of main (W3)."""
    for name, document in files.documents.items():
        known = {
            "merge_group",
            "pull_request",
            "push",
            "schedule",
            "workflow_call",
            "workflow_dispatch",
        }
        if unknown := set(document["on"]) - known:
            yield f"{name}: is started by {unknown}"
        push = document["on"].get("push") or {"branches": ["main"]}
        if push["branches"] != ["main"] or push.keys() - {"branches", "paths-ignore"}:
            yield f"{name}: is started by a push to another branch than main"


def nothing_applies_to_all_jobs_but_the_shell(files: Workflows) -> Iterator[str]:
    """Jobs of one matrix race for act's default shell; GitHub's has no `pipefail`."""
    allowed = {"name", "run-name", "on", "permissions", "concurrency", "defaults", "jobs"}
    for name, document in files.documents.items():
        if document.get("permissions") != {}:
            yield f"{name}: grants something to every job"
        if document.get("defaults") != {"run": {"shell": "bash"}}:
            yield f"{name}: does not say `shell: bash`"
        if set(document) - allowed:
            yield f"{name}: has {set(document) - allowed}"


def actions_are_pinned_to_a_commit(files: Workflows) -> Iterator[str]:
    """Of known owners. Whether commit and version belong together is asked by zizmor online."""
    pin = rf"(?:{OWNERS})/[\w/-]+@[0-9a-f]{{40}}"
    for action in files.actions:
        if not re.fullmatch(pin, action) or "cache" in action:
            yield f"{action} is not an action of a known owner at a commit, or it caches"
        elif not all(f"{action} # v" in text for text in files.texts.values() if action in text):
            yield f"{action} does not say its version"


def jobs_end_and_run_on_a_plain_machine(files: Workflows) -> Iterator[str]:
    for job in (job for job in files.jobs if job.steps):
        if not 1 <= int(job.body.get("timeout-minutes", 360)) <= 90:
            yield f"{job}: may run for hours"
        if job.body.get("runs-on") != "ubuntu-24.04" or {"container", "services"} & set(job.body):
            yield f"{job}: does not run on ubuntu-24.04 itself"


def steps_are_one_plain_command(files: Workflows) -> Iterator[str]:
    """Words, and variables in double quotes: nothing that a shell would take for more (W1)."""
    word = r"""(?:[\w./:=%+,@-]|'[^'\n]*'|"(?:[^"`$\\\n]|\$[A-Z_]+)*")+"""
    for job in files.jobs:
        for step in job.steps:
            run = str(step.get("run", "true")).rstrip("\n")
            if not re.fullmatch(rf"{word}(?: {word})*", run):
                yield f"{job}: pass values through `env` to one command: {run}"
            if "continue-on-error" in step:
                yield f"{job}: goes on after an error"


def no_secret_is_used(files: Workflows) -> Iterator[str]:
    for job in files.jobs:
        if re.search(r"\bsecrets\b", str(job.body)):
            yield f"{job}: uses a secret"


def files_come_from_this_run_and_no_token_stays(files: Workflows) -> Iterator[str]:
    """A build of another run was not tested here, nor may one of another attempt be (W7)."""
    for job in files.jobs:
        for step in job.steps:
            action, inputs = str(step.get("uses", "")).partition("@")[0], step.get("with", {})
            if action == "actions/checkout" and inputs.get("persist-credentials") is not False:
                yield f"{job}: leaves its token in the checkout"
            if action == "actions/checkout" and "repository" in inputs:
                yield f"{job}: checks another repository out"
            if action == "actions/download-artifact" and {"run-id", "repository"} & set(inputs):
                yield f"{job}: downloads another run's files"
            if action == "actions/upload-artifact" and inputs.get("overwrite") is not True:
                yield f"{job}: a second attempt leaves two files of one name"


def privileged_jobs_are_for_main_and_own_branches(files: Workflows) -> Iterator[str]:
    """A fork gets no token, and neither does a branch that somebody starts a run on (W2, O3)."""
    for job in (job for job in files.jobs if job.privileged):
        terms, started = _terms(job.condition), set(job.workflow["on"])
        if "pull_request" in started and not terms >= OWN_BRANCH:
            yield f"{job}: may write for a fork"
        if started & {"schedule", "workflow_dispatch"} and MAIN not in terms:
            yield f"{job}: may write for another branch than main"


def _terms(condition: str) -> set[str]:
    """What a condition asks for in any case: nothing, where `||` stands outside parentheses."""
    flat = condition
    while (shorter := re.sub(r"\([^()]*\)", "", flat)) != flat:
        flat = shorter
    return set() if "||" in flat else {term.strip() for term in flat.split("&&")}


def one_job_gathers_all_checks(files: Workflows) -> Iterator[str]:
    """A skipped job passes on GitHub: the required one always runs, and asks for each by name.

    It waits for no job that only publishes under Security, where GitHub may refuse that.
    """
    for job in (job for job in files.jobs if job.body.get("name") == REQUIRED_CHECK):
        others = [
            one
            for one in files.jobs
            if one.file == job.file and one != job and "security-events" not in one.permissions
        ]
        always = [one.name for one in others if not one.condition]
        failed = "contains(needs.*.result, 'failure') || contains(needs.*.result, 'cancelled')"
        missing = " || ".join(f"needs.{name}.result != 'success'" for name in always)
        if set(job.needs) != {one.name for one in others} or job.condition != "always()":
            yield f"{job}: does not wait for every job"
        if [(step.get("if"), step.get("run")) for step in job.steps] != [
            (failed, "exit 1"),
            (missing, "exit 1"),
        ]:
            yield f"{job}: does not fail for every job of {always}"


RULES: tuple[Rule, ...] = (
    nobody_untrusted_starts_a_run_with_rights,
    nothing_applies_to_all_jobs_but_the_shell,
    actions_are_pinned_to_a_commit,
    jobs_end_and_run_on_a_plain_machine,
    steps_are_one_plain_command,
    no_secret_is_used,
    files_come_from_this_run_and_no_token_stays,
    privileged_jobs_are_for_main_and_own_branches,
    one_job_gathers_all_checks,
)


@pytest.fixture(scope="module")
def files() -> Workflows:
    return Workflows.read()


@pytest.fixture(scope="module")
def broken() -> Workflows:
    return Workflows({"broken.yml": (HERE / "broken.yml").read_text()})


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.__name__))
def test_the_workflow_files_keep_the_rule(rule: Rule, files: Workflows) -> None:
    assert list(rule(files)) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.__name__))
def test_the_rule_finds_all_that_breaks_it(rule: Rule, broken: Workflows) -> None:
    """Each job of `broken.yml` says in a comment how often it breaks which rule."""
    marked = re.findall(rf"# breaks {rule.__name__}\b", broken.texts["broken.yml"])

    assert len(list(rule(broken))) == len(marked) > 0


@pytest.mark.parametrize("names", [(), ("only",), ("test", "live")])
def test_jobs_do_what_was_reviewed(files: Workflows, names: tuple[str, ...]) -> None:
    """In a project with other environments, too."""
    names = names or tuple(files.environments)
    texts = {name: render(text, names, name) for name, text in files.texts.items()}

    assert files.reviewed_jobs() == Workflows(texts).reviewed_jobs() == reviewed()


def reviewed() -> str:
    """The jobs as somebody has reviewed them."""
    return (HERE / "reviewed_jobs.txt").read_text()


def test_every_command_of_ship_parses(files: Workflows) -> None:
    for job in files.jobs:
        for step in job.steps:
            _, found, arguments = str(step.get("run", "")).partition(".venv/bin/ship ")
            command: click.Command = cli
            words = shlex.split(arguments)
            while found and isinstance(command, click.Group):
                command = command.commands[words.pop(0)]
            _, rest, _ = command.make_parser(click.Context(command)).parse_args(words)
            assert rest == [], f"{job}: {step}"


def test_every_target_of_make_and_every_part_of_the_tests_is_there(files: Workflows) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    runs = [str(step.get("run", "")) for job in files.jobs for step in job.steps]
    used = {run.split()[1] for run in runs if run.startswith("make ")}
    parts = files.documents["pull-request.yml"]["jobs"]["test"]["strategy"]["matrix"]["part"]
    folders = (ROOT / "tests/e2e").glob("*/conftest.py")

    assert used <= set(targets)
    assert set(parts) == {"units"} | {path.parent.name for path in folders}


def test_a_push_that_deploys_nothing_changes_nothing_that_is_built_or_applied(
    files: Workflows,
) -> None:
    ignored = files.documents["deploy.yml"]["on"]["push"]["paths-ignore"]
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = [PurePath(line) for line in listed.stdout.splitlines()]

    left_out = {path for path in paths for pattern in ignored if path.full_match(pattern)}

    assert "tests" in {path.parts[0] for path in left_out}
    sources = {"backend", "web", "infrastructure", "Makefile", "pyproject.toml"}
    assert not {path.parts[0] for path in left_out} & sources
    assert not [path for path in left_out if path.parts[:2] == (".github", "workflows")]


def test_the_required_check_is_there(files: Workflows) -> None:
    """The ruleset of main waits for a job of this name, for ever when there is none."""
    assert [job.file for job in files.jobs if job.body.get("name") == REQUIRED_CHECK] == [
        "pull-request.yml"
    ]


def test_the_list_of_threats_names_tests_that_are_there() -> None:
    listed = (ROOT / "docs/threats.md").read_text()
    files = [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("infrastructure/*/tests/*.tftest.hcl")]
    names = {path.name for path in files}
    for path in files:
        names |= set(re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE))

    assert set(re.findall(r"`(test_\w+(?:\.py)?|\w+\.tftest\.hcl)`", listed)) - names == set()
