"""All mends, in the order in which they are made.

Those of the core come first: services copy names from it when they are loaded.
"""

from __future__ import annotations

from .actions import name_actions
from .alarms import complete_alarms, evaluate_alarms
from .aliases import shift_traffic
from .concurrency import limit_every_version
from .embedded import read_embedded_metrics
from .headers import leave_out_empty_blocks
from .http_events import send_true_events
from .metric_data import answer_right_data
from .metrics import count_every_invocation
from .reads import answer_whole_objects
from .resources import name_resources
from .root import one_root
from .transport import answer_in_one_piece, count_loopback_as_tls
from .web_identity import check_tokens
from .writes import name_conditional_writes

MENDS = (
    one_root,
    answer_in_one_piece,
    count_loopback_as_tls,
    name_conditional_writes,
    answer_whole_objects,
    name_actions,
    name_resources,
    complete_alarms,
    evaluate_alarms,
    answer_right_data,
    read_embedded_metrics,
    leave_out_empty_blocks,
    shift_traffic,
    limit_every_version,
    count_every_invocation,
    send_true_events,
    check_tokens,
)
