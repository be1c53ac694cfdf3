"""The workflow files keep every rule, and each rule sees its guard taken away (W1-W8, O3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.workflows import model
from tests.workflows.model import RULES, Rule, Workflows

_CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"
_SET_UP = "        run: make setup\n"


@dataclass(frozen=True)
class Mutation:
    """A guard taken away: what must go red, in which file, and how."""

    threat: str
    rule: Rule
    file: str
    old: str
    new: str


MUTATIONS = (
    Mutation(
        "W1 an expression in a script",
        model.values_reach_the_shell_through_env,
        "rollback.yml",
        '--reason="$REASON"',
        '--reason="${{ inputs.reason }}"',
    ),
    Mutation(
        "W1 a value outside quotes",
        model.values_reach_the_shell_through_env,
        "rollback.yml",
        '--reason="$REASON"',
        "--reason=$REASON",
    ),
    Mutation(
        "W1 an environment that is free text",
        model.dispatch_inputs_are_closed,
        "rollback.yml",
        "        description: Where\n        type: choice\n"
        "        options: [dev, staging, production]\n",
        "        description: Where\n        type: string\n",
    ),
    Mutation(
        "W2 a fork may comment",
        model.forks_get_nothing,
        "pull-request.yml",
        "      && github.event.pull_request.head.repo.full_name == github.repository\n",
        "",
    ),
    Mutation(
        "W2 a fork may get a token",
        model.forks_get_nothing,
        "pull-request.yml",
        "      github.event.pull_request.head.repo.full_name == github.repository\n      &&",
        "      ",
    ),
    Mutation(
        "W2 a secret in a pull request",
        model.forks_get_nothing,
        "pull-request.yml",
        "ENVIRONMENT: ${{ matrix.environment }}",
        "ENVIRONMENT: ${{ secrets.TOKEN }}",
    ),
    Mutation(
        "W2 a pull request names an environment",
        model.forks_get_nothing,
        "pull-request.yml",
        "    name: Build\n",
        "    name: Build\n    environment: dev\n",
    ),
    Mutation(
        "W2 a pull request takes a role that writes",
        model.own_branches_use_only_the_role_that_reads,
        "pull-request.yml",
        "${{ vars.PROJECT }}-plan",
        "${{ vars.PROJECT }}-deploy-dev",
    ),
    Mutation(
        "W2 the search for drift takes a role that writes",
        model.own_branches_use_only_the_role_that_reads,
        "drift.yml",
        "${{ vars.PROJECT }}-plan",
        "${{ vars.PROJECT }}-deploy-dev",
    ),
    Mutation(
        "W2 a fork gets a preview",
        model.forks_get_nothing,
        "preview.yml",
        "      github.event.pull_request.head.repo.full_name == github.repository\n      &&",
        "      true\n      &&",
    ),
    Mutation(
        "W2 what is built names an environment",
        model.forks_get_nothing,
        "preview.yml",
        "    name: Build the pull request\n",
        "    name: Build the pull request\n    environment: preview\n",
    ),
    Mutation(
        "W2 a preview takes another role",
        model.own_branches_use_only_the_role_that_reads,
        "preview.yml",
        "${{ vars.PROJECT }}-deploy-preview",
        "${{ vars.PROJECT }}-deploy-dev",
    ),
    Mutation(
        "W2 a preview names another environment",
        model.own_branches_use_only_the_role_that_reads,
        "preview.yml",
        "    environment: preview\n",
        "    environment: dev\n",
    ),
    Mutation(
        "W3 pull_request_target for previews",
        model.triggers_are_listed,
        "preview.yml",
        "  pull_request:\n",
        "  pull_request_target:\n",
    ),
    Mutation(
        "W3 pull_request_target",
        model.triggers_are_listed,
        "pull-request.yml",
        "  pull_request:\n",
        "  pull_request_target:\n",
    ),
    Mutation(
        "W3 workflow_run",
        model.triggers_are_listed,
        "deploy.yml",
        "on:\n  push:\n    branches: [main]\n",
        "on:\n  push:\n    branches: [main]\n  workflow_run:\n    workflows: [Pull request]\n",
    ),
    Mutation(
        "W4 a tag",
        model.actions_are_pinned,
        "environment.yml",
        _CHECKOUT,
        "actions/checkout@v7",
    ),
    Mutation(
        "W4 another commit behind the same version",
        model.actions_are_pinned,
        "environment.yml",
        "3d3c42e5",
        "3d3c42e6",
    ),
    Mutation(
        "W4 another owner",
        model.actions_are_pinned,
        "environment.yml",
        "actions/checkout@",
        "acti0ns/checkout@",
    ),
    Mutation(
        "W5 the default grants",
        model.grants_are_listed,
        "deploy.yml",
        "\npermissions: {}\n",
        "\n",
    ),
    Mutation(
        "W5 a job may write contents",
        model.grants_are_listed,
        "pull-request.yml",
        "      contents: read #",
        "      contents: write #",
    ),
    Mutation(
        "W5 the caller grants more than the called",
        model.grants_are_listed,
        "environment.yml",
        "      attestations: read #",
        "      packages: read #",
    ),
    Mutation(
        "W5 who compares may write issues",
        model.grants_are_listed,
        "drift.yml",
        "      id-token: write #",
        "      issues: write # at once\n      id-token: write #",
    ),
    Mutation(
        "W5 who writes issues may get a token",
        model.grants_are_listed,
        "drift.yml",
        "      issues: write #",
        "      id-token: write # for a role\n      issues: write #",
    ),
    Mutation(
        "W5 a grant without a reason",
        model.grants_have_reasons,
        "rollback.yml",
        "id-token: write # to assume the environment's role",
        "id-token: write",
    ),
    Mutation(
        "W5 the token stays in the checkout",
        model.checkouts_keep_no_token,
        "pull-request.yml",
        "          persist-credentials: false\n",
        "",
    ),
    Mutation(
        "W6 a scanner beside the token",
        model.tokens_are_kept_from_other_code,
        "environment.yml",
        _SET_UP,
        "        run: make check\n",
    ),
    Mutation(
        "W6 a scanner beside the token that reads",
        model.tokens_are_kept_from_other_code,
        "drift.yml",
        _SET_UP,
        "        run: make check\n",
    ),
    Mutation(
        "W6 an install beside the token",
        model.tokens_are_kept_from_other_code,
        "deploy.yml",
        "      - name: Compare its digest\n",
        "      - run: pip install something\n      - name: Compare its digest\n",
    ),
    Mutation(
        "W6 a foreign action beside the token",
        model.tokens_are_kept_from_other_code,
        "rollback.yml",
        _CHECKOUT,
        "somebody/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1",
    ),
    Mutation(
        "W6 whoever may comment runs the change",
        model.who_comments_runs_nothing_of_the_change,
        "pull-request.yml",
        "      - name: Join them\n",
        "      - uses: actions/checkout@x\n      - name: Join them\n",
    ),
    Mutation(
        "W6 whoever may comment checks the change out",
        model.who_comments_runs_nothing_of_the_change,
        "preview.yml",
        "          ref: ${{ github.event.pull_request.base.sha }}\n",
        "",
    ),
    Mutation(
        "W6 a test beside the previews' role",
        model.tokens_are_kept_from_other_code,
        "preview.yml",
        'exec .venv/bin/ship destroy "$ENVIRONMENT"',
        'make test && exec .venv/bin/ship destroy "$ENVIRONMENT"',
    ),
    Mutation(
        "W7 a preview deploys to another's environment",
        model.builds_are_verified_before_a_role_is_assumed,
        "preview.yml",
        "      environment: pr-${{ github.event.pull_request.number }}\n",
        "      environment: dev\n",
    ),
    Mutation(
        "W7 a cache",
        model.nothing_is_cached,
        "deploy.yml",
        "      - name: Build\n",
        "      - uses: actions/cache@v5\n      - name: Build\n",
    ),
    Mutation(
        "W7 a build of another run",
        model.artifacts_are_of_the_same_run,
        "environment.yml",
        "          name: build\n",
        "          name: build\n          run-id: 1\n",
    ),
    Mutation(
        "W7 the digest is not compared",
        model.builds_are_verified_before_a_role_is_assumed,
        "environment.yml",
        '.venv/bin/ship verify dist --digest="$DIGEST" --for="$ENVIRONMENT"',
        'echo "$DIGEST"',
    ),
    Mutation(
        "W7 the origin is not verified",
        model.builds_are_verified_before_a_role_is_assumed,
        "environment.yml",
        ' --for="$ENVIRONMENT"',
        "",
    ),
    Mutation(
        "W7 the digest is the artifact's own",
        model.builds_are_verified_before_a_role_is_assumed,
        "deploy.yml",
        "digest: ${{ needs.build.outputs.digest }}",
        "digest: ${{ needs.dev.outputs.digest }}",
    ),
    Mutation(
        "W7 an environment builds",
        model.environments_never_build,
        "environment.yml",
        _SET_UP,
        "        run: .venv/bin/ship build\n",
    ),
    Mutation(
        "D1 an older commit's infrastructure is applied",
        model.deploys_refuse_before_they_apply,
        "environment.yml",
        'run: exec .venv/bin/ship preflight "$ENVIRONMENT" --dist dist\n',
        "run: make setup\n",
    ),
    Mutation(
        "W8 a newer run cancels a deploy",
        model.deploys_queue,
        "environment.yml",
        "cancel-in-progress: false",
        "cancel-in-progress: true",
    ),
    Mutation(
        "W8 a waiting run is dropped",
        model.deploys_queue,
        "environment.yml",
        "      queue: max\n",
        "",
    ),
    Mutation(
        "W8 a newer run cancels a rollback",
        model.deploys_queue,
        "rollback.yml",
        "cancel-in-progress: false",
        "cancel-in-progress: true",
    ),
    Mutation(
        "W8 all environments in one queue",
        model.deploys_queue,
        "environment.yml",
        "group: environment-${{ inputs.environment }}",
        "group: environment",
    ),
    Mutation(
        "W8 a newer push cancels a preview midway",
        model.deploys_queue,
        "preview.yml",
        "cancel-in-progress: false",
        "cancel-in-progress: true",
    ),
    Mutation(
        "W8 all previews in one queue",
        model.deploys_queue,
        "preview.yml",
        "group: preview-${{ github.event.pull_request.number }}",
        "group: preview",
    ),
    Mutation(
        "W8 the interrupt ends at the shell that destroys",
        model.interrupts_reach_the_tool,
        "preview.yml",
        "exec .venv/bin/ship destroy",
        ".venv/bin/ship destroy",
    ),
    Mutation(
        "W8 a rollback behind the deploys",
        model.rollbacks_do_not_wait_for_deploys,
        "rollback.yml",
        "group: rollback-",
        "group: environment-",
    ),
    Mutation(
        "W8 the interrupt ends at the shell",
        model.interrupts_reach_the_tool,
        "environment.yml",
        "exec .venv/bin/ship apply",
        ".venv/bin/ship apply",
    ),
    Mutation(
        "promotion goes on after a failure",
        model.promotion_stops_at_a_failure,
        "deploy.yml",
        "    needs: [build, staging]\n",
        "    needs: build\n",
    ),
    Mutation(
        "promotion ignores a failure",
        model.promotion_stops_at_a_failure,
        "environment.yml",
        "      - name: Deploy and test\n",
        "      - name: Deploy and test\n        continue-on-error: true\n",
    ),
    Mutation(
        "O3 any branch may roll back",
        model.environments_are_for_main,
        "rollback.yml",
        "    if: github.ref == 'refs/heads/main'\n",
        "",
    ),
    Mutation(
        "O3 any branch may deploy",
        model.environments_are_for_main,
        "deploy.yml",
        "    branches: [main]\n",
        "    branches: ['**']\n",
    ),
    Mutation(
        "O3 any branch may look for drift",
        model.environments_are_for_main,
        "drift.yml",
        "    if: github.ref == 'refs/heads/main'\n",
        "",
    ),
    Mutation(
        "O3 any branch may sweep",
        model.environments_are_for_main,
        "sweep.yml",
        "    if: github.ref == 'refs/heads/main'\n",
        "",
    ),
    Mutation(
        "O3 a pull request may deploy to a lasting environment",
        model.environments_are_for_main,
        "environment.yml",
        "inputs.environment == format('pr-{0}', github.event.pull_request.number)",
        "github.event_name == 'pull_request'",
    ),
    Mutation(
        "O3 a fork may destroy a preview",
        model.environments_are_for_main,
        "preview.yml",
        "      && (github.event.action == 'closed'",
        "      || (github.event.action == 'closed'",
    ),
    Mutation(
        "O3 any label destroys a preview",
        model.environments_are_for_main,
        "preview.yml",
        "github.event.action == 'unlabeled' && github.event.label.name == 'preview'",
        "github.event.action == 'unlabeled'",
    ),
    Mutation(
        "a preview without the label",
        model.previews_follow_their_pull_request,
        "preview.yml",
        "      && contains(github.event.pull_request.labels.*.name, 'preview')\n      && github",
        "      && github",
    ),
    Mutation(
        "a closed pull request is built again",
        model.previews_follow_their_pull_request,
        "preview.yml",
        "      && github.event.pull_request.state == 'open'\n",
        "",
    ),
    Mutation(
        "another label deploys again",
        model.previews_follow_their_pull_request,
        "preview.yml",
        "      && (github.event.action != 'labeled' || github.event.label.name == 'preview')\n",
        "",
    ),
    Mutation(
        "closing leaves the preview",
        model.previews_follow_their_pull_request,
        "preview.yml",
        "types: [closed, ",
        "types: [",
    ),
    Mutation(
        "a destroy overtakes the deploy that runs",
        model.previews_follow_their_pull_request,
        "preview.yml",
        "group: preview-${{ github.event.pull_request.number }}",
        "group: preview-${{ github.run_id }}",
    ),
    Mutation(
        "a file does not say who starts it",
        model.files_begin_with_what_who_and_why,
        "rollback.yml",
        "# Who starts it:",
        "#",
    ),
    Mutation(
        "the shell is whatever there is",
        model.shells_are_bash,
        "deploy.yml",
        "    shell: bash\n",
        "    shell: sh\n",
    ),
    Mutation("a job may hang", model.jobs_end, "rollback.yml", "    timeout-minutes: 10\n", ""),
    Mutation(
        "a step holds logic",
        model.steps_are_one_command,
        "environment.yml",
        _SET_UP,
        "        run: for x in a b; do make setup; done\n",
    ),
    Mutation(
        "a job that nobody waits for",
        model.one_job_gathers_all,
        "pull-request.yml",
        "needs: [check, test, coverage, build, plan, findings, comment]",
        "needs: [check, coverage, build, plan, findings, comment]",
    ),
    Mutation(
        "a verdict that is skipped passes",
        model.one_job_gathers_all,
        "pull-request.yml",
        "    if: always()\n",
        "",
    ),
    Mutation(
        "a cancelled job passes",
        model.one_job_gathers_all,
        "pull-request.yml",
        " || contains(needs.*.result, 'cancelled')",
        "",
    ),
)


@pytest.fixture(scope="module")
def files() -> Workflows:
    return Workflows.read()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.__name__))
def test_the_workflow_files_keep_the_rule(rule: Rule, files: Workflows) -> None:
    assert list(rule(files)) == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: str(mutation.threat))
def test_the_rule_sees_its_guard_taken_away(mutation: Mutation, files: Workflows) -> None:
    changed = files.changed(mutation.file, mutation.old, mutation.new)

    assert list(mutation.rule(changed)) != []


def test_every_rule_is_shown_to_go_red() -> None:
    assert {mutation.rule for mutation in MUTATIONS} == set(RULES)


def test_every_threat_to_the_workflows_has_a_mutation() -> None:
    shown = {mutation.threat.split()[0] for mutation in MUTATIONS}

    assert {f"W{number}" for number in range(1, 9)} | {"O3"} <= shown


def test_there_is_no_workflow_that_the_rules_do_not_know(files: Workflows) -> None:
    assert set(files.texts) == set(model.TRIGGERS)


def test_the_list_of_threats_names_tests_that_are_there() -> None:
    root = Path(__file__).parents[2]
    listed = (root / "docs/threats.md").read_text()
    files = [*root.glob("tests/**/test_*.py"), *root.glob("infrastructure/*/tests/*.tftest.hcl")]
    there = {path.name for path in files}
    for path in files:
        there |= set(re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE))

    named = set(re.findall(r"`(test_\w+(?:\.py)?|\w+\.tftest\.hcl)`", listed))
    assert named - there == set()
    rows = set(re.findall(r"^\| ([A-Z][0-9]+) \|", listed, re.MULTILINE))
    assert {*(f"W{n}" for n in range(1, 9)), *(f"O{n}" for n in range(1, 5))} <= rows
