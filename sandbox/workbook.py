"""Lists as workbooks, for those that the contract offers as application/vnd.ms-excel.

The files are Office Open XML, which every spreadsheet program has read for long: the older format ends at 65,536 rows.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from tempfile import TemporaryFile
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, WriteOnlyCell

MEDIA_TYPE = "application/vnd.ms-excel"
LONGEST = 32_767  # characters in a cell


def made(title: str, names: Sequence[str], items: Iterable[dict[str, Any]]) -> tuple[int, Iterator[bytes]]:
    """A workbook of one sheet: a line with the names of the fields, and a line for each item. Its bytes, and how many.

    It is written to a file that has no name: memory does not grow with the list.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.append(names)
    for item in items:
        sheet.append([cell(sheet, item.get(name)) for name in names])
    file = TemporaryFile()  # noqa: SIM115 - closed behind its last block
    book.save(file)
    size = file.tell()
    file.seek(0)
    return size, blocks(file)


def blocks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while block := file.read(65_536):
            yield block


def cell(sheet: Any, value: Any) -> Any:
    """A value as a cell: objects as JSON, and a text as a text, though it begin like a formula."""
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str):
        return value
    shown = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST])
    shown.data_type = "s"
    return shown
