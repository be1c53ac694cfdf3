"""What GitHub would make of the workflow files, and the rules that they keep.

`act` runs the steps, but enforces neither permissions nor environments, concurrency or pins:
those are read from the files here. Each rule yields what breaks it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / ".github/workflows"
MAIN = "github.ref == 'refs/heads/main'"
ON_MAIN = f"!cancelled() && {MAIN}"
OWN_BRANCH = (
    "github.event.pull_request.head.repo.full_name == github.repository "
    "&& github.event.pull_request.user.login != 'dependabot[bot]'"
)
ENVIRONMENTS = ["dev", "staging", "production"]
_NUMBER = "github.event.pull_request.number"
_LABELLED = "contains(github.event.pull_request.labels.*.name, 'preview')"
# What a pull request's own branch may do to a preview, and to nothing else.
_OWN_PREVIEW = (
    f"{MAIN} && !startsWith(inputs.environment, 'pr-') "
    f"|| inputs.environment == format('pr-{{0}}', {_NUMBER}) && {OWN_BRANCH}"
)
_BUILD_PREVIEW = (
    f"{OWN_BRANCH} && github.event.pull_request.state == 'open' && {_LABELLED} "
    "&& github.event.action != 'unlabeled' "
    "&& (github.event.action != 'labeled' || github.event.label.name == 'preview')"
)
_DESTROY_PREVIEW = (
    f"{OWN_BRANCH} && (github.event.action == 'closed' && {_LABELLED} "
    "|| github.event.action == 'unlabeled' && github.event.label.name == 'preview')"
)
_COMMENT_PREVIEW = (
    "!cancelled() && (needs.build.result != 'skipped' || needs.destroy.result != 'skipped') "
    f"&& {OWN_BRANCH}"
)
# Jobs that may take a role that changes something: the GitHub Environment, and so the role, that
# each names; when it may; and its queue.
DEPLOYING = {
    ("environment.yml", "deploy"): (
        "${{ startsWith(inputs.environment, 'pr-') && 'preview' || inputs.environment }}",
        _OWN_PREVIEW,
        "environment-${{ inputs.environment }}",
    ),
    ("preview.yml", "destroy"): ("preview", _DESTROY_PREVIEW, f"preview-${{{{ {_NUMBER} }}}}"),
    ("rollback.yml", "rollback"): (
        "${{ inputs.environment }}",
        MAIN,
        "rollback-${{ inputs.environment }}",
    ),
    ("sweep.yml", "sweep"): ("preview", MAIN, "sweep"),
}
# Checked out where somebody may comment: reviewed, whatever the pull request brings.
_BASE = "${{ github.event.pull_request.base.sha }}"
# Compared with the tags of the actions' own repositories.
PINS = {
    "actions/checkout": ("v7.0.1", "3d3c42e5aac5ba805825da76410c181273ba90b1"),
    "actions/upload-artifact": ("v7.0.0", "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f"),
    "actions/download-artifact": ("v8.0.1", "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c"),
    "actions/attest-build-provenance": ("v4.1.0", "a2bbfa25375fe432b6a289bc6b6cd05ecd0c4c32"),
    "aws-actions/configure-aws-credentials": (
        "v6.2.3",
        "e6de054238d6b7531b4efff3b6587d9aade6a06c",
    ),
    "github/codeql-action/upload-sarif": ("v4.36.2", "8aad20d150bbac5944a9f9d289da16a4b0d87c1e"),
}
# Who may start what. Nothing here starts by the word of somebody who may not write.
TRIGGERS: dict[str, set[str]] = {
    "deploy.yml": {"push"},
    "drift.yml": {"schedule", "workflow_dispatch"},
    "environment.yml": {"workflow_call"},
    "preview.yml": {"pull_request"},
    "pull-request.yml": {"pull_request"},
    "rollback.yml": {"workflow_dispatch"},
    "sweep.yml": {"schedule", "workflow_dispatch"},
}
_PROMOTION = {
    "actions": "read",
    "attestations": "read",
    "contents": "read",
    "id-token": "write",
    "pull-requests": "read",
}
# Every grant there is; whoever adds one has to come here and say so.
GRANTS: dict[tuple[str, str], dict[str, str]] = {
    ("deploy.yml", "build"): {"contents": "read"},
    ("deploy.yml", "attest"): {"attestations": "write", "id-token": "write"},
    ("deploy.yml", "dev"): _PROMOTION,
    ("deploy.yml", "staging"): _PROMOTION,
    ("deploy.yml", "production"): _PROMOTION,
    ("drift.yml", "compare"): {"actions": "read", "contents": "read", "id-token": "write"},
    ("drift.yml", "issues"): {"contents": "read", "issues": "write"},
    ("environment.yml", "deploy"): _PROMOTION,
    ("preview.yml", "build"): {"contents": "read"},
    ("preview.yml", "deploy"): _PROMOTION,
    ("preview.yml", "destroy"): {"actions": "read", "contents": "read", "id-token": "write"},
    ("preview.yml", "comment"): {"contents": "read", "pull-requests": "write"},
    ("sweep.yml", "sweep"): {
        "actions": "read",
        "contents": "read",
        "id-token": "write",
        "pull-requests": "write",
    },
    ("rollback.yml", "rollback"): {"actions": "read", "contents": "read", "id-token": "write"},
    ("pull-request.yml", "check"): {"contents": "read"},
    ("pull-request.yml", "test"): {"contents": "read"},
    ("pull-request.yml", "coverage"): {"contents": "read"},
    ("pull-request.yml", "build"): {"contents": "read"},
    ("pull-request.yml", "plan"): {"contents": "read", "id-token": "write"},
    ("pull-request.yml", "findings"): {"security-events": "write"},
    ("pull-request.yml", "comment"): {"contents": "read", "pull-requests": "write"},
    ("pull-request.yml", "verdict"): {},
}
_SHIP = r"(exec )?\.venv/bin/ship"
# What may run in a job that can get a token, and so a role. No scanner, no test, no build.
_WITH_TOKEN = {
    "drift.yml": rf"make setup|{_SHIP} drift\b.*",
    "environment.yml": rf"make setup|{_SHIP} "
    r"(verify|preflight|plan|apply|deploy|report environment)\b.*",
    "preview.yml": rf"make setup|{_SHIP} destroy .*",
    "sweep.yml": rf"make setup|{_SHIP} sweep --apply",
    "rollback.yml": rf"make setup FOR=release|{_SHIP} "
    r"(rollback|freeze|unfreeze|report environment)\b.*",
    "deploy.yml": r'echo "\$DIGEST  dist/manifest\.json" \| sha256sum --check --strict',
    "pull-request.yml": rf"make setup|{_SHIP} (plan|report plan)\b.*",
}
_ACTIONS_WITH_TOKEN = {
    "actions/checkout",
    "actions/download-artifact",
    "actions/upload-artifact",
    "actions/attest-build-provenance",
    "aws-actions/configure-aws-credentials",
}
# One command, as a person could type it.
_COMMANDS = re.compile(
    rf"make (setup( FOR=release)?|check|coverage|sarif|test\b.*)|{_SHIP} .*|exit 1"
    r"|cat report/\*\.md > comment\.md"
    rf"|{_WITH_TOKEN['deploy.yml']}"
)
_CHANGING = re.compile(
    r"\.venv/bin/ship (preflight|plan|apply|deploy|rollback|freeze|unfreeze|destroy|sweep)\b"
)
_LOCAL = re.compile(r"\$/\.github/workflows/([a-z-]+\.yml)")
_EXPRESSION = re.compile(r"\$\{\{")


@dataclass(frozen=True)
class Job:
    """One job of one file."""

    file: str
    name: str
    body: dict[str, Any]

    @property
    def where(self) -> str:
        return f"{self.file}: {self.name}"

    @property
    def grants(self) -> dict[str, str] | None:
        """Its permissions; none when it does not say."""
        found: dict[str, str] | None = self.body.get("permissions")
        return found

    @property
    def has_token(self) -> bool:
        return (self.grants or {}).get("id-token") == "write"

    @property
    def steps(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.body.get("steps", [])
        return found

    @property
    def condition(self) -> str:
        return " ".join(str(self.body.get("if", "")).split())

    @property
    def environment(self) -> str | None:
        """The GitHub Environment that it names."""
        found = self.body.get("environment")
        name: str | None = found.get("name") if isinstance(found, dict) else found
        return name

    def uses(self, action: str) -> list[dict[str, Any]]:
        """Its steps that use an action."""
        return [step for step in self.steps if str(step.get("uses", "")).startswith(f"{action}@")]


@dataclass(frozen=True)
class Workflows:
    """The files of a folder: as text, because comments count, and as GitHub reads them."""

    texts: dict[str, str]

    @classmethod
    def read(cls, folder: Path = FOLDER) -> Workflows:
        return cls({path.name: path.read_text() for path in sorted(folder.glob("*.y*ml"))})

    def changed(self, file: str, old: str, new: str) -> Workflows:
        """The files with every occurrence of a text in one of them replaced."""
        assert old in self.texts[file], f"{old!r} is not in {file}"
        return Workflows(self.texts | {file: self.texts[file].replace(old, new)})

    @cached_property
    def documents(self) -> dict[str, dict[Any, Any]]:
        return {name: yaml.load(text, yaml.CSafeLoader) for name, text in self.texts.items()}

    @cached_property
    def jobs(self) -> list[Job]:
        return [
            Job(file, name, body)
            for file, document in self.documents.items()
            for name, body in document["jobs"].items()
        ]

    def job(self, file: str, name: str) -> Job:
        return next(job for job in self.jobs if (job.file, job.name) == (file, name))


Rule = Callable[[Workflows], Iterator[str]]


def triggers(document: dict[Any, Any]) -> dict[str, Any]:
    """What starts a workflow; YAML 1.1 reads the key `on` as true."""
    found = document.get("on", document.get(True))
    return found if isinstance(found, dict) else {str(found): None}


# --- W1: nothing that others write is ever part of a script ---


def values_reach_the_shell_through_env(files: Workflows) -> Iterator[str]:
    for job in files.jobs:
        for step in job.steps:
            run = str(step.get("run", ""))
            if _EXPRESSION.search(run):
                yield f"{job.where}: an expression inside `run`: {run}"
            if _unquoted(run):
                yield f"{job.where}: a variable outside quotes: {run}"


def _unquoted(run: str) -> bool:
    """Whether a variable stands outside double quotes; `${X:+--to="$X"}` is quoted inside."""
    quoted = False
    bare = re.sub(r'\$\{[A-Z]+:\+--[a-z]+="\$[A-Z]+"\}', "", run)
    for before, letter in zip(f" {bare}", bare, strict=False):
        quoted ^= letter == '"' and before != "\\"
        if letter == "$" and not quoted:
            return True
    return False


def dispatch_inputs_are_closed(files: Workflows) -> Iterator[str]:
    """A person chooses from a list; free text is for the history and the release only."""
    for name, document in files.documents.items():
        dispatch = triggers(document).get("workflow_dispatch") or {}
        for key, value in dispatch.get("inputs", {}).items():
            if value["type"] != "choice" and key not in {"reason", "release"}:
                yield f"{name}: input {key} takes any text"
            if key == "environment" and value.get("options") != ENVIRONMENTS:
                yield f"{name}: input {key} does not list the environments"


# --- W2: a fork gets the checks and nothing else ---


def forks_get_nothing(files: Workflows) -> Iterator[str]:
    for name, document in files.documents.items():
        if "secrets." in files.texts[name] or "secrets:" in files.texts[name]:
            yield f"{name}: uses secrets"
        if "pull_request" not in triggers(document):
            continue
        for job in (job for job in files.jobs if job.file == name):
            if "write" in (job.grants or {}).values() and OWN_BRANCH not in job.condition:
                yield f"{job.where}: may write for a fork"
            if job.environment and (name, job.name) not in DEPLOYING:
                yield f"{job.where}: names an environment in a pull request"


def own_branches_use_only_the_role_that_reads(files: Workflows) -> Iterator[str]:
    for job in files.jobs:
        for step in job.uses("aws-actions/configure-aws-credentials"):
            role = step["with"]["role-to-assume"]
            prefix = "arn:aws:iam::${{ vars.AWS_ACCOUNT_ID }}:role/${{ vars.PROJECT }}-"
            found, *_ = DEPLOYING.get((job.file, job.name), (None,))
            if role != f"{prefix}{f'deploy-{found}' if found else 'plan'}":
                yield f"{job.where}: assumes {role}"
            if job.environment != found:
                yield f"{job.where}: its role and its environment may differ"


# --- W3: who starts what ---


def triggers_are_listed(files: Workflows) -> Iterator[str]:
    for name, document in files.documents.items():
        if set(triggers(document)) != TRIGGERS.get(name):
            yield f"{name}: is started by {sorted(triggers(document))}"


# --- W4: what runs is what was read ---


def actions_are_pinned(files: Workflows) -> Iterator[str]:
    for name, text in files.texts.items():
        for line in re.findall(r"^\s*(?:- )?uses: (.*)$", text, re.MULTILINE):
            if _LOCAL.fullmatch(line):
                continue
            action, _, rest = line.partition("@")
            version, commit = PINS.get(action, ("", ""))
            if rest != f"{commit} # {version}":
                yield f"{name}: {line} is not the pinned one"


# --- W5: the token can do what the job needs ---


def grants_are_listed(files: Workflows) -> Iterator[str]:
    for name, document in files.documents.items():
        if document.get("permissions") != {}:
            yield f"{name}: grants something to every job"
    for job in files.jobs:
        if job.grants != GRANTS.get((job.file, job.name)):
            yield f"{job.where}: is granted {job.grants}"
        called = _LOCAL.fullmatch(str(job.body.get("uses", "")))
        for inner in (inner for inner in files.jobs if called and inner.file == called[1]):
            if inner.grants != job.grants:
                yield f"{job.where}: grants other than {inner.where} needs"


def grants_have_reasons(files: Workflows) -> Iterator[str]:
    for name, text in files.texts.items():
        for line in text.splitlines():
            if re.fullmatch(r"\s+[a-z-]+: (read|write)(\s.*)?", line) and " # " not in line:
                yield f"{name}: no reason for{line}"


def checkouts_keep_no_token(files: Workflows) -> Iterator[str]:
    for job in files.jobs:
        for step in job.uses("actions/checkout"):
            if (step.get("with") or {}).get("persist-credentials") is not False:
                yield f"{job.where}: its checkout keeps the token"


# --- W6: what may run where a token can be had ---


def tokens_are_kept_from_other_code(files: Workflows) -> Iterator[str]:
    for job in (job for job in files.jobs if job.has_token):
        for step in job.steps:
            run, action = str(step.get("run", "")), str(step.get("uses", "")).split("@")[0]
            if run and not re.fullmatch(_WITH_TOKEN[job.file], run):
                yield f"{job.where}: runs {run}"
            if action and action not in _ACTIONS_WITH_TOKEN:
                yield f"{job.where}: uses {action}"


def who_comments_runs_nothing_of_the_change(files: Workflows) -> Iterator[str]:
    """What main holds has been reviewed; what a pull request brings has not."""
    for job in (job for job in files.jobs if job.condition not in (MAIN, ON_MAIN)):
        writes = {k for k, v in (job.grants or {}).items() if v == "write"} - {"id-token"}
        refs = {step.get("with", {}).get("ref") for step in job.uses("actions/checkout")}
        if writes and (refs - {_BASE} or (not refs and "make " in str(job.steps))):
            yield f"{job.where}: may write {sorted(writes)} and runs what it checked out"


# --- W7: the build that ships ---


def nothing_is_cached(files: Workflows) -> Iterator[str]:
    for job in files.jobs:
        for step in job.steps:
            inputs = step.get("with", {})
            if "cache" in str(step.get("uses", "")) or any("cache" in key for key in inputs):
                yield f"{job.where}: caches in {step.get('name')}"


def artifacts_are_of_the_same_run(files: Workflows) -> Iterator[str]:
    for job in files.jobs:
        for step in job.uses("actions/download-artifact"):
            foreign = {"run-id", "repository", "github-token"} & set(step["with"])
            if foreign:
                yield f"{job.where}: downloads by {sorted(foreign)}"


def builds_are_verified_before_a_role_is_assumed(files: Workflows) -> Iterator[str]:
    build = files.job("deploy.yml", "build")
    if build.body.get("outputs", {}).get("digest") != "${{ steps.report.outputs.digest }}":
        yield f"{build.where}: does not tell the digest"
    for name in ENVIRONMENTS:
        given = files.job("deploy.yml", name).body["with"]
        if given != {"environment": name, "digest": "${{ needs.build.outputs.digest }}"}:
            yield f"deploy.yml: {name} is called with {given}"
    names = [str(step.get("run") or step["uses"]) for step in _steps(files)]
    preview = files.job("preview.yml", "deploy").body["with"]
    number = f"pr-${{{{ {_NUMBER} }}}}"
    if preview != {"environment": number, "digest": "${{ needs.build.outputs.digest }}"}:
        yield f"preview.yml: deploy is called with {preview}"
    verify = '.venv/bin/ship verify dist --digest="$DIGEST" --for="$ENVIRONMENT"'
    order = ["actions/download-artifact", verify, "aws-actions/configure-aws-credentials"]
    places = [next((i for i, n in enumerate(names) if n.startswith(o)), -1) for o in order]
    if -1 in places or places != sorted(places):
        yield f"environment.yml: not verified before the role is assumed: {names}"
    digest = [s["env"]["DIGEST"] for s in _steps(files) if s.get("run") == verify]
    if digest != ["${{ inputs.digest }}"]:
        yield f"environment.yml: verifies {digest}"


def environments_never_build(files: Workflows) -> Iterator[str]:
    """One build; whatever comes after takes it."""
    building = [
        job.where
        for job in files.jobs
        for step in job.steps
        if "ship build" in str(step.get("run"))
    ]
    if building != [f"{name}: build" for name in ("deploy.yml", "preview.yml", "pull-request.yml")]:
        yield f"built in {building}"


def deploys_refuse_before_they_apply(files: Workflows) -> Iterator[str]:
    """An older commit shall not bring its infrastructure either."""
    runs = [re.match(rf"{_SHIP} (\w+)", str(step.get("run"))) for step in _steps(files)]
    words = [run[2] for run in runs if run]
    if words != ["verify", "preflight", "plan", "apply", "deploy", "report"]:
        yield f"environment.yml: its order is {words}"


def _steps(files: Workflows) -> list[dict[str, Any]]:
    return files.job("environment.yml", "deploy").steps


# --- W8: nothing cuts a deploy short ---


def deploys_queue(files: Workflows) -> Iterator[str]:
    for job in (job for job in files.jobs if job.environment):
        found = job.body.get("concurrency") or files.documents[job.file].get("concurrency") or {}
        *_, group = DEPLOYING.get((job.file, job.name), ("",))
        if found.get("group") != group:
            yield f"{job.where}: its queue is not its environment's"
        if found.get("queue") != "max":
            yield f"{job.where}: drops a run that waits"
    for name, document in files.documents.items():
        bodies = [document, *document["jobs"].values()]
        found = [body["concurrency"] for body in bodies if "concurrency" in body]
        cancels = [one.get("cancel-in-progress") for one in found]
        if name != "pull-request.yml" and any(cancel is not False for cancel in cancels):
            yield f"{name}: a newer run cancels it"
        if not found:
            yield f"{name}: says nothing about runs side by side"


def rollbacks_do_not_wait_for_deploys(files: Workflows) -> Iterator[str]:
    deploy = files.job("environment.yml", "deploy").body.get("concurrency", {}).get("group")
    if files.documents["rollback.yml"]["concurrency"]["group"] == deploy:
        yield "rollback.yml: waits in the deploys' queue"


def interrupts_reach_the_tool(files: Workflows) -> Iterator[str]:
    """GitHub's interrupt goes to the step's own process; a shell would not hand it on."""
    for job in files.jobs:
        for step in job.steps:
            run = str(step.get("run", ""))
            if _CHANGING.search(run) and not run.startswith("exec "):
                yield f"{job.where}: its shell hears the interrupt of {run}"


def promotion_stops_at_a_failure(files: Workflows) -> Iterator[str]:
    needs = {name: files.job("deploy.yml", name).body.get("needs") for name in ENVIRONMENTS}
    expected = {
        "dev": ["build", "attest"],
        "staging": ["build", "dev"],
        "production": ["build", "staging"],
    }
    if needs != expected:
        yield f"deploy.yml: the order is {needs}"
    for job in files.jobs:
        if job.file == "deploy.yml" and job.condition:
            yield f"{job.where}: runs on a condition of its own"
        if "continue-on-error" in str(job.body):
            yield f"{job.where}: goes on after an error"


# --- O3: only main may name an environment ---


def environments_are_for_main(files: Workflows) -> Iterator[str]:
    for job in (job for job in files.jobs if job.environment):
        _, condition, _ = DEPLOYING.get((job.file, job.name), ("", MAIN, ""))
        if job.condition != condition:
            yield f"{job.where}: runs for other branches: {job.condition!r}"
    for job in (job for job in files.jobs if job.file == "drift.yml"):
        if job.condition not in (MAIN, ON_MAIN):
            yield f"{job.where}: runs for other branches: {job.condition!r}"
    if triggers(files.documents["deploy.yml"])["push"] != {"branches": ["main"]}:
        yield "deploy.yml: is started by other branches"


# --- previews: whoever labels, pushes and closes decides, and nobody else ---


def previews_follow_their_pull_request(files: Workflows) -> Iterator[str]:
    document, jobs = files.documents["preview.yml"], ("build", "deploy", "comment")
    types = ["closed", "labeled", "reopened", "synchronize", "unlabeled"]
    if triggers(document)["pull_request"] != {"branches": ["main"], "types": types}:
        yield f"preview.yml: is started by {triggers(document)['pull_request']}"
    wanted = (_BUILD_PREVIEW, OWN_BRANCH, _COMMENT_PREVIEW)
    for name, condition in zip(jobs, wanted, strict=True):
        if files.job("preview.yml", name).condition != condition:
            yield f"preview.yml: {name} runs if {files.job('preview.yml', name).condition}"
    if files.job("preview.yml", "deploy").body.get("needs") != "build":
        yield "preview.yml: deploys without a build"
    group = document.get("concurrency", {})
    if group.get("queue") != "max" or _NUMBER not in str(group.get("group")):
        yield f"preview.yml: what destroys does not wait for what deploys: {group}"


# --- house rules ---


def files_begin_with_what_who_and_why(files: Workflows) -> Iterator[str]:
    for name, text in files.texts.items():
        heads = re.findall(r"^# ([A-Z][a-z ]+):", text.split("\nname:")[0], re.MULTILINE)
        if heads != ["What it does", "Who starts it", "What it may change"]:
            yield f"{name}: begins with {heads}"


def shells_are_bash(files: Workflows) -> Iterator[str]:
    for name, document in files.documents.items():
        if document.get("defaults") != {"run": {"shell": "bash"}}:
            yield f"{name}: leaves its shell open"


def jobs_end(files: Workflows) -> Iterator[str]:
    for job in (job for job in files.jobs if "uses" not in job.body):
        if not 1 <= int(job.body.get("timeout-minutes", 0)) <= 30:
            yield f"{job.where}: may run for hours"
        if job.body.get("runs-on") != "ubuntu-24.04":
            yield f"{job.where}: runs on {job.body.get('runs-on')}"


def steps_are_one_command(files: Workflows) -> Iterator[str]:
    for job in files.jobs:
        for step in job.steps:
            run = str(step.get("run", "make setup")).strip()
            if "\n" in run or not _COMMANDS.fullmatch(run):
                yield f"{job.where}: holds logic: {run}"


def one_job_gathers_all(files: Workflows) -> Iterator[str]:
    """A job that is skipped passes for GitHub: so the verdict always runs, and asks by name."""
    verdict = files.job("pull-request.yml", "verdict")
    others = [job.name for job in files.jobs if job.file == verdict.file and job.name != "verdict"]
    if verdict.body.get("needs") != others or verdict.condition != "always()":
        yield f"{verdict.where}: gathers {verdict.body.get('needs')} if {verdict.condition}"
    asked = " ".join(str(step.get("if")) for step in verdict.steps)
    wanted = [
        "'failure'",
        "'cancelled'",
        *(f"needs.{n}.result" for n in ("check", "test", "coverage", "build")),
    ]
    for word in wanted:
        if word not in asked:
            yield f"{verdict.where}: does not ask for {word}"
    if any(step.get("run") != "exit 1" for step in verdict.steps):
        yield f"{verdict.where}: does something else"


RULES: tuple[Rule, ...] = (
    values_reach_the_shell_through_env,
    dispatch_inputs_are_closed,
    forks_get_nothing,
    own_branches_use_only_the_role_that_reads,
    triggers_are_listed,
    actions_are_pinned,
    grants_are_listed,
    grants_have_reasons,
    checkouts_keep_no_token,
    tokens_are_kept_from_other_code,
    who_comments_runs_nothing_of_the_change,
    nothing_is_cached,
    artifacts_are_of_the_same_run,
    builds_are_verified_before_a_role_is_assumed,
    environments_never_build,
    deploys_refuse_before_they_apply,
    deploys_queue,
    rollbacks_do_not_wait_for_deploys,
    interrupts_reach_the_tool,
    promotion_stops_at_a_failure,
    environments_are_for_main,
    previews_follow_their_pull_request,
    files_begin_with_what_who_and_why,
    shells_are_bash,
    jobs_end,
    steps_are_one_command,
    one_job_gathers_all,
)
