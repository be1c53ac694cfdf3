"""What a command works with: project, settings, tools, and access to each environment."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ship.aws import (
    UNKNOWN_ID,
    Account,
    Clients,
    Credentials,
    assume,
    current_account,
    web_identity_token,
)
from ship.config import EMULATOR_ACCOUNT
from ship.environments.terraform import Terraform, Workspace
from ship.errors import ShipError
from ship.state.store import Store

# What only some commands need is imported where it is used: a command starts in half the time.
if TYPE_CHECKING:
    from pathlib import Path

    from emulator import Emulator
    from ship.config import Project, Settings, Shift, Subject
    from ship.output import Progress
    from ship.release.engine import Engine
    from toolchain import Tools

_DEFAULT_PORT = 4566
_EMULATOR_ALARM_SECONDS = 5.0


class Context:
    """What a command works with; each part is made when it is first needed."""

    def __init__(self, project: Project, settings: Settings, progress: Progress) -> None:
        self.project = project
        self.settings = settings
        self.progress = progress

    @cached_property
    def tools(self) -> Tools:
        """The tools that the set-up found or fetched."""
        import toolchain

        return toolchain.find(self.project.root)

    @cached_property
    def caches(self) -> Path:
        """The folder for downloads and temporary builds."""
        folder = self.project.home / "cache"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @cached_property
    def emulator(self) -> Emulator:
        """This checkout's emulator: at the port of SHIP_PORT, else where it is running."""
        if self.settings.port is not None:
            return self._emulator(self.settings.port)
        running = self._emulator(_DEFAULT_PORT).running()
        port = urlsplit(running.endpoint).port if running else None
        return self._emulator(port or _DEFAULT_PORT)

    @cached_property
    def is_emulator(self) -> bool:
        """Whether the calls go to an emulator."""
        return self.settings.endpoint is not None or not self.settings.use_aws

    @cached_property
    def account(self) -> Account:
        """Where the calls go."""
        region = self.project.region
        if not self.is_emulator:
            return current_account(region, None)
        endpoint = self.settings.endpoint
        if endpoint is None:
            running = self.emulator.running()
            if running is None:
                raise ShipError(
                    "the emulator of this checkout is not running",
                    "start it with `make up`; to work on AWS itself set SHIP_TARGET=aws",
                )
            endpoint = running.endpoint
        return Account(EMULATOR_ACCOUNT, region, endpoint)

    @property
    def state_bucket(self) -> str:
        """The bucket of every Terraform state of this account."""
        return f"{self.project.name}-state-{self.account.account_id}"

    def artifact_bucket(self, environment: str) -> str:
        """The bucket of an environment's releases, state and history."""
        return f"{self.project.name}-{environment}-artifacts-{self.account.account_id}"

    def administrator(self) -> Credentials | None:
        """The emulator's root user, for bootstrap; none on AWS, to use one's own credentials."""
        if not self.is_emulator or self.settings.run.on_github:
            return None
        root = self.emulator.root()
        return Credentials(root.access_key_id, root.secret_access_key)

    def clients(self, environment: str) -> Clients:
        """AWS clients with the credentials of an environment's own deploy role."""
        name = self.project.role(environment)
        return self._clients(f"deploy-{name}", name)

    def read_only_clients(self) -> Clients:
        """AWS clients with the credentials of the role that plans, and reads all environments."""
        return self._clients("plan", None)

    def _clients(self, role: str, environment: str | None) -> Clients:
        # On AWS the credentials are the job's or the person's own, which boto3 finds by itself.
        # https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html
        if self.settings.run.on_github or not self.is_emulator:
            return Clients(self.account, None)
        # On an emulator: what GitHub's action does in a job of that environment.
        # https://github.com/aws-actions/configure-aws-credentials#oidc
        token = web_identity_token(self.project, self.settings.run, environment)
        return Clients(self.account, assume(self.account, f"{self.project.name}-{role}", token))

    def store(self, environment: str, clients: Clients) -> Store:
        """An environment's artifact bucket."""
        return Store(clients.client("s3"), self.artifact_bucket(environment), environment)

    def shift(self, environment: str) -> Shift:
        """How traffic moves in an environment; an emulator's alarms fire at once."""
        found = self.project.shift(environment)
        seconds = min(found.alarm_seconds, _EMULATOR_ALARM_SECONDS)
        return replace(found, alarm_seconds=seconds) if self.is_emulator else found

    def engine(self, environment: str, progress: Progress | None = None) -> Engine:
        """The release engine of an environment."""
        from ship.release.engine import Engine
        from ship.release.smoke import ReleaseChecks

        clients = self.clients(environment)
        return Engine(
            clients,
            self.store(environment, clients),
            self.settings.run,
            self.project.home / "locks",
            progress or self.progress,
            ReleaseChecks(
                self.project.application.paths,
                self.project.smoke_paths,
                self.project.site.fallback,
                tuple(self.project.site.folders),
                self.project.smoke_browser,
            ),
        )

    def stack(
        self,
        environment: str,
        progress: Progress | None = None,
        clients: Clients | None = None,
        copy: Path | None = None,
        *,
        has_state: bool = True,
    ) -> Terraform:
        """Terraform for an environment's stack, by default with the environment's own role.

        Args:
            environment: the environment.
            progress: where Terraform's output goes.
            clients: whose credentials it has.
            copy: a copy of the configuration, to use instead.
            has_state: whether it has the environment's state; else an empty one, in the copy.
        """
        from ship.build.builder import placeholder

        variables: dict[str, object] = {
            "project": self.project.name,
            "region": self.project.region,
            "environment": environment,
            "placeholder_zip": str(placeholder(self.project.home / "placeholder.zip")),
            "application_events": {
                name: {"schedule": one.schedule}
                for name, one in self.project.application.events.items()
            },
            "application_paths": list(self.project.application.paths),
            "site_fallback": self.project.site.fallback,
            "site_paths": [f"{path}*" for path in self.project.site.folders],
            "site_content_security_policy": self.project.site_headers.sources,
            "site_headers": self.project.site_headers.others,
            "application_variables": self.project.variables.get(self.project.role(environment), {}),
            "function_architecture": self.project.runtime.architecture,
            "function_runtime": f"python{self.project.runtime.python}",
            **{k: v for k, v in asdict(self.project.edge(environment)).items() if v is not None},
            # The last environment's buckets are emptied by a person, or not at all.
            "force_destroy": environment != self.project.environments[-1],
        }
        if self.is_emulator:
            variables["emulator"] = {
                "endpoint": self.account.endpoint,
                "site_url": self.emulator.site_url(environment),
            }
        if vpc := self.project.networks.get(self.project.role(environment)):
            variables["vpc"] = asdict(vpc)
        if login := self.project.logins.get(self.project.role(environment)):
            variables["login"] = asdict(login)
        if alerts := self.project.alerts.get(environment):
            variables["alerts"] = {"emails": alerts.emails, "topic": alerts.topic}
        clients = clients or self.clients(environment)
        if found := self.project.domains.get(environment):
            from ship.environments import domain

            certificate = domain.find(clients, found)
            arn = certificate.arn if certificate and certificate.is_issued else None
            variables["domain"] = {"name": found.name, "zone": found.zone, "certificate": arn}
        credentials = clients.credentials
        # `ship` holds the lock itself: see state_lock.py.
        backend = {"workspace_key_prefix": f"stack/{environment}", "use_lockfile": "false"}
        workspace = self._workspace("stack", environment, backend, variables, credentials)
        if copy:
            bucket = workspace.bucket if has_state else ""
            workspace = replace(workspace, root=copy, data=copy / "data", bucket=bucket)
        return Terraform(self.tools.terraform, workspace, (progress or self.progress).note)

    def bootstrap(
        self,
        copy: Path | None = None,
        progress: Progress | None = None,
        subject: Subject | None = None,
        *,
        create_oidc_provider: bool = True,
    ) -> Terraform:
        """Terraform for what an account has once, with an administrator's credentials.

        Args:
            copy: a copy of the configuration that keeps its state in its own folder.
            progress: where Terraform's output goes.
            subject: how tokens name the repository; none takes what pyproject.toml says.
            create_oidc_provider: false where the account has a provider for GitHub of another's.
        """
        subject = subject or self.project.subject
        variables: dict[str, object] = {
            "project": self.project.name,
            "region": self.project.region,
            "subject_prefix": subject.prefix,
            "repository_id": subject.repository_id or UNKNOWN_ID,
            "job_workflow_refs": list(self.project.job_workflow_refs),
            "create_oidc_provider": create_oidc_provider,
            "environments": list(self.project.environments),
            "uses": list(self.project.uses),
            "alerts": {name: alerts.topic for name, alerts in self.project.alerts.items()},
            "domains": {
                name: {"name": domain.name, "zone": domain.zone}
                for name, domain in self.project.domains.items()
            },
            "web_acls": {name: edge.waf for name, edge in self.project.edges.items() if edge.waf},
        }
        if self.is_emulator:
            variables["emulator"] = {"endpoint": self.account.endpoint}
        workspace = self._workspace("bootstrap", "default", {}, variables, self.administrator())
        if copy:
            workspace = replace(workspace, root=copy, data=copy / "data", bucket="")
        return Terraform(self.tools.terraform, workspace, (progress or self.progress).note)

    def _workspace(
        self,
        root: str,
        name: str,
        backend: dict[str, str],
        variables: dict[str, object],
        credentials: Credentials | None,
    ) -> Workspace:
        environment = dict(self.tools.terraform_environment)
        environment |= credentials.variables() if credentials else {}
        if self.account.endpoint:
            # The S3 backend reads these; the provider gets its endpoint from the variable.
            # https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
            for variable in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS"):
                environment[variable] = self.account.endpoint
        return Workspace(
            root=self.project.root / "infrastructure" / root,
            name=name,
            data=self.project.home / "terraform" / f"{root}-{name}",
            bucket=self.state_bucket,
            region=self.project.region,
            backend=backend,
            is_emulator=self.is_emulator,
            variables=variables,
            environment=environment,
        )

    def _emulator(self, port: int) -> Emulator:
        from emulator import Emulator, Hints

        return Emulator(
            self.project.home / "emulator",
            self.tools.emulator_python,
            port,
            self.tools.node,
            self.project.region,
            environments=self.project.environments,
            hints=Hints(
                port="end that program, or set SHIP_PORT so that it and the 16 ports after it are "
                "free",
                environment="run `make setup`",
                running="stop it first with `ship down`, or unset SHIP_PORT",
                root="use an environment's role, or `ship down --wipe` and `ship up`",
            ),
        )
