"""What can be wrong with the emulator."""

from __future__ import annotations

from ship.errors import ShipError


class EmulatorError(ShipError):
    """The emulator cannot be had, or not as it was asked for; nothing was changed."""
