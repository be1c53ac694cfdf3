"""An AWS emulator in one folder: ministack, pinned, patched, started, found and stopped.

`Emulator` is the way in. `serve`, `site_proxy`, `autosave` and `patches` run in a Python
environment that holds ministack and nothing else, because functions run in that interpreter.
The rest runs in both, so it uses the standard library only.
"""

from emulator.emulator import Credentials, Emulator, Running
from emulator.errors import EmulatorError, Hints

__all__ = ["Credentials", "Emulator", "EmulatorError", "Hints", "Running"]
