"""Keeps out of the cold start what an API never runs.

`import flask` brings the development server (and with it http.server, http.client, TLS), the
command line (click, importlib.metadata, zipfile), the template engine and more: half of its time.
While Flask itself is imported, stand-ins take the place of those modules. They are gone before the
application is imported: it gets the real modules, and so does Flask when it first needs one.
"""

from __future__ import annotations

import gc
import importlib
import sys
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Nothing else that is imported meanwhile keeps a stand-in: no other importer of these is loaded.
_DEFERRED = (
    "werkzeug.serving",
    "werkzeug.test",
    "flask.cli",
    "click",
    "flask.templating",
    "jinja2",
    "werkzeug.urls",  # For redirects and queries; compiles regular expressions for 9 ms.
    "werkzeug.formparser",  # For forms and uploads; brings tempfile, shutil, bz2 and lzma.
    "difflib",  # For the suggestion in url_for()'s error.
    *("hashlib", "hmac", "secrets"),  # For sessions, passwords and ETags; bring OpenSSL.
    "uuid",
)
_PACKAGES = ("flask", "werkzeug")


@contextmanager
def paused_garbage_collection() -> Iterator[None]:
    """Import without collecting: next to nothing that an import makes is garbage."""
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # No later collection looks at what the cold start made.
        if was_collecting:
            gc.enable()


def import_flask() -> None:
    """Import Flask, if it is installed and not imported yet, without its deferred modules."""
    if "flask" in sys.modules:
        return
    try:
        with deferred_imports():
            packages = [importlib.import_module(name) for name in _PACKAGES]
    except Exception:
        # There is no Flask, or one that uses these modules already: leave it to the application.
        for name in list(sys.modules):
            if name.partition(".")[0] in _PACKAGES:
                del sys.modules[name]
        return
    for package in packages:
        vars(package).setdefault("__all__", [name for name in vars(package) if name[0] != "_"])
        taken = {
            name: value for name, value in vars(package).items() if isinstance(value, LazyAttribute)
        }
        for name in taken:
            delattr(package, name)
        package.__class__ = LazyPackage
        package._taken = taken  # type: ignore[attr-defined]  # noqa: SLF001


@contextmanager
def deferred_imports(names: Iterable[str] = _DEFERRED) -> Iterator[None]:
    """Put stand-ins in the place of those of the modules that are not imported yet."""
    lazy = {name: LazyModule(name) for name in names if name not in sys.modules}
    sys.modules.update(lazy)
    try:
        yield
    finally:
        for name, module in lazy.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


class LazyAttribute:
    """A function or class of a deferred module; imports the module when it is used."""

    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def load(self) -> Any:
        """Import the module and return what this stands for."""
        return getattr(importlib.import_module(self._module), self._name)

    def __call__(self, *args: object, **keywords: object) -> Any:
        """Call the real one."""
        return self.load()(*args, **keywords)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """Be the real one as a class's attribute, as in `Flask.jinja_environment`."""
        return self.load()

    def __instancecheck__(self, instance: object) -> bool:
        """Be the real one for isinstance()."""
        return isinstance(instance, self.load())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.load(), name)


class LazyModule(ModuleType):
    """In the place of a deferred module: has every name, for as long as Flask is imported lazily.

    Flask's own modules keep it afterwards; then its names are the real module's.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if (self.__name__, name) == ("flask.cli", "AppGroup"):
            return LazyGroup
        attribute = LazyAttribute(self.__name__, name)
        return attribute if sys.modules.get(self.__name__) is self else attribute.load()


class LazyGroup:
    """In the place of the `flask.cli.AppGroup` that every application and blueprint makes.

    Flask gives it a name, and looks for commands when a blueprint is registered. For anything else
    it turns into a real one.
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        self.commands: dict[str, Any] = {}

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        # `flask run` alone serves, with http.server and TLS: 12 ms.
        with deferred_imports(["werkzeug.serving"]):
            group: Any = importlib.import_module("flask.cli").AppGroup
        self.__class__ = group
        group.__init__(self, self.name, self.commands)
        return getattr(self, attribute)


class LazyPackage(ModuleType):
    """A package that imports what it lacks of the deferred modules when it is asked for it."""

    _taken: dict[str, LazyAttribute]

    def __getattr__(self, name: str) -> Any:
        if f"{self.__name__}.{name}" in _DEFERRED:
            return importlib.import_module(f"{self.__name__}.{name}")
        if name in self._taken:
            value = self._taken[name].load()
            if not isinstance(value, LazyAttribute):
                setattr(self, name, value)
            return value
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
