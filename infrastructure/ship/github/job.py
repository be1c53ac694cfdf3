"""What a command gives the job of a workflow that runs it: a summary, and outputs of its step.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ship import output
from ship.errors import ShipError

if TYPE_CHECKING:
    from ship.config import Settings
    from ship.output import Report


def publish(report: Report, settings: Settings, out: Path | None = None) -> None:
    """Print a report, add it to the job's summary, and write it to a file."""
    output.result({}, report.text, as_json=False)
    text = f"{report.text}\n\n"
    # The steps of a job share its summary, so what another step wrote stays.
    _append(settings, "GITHUB_STEP_SUMMARY", text)
    set_outputs(settings, report.outputs)
    if out:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ShipError(f"{out} cannot be written: {error}", "name another file") from error


def set_outputs(settings: Settings, outputs: dict[str, str]) -> None:
    """Set outputs of the step that this command is; elsewhere than on GitHub it does nothing."""
    # A value of several lines would need a delimiter; these have one each.
    _append(settings, "GITHUB_OUTPUT", "".join(f"{key}={text}\n" for key, text in outputs.items()))


def _append(settings: Settings, variable: str, text: str) -> None:
    if path := settings.inherited.get(variable):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
