"""The one search box: suggestions while one types, and a page of results."""

import threading
from collections.abc import Callable

import httpx
import pytest
from django.test import Client
from django.urls import reverse

from sandbox import seed
from sandbox.models import Domain, User
from tests.conftest import Gateway
from tests.shown import attribute, find, is_part, link, one, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])

Rows = list[dict[str, object]]

TYPING = {"HX-Request": "true", "HX-Target": "suggestions"}


def hub(email: str) -> str:
    return reverse("user-hub", args=(User.objects.get(email=email).uid,))


def finding(users: Rows, domains: Rows, total: int | None = None) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        rows = users if request.url.path == "/users" else domains
        return httpx.Response(200, json=rows, headers={"X-Total-Count": str(total or len(rows))})

    return answer


ANNA = {"id": "u1", "email": "anna@nordwind.example", "firstname": "Anna", "lastname": "Keller", "status": "ENABLED"}
BEAT = {"id": "u2", "email": "beat@nordwind.example", "status": "DISABLED"}
NORDWIND = {"id": "d1", "name": "nordwind.example", "status": "PENDING", "customer": {"name": "Nordwind AG"}}


# What is asked.

@pytest.mark.parametrize(("url", "headers", "size"), [("/search/", {}, "40"), ("/search/suggestions/", TYPING, "6")])
def test_users_and_domains_are_searched_side_by_side(
    url: str, headers: dict[str, str], size: str, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    both = threading.Barrier(2, timeout=60)  # each call waits for the other: one after the other they would never end

    def answer(request: httpx.Request) -> httpx.Response:
        both.wait()
        return finding([ANNA, BEAT], [NORDWIND])(request)

    gateway.answer = answer
    assert browser_of_somebody.get(url, {"q": " kel "}, headers=headers).status_code == 200
    asked = {request.url.path: dict(request.url.params) for request in gateway.asked}
    assert asked == {
        "/users": {"offset": "0", "pageSize": size, "email": "*kel*"},
        "/domains": {"offset": "0", "pageSize": size, "name": "*kel*"},
    }


@pytest.mark.parametrize(("typed", "asked"), [
    ("kel", "*kel*"), ("*kel*", "*kel*"), ("k*e*l", "*kel*"), ("  kel\t", "*kel*"), ("50%_", "*50%_*"), ("a&b=c", "*a&b=c*"),
    ("#", "*#*"), ("x" * 500, f"*{'x' * 200}*"),
])
def test_what_is_typed_is_searched_for_as_it_stands(
    typed: str, asked: str, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    gateway.answer = finding([ANNA, BEAT], [NORDWIND])
    browser_of_somebody.get("/search/", {"q": typed})
    assert [request.url.params.get("email") or request.url.params["name"] for request in gateway.asked] == [asked, asked]


@pytest.mark.parametrize("typed", ["", "   ", "*", "***", "* *"])
@pytest.mark.parametrize(("url", "headers"), [("/search/", {}), ("/search/suggestions/", TYPING)])
def test_nothing_typed_asks_nothing(
    typed: str, url: str, headers: dict[str, str], browser_of_somebody: Client, gateway: Gateway,
) -> None:
    answer = browser_of_somebody.get(url, {"q": typed}, headers=headers)
    assert gateway.asked == []
    assert not find(answer, "a[role=option]")
    assert ("Enter part of an address" in text(answer)) == (not headers)


# Where it leads.

@pytest.mark.parametrize(("typed", "email"), [
    (seed.ANNA, seed.ANNA), (seed.ANNA.upper(), seed.ANNA), ("anna.kel", seed.ANNA),
    ("50%_rabatt", "50%_rabatt@nordwind.example"),
])
def test_the_only_user_found_is_opened_at_once(typed: str, email: str, as_admin: Client) -> None:
    answer = as_admin.get("/search/", {"q": typed})
    assert (answer.status_code, answer["Location"]) == (302, hub(email))
    assert text(one(as_admin.get(answer["Location"]), "h1")) == email


def test_an_exact_address_is_opened_whatever_else_is_found(browser_of_somebody: Client, gateway: Gateway) -> None:
    longer = {"id": "u9", "email": "joanna@nordwind.example"}
    gateway.answer = finding([longer, ANNA], [NORDWIND])
    assert browser_of_somebody.get("/search/", {"q": "Anna@nordwind.example"})["Location"] == "/users/u1/"


@pytest.mark.parametrize(("users", "domains", "total"), [
    ([ANNA], [NORDWIND], None), ([ANNA, BEAT], [], None), ([], [NORDWIND], None), ([], [], None),
    ([ANNA], [], 300),  # more than the page shows
    ([{"email": "anna@nordwind.example"}], [], None),  # a user without an id has no page
    ([{"id": "", "email": "anna@nordwind.example"}], [], None),
])
def test_several_results_are_a_page(
    users: Rows, domains: Rows, total: int | None, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    gateway.answer = finding(users, domains, total)
    shown = browser_of_somebody.get("/search/", {"q": "nordwind"})
    assert text(one(shown, "h1")) == "Search: nordwind"
    assert [text(a) for a in find(shown, "main a")].count("anna@nordwind.example") == sum("anna" in str(user["email"]) for user in users)
    assert ("No user address contains this." in text(shown)) == (not users)
    assert ("No domain name contains this." in text(shown)) == (not domains)


def test_a_search_that_half_failed_opens_nobody(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = lambda request: httpx.Response(200, json=[ANNA]) if request.url.path == "/users" else httpx.Response(500)
    shown = browser_of_somebody.get("/search/", {"q": "anna@nordwind.example"})
    assert "The search for domains failed. Try again in a moment." in text(shown)
    assert text(one(shown, "a[href='/users/u1/'][data-first]")) == "anna@nordwind.example"
    typing = browser_of_somebody.get("/search/suggestions/", {"q": "anna"}, headers=TYPING)
    assert "Part of the search failed. Press Enter to see more." in text(typing)
    assert find(typing, "a[href='/users/u1/']")


def test_a_session_that_is_over_is_no_half_failure(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = lambda request: httpx.Response(401) if request.url.path == "/domains" else httpx.Response(200, json=[ANNA])
    answer = browser_of_somebody.get("/search/", {"q": "anna"})
    assert answer["Location"] == "/sign-in/?next=%2Fsearch%2F%3Fq%3Danna&ended=1"


def test_a_long_result_leads_to_the_whole_list(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = finding([ANNA], [NORDWIND], total=1234)
    shown = browser_of_somebody.get("/search/", {"q": "nord & co"})
    assert link(shown, "All 1234 users") == "/users/?email=nord%20%26%20co"
    assert link(shown, "All 1234 domains") == "/domains/?name=nord%20%26%20co"


def test_the_box_keeps_what_was_typed(as_admin: Client) -> None:
    assert attribute(as_admin.get("/search/", {"q": "nord*"}), "input#q[name=q]", "value") == "nord*"


# Suggestions.

def test_suggestions_are_options_of_which_the_first_is_chosen(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = finding([ANNA, BEAT], [NORDWIND])
    shown = browser_of_somebody.get("/search/suggestions/", {"q": "nord"}, headers=TYPING)
    assert is_part(shown)
    options = find(shown, 'a[role=option][tabindex="-1"][data-q=nord]')
    assert [tuple(option.attributes[name] for name in ("id", "href", "aria-selected")) for option in options] == [
        ("s-d1", "/domains/d1/", "true"), ("s-u1", "/users/u1/", "false"), ("s-u2", "/users/u2/", "false"),
    ]
    assert [(text(one(option, "strong")), text(one(option, "small"))) for option in options] == [
        ("nordwind.example", "Nordwind AG"), ("anna@nordwind.example", "Anna Keller"), ("beat@nordwind.example", ""),
    ]
    assert [text(chip) for chip in find(shown, ".chip.warn")] == ["Pending", "Disabled"]


def test_the_first_domain_is_chosen_where_no_user_is_found(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = finding([], [NORDWIND])
    assert one(browser_of_somebody.get("/search/suggestions/", {"q": "nord"}, headers=TYPING), "a[role=option][aria-selected=true]")


def test_an_exact_address_is_no_redirect_while_one_types(as_admin: Client) -> None:
    assert find(as_admin.get("/search/suggestions/", {"q": seed.ANNA}, headers=TYPING), f"a[href='{hub(seed.ANNA)}']")


def test_nothing_and_too_much_are_said(as_admin: Client) -> None:
    assert "No user or domain matches “zzz”." in text(as_admin.get("/search/suggestions/", {"q": "zzz"}, headers=TYPING))
    shown = as_admin.get("/search/suggestions/", {"q": "nordwind.example"}, headers=TYPING)
    count = User.objects.filter(email__contains="nordwind.example").count()
    assert f"{count} users match. Keep typing." in text(shown)
    assert len(find(shown, "[id^=s-u]")) == 6


# Who finds what.

def test_people_find_what_they_may_see(as_admin: Client, as_customer: Client, as_helpdesk: Client) -> None:
    for browser, seen in ((as_admin, True), (as_customer, False), (as_helpdesk, False)):
        shown = text(browser.get("/search/", {"q": "alpenmilch"}))
        assert ("lea.amsler@alpenmilch.example" in shown) == seen
        assert ("No domain name contains this." in shown) != seen
        assert "nordwind-hafen.example" in text(browser.get("/search/", {"q": "hafen"}))


def test_an_end_user_finds_the_own_mailbox_only(as_owner: Client) -> None:
    assert as_owner.get("/search/", {"q": "keller"})["Location"] == hub(seed.ANNA)
    assert "No user address contains this." in text(as_owner.get("/search/", {"q": "brandt"}))


def test_a_domain_found_opens(as_admin: Client) -> None:
    domain = Domain.objects.get(name="alpenmilch.example")
    shown = as_admin.get("/search/", {"q": "alpenmilch.ex"})
    assert link(shown, "alpenmilch.example") == f"/domains/{domain.uid}/"
    assert "Alpenmilch Genossenschaft" in [text(beside) for beside in find(shown, ".muted")]
    assert text(one(as_admin.get(f"/domains/{domain.uid}/"), "h1")).startswith(f"{domain.name} ")
