"""A stranger's first deploy, as docs/github.md says it: from the template to the rules of main.

Another project in another region, in a private repository of the plan Team, with one maintainer, in
an account where somebody's repository uses GitHub's identity provider already. GitHub's settings
are a new repository's.
"""

import json
import re
import socket
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.e2e.sandbox import ACCOUNT, ENVIRONMENTS, FIXTURES, Sandbox, clone, free_ports
from tests.workflows.fake_github import serving
from tests.workflows.files import Workflows
from tests.workflows.runner import Actions

REPOSITORY, PREFIX = "crumb/book-shop", "repo:crumb@31/book-shop@47"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
LOCK = FIXTURES / "applications/requirements.txt"
SOURCE = FIXTURES / "applications/templates"
# What `ship github` says of this repository; the second one is to be lived with.
PROBLEMS = ("no attestations", "no required reviewers")
NOT_SET_UP = "Nothing runs before the repository is set up"


BROKEN = [
    ("issues are switched off", "gh repo edit"),
    ("the workflow drift.yml is disabled", "gh workflow enable drift.yml"),
    ("AWS_ACCOUNT_ID of the repository is 111111111111", f"ship github --account {ACCOUNT}"),
    ("book-shop-plan does not ask for repository_id = 47", "ship bootstrap --aws"),
    ("has locked the infrastructure of dev", "ship unlock dev"),
    ("AWS_X of dev reaches no application", "ship settings dev unset AWS_X"),
    ("staging has no setting SECRET_KEY", "ship apply staging"),
]


def break_everything(actions: Actions) -> None:
    """Change by hand what `ship doctor` looks at."""
    github = actions.github.settings
    github.has_issues = False
    github.workflows["drift.yml"] = "disabled_manually"
    github.variables["AWS_ACCOUNT_ID"] = "1" * 12
    iam, ssm = actions.root_client("iam"), actions.root_client("ssm")
    role = iam.get_role(RoleName="book-shop-plan")["Role"]
    trust = json.dumps(role["AssumeRolePolicyDocument"]).replace('"47"', '"48"')
    iam.update_assume_role_policy(RoleName="book-shop-plan", PolicyDocument=trust)
    ssm.put_parameter(Name="/book-shop/dev/AWS_X", Value="x", Type="String")
    ssm.delete_parameter(Name="/book-shop/staging/SECRET_KEY")
    run = f"local:{socket.gethostname()}:/gone"
    lock = {"ID": "1", "Info": run, "Who": "ann", "Created": "2026-11-23T00:00:00+00:00"}
    actions.root_client("s3").put_object(
        Bucket=f"book-shop-state-{ACCOUNT}",
        Key="stack/dev/dev/terraform.tfstate.tflock",
        Body=json.dumps(lock).encode(),
    )


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
    ship("init", "--from", str(SOURCE), *names, "--owner", "erin", **locked)
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
                plan="team",
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
            problems = re.findall(r"^problem: (.*)", said, re.MULTILINE)
            for what, words in zip(problems, PROBLEMS, strict=True):
                assert words in what
            refused = sandbox.refused(*settings, "--apply", variables=person)
            assert "nothing is changed" in refused
            path = sandbox.root / "pyproject.toml"
            path.write_text(f"{path.read_text()}\n[tool.ship.github]\nattest = false\n")
            sandbox.commit("Do what stands beside each problem")
            said = ship(*settings, "--apply", "--accept", **person)
            assert "the rules of main wait" in said
            assert github.settings.rulesets == {}

            # There is no state yet, which the role that reads may not write.
            run = actions.schedule("drift.yml", matrix=("environment:dev",))
            assert run.conclusion("Compare dev", "Compare") == "success", run.text

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

            # Where the roles' tokens are the emulator's own, they have to say what GitHub's say.
            table = f'[tool.ship]\nsubject_prefix = "{PREFIX}"\n'
            path.write_text(path.read_text().replace("[tool.ship]\n", table))

            def examine() -> dict[str, str]:
                done = sandbox.call("doctor", "--json", **account)
                return {one["what"]: one["fix"] for one in json.loads(done.stdout)}

            before = examine()
            # The emulator's limit is a new account's.
            (only,) = (what for what in before if not what.startswith("Lambda runs no more than"))
            assert "no required reviewers" in only
            break_everything(actions)
            found = {what: fix for what, fix in examine().items() if what not in before}
            for (what, fix), (wrong, command) in zip(found.items(), BROKEN, strict=True):
                assert wrong in what
                assert command in fix
    finally:
        sandbox.call("down")
