"""Settings of an environment, and a log in memory."""

import io
import json
from typing import Any

from lambda_adapter.config import Release, Settings
from lambda_adapter.logs import LogStream

SETTINGS = Settings(
    environment="staging",
    release=Release("20261123-42-1a2b3c4", "1a2b3c4" + "0" * 33, "wsgi:app"),
    function_version="7",
    metrics_namespace="serverless-flask",
)


class Log(LogStream):
    """A log in memory."""

    def __init__(self) -> None:
        self._memory = io.BytesIO()
        super().__init__(io.TextIOWrapper(self._memory, encoding="utf-8", newline="\n"))

    def so_far(self) -> str:
        """Return what was written since the last time that it was taken out."""
        return self._memory.getvalue().decode()

    def text(self) -> str:
        """Take out what was written since the last time."""
        text = self.so_far()
        self._memory.seek(0)
        self._memory.truncate()
        return text

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]
