"""Commands that create, change and destroy: bootstrap, github, plan, apply, destroy, previews."""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from ship import config
from ship.cli.options import FILE, NEW_FILE, TEXT, environment_argument, json_option, open_context
from ship.errors import ShipError, UsageError
from ship.output import result


@click.command()
@click.option("--aws", is_flag=True, help="In the AWS account that you are signed in to.")
@click.option("--yes", is_flag=True, help="Apply the plan without asking.")
def bootstrap(*, aws: bool, yes: bool) -> None:
    """Create what an AWS account has once: state bucket, OIDC provider, roles and boundaries.

    It shows the plan, asks, and applies exactly that plan; nothing is changed before the answer,
    and run again there is nothing to change. The only command that needs an administrator. It asks
    GitHub how the repository's tokens begin: sign in with `gh auth login`.
    """
    if not aws:
        raise UsageError(
            "`ship bootstrap` changes an AWS account",
            "add `--aws`; for the emulator `ship up` does it",
        )

    def confirm() -> bool:
        if yes:
            return True
        if not sys.stdin.isatty():
            raise UsageError(
                "nobody can agree to this plan here, and nothing has been changed",
                "run it at a terminal, or add `--yes`",
            )
        return click.confirm("Apply exactly this plan?", err=True)

    from ship.environments.bootstrap import propose
    from ship.github.api import gh

    changed = propose(open_context(aws=True), confirm, gh)
    result({}, "the account is ready" if changed else "there is nothing to change", as_json=False)


@click.command()
@click.option("--account", required=True, type=TEXT, help="The AWS account's 12 digits.")
@click.option(
    "--reviewer",
    "reviewers",
    multiple=True,
    type=TEXT,
    help="Who approves the last environment: a user, or ORGANISATION/TEAM. May be repeated.",
)
@click.option("--alone", is_flag=True, help="You alone maintain it: nobody else has to approve.")
@click.option("--self-review", is_flag=True, help="Who started a deploy may approve it, too.")
@click.option("--rules", is_flag=True, help="Make the rules of main before it has been deployed.")
@click.option("--apply", "apply_them", is_flag=True, help="Change what differs.")
@click.option("--accept", is_flag=True, help="With --apply: go on although there are problems.")
@json_option
def github(
    account: str,
    reviewers: tuple[str, ...],
    *,
    alone: bool,
    self_review: bool,
    rules: bool,
    apply_them: bool,
    accept: bool,
    as_json: bool,
) -> None:
    """Show which settings of the GitHub repository differ from what the workflows need.

    Environments that only main may name, the last one's reviewers, variables, labels, what actions
    may do, and last the rules of main. It first names what keeps the workflows from working: the
    plan, your rights, switched-off features. Without --apply it changes nothing; run again, there
    is nothing to change. It calls github.com through `gh`: sign in with `gh auth login`.
    """
    from ship.github import settings
    from ship.github.api import gh

    options = settings.Options(
        settings.check_account(account),
        reviewers,
        alone=alone,
        self_review=self_review,
        rules=rules,
    )
    found = settings.read_plan(config.project(Path.cwd()), options, gh)
    lines = [f"problem: {what}\n  to fix it: {fix}" for what, fix in found.problems]
    if apply_them and found.problems and not accept:
        print(*lines, sep="\n", file=sys.stderr)
    if apply_them:
        settings.apply(found, gh, accept=accept)
    word = "changed" if apply_them else "differs"
    lines += [f"{one.name} {word}: {one.found} -> {one.wanted}" for one in found.differing]
    if not found.differing:
        lines.append("nothing differs" if found.settings else "only an administrator sees more")
    data = {
        "problems": [one._asdict() for one in found.problems],
        "settings": [
            {"setting": one.name, "found": one.found, "wanted": one.wanted}
            for one in found.differing
        ],
        "note": found.note,
    }
    result(data, "\n".join(filter(None, (*lines, found.note))), as_json=as_json)


@click.command()
@environment_argument
@click.option("--out", type=NEW_FILE, help="Save the plan, for `ship apply`.")
@click.option(
    "--read-only",
    is_flag=True,
    help="As the role that plans may: without lock, against the state as it is.",
)
@click.option("--approved", default="", help="Refuse another plan than that of this fingerprint.")
@json_option
def plan(
    environment: str, out: Path | None, *, read_only: bool, approved: str, as_json: bool
) -> None:
    """Show what applying the infrastructure would change in ENVIRONMENT."""
    from ship.environments import infrastructure
    from ship.github.job import set_outputs

    if approved and read_only:
        raise UsageError("--approved is for a plan that will be applied", "leave --read-only out")
    context, text = open_context(), ""
    with context.progress.step("plan"):
        if read_only:
            clients = context.read_only_clients()
            if not infrastructure.has_state(context, environment, clients):
                text = f"{environment} has never been applied: all of it is new"
            stack = infrastructure.read_only_stack(context, environment, clients, context.progress)
            with stack as terraform:
                changes = terraform.plan(out, lock=False, refresh=False)
                waiting = infrastructure.describe_messages(context, clients, terraform)
        else:
            clients = context.clients(environment)
            changes = infrastructure.plan(context, environment, out, approved)
            terraform = context.stack(environment)
            waiting = infrastructure.describe_messages(context, clients, terraform)
        pending = infrastructure.describe_pending(context, environment, clients)
    set_outputs(context.settings, {"changes": str(changes).lower()})
    text = text or ("there is something to change" if changes else "nothing to change")
    lost = waiting and f"refused by `ship apply`, as these messages would be lost: {waiting}"
    text = "\n".join(filter(None, (text, pending, lost)))
    data = {"environment": environment, "changes": changes, "pending": pending, "lost": waiting}
    result(data, text, as_json=as_json)


@click.command()
@environment_argument
@click.option("--plan", "saved", type=FILE, help="Apply this very plan; refused when it is stale.")
def apply(environment: str, saved: Path | None) -> None:
    """Create or change the infrastructure of ENVIRONMENT; the live release stays live.

    What a run that was killed has made and not recorded is recorded first.
    """
    from ship.environments import domain, infrastructure
    from ship.environments.alerts import telling

    context = open_context()
    with telling(context, environment, "apply"), context.progress.step("apply"):
        infrastructure.apply(context, environment, saved)
        clients = context.clients(environment)
        pending = infrastructure.describe_pending(context, environment, clients)
        distribution = context.store(environment, clients).stack().distribution_id
        records = domain.describe_records(context, environment, clients, distribution)
    for text in filter(None, (pending, records)):
        result({}, text, as_json=False)


@click.command()
@environment_argument
@click.option("--yes", metavar="ENVIRONMENT", help="The environment's name again, to mean it.")
def destroy(environment: str, yes: str | None) -> None:
    """Destroy ENVIRONMENT: its function, API, site, releases, parameters and history."""
    from ship.environments import previews

    context = open_context()
    if context.settings.run.on_github and not config.is_preview(environment):
        raise ShipError(
            f"{environment} is a permanent environment: no workflow destroys it",
            f"to destroy it, run `ship destroy {environment}` from a terminal",
        )
    if yes is None and sys.stdin.isatty():
        yes = click.prompt(f"Type {environment} to destroy it and all its releases")
    if yes != environment:
        raise UsageError(
            f"destroying {environment} was not confirmed", f"add `--yes {environment}` to mean it"
        )
    with context.progress.step(f"destroy {environment}"):
        previews.destroy(context, environment)
    result({}, f"{environment} is gone", as_json=False)


@click.command("previews")
@click.option("--delete", is_flag=True, help="Destroy them.")
@json_option
def clean_up(*, delete: bool, as_json: bool) -> None:
    """Show the previews that no pull request wants any more; with --delete destroy them.

    Wanted is what an open pull request of this repository has labelled `preview`, and somebody
    pushed to within the days that pyproject.toml grants. It calls GitHub through its command
    line: sign in with `gh auth login`.
    """
    from ship.environments import previews
    from ship.github.api import gh

    context = open_context()
    if delete:
        found = previews.clean_up(context, gh)
    else:
        found = previews.stale_previews(context, gh, datetime.now(UTC))
    word = "is gone" if delete else "would be destroyed"
    text = "\n".join(f"{one.environment} {one.error or word}: {one.why}" for one in found)
    result([asdict(one) for one in found], text or "every preview is wanted", as_json=as_json)
    if any(one.error for one in found):
        raise ShipError("not every preview could be destroyed", "see above, then run it again")
