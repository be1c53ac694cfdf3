"""The pinned AWS emulator: started, mended, health-checked and stopped, with a door a site.

`Emulator` is what the rest of `ship` uses. `serve.py`, `edge.py` and `patches/` run in the
emulator's own Python environment, which holds nothing of this project: they import `shared`
and `patches` as their neighbours, by file path.
"""

from emulator.emulator import Credentials, Emulator, Running
from emulator.errors import EmulatorError

__all__ = ["Credentials", "Emulator", "EmulatorError", "Running"]
