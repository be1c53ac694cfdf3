"""What a browser complains about when it opens a page, without a package that drives one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

_LOAD_SECONDS = 5
_TIMEOUT_SECONDS = 20.0
_OPTIONS = (
    *("--headless", "--disable-gpu", "--disable-background-networking", "--no-first-run"),
    # What the console says goes to standard error, and the page is done before it is written out.
    *("--enable-logging=stderr", f"--virtual-time-budget={_LOAD_SECONDS * 1000}", "--dump-dom"),
)
_CONSOLE = re.compile(
    r'CONSOLE\S*\] "(?P<text>.*?)", source: (?P<source>\S*) \(\d+\)$', re.S | re.M
)
_FORBIDDEN = re.compile(r"(?si)(?!.*report.only).*Content Security Policy directive")


def complaints(browser: Path, url: str) -> list[str]:
    """Open a page; what its policy forbids it, and the errors of its own scripts that none caught.

    Empty where the browser does not start or does not end: that says nothing about the page.
    """
    with TemporaryDirectory() as home:
        # Nothing of this process's environment: credentials may be there.
        environment = {"HOME": home, "PATH": os.environ.get("PATH", os.defpath)}
        command = [str(browser), *_OPTIONS, f"--user-data-dir={home}/profile"]
        command += ["--no-sandbox"] if os.geteuid() == 0 else []
        log = Path(home) / "log"
        with log.open("wb") as stderr, suppress(OSError):
            process = subprocess.Popen(
                [*command, url],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                process_group=0,
            )
            try:
                process.wait(_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                # A distribution's browser is a script that waits for the real one.
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        said = log.read_text("utf-8", errors="replace")
    origin = "/".join(url.split("/", 3)[:3])
    return [
        text
        for text, source in _CONSOLE.findall(said)
        if _FORBIDDEN.match(text)
        or (text.startswith("Uncaught ") and source.startswith(f"{origin}/"))
    ]
