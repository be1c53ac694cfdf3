"""Loads the owner's WSGI application from its name."""

from __future__ import annotations

import errno
import importlib
import inspect
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambda_adapter.errors import ApplicationError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_READ_ONLY = (
    "in Lambda only /tmp can be written to: have it use a folder there, and keep what must last in "
    "S3 or a database"
)
_TRACE_LINES = 8  # Lambda's console and `ship` show the message, and no other trace.


def load_application(spec: str) -> WSGIApplication:
    """Import `module:name` and return the WSGI application that it is, or that it makes.

    A callable without required arguments is a factory and is called; a callable that takes two
    arguments (environ and start_response) is the application. Flask's are callables of that kind.

    Raises:
        ApplicationError: there is no such module or name, something raises while it is imported or
            made, or the result is not a WSGI application. The message has the module and the line,
            and the last lines of the trace: it is all that Lambda shows of an INIT error.
    """
    module_name, _, name = spec.partition(":")
    if not module_name or not name:
        raise ApplicationError(
            f"the application's factory is {spec!r}; set factory in [tool.ship.application] of "
            'pyproject.toml to a module and a name, like "app:create_app"'
        )
    # SystemExit: a module that calls sys.exit() would end the function without a word.
    try:
        found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise _loading_failed(spec, error, _import_hint(module_name, error)) from error
    try:
        for part in name.split("."):
            found = getattr(found, part)
    except AttributeError as error:
        raise ApplicationError(
            f"{spec!r} does not exist: the module {module_name} has no {name}; "
            "name the function that returns the application, or the application itself"
        ) from error
    if not callable(found):
        raise ApplicationError(
            f"{spec!r} is not callable but {type(found).__name__}; name the function that "
            "returns the application, or the application itself"
        )
    if not _accepts(found, 0):
        return _check_application(spec, found)
    try:
        made = found()
    except (Exception, SystemExit) as error:
        hint = "call it in a Python shell in backend/, and correct what fails"
        raise _loading_failed(spec, error, _READ_ONLY if _is_read_only(error) else hint) from error
    if made is None:
        raise ApplicationError(f"{spec!r} returned None; end it with `return` and the application")
    return _check_application(f"{spec}()", made)


def use_temporary_instance_folder(parent: str) -> None:
    """Have Flask look in `parent` for an instance folder that does not come with the code.

    Flask's own place is beside the code, which nothing can be written to in Lambda. Applications
    make the folder when they start, as Flask's tutorial does, or keep a SQLite file in it. One that
    is named by the application (`instance_path`) or comes with its code stays where it is.
    """
    flask: Any = sys.modules.get("flask")
    if flask is None:
        return
    find = flask.Flask.auto_find_instance_path

    def auto_find_instance_path(app: Any) -> str:
        path = Path(find(app))
        return str(path if path.is_dir() else Path(parent, path.name))

    flask.Flask.auto_find_instance_path = auto_find_instance_path


def _check_application(spec: str, found: Any) -> WSGIApplication:
    if callable(found) and _accepts(found, 2):
        application: WSGIApplication = found
        return application
    if not callable(found):
        kind = f"is not callable but {type(found).__name__}"
    elif _accepts(found, 3):  # https://asgi.readthedocs.io/en/latest/specs/main.html
        kind = "takes (scope, receive, send), which is ASGI; wrap it, for instance with a2wsgi"
    else:
        kind = f"takes {inspect.signature(found)}; give a factory's arguments default values"
    raise ApplicationError(f"{spec!r} is not a WSGI application: it {kind}")


def _accepts(function: Any, arguments: int) -> bool:
    """Whether a callable can be called with so many positional arguments and nothing else."""
    try:
        inspect.signature(function).bind(*range(arguments))
    except TypeError:
        return False
    except ValueError:  # What is written in C may have no signature: let it be an application.
        return arguments == 2
    return True


def _is_read_only(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno == errno.EROFS


def _import_hint(module_name: str, error: BaseException) -> str:
    if _is_read_only(error):
        return _READ_ONLY
    if not isinstance(error, ModuleNotFoundError):
        return "import it in a Python shell in backend/, and correct what fails"
    if error.name and f"{module_name}.".startswith(f"{error.name}."):
        return "set factory in [tool.ship.application] of pyproject.toml to a module in backend/"
    # https://docs.python.org/3/whatsnew/3.13.html#removed-modules-and-apis
    old = {"distutils": " setuptools", "pkg_resources": " setuptools", "cgi": " legacy-cgi"}
    package = old.get((error.name or "").partition(".")[0], "")
    return f"add the package{package} to backend/requirements.in, and lock it with `make lock`"


def _loading_failed(spec: str, error: BaseException, hint: str) -> ApplicationError:
    # This module's own frame and importlib's are in every trace, and modules that are compiled into
    # Python are none of the application's.
    frames = [
        (frame, line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if (name := frame.f_code.co_filename) != __file__
        and not name.startswith("<frozen ")
        and "importlib" not in name
        and frame.f_globals.get("__name__") != "__main__"
    ]
    where = ""
    if isinstance(error, SyntaxError):
        where = f" in {error.filename}, line {error.lineno}"
    elif frames:
        frame, line = frames[-1]
        where = f" in {frame.f_globals.get('__name__')}, line {line}"
    trace = traceback.StackSummary.extract(iter(frames)).format()
    trace += traceback.format_exception_only(error)
    last = "".join(trace).splitlines()[-_TRACE_LINES:]
    return ApplicationError(
        f"{spec!r} cannot be loaded: {type(error).__name__}{where}: {error}; {hint}\n"
        + "\n".join(last)
    )
