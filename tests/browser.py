"""The browser that tests and benchmarks look through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.e2e.sandbox import ROOT
from toolchain import find

_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@contextmanager
def launched() -> Iterator[Browser]:
    """Start the set-up's browser, and end it; Playwright starts but once in a process."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(ROOT).browser, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()
