"""Is the record in DNS yet? What the page shows of the gateway's diagnostic, and for how long it asks again."""

import time
from collections.abc import Sequence
from typing import Any

from portal.api import health
from portal.api.errors import ApiError, BadAnswer, TimedOut, TooFast, Unreachable, UpstreamFailed
from portal.meaning import dkim as keys
from portal.meaning.findings import Finding, finding
from portal.ui.pages import one_time_key

ASK_FOR = 600  # seconds that a page goes on asking whether the record is in DNS
PASSING = (TooFast, TimedOut, Unreachable, BadAnswer, UpstreamFailed)  # troubles that may be over a minute later


def answer(
    checked: health.EntityHealth | None = None,
    *,
    since: int = 0,
    failed: ApiError | None = None,
    soon: bool = False,
    name: str = "",
    records: Sequence[keys.Record] | None = None,
) -> dict[str, Any]:
    """What `dkim/_check.html` shows. It asks again by itself where `since` (seconds) says when the person has asked.

    The waits grow with the time that has passed, from 15 seconds to 60, and end after ten minutes or when all is well.
    """
    tests = findings(checked, name, records)
    well = bool(tests) and not any(test.kind for test in tests)
    passed = int(time.time()) - since
    lasting = failed is not None and not isinstance(failed, PASSING)
    wait = min(60, max(15, passed // 3))
    if isinstance(failed, TooFast):
        wait = max(wait, failed.retry_after)
    return {
        "once": one_time_key(),
        "checked": checked,
        "failed": failed,
        "well": well,
        "tests": tests,
        "since": since,
        "over": bool(since) and not well and not lasting and passed >= ASK_FOR,
        "wait": (1 if soon else wait) if since and not well and not lasting and passed < ASK_FOR else 0,
    }


def findings(checked: health.EntityHealth | None, name: str, records: Sequence[keys.Record] | None) -> list[Finding]:
    entries = (checked.report.entries or []) if checked and checked.report else []
    return [finding(entry, name, keys=records) for entry in entries if (entry.type or "").upper() == "DKIM"]


def since_of(text: str) -> int:
    """When the person asked; never in the future, and no longer ago than matters."""
    now = int(time.time())
    return min(now, max(now - ASK_FOR, int(text))) if text.isascii() and text.isdigit() and len(text) < 12 else now - ASK_FOR
