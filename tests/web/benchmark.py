# ruff: noqa: T201 - it prints its figures.
"""How long a slow phone waits for the overall status, beside the least that any page could take.

Run it from the root of the repository: `python -m tests.web.benchmark [ROUNDS]`. The phone: a CPU
4 times slower, 1.6 Mbit/s, 150 ms of latency. The floor is a page of one module that asks the API
one question and writes one word. Both are measured in turns; the medians count. It exits with 1
when the overall status takes more than a second.
"""

import statistics
import sys

from playwright.sync_api import Browser, expect

from tests.browser import launched
from tests.web.conftest import Pages
from tests.web.fakes import FakeSite, published, serve

LIMIT_MILLISECONDS = 1000
_ROUNDS = 11

_NOTE_THE_STATUS = """
new MutationObserver((_, observer) => {
  if (!document.querySelector('[data-state="operational"]')) return;
  window.statusAt = performance.now();
  observer.disconnect();
}).observe(document, { subtree: true, childList: true, attributes: true });
"""
_FLOOR = {
    "floor.html": b"""<!doctype html><html lang="en"><title>Floor</title>
<p class="word"></p><script type="module" src="/assets/floor.js"></script></html>""",
    "assets/floor.js": b"""await fetch("/-/health");
document.querySelector(".word").dataset.state = "operational";""",
}


def time_status(pages: Pages, path: str) -> float:
    """Milliseconds from the navigation to the status, on the phone, with nothing cached."""
    page = pages.open("/404.html", ticking=True, viewport={"width": 412, "height": 915})
    page.add_init_script(_NOTE_THE_STATUS)
    session = page.context.new_cdp_session(page)
    line = {"latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 200_000}
    session.send("Network.emulateNetworkConditions", {"offline": False, **line})
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(pages.url + path)
    expect(page.locator('[data-state="operational"]').first).to_be_attached()
    time = page.evaluate("window.statusAt")
    page.close()  # A throttled page burns what the next one needs.
    return float(time)


def measure(browser: Browser, rounds: int) -> dict[str, list[float]]:
    """The times of the page and of the floor, in turns; the first of each only warms up."""
    site = FakeSite(files=published() | _FLOOR)
    times: dict[str, list[float]] = {"/": [], "/floor.html": []}
    with serve(site) as url:
        pages = Pages(browser, url, site)
        for number in range(rounds + 1):
            for path, found in times.items():
                found.append(time_status(pages, path))
            print(f"round {number} of {rounds}", flush=True)
        pages.close()
    return {path: found[1:] for path, found in times.items()}


def main(rounds: str = str(_ROUNDS)) -> int:
    """Measure, print, and return the exit status."""
    with launched() as browser:
        times = measure(browser, int(rounds))
    page, floor = (statistics.median(found) for found in times.values())
    for name, found in zip(("page", "floor"), times.values(), strict=True):
        least, most = min(found), max(found)
        print(f"{name}: median {statistics.median(found):.0f} ms, {least:.0f} to {most:.0f}")
    print(f"the page takes {page / floor:.2f} times the floor")
    if page > LIMIT_MILLISECONDS:
        print(f"not reached: {page:.0f} ms instead of {LIMIT_MILLISECONDS} ms")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
