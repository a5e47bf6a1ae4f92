"""The list of domains with its filters, its health and its files; the hub of a domain with its setup checklist."""

import csv
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import openpyxl
import pytest
from django.test import Client
from django.urls import reverse

from portal.ui.addresses import row_id
from sandbox import seed
from sandbox.models import Domain, User
from tests.conftest import Gateway
from tests.shown import attribute, column, find, form, is_part, link, one, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])

Answer = Callable[[httpx.Request], httpx.Response]


def panel(name: str) -> dict[str, str]:
    return {"HX-Request": "true", "HX-Target": name}


def names(answer: Any) -> list[str]:
    """The names of the domains in the list as the gateway has them, which stands below one with letters of its own."""
    cells = [(text(one(cell, "a")), "".join(map(text, cell.css("small")))) for cell in find(answer, "td.c-name")]
    return [below.partition(" · ")[0] if below.startswith("xn--") else name for name, below in cells]


def heading(answer: Any) -> str:
    return text(one(answer, "h1"))


def setup(browser: Client) -> Any:
    return browser.get("/domains/d1/setup/", headers=panel("domain-setup"))


def codes(answer: Any) -> list[str]:
    """What is there to be copied, line by line."""
    return [code.text() for code in find(answer, "code[id]")]


def domain(name: str) -> str:
    return reverse("domain-hub", args=(Domain.objects.get(name=name).uid,))


def many(total: int) -> Answer:
    """A gateway with so many domains, which it pages."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/health":
            return httpx.Response(200, json=[])
        offset, size = int(request.url.params["offset"]), int(request.url.params["pageSize"])
        rows = [{"id": f"d{n}", "name": f"domain{n:05}.example", "status": "ENABLED"} for n in range(offset, min(offset + size, total))]
        return httpx.Response(200, json=rows, headers={"X-Total-Count": str(total)})

    return answer


# The list.

def test_a_row_tells_what_matters_about_a_domain(as_admin: Client) -> None:
    answer = as_admin.get("/domains/")
    assert names(answer) == sorted(Domain.objects.values_list("name", flat=True))
    as_admin.post("/account/columns/", {"list": "domains", "column": ["name", "status", "customer", "services", "activeUsersCount",
                                                                      "policiesCount", "domainAliases"]})
    answer = as_admin.get("/domains/")
    columns = ("status", "customer", "services", "policiesCount", "domainAliases")
    rows = dict(zip(names(answer), zip(*(column(answer, name) for name in columns), strict=True), strict=True))
    customer, services = "Nordwind Logistik AG", "Incoming, quarantine, retention, archive"
    assert rows["nordwind.example"] == ("Enabled", customer, services, "2", "3")
    assert rows["alpenmilch-neu.example"][:3] == ("Pending", "Alpenmilch Genossenschaft", "Incoming, quarantine")
    users = dict(zip(names(answer), column(answer, "activeUsersCount"), strict=True))
    for name, shown in users.items():
        assert shown == str(User.objects.filter(domain__name=name, status="ENABLED").count())
    assert "Hauptdomain · RT-1001-1" in column(answer, "name")[names(answer).index("nordwind.example")]
    assert find(answer, "[title='nordwind-logistik.example, nordwind.test, nordwind-ag.example']")


def test_a_deleted_domain_is_in_the_list_and_says_until_when(as_admin: Client) -> None:
    answer = as_admin.get("/domains/", {"status": "DELETED"})
    assert names(answer) == ["altmilch.example"]
    assert column(answer, "status") == ["Deleted"]
    assert re.search(r"^altmilch.example until \d+ \w+", column(answer, "name")[0])
    assert text(one(answer, "a[href='?status=DELETED'][aria-current=page]")) == "Deleted"
    assert column(answer, "health") == ["–"]  # nobody checks it any more


@pytest.mark.parametrize(("query", "found"), [
    ({"name": "hafen"}, ["nordwind-hafen.example"]),
    ({"name": " NORDWIND.example "}, ["nordwind.example"]),
    ({"name": "nordwind*"}, ["nordwind-hafen.example", "nordwind.example"]),
    ({"name": "*wind.example"}, ["nordwind.example"]),
    ({"status": "PENDING"}, ["alpenmilch-neu.example"]),
    ({"externalId": "RT-1001-1"}, ["nordwind.example"]),
    ({"platformName": "mail", "status": "PENDING"}, ["alpenmilch-neu.example"]),  # one filter a request
])
def test_one_filter_at_a_time(query: dict[str, str], found: list[str], as_admin: Client) -> None:
    answer = as_admin.get("/domains/", query)
    assert names(answer) == found
    assert answer.wsgi_request.api.calls == 1
    assert "?" in [a.attributes["href"] for a in find(answer, "a") if text(a) in ("All", "Show all")]


def test_a_customer_in_a_row_leads_to_all_its_domains(as_admin: Client) -> None:
    address = link(as_admin.get("/domains/"), "Nordwind Logistik AG")
    assert address.startswith("?customerId=")
    answer = as_admin.get(f"/domains/{address}")
    assert set(column(answer, "customer")) == {"Nordwind Logistik AG"}
    assert len(names(answer)) == Domain.objects.filter(customer__name="Nordwind Logistik AG").count()
    assert "Customer: Nordwind Logistik AG" in text(answer)


def test_a_relay_leads_to_its_domain(as_admin: Client) -> None:
    found = Domain.objects.get(name="nordwind.example")
    relay = found.platforms.first()
    assert relay
    answer = as_admin.get("/domains/", {"platformId": relay.uid})
    assert names(answer) == ["nordwind.example"]
    assert f"Relay ID: {relay.name}" in text(answer)


def test_who_types_the_name_of_a_customer_is_shown_which_one_is_meant(as_admin: Client) -> None:
    shown = as_admin.get("/domains/", {"customerId": "nordwind"})
    assert "Nothing matches “nordwind”." in text(shown)
    address = link(shown, "Nordwind Logistik AG")
    assert address.startswith("?customerId=")
    assert "nordwind.example" in names(as_admin.get(f"/domains/{address}"))


@pytest.mark.parametrize(("query", "asked"), [
    ({}, {}),
    ({"name": "nord"}, {"name": "*nord*"}),
    ({"name": "nord*"}, {"name": "nord*"}),
    ({"name": "*"}, {}),
    ({"name": "  "}, {}),
    ({"platformName": "mail"}, {"platformName": "*mail*"}),
    ({"externalId": "RT"}, {"externalId": "RT"}),
    ({"status": "SLEEPING"}, {}),
    ({"name": "a", "status": "DELETED", "customerId": "c"}, {"name": "*a*"}),
    ({"sort": "-name", "page": "3"}, {"sort": "-name", "offset": "80"}),
    ({"sort": "status"}, {}),  # no key that the gateway documents
    ({"sort": "-id"}, {"sort": "-id"}),
])
def test_the_gateway_is_asked_once_with_one_filter(
    query: dict[str, str], asked: dict[str, str], browser_of_somebody: Client, gateway: Gateway,
) -> None:
    gateway.answer = many(1000)
    assert browser_of_somebody.get("/domains/", query).status_code == 200
    (request,) = gateway.asked
    assert dict(request.url.params) == {"offset": "0", "pageSize": "40", **asked}


def test_the_order_stays_while_one_filters_and_turns_pages(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = many(1000)
    shown = browser_of_somebody.get("/domains/?sort=-name&name=nord")
    assert attribute(shown, "a[rel=next]", "href") == "?sort=-name&name=nord&page=2"
    assert find(shown, "a[href='?status=DELETED&sort=-name']")
    assert link(shown, "Show all") == "?sort=-name"
    assert form(shown, "kind") == {"sort": "-name", "kind": "name", "value": "nord", "of-status": "ENABLED"}


def test_the_deepest_of_two_thousand_domains_is_one_click_and_one_call_away(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = many(2000)
    first = browser_of_somebody.get("/domains/")
    assert "Page 1 of 50" in text(first)
    assert "First" not in text(first)
    assert link(first, "Last") == "?page=50"
    gateway.asked.clear()
    answer = browser_of_somebody.get("/domains/?page=50")
    assert len(gateway.asked) == 1
    assert names(answer)[-1] == "domain01999.example"
    assert "Page 50 of 50" in text(answer)
    assert link(answer, "First") == "?page=1"
    assert "Last" not in [text(a) for a in find(answer, "a")]


def test_nothing_at_all_and_nothing_that_matches_say_what_to_do(as_owner: Client, as_admin: Client) -> None:
    assert "Part of the name is enough" in text(as_admin.get("/domains/", {"name": "zzz"}))
    nothing = as_owner.get("/domains/")
    assert names(nothing) == []
    assert "Your account has no domain." in text(nothing)
    assert "Create the first domain" not in text(nothing)
    assert not find(nothing, "[href*='format=']")
    Domain.objects.all().delete()
    assert "Create the first domain" in text(as_admin.get("/domains/"))


def test_only_system_administrators_are_offered_what_only_they_may(
    as_admin: Client, as_customer: Client, as_helpdesk: Client,
) -> None:
    hub = domain("nordwind.example")
    for browser, offered in ((as_admin, True), (as_customer, False), (as_helpdesk, False)):
        assert bool(find(browser.get("/domains/"), "a[href='/domains/new/']")) == offered
        assert bool(find(browser.get(hub), f"a[href='{hub}delete/']")) == offered
        assert find(browser.get(hub), f"a[href='{hub}edit/']")


def test_people_see_their_domains(as_customer: Client) -> None:
    assert names(as_customer.get("/domains/")) == ["nordwind-hafen.example", "nordwind.example", seed.IDN]


def test_what_is_typed_for_a_kind_of_filter_becomes_an_address_in_the_words_of_the_api(as_admin: Client) -> None:
    shown = as_admin.get("/domains/", {"sort": "-name"})
    for changes, address in (
        ({"value": " hafen "}, "?name=hafen&sort=-name"),
        ({"kind": "status", "of-status": "DELETED", "value": "left over"}, "?status=DELETED&sort=-name"),
        ({"kind": "customerId", "of-customerId": "c 1"}, "?customerId=c+1&sort=-name"),
        ({"kind": "platformId", "of-platformId": ""}, "?sort=-name"),
        ({"kind": "externalId", "value": "RT"}, "?externalId=RT&sort=-name"),
    ):
        asked = form(shown, "kind").filled(**changes)
        assert as_admin.get("/domains/", asked)["Location"] == f"/domains/{address}"
    assert as_admin.get("/domains/", {"kind": "owner", "value": "x"}).status_code == 200  # no filter of this list


def test_the_tabs_get_their_numbers_after_the_list_is_there(as_admin: Client) -> None:
    shown = as_admin.get("/domains/", {"status": "PENDING"})
    assert shown.wsgi_request.api.calls == 1
    address = attribute(shown, "#tabs", "hx-get")
    counted = as_admin.get(address, headers=panel("tabs"))
    numbers = [Domain.objects.count(), *(Domain.objects.filter(status=one).count() for one in ("ENABLED", "PENDING", "DISABLED", "DELETED"))]
    assert [text(tab) for tab in find(counted, "a")] == [
        f"{name} {number}" for name, number in zip(("All", "Enabled", "Pending", "Disabled", "Deleted"), numbers, strict=True)
    ]
    assert text(one(counted, "[aria-current=page]")).startswith("Pending")
    assert not find(counted, "[hx-trigger]")  # once is enough
    assert as_admin.get(address)["Location"] == "/domains/?status=PENDING"


def test_the_tabs_of_another_page_of_the_list_get_their_numbers_too(as_admin: Client) -> None:
    address = attribute(as_admin.get("/domains/?page=2"), "#tabs", "hx-get")
    assert text(find(as_admin.get(address, headers=panel("tabs")), "a")[0]) == f"All {Domain.objects.count()}"


@pytest.mark.parametrize("id", ["a/b", "100%", "a%2Fb", "a?b=c#d"])
def test_a_list_below_an_id_with_odd_characters_keeps_its_address(id: str, browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = lambda asked: httpx.Response(200, json={"id": id} if "/users" not in asked.url.path else [{"id": "u"}])
    users = reverse("domain-users", args=(id,))
    shown = browser_of_somebody.get(f"{users}?page=1")
    assert form(shown, "column")["next"] == f"{users}?page=1"
    assert browser_of_somebody.get(f"{users}?kind=email&value=x")["Location"] == f"{users}?email=x"


def test_a_number_that_cannot_be_had_is_missing_and_the_others_are_there(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = lambda asked: httpx.Response(500) if asked.url.params.get("status") == "PENDING" else many(7)(asked)
    shown = browser_of_somebody.get("/domains/panels/counts/", headers=panel("tabs"))
    assert [text(tab) for tab in find(shown, "a")] == ["All 7", "Enabled 7", "Pending", "Disabled 7", "Deleted 7"]
    assert {asked.url.params["pageSize"] for asked in gateway.asked} == {"1"}


def test_the_columns_that_somebody_chose_stay_and_the_name_cannot_go(as_admin: Client, as_helpdesk: Client) -> None:
    choice = form(as_admin.get("/domains/?sort=-id"), "column")
    assert (choice["list"], choice["next"], choice["column"][0]) == ("domains", "/domains/?sort=-id", "name")
    assert as_admin.post("/account/columns/", {**choice, "column": ["name", "id", "nonsense"]})["Location"] == "/domains/?sort=-id"
    for answer in (as_admin.get("/domains/"), as_admin.get("/domains/?sort=-id")):
        assert [text(head) for head in find(answer, "th")] == ["Domain", "ID"]
    assert not find(answer, "#domain-marks")  # nobody sees the health, so nobody asks for it
    assert [text(head) for head in find(as_helpdesk.get("/domains/"), "th")][1:3] == ["Status", "Customer"]
    as_admin.post("/account/columns/", {**choice, "column": "nonsense"})
    assert [text(head) for head in find(as_admin.get("/domains/"), "th")] == ["Domain"]
    as_admin.post("/account/columns/", {**choice, "reset": "1"})
    assert [text(head) for head in find(as_admin.get("/domains/"), "th")][-1] == "Health"


def test_a_column_that_is_not_shown_can_be_sorted_by_all_the_same(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = many(3)
    shown = browser_of_somebody.get("/domains/?sort=-id")
    assert gateway.asked[0].url.params["sort"] == "-id"
    assert "ID" not in [text(head) for head in find(shown, "th")]


# The health of the rows.

def entry(id: str, *tests: str, type: str = "DOMAIN") -> dict[str, Any]:
    entries = [{"type": test, "result": f"ERROR_{test}_MISSING_ENTRY", "output": []} for test in tests]
    return {"id": id, "name": id, "type": type, "health": {"performedAt": 1, "report": {"status": False, "entries": entries}}}


def marks(browser: Client) -> tuple[str, Any]:
    """The address that the list asks for the health of its rows, and the answer."""
    address = attribute(browser.get("/domains/"), "#domain-marks", "hx-get")
    return address, browser.get(address, headers=panel("domain-marks"))


def test_the_health_of_all_rows_comes_in_one_call(browser_of_somebody: Client, gateway: Gateway) -> None:
    failing = [entry("d1", "MX", "DKIM"), entry("d2"), entry("elsewhere", "MX"), entry("d3", "SMTP", type="PLATFORM")]
    gateway.answer = lambda asked: httpx.Response(200, json=failing) if asked.url.path == "/health" else many(50)(asked)
    _address, shown = marks(browser_of_somebody)
    assert [asked.url.path for asked in gateway.asked] == ["/domains", "/health"]
    said = {mark.attributes["id"]: text(mark) for mark in find(shown, "span[id^=row-][hx-swap-oob=true]")}
    assert set(said) == {row_id(f"d{n}") for n in range(40)}  # those on the page, and no other: htmx would complain
    assert said[row_id("d1")] == "No MX record + 1"
    assert said[row_id("d2")] == "Problem without a failed test"
    assert said[row_id("d3")] == said[row_id("d4")] == "OK"
    assert one(shown, ".chip.bad[title='No MX record, No DKIM record']")


def test_every_mark_has_its_place_in_the_list(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = many(3)
    shown = browser_of_somebody.get("/domains/")
    for n in range(3):
        assert text(one(shown, f"a[href='/domains/d{n}/health/'] > span#{row_id(f'd{n}')}")) == "Show"


def test_the_health_of_the_longest_page_fits_into_an_address(browser_of_somebody: Client, gateway: Gateway) -> None:
    rows = [{"id": f"{n:03}" + "i" * 900, "name": "x"} for n in range(200)]
    gateway.answer = lambda asked: httpx.Response(200, json=[] if asked.url.path == "/health" else rows)
    address = attribute(browser_of_somebody.get("/domains/?per_page=200"), "[hx-get^='/domains/health-marks/']", "hx-get")
    assert len(address) < 3000
    assert len(find(browser_of_somebody.get(address, headers=panel("domain-marks")), "[hx-swap-oob]")) == 200


def test_without_the_health_the_list_stays_as_it_is(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = lambda asked: httpx.Response(500) if asked.url.path == "/health" else many(3)(asked)
    address, shown = marks(browser_of_somebody)
    assert "Health could not be loaded. The gateway failed." in text(shown)
    assert find(shown, f"[hx-get='{address}'][hx-target='#domain-marks']")
    assert not find(shown, "[hx-swap-oob]")


@pytest.mark.parametrize("rows", ["", "x", "<script>", "0123456789AB", "0123456789abc", "row-0123456789ab", ",".join(["é" * 12] * 9)])
def test_a_mark_that_is_none_gets_no_answer(rows: str, browser_of_somebody: Client) -> None:
    assert not find(browser_of_somebody.get("/domains/health-marks/", {"rows": rows}, headers=panel("domain-marks")), "span")


# The list as a file.

def as_csv(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    content = answer.getvalue().decode()
    assert content.startswith("\ufeff")  # else Excel takes it for an older encoding
    return list(csv.DictReader(io.StringIO(content[1:], newline="")))


def as_workbook(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(answer.getvalue())).active
    assert sheet
    heading, *rows = ([cell.value for cell in row] for row in sheet.iter_rows())
    for row in sheet.iter_rows():
        assert all(cell.data_type != "f" for cell in row)
    return [dict(zip(map(str, heading), row, strict=True)) for row in rows]


READ = {"csv": as_csv, "xlsx": as_workbook}


@pytest.mark.parametrize("kind", READ)
def test_all_domains_come_as_a_file(kind: str, as_admin: Client) -> None:
    answer = as_admin.get("/domains/", {"format": kind})
    assert re.fullmatch(rf'attachment; filename="domains-20\d\d-\d\d-\d\d\.{kind}"', answer["Content-Disposition"])
    rows = READ[kind](answer)
    assert [row["Domain"] for row in rows] == sorted(Domain.objects.values_list("name", flat=True))
    (row,) = (row for row in rows if row["Domain"] == "nordwind.example")
    assert (row["Status"], row["Customer"], row["Archive"]) == ("Enabled", "Nordwind Logistik AG", "yes")
    assert row["Aliases"] == "nordwind-logistik.example, nordwind.test, nordwind-ag.example"
    users = User.objects.filter(domain__name="nordwind.example", status="ENABLED").count()
    assert row["Active users"] == (users if kind == "xlsx" else str(users))
    assert str(row["Created"])[:2] == "20"


@pytest.mark.parametrize("typed", ["grüne-fracht", "Grüne-Fracht.example", "xn--grne"])
def test_a_name_with_letters_of_its_own_is_found_and_read(typed: str, as_admin: Client) -> None:
    answer = as_admin.get("/domains/", {"name": typed})
    assert names(answer) == ["xn--grne-fracht-uhb.example"]
    assert text(answer).count("grüne-fracht.example") == text(answer).count("xn--grne-fracht-uhb.example") == 1  # though it is the description, too
    assert "grüne-fracht.example" in [text(beside) for beside in find(as_admin.get(domain("xn--grne-fracht-uhb.example")), "p.muted")]


def test_the_setup_of_a_new_domain_comes_before_its_facts(as_admin: Client) -> None:
    for url, first in ((domain("nordwind.example"), False), (domain("nordwind.example") + "?new=1", True),
                       (domain("alpenmilch-neu.example"), True)):
        panels = [panel.attributes["id"] for panel in find(as_admin.get(url), "#domain-setup, #about")]
        assert panels == (["domain-setup", "about"] if first else ["about", "domain-setup"])
    assert not find(as_admin.get(domain("altmilch.example") + "?new=1"), "#domain-setup")  # deleted


def test_who_hides_the_setup_of_a_domain_no_longer_sees_it_there_and_finds_it_by_a_link(as_admin: Client, as_customer: Client) -> None:
    url = domain("alpenmilch-neu.example")
    hide = one(as_admin.get(f"{url}setup/", headers=panel("domain-setup")), "form[method=post]")
    assert text(hide) == "Hide checklist" and hide.attributes["action"] == f"{url}setup/"
    assert as_admin.get(f"{url}setup/").status_code == 200 and find(as_admin.get(url), "#domain-setup")  # looking changes nothing
    assert as_admin.post(f"{url}setup/")["Location"] == url
    for _twice in range(2):
        as_admin.post(f"{url}setup/")
        hub = as_admin.get(url)
        assert not find(hub, "#domain-setup")
        assert " done" not in text(hub)
    assert "of 5 done" in text(as_admin.get(link(hub, "Show setup checklist")))
    assert not find(as_admin.get(f"{url}setup/"), "main form[method=post]")
    assert find(as_admin.get(domain("nordwind.example")), "#domain-setup")  # another domain
    assert find(as_customer.get(domain("nordwind.example")), "#domain-setup")


def test_a_deleted_domain_has_no_link_to_its_setup(as_admin: Client) -> None:
    url = domain("altmilch.example")
    as_admin.post(f"{url}setup/")
    assert not find(as_admin.get(url), f"[href='{url}setup/']")


def test_a_deleted_domain_is_not_offered_to_be_changed(as_admin: Client) -> None:
    for name, offered in (("nordwind.example", True), ("altmilch.example", False)):
        url = domain(name)
        assert bool(find(as_admin.get(url), f"a[href='{url}edit/']")) is offered


@pytest.mark.parametrize("kind", READ)
def test_a_file_has_the_rows_of_the_filter_in_the_order_of_the_list(kind: str, as_admin: Client) -> None:
    shown = as_admin.get("/domains/?name=nordwind&sort=-name&page=1")
    address = attribute(shown, f"a[href*='format={kind}']", "href")
    assert parse_qs(urlsplit(address).query) == {"name": ["nordwind"], "sort": ["-name"], "format": [kind]}
    assert [row["Domain"] for row in READ[kind](as_admin.get(f"/domains/{address}"))] == names(shown) == [
        "nordwind.example", "nordwind-hafen.example",
    ]


def test_a_file_speaks_the_language_of_its_reader(as_admin: Client) -> None:
    as_admin.post("/language/", {"language": "de", "next": "/"})
    (row, *_rest) = as_csv(as_admin.get("/domains/?format=csv&status=DELETED"))
    assert row["Status"] == "Gelöscht"


@pytest.mark.parametrize("kind", READ)
def test_a_long_list_is_fetched_page_by_page(kind: str, browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = many(1001)
    rows = READ[kind](browser_of_somebody.get("/domains/", {"format": kind}))
    assert [row["Domain"] for row in rows] == [f"domain{n:05}.example" for n in range(1001)]
    assert [asked.url.params["offset"] for asked in gateway.asked] == ["0", "200", "400", "600", "800", "1000"]


def test_a_gateway_with_smaller_pages_loses_no_row(browser_of_somebody: Client, gateway: Gateway) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        params = {**request.url.params, "pageSize": "70"}
        return many(300)(httpx.Request("GET", request.url.copy_with(params=params)))

    gateway.answer = answer
    rows = as_csv(browser_of_somebody.get("/domains/?format=csv"))
    assert [row["Domain"] for row in rows] == [f"domain{n:05}.example" for n in range(300)]


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\0=1+1", "x;=1+1", "x; +1", "x\n-1\ny", "x\r\n@SUM(A1)", "x\t=1", "=HYPERLINK(\"http://evil.example\")", "#N/A", "\x1b=1", "＝1+1", "x;\t ＠SUM(A1)", "\n\n=1", "\n" * 1000 + "=1"]


@pytest.mark.parametrize("kind", READ)
def test_no_cell_of_a_file_is_a_formula(kind: str, browser_of_somebody: Client, gateway: Gateway) -> None:
    rows = [
        {"id": said, "name": said, "description": said, "externalId": said, "customer": {"id": said, "name": said}}
        for said in FORMULAS
    ]
    gateway.answer = lambda request: httpx.Response(200, json=rows)
    found = READ[kind](browser_of_somebody.get("/domains/", {"format": kind}))
    assert len(found) == len(FORMULAS)
    if kind == "csv":  # in a workbook, a cell says itself that it is a text
        for row in found:
            # Where numbers have commas, a spreadsheet divides lines at semicolons, and a quotation mark behind a comma means nothing.
            assert not any(re.search(r"(^|[;\t\r\n])\s*[=+\-@＝＋－＠]|^[\t\r\n]", value) for value in row.values())
        assert found[0]["Domain"] == "'=1+1"
    else:
        assert found[0]["Domain"] == "=1+1"


def test_a_text_of_nothing_but_blanks_costs_what_it_is_long(browser_of_somebody: Client, gateway: Gateway) -> None:
    said = "x" + "\n" * 100_000 + "x"  # minutes, where each of them looks at all that follow
    gateway.answer = lambda request: httpx.Response(200, json=[{"id": 1, "name": said}])
    assert as_csv(browser_of_somebody.get("/domains/?format=csv"))[0]["Domain"] == said


@pytest.mark.parametrize("kind", READ)
@pytest.mark.parametrize("said", ["\0a\x08b", "\ufffe", "\u202egpj", '"quoted", and\r\nbroken', "ü" * 40_000, "🦊", "_x0041_"])
def test_a_hostile_text_breaks_no_file(kind: str, said: str, browser_of_somebody: Client, gateway: Gateway) -> None:
    row = {"id": 10**30, "name": said, "activeUsersCount": 10**400, "policiesCount": -5, "creationDate": 10**30, "purgeDate": 7}
    gateway.answer = lambda request: httpx.Response(200, json=[row, {}])
    (found, empty) = READ[kind](browser_of_somebody.get("/domains/", {"format": kind}))
    kept = "".join(char for char in said if char not in "\0\x08\ufffe")
    if len(said) < 100:
        assert str(found["Domain"] or "").replace("\r\n", "\n") == kept.replace("\r\n", "\n")
    assert str(found["Active users"]) == str(10**400)
    assert str(found["Policies"]) == "-5"
    assert not found["Created"]
    assert str(found["Restorable until"])[:10] == "1970-01-01"
    assert not any(empty.values())


def second_page(failure: Answer) -> Answer:
    return lambda request: many(1000)(request) if request.url.params["offset"] == "0" else failure(request)


LATE = {
    "an error": lambda request: httpx.Response(500),
    "a session that is over": lambda request: httpx.Response(401),
    "nothing more, though more was promised": lambda request: httpx.Response(200, json=[], headers={"X-Total-Count": "1000"}),
    "garbage": lambda request: httpx.Response(200, content=b"<h1>"),
}


@pytest.mark.parametrize("failure", LATE.values(), ids=LATE)
def test_half_a_list_is_never_taken_for_a_whole_file(
    failure: Answer, browser_of_somebody: Client, gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    from portal.api.errors import ApiError

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    gateway.answer = second_page(failure)
    answer: Any = browser_of_somebody.get("/domains/?format=csv")
    with pytest.raises(ApiError):  # the server breaks the connection
        answer.getvalue()
    answer = browser_of_somebody.get("/domains/?format=xlsx")
    assert "Content-Disposition" not in answer
    assert answer.status_code in (302, 502)
    assert list(tmp_path.iterdir()) == []  # nothing is left behind


def test_a_list_without_an_end_is_no_file(browser_of_somebody: Client, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.ui.exports.MOST_ROWS", 1000)
    gateway.answer = many(10**9)
    assert browser_of_somebody.get("/domains/?format=xlsx").status_code == 502
    assert len(gateway.asked) == 5


@pytest.mark.parametrize("kind", READ)
@pytest.mark.parametrize(("zone", "day"), [("Asia/Tokyo", "2026-03-02"), ("America/Lima", "2026-03-01"), ("", "2026-03-01")])
def test_the_days_of_a_file_are_those_of_its_reader(
    kind: str, zone: str, day: str, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    row = {"id": "d1", "name": "a.example", "creationDate": 1772405400000}  # 22:50 in UTC
    rows = [row] * 500
    gateway.answer = lambda request: httpx.Response(
        200, json=rows[int(request.url.params["offset"]):][:200], headers={"X-Total-Count": "500"}
    )
    browser_of_somebody.cookies["timezone"] = zone
    found = READ[kind](browser_of_somebody.get("/domains/", {"format": kind}))
    assert {str(row["Created"])[:10] for row in found} == {day}
    assert len(found) == 500


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No part of a workbook is made before it is sent, but for the first."""
    monkeypatch.setattr("portal.ui.exports.PATIENCE", -1)


@pytest.mark.parametrize("kind", READ)
def test_when_the_reader_goes_the_work_on_a_file_ends(
    kind: str, browser_of_somebody: Client, gateway: Gateway, at_once: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    gateway.answer = many(100_000)
    answer: Any = browser_of_somebody.get("/domains/", {"format": kind})
    assert len(gateway.asked) < 5
    pieces = iter(answer)
    next(pieces), next(pieces)
    asked = len(gateway.asked)
    assert asked < 50
    assert list(tmp_path.iterdir()) == []  # what is killed leaves nothing behind
    answer.close()
    assert list(pieces) == []
    assert len(gateway.asked) == asked


@pytest.mark.parametrize("failure", LATE.values(), ids=LATE)
def test_half_a_workbook_that_was_begun_opens_nowhere(
    failure: Answer, browser_of_somebody: Client, gateway: Gateway, at_once: None,
) -> None:
    from portal.api.errors import ApiError

    gateway.answer = second_page(failure)
    answer: Any = browser_of_somebody.get("/domains/?format=xlsx")
    sent = bytearray()
    pieces = map(sent.extend, answer)
    with pytest.raises(ApiError):  # the server breaks the connection
        list(pieces)
    with pytest.raises(zipfile.BadZipFile):
        openpyxl.load_workbook(io.BytesIO(sent))


def test_a_file_that_takes_too_long_is_given_up(browser_of_somebody: Client, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.ui.exports.LONGEST", -1)
    gateway.answer = many(1000)
    assert browser_of_somebody.get("/domains/?format=csv").status_code == 504
    assert gateway.asked == []


def test_a_format_that_is_none_is_the_page(browser_of_somebody: Client) -> None:
    assert heading(browser_of_somebody.get("/domains/?format=pdf")) == "Domains"


# The hub.

def test_the_hub_costs_one_call_and_its_panels_load_by_themselves(as_admin: Client) -> None:
    url = domain("nordwind.example")
    answer = as_admin.get(url)
    assert answer.wsgi_request.api.calls == 1
    assert heading(answer).startswith("nordwind.example ")
    for fact in ("Nordwind Logistik AG", "Policy-nordwind.example", "RT-1001-1", "Hauptdomain", "192.0.2.0/28", "created automatically",
                 "nordwind-logistik.example", "nordwind.test", "nordwind-ag.example", "Deutsch", "mx.nordwind.example"):
        assert fact in text(answer)
    assert not find(answer, "#domain-users")  # they have a tab
    for part, label in {
        "health": "Show health", "setup": "Show setup checklist", "policies": "Show policies", "admins": "Show administrators",
    }.items():
        panel_url = f"{url}{part}/" if part == "setup" else f"{url}panels/{part}/"
        place = one(answer, f"#domain-{part}[hx-get='{panel_url}'][hx-trigger=load]")
        assert text(one(place, f"a[href='{url}{part}/']")) == label  # without JavaScript


def test_the_users_are_a_panel_and_a_page(as_admin: Client) -> None:
    url, panel_url = (domain("nordwind.example") + path for path in ("users/", "panels/users/"))
    alone = as_admin.get(panel_url, headers=panel("domain-users"))
    assert alone.wsgi_request.api.calls == 1
    assert is_part(alone)
    users = User.objects.filter(domain__name="nordwind.example").order_by("email")
    assert column(alone, "email") == [user.email for user in users][:40]
    whole = as_admin.get(url)
    assert column(whole, "email") == column(alone, "email")
    assert heading(whole).startswith("nordwind.example ")


def test_the_users_of_a_domain_filter_and_sort_in_their_panel(as_admin: Client) -> None:
    url, panel_url = (domain("nordwind.example") + path for path in ("users/", "panels/users/"))
    alone = as_admin.get(panel_url, {"email": "k"}, headers=panel("domain-users"))
    assert column(alone, "email")
    assert all("k" in email for email in column(alone, "email"))
    assert find(alone, f"[hx-get='{panel_url}?email=k&sort=email'][hx-target='#domain-users']")
    assert find(alone, f"form[action='{url}'][hx-get='{panel_url}'][hx-target='#domain-users']")
    assert column(as_admin.get(url, {"email": "k"}), "email") == column(alone, "email")
    assert "Nothing matches “zzz”." in text(as_admin.get(url, {"email": "zzz"}))


def test_a_deleted_domain_is_shown_as_one(as_admin: Client) -> None:
    gone = domain("altmilch.example")
    shown = as_admin.get(gone)
    assert "This domain is deleted. Its services have stopped. It can be restored until" in text(shown)
    assert "Restorable until" in text(shown)
    assert not find(shown, f"[href='{gone}delete/']")
    assert not find(shown, "#domain-setup")  # nobody sets it up
    assert "Restorable until" not in text(as_admin.get(domain("alpenmilch.example")))


def test_a_domain_of_others_is_not_found(as_customer: Client) -> None:
    for url in (domain("alpenmilch.example"), domain("alpenmilch.example") + "setup/"):
        answer = as_customer.get(url)
        assert "It does not exist, it was removed, or your account cannot see it." in text(answer, 404)


# The setup checklist.

RELAY = {"id": "p2", "name": "Mailserver", "transportDest": "mx.example.org", "default": True}
DOMAIN = {"id": "d1", "name": "example.org", "status": "ENABLED", "platforms": [{"id": "p1", "name": "Other"}, RELAY]}
KEYS = ["protect._domainkey.example.org TXT v=DKIM1; p=MIGfMA0", "protect._domainkey.other.example TXT v=DKIM1; p=MIGfMA0"]


def diagnosed(status: bool, **tests: tuple[str, list[str]]) -> dict[str, Any]:
    entries = [{"type": name, "result": result, "output": output} for name, (result, output) in tests.items()]
    return {"performedAt": 1760000000, "report": {"status": status, "entries": entries}}


GOOD = {
    "/domains/d1": DOMAIN, "/domains/d1/health": diagnosed(True, MX=("OK", ["Passed"]), DKIM=("OK", ["Passed"])),
    "/domains/d1/dkim": KEYS, "/platforms/p2/health": diagnosed(True, SMTP=("OK", ["Passed"])),
    "/domains/d1/admins": [{"id": "a1"}], "/domains/d1/users": [{"id": "u1"}],
}


def answering(*failing: dict[str, Any], **other: Any) -> Answer:
    """A gateway with a domain that is set up, but for some answers: by the last two parts of their path, or a status.

    `failing` are the domains whose diagnostics fail, as getHealthErrors lists them.
    """
    changed = {path: other.get(path.rpartition("/d1/")[2].replace("/", "_").strip("_"), body) for path, body in GOOD.items()}
    changed["/health"] = list(failing)

    def answer(request: httpx.Request) -> httpx.Response:
        body = changed[request.url.path]
        return httpx.Response(body) if isinstance(body, int) else httpx.Response(200, json=body)

    return answer


def checklist(browser: Client) -> dict[str, tuple[str, str]]:
    """The items of the checklist: state and text by title."""
    found = {}
    for item in find(setup(browser), "li.is-ok, li.is-warn, li.is-off"):
        state = text(one(item, "h3 > span"))
        found[text(one(item, "h3")).removesuffix(f" {state}")] = (state, text(item))
    assert list(found) == ["MX records", "DKIM signature", "Relay", "First administrator", "Users"]
    return found


def states(browser: Client) -> list[str]:
    return [state for state, _text in checklist(browser).values()]


def test_a_domain_that_is_set_up_has_one_green_line(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = answering()
    shown = setup(browser_of_somebody)
    assert "The domain is set up" in text(shown)
    assert find(shown, "details.setup:not([open])")
    assert states(browser_of_somebody) == ["done"] * 5
    assert not find(shown, "[data-copy]")  # nothing to do
    assert shown["HX-Reswap"] == "delete"  # from the hub
    whole = browser_of_somebody.get("/domains/d1/setup/")
    assert "HX-Reswap" not in whole
    assert heading(whole).startswith("example.org ")
    assert "The domain is set up" in text(whole)


def test_mx_records_to_be_made_are_there_to_copy(browser_of_somebody: Client, gateway: Gateway) -> None:
    log = ["Lookup for MX entry in DNS for example.org", "Required: mx1.gateway.example, mx2.gateway.example.", "Fail"]
    gateway.answer = answering(health=diagnosed(True, MX=("ERROR_MX_INVALID_ENTRY", log), DKIM=("OK", [])))  # whatever it says as a whole
    shown = setup(browser_of_somebody)
    assert "4 of 5 done" in text(shown) and "HX-Reswap" not in shown
    assert codes(shown) == ["example.org. 3600 IN MX 10 mx1.gateway.example.\nexample.org. 3600 IN MX 20 mx2.gateway.example."]
    assert attribute(shown, "code", "id") == attribute(shown, "[data-copy]", "data-copy")


@pytest.mark.parametrize("required", ["83.145.1.2", "83.145.xxx.xxx", "2001:db8::1", "<script>", "mx_1", "x" * 300])
def test_what_is_no_host_name_does_not_become_an_mx_record(required: str, browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = answering(health=diagnosed(False, MX=("ERROR_MX_INVALID_ENTRY", [f"Required: {required}"]), DKIM=("OK", [])))
    shown = setup(browser_of_somebody)
    assert not find(shown, "code")
    assert f"The gateway requires: {required[:59]}" in text(shown)


def test_where_the_gateway_names_no_host_the_checklist_says_where_to_look(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = answering(health=diagnosed(False, MX=("ERROR_MX_MISSING_ENTRY", ["Fail: No MX entry found"]), DKIM=("OK", [])))
    state, said = checklist(browser_of_somebody)["MX records"]
    assert state == "not yet"
    assert "DNS does not say where mail for this domain goes" in said
    assert "contact the gateway operator" in said


@pytest.mark.parametrize("result", ["ERROR_MX_MISSING_ENTRY", "ERROR"])
def test_a_new_domain_has_the_mx_records_that_the_report_of_another_one_names(
    result: str, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    other = diagnosed(False, MX=("ERROR_MX_INVALID_ENTRY", ["Required: mx1.gateway.example"]))
    failing = {"id": "d2", "type": "DOMAIN", "name": "other.example", "health": other}
    gateway.answer = answering(failing, health=diagnosed(False, MX=(result, ["Fail: nothing found"]), DKIM=("OK", [])))
    shown = setup(browser_of_somebody)
    assert codes(shown) == ["example.org. 3600 IN MX 10 mx1.gateway.example."]
    assert "The report does not name them" not in text(shown)


@pytest.mark.parametrize(("result", "said"), [
    ("ERROR_DKIM_MISSING_ENTRY", "Add this TXT record at the domain's DNS provider."),
    ("ERROR_DKIM_INVALID_COUPLE", "DNS has a different key from the one that signs"),
])
def test_the_dkim_record_is_there_to_copy_in_its_three_parts(
    result: str, said: str, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    gateway.answer = answering(health=diagnosed(True, MX=("OK", []), DKIM=(result, [])))
    shown = setup(browser_of_somebody)
    assert codes(shown) == ["protect._domainkey.example.org", "TXT", "v=DKIM1; p=MIGfMA0"]
    assert said in text(shown)
    assert "1 more name also needs a record." in text(shown)


def test_a_domain_without_keys_needs_them_first(as_customer: Client, browser_of_somebody: Client, gateway: Gateway) -> None:
    for keys in (404, []):
        gateway.answer = answering(dkim=keys)
        state, said = checklist(browser_of_somebody)["DKIM signature"]
        assert state == "not yet"
        assert "its mail is sent unsigned. Create them." in said


def test_who_may_not_create_keys_is_told_who_may(as_customer: Client) -> None:
    shown = text(as_customer.get(domain("nordwind.example") + "setup/"))
    assert "A system administrator can create them." in shown


def test_a_record_of_an_unknown_shape_is_copied_as_it_is(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = answering(dkim=["something new"], health=diagnosed(True, DKIM=("ERROR_DKIM_MISSING_ENTRY", [])))
    assert codes(setup(browser_of_somebody)) == ["something new"]


def test_lists_of_lists_are_records_as_well(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = answering(dkim=[KEYS], health=diagnosed(True, DKIM=("ERROR_DKIM_MISSING_ENTRY", [])))
    shown = setup(browser_of_somebody)
    assert "protect._domainkey.example.org" in codes(shown)
    assert "1 more name also needs a record." in text(shown)


def test_the_default_relay_is_asked_about(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = answering()
    state, said = checklist(browser_of_somebody)["Relay"]
    assert (state, "Relay Mailserver accepts mail." in said) == ("done", True)
    assert "/platforms/p1/health" not in {asked.url.path for asked in gateway.asked}


def test_a_relay_that_fails_shows_what_the_gateway_saw(browser_of_somebody: Client, gateway: Gateway) -> None:
    failing = diagnosed(False, SMTP=("ERROR", ["Connecting to mx.example.org:25", "Fail: refused"]), FALLBACK=("OK", ["Passed"]))
    gateway.answer = lambda asked: (
        httpx.Response(200, json=failing) if asked.url.path.startswith("/platforms") else answering()(asked)
    )
    state, said = checklist(browser_of_somebody)["Relay"]
    assert state == "not yet"
    assert "Fail: refused" in said
    assert "Passed" not in said


@pytest.mark.parametrize(("changed", "title", "said"), [
    ({"platforms": []}, "Relay", "There is no relay, so the gateway has nowhere to deliver the mail."),
    ({"autoProvisioningOn": True}, "Users", "None yet: the gateway creates them automatically."),
    ({"autoProvisioningOn": False}, "Users", "Switch that on, or have them created."),
])
def test_what_is_missing_says_what_to_do(
    changed: dict[str, Any], title: str, said: str, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    gateway.answer = lambda asked: (
        httpx.Response(200, json={**DOMAIN, **changed}) if asked.url.path == "/domains/d1" else answering(users=[], admins=[])(asked)
    )
    found = checklist(browser_of_somebody)
    assert said in found[title][1]
    assert found["First administrator"][0] == "not yet"


@pytest.mark.parametrize("settings_of", ["", {}, [], {"port": "993", "use_ssl": "yes"}])
def test_a_domain_is_shown_whatever_its_relay_says_of_the_sign_in(
    settings_of: Any, browser_of_somebody: Client, gateway: Gateway
) -> None:
    """`authData` is sent as "" and shown as null, and `apiData` has no documented type (r:935, r:6885)."""
    relay = {**RELAY, "authData": settings_of, "apiData": settings_of}
    gateway.answer = lambda asked: httpx.Response(
        200, json=[{**DOMAIN, "platforms": [relay]}] if asked.url.path == "/domains" else {**DOMAIN, "platforms": [relay]}
    )
    for page in ("/domains/", "/domains/d1/"):
        answer = browser_of_somebody.get(page)
        assert answer.status_code == 200, page
        assert "example.org" in text(answer)


def test_the_mail_servers_of_the_settings_are_there_to_copy_though_no_report_names_them(
    browser_of_somebody: Client, gateway: Gateway, settings: Any,
) -> None:
    settings.GATEWAY_MX = ["mx1.gateway.example", "mx2.gateway.example"]
    missing = {"type": "MX", "result": "ERROR_MX_MISSING_ENTRY", "output": ["Fail: No MX entry found"]}
    gateway.answer = answering(health={"performedAt": 1790000000, "report": {"status": False, "entries": [missing]}})
    records = "example.org. 3600 IN MX 10 mx1.gateway.example.\nexample.org. 3600 IN MX 20 mx2.gateway.example."
    assert records in codes(setup(browser_of_somebody))
    assert "/health" not in [request.url.path for request in gateway.asked]


ITEMS = {"health": ["MX records", "DKIM signature"], "dkim": [], "admins": ["First administrator"], "users": ["Users"]}


@pytest.mark.parametrize("broken", ITEMS)
def test_an_item_that_cannot_be_checked_costs_no_other(broken: str, browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = answering(**{broken: 500})
    found = checklist(browser_of_somebody)
    for title, (state, said) in found.items():
        assert (state == "could not be checked") == (title in ITEMS[broken])
        assert ("The gateway failed." in said) == (title in ITEMS[broken])


def test_a_relay_that_cannot_be_asked_costs_no_other(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = lambda asked: httpx.Response(403) if asked.url.path.startswith("/platforms") else answering()(asked)
    found = checklist(browser_of_somebody)
    assert [state for state, _said in found.values()] == ["done", "done", "could not be checked", "done", "done"]
    assert "Your account cannot do this: view the health check of a relay." in found["Relay"][1]


def test_a_test_that_could_not_be_made_shows_its_log(as_admin: Client) -> None:
    shown = text(as_admin.get(domain("atelier-lumiere.example") + "setup/"))  # the sandbox has no DNS
    assert "The gateway could not check this" in shown
    assert "no DNS resolver is configured" in shown
