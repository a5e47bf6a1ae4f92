"""Aliases of a domain: several at once, the whole list with a preview, and what clashes."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from django.http import HttpResponse
from django.test import Client

from portal.audit.models import Entry
from portal.pages.aliases import MOST
from sandbox.models import Domain, DomainAlias
from tests.conftest import Gateway
from tests.shown import attribute, find, form, hidden, one, source, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])
SEEDED = ["nordwind-ag.example", "nordwind-logistik.example", "nordwind.test"]


def url(tail: str = "") -> str:
    return f"/domains/{Domain.objects.get(name='nordwind.example').uid}/aliases/{tail}"


def names() -> list[str]:
    return sorted(DomainAlias.objects.filter(domain__name="nordwind.example").values_list("name", flat=True))


def add(somebody: Client, typed: str, **more: Any) -> HttpResponse:
    return somebody.post(url(), {"names": typed, **more}, follow=True)


def test_the_aliases_are_listed_with_their_number(as_helpdesk: Client) -> None:
    shown = text(as_helpdesk.get(url()))
    assert all(name in shown for name in SEEDED)
    assert "Aliases 3" in shown


@pytest.mark.parametrize("between", ["\n", "\r\n", ", ", " ", ";", "\t", ",\n\n"])
def test_several_names_are_added_however_they_are_pasted(between: str, as_customer: Client) -> None:
    shown = text(add(as_customer, between.join(["winter.example", "Sommer.Example", "bücher.example"])))
    assert "3 aliases were added." in shown
    assert names() == sorted([*SEEDED, "winter.example", "sommer.example", "xn--bcher-kva.example"])
    entry = Entry.objects.get()
    assert (entry.operation, entry.target, entry.result, entry.url) == ("addDomainAlias", "nordwind.example", "done", url())


def test_each_bad_line_is_named_with_its_reason_and_nothing_typed_is_lost(as_admin: Client) -> None:
    typed = "winter.example\nnordwind.example\nhttp://x/\nnordwind.test\nWINTER.example\n<script>alert(1)</script>"
    answer = add(as_admin, typed)
    shown = text(answer, 422)
    for problem in (
        "nordwind.example: is the domain itself", "http://x/: This is a web address.",
        "nordwind.test: is already an alias of this domain", "WINTER.example: is in the list twice",
        "<script>alert(1)</script>: This is a web address.",
    ):
        assert problem in shown
    assert form(answer)["names"] == typed.replace("\n", "\r\n")
    assert "<script>alert(1)" not in answer.content.decode()
    assert (names(), Entry.objects.count()) == (SEEDED, 0)


def test_too_many_names_and_too_many_problems_are_told_in_short(as_admin: Client) -> None:
    assert "These are 1001 names. Enter at most 1000 at once." in text(add(as_admin, " ".join(f"a{n}.example" for n in range(1001))), 422)
    shown = text(add(as_admin, " ".join(f"a_{n}.example" for n in range(80))), 422)
    assert "a_49.example: The name of a mail domain cannot contain underscores." in shown
    assert "a_50.example:" not in shown
    assert "And 30 more." in shown
    assert "This field is required." in text(add(as_admin, " ,;\n"), 422)
    assert names() == SEEDED


def test_a_clash_names_every_name_that_is_taken_as_far_as_one_may_see(as_admin: Client, as_customer: Client) -> None:
    typed = "winter.example alpenmilch.example nordwind-hafen.example altmilch.example"
    DomainAlias.objects.create(domain=Domain.objects.get(name="nordwind-hafen.example"), name="kai.example")
    answer = add(as_admin, typed + " kai.example")
    shown = text(answer, 409)
    assert "An alias or a domain may already exist with the name alpenmilch.example." in shown
    for problem in ("nordwind-hafen.example: is a separate domain", "altmilch.example: is a separate domain",
                    "kai.example: is an alias of nordwind-hafen.example"):
        assert problem in shown
    assert "winter.example:" not in shown
    assert typed in shown
    assert names() == SEEDED
    theirs = text(add(as_customer, typed), 409)  # another customer's domains are nobody's business
    assert "nordwind-hafen.example: is a separate domain" in theirs
    assert "altmilch.example:" not in theirs


def test_two_clicks_add_once_and_both_say_so(as_admin: Client) -> None:
    once = hidden(as_admin.get(url()), "once")
    for _click in range(2):
        assert "added." in text(add(as_admin, "winter.example", once=once))
    assert Entry.objects.count() == 1


def test_a_click_that_was_a_little_faster_adds_and_both_say_so(as_admin: Client, other_click: Any) -> None:
    once = hidden(as_admin.get(url()), "once")
    other_click(lambda: as_admin.post(url(), {"names": "winter.example", "once": once}))
    assert "The aliases were added." in text(add(as_admin, "winter.example", once=once))
    assert Entry.objects.count() == 1


def test_a_click_that_was_a_little_faster_deletes_and_both_say_so(as_admin: Client, other_click: Any) -> None:
    link = attribute(as_admin.get(url()), '[aria-label="Delete nordwind.test"]', "href")
    once = hidden(as_admin.get(link), "once")
    other_click(lambda: as_admin.post(link, {"once": once}))
    assert "The alias was deleted." in text(as_admin.post(link, {"once": once}, follow=True))
    assert Entry.objects.count() == 1


def test_a_click_that_was_a_little_faster_replaces_and_both_say_so(as_admin: Client, other_click: Any) -> None:
    seen = form(as_admin.post(url("replace/"), {**form(as_admin.get(url("replace/"))), "names": "winter.example"}))
    other_click(lambda: as_admin.post(url("replace/"), {**seen, "confirmed": "1"}))
    shown = text(as_admin.post(url("replace/"), {**seen, "confirmed": "1"}, follow=True))
    assert "The list of aliases was replaced." in shown
    assert "Nothing was changed." not in shown
    assert (names(), Entry.objects.count()) == (["winter.example"], 1)


def test_two_clicks_at_the_same_moment_add_once(as_admin: Client) -> None:
    once = hidden(as_admin.get(url()), "once")

    def click(_number: int) -> str:
        from django.db import connections
        try:
            return text(add(as_admin, "winter.example", once=once))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as hands:
        assert all("added." in shown for shown in hands.map(click, range(2)))
    assert Entry.objects.count() == 1


def test_who_may_only_look_is_told_so_and_keeps_what_was_typed(as_helpdesk: Client) -> None:
    answer = add(as_helpdesk, "winter.example")
    assert "Your account cannot do this: add aliases to a domain." in text(answer, 403)
    assert form(answer)["names"] == "winter.example"


def test_an_alias_is_deleted_after_a_question_that_says_what_stops(as_admin: Client) -> None:
    link = attribute(as_admin.get(url()), '[aria-label="Delete nordwind.test"]', "href")
    asked = as_admin.get(link)
    assert "Delete alias nordwind.test?" in text(asked)
    assert "Mail to addresses at this name is no longer accepted" in text(asked)
    assert names() == SEEDED
    for _click in range(2):
        assert "The alias was deleted." in text(as_admin.post(link, {"once": hidden(asked, "once")}, follow=True))
    assert names() == SEEDED[:2]
    assert Entry.objects.get().target == "nordwind.example: nordwind.test"
    assert as_admin.get(link).status_code == 404


# The whole list.

def preview(somebody: Client, typed: str) -> HttpResponse:
    against = hidden(somebody.get(url("replace/")), "against")
    return somebody.post(url("replace/"), {"names": typed, "against": against})


def confirm(somebody: Client, shown: HttpResponse) -> HttpResponse:
    fields = {name: hidden(shown, name) for name in ("once", "names", "against")}
    return somebody.post(url("replace/"), {**fields, "confirmed": "1"}, follow=True)


def test_replacing_begins_with_the_list_as_it_is(as_admin: Client) -> None:
    assert form(as_admin.get(url("replace/")))["names"] == "\r\n".join(SEEDED)


def test_the_preview_shows_what_is_added_and_removed_and_does_nothing_yet(as_customer: Client) -> None:
    shown = preview(as_customer, "nordwind.test winter.example")
    assert "1 added, 2 removed, 1 unchanged." in text(shown)
    for line in ("Removed: nordwind-ag.example", "Removed: nordwind-logistik.example", "Added: winter.example"):
        assert line in text(shown)
    assert "has since changed the list" not in text(shown)
    assert (names(), Entry.objects.count()) == (SEEDED, 0)
    for _click in range(2):
        assert "The list of aliases was replaced." in text(confirm(as_customer, shown))
    assert names() == ["nordwind.test", "winter.example"]
    assert Entry.objects.get().operation == "editDomainAliases"


def test_a_change_by_somebody_else_meanwhile_is_shown_before_it_is_undone(as_admin: Client) -> None:
    shown = preview(as_admin, "nordwind.test")
    DomainAlias.objects.create(domain=Domain.objects.get(name="nordwind.example"), name="meanwhile.example")
    again = confirm(as_admin, shown)
    assert "Someone else has since changed the list." in text(again)
    assert "Removed: meanwhile.example" in text(again)
    assert len(names()) == 4
    confirm(as_admin, again)
    assert names() == ["nordwind.test"]


def test_an_empty_list_asks_whether_all_are_to_be_deleted(as_admin: Client) -> None:
    shown = preview(as_admin, "")
    assert "Delete all aliases?" in text(shown)
    assert "all 3 aliases will be deleted" in text(shown)
    confirm(as_admin, shown)
    assert names() == []
    assert "This domain has no aliases." in text(as_admin.get(url()))


def test_one_may_go_back_from_the_preview_and_find_the_list_as_typed(as_admin: Client) -> None:
    shown = preview(as_admin, "winter.example")
    fields = {name: hidden(shown, name) for name in ("once", "names", "against")}
    back = as_admin.post(url("replace/"), {**fields, "edit": "1"})
    assert form(back)["names"] == "winter.example"
    assert names() == SEEDED


def test_a_list_that_is_the_same_changes_nothing(as_admin: Client) -> None:
    shown = preview(as_admin, " ".join(reversed(SEEDED)).upper())
    assert "No changes" in text(shown)
    assert find(shown, "[name=confirmed]") == []
    assert "Nothing was changed." in text(confirm(as_admin, shown))
    assert Entry.objects.count() == 0


def test_a_clash_in_the_new_list_leads_back_to_it(as_admin: Client) -> None:
    answer = confirm(as_admin, preview(as_admin, "nordwind.test alpenmilch.example altmilch.example"))
    assert "may already exist with the name alpenmilch.example" in text(answer, 409)
    assert "altmilch.example: is a separate domain" in text(answer, 409)
    assert "nordwind.test:" not in source(answer, 409)
    assert one(answer, "#id_names")
    assert names() == SEEDED


# Many of them, and odd ones.

def gateway_with(aliases: list[dict[str, Any]], most: int = 100) -> Any:
    """A gateway whose domain has these aliases, and gives no more than `most` at a time."""
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            return httpx.Response(204)
        if not request.url.path.endswith("/aliases"):
            return httpx.Response(200, json={"id": "d1", "name": "a.example"})
        start, size = int(request.url.params["offset"]), min(most, int(request.url.params["pageSize"]))
        return httpx.Response(200, json=aliases[start : start + size], headers={"X-Total-Count": str(len(aliases))})

    return answer


def test_a_long_list_comes_in_pages_and_is_replaced_as_a_whole(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = gateway_with([{"id": n, "name": f"a{n}.example"} for n in range(950)])
    assert "Page 24 of 24" in text(browser_of_somebody.get("/domains/d1/aliases/?page=99"))
    answer = browser_of_somebody.get("/domains/d1/aliases/replace/")
    assert form(answer)["names"].split() == [f"a{n}.example" for n in range(950)]
    shown = browser_of_somebody.post(
        "/domains/d1/aliases/replace/", {"names": " ".join(f"a{n}.example" for n in range(949)), "against": hidden(answer, "against")},
    )
    assert "0 added, 1 removed, 949 unchanged." in text(shown)


def test_a_list_that_fits_into_no_box_says_so(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = gateway_with([{"id": n, "name": f"a{n}.example"} for n in range(100_000)], most=5000)
    assert f"This domain has more than {MOST} aliases" in text(browser_of_somebody.get("/domains/d1/aliases/replace/"))
    assert len(gateway.asked) < 6


def test_names_that_the_gateway_has_are_right_whatever_they_look_like(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = gateway_with([{"id": "x", "name": "odd_one.example"}, {"id": None, "name": None}, {}])
    assert browser_of_somebody.get("/domains/d1/aliases/").status_code == 200
    shown = browser_of_somebody.post("/domains/d1/aliases/replace/", {"names": "odd_one.example b.example"})
    assert "1 added, 0 removed, 1 unchanged." in text(shown)


def test_a_list_that_fails_leaves_the_domain_and_the_box(browser_of_somebody: Client, gateway: Gateway) -> None:
    well = gateway_with([])
    gateway.answer = lambda request: httpx.Response(500) if request.url.path.endswith("/aliases") else well(request)
    answer = browser_of_somebody.get("/domains/d1/aliases/")
    assert "The gateway failed" in text(answer)
    assert one(answer, "[name=names]")


@pytest.mark.parametrize("typed", ["x" * 10_000, "<b>" * 3000, "a\0b", "\x1b[31m", "'\"`;--", "\u202e"])
def test_no_text_that_is_typed_breaks_the_page(typed: str, as_admin: Client) -> None:
    for answer in (add(as_admin, typed), as_admin.post(url("replace/"), {"names": typed})):
        assert answer.status_code == 422
        assert "<b><b>" not in answer.content.decode()
    assert names() == SEEDED
