"""All mends, in the order in which they are made.

Those of the core come first: services copy names from it when they are loaded.
"""

from __future__ import annotations

from .alarms import complete_alarms, evaluate_alarms
from .aliases import shift_traffic
from .headers import leave_out_empty_blocks
from .metrics import count_every_invocation
from .root import one_root

MENDS = (
    one_root,
    complete_alarms,
    evaluate_alarms,
    leave_out_empty_blocks,
    shift_traffic,
    count_every_invocation,
)
