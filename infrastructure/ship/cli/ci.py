"""Commands for workflows: `ship ci verify|preflight|operate|report|comment|issue|workflows`."""

import shlex
import sys
from pathlib import Path

import click

from ship import config
from ship.cli import release as release_commands
from ship.cli import settings
from ship.cli.options import (
    ENVIRONMENT,
    FILE,
    FOLDER,
    NEW_FILE,
    TEXT,
    environment_argument,
    open_context,
    out_option,
    read_text,
    required_reason_option,
)
from ship.environments.alerts import Message, send
from ship.errors import ShipError, UsageError
from ship.github.job import publish, set_outputs
from ship.output import Report, print_warning, result

# What Operate offers besides promotions: the command, the options that its fields become (an
# argument where there is none), and what else the command gets.
_ACTIONS: dict[str, tuple[click.Command, dict[str, str], tuple[str, ...]]] = {
    "rollback": (release_commands.rollback, {"release": "--to"}, ()),
    "freeze": (release_commands.freeze, {"until": "--until"}, ()),
    "unfreeze": (release_commands.unfreeze, {}, ()),
    "restart": (settings.restart, {}, ()),
    "repair": (release_commands.repair, {}, ()),
    "unlock": (release_commands.unlock, {"run": "--run"}, ()),
    "mark-bad": (release_commands.mark, {"release": ""}, ("--bad",)),
    "mark-good": (release_commands.mark, {"release": ""}, ("--good",)),
    "pin": (release_commands.pin, {"release": ""}, ()),
    "unpin": (release_commands.pin, {"release": ""}, ("--remove",)),
}


@click.group()
def ci() -> None:
    """Do what workflows need besides: check a build, report, comment, keep their files right."""


@ci.command()
@click.argument("folder", type=FOLDER)
@click.option("--digest", required=True, type=TEXT, help="The SHA-256 that the manifest must have.")
@click.option(
    "--for",
    "environment",
    type=ENVIRONMENT,
    help="Verify what may go there; a permanent environment takes only what was built on main.",
)
def verify(folder: Path, digest: str, environment: str | None) -> None:
    """Verify a downloaded build in FOLDER: manifest, every file, its origin.

    With `attest = false` in [tool.ship.github] the origin is left out.
    """
    from ship.environments import provenance

    build, text = provenance.verify(folder, digest), "is what was built"
    if environment and not config.is_preview(environment):
        if config.project(Path.cwd()).attest:
            provenance.check_attested(build, config.settings().run.repository)
            text += " on main"
        else:
            text += "; nothing attests where (`attest = false` in [tool.ship.github])"
    result({}, f"{build.manifest.release} {text}", as_json=False)


@ci.command()
@environment_argument
@click.option("--dist", required=True, type=FOLDER, help="The folder of the build.")
def preflight(environment: str, dist: Path) -> None:
    """Refuse a build that `ship deploy ENVIRONMENT` would refuse, and change nothing.

    A workflow runs it before it applies that commit's infrastructure: a release that is older than
    the live one or marked bad must not bring its infrastructure either. A freeze is no failure: the
    step's output `frozen` says that the steps after it are to be skipped.
    """
    from ship.environments import provenance

    context = open_context()
    build, freeze = provenance.preflight(context, environment, dist)
    set_outputs(context.settings, {"frozen": str(bool(freeze)).lower()})
    if freeze is None:
        result({}, f"{build.manifest.release} may go to {environment}", as_json=False)
        return
    text = f"{environment} is {freeze}. {build.manifest.release} was not deployed there."
    print_warning(f"{text} Operate → unfreeze, then Deploy → Run workflow")
    publish(Report(f"### {environment}: nothing was deployed\n\n{text}"), context.settings)


@ci.command()
@click.argument("action", metavar="ACTION", type=click.Choice(["promote", "hotfix"]))
@environment_argument
@click.option("--release", default="", help="The release; none or empty: the live one.")
def fetch(action: str, environment: str, release: str) -> None:
    """Download what may go to ENVIRONMENT into dist/, and verify where it came from.

    To promote it comes from the environment before, as a hotfix from the first one: it skips what
    lies between. It is read as the role that plans. The outputs of its step are the release, its
    commit and the digest of its manifest.
    """
    import hashlib
    import shutil

    from ship.environments import stored

    context = open_context()
    build = stored.fetch_for(context, environment, release or None, hotfix=action == "hotfix")
    folder = context.project.root / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(build.folder, folder)
    digest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    outputs = {"release": build.manifest.release, "commit": build.manifest.commit, "digest": digest}
    report = Report(f"### `{build.manifest.release}` goes to {environment}", outputs)
    publish(report, context.settings)


@ci.command()
@click.argument("action", metavar="ACTION", type=click.Choice([*_ACTIONS]))
@environment_argument
@click.option("--release", default="", help="The release that it is about.")
@click.option("--run", default="", help="To unlock: the run that holds the lock.")
@click.option("--until", default="", help="To freeze: when it ends, in UTC, like 2026-12-24T18:00.")
@required_reason_option
def operate(action: str, environment: str, reason: str, **fields: str) -> None:
    """Do what a person asks the workflow Operate for: run the command of that name.

    A field that the action does not take must be empty.
    """
    command, takes, fixed = _ACTIONS[action]
    for field, value in fields.items():
        if value and field not in takes:
            raise UsageError(f"{action} takes no {field}", f"leave the field {field} empty")
    options = [f"{takes[name]}={value}" for name, value in fields.items() if value and takes[name]]
    positional = [fields[field] for field, option in takes.items() if not option]
    if not all(positional):
        raise UsageError(f"{action} needs a release", "fill in the field release")
    if any(parameter.name == "reason" for parameter in command.params):
        options.append(f"--reason={reason}")
    # Behind `--` nothing is an option, whatever somebody has typed.
    words = [*fixed, *options, "--", environment, *positional]
    print(shlex.join(["ship", str(command.name), *words]), file=sys.stderr, flush=True)
    command.main(words, prog_name=f"ship {command.name}", standalone_mode=False)


@ci.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--name", required=True, type=TEXT, help="Which of the workflows' comments it is.")
@click.option(
    "--file",
    "path",
    required=True,
    type=click.Path(exists=True, path_type=Path),
    help="Markdown, or a folder whose .md files follow one another by name.",
)
def comment(number: int, name: str, path: Path) -> None:
    """Write a comment on pull request NUMBER, or update the one of that name.

    It calls GitHub through its command line: sign in with `gh auth login`.
    """
    from ship.github.api import gh
    from ship.github.issues import upsert_comment

    repository = config.settings().run.repository or config.project(Path.cwd()).repository
    files = sorted(path.glob("*.md")) if path.is_dir() else [path]
    if not files:
        raise ShipError(f"there is no .md file in {path}", "name the folder that has the reports")
    text = "".join(map(read_text, files))
    done = upsert_comment(repository, number, name, text, gh)
    result({}, f"the comment “{name}” of #{number} is {done}", as_json=False)


@ci.command("publish")
@click.argument("release", type=TEXT)
@click.option("--commit", required=True, type=TEXT, help="The commit that it was built from.")
def publish_release(release: str, commit: str) -> None:
    """Publish RELEASE on GitHub: a tag, with notes on what came since the one before.

    It calls GitHub through its command line: sign in with `gh auth login`.
    """
    from ship.github import releases
    from ship.github.api import gh

    found, project = config.settings(), config.project(Path.cwd())
    url = releases.publish(found.run.repository or project.repository, release, commit, gh)
    publish(Report(f"### [{release}]({url})"), found)


@ci.command()
@click.argument("title", type=TEXT)
@click.option("--file", "path", required=True, type=FILE, help="Markdown; empty closes the issue.")
def issue(title: str, path: Path) -> None:
    """Keep one open issue of this TITLE: open, update or close it.

    It calls GitHub through its command line: sign in with `gh auth login`.
    """
    from ship.github.api import gh
    from ship.github.issues import upsert_issue

    repository = config.settings().run.repository or config.project(Path.cwd()).repository
    done = upsert_issue(repository, title, read_text(path), gh)
    result({}, f"the issue “{title}” is {done}", as_json=False)


@ci.command("workflows")
@click.option("--check", is_flag=True, help="Write nothing; fail when a file differs.")
def write_workflows(check: bool) -> None:
    """Write the parts of the workflow files that follow the environments in pyproject.toml.

    GitHub takes no expression for the jobs of a chain, nor for the options of a choice. Run this
    after a change of [tool.ship.environments].
    """
    from ship.github import workflows

    project = config.project(Path.cwd())
    outdated = workflows.outdated(project.root, project.environments)
    names = ", ".join(path.name for path in outdated)
    if check and outdated:
        raise ShipError(
            f"the environments in pyproject.toml are not those of {names}",
            "run `ship ci workflows`, and commit what it writes",
        )
    for path, text in outdated.items():
        path.write_text(text, encoding="utf-8")
    result({}, f"written: {names}" if names else "the workflows follow the list", as_json=False)


@ci.group()
def report() -> None:
    """Report in Markdown what a workflow's run shows: on GitHub in the job's summary too."""


@report.command("build")
@click.option("--against", metavar="COMMIT", default="", help="Build that commit too, and compare.")
@out_option
def report_build(against: str, out: Path | None) -> None:
    """Report on the build in dist/: release, digest, size, import time, and their budgets."""
    from ship.cli import reports

    context = open_context(quiet=True)
    publish(reports.report_build(context, against), context.settings, out)


@report.command("environment")
@environment_argument
def report_environment(environment: str) -> None:
    """Report on ENVIRONMENT: what is live, where, and where a rollback may go."""
    from ship.cli import reports

    context = open_context(quiet=True)
    publish(reports.report_environment(context, environment), context.settings)


@report.command("preview")
@environment_argument
@click.option("--deployed", default="", help="How the job that deploys it ended, if it ran.")
@click.option("--destroyed", default="", help="How the job that destroys it ended, if it ran.")
@click.option("--release", default="", help="The release that is live.")
@click.option("--url", default="", help="Where the preview is.")
@out_option
def report_preview(
    environment: str, deployed: str, destroyed: str, release: str, url: str, out: Path | None
) -> None:
    """Report on the preview ENVIRONMENT to the readers of its pull request."""
    from ship.environments.previews import render_comment

    found = config.settings()
    text = render_comment(environment, deployed, destroyed, release, url, found.run.url)
    publish(Report(text), found, out)


@report.command("plan")
@environment_argument
@click.argument("plan_file", type=FILE)
@click.option(
    "--waits", is_flag=True, help="Alert that a deploy of this commit waits for approval."
)
@out_option
def report_plan(environment: str, plan_file: Path, out: Path | None, *, waits: bool) -> None:
    """Report what a PLAN_FILE of `ship plan ENVIRONMENT --out` would change."""
    from ship.build.tree import run_git
    from ship.cli import reports
    from ship.environments.infrastructure import fingerprint, read_only_stack

    context = open_context(quiet=True)
    clients = context.read_only_clients()
    with read_only_stack(context, environment, clients, context.progress) as terraform:
        plan = terraform.show(plan_file)
    outputs = {"plan": fingerprint(context, plan)}
    text = reports.render_plan(environment, plan)
    publish(Report(text, outputs), context.settings, out)
    if waits:
        commit = run_git(context.project.root, "rev-parse", "--short=7", "HEAD").decode().strip()
        changes = text.partition("\n")[0].partition(": ")[2]
        hint = f"look at the plan in the run ({changes}), then approve or reject the deploy there"
        message = Message(f"a deploy of commit {commit} waits for its approval", "", hint)
        send(context, environment, message, as_reader=True)


@report.command("drift")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def report_drift(folder: Path) -> None:
    """Report to GitHub's issues what `ship drift` wrote into FOLDER as drift-ENVIRONMENT.md.

    An environment that has drifted has one open issue, with the difference; it is closed when the
    drift is gone. So has one that has no report, because it could not be compared. It calls GitHub
    through its command line: sign in with `gh auth login`.
    """
    from ship.github.api import gh
    from ship.github.issues import sync_drift

    found, project = config.settings(), config.project(Path.cwd())
    repository = found.run.repository or project.repository
    lines = sync_drift(folder, project.environments, repository, found.run.url, gh)
    text = "\n".join(f"- {line}" for line in lines)
    publish(Report(f"### Issues\n\n{text}"), found)


@report.command("packages")
@out_option
def report_packages(out: Path | None) -> None:
    """Report which versions in the requirements.txt files differ from the last commit's."""
    from ship.cli import reports

    publish(reports.report_packages(config.project(Path.cwd()).root), config.settings(), out)


@report.command("coverage")
@click.argument("path", metavar="FILE", type=NEW_FILE)
@out_option
def report_coverage(path: Path, out: Path | None) -> None:
    """Report on the tests' coverage from coverage's JSON FILE."""
    from ship.cli import reports

    publish(reports.report_coverage(path), config.settings(), out)
