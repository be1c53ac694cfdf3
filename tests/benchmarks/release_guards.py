"""Takes away the guards of the release tool, one after the other, and says which tests notice.

Run it from the root of the repository: `python -m tests.benchmarks.release_guards [MODULE ...]`. It
works on a clone of what is committed. What unit tests guard takes seconds, the rest most of a
minute each, for an environment on an emulator of its own. It exits with 1 when nobody misses a
guard.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.backend_guards import Guard, guards_of, tried
from tests.world import ROOT, git

_UNITS = "tests/infrastructure/ship"
_KILLS = "tests/faults/test_kills.py::test"
_REFUSALS = "tests/faults/test_refusals.py::test"
_BAD_RELEASES = "tests/faults/test_bad_releases.py::test"
_FAILURES = "tests/faults/test_aws_failures.py::test"
_ONCE = f"{_FAILURES}_a_deploy_comes_through_a_call_that_goes_wrong_once"
_STRANGERS = "tests/faults/test_strangers.py::test"
_BETWEEN = f"{_STRANGERS}_whoever_comes_between_two_calls_ends_the_deploy"
_CLEAN_UP = f"{_STRANGERS}_the_clean_up_leaves_all_that_a_rollback_and_an_open_page_need"

GUARDS = [
    *guards_of(
        "smoke",
        f"{_UNITS}/test_smoke.py",
        ('_same("release", body.get("release"), self._expected.release)', "pass"),
        ('_same("environment", body.get("environment"), self._stack.environment)', "pass"),
        (', body.get("function_version"), self._expected.function_version)', ', "", "")'),
        ('_same("status", self._get(f"{base}/api/health").json().get("status"), "ok")', "pass"),
        ('if "title" not in self._get(f"{base}/api/config").json():', "if False:"),
        ('headers.get("content-type", "").split(";")[0], _PROBLEM)', 'get(0, _PROBLEM), _PROBLEM)'),
        ('_same(f"release of {key}", found and found.group(1), self._expected.release)', "pass"),
        ("            if missing:", "            if False:"),
        ('if "immutable" not in', 'if "/" in'),
        ('headers.get("content-type", "").split(";")[0], "text/html")', 'get("", ""), "")'),
        ("if response.status_code != status:", "if False:"),
        ("self.deadline and not self.waiting()", "self.deadline"),
        ('    "strict-transport-security",\n', ""),
    ),
    *guards_of(
        "trial",
        f"{_UNITS}/test_trial.py",
        ('if answer.get("statusCode") != status:', "if False:"),
        ('if path == "version" and', "if False and"),
        ("if not isinstance(body, dict):", "if False:"),
        (', ("no-such", 404)', ""),
        ('if answer.get("isBase64Encoded"):', "if False:"),
    ),
    *guards_of(
        "bake",
        f"{_UNITS}/test_bake.py",
        ("    if answers < ENOUGH_ANSWERS:", "    if False:"),
        ("    if fresh:", "    if False:"),
        ("alarming(cloudwatch, stack) - before", "alarming(cloudwatch, stack)"),
        ("response.raise_for_status()", "pass"),
        ("_ask(client, stack) == version", "bool(_ask(client, stack))"),
    ),
    *guards_of(
        "head",
        f"{_UNITS}/test_head.py",
        ("if name not in self.bad)", "if True)"),
        ("if name != self.live and name in self.releases", "if name in self.releases"),
        ("*self.pinned, ", ""),
        ("*good, ", ""),
        ("(*newest, ", "("),
        (", *working)", ")"),
        ("if release in self.order else (*self.order", "if False else (*self.order"),
        ('if document["schema"] != _SCHEMA:', "if False:"),
        ("{k: v for k, v in self.bad.items() if k != release}", "self.bad"),
    ),
    *guards_of(
        "lock",
        f"{_UNITS}/test_lock.py",
        ("host == socket.gethostname() and", ""),
        ("        fcntl.flock(file, fcntl.LOCK_EX)\n", ""),
        ("int(attempt) < int(own_attempt)", "True"),
        ('found.get("status") == "completed" or', "True or"),
        ("ValueError):\n        return False", "ValueError):\n        return True"),
        ("except OSError:\n        return False", "except OSError:\n        return True"),
        (' or int(found.get("run_attempt", 0)) > int(attempt)', ""),
    ),
    *guards_of(
        "manifest",
        f"{_UNITS}/test_manifest.py",
        ("if digest(data) != self.files[path].sha256:", "if False:"),
        (' or not RELEASE_ID.fullmatch(document["release"])', ""),
        ("if ZIP not in files:", "if False:"),
        ('document["schema"] != _SCHEMA or', "False or"),
    ),
    *guards_of(
        "engine",
        f"{_STRANGERS}_a_release_whose_manifest_was_altered_is_no_target",
        ("if manifest.digest(found.encode()) != stored.manifest:", "if False:"),
    ),
    *guards_of(
        "engine",
        f"{_STRANGERS}_a_version_that_is_not_the_releases_code_is_no_target",
        ("if there not in (None, code_sha256(found.files[manifest.ZIP].sha256)):", "if False:"),
    ),
    *guards_of(
        "engine",
        f"{_STRANGERS}_a_release_for_another_stack_is_refused",
        ("if not low <= self._stack.contract <= high:", "if False:"),
    ),
    *guards_of(
        "engine",
        f"{_REFUSALS}_an_older_build_never_overtakes_a_newer_one",
        ("if live and found.sequence < live.sequence and", "if False and"),
    ),
    *guards_of(
        "engine",
        f"{_REFUSALS}_a_rollback_target_that_is_bad_is_refused_with_the_good_ones",
        ("        if release in head.bad:", "        if False:"),
    ),
    *guards_of(
        "engine",
        f"{_REFUSALS}_the_live_release_is_no_rollback_target",
        ("if release == head.live:", "if False:"),
    ),
    *guards_of(
        "engine",
        f"{_KILLS}_the_same_deploy_goes_through_after_it_was_killed",
        ("        self.repair()\n        safe =", "        safe ="),
    ),
    *guards_of(
        "engine",
        f"{_KILLS}_an_interrupted_deploy_puts_back_by_itself",
        ("if blamed and release != head.live:", "if release != head.live:"),
    ),
    *guards_of(
        "engine",
        f"{_KILLS}_a_killed_rollback_is_finished_by_the_next_run[shift]",
        ('if left.kind == "rollback" and left.safe and left.safe != head.live:', "if False:"),
    ),
    *guards_of(
        "engine",
        _CLEAN_UP,
        ("release in kept & set(head.releases)}", "release in (str(head.live),)}"),
        ('if "/" in k and k not in assets', 'if "/" in k'),
        ("set(head.releases)) - kept", "set(head.releases)) - {head.live}"),
    ),
    *guards_of(
        "engine",
        f"{_BAD_RELEASES}_a_version_that_fails_its_trial_reaches_no_user[answers 500]",
        ('with self._putting_back("deploy", target):', "if True:"),
    ),
    *guards_of(
        "engine",
        f"{_BAD_RELEASES}_what_only_the_smoke_tests_find_is_put_back_with_its_pages",
        ('self._show(_Target(found, "", {key: read(f"web/{key}")', '((found, "", {key: 0'),
    ),
    *guards_of(
        "function",
        _BETWEEN,
        ('if made["CodeSha256"] != sha256:', "if False:"),
        ("RevisionId=revision,\n            ),\n            f\"the", "),\n            f\"the"),
    ),
    *guards_of(
        "function",
        _ONCE,
        ("    if (now.version, now.shares) != (version, shares or {}):", "    if True:"),
    ),
    *guards_of("store", _BETWEEN, ('{"IfMatch": etag} if etag else {"IfNoneMatch": "*"}', "{}")),
    *guards_of(
        "store",
        f"{_REFUSALS}_a_stored_release_that_was_altered_is_refused",
        ("return manifest.check(path, found[0])", "return found[0]"),
    ),
    *guards_of(
        "store",
        _ONCE,
        ("if found is None or found[0] != data:", "if True:"),
        ("return found is not None and found[0] == data", "return False"),
    ),
]  # fmt: skip


def main(*modules: str) -> int:
    """Try the guards of these modules, by default of all; return the exit status."""
    chosen = [guard for guard in GUARDS if not modules or guard.module in modules]
    with tempfile.TemporaryDirectory() as folder:
        copy = copied(Path(folder) / "copy")
        ship = copy / "infrastructure/ship"
        return tried(chosen, lambda guard: is_noticed(guard, copy, ship / f"{guard.module}.py"))


def copied(copy: Path) -> Path:
    """Clone the repository, with the tools of this checkout."""
    git(ROOT, "clone", "--quiet", "--shared", str(ROOT), str(copy))
    for part in (".venv", ".ship"):
        (copy / part).symlink_to(ROOT / part)
    return copy


def is_noticed(guard: Guard, copy: Path, path: Path) -> bool:
    """Take the guard away from its file in the copy, and tell whether a test fails then."""
    source = path.read_text("utf-8")
    path.write_text(source.replace(guard.there, guard.gone), "utf-8")
    # Whatever Python is started imports the copy, and not what is installed.
    modules = os.pathsep.join(str(part) for part in (copy, copy / "infrastructure"))
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", guard.tests]
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env=os.environ | {"PYTHONPATH": modules, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            check=False,
            timeout=600,
        )
    except subprocess.TimeoutExpired:
        return True  # Nobody overlooks a test that never ends.
    finally:
        path.write_text(source, "utf-8")
    return done.returncode == 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
