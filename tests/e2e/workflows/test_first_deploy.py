"""A stranger's first deploy, as docs/github.md says it: from the template to the rules of main.

Another project in another region, private, with one maintainer, in an account where somebody's
repository uses GitHub's identity provider already. GitHub's settings are a new repository's.
"""

import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.e2e.sandbox import ACCOUNT, ENVIRONMENTS, FIXTURES, Sandbox, clone, free_ports
from tests.workflows.fake_github import serving
from tests.workflows.files import Workflows
from tests.workflows.runner import Actions

REPOSITORY, PREFIX = "erin/book-shop", "repo:erin@31/book-shop@47"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
LOCK = FIXTURES / "applications/requirements.txt"
SOURCE = FIXTURES / "applications/templates"
# What `ship github` says of this repository; the second one is to be lived with.
PROBLEMS = ("no attestations", "no required reviewers", "names @your-org/platform")
NOT_SET_UP = "Nothing runs before the repository is set up"


@pytest.mark.nightly
def test_a_stranger_gets_from_the_template_to_production(
    tmp_path_factory: pytest.TempPathFactory, record_property: Callable[[str, object], None]
) -> None:
    home = tmp_path_factory.mktemp("first")
    sandbox = Sandbox(clone(home / "checkout", foreign=False), free_ports())

    def ship(*command: str, **variables: str) -> str:
        started = time.monotonic()
        done = sandbox.call(*command, **variables)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        record_property(" ".join(("ship", *command)), round(time.monotonic() - started, 1))
        return done.stdout + done.stderr

    names = ("--project", "book-shop", "--region", "us-west-2", "--repository", REPOSITORY)
    locked = {"UV_CONSTRAINT": str(LOCK)}
    ship("init", "--from", str(SOURCE), *names, **locked)
    sandbox.commit("Put our application in")
    project = replace(sandbox.project, subject_prefix=PREFIX)
    assert (project.name, project.region) == ("book-shop", "us-west-2")
    sandbox.context.emulator.start()
    try:
        with serving(project) as github:
            github.settings = replace(
                github.settings,
                login="erin",
                collaborators=("erin",),
                reviewers={"erin": 31},
                private=True,
                plan="pro",
                organization=False,
                workflows=dict.fromkeys(Workflows.read().texts, "active"),
            )
            actions = Actions(sandbox, tmp_path_factory.mktemp("first-actions"), github)
            person = {
                "PATH": f"{actions.tools}:{sandbox.environment['PATH']}",
                "FAKE_GITHUB": github.url,
                "FAKE_JOB": "person",
                "GH_TOKEN": "of a person",
            }

            # Before anything is set up a run changes nothing, and says what to run.
            for run in (
                actions.dispatch("deploy.yml"),
                actions.dispatch(
                    "operate.yml", action="rollback", environment="dev", reason="no", release=""
                ),
            ):
                assert run.status == 0, run.text
                assert [job for job, end in run.jobs.items() if end == "success"] == [
                    next(job for job in run.jobs if job.endswith(NOT_SET_UP))
                ]
                assert "notice: Run 'ship bootstrap --aws'" in "".join(run.annotations)

            iam = actions.root_client("iam")
            url = f"https://{PROVIDER.partition('/')[2]}"
            tags = [{"Key": "owner", "Value": "somebody else"}]
            iam.create_open_id_connect_provider(
                Url=url, ClientIDList=["sts.amazonaws.com"], ThumbprintList=[], Tags=tags
            )
            account = person | {"SHIP_TARGET": "aws", "AWS_ENDPOINT_URL": sandbox.endpoint}
            said = ship("bootstrap", "--aws", "--yes", **account)
            assert f"begin with {PREFIX}" in said
            found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER)
            assert found["Tags"] == tags
            again = ship("bootstrap", "--aws", "--yes", **account)
            assert "there is nothing to change" in again

            settings = ("github", "--account", ACCOUNT, "--alone")
            said = ship(*settings, **person)
            problems = re.findall(r"^problem: (.*)\n  to fix it: (.*)", said, re.MULTILINE)
            for (what, _), words in zip(problems, PROBLEMS, strict=True):
                assert words in what
            refused = sandbox.refused(*settings, "--apply", variables=person)
            assert "nothing is changed" in refused
            path = sandbox.root / "pyproject.toml"
            path.write_text(f"{path.read_text()}\n[tool.ship.github]\nattest = false\n")
            for _, fix in problems:
                if fix.startswith("`sed"):
                    command = fix.partition("`")[2].partition("`")[0]
                    subprocess.run(["sh", "-c", command], cwd=sandbox.root, check=True)
            sandbox.commit("Do what stands beside each problem")
            said = ship(*settings, "--apply", "--accept", **person)
            assert "the rules of main wait" in said
            assert github.settings.rulesets == {}

            started = time.monotonic()
            run = actions.dispatch("deploy.yml")
            record_property("Deploy", round(time.monotonic() - started, 1))
            assert run.status == 0, run.text
            assert github.refused == []
            assert github.attestations == {}
            assert "nothing attests where" in run.text
            subjects = [claims["sub"] for claims in github.tokens if "environment" in claims]
            assert subjects == [f"{PREFIX}:environment:{name}" for name in ENVIRONMENTS]
            sandbox.__dict__["project"] = replace(sandbox.project, subject_prefix=PREFIX)
            live = {release for name in ENVIRONMENTS for release in sandbox.served(name)}
            assert len(live) == 1

            github.settings.deployed = True
            ship(*settings, "--apply", "--accept", **person)
            assert len(github.settings.rulesets) == 1
            again = ship(*settings, **person)
            assert "nothing differs" in again
    finally:
        sandbox.call("down")
