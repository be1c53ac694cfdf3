# ruff: noqa: T201 - it prints its verdicts.
"""Takes away the guards of the backend, one after the other, and says which tests notice.

Run it from the root of the repository: `python -m tests.benchmarks.backend_guards [MODULE ...]`. It
works on a copy, takes a few minutes, and exits with 1 when a guard is missed by nobody.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Guard(NamedTuple):
    """A piece of a module, and what is there once its guard is gone."""

    module: str
    there: str
    gone: str
    tests: str


def guards_of(module: str, tests: str, *pairs: tuple[str, str]) -> list[Guard]:
    """The guards of one module, which are tried by one file of tests."""
    return [Guard(module, there, gone, tests) for there, gone in pairs]


GUARDS = [
    *guards_of(
        "events",
        "test_events",
        ("if _METHOD.fullmatch(method):", "if True:"),
        ('path = _clean(unquote(text) if "%" in text else text)', "path = unquote(text)"),
        ('if not path.startswith("/"):', "if False:"),
        ('if path[1:2] in ("/", "\\\\"):', "if False:"),
        ('if path.startswith("//"):', "if False:"),
        ("isinstance(stage, str) and _STAGE.fullmatch(stage)", "stage"),
        ('path == prefix or path.startswith(f"{prefix}/")', "path.startswith(prefix)"),
        ("if stage and whole == stage + path", "if stage"),
        ('if "_" in key:', "if False:"),
        ("if _HEADER_NAME.fullmatch(key):", "if True:"),
        ("if _CONTROL_BUT_TAB.search(text):", "if False:"),
        ("elif value.isascii() and value.isprintable():", "elif True:"),
        ('"host", "forwarded",', '"forwarded",'),
        ('"host", "forwarded",', '"host",'),
        ('"x-real-ip",', ""),
        ('"proxy",', ""),
        ('"content-length",', ""),
        ('"transfer-encoding"', ""),
        ('and not name.startswith("x-forwarded-")', ""),
        ("if len(text) > MAX_BODY * 4 // 3 + 4:", "if False:"),
        ("if len(body) > MAX_BODY:", "if False:"),
        ("validate=True", "validate=False"),
        ('event.get("isBase64Encoded") is True', 'event.get("isBase64Encoded")'),
        ("isinstance(address, str) and _ADDRESS.fullmatch(address)", "isinstance(address, str)"),
        ('.rpartition(",")[2].strip()', '.partition(",")[0].strip()'),
        ("_HOST.fullmatch(host) and _is_trusted", "_is_trusted"),
        ('_is_trusted(host.partition(":")[0].lower(), rules)', "True"),
        ("isinstance(domain, str) and _is_host(domain)", "isinstance(domain, str)"),
        ("return _HOST.fullmatch(domain) is not None", "return True"),
        ("if method in _USUAL_METHODS:", "if True:"),
        ("if not stage and not rules.base_path:", "if not stage:"),
        ("if not stage and not rules.base_path:", "if not rules.base_path:"),
        ('known.startswith(".") and host.endswith(known)', "host.endswith(known)"),
        ('headers.get("x-forwarded-proto") == "http"', 'headers.get("x-forwarded-proto")'),
        ("if _CONTROL.search(text):", "if False:"),
        ("    _encoded(text)\n    return text", "    return text"),
        ('raise _bad("The cookies are no list', 'return [] and _bad("The cookies are no list'),
        ('raise _bad("Headers or query', 'return {} and _bad("Headers or query'),
        ('raise _bad("The event has something', 'return str(value) and _bad("The event has'),
        ('between = "; " if key == "cookie" else ", "', 'between = ", "'),
        ('isinstance(identity, dict) else None', 'identity is not None else None'),
    ),
    *guards_of(
        "wsgi",
        "test_edge",
        ("if size > MAX_BODY:", "if False and size > MAX_BODY:"),
        ("if close is not None:", "if False:"),
        ('if path.startswith("/") and not path.startswith("//") else', 'if path[:1] == "/" else'),
        ('if "location" in headers:', "if False:"),
        ('if "content-encoding" not in headers and', "if"),
        ('and b"\\x00" not in body', ""),
        (
            'except UnicodeDecodeError:\n            """No',
            'except KeyError:\n            """No',
        ),
        ('"SCRIPT_NAME": request.mount,', '"SCRIPT_NAME": "",'),
        ('"PATH_INFO": request.path,', '"PATH_INFO": "/",'),
        ('"QUERY_STRING": request.query,', '"QUERY_STRING": "",'),
        ('"REMOTE_ADDR": request.client,', '"REMOTE_ADDR": "",'),
        ('"CONTENT_TYPE")', '"HTTP_CONTENT_TYPE")'),
        ("serverless_wsgi.setup_environ_items(asked, {})", "dict(asked)"),
        ("environ[_variable(header)] = value", "pass"),
        ('"HTTP_HOST": request.host,', ""),
        ('"wsgi.url_scheme": request.scheme,', ""),
        (
            "headers.setdefault(name.lower(), []).append(text)",
            "headers[name.lower()] = [text]",
        ),
        ('value.encode("latin-1").decode()', "value"),
        (
            "except UnicodeDecodeError:\n        return value",
            "except KeyError:\n        return value",
        ),
        ("bool(body)", "True"),
    ),
    *guards_of(
        "answers",
        "test_answers",
        ("if len(reply.body) > _SURELY_SMALL and _size", "if False and _size"),
        ("_SURELY_SMALL = MAX_BODY // 6", "_SURELY_SMALL = MAX_BODY"),
        ('cookies = headers.pop("set-cookie", [])\n    return', "cookies = []\n    return"),
        ("serverless_wsgi.all_casings(\"set-cookie\")", '["set-cookie"]'),
        ('if isinstance(context.get("elb"), dict):', "if False:"),
        ('", ".join(values)', "values[-1]"),
    ),
    *guards_of(
        "edge",
        "test_edge",
        ("except (Exception, SystemExit):", "except SystemExit:"),
        ("except (Exception, SystemExit):", "except Exception:"),
        ("except AnswerTooLargeError as fault:", "except KeyError as fault:"),
        ("except RefusalError as refusal:", "except KeyError as refusal:"),
        ("cold, self._cold = self._cold, False", "cold = self._cold"),
        ('getattr(context, "aws_request_id", None)', "context.aws_request_id"),
        ("lambda_id if isinstance(lambda_id, str) else None", "lambda_id"),
        ('request.headers.get("x-request-id"), request.gateway_id', "request.gateway_id"),
        ('    if line["request_id"] is None:\n', "    if True:\n"),
        ('*candidates, line["lambda_request_id"]', "*candidates"),
        ('setdefault("cache-control", ["no-store"])', 'setdefault("x", ["no-store"])'),
        ('"ERROR" if failed else "INFO"', '"INFO"'),
    ),
    *guards_of(
        "edge",
        "test_schedule",
        ('isinstance(event, dict) and event.get("source") == schedule.SOURCE', "False"),
        (' and event.get("source") == schedule.SOURCE', ""),
        ("    _name(line)\n            return", "    return"),
    ),
    *guards_of(
        "edge",
        "test_metrics",
        ('if line.get("source") != schedule.SOURCE:', "if True:"),
        ('elif "available" in line:', "else:"),
    ),
    *guards_of(
        "metrics",
        "test_metrics",
        ("    if not namespace:\n", "    if False:\n"),
        ('int(line["status"] >= 500)', 'int(line["status"] > 500)'),
        ('int(line["cold_start"])', "1"),
    ),
    *guards_of(
        "schedule",
        "test_schedule",
        ("    if kind == HOLD:\n", "    if False:\n"),
        ("    if kind != WARM_UP:\n", "    if False:\n"),
        ('or detail.keys() != {"environments", "address"}', ""),
        ("not isinstance(detail, dict) or", ""),
        ("type(environments) is not int or", ""),
        ("type(environments) is not int", "not isinstance(environments, int)"),
        ("1 <= environments <= MOST", "1 <= environments"),
        ("1 <= environments <= MOST", "environments <= MOST"),
        ("not isinstance(address, str) or", ""),
        ("not isinstance(address, str) or not _may_be_asked(address, endpoint)", "False"),
        ("_HTTPS.fullmatch(address)", 'address.startswith("https://")'),
        ("_HTTPS.fullmatch(address)", "_HTTPS.match(address)"),
        ("http and emulator and http[1] == emulator[1]", "http"),
        ("http and emulator and http[1] == emulator[1]", "http and emulator"),
        ("    time.sleep(_HOLD_SECONDS)", "    pass"),
        ("int(not check)", "1"),
        ("int(not check)", "int(not faults)"),
        ('200 if answer["available"] else 503', "200"),
        ("milliseconds / 1e3 - _SPARE_SECONDS", "milliseconds / 1e3"),
        ("min(_MOST_SECONDS, milliseconds / 1e3", "(milliseconds / 1e3"),
        ("if callable(left)", "if True"),
    ),
    *guards_of(
        "environments",
        "test_environments",
        ("    if wanted == 1:\n", "    if False:\n"),
        ("            connections[-1].connect()\n", "            pass\n"),
        ("except (OSError, HTTPException)", "except KeyError"),
        ("except ServiceError", "except KeyError"),
        ("_ALIAS.fullmatch(arn)", "_ALIAS.match(arn)"),
        ("if isinstance(arn, str) else None", ""),
        ("or settings.credentials is None:", ":"),
        (" if status == 200)", ")"),
        ("except ValueError:", "except KeyError:"),
        ("name if isinstance(name, str) else identity()", "name"),
        ("    if 429 in statuses:\n", "    if False:\n"),
        ("    elif 403 in statuses:\n", "    elif False:\n"),
        ("HTTPConnection(host, timeout=seconds)", "HTTPConnection(host)"),
        ("@lru_cache(maxsize=1)\n", ""),
    ),
    *guards_of(
        "self_check",
        "test_self_check",
        ("    if status != 200:\n", "    if status >= 400:\n"),
        ('json.loads(content) == {"status": "ok"}', "True"),
        ("except ValueError:", "except KeyError:"),
        ("except (OSError, HTTPException)", "except HTTPException"),
        ("HTTPConnection(host, timeout=seconds)", "HTTPConnection(host)"),
        ('    if scheme == "http":\n', "    if True:\n"),
    ),
    *guards_of(
        "signing",
        "test_signing",
        ('f"{path}\\n{query}"', '"/\\n"'),
    ),
    *guards_of(
        "request_ids",
        "test_request_ids",
        ("_HARMLESS.fullmatch(candidate)", "_HARMLESS.match(candidate)"),
        ("isinstance(candidate, str) and", ""),
    ),
    *guards_of(
        "problems",
        "test_problems",
        ("INTERNAL_DETAIL if response.status_code == 500 else", ""),
        ("if error.response is not None:", "if False:"),
    ),
    *guards_of(
        "application",
        "test_problems",
        ("app.url_map.strict_slashes = False", ""),
        ("app.url_map.merge_slashes = False", ""),
    ),
    *guards_of(
        "application",
        "test_api",
        ('if "Cache-Control" not in response.headers:', "if False:"),
        ('response.headers["X-Content-Type-Options"] = "nosniff"', ""),
    ),
    *guards_of(
        "api",
        "test_api",
        ("response.make_conditional(request)", ""),
        ("or not public.configured", ""),
        ('= "no-cache"\n    return response', '= "no-store"\n    return response'),
        ("services.public.refresh()", "pass"),
    ),
    *guards_of(
        "api",
        "test_failures",
        ("response.status_code = 503", ""),
        ('response.headers["Retry-After"] = str(RETRY_AFTER)', ""),
        ("services.history.age()", "0"),
    ),
    *guards_of("application", "test_api", ("read if configured else None", "read")),
    *guards_of(
        "status",
        "test_status",
        ("age is not None and age <= STALE", "age is not None"),
        ("@lru_cache(maxsize=1)\n", ""),
        ("errors and errors >= requests * _OUTAGE_SHARE", "False"),
        ("if errors and errors >= requests * _OUTAGE", "if errors >= requests * _OUTAGE"),
        ("(errors and errors >= requests * _DEGRADED_SHARE) or", "errors or"),
        (") or history.alarms:", "):"),
        ("history.errors, history.at - RECENT", "history.errors, 0"),
        ("if last < history.at - CHECKED:", "if not last:"),
        ("if share >= 1:", "if share:"),
        ("if share > 0 else OUTAGE", "if share >= 0 else OUTAGE"),
        ("if configured and not settings.known:", "if not settings.known:"),
        ("if configured and not settings.known:", "if False:"),
        ("in (OUTAGE, DEGRADED, OPERATIONAL, ", "in (UNKNOWN, OUTAGE, DEGRADED, OPERATIONAL, "),
        ("    if has_history:\n", "    if True:\n"),
        ("min(share, 1.0)", "share"),
        ("None if share is None else", "0 if share is None else"),
        ("if start <= at < start + HOUR", "if start <= at"),
        ("[*_history_faults(history, has_history), *settings.faults]", "[*settings.faults]"),
    ),
    *guards_of("cors", "test_cors", ('if request.headers.get("Origin") == origin:', "if True:")),
    *guards_of("logs", "test_logs", ("        except Exception:", "        except KeyError:")),
    *guards_of(
        "caching",
        "test_caching",
        ("now < self._next_read <= now + self._ttl", "now < self._next_read"),
        ("or not 0 <= now - self._running.started <= _ABANDON_AFTER", ""),
        ("not 0 <= now - self._running", "not now - self._running"),
        ("if self._running is run:", "if True:"),
        ("if self._running is None or", "if True or"),
        ("        if not self._failures:\n", "        if True:\n"),
        ("* 2.0 ** min(self._failures - 1, 10)", ""),
        ("min(self._failures - 1, 10)", "(self._failures - 1)"),
        ("self._failures + 1 if failed else 0", "self._failures + 1"),
        ("return min(self._ttl, doubled)", "return doubled"),
        ("if snapshot.faults != self._snapshot.faults:", "if True:"),
        ("except Exception:", "except IndexError:"),
        ('replace(self._snapshot, faults=(str(fault),))', "Snapshot(self._snapshot.values)"),
        ("run.done.wait(_FIRST_WAIT if first else _WAIT)", "run.done.wait(_FIRST_WAIT)"),
        ("run.done.wait(_FIRST_WAIT if first else _WAIT)", "run.done.wait(_WAIT)"),
    ),
    *guards_of(
        "public_settings",
        "test_public_settings",
        ("if parameter.secret:", "if False:"),
        ("    if not given:", "    if False:"),
        ("values[name] = getattr(current, name)\n", "pass\n"),
        ("or not line.isprintable()", ""),
        ("len(line) > limit or", ""),
        ("[0-9]{1,4}", "[0-9]+"),
    ),
    *guards_of(
        "aws",
        "test_aws",
        ("if _is_below(self._prefix, entry)", ""),
        ('and entry["Name"].startswith(f"{prefix}/")', 'and entry["Name"].startswith(prefix)'),
        ("while len(found) < _MAX_PAGES:", "while len(found) < 99:"),
        ("            if not fault.transient:\n                raise", "            pass"),
        ("transient = status >= 500 or status == 429 or", "transient ="),
        ("or kind in _THROTTLED", ""),
        ("_KIND.fullmatch(kind) if isinstance(kind, str) else None", "_KIND.fullmatch(str(kind))"),
        ("_KIND.fullmatch(kind)", "_KIND.match(kind)"),
        ("response.read(_MAX_BYTES)", "response.read()"),
        ("except (OSError, HTTPException)", "except KeyError"),
        ("(ValueError, RecursionError)", "ValueError"),
        ("            if isinstance(answer, dict):\n", "            if True:\n"),
        ('if not all(isinstance(page.get("Parameters"), list)', "if not all(True"),
        ("HTTPConnection(address, timeout=self._timeout)", "HTTPConnection(address)"),
        ("ssl.create_default_context()", "ssl._create_unverified_context()"),
        ("@lru_cache(maxsize=1)\n", ""),
        ("if self._settings.credentials is None:", "if False:"),
    ),
    *guards_of(
        "cloudwatch",
        "test_cloudwatch",
        ('str(entry.get("AlarmName")).startswith(prefix)', "True"),
        (' if entry.get("StateValue") == "ALARM"', ""),
        ("isinstance(entry, dict) and", ""),
        ("        if not known:\n", "        if False:\n"),
        ("found.keys() != queries.keys()", "False"),
        ("if points is None:", "if False:"),
        ('or result.get("StatusCode") not in ("Complete", "PartialData")', ""),
        ("len(times) != len(values) or", ""),
        ("or not all(map(_is_time, times))", ""),
        ("if not all(map(_is_amount, values)):", "if False:"),
        ("and not isinstance(value, bool)", ""),
        ("known and 0 <= value < _ENOUGH", "known and value < _ENOUGH"),
        ("0 <= value < _ENOUGH", "0 <= value"),
        ("and value < _LAST_SECOND", ""),
        ('if not all(isinstance(page.get("MetricAlarms"), list)', "if not all(True"),
        ("found.get(name, {}) | points", "points"),
        ('"AlarmTypes": ["MetricAlarm"], ', ""),
        ("DIMENSION, ", 'DIMENSION + "s", '),
    ),
    *guards_of(
        "config",
        "test_config",
        ('value.startswith("/") and value.endswith("/public")', "True"),
        ('re.fullmatch(r"https?', 're.match(r"https?'),
        ("if 1 <= seconds <= 86400:", "if seconds:"),
        ("if value.upper() in _LEVELS:", "if True:"),
        ('re.fullmatch(r"[A-Za-z0-9_-]+-", value)', "True"),
        ("field(repr=False)\n    session_token", "field()\n    session_token"),
        ("if not access_key or not secret_key:", "if not access_key:"),
    ),
    *guards_of(
        "cold_start",
        "test_cold_start",
        ("            del sys.modules[name]", "            pass"),
        ('if "flask" not in sys.modules', "if True"),
        ("    gc.disable()", "    gc.enable()"),
        ("        if was_collecting:\n", "        if True:\n"),
        ("return self._real.commands if self._real else {}", "return self.missing"),
    ),
]  # fmt: skip


def is_noticed(guard: Guard, copy: Path) -> bool:
    """Take the guard away in a copy of the tree and tell whether a test fails for it."""
    path = copy / "backend" / f"{guard.module}.py"
    source = path.read_text("utf-8")
    path.write_text(source.replace(guard.there, guard.gone), "utf-8")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
             f"tests/backend/{guard.tests}.py"],
            cwd=copy, capture_output=True, check=False, timeout=120,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return True  # Nobody overlooks a test that never ends.
    finally:
        path.write_text(source, "utf-8")
    return done.returncode == 1


def main(*modules: str) -> int:
    """Try the guards of these modules, by default of all; return the exit status."""
    chosen = [guard for guard in GUARDS if not modules or guard.module in modules]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for part in ("backend", "docs", "tests/backend", "tests/events"):
            shutil.copytree(ROOT / part, copy / part)
        shutil.copy(ROOT / "pyproject.toml", copy)
        return tried(chosen, lambda guard: is_noticed(guard, copy))


def tried(guards: list[Guard], is_noticed: Callable[[Guard], bool]) -> int:
    """Try these guards, print each verdict and the sum, and return the exit status."""
    if not guards:
        print(
            "no guard is listed for that; name a module or file as the list does, or none for all"
        )
        return 2
    noticed = [_announced(guard, is_noticed) for guard in guards]
    print(f"{sum(noticed)} of {len(noticed)} guards are noticed when they go")
    return 0 if all(noticed) else 1


def _announced(guard: Guard, is_noticed: Callable[[Guard], bool]) -> bool:
    """Try one guard and print the verdict."""
    started = time.monotonic()
    noticed = is_noticed(guard)
    verdict = "noticed" if noticed else "NOT NOTICED"
    text = " ".join(guard.there.split())
    print(f"{verdict:12} {time.monotonic() - started:5.1f} s  {guard.module}: {text}", flush=True)
    return noticed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
