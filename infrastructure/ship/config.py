"""What the project file and the environment variables say, read once into typed objects.

No other module of `ship` reads an environment variable.
"""

import getpass
import json
import os
import re
import shlex
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from lambda_adapter import parameters
from ship import edge_config
from ship.edge_config import Edge
from ship.errors import ShipError, UsageError
from ship.site_config import SiteHeaders, SiteSettings, read_headers, read_site
from ship.table import Table

# Everything below [tool.ship] that is optional, and its default.
_DEFAULT_PATHS = ("/api/*",)
_DEFAULT_ZIP = 10.0  # MB
_DEFAULT_PREVIEW_DAYS = 7.0
_DEFAULT_ARCHITECTURE = "arm64"
# The emulator, the tests and the bytecode in the zip are this version's.
_PYTHON = "3.13"

_PREVIEW = re.compile(r"pr-[1-9][0-9]{0,8}")
_PREVIEW_ROLE = "preview"
EMULATOR_ACCOUNT = "000000000000"
# The workflow that does what a person asks for.
OPERATE = "operate.yml"
_GITHUB_API = "https://api.github.com"
# S3 refuses longer names. https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET_LENGTH = 63
_LONGEST_PREVIEW = "pr-999999999"

# What AWS keeps for itself at the beginning of a parameter's or a bucket's name.
# https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
RESERVED_NAMES = ("aws", "ssm", "amzn-s3-demo-", "sthree-", "xn--")
_PROJECT = r"[a-z][a-z0-9-]{1,22}[a-z0-9]"
_REGION = r"[a-z]{2}(-[a-z]+)+-[0-9]"
_REPOSITORY = r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+"
SUBJECT_PREFIX = rf"repo:({_REPOSITORY}|[A-Za-z0-9-]+@[0-9]+/[A-Za-z0-9._-]+@[0-9]+)"
_WORKFLOW_REF = rf"{_REPOSITORY}/\.github/workflows/[A-Za-z0-9._-]+@refs/heads/main"
# What comes after PROJECT-ENV- in the names of queues and rules.
_EVENT = r"(?!warm-up$|.*-dead$)[a-z][a-z0-9-]{0,22}[a-z0-9]"
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
_SCHEDULE = r"(rate|cron)\([A-Za-z0-9 *?,/#-]{1,80}\)"
_FACTORY = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"
# Without a hyphen no environment's name begins like another's. "preview" is a role's name.
_ENVIRONMENT = r"(?!(function|pr|preview)$)[a-z][a-z0-9]{1,15}"
_ENVIRONMENT_KEYS = (
    "shift bake_seconds alarm_seconds variables domain zone login vpc waf flat_rate alerts "
    f"{edge_config.KEYS}"
)
_EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"
_TOPIC = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+"
# What CloudFront takes as a path pattern, and Terraform needs no escape for. The platform's own
# endpoints are below /-/.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html
_MOST_PATHS = 20
_PATTERN = r"/(?!-/)[A-Za-z0-9_.*$/~@:+&?-]{0,254}"
_DOMAIN = r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])"
_LOGIN_PATH = r"(/(?!-/)[A-Za-z0-9_.~-]+)+/\*"
# On the emulator an issuer may be on this machine.
_ISSUER = r"https://[^\s?#]+|http://(127\.0\.0\.1|localhost)(:[0-9]+)?[^\s?#]*"
_ZONE = r"Z[A-Z0-9]{3,31}"
# What bootstrap/uses.tf has rights for.
_USES = ("dynamodb", "s3", "secrets", "ses", "sns", "sqs", "vpc")
_SMOKE_PATH = r"/(?!-/|/)[^\s#]*"


@dataclass(frozen=True)
class Shift:
    """How traffic moves to a new version: shares in percent, each watched for some seconds.

    `alarm_seconds` is how long alarms and log are watched after it has all of the traffic.
    """

    shares: tuple[int, ...]
    bake_seconds: float
    alarm_seconds: float = 0.0

    @property
    def is_watched(self) -> bool:
        """Whether the new version is watched at all."""
        return bool(self.shares or self.alarm_seconds)


@dataclass(frozen=True)
class Event:
    """A queue: `module:name` of what gets its messages, and when it gets one by itself."""

    handler: str
    schedule: str = ""


@dataclass(frozen=True)
class Application:
    """The owner's WSGI application.

    `factory` is `module:name` of a callable that returns it, or of the application itself; `paths`
    are the path patterns that CloudFront sends to it. Everything else comes from the site.
    `before_traffic` is a command that a new version runs before users reach it; empty for none.
    `events` are its queues by name.
    """

    factory: str
    paths: tuple[str, ...] = _DEFAULT_PATHS
    before_traffic: str = ""
    events: dict[str, Event] = field(default_factory=dict)


@dataclass(frozen=True)
class Runtime:
    """What the function runs on in Lambda: the processor's architecture, and Python's version."""

    architecture: str = _DEFAULT_ARCHITECTURE
    python: str = _PYTHON


@dataclass(frozen=True)
class Domain:
    """A domain of an environment's site, and the id of its Route 53 zone if the account has it."""

    name: str
    zone: str | None = None


@dataclass(frozen=True)
class Login:
    """Paths that the API lets nobody reach without a token, and whose tokens for whom."""

    paths: tuple[str, ...]
    issuer: str
    audience: tuple[str, ...]


@dataclass(frozen=True)
class Alerts:
    """Who is told what happens to an environment: addresses or a topic of SNS, and a chat.

    The address of the chat's webhook is a secret, the setting ALERT_WEBHOOK.
    """

    emails: tuple[str, ...] = ()
    topic: str = ""
    webhook: bool = False


@dataclass(frozen=True)
class Vpc:
    """Where an environment's function is besides Lambda's own network: ids."""

    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]


@dataclass(frozen=True)
class Subject:
    """How the tokens of a repository's jobs name it.

    `prefix` is what their subjects begin with; `repository_id` is GitHub's number of the
    repository, empty where only GitHub knows it.
    """

    prefix: str
    repository_id: str


@dataclass(frozen=True)
class Project:
    """What `[tool.ship]` in pyproject.toml says."""

    root: Path
    name: str
    region: str
    repository: str
    subject_prefix: str | None
    application: Application
    shifts: dict[str, Shift]
    site: SiteSettings = field(default_factory=SiteSettings)
    smoke_paths: tuple[str, ...] = ()
    smoke_browser: bool = True
    """Whether the pages among them are opened in a browser, where this machine has one."""
    zip_budget: int = int(_DEFAULT_ZIP * 1e6)
    """In bytes."""
    preview_days: float = _DEFAULT_PREVIEW_DAYS
    site_headers: SiteHeaders = field(default_factory=SiteHeaders)
    variables: dict[str, dict[str, str]] = field(default_factory=dict)
    """The application's environment variables, by permanent environment or `preview`."""
    runtime: Runtime = Runtime()
    attest: bool = True
    """Whether GitHub attests builds, as it does not in private repositories of most plans."""
    job_workflow_refs: tuple[str, ...] = ()
    """The workflow files whose jobs may deploy to permanent environments; empty: all of main."""
    uses: tuple[str, ...] = ()
    """The services that the application uses besides the platform's."""
    networks: dict[str, Vpc] = field(default_factory=dict)
    """By permanent environment or `preview`."""
    logins: dict[str, Login] = field(default_factory=dict)
    """By permanent environment or `preview`."""
    domains: dict[str, Domain] = field(default_factory=dict)
    """The permanent environments' own domains."""
    alerts: dict[str, Alerts] = field(default_factory=dict)
    """By permanent environment; those that tell nobody are left out."""
    edges: dict[str, Edge] = field(default_factory=dict)
    """By permanent environment or `preview`."""

    @property
    def subject(self) -> Subject:
        """How tokens name the repository, as far as pyproject.toml says it.

        It holds on an emulator. On AWS GitHub is asked: `ship.github.subject`.
        """
        found = re.search(r"@([0-9]+)$", self.subject_prefix or "")
        return Subject(self.subject_prefix or f"repo:{self.repository}", found[1] if found else "")

    @property
    def environments(self) -> tuple[str, ...]:
        """The permanent environments, in the order of promotion; the last one is protected."""
        return tuple(self.shifts)

    @property
    def home(self) -> Path:
        """The folder for everything that can be made again: tools, caches, the emulator's state."""
        return self.root / ".ship"

    def shift(self, environment: str) -> Shift:
        """How traffic moves in this environment; a preview shifts all at once."""
        return self.shifts.get(environment, Shift((), 0.0))

    def role(self, environment: str) -> str:
        """The GitHub Environment, and the end of its role's name: previews share theirs."""
        return _PREVIEW_ROLE if is_preview(environment) else environment

    def edge(self, environment: str) -> Edge:
        """How requests reach the application in this environment."""
        return self.edges.get(self.role(environment), Edge())

    def check_environment(self, name: str) -> str:
        """Return the name when it is an environment of this project."""
        if name in self.shifts or is_preview(name):
            return name
        known = ", ".join(self.environments)
        raise UsageError(
            f"there is no environment {name!r}", f"name one of {known}, or a preview like pr-12"
        )


@dataclass(frozen=True)
class Run:
    """Who runs this command: a person at a terminal or a run of a workflow."""

    actor: str
    identity: str
    """Tells runs apart, also attempts of one run; on a person's machine the lock file does."""
    url: str
    on_github: bool
    repository: str
    token: str
    api: str = _GITHUB_API
    event_file: str = ""
    workflow: str = ""
    """The file of the workflow, without its folder."""

    @property
    def automatic(self) -> bool:
        """Whether nobody asked for this very deploy: a workflow other than Operate runs it."""
        return self.on_github and self.workflow != OPERATE


@dataclass(frozen=True)
class Settings:
    """What the environment variables say."""

    run: Run
    endpoint: str | None
    use_aws: bool
    port: int | None
    plain: bool
    start: Path
    inherited: dict[str, str]


def is_preview(environment: str) -> bool:
    """Whether an environment is the preview of a pull request."""
    return _PREVIEW.fullmatch(environment) is not None


def on_github() -> bool:
    """Whether this is a job of a workflow."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def settings(*, aws: bool = False) -> Settings:
    """Read the environment variables; `aws` says that the command is meant for AWS anyhow."""
    env = os.environ
    target = env.get("SHIP_TARGET", "aws" if on_github() else "emulator")
    if target not in ("aws", "emulator"):
        raise UsageError(f"SHIP_TARGET is {target!r}", "set it to `aws` or `emulator`, or unset it")
    port = env.get("SHIP_PORT")
    if port and not (port.isdecimal() and 1024 <= int(port) <= 65000):
        raise UsageError(f"SHIP_PORT is {port!r}", "set it to a free port from 1024 to 65000")
    endpoint = env.get("AWS_ENDPOINT_URL") or None
    if endpoint and not re.match(r"https?://[^/]", endpoint):
        raise UsageError(f"AWS_ENDPOINT_URL is {endpoint!r}", "set it to a URL, or unset it")
    use_aws = aws or target == "aws"
    if not use_aws:
        _stay_local()
    return Settings(
        run=_run(),
        endpoint=endpoint,
        use_aws=use_aws,
        port=int(port) if port else None,
        plain=on_github() or bool(env.get("CI")),
        start=Path.cwd(),
        inherited=dict(env),
    )


def project(start: Path) -> Project:
    """Read the project file at or above a folder; else the one this tool is installed from."""
    for folder in (start, *start.parents, Path(__file__).resolve().parents[2]):
        path = folder / "pyproject.toml"
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except ValueError as error:
            raise ShipError(f"{path} is not valid TOML: {error}", "correct it") from error
        if "ship" in data.get("tool", {}):
            return _project(folder, data["tool"]["ship"])
    hint = "run `ship` inside the project's checkout"
    raise ShipError("no pyproject.toml with a [tool.ship] table here or above", hint)


def _project(root: Path, section: object) -> Project:
    top = Table(
        "tool.ship",
        section,
        "project region repository subject_prefix job_workflow_refs application site smoke build "
        "budgets environments login previews github uses",
    )
    application = top.table("application", "factory paths before_traffic events")
    site = top.table(
        "site",
        "folder folders build fallback hash immutable check_references content_types headers",
    )
    build = top.table("build", "architecture python")
    environments = top.table("environments")
    previews = top.table("previews", f"days variables vpc {edge_config.KEYS}")
    name = top.text("project", _PROJECT, "serverless-flask")
    if name.startswith(RESERVED_NAMES):
        raise top.error(
            "project", f"AWS allows no names that begin with {', '.join(RESERVED_NAMES)}"
        )
    repository = top.text("repository", _REPOSITORY, "your-org/serverless-flask")
    budgets = top.table("budgets", "zip_megabytes")
    smoke = top.table("smoke", "browser paths")
    if not environments.values:
        hint = "add a table such as [tool.ship.environments.production]"
        raise ShipError("[tool.ship] in pyproject.toml names no environment", hint)
    for environment in environments.values:
        if not re.fullmatch(_ENVIRONMENT, environment):
            raise ShipError(
                f"[tool.ship.environments] in pyproject.toml cannot name one {environment!r}",
                "use 2 to 16 lower-case letters and digits, first a letter, but not `function`, "
                "`pr` or `preview`",
            )
    longest = max(*environments.values, _LONGEST_PREVIEW, key=len)
    excess = len(f"{name}-{longest}-artifacts-{EMULATOR_ACCOUNT}") - _BUCKET_LENGTH
    if excess > 0:
        raise ShipError(
            f"the bucket {name}-{longest}-artifacts-ACCOUNT would have {_BUCKET_LENGTH + excess} "
            f"characters; S3 takes {_BUCKET_LENGTH}",
            f"shorten the project's or the environment's name in pyproject.toml by {excess}",
        )
    return Project(
        root=root,
        name=name,
        region=top.text("region", _REGION, "eu-central-1"),
        repository=repository,
        subject_prefix=top.text("subject_prefix", SUBJECT_PREFIX, "repo:OWNER@ID/NAME@ID")
        if "subject_prefix" in top.values
        else None,
        job_workflow_refs=top.texts(
            "job_workflow_refs",
            _WORKFLOW_REF,
            f'["{repository}/.github/workflows/environment.yml@refs/heads/main"]',
            (),
        ),
        application=Application(
            application.text("factory", _FACTORY, "app:create_app"),
            application.texts("paths", _PATTERN, '["/api/*"]', _DEFAULT_PATHS, most=_MOST_PATHS),
            _command(application, "before_traffic", "flask db upgrade"),
            _events(top, application.table("events")),
        ),
        shifts={
            environment: _shift(environments.table(environment, _ENVIRONMENT_KEYS))
            for environment in environments.values
        },
        site=read_site(site),
        variables={
            _PREVIEW_ROLE: _variables(previews),
            **{name: _variables(environments.table(name)) for name in environments.values},
        },
        smoke_paths=smoke.texts("paths", _SMOKE_PATH, '["/api/items"]', ()),
        smoke_browser=smoke.flag("browser", default=True),
        zip_budget=round(budgets.number("zip_megabytes", 0.1, 250, _DEFAULT_ZIP) * 1e6),
        preview_days=previews.number("days", 1, 365, _DEFAULT_PREVIEW_DAYS),
        site_headers=read_headers(site.table("headers")),
        runtime=Runtime(
            build.text("architecture", "arm64|x86_64", "arm64", _DEFAULT_ARCHITECTURE),
            _python(build),
        ),
        domains=_domains(environments),
        edges={
            _PREVIEW_ROLE: edge_config.read_edge(previews),
            **{n: edge_config.read_edge(environments.table(n)) for n in environments.values},
        },
        networks=_networks(top, previews, environments),
        logins=_logins(top, environments),
        alerts=_alerts(environments),
        uses=tuple(sorted(top.texts("uses", "|".join(_USES), json.dumps(_USES), ()))),
        attest=top.table("github", "attest").flag("attest", default=True),
    )


def _command(table: Table, key: str, example: str) -> str:
    """One command without a shell; empty where there is none."""
    text = table.text(key, r"([^\s;&|<>`][^;&|<>`\n]*)?", example, "")
    try:
        shlex.split(text)
    except ValueError as error:
        raise table.error(key, f'{error}; write for example {key} = "{example}"') from error
    return text


def _python(table: Table) -> str:
    if table.values.get("python", _PYTHON) != _PYTHON:
        hint = f'write "{_PYTHON}": the zip has the bytecode of the Python that builds it'
        raise table.error("python", hint)
    return _PYTHON


def _events(top: Table, table: Table) -> dict[str, Event]:
    found = {}
    for name in table.values:
        if not re.fullmatch(_EVENT, name):
            raise table.error(name, "use 2 to 24 lower-case letters, digits and hyphens")
        one = table.table(name, "handler schedule")
        found[name] = Event(
            one.text("handler", _FACTORY, "app.jobs:handle"),
            one.text("schedule", rf"({_SCHEDULE})?", "rate(1 day)", ""),
        )
    if found and "sqs" not in top.values.get("uses", ()):
        raise top.error("uses", 'events come through queues; write uses = ["sqs"]')
    return found


def _variables(table: Table) -> dict[str, str]:
    variables = table.table("variables")
    for name, value in variables.values.items():
        if reason := parameters.refusal(name):
            raise variables.error(name, f"choose another name: this one {reason}")
        if not isinstance(value, str):
            raise variables.error(name, f'write it as text: {name} = "{value}"')
    return variables.values


def _logins(top: Table, environments: Table) -> dict[str, Login]:
    shared = top.table("login", "paths issuer audience")
    own = {
        name: environments.table(name).table("login", "issuer audience")
        for name in environments.values
    }
    found = {}
    for role, table in {_PREVIEW_ROLE: shared, **own}.items():
        login = Table(table.name, shared.values | table.values)
        if login.values:
            found[role] = Login(
                login.texts("paths", _LOGIN_PATH, '["/api/account/*"]', ()),
                login.text("issuer", _ISSUER, "https://login.example.org"),
                login.texts("audience", r"\S+", '["the-client-id"]', ()),
            )
            for key in ("paths", "audience"):
                if not login.values.get(key):
                    raise login.error(key, f"write a list: {key} = [...]")
    return found


def _networks(top: Table, previews: Table, environments: Table) -> dict[str, Vpc]:
    tables = {_PREVIEW_ROLE: previews, **{n: environments.table(n) for n in environments.values}}
    found = {}
    for role, table in tables.items():
        if "vpc" in table.values:
            vpc = table.table("vpc", "subnets security_groups")
            found[role] = Vpc(
                vpc.texts("subnets", "subnet-[0-9a-z]+", '["subnet-0a1b2c"]', ()),
                vpc.texts("security_groups", "sg-[0-9a-z]+", '["sg-0a1b2c"]', ()),
            )
            for key in ("subnets", "security_groups"):
                if not vpc.values.get(key):
                    raise vpc.error(key, "name at least one")
    if found and "vpc" not in top.values.get("uses", ()):
        raise top.error("uses", 'add "vpc", which lets functions into a VPC')
    return found


def _alerts(environments: Table) -> dict[str, Alerts]:
    found = {}
    for name in environments.values:
        if "alerts" not in environments.table(name).values:
            continue
        table = environments.table(name).table("alerts", "email topic webhook")
        webhook = table.values.get("webhook", False)
        if not isinstance(webhook, bool):
            # It may be the address, which no log shall have.
            raise ShipError(
                f"[{table.name}] in pyproject.toml has a webhook that is not true or false",
                "write webhook = true; its address is a secret, which "
                f"`ship settings {name} set ALERT_WEBHOOK` takes",
            )
        topic = ""
        if "topic" in table.values:
            topic = table.text("topic", _TOPIC, "arn:aws:sns:eu-central-1:111122223333:on-call")
        found[name] = Alerts(
            table.texts("email", _EMAIL, '["on-call@example.org"]', ()), topic, webhook
        )
        if found[name] == Alerts():
            raise ShipError(
                f"[{table.name}] in pyproject.toml names nobody",
                "write email, topic or webhook, or leave it out",
            )
        if found[name].emails and topic:
            raise table.error("email", "leave it out: subscribe the addresses to the topic")
    return found


def _domains(environments: Table) -> dict[str, Domain]:
    found: dict[str, Domain] = {}
    for name in environments.values:
        table = environments.table(name)
        if not table.values.keys() & {"domain", "zone"}:
            continue
        domain = table.text("domain", _DOMAIN, "www.example.org")
        if domain in {one.name for one in found.values()}:
            raise table.error("domain", "give each environment a domain of its own")
        zone = table.text("zone", _ZONE, "Z0123456789ABC") if "zone" in table.values else None
        found[name] = Domain(domain, zone)
    return found


def _shift(table: Table) -> Shift:
    shares = table.values.get("shift", [])
    if (
        not isinstance(shares, list)
        or any(type(share) is not int or not 0 < share < 100 for share in shares)
        or shares != sorted(set(shares))
    ):
        raise table.error("shift", "write rising shares from 1 to 99 percent: shift = [10, 50]")
    return Shift(
        tuple(shares),
        table.number("bake_seconds", 0, 3600, 0),
        table.number("alarm_seconds", 0, 1200, 0),
    )


def _run() -> Run:
    env = os.environ
    # https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    repository, number = env.get("GITHUB_REPOSITORY", ""), env.get("GITHUB_RUN_ID", "")
    identity = url = ""
    if on_github():
        actor = env.get("GITHUB_ACTOR", "")
        identity = f"github:{repository}:{number}:{env.get('GITHUB_RUN_ATTEMPT', '1')}"
        server = env.get("GITHUB_SERVER_URL", "https://github.com")
        url = f"{server}/{repository}/actions/runs/{number}"
    else:
        try:
            actor = getpass.getuser()
        except (KeyError, OSError):  # A container's user may have no name.
            actor = "unknown"
    return Run(
        actor,
        identity,
        url,
        on_github(),
        repository=repository,
        token=env.get("GITHUB_TOKEN", ""),
        api=env.get("GITHUB_API_URL", _GITHUB_API),
        event_file=env.get("GITHUB_EVENT_PATH", ""),
        # OWNER/NAME/.github/workflows/FILE@REF, of the calling one where one calls another.
        workflow=env.get("GITHUB_WORKFLOW_REF", "").partition("@")[0].rpartition("/")[2],
    )


def _stay_local() -> None:
    """Keep a person's AWS profile and proxy away from the emulator, here and in children."""
    # A profile may name an endpoint or a role of its own, which boto3 and Terraform would use.
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE"):
        os.environ.pop(name, None)
    excepted = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    both = ",".join(filter(None, (excepted, "127.0.0.1,localhost")))
    os.environ.update(NO_PROXY=both, no_proxy=both)
