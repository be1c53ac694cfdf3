"""What an environment remembers: its releases, what is live, who works on it, and its history.

It all lies in the environment's artifact bucket. `Store` reads and writes the bucket; `Transaction`
is the one way in which the state and the history change; `hold_lock` and `is_finished` say who
works on an environment and whether they still do.
"""

from ship.state.environment_state import (
    CommandRecord,
    EnvironmentState,
    Freeze,
    Operation,
    Owner,
    ReleaseRecord,
)
from ship.state.lock import hold_lock, is_finished
from ship.state.store import HistoryEntry, Stack, Store
from ship.state.transaction import Transaction

__all__ = [
    "CommandRecord",
    "EnvironmentState",
    "Freeze",
    "HistoryEntry",
    "Operation",
    "Owner",
    "ReleaseRecord",
    "Stack",
    "Store",
    "Transaction",
    "hold_lock",
    "is_finished",
]
