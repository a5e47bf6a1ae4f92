"""The filters of our templates. None of them returns markup: escaping stays with the engine."""

from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import lru_cache, partial
from itertools import groupby
from typing import Any
from urllib.parse import quote

from django.template import defaultfilters
from django.utils import timezone
from django.utils.formats import number_format

from portal.meaning.letters import disguised, visible
from portal.meaning.times import at_second, moment
from portal.ui import dates, words
from portal.ui.addresses import below, row_id
from portal.ui.screens import explain

MOST_SHOWN = 200  # rows of a list that comes whole
LONGEST_LINE, LONGEST_NAME, MOST_LETTERS = 5000, 200, 250_000  # characters of one line, of a name, of all headers


def people(value: Any) -> str:
    """A list of addresses as one line, the first ones of very many."""
    if not isinstance(value, list):
        return _short(str(value or ""))
    return _short(", ".join(str(one)[:LONGEST_LINE] for one in value[:MOST_SHOWN]) + (" …" if len(value) > MOST_SHOWN else ""))


def header_lines(headers: Any) -> list[tuple[str, str]]:
    """The first headers as (name, text), one line for each occurrence; `header_count` says how many there are."""
    lines: list[tuple[str, str]] = []
    room = MOST_LETTERS
    for name, value in (headers or {}).items():
        values = value if isinstance(value, list) else [value]
        for one in values[: MOST_SHOWN - len(lines)]:
            lines.append((str(name)[:LONGEST_NAME], _short(str(one), min(room, LONGEST_LINE))))
            room -= len(lines[-1][1])
        if len(lines) >= MOST_SHOWN:
            break
    return lines


def header_count(headers: Any) -> int:
    """How many header lines there are."""
    return sum(len(value) if isinstance(value, list) else 1 for value in (headers or {}).values())


def some(rows: Any) -> Any:
    """The first of a list that the gateway does not page: as many as a person can look at."""
    return rows[:MOST_SHOWN] if isinstance(rows, list | tuple | str) else rows


def more(count: Any) -> int:
    """How many of so many are not among the first ones."""
    return max(0, (count if isinstance(count, int) else len(count or ())) - MOST_SHOWN)


def domain_part(address: Any) -> str:
    """What stands behind the @ of an address."""
    return str(address or "").rpartition("@")[2]


def quoted(text: Any) -> str:
    """As it may stand within an address, a slash too."""
    return quote(str(text), safe="")


def grouped(rows: Any, name: str) -> list[tuple[Any, list[Any]]]:
    """Rows that have the same `name` and stand together, as pairs of it and them."""
    return [(key, list(group)) for key, group in groupby(rows, key=lambda row: getattr(row, name))]


def _short(text: str, most: int = LONGEST_LINE) -> str:
    return text if len(text) <= most else text[: max(0, most)] + "…"


def local(when: Any, zone: tzinfo | None = None) -> datetime | None:
    """A time, or what the API says of one, in the reader's zone; None for what is no time a person could mean."""
    at = when if isinstance(when, datetime) else moment(when)
    return at.astimezone(zone or timezone.get_current_timezone()) if at else None


@lru_cache(2000)
def _number(value: float, language: str) -> str:
    return number_format(value)


@lru_cache(2000)
def _name(name: Callable[[str], str], word: str, language: str) -> str:
    return name(word)


def in_language(language: str) -> dict[str, Callable[..., str]]:
    """The filters for one language. There are few scores, states and reasons: each is put into words once."""
    return {
        "ago": partial(dates.ago, language=language),
        "day": partial(dates.day, language=language),
        "exact": partial(dates.exact, language=language),
        "minute": partial(dates.minute, language=language),
        "number": lambda value: _number(value, language),
        "reason_name": lambda reason: _name(words.reason_name, reason, language),
        "status_name": lambda status: _name(words.status_name, status, language),
    }


FILTERS: dict[str, Callable[..., Any]] = {
    "at_second": at_second,
    "below": below,
    "capfirst": defaultfilters.capfirst,
    "disguised": disguised,
    "domain_part": domain_part,
    "explained": explain,
    "grouped": grouped,
    "header_count": header_count,
    "header_lines": header_lines,
    "iso": datetime.isoformat,
    "language_name": words.language_name,
    "linebreaksbr": defaultfilters.linebreaksbr,
    "local": local,
    "moment": moment,
    "more": more,
    "operation_name": words.operation_name,
    "people": people,
    "quoted": quoted,
    "readable": words.readable,
    "row_id": row_id,
    "size": words.size,
    "some": some,
    "target_name": words.target_name,
    "truncatechars": defaultfilters.truncatechars,
    "visible": visible,
    "with_letters": words.with_letters,
}
