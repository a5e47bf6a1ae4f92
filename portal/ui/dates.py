"""Dates as each language writes them (CLDR, from Babel), in one style: 29 Nov, 20:41, and the year where it is not this one's.

A list shows forty of them, so what a language says is found out once; a date is then put together with one `%`.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from babel import Locale
from babel.dates import format_timedelta, match_skeleton, parse_pattern
from django.utils import timezone
from django.utils.translation import get_language, gettext

REGIONS = {"en": "en_GB"}  # a language that writes dates in several ways: day before month, and 24 hours
JUST_NOW = timedelta(seconds=10)


@dataclass(frozen=True)
class Style:
    """How a language writes dates: patterns for `%`, and its short names of months (number -> name)."""

    locale: Locale
    this_year: str
    with_year: str
    time: str
    seconds: str
    months: dict[int, str]


@cache
def style(language: str | None) -> Style:
    locale = Locale.parse(REGIONS.get(language or "en", language or "en"), sep="-" if "-" in (language or "") else "_")

    def pattern(skeleton: str) -> str:
        known = locale.datetime_skeletons
        return str(parse_pattern(str(known[match_skeleton(skeleton, known) or skeleton])).format)

    months = dict(locale.months["format"]["abbreviated"])
    return Style(locale, pattern("MMMd"), pattern("yMMMd"), pattern("Hm"), pattern("Hms"), months)


def day(at: date, year: int | None = None, language: str | None = None) -> str:
    """29 Nov; 29 Nov 2025 where that is not the `year` of the reader's today."""
    words = style(language or get_language())
    pattern = words.this_year if at.year == (year or timezone.localdate().year) else words.with_year
    return pattern % {"d": at.day, "MMM": words.months[at.month], "y": at.year}


def minute(at: datetime, year: int | None = None, language: str | None = None) -> str:
    """29 Nov, 20:41"""
    return f"{day(at, year, language)}, {style(language or get_language()).time % _clock(at)}"


def exact(at: datetime, language: str | None = None) -> str:
    """29 Nov 2026, 20:41:12 CET: whoever points at a short one sees all of it."""
    words = style(language or get_language())
    date = words.with_year % {"d": at.day, "MMM": words.months[at.month], "y": at.year}
    return f"{date}, {words.seconds % _clock(at)} {at.tzname() or ''}".rstrip()


def ago(at: datetime | None, now: datetime | None = None, language: str | None = None) -> str:
    """2 days ago, or just now; what lies more than a minute ahead, by another clock than ours, as a date; "" for none."""
    if at is None:
        return ""
    passed = at - (now or timezone.now())
    if passed.total_seconds() > 60:
        return minute(timezone.localtime(at), language=language)
    if -passed < JUST_NOW:
        return gettext("just now")
    return format_timedelta(passed, threshold=1, add_direction=True, locale=style(language or get_language()).locale)


def _clock(at: datetime) -> dict[str, Any]:
    return {"H": at.hour, "HH": f"{at.hour:02}", "mm": f"{at.minute:02}", "ss": f"{at.second:02}"}
