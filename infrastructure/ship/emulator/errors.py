"""What can be wrong with the emulator."""

from __future__ import annotations

from ship.errors import Fault


class EmulatorFault(Fault):
    """The emulator cannot be had, or not as it was asked for; nothing was changed."""
