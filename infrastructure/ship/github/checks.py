"""What keeps the workflows from working: a repository's plan, its settings, the caller's rights.

Nothing here changes anything. `ship github` and `ship doctor` show what is found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ship.errors import ShipError
from ship.github.subject import read_subject

if TYPE_CHECKING:
    from ship.config import Project
    from ship.github.api import Api

BRANCH = "main"
_SETTINGS = "[tool.ship] in pyproject.toml"
_ACTIVE = "active"


class Problem(NamedTuple):
    """Something that will not work, and the command or the edit that fixes it."""

    what: str
    fix: str


@dataclass(frozen=True)
class Repository:
    """What GitHub says of a repository.

    `plan` is its owner's: `free`, `pro`, `team` or `enterprise`; empty when GitHub does not tell.
    """

    path: str
    """The beginning of its paths in the API."""
    private: bool
    plan: str
    admin: bool
    found: dict[str, Any]

    # https://docs.github.com/en/get-started/learning-about-github/githubs-plans
    @property
    def has_everything(self) -> bool:
        """Whether there are attestations, required reviewers and lists of allowed actions."""
        return not self.private or self.plan == "enterprise"

    @property
    def has_rules(self) -> bool:
        """Whether there are rulesets, and rules of which branch may name an environment."""
        return not self.private or self.plan in ("pro", "team", "enterprise")


def read_repository(project: Project, api: Api) -> Repository:
    """Return what GitHub says of the project's repository.

    Raises:
        ShipError: there is none, or the caller may not see it.
    """
    found = api("GET", f"repos/{project.repository}", None)
    if found is None:
        raise ShipError(
            f"there is no repository {project.repository}, or you may not see it",
            "correct `repository` in pyproject.toml, or sign in with `gh auth login`",
        )
    private = found["private"]
    plan = _read_plan(found["owner"], api) if private else ""
    admin = found.get("permissions", {}).get("admin", False)
    return Repository(f"repos/{project.repository}", private, plan, admin, found)


def _read_plan(owner: dict[str, Any], api: Api) -> str:
    organization = owner["type"] == "Organization"
    found = api("GET", f"orgs/{owner['login']}" if organization else "user", None) or {}
    if found.get("login") != owner["login"]:
        return ""
    # GitHub tells an organization's plan to its owners only. Enterprise Cloud was called Business.
    name = str((found.get("plan") or {}).get("name", ""))
    return "enterprise" if name.startswith(("business", "enterprise")) else name


def check_repository(project: Project, gh: Api, account: str = "") -> list[Problem]:
    """Return all that keeps the workflows from working, without changing anything.

    Args:
        project: what pyproject.toml says.
        gh: calls GitHub; it is only read.
        account: the AWS account that the variables must name; empty leaves them out.

    Raises:
        ShipError: there is no such repository, or GitHub cannot be asked.
    """
    repository = read_repository(project, gh)
    problems = [
        *_check_rights(project, repository),
        *_check_plan(project, repository),
        *_check_switches(project, repository),
        *_check_owners(project, repository, gh),
        *_check_subject(project, gh),
    ]
    if repository.admin:
        problems += _check_actions(repository, gh)
        for name, value in variables(project, account).items() if account else ():
            found = gh("GET", f"{repository.path}/actions/variables/{name}", None) or {}
            if found.get("value") != value:
                what = f"the variable {name} of the repository is {found.get('value')}, not {value}"
                problems.append(Problem(what, f"`ship github --account {account} --apply`"))
    return problems


def variables(project: Project, account: str) -> dict[str, str]:
    """What the workflows read of the repository's variables."""
    return {"AWS_ACCOUNT_ID": account, "AWS_REGION": project.region, "PROJECT": project.name}


def _check_rights(project: Project, repository: Repository) -> list[Problem]:
    found, problems = repository.found, []
    name = found["full_name"]
    if not found["html_url"].startswith("https://github.com/"):
        what = f"{found['html_url']} is not on github.com, which the workflows are written for"
        problems.append(Problem(what, "unset GH_HOST, and use a repository on github.com"))
    if name.lower() != project.repository.lower():
        what = f"{project.repository} is called {name} now; the roles on AWS know the old name"
        fix = f'write repository = "{name}" below {_SETTINGS}, then run `ship bootstrap --aws`'
        problems.append(Problem(what, fix))
    if not repository.admin:
        what = f"you are not an administrator of {name}, so you can change none of its settings"
        fix = "sign in with `gh auth login` as one, or with a token with the right Administration"
        problems.append(Problem(what, fix))
    return problems


def _check_plan(project: Project, repository: Repository) -> list[Problem]:
    if repository.has_everything:
        return []
    name, last = project.repository, project.environments[-1]
    public = f"`gh repo edit {name} --visibility public --accept-visibility-change-consequences`"
    if not repository.plan:
        owner = repository.found["owner"]["login"]
        what = f"{name} is private, and GitHub does not tell you the plan of {owner}"
        return [Problem(what, f"sign in with `gh auth login` as an owner of {owner}")]
    where = f"a private repository of the plan {repository.plan.capitalize()}"
    problems = []
    if project.attest:
        fix = "write attest = false below [tool.ship.github] in pyproject.toml"
        problems.append(Problem(f"{where} has no attestations, so Deploy fails", fix))
    what = f"{where} has no required reviewers: what is merged goes to {last} unapproved"
    problems.append(Problem(what, f"make it public with {public}, or move to Enterprise Cloud"))
    if not repository.has_rules:
        what = f"{where} has no rules: any branch may be pushed to, and may name any environment"
        problems.append(Problem(what, f"make it public with {public}, or move to Pro or Team"))
    return problems


def _check_switches(project: Project, repository: Repository) -> list[Problem]:
    found, name, problems = repository.found, project.repository, []
    if found["default_branch"] != BRANCH:
        old = found["default_branch"]
        what = f"the default branch is {old}; the workflows run for {BRANCH}"
        rename = f"repos/{name}/branches/{old}/rename -f new_name={BRANCH}"
        problems.append(Problem(what, f"`gh api --method POST {rename}`"))
    if not found["has_issues"]:
        what = "issues are switched off, so Drift cannot report"
        problems.append(Problem(what, f"`gh repo edit {name} --enable-issues`"))
    if found.get("archived"):
        problems.append(Problem(f"{name} is archived", f"`gh repo unarchive {name} --yes`"))
    return problems


def _check_owners(project: Project, repository: Repository, gh: Api) -> list[Problem]:
    path = next(
        (
            path
            # Where GitHub looks, in its order.
            for folder in (".github", ".", "docs")
            if (path := project.root / folder / "CODEOWNERS").is_file()
        ),
        None,
    )
    login = repository.found["owner"]["login"]
    in_team = repository.found["owner"]["type"] == "Organization"
    # Of an organization a team may own files, or a member.
    nobody = rf"@(?:your-org/\S+{f'|{re.escape(login)}' if in_team else ''})(?!\S)"
    if path and (found := re.search(nobody, path.read_text(encoding="utf-8"))):
        what = f"{path.relative_to(project.root)} names {found[0]}: GitHub asks no owner"
        owners = f"USER` or `--owner {login}/TEAM" if in_team else login
        return [Problem(what, f"`ship init --owner {owners}`, then push CODEOWNERS")]
    errors = (gh("GET", f"{repository.path}/codeowners/errors", None) or {}).get("errors", [])
    return [
        Problem(
            f"{one['path']} on {BRANCH}, line {one['line']}: {one['kind']}; GitHub asks no owner",
            one.get("suggestion") or "name people or teams who may write to the repository",
        )
        for one in errors
    ]


def _check_subject(project: Project, gh: Api) -> list[Problem]:
    """Tell whether the roles on AWS can know the subject of the jobs' OIDC tokens."""
    try:
        read_subject(project, gh)
    except ShipError as error:
        return [Problem(str(error), f"{error.hint}; then run `ship bootstrap --aws`")]
    return []


def _check_actions(repository: Repository, gh: Api) -> list[Problem]:
    base, problems = repository.path, []
    name = repository.found["full_name"]
    permissions = f"{base}/actions/permissions"
    if not (gh("GET", permissions, None) or {}).get("enabled"):
        fix = f"`gh api --method PUT {permissions} -F enabled=true`"
        return [Problem("GitHub Actions is switched off", fix)]
    listed = gh("GET", f"{base}/actions/workflows?per_page=100", None) or {"workflows": []}
    for one in listed["workflows"]:
        # GitHub disables schedules itself: in forks, and where nothing was pushed for 60 days.
        if one["state"] not in (_ACTIVE, "deleted"):
            what = f"the workflow {one['name']} is disabled ({one['state']})"
            file = one["path"].rpartition("/")[2]
            problems.append(Problem(what, f"`gh workflow enable {file} --repo {name}`"))
    if repository.private:
        path = f"{permissions}/fork-pr-workflows-private-repos"
        forks = gh("GET", path, None) or {}
        # A fork's run would have the same subject as the repository's own pull requests.
        if forks.get("send_write_tokens_to_workflows"):
            off = dict(forks) | {"send_write_tokens_to_workflows": False}
            fields = " ".join(f"-F {key}={str(value).lower()}" for key, value in off.items())
            what = "forks' pull requests get tokens that may write: they could take roles on AWS"
            problems.append(Problem(what, f"`gh api --method PUT {path} {fields}`"))
    return problems
