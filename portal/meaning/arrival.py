"""When a message came. Its Date is whatever the sender wrote: one that cannot be true sorts it, and opens it, by nothing."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.errors import MessageError
from email.utils import parsedate_to_datetime
from typing import Any

from portal.meaning.verdict import header

AHEAD, BEHIND = timedelta(days=1), timedelta(days=90)  # how far a clock is wrong, and how long a message is on its way
FIRST_YEAR = 1990


def arrived(headers: Mapping[str, Any] | None, now: datetime) -> datetime | None:
    """When the gateway took it: the date of the topmost Received, which is the gateway's own."""
    written = re.sub(r"\([^()]*\)", " ", header(headers, "Received").rpartition(";")[2])
    try:
        found = parsedate_to_datetime(written)
    except (ValueError, TypeError, IndexError, OverflowError, MessageError):
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found if found.year >= FIRST_YEAR and found <= now + AHEAD else None


def believable(sent: datetime | None, headers: Mapping[str, Any] | None, now: datetime) -> bool:
    """Can it have been sent then? Not in the future, and not long before it came."""
    if sent is None or sent > now + AHEAD or sent.year < FIRST_YEAR:
        return False
    if sent > now - BEHIND:  # most are: their headers need not be read
        return True
    came = arrived(headers, now)
    return came is None or came - sent < BEHIND
