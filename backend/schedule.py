"""What EventBridge sends to keep an environment of the function warm.

The source is a name of our own: `aws.events` would be swallowed by serverless-wsgi, and
everything else could be anybody's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.public_settings import SettingsCache

SOURCE = "serverless-flask.schedule"
WARM_UP = "warm-up"


def is_warm_up(event: dict[str, object]) -> bool:
    """Tell whether this is the schedule's own event."""
    return event.get("source") == SOURCE and event.get("detail-type") == WARM_UP


def warm_up(public: SettingsCache) -> dict[str, object]:
    """Have the settings at hand for the next visitor, and say how that went."""
    snapshot = public.current()
    source = "parameter-store" if snapshot.known else "defaults"
    return {"status": "warm", "settings": source, "faults": list(snapshot.faults)}
