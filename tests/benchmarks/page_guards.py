"""Takes away what guards the page, one after the other, and says which tests notice.

Run it from the root of the repository: `python -m tests.benchmarks.page_guards [FILE ...]`. It
works on a clone of what is committed, and exits with 1 when nobody misses a guard.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.backend_guards import Guard, guards_of, tried
from tests.benchmarks.release_guards import is_noticed
from tests.world import ROOT, clone

_WEB = "tests/web"
_PAGES = "tests/infrastructure/ship/test_pages.py"

GUARDS = [
    *guards_of(
        "infrastructure/ship/pages.py",
        _PAGES,
        ("        if unchecked:", "        if False:"),
        (""" integrity="{integrity(data[match[1]])}"'""", "'"),
        ("hashlib.sha384(data)", "hashlib.sha384(b'')"),
        ("            ahead += named", "            pass"),
    ),
    *guards_of(
        "web/index.html",
        f"{_WEB}/test_weight.py",
        ('  <link rel="modulepreload" href="/assets/state.js">\n', ""),
    ),
    *guards_of(
        "infrastructure/ship/web.py",
        "tests/infrastructure/ship/test_web.py",
        (" and file.is_relative_to(self._folder)", ""),
        ('{"Cache-Control": "no-store"}', "{}"),
        (", extra_files=watched", ""),
        ("{{ if (isLost) location.reload(); }}", "{{}}"),
    ),
    *guards_of(
        "web/assets/api.js",
        f"{_WEB}/test_failures.py",
        ("if (!response.ok) throw", "if (false) throw"),
        ('if (why) throw new Fault("odd", { why });', ""),
        ("setTimeout(() => abort.abort(), LIMIT_SECONDS * 1000)", "0"),
        ("const isName = (value) => isText(value) &&", "const isName = (value) => true ||"),
        ("Number.isFinite(value) && value > 0", "true"),
        ("|| Array.isArray(answer)", ""),
    ),
    *guards_of(
        "web/assets/api.js",
        f"{_WEB}/test_history.py",
        ("isAmount(value) && value <= 100", "isAmount(value)"),
        ("isText(value) && !Number.isNaN(Date.parse(value))", "isText(value)"),
        ("Array.isArray(value) && value.every(check)", "true"),
        ('headers.get("Last-Modified")', '""'),
    ),
    *guards_of(
        "web/assets/state.js",
        f"{_WEB}/test_states.py",
        ('if (good.config?.value.maintenance) return "maintenance";', ""),
        ("|| details.status === BUSY", ""),
        ('if (kind === "odd") return "unknown";', ""),
        ('if (newest.health.fault?.kind === "offline") return "offline";', ""),
    ),
    *guards_of(
        "web/assets/state.js",
        f"{_WEB}/test_history.py",
        ('if (said === "failing") return said;', ""),
        ('return said ?? "operational";', 'return "operational";'),
    ),
    *guards_of(
        "web/assets/app.js",
        f"{_WEB}/test_refresh.py",
        ("if (isHidden() || asking) return;", "if (asking) return;"),
        ("  if (asking) return;\n  setAsking", "  setAsking"),
        ("Math.max(wanted, QUICKEST_SECONDS)", "wanted"),
        (", SLOWEST_SECONDS)", ", Infinity)"),
        ('addEventListener("online", check);', ""),
    ),
    *guards_of(
        "web/assets/app.js",
        f"{_WEB}/test_history.py",
        ("await Promise.all(quick.map(asked));", "await Promise.all(names.map(asked));"),
    ),
    *guards_of(
        "web/assets/app.js",
        f"{_WEB}/test_weight.py",
        ("await Promise.all(quick.map(asked));", "for (const name of quick) await asked(name);"),
    ),
    *guards_of(
        "web/assets/history.js",
        f"{_WEB}/test_history.py",
        ("Math.floor(percent * 100) / 100", "Math.round(percent)"),
        ("const isOld = isMissing ||", "const isOld ="),
        (" || Date.now() - measured > STALE_SECONDS * 1000", ""),
        ("place.tabIndex = 0;", ";"),
        ('fill("hours-empty", hours.length ? "" : history.empty);', ""),
        ("if (percent === null) return history.dayWithout(day);", ""),
        ("(milliseconds === null ? null", "(false ? null"),
    ),
    *guards_of(
        "web/assets/charts.js",
        f"{_WEB}/test_history.py",
        ("input.disabled = words.length === 0;", ""),
        ('input.setAttribute("aria-valuetext"', 'input.setAttribute("data-x"'),
        ('input.addEventListener("pointermove"', 'input.addEventListener("x"'),
        ('input.addEventListener("blur"', 'input.addEventListener("x"'),
        ('addEventListener("toggle"', 'addEventListener("x"'),
    ),
    *guards_of(
        "web/assets/view.js",
        f"{_WEB}/test_history.py",
        ("isSame ? page?.value.since : undefined", "page?.value.since"),
    ),
    *guards_of(
        "web/assets/view.js",
        f"{_WEB}/test_accessibility.py",
        ('fill("spoken", spoken(word, sentence));', ""),
    ),
    *guards_of(
        "web/assets/site.css",
        f"{_WEB}/test_layout.py",
        (".slot { grid-area: slot; min-block-size: 7.5rem; }", ".slot { grid-area: slot; }"),
        (".result { min-inline-size: 8.75em;", ".result {"),
        ("  block-size: 14rem;\n", ""),
        (".sum { min-block-size: 1.5em;", ".sum {"),
        ("overflow-wrap: anywhere;", ""),
    ),
    *guards_of(
        "web/assets/site.css",
        f"{_WEB}/test_accessibility.py",
        ("* { transition: none !important; scroll-behavior: auto !important; }", ""),
        (":focus-visible { outline: 3px solid var(--focus);", ":focus-visible { outline: none;"),
        ("  .sign path { stroke: Canvas; }\n", "  .sign path { stroke: CanvasText; }\n"),
        ("  --amber: #8a5300;\n", "  --amber: #c79a50;\n"),
        ("    --soft: #a9afb7;\n", "    --soft: #565d66;\n"),
    ),
]  # fmt: skip


def main(*files: str) -> int:
    """Try the guards of these files, by default of all; return the exit status."""
    chosen = [guard for guard in GUARDS if not files or guard.module in files]
    with tempfile.TemporaryDirectory() as folder:
        copy = clone(Path(folder) / "copy")
        (copy / ".venv").symlink_to(ROOT / ".venv")
        for tests in sorted({guard.tests for guard in chosen}):
            nothing = Guard("web/index.html", "", "", tests)
            assert not is_noticed(nothing, copy, copy / nothing.module), f"{tests} fails anyway"
        return tried(chosen, lambda guard: is_noticed(guard, copy, copy / guard.module))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
