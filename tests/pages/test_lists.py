"""The list of users, the first page, and what surrounds every page."""

import json
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from portal.pages import probes
from sandbox import seed
from sandbox.models import Mail, User
from tests.conftest import Gateway
from tests.shown import attribute, column, find, form, one, source, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])


# Users.

def addresses(page: Any) -> list[str]:
    """The addresses in the list as the gateway has them: below the one with letters of its own, where there are two."""
    return [text((cell.css("small") or cell.css("a"))[0]) for cell in find(page, "td.c-email")]


def test_all_users_come_in_the_order_of_their_addresses(as_admin: Client) -> None:
    emails = sorted(User.objects.values_list("email", flat=True))
    pages = [as_admin.get("/users/", {"page": number}) for number in (1, 2)]
    assert [email for page in pages for email in addresses(page)] == emails
    assert f"{len(emails)} entries" in text(pages[0])
    assert attribute(pages[0], "[rel=next]", "href") == "?page=2"
    assert attribute(pages[1], "[rel=prev]", "href") == "?page=1"


def test_the_newest_address_first_and_back(as_admin: Client) -> None:
    answer = as_admin.get("/users/", {"sort": "-email"})
    emails = sorted(User.objects.values_list("email", flat=True), reverse=True)
    assert addresses(answer) == emails[:40]
    assert text(one(answer, "[aria-sort=descending]")) == "Address"
    assert attribute(answer, "[aria-sort=descending] a", "href") == "?sort=email"
    assert attribute(answer, "[rel=next]", "href") == "?sort=-email&page=2"


def test_a_row_says_who_it_is(as_admin: Client) -> None:
    answer = as_admin.get("/users/", {"email": "martin.nordwind"})
    (user,) = User.objects.filter(email="martin.nordwind@nordwind.example")
    assert column(answer, "email") == [user.email]
    assert column(answer, "name") == ["Martin Nordwind"]
    assert column(answer, "status") == ["Enabled"]
    assert column(answer, "policy") == ["Geschäftsleitung"]
    assert attribute(answer, "td.c-email a", "href") == reverse("user-hub", args=(user.uid,))


@pytest.mark.parametrize(("typed", "found"), [
    ("hafen", "hafen"), ("*hafen*", "hafen"), ("HAFEN", "hafen"), ("ha*fen", "hafen"), ("", ""), (" * ", ""), ("50%_", "50%_"),
    ("zzz", "zzz"),
])
def test_a_part_of_the_address_filters(typed: str, found: str, as_admin: Client) -> None:
    answer = as_admin.get("/users/", {"email": typed})
    emails = User.objects.order_by("email").values_list("email", flat=True)
    assert addresses(answer) == [email for email in emails if found in email][:40]
    assert ("Nothing matches “zzz”." in text(answer)) == (typed == "zzz")


def test_a_filter_stays_while_one_sorts_and_turns_pages(as_admin: Client) -> None:
    shown = as_admin.get("/users/", {"email": "example", "page": "2"})
    assert form(shown, "value") == {"kind": "email", "value": "example"}
    assert [link.attributes["href"] for link in find(shown, "th a") if text(link) == "Address"] == ["?email=example&sort=email"]
    assert attribute(shown, "[rel=prev]", "href") == "?email=example&page=1"


@pytest.mark.parametrize(("query", "asked"), [
    ({}, {"offset": "0", "pageSize": "40"}),
    ({"sort": "email"}, {"offset": "0", "pageSize": "40", "sort": "email"}),
    ({"sort": "-email"}, {"offset": "0", "pageSize": "40", "sort": "-email"}),
    ({"sort": "status"}, {"offset": "0", "pageSize": "40"}),  # the gateway's documents name no such key
    ({"sort": "email;drop"}, {"offset": "0", "pageSize": "40"}),
    ({"email": "a*b"}, {"offset": "0", "pageSize": "40", "email": "*ab*"}),
    ({"platformName": "Relay 1"}, {"offset": "0", "pageSize": "40", "platformName": "Relay 1"}),
    ({"page": "3", "per_page": "100"}, {"offset": "200", "pageSize": "100"}),
    ({"per_page": "100000"}, {"offset": "0", "pageSize": "200"}),
    ({"per_page": "x", "page": "y"}, {"offset": "0", "pageSize": "40"}),
])
def test_the_gateway_is_asked_for_one_page(
    query: dict[str, str], asked: dict[str, str], browser_of_somebody: Client, gateway: Gateway,
) -> None:
    gateway.answer = lambda request: httpx.Response(200, json=[{"id": "u", "email": "a@b.c"}], headers={"X-Total-Count": "1000"})
    assert browser_of_somebody.get("/users/", query).status_code == 200
    (request,) = gateway.asked
    assert dict(request.url.params) == asked


def test_people_see_the_users_of_their_domains(as_customer: Client, as_owner: Client) -> None:
    domains = {email.partition("@")[2] for email in addresses(as_customer.get("/users/", {"email": ""}))}
    assert domains <= {"nordwind.example", "nordwind-hafen.example", seed.IDN}
    assert column(as_owner.get("/users/"), "email") == [seed.ANNA]


# The first page.

def test_the_first_page_of_an_administrator_is_the_search(as_admin: Client) -> None:
    shown = as_admin.get("/")
    assert text(one(shown, "h1")) == "Whose mail is missing?"
    assert "Nothing yet. Everything you release or change is listed here." in text(shown)
    assert "operations@gateway.example" in text(shown)
    for address in ("/users/", "/domains/", "/batches/", "/activity/"):
        assert one(shown, f"nav.side a[href='{address}']")
    assert as_admin.get("/").wsgi_request.api.calls == 0  # type: ignore[attr-defined]


def test_the_first_page_of_an_end_user_is_the_own_mailbox(as_owner: Client) -> None:
    hub = reverse("user-hub", args=(User.objects.get(email=seed.ANNA).uid,))
    assert as_owner.get("/")["Location"] == hub
    shown = as_owner.get(hub)
    assert [link.attributes["href"] for link in find(shown, "nav.side a")] == [hub, "/batches/", "/activity/"]
    assert attribute(shown, "nav.side [aria-current=page]", "href") == hub
    assert find(shown, "[href^='/domains/']") == []  # the domain is not a page for its users


def test_the_menu_says_where_one_is(as_admin: Client) -> None:
    for address in ("/", "/users/", "/domains/", "/batches/", "/activity/"):
        assert attribute(as_admin.get(address), "nav.side [aria-current=page]", "href") == address


def test_who_somebody_is_stays_text(browser_of_somebody: Client) -> None:
    session = browser_of_somebody.session
    session["who"] = "<script>alert(1)</script>"
    session.save()
    page = browser_of_somebody.get("/activity/")
    assert b"<script>alert" not in page.content
    assert "<script>alert(1)</script>" in text(page)


# Languages.

TITLES = {"de": "Benutzer", "en": "Users", "fr": "Utilisateurs", "es": "Usuarios", "da": "Brugere", "nb": "Brukere"}


def test_each_language_can_be_chosen_and_stays(browser_of_somebody: Client) -> None:
    assert set(TITLES) == {code for code, _name in settings.LANGUAGES}
    for code, title in TITLES.items():
        answer = browser_of_somebody.post("/language/", {"language": code, "next": "/users/?email=x"})
        assert (answer.status_code, answer["Location"]) == (302, "/users/?email=x")
        shown = browser_of_somebody.get("/users/")
        assert attribute(shown, "html", "lang") == code
        assert text(one(shown, "h1")) == title
        assert shown["Content-Language"] == code
        assert one(shown, f"option[value={code}][lang={code}][selected]")


def test_the_language_of_the_browser_is_the_first_choice(gateway: Gateway) -> None:
    wanted = {"fr-CH, fr;q=0.9": "fr", "da": "da", "no, nb;q=0.8": "nb", "ja": "en", "x" * 5000: "en", "*": "en"}
    for languages, code in wanted.items():
        shown = Client().get("/sign-in/", headers={"Accept-Language": languages})
        assert attribute(shown, "html", "lang") == code, languages[:20]


@pytest.mark.parametrize("next_page", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "\\\\evil.example"])
def test_the_language_switch_leads_nowhere_else(next_page: str, browser_of_somebody: Client) -> None:
    answer = browser_of_somebody.post("/language/", {"language": "de", "next": next_page})
    assert answer.status_code in (204, 302)
    assert "evil" not in answer.headers.get("Location", "")
    assert "alert" not in answer.headers.get("Location", "")


def test_a_language_that_is_none_changes_nothing(browser_of_somebody: Client) -> None:
    browser_of_somebody.post("/language/", {"language": "../../etc", "next": "/users/"})
    assert attribute(browser_of_somebody.get("/users/"), "html", "lang") == "en"
    browser_of_somebody.cookies[settings.LANGUAGE_COOKIE_NAME] = "tlh"
    assert attribute(browser_of_somebody.get("/users/"), "html", "lang") == "en"


# What is not there.

@pytest.mark.parametrize("address", ["/nowhere/", "/users/u1/nowhere/", "/admin/", "/.env", "/users", "/%ff%fe/"])
def test_no_page_is_a_page_that_says_so(address: str, browser_of_somebody: Client, gateway: Gateway) -> None:
    if address == "/users":
        assert browser_of_somebody.get(address)["Location"] == "/users/"
        return
    for browser, known in ((browser_of_somebody, True), (Client(), False)):
        answer = browser.get(address)
        assert answer.status_code == 404
        assert text(one(answer, "h1")) == "Not found"
        assert "There is no page at this address." in text(answer, 404)
        assert ("Sign out" in source(answer, 404)) == known
        assert (find(answer, "#q", 404) != []) == known
        assert find(answer, "[href='/']", 404)
        assert answer["Cache-Control"] == "no-store"
    assert gateway.asked == []


def test_a_method_that_is_none_is_refused(browser_of_somebody: Client, gateway: Gateway) -> None:
    for address in ("/", "/users/", "/domains/", "/search/", "/activity/", "/users/u1/", "/batches/"):
        assert browser_of_somebody.post(address).status_code == 405
        assert browser_of_somebody.delete(address).status_code == 405
    assert browser_of_somebody.get("/sign-out/").status_code == 405
    assert gateway.asked == []


def test_pages_are_kept_nowhere_and_run_nothing_foreign(browser_of_somebody: Client) -> None:
    answer = browser_of_somebody.get("/activity/")
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert "unsafe" not in policy
    assert {"HX-Request", "HX-Target", "Cookie"} <= set(answer["Vary"].split(", "))


# For whoever watches the process.

@pytest.fixture
def not_asked_lately(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readiness is known for a few seconds: here nobody has asked for it yet."""
    monkeypatch.setitem(probes._known, "at", float("-inf"))


@pytest.mark.usefixtures("not_asked_lately")
def test_the_process_says_that_it_lives_and_can_work(gateway: Gateway) -> None:
    assert Client().get("/healthz").content == b"ok\n"
    assert Client().get("/healthz", headers={"Host": "10.0.0.7:8000"}).status_code == 200  # a probe knows no host name
    assert gateway.asked == []
    for _again in range(3):  # whoever asks often gets the last answer
        ready = Client().get("/readyz")
        assert (ready.status_code, ready.json()) == (200, {"database": True, "gateway": True})
    (asked,) = gateway.asked
    assert "Authorization" not in asked.headers
    assert "session" not in ready.cookies
    assert Client().post("/readyz").status_code == 405


def failing(error: type[httpx.TransportError]) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("down", request=request)

    return answer


@pytest.mark.parametrize(("answer", "ready"), [
    (lambda request: httpx.Response(401), True), (lambda request: httpx.Response(403), True),
    (lambda request: httpx.Response(500), False), (lambda request: httpx.Response(404), False),
    (lambda request: httpx.Response(200, html="<h1>WLAN</h1>"), False), (failing(httpx.ConnectError), False),
    (failing(httpx.ReadTimeout), False), (lambda request: httpx.Response(429), False),
])
@pytest.mark.usefixtures("not_asked_lately")
def test_without_the_gateway_the_process_is_not_ready_but_lives(answer: Any, ready: bool, gateway: Gateway) -> None:
    gateway.answer = answer
    said = Client().get("/readyz")
    assert (said.status_code, said.json()) == (200 if ready else 503, {"database": True, "gateway": ready})
    assert Client().get("/healthz").status_code == 200


@pytest.mark.usefixtures("not_asked_lately")
def test_without_its_database_the_process_is_not_ready(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(connection, "ensure_connection", gone)
    answer = Client().get("/readyz")
    assert (answer.status_code, json.loads(answer.content)) == (503, {"database": False, "gateway": True})


# The sandbox over HTTP, for curl.

def test_the_sandbox_answers_at_its_own_address(sandbox: dict[str, str]) -> None:
    curl = Client(enforce_csrf_checks=True)
    headers = {"Authorization": f"Bearer {sandbox['admin']}"}
    answer = curl.get("/sandbox/api/users?pageSize=3&email=*keller*", headers=headers)
    assert answer.status_code == 200
    assert [user["email"] for user in answer.json()] == [seed.ANNA]
    assert answer["X-Total-Count"] == "1"
    assert "session" not in answer.cookies
    assert curl.get("/sandbox/api/users").status_code == 401
    assert curl.get("/sandbox/api/nowhere", headers=headers).status_code == 404
    row = Mail.objects.filter(folder__user__email=seed.ANNA, folder__path="Quarantine", infected=False).latest("sent_date")
    release = f"/sandbox/api/users/{row.folder.user.uid}/emails/Quarantine/{row.fuglu_id}/release"
    assert curl.post(release).status_code == 401  # the browser's session is worth nothing here
    assert curl.post(release, headers=headers).status_code == 204  # and no form token is needed
    row.refresh_from_db()
    assert row.folder.path == "INBOX"


def test_the_sandbox_tells_an_encoded_slash_from_a_real_one(sandbox: dict[str, str]) -> None:
    path = f"/sandbox/api/users/{User.objects.get(email=seed.ANNA).uid}/emails/INBOX%2FProjekte"
    headers = {"Authorization": f"Bearer {sandbox['owner']}"}
    for name in ("RAW_URI", "REQUEST_URI"):  # gunicorn's name, and that of others
        answer = Client().get(path, headers=headers, **{name: f"{path}?pageSize=1"})
        assert [mail["subject"] for mail in answer.json()] == ["Neue Türcodes ab Montag"]


def test_a_session_of_the_portal_opens_no_door_of_the_sandbox(as_admin: Client) -> None:
    assert as_admin.get("/sandbox/api/users").status_code == 401


def test_what_a_list_leaves_out_is_not_told_and_never_never(browser_of_somebody: Client, gateway: Gateway) -> None:
    """A list of users omits what a single read shows as null; a list of administrators may, too."""
    for url, record in (("/users/", {"id": "u1", "email": "anna@a.example"}), ("/domains/d1/admins/", {"id": "a1", "login": "petra"}),
                        ("/domains/", {"id": "d1", "name": "a.example"})):
        gateway.answer = lambda request, record=record: httpx.Response(
            200, json={"id": "d1", "name": "a.example"} if request.url.path == "/domains/d1" else [record]
        )
        page = browser_of_somebody.get(url)
        assert "not reported" in [text(cell) for cell in find(page, "tbody td")], url
        assert "never" not in text(page), url
        assert not [chip for chip in find(page, "tbody .chip") if not text(chip)], url
