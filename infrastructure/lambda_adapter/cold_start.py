"""Keeps out of the cold start what a function never runs.

`import flask` brings the development server (and with it http.server, http.client, TLS), the
command line (click, importlib.metadata, zipfile) and the template engine: a third of its time,
and none of it answers a request of an API. While Flask is imported, stand-ins take the place
of those modules. They leave as soon as it is there, so that any later import gets the real
module; what Flask took from a stand-in imports the real one when it is first called.
"""

from __future__ import annotations

import gc
import importlib
import sys
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEFERRED = ("werkzeug.serving", "flask.cli", "click", "flask.templating", "jinja2")


@contextmanager
def lean() -> Iterator[None]:
    """Import without what is deferred, and without collecting garbage that is none yet."""
    names = [name for name in _DEFERRED if "flask" not in sys.modules]
    sys.modules.update({name: _StandIn(name) for name in names})
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]
        gc.freeze()  # What the cold start made stays: no later collection looks at it again.
        if was_collecting:
            gc.enable()


class _StandIn(ModuleType):
    """Has whatever name is asked for, as something that imports the real one when called."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "AppGroup":
            return _Commands
        return _Deferred(self.__name__, name)


class _Deferred:
    def __init__(self, module: str, name: str) -> None:
        self._module = module
        self._name = name

    def __call__(self, *args: object, **keywords: object) -> Any:
        return getattr(importlib.import_module(self._module), self._name)(*args, **keywords)


class _Commands:
    """In the place of `flask.cli.AppGroup`, which every application and blueprint makes one of."""

    def __init__(self) -> None:
        self.name: str | None = None
        self._real: Any = None

    @property
    def commands(self) -> Any:
        """Blueprints look here when they are registered: nothing, unless commands were added."""
        return self._real.commands if self._real else {}

    def __getattr__(self, name: str) -> Any:
        if self._real is None:
            self._real = importlib.import_module("flask.cli").AppGroup(self.name)
        return getattr(self._real, name)
