"""A list as its page shows it: the columns that the reader chose, one filter, tabs, and the list as a file.

What is looked at lives in the address, in the API's own words (`?status=DELETED&sort=-name&page=2`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponseBase, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.utils.encoding import escape_uri_path

from portal.api.errors import ApiError
from portal.api.operation import Operation
from portal.ui import exports
from portal.ui.pages import PortalRequest, together
from portal.ui.tables import Fetch, RemoteTable, remote_table

LONGEST_TEXT = 200
WORKBOOK = "application/vnd.ms-excel"
GATEWAY = "gateway"  # the format of a file that the gateway makes


def same(text: str) -> str:
    return text


def nothing_known(rows: Sequence[Any]) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Filter:
    """A documented filter, as a person says it.

    `sends` makes what the gateway is asked for of what was typed. `choices` are all values that there are; `known` are some, of
    the rows that are shown: value -> name.
    """

    label: Any
    sends: Callable[[str], str] = same
    choices: Mapping[str, Any] = field(default_factory=dict)
    known: Callable[[Sequence[Any]], Mapping[str, str]] = nothing_known
    longest: int = LONGEST_TEXT


@dataclass(frozen=True)
class List:
    """A list: what it is read with, and how it is shown. `name` is that of its files and of the wish for its columns.

    The first column names the row, and always stays. Those in `further` are there for who chose them. The `operation` is None
    where the rows are our own.
    """

    name: str
    operation: Operation | None
    record: Any
    table: type[RemoteTable]
    exported: Sequence[exports.Column]
    filters: Mapping[str, Filter] = field(default_factory=dict)
    further: tuple[str, ...] = ()

    @property
    def tabs(self) -> tuple[str, Filter] | None:
        """The filter whose values are tabs: the first one that has no others."""
        return next(((name, one) for name, one in self.filters.items() if one.choices), None)


@dataclass(frozen=True)
class Tab:
    """A value of the filter, with how many rows have it, where that was counted."""

    key: str
    label: Any
    url: str
    current: bool
    count: int | None = None


@dataclass(frozen=True)
class Listed:
    """A page of a list. `kind` and `value` are the filter, "" where there is none; `part` is the value as a person says it."""

    of: List
    table: RemoteTable
    kind: str
    value: str
    part: str
    sort: str
    known: Mapping[str, Mapping[str, str]]  # of each filter that is open: values and their names

    @property
    def rows(self) -> list[Any]:
        return self.table.records

    @property
    def everything(self) -> str:
        """The address without a filter."""
        return "?" + urlencode({"sort": self.sort} if self.sort else {})

    @property
    def tabs(self) -> list[Tab]:
        return _tabs(self.of, self.kind, self.value, self.sort)

    @property
    def shown(self) -> list[str]:
        """The names of the columns that are shown."""
        return [column.name for column in self.table.columns]

    @property
    def columns(self) -> list[tuple[str, Any, bool]]:
        """What there is to choose from, and whether it is shown."""
        shown = self.shown
        return [(name, one.header, name in shown) for name, one in self.of.table.base_columns.items()]


def elsewhere(
    request: PortalRequest, of: List, ids: Mapping[str, Any] | None = None, fetch: Fetch | None = None
) -> HttpResponseBase | None:
    """What an address asks for that is no page: a file; or what was typed into the filter, to be said in the API's words."""
    asked = request.GET
    if asked.get("kind") in of.filters:
        kind = asked["kind"]
        value = asked.get(f"of-{kind}", asked.get("value", ""))
        kept = {name: text for name, text in ((kind, value.strip()), ("sort", asked.get("sort", ""))) if text}
        return HttpResponseRedirect(escape_uri_path(request.path) + ("?" + urlencode(kept) if kept else ""))
    form = asked.get("format", "")
    if form in exports.FORMATS:
        return exports.export(form, of.name, of.exported, fetch or _fetch(request, of, ids), _sort(asked, of))
    if form == GATEWAY and of.operation and of.operation.workbook:
        return _workbook(request, of, of.operation, ids)
    return None


def listed(request: PortalRequest, of: List, ids: Mapping[str, Any] | None = None, fetch: Fetch | None = None) -> Listed:
    """The page of the list that the address asks for. One call; `fetch` takes its place where the rows are our own."""
    sortable = of.operation.sort if of.operation else ()
    table = remote_table(request, of.table, fetch or _fetch(request, of, ids), sortable, _left_out(request, of))
    kind, value = chosen(request.GET, of)
    known = {name: one.known(table.records) for name, one in of.filters.items() if not one.choices}
    one = of.filters.get(kind)
    part = str(one.choices.get(value) or known.get(kind, {}).get(value) or value) if one else ""
    return Listed(of, table, kind, value, part, _sort(request.GET, of), known)


def counted(request: PortalRequest, of: List, ids: Mapping[str, Any] | None = None) -> list[Tab]:
    """The tabs with how many rows there are of each: a call for each of them, side by side."""
    tabs = _tabs(of, *chosen(request.GET, of), _sort(request.GET, of))
    kind = of.tabs[0] if of.tabs else ""

    def count(key: str) -> int:
        query = {kind: key} if key else {}
        return request.api.page(of.operation, of.record, size=1, query=query, ids=ids).total  # type: ignore[arg-type]

    totals = together(*[partial(count, tab.key) for tab in tabs])
    return [
        Tab(tab.key, tab.label, tab.url, tab.current, None if isinstance(total, ApiError) else total)
        for tab, total in zip(tabs, totals, strict=True)
    ]


def chosen(asked: QueryDict, of: List) -> tuple[str, str]:
    """The filter in the address and its value; ("", "") for none. The gateway takes one at a time: of several it is the first."""
    for name, one in of.filters.items():
        value = asked.get(name, "").strip()[: one.longest]
        if value.strip("* ") and (not one.choices or value in one.choices):
            return name, value
    return "", ""


def _fetch(request: PortalRequest, of: List, ids: Mapping[str, Any] | None) -> Fetch:
    assert of.operation  # noqa: S101 (rows of our own come with a `fetch`)
    return partial(_page, request, of, ids, _query(request.GET, of))


def _page(request: PortalRequest, of: List, ids: Any, query: dict[str, str], offset: int, size: int, sort: str) -> Any:
    return request.api.page(of.operation, of.record, offset=offset, size=size, sort=sort, query=query, ids=ids)  # type: ignore[arg-type]


def _query(asked: QueryDict, of: List) -> dict[str, str]:
    kind, value = chosen(asked, of)
    return {kind: of.filters[kind].sends(value)} if kind else {}


def _sort(asked: QueryDict, of: List) -> str:
    sort = asked.get("sort", "")
    return sort if of.operation and sort.removeprefix("-") in of.operation.sort else ""


def _left_out(request: PortalRequest, of: List) -> list[str]:
    """The columns that are not shown: the reader's choice, or all of `further`."""
    names = list(of.table.base_columns)
    wish = request.person.preferences.get(f"columns.{of.name}", "")
    wanted = wish.split(",") if wish else [name for name in names if name not in of.further]
    return [name for name in names[1:] if name not in wanted]


def _tabs(of: List, kind: str, value: str, sort: str) -> list[Tab]:
    if not of.tabs:
        return []
    name, one = of.tabs
    kept = {"sort": sort} if sort else {}
    every = Tab("", "", "?" + urlencode(kept), not kind)
    return [
        every,
        *(
            Tab(key, label, "?" + urlencode({name: key, **kept}), (kind, value) == (name, key))
            for key, label in one.choices.items()
        ),
    ]


def _workbook(request: PortalRequest, of: List, op: Operation, ids: Mapping[str, Any] | None) -> HttpResponseBase:
    """The gateway's own workbook of the list, passed through."""
    sort = _sort(request.GET, of)
    query = _query(request.GET, of) | ({"sort": sort} if sort else {})
    file = request.api.stream(op, ids=ids, query=query, accept=WORKBOOK)
    answer = StreamingHttpResponse(file.chunks, content_type="application/octet-stream")
    ending = "xlsx" if ".xlsx" in file.disposition.lower() else "xls"
    answer["Content-Disposition"] = f'attachment; filename="{of.name}-gateway.{ending}"'
    return answer
