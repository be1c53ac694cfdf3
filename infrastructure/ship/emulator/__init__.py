"""The pinned AWS emulator: started, mended, health-checked and stopped, with a door a site.

`Emulator` is what the rest of `ship` uses. `serve.py`, `edge.py` and `mends/` run in the
emulator's own Python environment, which holds nothing of this project: they import `shared`
and `mends` as their neighbours, by file path.
"""

from ship.emulator.emulator import Credentials, Emulator, Running
from ship.emulator.errors import EmulatorFault

__all__ = ["Credentials", "Emulator", "EmulatorFault", "Running"]
