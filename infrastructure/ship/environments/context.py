"""One command's surroundings: project, settings, tools, and the way into each environment."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import toolchain
from emulator import Emulator
from ship.aws import Account, Clients, Credentials, assume, current_account, web_identity_token
from ship.environments.terraform import Terraform, Workspace
from ship.errors import ShipError
from ship.release.engine import Engine
from ship.state.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from ship.config import Project, Settings
    from ship.output import Progress
    from toolchain import Tools

_BOOTSTRAP_WORKSPACE = "default"
_DEFAULT_PORT = 4566


class Context:
    """What a command works with; each part is made when it is first needed."""

    def __init__(self, project: Project, settings: Settings, progress: Progress) -> None:
        self.project = project
        self.settings = settings
        self.progress = progress

    @cached_property
    def tools(self) -> Tools:
        """The tools that the set-up found or fetched.

        Raises:
            ShipError: it has not been run, or something has vanished since.
        """
        try:
            return toolchain.find(self.project.root)
        except toolchain.ToolError as fault:
            raise ShipError(str(fault), fault.hint) from fault

    @cached_property
    def emulator(self) -> Emulator:
        """The emulator of this checkout: where it was asked for, else where it runs already."""
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
        """Where the calls go.

        Raises:
            ShipError: no emulator answers, or AWS takes no credentials.
        """
        region = self.project.region
        if not self.is_emulator:
            return current_account(region, None)
        endpoint = self.settings.endpoint or self._running_endpoint()
        return Account(self.settings.emulator_account, region, endpoint)

    def clients(self, environment: str) -> Clients:
        """AWS clients with the credentials of an environment's own deploy role.

        On GitHub the job has assumed it already. For an emulator this mints a token with the
        claims of a job of that environment and assumes the role as GitHub's action would.
        """
        name = self.project.role(environment)
        return self._clients(f"deploy-{name}", name)

    def read_only_clients(self) -> Clients:
        """AWS clients with the credentials of the role that plans, and reads all environments."""
        return self._clients("plan", None)

    def _clients(self, role: str, environment: str | None) -> Clients:
        if self.settings.run.on_github or not self.is_emulator:
            return Clients(self.account, None)
        token = web_identity_token(self.project, self.settings.run, environment)
        return Clients(self.account, assume(self.account, f"{self.project.name}-{role}", token))

    def store(self, environment: str, clients: Clients) -> Store:
        """An environment's artifact bucket."""
        bucket = f"{self.project.name}-{environment}-artifacts-{self.account.account_id}"
        return Store(clients.client("s3"), bucket, environment)

    def engine(self, environment: str, progress: Progress | None = None) -> Engine:
        """The release engine of an environment."""
        clients = self.clients(environment)
        return Engine(
            clients,
            self.store(environment, clients),
            self.settings.run,
            self.project.home / "locks",
            progress or self.progress,
        )

    def stack(
        self,
        environment: str,
        progress: Progress | None = None,
        clients: Clients | None = None,
    ) -> Terraform:
        """Terraform for an environment's stack, by default with the environment's own role."""
        from ship.build.builder import placeholder

        variables: dict[str, object] = {
            "project": self.project.name,
            "region": self.project.region,
            "environment": environment,
            "placeholder_zip": str(placeholder(self.project.home / "placeholder.zip")),
        }
        if self.is_emulator:
            variables["emulator"] = {
                "endpoint": self.account.endpoint,
                "site_url": self.emulator.site_url(environment),
            }
        workspace = self._workspace(
            "stack",
            environment,
            {"workspace_key_prefix": f"stack/{environment}"},
            variables,
            (clients or self.clients(environment)).credentials,
        )
        return Terraform(self.tools.terraform, workspace, (progress or self.progress).note)

    def bootstrap(self, copy: Path | None = None, progress: Progress | None = None) -> Terraform:
        """Terraform for what an account has once; on an emulator as its root user.

        Args:
            copy: a copy of the configuration that keeps its state to itself.
            progress: who hears what Terraform says.
        """
        variables: dict[str, object] = {
            "project": self.project.name,
            "region": self.project.region,
            "subject_prefix": self.project.subject_prefix,
            "environments": list(self.project.environments),
        }
        if self.is_emulator:
            variables["emulator"] = {"endpoint": self.account.endpoint}
        workspace = self._workspace(
            "bootstrap", _BOOTSTRAP_WORKSPACE, {}, variables, self.administrator()
        )
        if copy:
            workspace = replace(workspace, root=copy, data=copy / "data", bucket="")
        return Terraform(self.tools.terraform, workspace, (progress or self.progress).note)

    def administrator(self) -> Credentials | None:
        """Who bootstraps: an emulator's root user; on AWS whoever is signed in."""
        if not self.is_emulator or self.settings.run.on_github:
            return None
        root = self.emulator.root()
        return Credentials(root.access_key_id, root.secret_access_key)

    @property
    def state_bucket(self) -> str:
        """The bucket of every Terraform state of this account."""
        return f"{self.project.name}-state-{self.account.account_id}"

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
            for variable in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_STS"):
                environment[variable] = self.account.endpoint
        return Workspace(
            root=self.project.root / "infrastructure" / root,
            name=name,
            data=self.project.home / "terraform" / f"{root}-{name}",
            bucket=self.state_bucket,
            region=self.project.region,
            backend=backend,
            emulated=self.is_emulator,
            variables=variables,
            environment=environment,
        )

    def _emulator(self, port: int) -> Emulator:
        return Emulator(
            self.project.home / "emulator",
            self.tools.emulator_python,
            port,
            self.tools.node,
            self.project.region,
        )

    def _running_endpoint(self) -> str:
        running = self.emulator.running()
        if running is None:
            raise ShipError(
                "no emulator answers for this checkout",
                "start it with `make up`; to work on AWS itself set SHIP_TARGET=aws",
            )
        return running.endpoint
