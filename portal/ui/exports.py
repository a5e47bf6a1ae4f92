"""Lists as files: all rows of a remote list as CSV or as a workbook, fetched page by page, in constant memory.

Every text is somebody else's: none of them becomes a formula in the reader's spreadsheet.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from tempfile import TemporaryFile
from typing import Any

from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from portal.api.errors import BadAnswer
from portal.ui.rows import local
from portal.ui.tables import MOST_PER_PAGE, Fetch

Cell = str | int | float | bool | date | None
MOST_ROWS = 1_000_000  # a sheet ends a little above
LONGEST = 32_767  # characters in a cell of a workbook
EXACT = 2**53  # above it a spreadsheet rounds
# At the beginning of a cell, or of what a spreadsheet makes one: where numbers have commas, it divides lines at semicolons
# and knows no quotation mark that follows a comma.
FORMULA = re.compile(r"^(?=[\t\r\n])|(?:^|(?<=[;\t\r\n]))(?=\s*[=+\-@])")
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
    connection of a CSV, which the browser reports; a workbook is whole before its first byte is sent.
    """
    pages = _pages(fetch, sort)
    first = next(pages)
    heading: list[Cell] = [str(column.title) for column in columns]
    filename = f"{name}-{timezone.localdate().isoformat()}.{kind}"

    def lines() -> Iterator[list[list[Cell]]]:
        yield [heading]
        yield [[column.value(row) for column in columns] for row in first]
        for rows in pages:
            yield [[column.value(row) for column in columns] for row in rows]

    if kind == "xlsx":
        return FileResponse(_workbook(lines()), as_attachment=True, filename=filename, content_type=XLSX)
    answer = StreamingHttpResponse(_csv(lines()), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{filename}"'
    return answer


def day(milliseconds: Any) -> date | None:
    """The API's milliseconds as a day in the reader's zone."""
    at = local(milliseconds)
    return at.date() if at else None


def _pages(fetch: Fetch, sort: str) -> Iterator[list[Any]]:
    """Page after page, until all rows are there. A gateway that stops before its own total has not told all: BadAnswer."""
    offset = 0
    while True:
        page = fetch(offset, MOST_PER_PAGE, sort)
        offset += len(page.rows)
        yield page.rows
        if offset >= page.total:
            return
        if not page.rows or offset >= MOST_ROWS:
            raise BadAnswer("")


def _csv(parts: Iterator[list[list[Cell]]]) -> Iterator[bytes]:
    """One piece a page. Excel reads UTF-8 only where a mark says so; the mark is no cell."""
    language, zone = translation.get_language() or "en", timezone.get_current_timezone()
    mark = "\ufeff"
    while True:
        out = io.StringIO(newline="")
        with translation.override(language), timezone.override(zone):  # the request is over by now
            rows = next(parts, None)
            if rows is None:
                return
            csv.writer(out).writerows([[_safe(_said(value)) for value in row] for row in rows])
        yield (mark + out.getvalue()).encode()
        mark = ""


def _safe(value: Cell) -> Cell:
    """Before what a spreadsheet would read as a formula there is an apostrophe, which it hides."""
    return FORMULA.sub("'", value) if isinstance(value, str) else value


def _said(value: Cell) -> Cell:
    """A value as a file has it: yes and no in words, numbers that a spreadsheet would round as texts."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        return value if abs(value) < EXACT else str(value)
    return NO_TEXT.sub("", value) if isinstance(value, str) else value


def _workbook(parts: Iterator[list[list[Cell]]]) -> Any:
    """A workbook of one sheet as an open file."""
    file = TemporaryFile()  # noqa: SIM115 (the answer closes it)
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.freeze_panes = "A2"
    try:
        for rows in parts:
            for row in rows:
                sheet.append([_cell(sheet, _said(value)) for value in row])
    except BaseException:
        with file:
            book.save(file)  # only this removes the library's own temporary file
        raise
    book.save(file)
    file.seek(0)
    return file


def _cell(sheet: Any, value: Cell) -> Any:
    """A text is a text, though it begin like a formula; all else is what it is."""
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, value[:LONGEST])
    cell.data_type = "s"
    return cell
