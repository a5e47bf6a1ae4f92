"""Remote lists: how often the gateway is asked, for what, and which page a person gets for a page that is none."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from django.core.paginator import Page
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import reverse
from django_tables2 import Column

from portal.api import client, domains
from portal.session import Person
from portal.ui.addresses import below
from portal.ui.tables import LAST_PAGE, RemotePaginator, RemoteTable, RemoteTableData, remote_page, remote_table

HUGE = "9" * 30
TOO_LONG = "9" * 5000  # more digits than Python reads


class Table(RemoteTable):
    row_template, base = "users/_rows.html", "user-list"
    name = Column(orderable=True)
    id = Column(orderable=True)
    status = Column()
    shout = Column()


class Remote:
    """A gateway's list of `total` rows, and what it was asked: (offset, size, sort)."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.asked: list[tuple[int, int, str]] = []

    def __call__(self, offset: int, size: int, sort: str) -> client.Page[Any]:
        self.asked.append((offset, size, sort))
        rows = [SimpleNamespace(name=f"n{n}", id=n) for n in range(offset, min(offset + size, self.total))]
        return client.Page(rows, self.total)


def asks(query: str) -> HttpRequest:
    request: Any = RequestFactory().get("/domains/?" + query)
    request.person = Person("somebody", "owner", None)
    return request


def table_page(request: HttpRequest, fetch: Any) -> Page:
    return remote_table(request, Table, fetch, ("name", "id")).page


def shown(page: Page) -> list[int]:
    return [getattr(row, "record", row).id for row in page.object_list]


def look(page: Page) -> None:
    """All that a template asks of a page."""
    assert page.paginator.count >= 0
    assert page.paginator.num_pages >= 1
    assert page.has_next() in (True, False)
    assert page.has_previous() in (True, False)
    assert len(list(page.object_list)) <= page.paginator.per_page


BOTH = pytest.mark.parametrize("pages", [table_page, remote_page], ids=["table", "list"])
Pages = Callable[[HttpRequest, Any], Page]


@BOTH
def test_a_page_costs_one_call_whatever_is_then_asked_of_it(pages: Pages):
    remote = Remote(100)
    page = pages(asks(""), remote)
    look(page)
    look(page)
    assert remote.asked == [(0, 40, "")]
    assert shown(page) == list(range(40))
    assert (page.number, page.paginator.num_pages, page.paginator.count) == (1, 3, 100)


@BOTH
def test_a_page_in_the_middle_and_the_last_one_cost_one_call_too(pages: Pages):
    for number, rows in ((2, range(40, 80)), (3, range(80, 100))):
        remote = Remote(100)
        page = pages(asks(f"page={number}"), remote)
        look(page)
        assert remote.asked == [((number - 1) * 40, 40, "")]
        assert (page.number, shown(page)) == (number, list(rows))


@BOTH
@pytest.mark.parametrize("number", ["4", "7", "100000", "100001", HUGE])
def test_a_page_past_the_end_costs_two_calls_and_is_the_last_page(pages: Pages, number: str):
    remote = Remote(100)
    page = pages(asks(f"page={number}"), remote)
    look(page)
    assert [asked[0] for asked in remote.asked] == [(min(int(number), LAST_PAGE) - 1) * 40, 80]
    assert (page.number, shown(page)) == (3, list(range(80, 100)))


@BOTH
@pytest.mark.parametrize("number", ["abc", "-4", "0", "", "1.5", "1e9", "²", "null", TOO_LONG, "-" + HUGE])
def test_a_page_that_is_no_number_is_the_first_page_for_one_call(pages: Pages, number: str):
    remote = Remote(100)
    page = pages(asks(f"page={number}"), remote)
    look(page)
    assert remote.asked == [(0, 40, "")]
    assert page.number == 1


@BOTH
@pytest.mark.parametrize("number", ["1", "5"])
def test_an_empty_list_is_one_empty_page(pages: Pages, number: str):
    remote = Remote(0)
    page = pages(asks(f"page={number}"), remote)
    look(page)
    assert len(remote.asked) == int(number != "1") + 1
    assert (page.number, page.paginator.num_pages, shown(page)) == (1, 1, [])
    assert not page.has_other_pages()


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ("100000", 200),
        (HUGE, 200),
        ("201", 200),
        ("200", 200),
        ("7", 7),
        ("-1", 40),
        ("0", 25),  # django-tables2's own idea of nothing
        ("x", 40),
        ("", 40),
        (TOO_LONG, 40),
    ],
)
def test_a_page_has_no_more_rows_than_the_gateway_should_be_asked_for(asked: str, size: int):
    remote = Remote(1000)
    page = table_page(asks(f"per_page={asked}"), remote)
    assert remote.asked == [(0, size, "")]
    assert len(shown(page)) == size


@pytest.mark.parametrize(
    ("query", "sort"),
    [
        ("sort=name", "name"),
        ("sort=-name", "-name"),
        ("sort=id", "id"),
        ("sort=-name&sort=id", "-name"),  # the API sorts by one key
        ("sort=id&sort=-name", "id"),
        ("sort=password&sort=-id", "-id"),
        ("sort=password", ""),
        ("sort=status", ""),  # a column, and no documented sort key
        ("sort=--name", ""),
        ("sort=-", ""),
        ("sort=", ""),
        ("sort=name,id", ""),
        ("sort=name%00", ""),
        ("sort=Name", ""),
    ],
)
def test_only_a_documented_key_of_a_column_is_sorted_by(query: str, sort: str):
    remote = Remote(100)
    table_page(asks(query), remote)
    assert remote.asked == [(0, 40, sort)]


def test_a_sort_key_that_the_table_offers_and_the_api_does_not_document_is_never_sent():
    remote = Remote(100)
    remote_table(asks("sort=-id"), Table, remote, ("name",))
    assert remote.asked == [(0, 40, "")]


def test_sorting_keeps_the_gateways_order_and_sorts_nothing_here():
    page = table_page(asks("sort=-id"), Remote(100))
    assert shown(page) == list(range(40))


def test_sort_page_and_size_go_together():
    remote = Remote(100)
    page = table_page(asks("sort=-id&page=3&per_page=10"), remote)
    assert remote.asked == [(20, 10, "-id")]
    assert (page.number, page.paginator.num_pages) == (3, 10)


def test_the_heading_shows_what_is_sorted_by():
    table = remote_table(asks("sort=-name"), Table, Remote(1), ("name", "id"))
    ordered = {column.name: column.is_ordered for column in table.columns}
    assert ordered == {"name": True, "id": False, "status": False, "shout": False}
    assert table.columns["name"].order_by_alias.is_descending


def test_the_length_of_a_list_that_was_not_fetched_is_not_invented():
    with pytest.raises(TypeError, match="fetched"):
        len(RemoteTableData(Remote(5)))


def test_the_rows_are_the_page_s_records_in_the_order_of_the_columns():
    table = remote_table(asks("page=2"), Table, Remote(42), ("name",))
    rows = table.body()
    assert [record.name for record in rows["records"]] == ["n40", "n41"]
    assert rows["columns"] == ["name", "id", "status", "shout"]
    assert rows["base"] == "/users/"


@pytest.mark.parametrize("id", ["plain", "a/b", "..", "<a@b>", "%2e", "ü", "a b", "?x#y", "50%", "~:@", "é+&=;,"])
def test_the_address_of_a_row_is_the_one_that_reverse_makes(id: str):
    assert below(reverse("user-list"), id) == reverse("user-hub", args=(id,))
    assert below(reverse("mail-list", args=("u", "INBOX/Sub")), id) == reverse("mail-read", args=("u", "INBOX/Sub", id))


# A gateway that does not count, or counts wrongly


def uncounted(rows: int, total: str | None, calls: list[str]) -> client.Client:
    """The real client before a gateway with that many rows and that total."""

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.params["offset"])
        offset, size = int(request.url.params["offset"]), int(request.url.params["pageSize"])
        headers = {} if total is None else {"X-Total-Count": total}
        return httpx.Response(200, json=[{"id": n} for n in range(offset, min(offset + size, rows))], headers=headers)

    return client.Client(httpx.MockTransport(answer), "http://gateway.test", "")


def fetch_from(api: client.Client) -> Any:
    return lambda offset, size, sort: api.page(domains.LIST, domains.Domain, offset=offset, size=size, sort=sort)


@BOTH
@pytest.mark.parametrize(("number", "more"), [(1, True), (2, True), (3, False)])
def test_without_a_total_one_can_still_go_from_page_to_page(pages: Pages, number: int, more: bool):
    calls: list[str] = []
    page = pages(asks(f"page={number}"), fetch_from(uncounted(100, None, calls)))
    look(page)
    assert (page.number, page.has_next(), len(calls)) == (number, more, 1)


@BOTH
def test_without_a_total_the_page_after_a_full_last_one_leads_back_to_it(pages: Pages):
    calls: list[str] = []
    page = pages(asks("page=3"), fetch_from(uncounted(80, None, calls)))
    assert calls == ["80", "40"]
    assert (page.number, len(shown(page))) == (2, 40)


@BOTH
@pytest.mark.parametrize("total", [None, "", "-7", "many", "0", "3", "9" * 12, "9" * 400, TOO_LONG])
@pytest.mark.parametrize("number", ["1", "2", "3", "4", "99", HUGE])
def test_whatever_the_gateway_counts_a_page_appears_after_two_calls_at_most(pages: Pages, total: str | None, number: str):
    calls: list[str] = []
    look(pages(asks(f"page={number}"), fetch_from(uncounted(100, total, calls))))
    assert 1 <= len(calls) <= 2


@BOTH
def test_a_list_that_shrinks_between_the_two_calls_is_an_empty_page_and_no_failure(pages: Pages):
    remote = Remote(100)

    def shrinking(offset: int, size: int, sort: str) -> client.Page[Any]:
        found = remote(offset, size, sort)
        remote.total = 10
        return found

    page = pages(asks("page=9"), shrinking)
    look(page)
    assert len(remote.asked) == 2


def test_the_same_rows_are_not_fetched_twice():
    remote = Remote(100)
    data = RemoteTableData(remote, ("name",))
    assert data[0:40] is data[0:40]
    data.order_by(("name",))
    assert len(data[0:40]) == 40
    assert remote.asked == [(0, 40, ""), (0, 40, "name")]


def test_the_paginator_takes_a_plain_remote_list_too():
    remote = Remote(41)
    page = RemotePaginator(RemoteTableData(remote), 40).page(2)
    assert (shown(page), remote.asked) == ([40], [(40, 40, "")])
