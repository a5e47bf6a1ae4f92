"""Lists as files: all rows of a remote list as CSV or as a workbook, fetched page by page while they are sent.

Nothing of them is kept here, neither in memory nor in a file: when the reader goes, or the process, so does the work.

Every text is somebody else's: none of them becomes a formula in the reader's spreadsheet.
"""

import csv
import io
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from portal.api.errors import BadAnswer, TimedOut
from portal.ui import workbook
from portal.ui.filters import local
from portal.ui.tables import MOST_PER_PAGE, Fetch

Cell = str | int | float | bool | date | None
MOST_ROWS = 1_000_000  # a sheet ends a little above
LONGEST = 3600.0  # seconds: each file holds a thread
PATIENCE = 5.0  # seconds of a workbook that are made before it is sent
EXACT = 2**53  # above it a spreadsheet rounds
# The beginning of a cell, or of what a spreadsheet makes one: where numbers have commas, it divides lines at semicolons and knows
# no quotation mark that follows a comma. All blanks are taken at once: a text of nothing else costs what it is long.
BEGINNING = re.compile(r"(^|[;\t\r\n])\s*+(?=([=+\-@＝＋－＠])?)")  # the wide ones too
# What no cell can hold: control characters, halves of surrogate pairs, and what XML calls no character.
NO_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS = ("csv", "xlsx")


@dataclass(frozen=True)
class Column:
    """A column of the file: its heading, and what a row has there."""

    title: Any
    value: Callable[[Any], Cell]


def export(kind: str, name: str, columns: Sequence[Column], fetch: Fetch, sort: str = "") -> HttpResponseBase:
    """All rows of the list behind `fetch` as a file `name-<today>.csv` or `.xlsx`.

    The first page is fetched before the answer begins, so an ApiError is the usual screen. One that comes later breaks the
    connection, which the browser reports. Half a CSV can be read all the same, half a workbook cannot; so a browser shows a
    workbook's late trouble as a screen, too, where it comes within the first seconds.
    """
    pages = _pages(fetch, sort)
    first = next(pages)
    heading: list[Cell] = [str(column.title) for column in columns]
    filename = f"{name}-{timezone.localdate().isoformat()}.{kind}"

    def lines() -> Iterator[list[list[Cell]]]:
        yield [heading]
        for rows in chain((first,), pages):
            yield [[_said(column.value(row)) for column in columns] for row in rows]

    if kind == "xlsx":
        answer = StreamingHttpResponse(_begun(_for_the_reader(workbook.written(lines()))), content_type=XLSX)
    else:
        answer = StreamingHttpResponse(_for_the_reader(_csv(lines())), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{filename}"'
    return answer


def day(milliseconds: Any) -> date | None:
    """The API's milliseconds as a day in the reader's zone."""
    at = local(milliseconds)
    return at.date() if at else None


def _pages(fetch: Fetch, sort: str) -> Iterator[list[Any]]:
    """Page after page, until all rows are there. A gateway that stops before its own total has not told all: BadAnswer."""
    offset, until = 0, time.monotonic() + LONGEST
    while True:
        if time.monotonic() > until:
            raise TimedOut("")
        page = fetch(offset, MOST_PER_PAGE, sort)
        offset += len(page.rows)
        yield page.rows
        if offset >= page.total:
            return
        if not page.rows or offset >= MOST_ROWS:
            raise BadAnswer("")


def _csv(parts: Iterator[list[list[Cell]]]) -> Iterator[bytes]:
    """One piece a page. Excel reads UTF-8 only where a mark says so; the mark is no cell."""
    mark = "\ufeff"
    for rows in parts:
        out = io.StringIO(newline="")
        csv.writer(out).writerows([[_safe(value) for value in row] for row in rows])
        yield (mark + out.getvalue()).encode()
        mark = ""


def _for_the_reader(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Each piece made in the language and the time zone of now: when a streamed answer is made, its request is over."""
    language, zone = translation.get_language() or "en", timezone.get_current_timezone()

    def each() -> Iterator[bytes]:
        while True:
            with translation.override(language), timezone.override(zone):
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece

    return each()  # this function is no generator itself: it would not even begin before the request is over


def _begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces, those of the first seconds made now."""
    until, made = time.monotonic() + PATIENCE, list[bytes]()
    for piece in pieces:
        made.append(piece)
        if time.monotonic() > until:
            break

    def each() -> Iterator[bytes]:
        yield from made
        yield from pieces

    return each()


def _safe(value: Cell) -> Cell:
    """Before what a spreadsheet would read as a formula there is an apostrophe, which it hides."""
    return BEGINNING.sub(_marked, value) if isinstance(value, str) else value


def _marked(found: re.Match[str]) -> str:
    blanks, formula = found[0], found[2]
    first = not found[1] and blanks.startswith(("\t", "\r", "\n"))
    return ("'" if first else "") + blanks + ("'" if formula else "")


def _said(value: Cell) -> Cell:
    """A value as a file has it: yes and no in words, numbers that a spreadsheet would round as texts."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        return value if abs(value) < EXACT else str(value)
    return NO_TEXT.sub("", value) if isinstance(value, str) else value
