"""A workbook of one sheet, written while it is sent: there is no file of it here, and memory does not grow with its rows."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import count
from typing import Any, cast
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

Cell = str | int | float | date | None
LONGEST = 32_767  # characters in a cell, as UTF-16 counts them
DAY_ZERO, FIRST_DAY = date(1899, 12, 30), date(1900, 3, 1)  # before it spreadsheets know a day that never was
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# Every workbook has these. The second style is that of days.
PARTS = {
    "[Content_Types].xml": f'{XML}<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{TYPES}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{TYPES}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{TYPES}.worksheet+xml"/></Types>',
    "_rels/.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'{XML}<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}">'
    '<sheets><sheet name="Sheet" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'{XML}<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'{XML}<styleSheet xmlns="{SHEET}">'
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>'
    '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}
HEAD = (  # the first line stays in view
    f'{XML}<worksheet xmlns="{SHEET}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
)


class _Sent:
    """What the archive writes to: it can be taken away, and nothing of it is looked at again."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> int:
        self.data += data
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken = bytes(self.data)
        self.data.clear()
        return taken


def written(parts: Iterable[Sequence[Sequence[Cell]]]) -> Iterator[bytes]:
    """The bytes of a workbook with the rows of `parts`, in which no text is a formula. One that ends early opens nowhere."""
    sent, numbers = _Sent(), count(1)
    archive = ZipFile(cast(Any, sent), "w", ZIP_DEFLATED)
    for name, text in PARTS.items():
        archive.writestr(name, text)
    sheet = archive.open("xl/worksheets/sheet1.xml", "w")
    sheet.write(HEAD.encode())
    for rows in parts:
        for row in rows:
            sheet.write(_row(next(numbers), row).encode())
        if ready := sent.take():
            yield ready
    sheet.write(b"</sheetData></worksheet>")
    sheet.close()
    archive.close()
    yield sent.take()


def _row(number: int, values: Sequence[Cell]) -> str:
    cells = (_cell(f"{_letters(place)}{number}", value) for place, value in enumerate(values))
    return f'<row r="{number}">{"".join(cells)}</row>'


def _cell(place: str, value: Cell) -> str:
    if value is None or value == "":
        return f'<c r="{place}"/>'
    if isinstance(value, date) and value >= FIRST_DAY:
        return f'<c r="{place}" s="1"><v>{(value - DAY_ZERO).days}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    text = str(value)
    if len(text) * 2 > LONGEST:
        text = text.encode("utf-16-le")[: LONGEST * 2].decode("utf-16-le", "ignore")
    text = re.sub("\r", "&#13;", escape(text))  # XML makes another line end of a bare one
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _letters(place: int) -> str:
    """The name of a column: A, B, … Z, AA."""
    return (_letters(place // 26 - 1) if place >= 26 else "") + chr(ord("A") + place % 26)
