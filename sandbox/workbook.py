"""Lists as workbooks, for those that the contract offers as application/vnd.ms-excel.

The files are Office Open XML, which every spreadsheet program has read for long: the older format ends at 65,536 rows.
"""

import json
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, WriteOnlyCell

MEDIA_TYPE = "application/vnd.ms-excel"
LONGEST = 32_767  # characters in a cell


def made(title: str, items: list[dict[str, Any]]) -> bytes:
    """A workbook of one sheet: a line with the names of the fields, and a line for each item."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    names = list(dict.fromkeys(name for item in items for name in item))
    sheet.append(names)
    for item in items:
        sheet.append([cell(sheet, item.get(name)) for name in names])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def cell(sheet: Any, value: Any) -> Any:
    """A value as a cell: objects as JSON, and a text as a text, though it begin like a formula."""
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str):
        return value
    shown = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST])
    shown.data_type = "s"
    return shown
