"""What GitHub looks for by itself: known vulnerabilities, secrets, faults of the code.

All of it is free for a public repository; of a private one, alerts of vulnerable packages are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ship.github.setting import Setting

if TYPE_CHECKING:
    from ship.github.api import Api
    from ship.github.checks import Repository

_SECRETS = ("secret_scanning", "secret_scanning_push_protection")


def read_scans(repository: Repository, api: Api) -> list[Setting]:
    """What GitHub looks for in a repository, beside what it must look for."""
    base = repository.path
    # It answers 404 while there are no alerts.
    # https://docs.github.com/en/rest/repos/repos#check-if-dependabot-security-updates-are-enabled-for-a-repository
    path, alerts = f"{base}/automated-security-fixes", f"{base}/vulnerability-alerts"
    fixes = api("GET", path, None)
    is_on = bool(fixes and fixes["enabled"])
    settings = [
        Setting("alerts of vulnerable packages", bool(fixes), True, "PUT", alerts, None),
        Setting("updates of vulnerable packages", is_on, True, "PUT", path, None),
    ]
    if repository.private:
        return settings
    found = repository.found.get("security_and_analysis") or {}
    now = {name: found.get(name, {}).get("status", "disabled") for name in _SECRETS}
    wanted = dict.fromkeys(_SECRETS, "enabled")
    body = {"security_and_analysis": {name: {"status": "enabled"} for name in _SECRETS}}
    settings.append(Setting("secrets in what is pushed", now, wanted, "PATCH", base, body))
    path = f"{base}/private-vulnerability-reporting"
    is_on = (api("GET", path, None) or {}).get("enabled", False)
    settings.append(Setting("private reports of vulnerabilities", is_on, True, "PUT", path, None))
    # CodeQL, without a workflow of its own. https://docs.github.com/en/code-security/code-scanning
    path = f"{base}/code-scanning/default-setup"
    state = (api("GET", path, None) or {}).get("state")
    wanted_state = {"state": "configured"}
    settings.append(Setting("CodeQL", state, "configured", "PATCH", path, wanted_state))
    return settings
