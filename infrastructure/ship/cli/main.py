"""The command `ship`.

Exit status: 0 done; 1 refused, or failed before anything changed; 2 wrong usage; 3 failed, and
what was live before is live again; 4 failed, and a repair is due; 5 something has drifted.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ship import config, output
from ship.errors import ShipError, UsageError
from ship.output import Progress, result, table

if TYPE_CHECKING:
    from ship.environments.context import Context
    from ship.release.engine import Outcome

_INTERRUPTED = 130


class _Environment(click.ParamType[str]):
    name = "environment"

    def convert(self, value: str, *_: object) -> str:
        project = config.project(Path.cwd())
        return project.check_environment(value)


_ENVIRONMENT = _Environment()
_environment = click.argument("environment", type=_ENVIRONMENT)
_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
_reason = click.option("--reason", default="", help="Why, for the history.")
_out = click.option("--out", type=click.Path(path_type=Path), help="Write it to this file, too.")
_required_reason = click.option("--reason", required=True, help="Why, for the history.")


def main() -> None:
    """Run the command and end the process with its exit status."""
    # A cancelled job gets one of these, also where a shell has had SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        status = cli.main(prog_name="ship", standalone_mode=False)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "ship"
        output.fault(UsageError(error.format_message(), f"see `{where} --help`"))
        status = UsageError.status
    except click.exceptions.Abort:
        status = _interrupted()
    except KeyboardInterrupt:
        status = _interrupted()
    except ShipError as error:
        output.fault(error)
        status = error.status
    except BrokenPipeError:
        status = 0
    sys.exit(status if isinstance(status, int) else 0)


def _interrupted() -> int:
    output.fault(ShipError("interrupted", "run the command again: it finishes or puts back"))
    return _INTERRUPTED


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="serverless-flask", prog_name="ship")
def cli() -> None:
    """Build once, make it live in one environment after another, and go back in seconds.

    An ENVIRONMENT is dev, staging, production or a preview such as pr-12. On a laptop the
    commands work on the emulator that `ship up` starts; on GitHub, or with SHIP_TARGET=aws, on
    AWS. SHIP_PORT says which port the emulator listens on (4566 when unset).

    Exit status: 0 done; 1 refused, or failed before anything changed; 2 wrong usage; 3 failed,
    and what was live before is live again; 4 failed, and `ship repair` is due; 5 `ship drift`
    found something.
    """


@cli.command()
@_json
def build(as_json: bool) -> None:
    """Build the work tree into dist/: backend.zip, web/ and manifest.json.

    Two builds of one commit are the same byte for byte. An uncommitted tree may be built; its
    release id says so, and it goes no further than dev.
    """
    from ship.cli import commands

    context = _session()
    made = commands.build(context)
    size = made.manifest.files["backend.zip"].size
    data = {"release": made.manifest.release, "folder": str(made.folder), "zip_bytes": size}
    text = f"{made.manifest.release} in {made.folder.name}/, zip {size / 1e6:.2f} MB"
    result(data, text, as_json=as_json)


@cli.command()
@click.option("--aws", is_flag=True, help="In the AWS account that you are signed in to.")
@click.option("--yes", is_flag=True, help="Apply the plan without asking.")
def bootstrap(*, aws: bool, yes: bool) -> None:
    """Make what an AWS account has once: state bucket, OIDC provider, roles and boundaries.

    It shows the plan, asks, and applies exactly that plan; nothing is changed before the answer,
    and run again there is nothing to change. The only command that needs an administrator.
    """
    from ship.environments import bootstrap as account

    if not aws:
        raise UsageError(
            "`ship bootstrap` changes an AWS account", "add `--aws`; the emulator's is `ship up`'s"
        )
    made = account.offer(_session(aws=True), lambda: yes or _agreed())
    result({}, "the account is ready" if made else "there is nothing to change", as_json=False)


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise UsageError(
            "nobody is there to agree to this plan, and nothing has been changed",
            "run it at a terminal, or add `--yes`",
        )
    return click.confirm("Apply exactly this plan?", err=True)


@cli.command()
@_environment
@click.option("--out", type=click.Path(path_type=Path), help="Keep the plan, for `ship apply`.")
@click.option(
    "--read-only",
    is_flag=True,
    help="As the role that plans may: without lock, against the state as it stands.",
)
@_json
def plan(environment: str, out: Path | None, read_only: bool, as_json: bool) -> None:
    """Show what applying the infrastructure would change in ENVIRONMENT."""
    from ship.cli import report as reports

    context = _session()
    with context.progress.step("plan"):
        changes = context.stack(environment).plan(out, lock=not read_only, refresh=not read_only)
    reports.tell_step(context, {"changes": str(changes).lower()})
    text = "there is something to change" if changes else "nothing to change"
    result({"environment": environment, "changes": changes}, text, as_json=as_json)


@cli.command()
@_environment
@click.option(
    "--plan",
    "kept",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Apply this very plan; refused when it is stale.",
)
def apply(environment: str, kept: Path | None) -> None:
    """Make or change the infrastructure of ENVIRONMENT; the live release stays live."""
    context = _session()
    with context.progress.step("apply"):
        context.stack(environment).apply(kept)


@cli.command()
@_environment
@click.option("--release", help="Deploy this release, which is stored in the environment.")
@click.option(
    "--dist",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Deploy the build in this folder, whatever the work tree holds.",
)
@_reason
@_json
def deploy(
    environment: str, release: str | None, dist: Path | None, reason: str, as_json: bool
) -> None:
    """Make a release live in ENVIRONMENT, code and pages, and smoke-test it.

    Without options it deploys the work tree: dist/ when it is the tree's build, a fresh build
    otherwise. Whatever fails after users could see it puts the release before back (status 3).
    """
    from ship.cli import commands

    if release and dist:
        raise UsageError("--release and --dist exclude each other", "give one of them, or none")
    context = _session()
    if dist:
        outcome = commands.deploy_folder(context, environment, dist, reason)
    else:
        outcome = commands.deploy(context, environment, release, reason)
    _tell(outcome, as_json=as_json)


@cli.command()
@click.argument("origin", metavar="FROM", type=_ENVIRONMENT)
@click.argument("environment", metavar="TO", type=_ENVIRONMENT)
@_reason
@_json
def promote(origin: str, environment: str, reason: str, as_json: bool) -> None:
    """Make what is live in FROM live in TO: the same bytes, nothing is built."""
    from ship.cli import commands

    _tell(commands.promote(_session(), origin, environment, reason), as_json=as_json)


@cli.command()
@_environment
@click.option("--to", "release", help="The release to go back to; else the good one before.")
@_required_reason
@_json
def rollback(environment: str, release: str | None, reason: str, as_json: bool) -> None:
    """Make an older release of ENVIRONMENT live again, code and pages, in about a second.

    No build, no Terraform. The release that was live is marked bad and the environment is frozen:
    no workflow deploys until a person lifts that with `ship unfreeze`, or deploys a release
    that is not bad.
    """
    outcome = _session().engine(environment).rollback(release, reason)
    _tell(outcome, as_json=as_json)


@cli.command()
@_environment
@_json
def smoke(environment: str, as_json: bool) -> None:
    """Test what is live in ENVIRONMENT through both doors, API Gateway and CloudFront."""
    from ship.errors import CheckFailedError

    context = _session()
    engine = context.engine(environment)
    try:
        with context.progress.step("smoke"):
            seconds = engine.check()
    except CheckFailedError as error:
        raise ShipError(str(error), f"see `ship logs {environment}`, or `ship rollback`") from error
    data = {"environment": environment, "release": engine.state.live, "seconds": round(seconds, 3)}
    result(data, f"{engine.state.live} answers through both doors", as_json=as_json)


@cli.command()
@click.argument("environment", type=_ENVIRONMENT, required=False)
@_json
def status(environment: str | None, as_json: bool) -> None:
    """Show what is live in ENVIRONMENT, or in all, and where a rollback would go."""
    from ship.cli import commands

    context = _session(quiet=True)
    if environment:
        found = commands.status(context, environment)
        result(found, _status_text(found), as_json=as_json)
        return
    all_found = [commands.status(context, name) for name in context.project.environments]
    result(all_found, _status_table(all_found), as_json=as_json)


@cli.command()
@_environment
@click.option("--newest", default=20, show_default=True, type=click.IntRange(1, 1000))
@_json
def history(environment: str, newest: int, as_json: bool) -> None:
    """Show the history of ENVIRONMENT: what went live when, by whom and why."""
    from ship.cli import commands

    entries = commands.history(_session(quiet=True), environment, newest)
    columns = ("at", "event", "release", "by", "reason")
    rows = [tuple(str(entry[column] or "") for column in columns) for entry in entries]
    result(entries, table(columns, rows), as_json=as_json)


@cli.command()
@_environment
@click.option("--minutes", default=10.0, show_default=True, help="How far back to begin.")
@click.option("--follow", is_flag=True, help="Keep printing new lines until interrupted.")
def logs(environment: str, minutes: float, follow: bool) -> None:
    """Print the function's log lines of ENVIRONMENT, oldest first."""
    from ship.cli import commands

    for line in commands.logs(_session(quiet=True), environment, minutes, follow=follow):
        print(line, flush=follow)


@cli.command()
@_environment
@_required_reason
def freeze(environment: str, reason: str) -> None:
    """Keep workflows from deploying to ENVIRONMENT until a person lifts it."""
    _session().engine(environment).freeze(reason)
    result({}, f"{environment} is frozen", as_json=False)


@cli.command()
@_environment
@_required_reason
def unfreeze(environment: str, reason: str) -> None:
    """Let workflows deploy to ENVIRONMENT again."""
    from dataclasses import replace

    engine = _session().engine(environment)
    if not engine.state.frozen:
        raise ShipError(f"{environment} is not frozen", "there is nothing to lift")
    engine.change("unfrozen", None, reason, lambda head: replace(head, frozen=None))
    result({}, f"{environment} takes deploys again", as_json=False)


@cli.command()
@_environment
@click.argument("release")
@click.option("--good/--bad", "good", required=True, default=None, help="What it is.")
@_required_reason
def mark(environment: str, release: str, good: bool, reason: str) -> None:
    """Mark a RELEASE bad, so that nothing makes it live, or good again."""
    engine = _session().engine(environment)
    head = engine.state
    if good and release not in head.bad:
        raise ShipError(f"{release} is not marked bad", f"see `ship status {environment}`")
    if not good and release not in head.releases:
        raise ShipError(
            f"{release} was never live in {environment}", f"see `ship history {environment}`"
        )
    event = "marked good" if good else "marked bad"
    engine.change(
        event,
        release,
        reason,
        lambda now: now.without_bad(release) if good else now.with_bad(release, reason),
    )
    result({}, f"{release} is {event}", as_json=False)


@cli.command()
@_environment
@click.argument("release")
@click.option("--remove", is_flag=True, help="Let the clean-up remove it in its turn.")
@_reason
def pin(environment: str, release: str, remove: bool, reason: str) -> None:
    """Keep a RELEASE of ENVIRONMENT while it is pinned, so that a rollback may go there."""
    from dataclasses import replace

    engine = _session().engine(environment)
    if release not in engine.state.releases:
        raise ShipError(
            f"{release} is not kept in {environment}", f"see `ship status {environment} --json`"
        )
    event = "unpinned" if remove else "pinned"
    others = tuple(name for name in engine.state.pinned if name != release)
    pinned = others if remove else (*others, release)
    engine.change(event, release, reason, lambda head: replace(head, pinned=pinned))
    result({}, f"{release} is {event}", as_json=False)


@cli.command()
@_environment
def repair(environment: str) -> None:
    """Finish or put back what a run that died left behind in ENVIRONMENT.

    Deploy and rollback do this by themselves before they begin.
    """
    engine = _session().engine(environment)
    repaired = engine.repair()
    text = f"{engine.state.live or 'nothing'} is live in {environment}"
    result({}, text if repaired else f"there was nothing to repair; {text}", as_json=False)


@cli.command()
@_environment
@_out
def drift(environment: str, out: Path | None) -> None:
    """Compare ENVIRONMENT with what Terraform and `ship` made of it, and change nothing.

    It reads as the role that plans. Looked at are all that Terraform has made, where the alias
    points, the live version's code, the pages, the public settings, and what a dead run left
    behind. Exit status 5: something differs. While somebody works on the environment nothing is
    compared, and the status is 0.
    """
    from ship.cli import report as reports
    from ship.environments import drift as drifts
    from ship.errors import DriftError

    context = _session()
    found = drifts.search(context, environment)
    reports.publish(drifts.report(found), context, out)
    if found.differences:
        raise DriftError(
            f"{environment} is not as it was made: {len(found.differences)} differences",
            "put it back as the report says, or write what shall stay into the code",
        )


@cli.command()
@_environment
@click.option("--run", required=True, help="The run that holds the lock, as `ship status` says.")
def unlock(environment: str, run: str) -> None:
    """Take the lock from a run that has ended where nobody can find out about it, and repair."""
    engine = _session().engine(environment)
    if not engine.repair(force=run):
        raise ShipError(f"{environment} is not locked", "there is nothing to unlock")
    result({}, f"{engine.state.live or 'nothing'} is live in {environment}", as_json=False)


@cli.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--digest", required=True, help="The SHA-256 that the manifest has to have.")
@click.option(
    "--for",
    "environment",
    type=_ENVIRONMENT,
    help="Verify what may go there: to a lasting environment, what `gh` says was built on main.",
)
def verify(folder: Path, digest: str, environment: str | None) -> None:
    """Verify a build in FOLDER that came from elsewhere: manifest, every file, its origin."""
    from ship.environments import provenance

    made = provenance.verify(folder, digest)
    if environment and not config.is_preview(environment):
        provenance.check_attested(made, config.settings().run.repository)
    result({}, f"{made.manifest.release} is what was built", as_json=False)


@cli.command()
@_environment
@click.option(
    "--dist",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of the build.",
)
def preflight(environment: str, dist: Path) -> None:
    """Refuse a build that `ship deploy ENVIRONMENT` would refuse, and change nothing.

    A workflow asks before it applies that commit's infrastructure: a release that is older than
    the live one, marked bad, or held back by a freeze shall not bring its infrastructure either.
    """
    from ship.environments import provenance

    made = provenance.preflight(_session(), environment, dist)
    result({}, f"{made.manifest.release} may go to {environment}", as_json=False)


@cli.group()
def report() -> None:
    """Tell in Markdown what a workflow's run shows: on GitHub in the job's summary too."""


@report.command("build")
@click.option("--against", metavar="COMMIT", help="Build that commit too, and compare.")
@_out
def report_build(against: str | None, out: Path | None) -> None:
    """Report on the build in dist/: release, digest, size, import time, and their budgets."""
    from ship.cli import report as reports

    context = _session(quiet=True)
    reports.publish(reports.build(context, against), context, out)


@report.command("environment")
@_environment
@_out
def report_environment(environment: str, out: Path | None) -> None:
    """Report on ENVIRONMENT: what is live, where, and what a rollback could go to."""
    from ship.cli import report as reports

    context = _session(quiet=True)
    reports.publish(reports.environment(context, environment), context, out)


@report.command("preview")
@_environment
@click.option("--deployed", default="", help="How the job that deploys it ended, if it ran.")
@click.option("--destroyed", default="", help="How the job that destroys it ended, if it ran.")
@click.option("--release", default="", help="The release that is live.")
@click.option("--url", default="", help="Where the preview is.")
@_out
def report_preview(
    environment: str, deployed: str, destroyed: str, release: str, url: str, out: Path | None
) -> None:
    """Report on the preview ENVIRONMENT what a pull request's readers want to know."""
    from ship.cli import report as reports
    from ship.environments import previews

    context = _session(quiet=True)
    came = previews.Came(environment, deployed, destroyed, release, url)
    text = previews.told(came, context.settings.run.url)
    reports.publish(reports.Report(text), context, out)


@report.command("plan")
@_environment
@click.argument("plan_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_out
def report_plan(environment: str, plan_file: Path, out: Path | None) -> None:
    """Report on a PLAN_FILE that `ship plan ENVIRONMENT --out` kept: what would change."""
    from ship.cli import report as reports

    context = _session(quiet=True)
    reports.publish(reports.plan(context, environment, plan_file), context, out)


@report.command("drift")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def report_drift(folder: Path) -> None:
    """Report to GitHub's issues what `ship drift` wrote into FOLDER as drift-ENVIRONMENT.md.

    An environment that has drifted has one open issue, with the difference; it is closed when the
    drift is gone. It calls GitHub through its command line: sign in with `gh auth login`.
    """
    from ship.cli import report as reports
    from ship.github import issues
    from ship.github import settings as repository

    context = _session(quiet=True)
    run = context.settings.run
    where = run.repository or context.project.repository
    done = issues.settle(folder, where, run.url, repository.gh)
    text = "\n".join(f"- {line}" for line in done)
    reports.publish(reports.Report(f"### Issues\n\n{text}"), context, None)


@report.command("coverage")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@_out
def report_coverage(path: Path, out: Path | None) -> None:
    """Report on the tests' coverage from coverage's JSON FILE."""
    from ship.cli import report as reports

    reports.publish(reports.coverage(path), _session(quiet=True), out)


@cli.command()
@click.option("--account", required=True, help="The AWS account's 12 digits.")
@click.option(
    "--reviewer",
    "reviewers",
    multiple=True,
    help="Who approves production: a user, or a team as ORGANISATION/TEAM. May be repeated.",
)
@click.option("--apply", "make_so", is_flag=True, help="Change what differs.")
@_json
def github(account: str, reviewers: tuple[str, ...], *, make_so: bool, as_json: bool) -> None:
    """Show which settings of the GitHub repository differ from what the workflows need.

    Environments that only main may name, production's reviewers, variables, the rules of main,
    what actions may do. Without --apply it changes nothing; run again, there is nothing to change.
    It calls GitHub through its command line: sign in with `gh auth login`.
    """
    from ship.github import settings as repository

    project = config.project(Path.cwd())
    account = repository.check_account(account)
    found = repository.settings(project, account, reviewers, repository.gh)
    changed = (
        repository.change(found, repository.gh)
        if make_so
        else [setting for setting in found if setting.differs]
    )
    word = "changed" if make_so else "differs"
    text = "\n".join(f"{one.name} {word}: {one.found} -> {one.wanted}" for one in changed)
    data = [{"setting": one.name, "found": one.found, "wanted": one.wanted} for one in changed]
    result(data, text or "nothing differs", as_json=as_json)


@cli.command()
@_json
def up(as_json: bool) -> None:
    """Start the emulator and bring every environment to life on it.

    What is alive stays as it is; a second run changes nothing.
    """
    from ship.cli import commands

    context = _session()
    found = commands.up(context)
    text = (
        f"{_status_table(found)}\n\nOpen a site in a browser; `ship --help` shows what to do next."
    )
    result(found, text, as_json=as_json)


@cli.command()
@click.option("--wipe", is_flag=True, help="Forget everything that was in it, too.")
def down(wipe: bool) -> None:
    """Stop the emulator; what is in it comes back with `ship up`."""
    context = _session()
    stopped = context.emulator.stop()
    if wipe:
        context.emulator.wipe()
    result({}, "the emulator has stopped" if stopped else "no emulator was running", as_json=False)


@cli.command()
@_environment
@click.option("--yes", metavar="ENVIRONMENT", help="The environment's name again, to mean it.")
def destroy(environment: str, yes: str | None) -> None:
    """Destroy ENVIRONMENT: its function, API, site, releases, parameters and history."""
    from ship.cli import commands

    if yes is None and sys.stdin.isatty():
        yes = click.prompt(f"Type {environment} to destroy it and all its releases")
    if yes != environment:
        raise UsageError(
            f"destroying {environment} was not confirmed", f"add `--yes {environment}` to mean it"
        )
    commands.destroy(_session(), environment)
    result({}, f"{environment} is gone", as_json=False)


@cli.command()
@click.option("--apply", "make_so", is_flag=True, help="Destroy them.")
@_json
def sweep(*, make_so: bool, as_json: bool) -> None:
    """Show the previews that no pull request wants any more; with --apply destroy them.

    Wanted is what an open pull request of this repository has labelled `preview`, and somebody
    pushed to within the days that pyproject.toml grants. It calls GitHub through its command
    line: sign in with `gh auth login`.
    """
    from dataclasses import asdict

    from ship.environments import previews
    from ship.github import settings as repository

    found = previews.sweep(_session(), repository.gh, make_so=make_so)
    word = "is gone" if make_so else "would be destroyed"
    text = "\n".join(f"{one.environment} {one.fault or word}: {one.why}" for one in found)
    result([asdict(one) for one in found], text or "every preview is wanted", as_json=as_json)
    if any(one.fault for one in found):
        raise ShipError("not every preview could be destroyed", "see above, then sweep again")


@cli.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--name", required=True, help="Which of the workflows' comments it is.")
@click.option(
    "--file",
    "path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Markdown.",
)
def comment(number: int, name: str, path: Path) -> None:
    """Write a comment on pull request NUMBER, or make the one of that name say this instead.

    It calls GitHub through its command line: sign in with `gh auth login`.
    """
    from ship.github import comments
    from ship.github import settings as repository

    project, run = config.project(Path.cwd()), config.settings().run
    text = path.read_text(encoding="utf-8")
    where = run.repository or project.repository
    done = comments.settle(where, number, name, text, repository.gh)
    result({}, f"the comment “{name}” of #{number} is {done}", as_json=False)


def _session(*, quiet: bool = False, aws: bool = False) -> Context:
    from ship.environments.context import Context

    settings = config.settings(aws=aws)
    progress = Progress(plain=settings.plain, quiet=quiet)
    return Context(config.project(settings.start), settings, progress)


def _tell(outcome: Outcome, *, as_json: bool) -> None:
    from dataclasses import asdict

    text = (
        f"{outcome.release} is live in {outcome.environment} "
        f"after {outcome.live_seconds:.2f} s, tested after {outcome.seconds:.2f} s"
    )
    result(asdict(outcome), text, as_json=as_json)


def _status_text(found: dict[str, Any]) -> str:
    lines = {
        "environment": found["environment"],
        "release": found["release"] or "none yet",
        "previous": found["previous"] or "none",
        "commit": found["commit"] or "",
        "function version": found["function_version"] or "",
        "site": found["site_url"],
        "API": found["api_url"],
        "frozen": _frozen(found["frozen"]),
        "bad": json.dumps(found["bad"]) if found["bad"] else "",
        "under way": _under_way(found["operation"]),
    }
    return "\n".join(f"{name:<17}{value}" for name, value in lines.items() if value)


def _status_table(found: list[dict[str, Any]]) -> str:
    columns = ("environment", "release", "site", "API")
    rows = [
        (one["environment"], one["release"] or "none yet", one["site_url"], one["api_url"])
        for one in found
    ]
    return table(columns, rows)


def _frozen(freeze: dict[str, str] | None) -> str:
    return f"since {freeze['at']} by {freeze['by']}: {freeze['reason']}" if freeze else ""


def _under_way(operation: dict[str, Any] | None) -> str:
    if operation is None:
        return ""
    owner = operation["owner"]
    return f"{operation['kind']} of {operation['release']} by {owner['actor']}, {owner['run']}"
