"""Times as the gateway tells them."""

from datetime import UTC, datetime
from typing import Any


def moment(milliseconds: Any) -> datetime | None:
    """The API's milliseconds since 1970, or its `date-time`, as a time; None for what is no time a person could mean."""
    found: datetime | None
    try:
        found = datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        found = _iso(milliseconds)
    return found if found and 1 < found.year < 9999 else None  # at the ends of the calendar a time zone leads out of it


def _iso(text: Any) -> datetime | None:
    """A `date-time` (ISO 8601): declared for the date of a message (r:6508), and never shown. Without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(text.strip()[:40])
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (AttributeError, ValueError, OverflowError):
        return None


def at_second(seconds: Any) -> datetime | None:
    """As `moment`, for the seconds since 1970 in which the diagnostics alone are dated."""
    return moment(seconds * 1000) if isinstance(seconds, int | float) else None
