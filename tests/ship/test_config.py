import os
from dataclasses import replace
from pathlib import Path

import pytest

from ship import config
from ship.config import (
    Alerts,
    Application,
    Domain,
    Event,
    Login,
    Project,
    Runtime,
    Shift,
    Subject,
    Vpc,
)
from ship.edge_config import Edge
from ship.errors import ShipError, UsageError
from ship.site_config import SiteHeaders, SiteSettings

PROJECT = """
[tool.ship]
project = "demo"
region = "eu-north-1"
repository = "o/r"
[tool.ship.application]
factory = "wsgi:app"
[tool.ship.environments.qa]
[tool.ship.environments.live]
shift = [10, 50]
bake_seconds = 30
alarm_seconds = 180
"""
WHOLE = """
[tool.ship]
project = "demo"
region = "eu-north-1"
repository = "o/r"
subject_prefix = "repo:o@1/r@2"
uses = ["sqs", "vpc", "sqs"]
job_workflow_refs = ["o/r/.github/workflows/environment.yml@refs/heads/main"]
[tool.ship.application]
factory = "shop.web.factory:make_app"
paths = ["/*", "/static/*.js"]
before_traffic = "flask db upgrade"
[tool.ship.application.events]
orders = {handler = "shop.jobs:handle"}
nightly = {handler = "shop.jobs:count", schedule = "cron(0 3 * * ? *)"}
[tool.ship.site]
folder = "frontend/dist"
fallback = "index.html"
immutable = ["assets/*"]
[tool.ship.site.content_types]
".x" = "text/x-own"
[tool.ship.site.folders]
"/static/" = "backend/shop/static"
[tool.ship.site.headers]
img-src = ["https://images.example", "blob:"]
x-robots-tag = "noindex"
[tool.ship.smoke]
paths = ["/", "/items?page=2"]
[tool.ship.build]
architecture = "x86_64"
python = "3.13"
[tool.ship.budgets]
zip_megabytes = 12.5
[tool.ship.github]
attest = false
[tool.ship.login]
paths = ["/api/account/*"]
issuer = "https://login.example.org/"
audience = ["shop"]
[tool.ship.environments.live]
api = "behind-cloudfront"
origin_secret = 2
throttling = {rate = 200}
waf = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/473e64fd-f30b"
flat_rate = true
variables = {STAGE = "live"}
domain = "www.example.org"
zone = "Z0123456789ABC"
login = {audience = ["live"]}
vpc = {subnets = ["subnet-1", "subnet-2"], security_groups = ["sg-1"]}
alerts = {email = ["on-call@example.org"], webhook = true}
[tool.ship.previews]
days = 1.5
throttling = {rate = 5, burst = 10}
variables = {STAGE = "preview"}
"""


def read(folder: Path, text: str) -> Project:
    (folder / "pyproject.toml").write_text(text)
    return config.project(folder)


def test_the_project_is_found_from_a_folder_below(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    below = tmp_path / "a/b"
    below.mkdir(parents=True)
    (tmp_path / "a/pyproject.toml").write_text("[project]")

    found = config.project(below)

    assert (found.root, found.name, found.region) == (tmp_path, "demo", "eu-north-1")
    assert found.environments == ("qa", "live")
    assert found.shift("live") == Shift((10, 50), 30, 180)


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    found = read(tmp_path, PROJECT)

    assert (found.subject_prefix, found.subject) == (None, Subject("repo:o/r", ""))
    assert found.job_workflow_refs == found.uses == ()
    assert found.application == Application("wsgi:app", ("/api/*",))
    assert found.smoke_paths == ()
    assert found.runtime == Runtime("arm64", "3.13")
    assert (found.zip_budget, found.preview_days, found.attest) == (10_000_000, 7, True)
    assert found.site == SiteSettings("web", "", hash=True, check_references=True, content_types={})
    assert found.site_headers == SiteHeaders({}, {})
    assert found.edge("qa") == found.edge("pr-7") == Edge(False, 1, {}, None)
    assert found.shift("qa") == found.shift("pr-7") == Shift((), 0)
    assert [found.role(name) for name in ("qa", "live", "pr-7")] == ["qa", "live", "preview"]


def test_two_environments_have_no_domain_in_common(tmp_path: Path) -> None:
    other = f"[tool.ship.environments.qa]\n{DOMAIN}\n"
    with pytest.raises(ShipError, match="has domain") as raised:
        read(tmp_path, WHOLE.replace("[tool.ship.previews]", f"{other}[tool.ship.previews]"))

    assert "a domain of its own" in raised.value.hint


def test_a_webhook_in_the_project_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ShipError, match="not true or false") as raised:
        read(tmp_path, WHOLE.replace("webhook = true", 'webhook = "https://chat.example/secret"'))

    assert "ship settings live set ALERT_WEBHOOK" in raised.value.hint
    assert "chat.example" not in f"{raised.value}{raised.value.hint}"


def test_everything_can_be_set(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE)

    assert found.subject_prefix == "repo:o@1/r@2"
    assert found.subject == Subject("repo:o@1/r@2", "2")
    assert found.job_workflow_refs == ("o/r/.github/workflows/environment.yml@refs/heads/main",)
    assert found.uses == ("sqs", "vpc")
    assert found.networks == {"live": Vpc(("subnet-1", "subnet-2"), ("sg-1",))}
    login = Login(("/api/account/*",), "https://login.example.org/", ("shop",))
    assert found.logins == {"preview": login, "live": replace(login, audience=("live",))}
    waf = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/473e64fd-f30b"
    assert found.edge("live") == Edge(True, 2, {"rate": 200}, waf, flat_rate=True)
    assert found.edge("pr-7") == Edge(throttling={"rate": 5, "burst": 10})
    assert found.domains == {"live": Domain("www.example.org", "Z0123456789ABC")}
    assert found.alerts == {"live": Alerts(("on-call@example.org",), webhook=True)}
    paths = ("/*", "/static/*.js")
    command = "flask db upgrade"
    events = {
        "orders": Event("shop.jobs:handle"),
        "nightly": Event("shop.jobs:count", "cron(0 3 * * ? *)"),
    }
    assert found.application == Application("shop.web.factory:make_app", paths, command, events)
    assert found.smoke_paths == ("/", "/items?page=2")
    assert (found.zip_budget, found.preview_days, found.attest) == (12_500_000, 1.5, False)
    # A bundler's output is published as it is.
    types = {".x": "text/x-own"}
    expected = SiteSettings("frontend/dist", "index.html", hash=False, content_types=types)
    assert found.site == replace(
        expected, immutable=("assets/*",), folders={"/static/": "backend/shop/static"}
    )
    assert found.site_headers == SiteHeaders(
        {"img-src": ("https://images.example", "blob:")}, {"X-Robots-Tag": "noindex"}
    )
    assert found.variables == {"live": {"STAGE": "live"}, "preview": {"STAGE": "preview"}}
    assert found.runtime == Runtime("x86_64", "3.13")


@pytest.mark.parametrize(
    ("table", "line", "hint"),
    [
        ("[tool.ship]", 'projekt = "x"', "did you mean 'project'"),
        ("[tool.ship]", "environment = {}", "did you mean 'environments'"),
        ("[tool.ship.environments.live]", "bake = 1", "did you mean 'bake_seconds'"),
        ("[tool.ship.smoke]", 'urls = ["/"]', "Known are browser, paths"),
        ("[tool.ship.site.headers]", 'fonts-src = ["x"]', "did you mean 'font-src'"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(
    tmp_path: Path, table: str, line: str, hint: str
) -> None:
    with pytest.raises(ShipError, match="unknown key") as raised:
        read(tmp_path, WHOLE.replace(f"{table}\n", f"{table}\n{line}\n"))

    assert hint in raised.value.hint


PATHS, SMOKE, FACTORY = '["/*", "/static/*.js"]', '["/", "/items?page=2"]', '"shop.web.factory:'
IMAGES, ROBOTS = '["https://images.example", "blob:"]', 'x-robots-tag = "noindex"'
VARIABLES = 'variables = {STAGE = "live"}'
TOPIC = "arn:aws:sns:eu-north-1:111122223333:on-call"
DOMAIN = 'domain = "www.example.org"\nzone = "Z0123456789ABC"'
EDGE = """api = "behind-cloudfront"
origin_secret = 2
throttling = {rate = 200}
waf = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/473e64fd-f30b"
flat_rate = true
"""
ACCESS = """login = {audience = ["live"]}
vpc = {subnets = ["subnet-1", "subnet-2"], security_groups = ["sg-1"]}"""
LIVE = f"[tool.ship.environments.live]\n{EDGE}{VARIABLES}\n{DOMAIN}\n{ACCESS}\n"
SHIFTS = ("[50, 10]", "[0]", "[100]", "[10, 10]", '["x"]', "[true]", "5")
NAMES = ("Live", "l", "preview", "pr", "function", "pr-7", "live2live2live2live2", "9to5")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        *(('"demo"', new, "project") for new in ('"De"', "5")),
        *(('"demo"', f'"{name}shop"', "project") for name in config.RESERVED_NAMES),
        ('"eu-north-1"', '"north"', "region"),
        ('"behind-cloudfront"', '"closed"', r"live\] .* has api"),
        *(("origin_secret = 2", f"origin_secret = {new}", "origin_s") for new in ("0", "1.5")),
        *(("{rate = 200}", new, "rate") for new in ("{rate = 0}", "{rates = 1}", "{rate = true}")),
        ("burst = 10", "burst = 1.5", r"previews\.throttling\] .* has burst"),
        *(("us-east-1:1111", new, "waf") for new in ("eu-west-1:1111", "us-east-1:")),
        ("flat_rate = true", "flat_rate = 0", r"live\] .* has flat_rate"),
        ("days = 1.5", 'waf = "x"', "unknown key 'waf'"),
        ('"o/r"', '"r"', "repository"),
        ('"repo:o@1/r@2"', '"repo:o/*"', "subject_prefix"),
        *(('"www.example.org"', f'"{new}"', "domain") for new in ("example", "https://a.b", "A.b")),
        ('"Z0123456789ABC"', '"example.org"', "zone"),
        ('domain = "www.example.org"', "", "has no domain"),
        ('"on-call@example.org"', '"on-call"', "has email = "),
        ('email = ["on-call@example.org"]', 'topic = "on-call"', "has topic = "),
        ("webhook = true}", f'topic = "{TOPIC}"}}', "has email = "),
        ('email = ["on-call@example.org"], webhook = true', "", "names nobody"),
        ("webhook = true", "web = true", "unknown key 'web'"),
        *(
            ('["sqs", "vpc", "sqs"]', new, "uses")
            for new in ('["kafka"]', '["sqs"]', '"vpc"', "[1]")
        ),
        *(('["/api/account/*"]', new, "paths") for new in ('["/*"]', '["/-/*"]', '["/a"]', "[]")),
        ('"https://login.example.org/"', '"http://login.example.org/"', "issuer"),
        *((f'["{name}"]', "[]", "audience") for name in ("shop", "live")),
        *(('["sg-1"]', new, "security_groups") for new in ('["default"]', "[]")),
        ('["sqs", "vpc", "sqs"]', '["vpc"]', r"\[tool\.ship\] .* has uses"),
        ('"shop.jobs:handle"', '"shop.jobs"', r"events\.orders\] .* has handler"),
        ('"cron(0 3 * * ? *)"', '"daily"', r"events\.nightly\] .* has schedule"),
        *(("orders =", f"{new} =", r"events\] .* has") for new in ("o", "warm-up", "a-dead", "O1")),
        ("environment.yml@refs/heads/main", "*@refs/heads/main", "job_workflow_refs"),
        ("environment.yml@refs/heads/main", "environment.yml@refs/heads/x", "job_workflow_refs"),
        (f'{FACTORY}make_app"', '"shop.web.factory"', "factory"),
        (f'{FACTORY}make_app"', '"shop/web.py:make_app"', "factory"),
        *(('"flask db upgrade"', new, "before_traffic") for new in ("1", '"a && b"', "'a \"b'")),
        *((PATHS, new, "paths") for new in ('"/*"', '["api/*"]', '["/-/*"]', '["/a b"]')),
        (PATHS, str([f"/{number}" for number in range(21)]), "paths = .*'/20'"),
        *((SMOKE, new, "paths") for new in ('["//x.example"]', '["/-/health"]', '["/a b"]')),
        *(("12.5", new, "zip_megabytes") for new in ("0", "nan", "true", '"12"')),
        ("attest = false", 'attest = "no"', "attest"),
        *(("1.5", new, "days") for new in ("0", "inf")),
        ('architecture = "x86_64"', 'architecture = "amd64"', "architecture"),
        *(('python = "3.13"', f"python = {new}", "python") for new in ('"3.12"', "3.13")),
        ('STAGE = "live"', "STAGE = 1", r"live\.variables\] .* STAGE = 1"),
        ('STAGE = "live"', 'LOG_LEVEL = "DEBUG"', r"live\.variables\] .* LOG_LEVEL"),
        ('STAGE = "live"', '"a-b" = "x"', r"live\.variables\] .* a-b"),
        ('{STAGE = "preview"}', "5", r"previews\.variables .* not a table"),
        ("[tool.ship.budgets]\nzip_megabytes = 12.5", "[tool.ship.budgets", "not valid TOML"),
        *(("live]\n", f"live]\nshift = {new}\n", r"live\] .* has shift") for new in SHIFTS),
        *((".live]", f'."{new}"]', "cannot name one") for new in NAMES),
        (LIVE, "", "names no environment"),
        *((f"{key} =", "#", f"has no {key}") for key in ("project", "region", "repository")),
        ("factory =", "#", "has no factory"),
        *((IMAGES, new, "img-src") for new in ('"blob:"', '["a; b *"]', '["a b"]', "[1]")),
        (ROBOTS, "x-robots-tag = true", "x-robots-tag"),
        (ROBOTS, 'x-robots-tag = "a\\nb"', "x-robots-tag"),
        (ROBOTS, '"x robots" = "noindex"', "x robots"),
        (ROBOTS, "font-src.x = 1", "font-src"),
        (ROBOTS, 'X-Frame-Options = "DENY"', "X-Frame-Options"),
        ("[tool.ship.site.headers]", "[tool.ship.site.header]", "unknown key 'header'"),
        ('"frontend/dist"', '"../dist"', "folder = '../dist'"),
        ('"frontend/dist"', '"/dist"', "folder = '/dist'"),
        ('"index.html"', '"/index.html"', "fallback = '/index.html'"),
        ('"index.html"', '"index.html"\nhash = "no"', "hash = 'no'"),
        ('"text/x-own"', '"own"', ".x = 'own'"),
        ('".x"', '"x"', "x = 'text/x-own'"),
        ('["assets/*"]', '["/assets/*"]', "immutable = "),
    ],
)
def test_a_value_that_cannot_be_is_refused_where_it_stands(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in WHOLE

    with pytest.raises(ShipError, match=said):
        read(tmp_path, WHOLE.replace(old, new))


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("content-security-policy = \"default-src 'self'\"", "write its directives"),
        ('X-Frame-Options = "SAMEORIGIN"', "frame-ancestors ="),
        ('strict-transport-security = "max-age=0"', "leave it out"),
    ],
)
def test_a_header_that_the_stack_decides_on_is_refused_with_the_way_to_say_it(
    tmp_path: Path, line: str, hint: str
) -> None:
    with pytest.raises(ShipError, match=r"site\.headers\] in pyproject\.toml") as raised:
        read(tmp_path, WHOLE.replace('x-robots-tag = "noindex"', line))

    assert hint in raised.value.hint


def test_a_value_in_the_place_of_a_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ShipError, match=r"tool\.ship\.budgets in pyproject\.toml is not a table"):
        read(tmp_path, PROJECT.replace("[tool.ship.app", "budgets = 5\n[tool.ship.app"))


@pytest.mark.parametrize(
    ("project", "environment", "excess"),
    [("p" * 24, "e" * 15, 0), ("p" * 24, "e" * 16, 1), ("p" * 20, "e" * 16, 0)],
)
def test_a_name_that_no_bucket_may_have_is_refused(
    tmp_path: Path, project: str, environment: str, excess: int
) -> None:
    text = PROJECT.replace('"demo"', f'"{project}"').replace("s.live", f"s.{environment}")

    if excess:
        with pytest.raises(ShipError, match="would have 64 characters") as raised:
            read(tmp_path, text)
        assert f"by {excess}" in raised.value.hint
    else:
        assert read(tmp_path, text).environments == ("qa", environment)


def test_environments_and_previews_are_known(tmp_path: Path) -> None:
    found = read(tmp_path, PROJECT)

    for name in ("qa", "live", "pr-1", "pr-123456"):
        assert found.check_environment(name) == name
    for name in ("staging", "pr-0", "pr-", "pr-x", "Qa", "", "qa ", "../qa"):
        with pytest.raises(UsageError, match="no environment") as raised:
            found.check_environment(name)
        assert "qa, live" in raised.value.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHIP_PORT", "80"),
        ("SHIP_PORT", "http"),
        ("SHIP_TARGET", "moon"),
        ("AWS_ENDPOINT_URL", "localhost:4566"),
    ],
)
def test_a_variable_with_a_wrong_value_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(UsageError, match=f"{name} is '{value}'"):
        config.settings()


def test_a_persons_profile_and_proxy_do_not_reach_the_emulator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("GITHUB_ACTIONS", "SHIP_TARGET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("NO_PROXY", "example.org")
    monkeypatch.setenv("no_proxy", "example.org")

    config.settings()

    assert "AWS_PROFILE" not in os.environ
    assert os.environ["NO_PROXY"] == "example.org,127.0.0.1,localhost"

    monkeypatch.setenv("SHIP_TARGET", "aws")
    monkeypatch.setenv("AWS_PROFILE", "work")
    config.settings()
    assert os.environ["AWS_PROFILE"] == "work"


def test_a_person_is_not_automatic_and_a_workflow_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "AWS_ENDPOINT_URL", "SHIP_TARGET", "SHIP_PORT"):
        monkeypatch.delenv(name, raising=False)
    settings = config.settings()
    assert not settings.run.automatic
    assert not settings.use_aws
    assert settings.run.actor

    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert config.settings().run.automatic
    assert config.settings().use_aws


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('"static" = "backend/static"', "a slash at both ends"),
        ('"/-/x/" = "backend/static"', "a slash at both ends"),
        ('"/a/" = "x"\n"/a/b/" = "y"', "one lies in the other"),
        ('"/a/" = "../x"', "write for example"),
        ("\n".join(f'"/{n}/" = "x"' for n in range(11)), "at most 10 folders"),
    ],
)
def test_a_folder_that_cannot_be_published_there_is_refused(
    tmp_path: Path, line: str, said: str
) -> None:
    mounted = '"/static/" = "backend/shop/static"'
    with pytest.raises(ShipError) as raised:
        read(tmp_path, WHOLE.replace(mounted, line))

    assert said in raised.value.hint
