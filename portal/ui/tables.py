"""Remote lists as tables: one call for a page, slice first and count after, only documented sort keys.

Built on django-tables2's public interface. Its stock template computes each cell's attributes again and again (30 ms for 40
rows); `RemoteTable.body` looks at each column once.
"""

from collections.abc import Callable, Sequence
from typing import Any

import django_tables2 as tables
from django.core.paginator import EmptyPage, Page, Paginator
from django.http import HttpRequest
from django.urls import reverse
from django_tables2.data import TableData

from portal.api import client

PER_PAGE, MOST_PER_PAGE, LAST_PAGE = 40, 200, 100_000
Fetch = Callable[[int, int, str], client.Page[Any]]


class RemoteTableData(TableData):
    """Rows of one upstream list; nothing is fetched until a page is asked for. `fetch(offset, size, sort)` is the call."""

    def __init__(self, fetch: Fetch, sortable: Sequence[str] = ()) -> None:
        super().__init__([])
        self.fetch, self.sortable, self.sort = fetch, sortable, ""
        self.total: int | None = None
        self._slices: dict[tuple[int, int, str], list[Any]] = {}

    def order_by(self, aliases: Sequence[str]) -> None:
        """Called by the table with what the reader asked for; a key that the API does not document is left out."""
        known = [alias for alias in aliases if alias.lstrip("-") in self.sortable]
        self.sort = str(known[0]) if known else ""  # the API sorts by one key

    def __getitem__(self, key: slice) -> list[Any]:
        wanted = (key.start or 0, key.stop, self.sort)
        if wanted not in self._slices:
            page = self.fetch(wanted[0], key.stop - wanted[0], self.sort)
            self._slices[wanted], self.total = page.rows, page.total
        return self._slices[wanted]

    def __len__(self) -> int:
        if self.total is None:
            raise TypeError("the total is known only after a page was fetched")
        return self.total


class RemotePaginator(Paginator):  # type: ignore[type-arg]
    """Slices first and counts afterwards: one call for a page, two when the page is past the end."""

    def __init__(self, object_list: Any, per_page: int, **kwargs: Any) -> None:
        per_page = per_page if per_page > 0 else PER_PAGE
        super().__init__(object_list, min(per_page, MOST_PER_PAGE), **kwargs)

    def page(self, number: Any) -> Page:  # type: ignore[type-arg]
        number = max(1, min(int(number), LAST_PAGE))
        found = self.object_list[(number - 1) * self.per_page : number * self.per_page]
        data = getattr(self.object_list, "data", self.object_list)
        self.__dict__["count"] = len(data if isinstance(data, RemoteTableData) else self.object_list)
        if number > 1 and number > self.num_pages:
            raise EmptyPage("past the end")
        return Page(found, number, self)


class RemoteTable(tables.Table):
    """A table over a remote list. Columns are named like the API's fields; `row_template` renders all rows at once."""

    row_template: str
    base: str  # the name of the address below which each row's own address is
    ids: Sequence[str] = ()  # of that address
    records: list[Any]  # what the rows are made of

    def body(self) -> dict[str, Any]:
        """The context of the rows: what `row_template` makes of `records`, in the order of `columns`."""
        columns = [column.name for column in self.columns]
        return {"records": self.records, "columns": columns, "base": reverse(self.base, args=self.ids)}


def per_page(request: Any) -> int:
    """How many rows of a list the person wants on a page."""
    return int(request.person.preferences.get("rows", PER_PAGE))


def remote_table(
    request: HttpRequest, table_class: type[RemoteTable], fetch: Fetch, sortable: Sequence[str], left_out: Sequence[str] = ()
) -> RemoteTable:
    """The table for the page, sort and size in the request's address, already fetched."""
    table = table_class(RemoteTableData(fetch, sortable), orderable=False)  # but for the columns that say otherwise
    for name in left_out:  # it can be sorted by all the same
        table.columns.hide(name)
    paginate = {"paginator_class": RemotePaginator, "per_page": per_page(request)}
    tables.RequestConfig(request, paginate=paginate).configure(table)
    table.records = [getattr(row, "record", row) for row in table.page.object_list]
    return table


def remote_page(request: HttpRequest, fetch: Fetch) -> Page:  # type: ignore[type-arg]
    """One page of a remote list that is not shown as a table; past the end it is the last one."""
    data = RemoteTableData(fetch)
    paginator = RemotePaginator(data, per_page(request))
    try:
        asked = int(request.GET.get("page", "1"))
    except ValueError:  # no number, or one with more digits than Python reads
        asked = 1
    try:
        return paginator.page(asked)
    except EmptyPage:
        return paginator.page(paginator.num_pages)
