"""The rows of lists. Forty of them are most of a page's cost, so they are rendered by Jinja2 (docs/decisions/0006).

Escaping is the engine's, as everywhere: Django's Jinja2 backend escapes every value, and nothing here marks anything as safe.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache, lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils import timezone
from django.utils.dates import MONTHS_3
from django.utils.formats import number_format
from django.utils.translation import get_language, gettext
from jinja2 import Environment, pass_context
from jinja2.runtime import Context

from portal.meaning.letters import visible
from portal.meaning.times import moment
from portal.ui import words
from portal.ui.addresses import below, row_id


def environment(**options: Any) -> Environment:
    """Jinja2 as Django's backend sets it up, with the words and filters that the rows need."""
    env = Environment(trim_blocks=True, lstrip_blocks=True, **options)  # noqa: S701 (autoescape is in options)
    env.globals |= {"_": gettext, "static": static}  # not Jinja's i18n extension: its `_` costs as much as ten variables
    env.filters |= {
        "below": below,
        "day": day,
        "exact": exact,
        "iso": datetime.isoformat,
        "local": pass_context(lambda said, milliseconds: local(milliseconds, said["zone"])),
        "minute": minute,
        "number": pass_context(lambda said, value: _number(value, said["language"])),
        "readable": words.readable,
        "row_id": row_id,
        "size": words.size,
        "visible": visible,
        "status_name": pass_context(lambda said, status: _name(words.status_name, status, said["language"])),
        "reason_name": pass_context(lambda said, reason: _name(words.reason_name, reason, said["language"])),
    }
    return env


@dataclass(frozen=True)
class Rows:
    """The rows of a list, to be put into a page with `{% rows … %}`."""

    template: str
    context: dict[str, Any]

    def render(self) -> str:
        # Found out once, and not for each row: both lie behind a lookup that costs as much as a cell.
        zone = timezone.get_current_timezone()
        reader = {"language": get_language(), "zone": zone, "year": datetime.now(zone).year}
        return render_to_string(self.template, {**reader, **self.context}, using="jinja2")


def local(milliseconds: Any, zone: tzinfo | None = None) -> datetime | None:
    """The API's milliseconds as a time in the reader's zone; None for what is no time a person could mean."""
    at = moment(milliseconds)
    return at.astimezone(zone or timezone.get_current_timezone()) if at else None


# Django's own date formatting costs more than the rest of a row; these three say what a list needs.


@pass_context
def minute(said: Context, at: datetime) -> str:
    """22 Nov 07:37, and 22 Nov 2096 07:37 where it is not of this year"""
    year = "" if at.year == said["year"] else f" {at.year}"
    return f"{at.day} {_months(said['language'])[at.month]}{year} {at:%H:%M}"


@pass_context
def day(said: Context, at: datetime) -> str:
    """22 Nov 2026"""
    return f"{at.day} {_months(said['language'])[at.month]} {at.year}"


def exact(at: datetime) -> str:
    """2026-11-22 07:37:12 CET"""
    return f"{at:%Y-%m-%d %H:%M:%S %Z}"


# There are few scores, states and reasons: each is put into words once for each language.


@lru_cache(2000)
def _number(value: float, language: str | None) -> str:
    return number_format(value)


@lru_cache(2000)
def _name(name: Callable[[str], str], word: str, language: str | None) -> str:
    return name(word)


@cache
def _months(language: str | None) -> dict[int, str]:
    return {number: name.title() for number, name in MONTHS_3.items()}
