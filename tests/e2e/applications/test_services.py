"""The app.tf of docs/examples, and Postgres, with an application that uses all of it."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from pytest_httpserver import HTTPServer

from ship.aws import Clients
from ship.environments import bootstrap
from tests.e2e.applications.conftest import Visitor, adopting, fixture
from tests.e2e.sandbox import ACCOUNT, FIXTURES, ROOT, Sandbox, free_ports, poll
from tests.ship.cli.test_serve import serving
from tests.tokens import Issuer

# Each test goes on from where the one before it left the environment.
pytestmark = pytest.mark.nightly

ENTRIES = ("dynamodb", "s3", "sns", "sqs")
EVENTS = '\n[tool.ship.application.events]\narrivals = {handler = "notes:arrive"}\n'
DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}
# More than the 6 MB that a request may have.
LARGE = os.urandom(7_000_000)

# As the function: what each call is refused with.
ASKING = """
import boto3, json, sys
from botocore.exceptions import ClientError
found = []
for service, call, given in json.loads(sys.argv[1]):
    try:
        getattr(boto3.client(service), call)(**given)
        found.append("")
    except ClientError as error:
        found.append(error.response["Error"]["Code"])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The address of a Postgres on this machine, as a person's own."""
    folders = (str(found) for found in Path("/usr/lib/postgresql").glob("*/bin"))
    path = os.pathsep.join([os.environ["PATH"], *folders])
    initdb, server = shutil.which("initdb", path=path), shutil.which("postgres", path=path)
    if not (initdb and server):
        pytest.fail("no PostgreSQL server: install it, as with `apt-get install postgresql`")
    # It refuses to run as root.
    user = "nobody" if os.geteuid() == 0 else None
    port = free_ports()
    with TemporaryDirectory() as folder:
        if user:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        data = ("-D", f"{folder}/data")
        made = ("-A", "trust", "-U", "shop", "--no-sync")
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([initdb, *data, *made], check=True, user=user, cwd=folder, **quiet)
        local = ("-h", "127.0.0.1", "-p", str(port), "-k", folder)
        with subprocess.Popen([server, *data, *local], user=user, cwd=folder, **quiet) as process:
            poll(lambda: (Path(folder) / "data/postmaster.pid").is_file())
            yield f"postgresql://shop@127.0.0.1:{port}/postgres"
            process.send_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def visitors(sandbox: Sandbox) -> Iterator[tuple[Visitor, Visitor]]:
    """Somebody at the site of the application and at its API; its app.tf is still empty."""
    with adopting(sandbox) as put:
        yield put(fixture("services"))
    shutil.copy(FIXTURES / "app.tf", sandbox.root / "infrastructure/stack/app.tf")


@pytest.fixture
def visitor(visitors: tuple[Visitor, Visitor]) -> Visitor:
    """The one at the site."""
    return visitors[0]


def use(sandbox: Sandbox, *entries: str) -> None:
    """Name what is used, and bootstrap again, as an administrator does."""
    path = sandbox.root / "pyproject.toml"
    before, _, after = path.read_text().partition("[tool.ship]\n")
    kept = "\n".join(line for line in after.split("\n") if not line.startswith("uses = "))
    path.write_text(f"{before}[tool.ship]\nuses = {json.dumps(entries)}\n{kept}")
    bootstrap.apply(Sandbox(sandbox.root, sandbox.port).context)


def set_for_dev(sandbox: Sandbox, settings: str) -> None:
    """Add settings of the environment to the project file."""
    path, table = sandbox.root / "pyproject.toml", "[tool.ship.environments.dev]\n"
    path.write_text(path.read_text().replace(table, f"{table}{settings}\n"))


def asked_by_function(sandbox: Sandbox, *calls: tuple[str, str, dict[str, Any]]) -> list[str]:
    """What calls with the rights of the function are refused with."""
    found: list[str] = json.loads(
        sandbox.ship("run", "dev", "--", "python", "-c", ASKING, json.dumps(calls))
    )
    return found


def asked_by_deploy_role(sandbox: Sandbox, service: str, call: str, **given: Any) -> str:
    """What a call with the rights of the role that deploys is refused with."""
    try:
        getattr(sandbox.client(service, "dev"), call)(**given)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_an_apply_that_is_denied_midway_is_finished_by_the_next_one(
    sandbox: Sandbox, visitor: Visitor
) -> None:
    shutil.copy(ROOT / "docs/examples/app.tf", sandbox.root / "infrastructure/stack/app.tf")
    use(sandbox, "sqs")
    path = sandbox.root / "pyproject.toml"
    path.write_text(path.read_text() + EVENTS)

    said = sandbox.refused("apply", "dev")

    assert "not authorized to perform" in said
    assert "`uses` of [tool.ship]" in said
    use(sandbox, *ENTRIES)
    sandbox.ship("apply", "dev")
    assert not sandbox.json("plan", "dev")["changes"]


def test_table_queues_uploads_and_postgres_work_for_the_application(
    sandbox: Sandbox, visitor: Visitor, database: str
) -> None:
    sandbox.ship("settings", "dev", "set", "DATABASE_URL", piped=database)
    sandbox.commit("Use services")
    sandbox.ship("deploy", "dev")

    assert visitor.ask("/api/notes/one", "PUT", content="first").status_code == 204
    assert visitor.ask("/api/notes/one").text == "first"
    check_queues(sandbox, visitor)
    check_uploads(visitor)
    check_events(visitor)
    assert visitor.ask("/api/orders", "POST", content="tea").json() == ["tea"]
    assert visitor.ask("/api/orders", "POST", content="cake").json() == ["tea", "cake"]

    # On a person's own machine, at his own server.
    with serving(sandbox.root, DATABASE_URL=database) as address:
        order = httpx.post(f"{address}/api/orders", content="pie", trust_env=False, timeout=20)
    assert order.json() == ["tea", "cake", "pie"]


def check_queues(sandbox: Sandbox, visitor: Visitor) -> None:
    """A job is done once; one that fails three times is kept apart."""
    work = ("run", "dev", "--", "flask", "--app", "notes", "work")
    assert visitor.ask("/api/jobs", "POST", content="two").status_code == 202
    assert sandbox.ship(*work) == "1 jobs\n"
    assert visitor.ask("/api/notes/two").text == "done"

    visitor.ask("/api/jobs", "POST", content="three")
    assert [sandbox.ship(*work, "--fail") for _ in range(4)] == [*["1 jobs\n"] * 3, "0 jobs\n"]
    queues = sandbox.client("sqs", "dev")
    url = queues.get_queue_url(QueueName=f"{sandbox.function('dev')}-failed-jobs")["QueueUrl"]
    counted = ["ApproximateNumberOfMessages"]
    found = queues.get_queue_attributes(QueueUrl=url, AttributeNames=counted)["Attributes"]
    assert found["ApproximateNumberOfMessages"] == "1"


def check_uploads(visitor: Visitor) -> None:
    """A file goes to the bucket and back at addresses that are signed, and no others."""
    url = visitor.ask("/api/uploads/film", "POST").json()["url"]
    with httpx.Client(trust_env=False, timeout=60) as client:
        assert client.put(url.replace("film", "other"), content=LARGE).status_code == 403
        assert client.put(url, content=LARGE).status_code == 200
        where = visitor.ask("/api/uploads/film").headers["location"]
        assert client.get(where).content == LARGE
        assert client.get(where.partition("?")[0]).status_code == 403


def check_events(visitor: Visitor) -> None:
    """The application hears of the upload before, and of what is published to a topic."""
    assert visitor.ask("/api/news", "POST", content="spring sale").status_code == 202

    def read(note: str) -> str:
        response = visitor.ask(f"/api/notes/{note}")
        return response.text if response.is_success else ""

    poll(lambda: read("news") == "spring sale", seconds=60)
    poll(lambda: read("uploaded-film").endswith("ObjectCreated:Put"), seconds=60)


def test_neighbours_are_denied(sandbox: Sandbox, visitor: Visitor) -> None:
    """Another environment's, another project's, and what the application does not use."""
    key = {"id": {"S": "one"}}
    names = [sandbox.function("staging"), "corner-shops-dev", "shop-dev"]
    own, queues = sandbox.function("dev"), f"{sandbox.endpoint}/{ACCOUNT}"
    topic = f"arn:aws:sns:{sandbox.project.region}:{ACCOUNT}:{{}}-news"
    # Of a bucket that is not there S3 says just that.
    root = Clients(sandbox.context.account, sandbox.context.administrator()).client("s3")
    place = {"CreateBucketConfiguration": {"LocationConstraint": sandbox.project.region}}
    for name in names:
        root.create_bucket(Bucket=f"{name}-uploads-{ACCOUNT}", **place)
    allowed = ("dynamodb", "get_item", {"TableName": f"{own}-notes", "Key": key})
    denied: list[tuple[str, str, dict[str, Any]]] = [
        ("dynamodb", "scan", {"TableName": f"{own}-notes"}),
        ("sqs", "delete_queue", {"QueueUrl": f"{queues}/{own}-jobs"}),
        ("s3", "get_object", {"Bucket": sandbox.bucket("dev"), "Key": "state.json"}),
        ("sqs", "send_message", {"QueueUrl": f"{queues}/{own}-arrivals-dead", "MessageBody": "x"}),
        ("lambda", "invoke", {"FunctionName": sandbox.function("staging"), "Qualifier": "live"}),
        ("secretsmanager", "get_secret_value", {"SecretId": f"{own}-database"}),
    ]
    for name in names:
        denied += [
            ("dynamodb", "get_item", {"TableName": f"{name}-notes", "Key": key}),
            ("sns", "publish", {"TopicArn": topic.format(name), "Message": "x"}),
            ("sqs", "send_message", {"QueueUrl": f"{queues}/{name}-jobs", "MessageBody": "x"}),
            ("s3", "put_object", {"Bucket": f"{name}-uploads-{ACCOUNT}", "Key": "x", "Body": "x"}),
        ]
    first, *others = asked_by_function(sandbox, allowed, *denied)
    assert first == ""
    refused = dict(zip(map(str, denied), others, strict=True))
    assert {what for what, code in refused.items() if code not in DENIED} == set()

    def ask(service: str, call: str, **given: Any) -> str:
        return asked_by_deploy_role(sandbox, service, call, **given)

    assert ask("dynamodb", "describe_table", TableName=f"{own}-notes") == ""
    assert ask("dynamodb", "get_item", TableName=f"{own}-notes", Key=key) in DENIED
    assert ask("s3", "get_object", Bucket=sandbox.bucket("dev", "uploads"), Key="film") in DENIED
    assert ask("secretsmanager", "create_secret", Name=f"{own}-key", SecretString="x") in DENIED
    for name in names:
        assert ask("sns", "create_topic", Name=f"{name}-news") in DENIED
        assert ask("dynamodb", "describe_table", TableName=f"{name}-notes") in DENIED
        assert ask("dynamodb", "delete_table", TableName=f"{name}-notes") in DENIED
        assert ask("sqs", "create_queue", QueueName=f"{name}-jobs") in DENIED
        assert ask("s3", "delete_bucket", Bucket=f"{name}-uploads-{ACCOUNT}") in DENIED


def test_what_is_stored_survives_a_deploy_and_a_rollback(
    sandbox: Sandbox, visitor: Visitor
) -> None:
    """Neither changes the infrastructure."""
    (sandbox.root / "backend/another.py").write_text("")
    sandbox.commit("Another release")
    sandbox.ship("deploy", "dev")
    assert visitor.ask("/api/notes/one").text == "first"
    sandbox.ship("rollback", "dev", "--reason", "a test")
    assert visitor.ask("/api/notes/one").text == "first"
    assert not sandbox.json("plan", "dev")["changes"]
    sandbox.ship("drift", "dev")


def test_a_site_has_its_domain_by_setting(sandbox: Sandbox, visitor: Visitor) -> None:
    root = Clients(sandbox.context.account, sandbox.context.administrator()).client("route53")
    made = root.create_hosted_zone(Name="example.org", CallerReference="test")
    zone = made["HostedZone"]["Id"].rpartition("/")[2]
    set_for_dev(sandbox, f'domain = "shop.example.org"\nzone = "{zone}"')
    use(sandbox, *ENTRIES)

    sandbox.ship("apply", "dev")

    assert not sandbox.json("plan", "dev")["changes"]
    sandbox.ship("drift", "dev")
    stack = sandbox.context.store("dev", sandbox.context.clients("dev")).stack()
    found = sandbox.client("cloudfront", "dev").get_distribution(Id=stack.distribution_id)
    distribution = found["Distribution"]
    config = distribution["DistributionConfig"]
    assert config["Aliases"]["Items"] == ["shop.example.org"]
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    zones = sandbox.client("route53", "dev")
    records = {
        (one["Name"], one["Type"]): one["AliasTarget"]["DNSName"].rstrip(".")
        for one in zones.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        if "AliasTarget" in one
    }
    assert records == {
        ("shop.example.org.", kind): distribution["DomainName"] for kind in ("A", "AAAA")
    }
    other = {"Name": "www.example.org", "Type": "A", "TTL": 60}
    record = other | {"ResourceRecords": [{"Value": "127.0.0.1"}]}
    changes = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    with pytest.raises(ClientError, match="AccessDenied"):
        zones.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=changes)


def test_a_token_opens_guarded_paths_of_a_function_in_a_vpc(
    sandbox: Sandbox, visitors: tuple[Visitor, Visitor]
) -> None:
    ec2 = Clients(sandbox.context.account, sandbox.context.administrator()).client("ec2")
    subnets = json.dumps([ec2.describe_subnets()["Subnets"][0]["SubnetId"]])
    groups = json.dumps([ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]])
    use(sandbox, *ENTRIES, "vpc")
    set_for_dev(sandbox, f"vpc = {{subnets = {subnets}, security_groups = {groups}}}")
    with HTTPServer() as server:
        issuer = Issuer(server.url_for("").rstrip("/"))
        issuer.serve(server)
        lines = ['paths = ["/api/notes/*"]', f'issuer = "{issuer.url}"', 'audience = ["shop"]']
        path = sandbox.root / "pyproject.toml"
        path.write_text("\n".join([path.read_text(), "[tool.ship.login]", *lines, ""]))
        sandbox.ship("apply", "dev")
        assert not sandbox.json("plan", "dev")["changes"]
        sandbox.commit("Guard notes")
        sandbox.ship("deploy", "dev")

        for visitor in visitors:
            tokens = {"good": issuer.token(), "foreign": Issuer(issuer.url).token()}
            answers = {
                name: visitor.ask("/api/notes/one", headers={"Authorization": f"Bearer {token}"})
                for name, token in tokens.items()
            }
            assert answers["good"].text == "first"
            assert answers["foreign"].status_code == 401
            assert visitor.ask("/api/notes/one").status_code == 401
            assert visitor.ask("/api/notes/one", "OPTIONS").status_code == 200
            assert visitor.ask("/api/hello").status_code == 200
    sandbox.ship("drift", "dev")
    network = sandbox.client("lambda", "dev").get_function(FunctionName=sandbox.function("dev"))
    assert network["Configuration"]["VpcConfig"]["SubnetIds"] == json.loads(subnets)


def test_all_of_it_is_destroyed_and_made_again(sandbox: Sandbox, visitor: Visitor) -> None:
    sandbox.ship("destroy", "dev", "--yes", "dev")
    sandbox.ship("apply", "dev")

    assert not sandbox.json("plan", "dev")["changes"]
