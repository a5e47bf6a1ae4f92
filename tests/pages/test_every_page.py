"""Every page of the portal, in front of a gateway that fails in every way it can."""

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import msgspec
import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from portal.api import access_controls, domains, health, mail, options, policies, sender_rules, users
from portal.batches.models import Batch, Row, State
from portal.ui.pasted import fingerprint
from portal.ui.words import operation_name
from tests.conftest import Gateway

Answer = Callable[[httpx.Request], httpx.Response]

BATCH = 4711
MAIL = "/users/u1/mail/Quarantine/m1/"
RELEASE = {"allow": "mailbox", "days": "30", "description": "typed by hand", "confirmed": "1"}
POLICY = {
    "name": "typed by hand", "mailSizeLimit": "21", "spamScore": "7,2", "relayProps.spamScoreLimit": "10", "incoming": "on",
}
RULE = {"days": "365", "description": "typed by hand"}
DOMAIN_TYPED = {
    "name": "nordwind.example", "description": "typed by hand", "status": "ENABLED", "defaultLanguage": "DE", "wblistPriority": "USER",
}
NEW_DOMAIN = {**DOMAIN_TYPED, "name": "neu.example", "transportType": "SMTP", "fallbackTransportType": "SMTP"}
RELAY_TYPED = {"name": "typed by hand", "transportDest": "mx.nordwind.example", "transportPort": "587", "transportType": "SMTP", "authType": "local"}
MAY_SEE = "may-" + b"MAIL_VIEW".hex()  # the switch of a permission
ACCOUNT = {"login": "petra@nordwind.example", "displayName": "Petra", "email": "petra@nordwind.example", "language": "DE"}


@dataclass(frozen=True)
class Page:
    """An address, what is posted to it, and who it asks.

    `asks`: the gateway has a part in it. `panels`: what fails is told inside the page. `file`: its bytes pass through;
    `made`: it is a file of our own making.
    `writes`: the method of the one call that changes something. `target`: the id that htmx replaces, "-" for one without an id.
    `shows`: a POST that changes nothing and answers with a page. `part_of`: the page that this address leads to when it is
    opened by itself.
    """

    url: str
    post: dict[str, Any] | None = None
    asks: bool = True
    panels: bool = False
    file: bool = False
    made: bool = False
    writes: str = ""
    target: str = ""
    shows: bool = False
    part_of: str = ""

    @property
    def name(self) -> str:
        match = resolve(urlsplit(self.url).path)
        return match.url_name or match.route

    @property
    def id(self) -> str:
        return f"{'POST' if self.post is not None else 'GET'} {self.url}"

    def open(self, somebody: Client, *, fragment: bool = False) -> HttpResponse:
        headers = {}
        if fragment:
            headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/users/u1/mail/Quarantine/?subject=Rechnung"}
            headers |= {"HX-Target": self.target} if self.target != "-" else {}
        if self.post is None:
            return somebody.get(self.url, headers=headers)
        return somebody.post(self.url, {**self.post, "once": uuid4().hex}, headers=headers)  # a fresh form each time


PAGES = [
    Page("/", asks=False),
    Page("/mailbox/", asks=False),
    Page("/activity/", asks=False),
    Page("/account/", asks=False),
    Page("/account/", {"language": "browser", "theme": "browser", "time_zone": "Europe/Zurich", "rows": "40"}, asks=False),
    Page("/batches/", asks=False),
    Page(f"/batches/{BATCH}/", asks=False, target="progress"),
    Page(f"/batches/{BATCH}/stop/", {}, asks=False),
    Page(f"/batches/{BATCH}/resume/", {}, asks=False),
    Page("/batches/check/", {"domain": ["d1", "d2"], "next": "/health/?kind=relay"}, asks=False),
    Page("/batches/release/", {"user": "u1", "folder": "Quarantine", "mail": ["m1", "m2"]}, asks=False),
    Page("/domains/"),
    Page("/domains/?format=csv", made=True),
    Page("/domains/?format=xlsx", made=True),
    Page("/domains/health-marks/?rows=0123456789ab", panels=True, target="domain-marks"),
    Page("/domains/d1/"),
    Page("/domains/d1/setup/", target="domain-setup"),
    Page("/domains/d1/users/"),
    Page("/domains/d1/panels/users/?email=k&page=2", target="domain-users", part_of="/domains/d1/users/?email=k&page=2"),
    Page("/domains/d1/rules/senders/r1/?value=shop.example"),
    Page("/domains/d1/rules/senders/r1/?value=shop.example", RULE, writes="PUT", target="-"),
    Page("/domains/d1/rules/senders/r1/?value=shop.example", {**RULE, "delete": "1"}, writes="DELETE", target="-"),
    # new, changed, deleted, restored domains
    Page("/domains/new/", panels=True),
    Page("/domains/new/", NEW_DOMAIN, panels=True, writes="POST"),
    Page("/domains/new/name/?name=M%C3%BCnchen.example", asks=False, target="name-sent"),
    Page("/domains/d1/edit/"),
    Page("/domains/d1/edit/", DOMAIN_TYPED, writes="PATCH"),
    Page("/domains/d1/delete/"),
    Page("/domains/d1/delete/", {"name": "nordwind.example"}, writes="DELETE"),
    Page("/domains/d9/restore/"),
    Page("/domains/d9/restore/", {}, writes="PATCH"),
    # policies
    Page("/domains/d1/policies/"),
    Page("/domains/d1/panels/policies/", target="domain-policies", part_of="/domains/d1/policies/"),
    Page("/domains/d1/policies/new/?from=p1"),
    Page("/domains/d1/policies/new/", POLICY, writes="POST"),
    Page("/domains/d1/policies/compare/?a=p1&b=p2"),
    Page("/policies/scale/?typed=1&spamScore=5&relayProps.spamScoreLimit=10&score=7", asks=False, target="scale"),
    Page("/policies/p1/"),
    Page("/policies/p1/", POLICY, writes="PATCH"),
    Page("/policies/p1/delete/"),
    Page("/policies/p1/delete/", {}, writes="DELETE"),
    Page("/policies/p1/default/", {}, writes="PATCH"),
    # relays
    Page("/domains/d1/relays/"),
    Page("/domains/d1/relays/new/"),
    Page("/domains/d1/relays/new/", RELAY_TYPED, writes="PATCH"),
    Page("/domains/d1/relays/p1/"),
    Page("/domains/d1/relays/p1/", RELAY_TYPED, writes="PATCH"),
    Page("/domains/d1/relays/p1/delete/"),
    Page("/domains/d1/relays/p1/delete/", {}, writes="PATCH"),
    Page("/domains/d1/relays/p1/health/", target="check-1"),
    Page("/domains/d1/relays/p1/health/", {}, writes="POST", target="check-1"),
    Page("/health/relay/", asks=False),
    Page("/health/relay/", {**RELAY_TYPED, "try": "1"}, panels=True, shows=True, target="tried"),
    # aliases and DKIM
    Page("/domains/d1/aliases/"),
    Page("/domains/d1/aliases/", {"names": "new.example"}, writes="POST"),
    Page("/domains/d1/aliases/replace/"),
    Page("/domains/d1/aliases/replace/", {"names": "new.example", "against": fingerprint(["alias.example"]), "confirmed": "1"}, writes="PUT"),
    Page("/domains/d1/aliases/a1/delete/"),
    Page("/domains/d1/aliases/a1/delete/", {}, writes="DELETE"),
    Page("/domains/d1/dkim/"),
    Page("/domains/d1/dkim/check/"),
    Page("/domains/d1/panels/dkim-check/", target="dkim-check", part_of="/domains/d1/dkim/check/"),
    Page("/domains/d1/dkim/check/", {}, writes="POST", target="dkim-check"),
    Page("/domains/d1/dkim/check/again/", {"since": ""}, panels=True, target="dkim-check"),
    Page("/domains/unsigned/dkim/new/"),
    Page("/domains/unsigned/dkim/new/", {"source": "make"}, writes="POST"),
    Page("/domains/d1/dkim/replace/"),
    Page("/domains/d1/dkim/replace/", {"source": "make"}, writes="PUT"),
    Page("/domains/d1/dkim/rotate/"),
    Page("/domains/d1/dkim/rotate/", {"step": "prepare", "source": "make", "selector": "next"}),
    Page("/domains/d1/dkim/delete/"),
    Page("/domains/d1/dkim/delete/", {}, writes="DELETE"),
    # options, access and administrators
    Page("/domains/d1/options/?q=colour"),
    Page("/domains/d1/options/APP_COLOR/", target="row-of-the-option"),
    Page("/domains/d1/options/APP_COLOR/", {"value": "#00ff00"}, writes="POST"),
    Page("/domains/d1/options/APP_COLOR/reset/"),
    Page("/domains/d1/options/APP_COLOR/reset/", {}, writes="DELETE"),
    Page("/domains/d1/other-option/"),
    Page("/domains/d1/other-option/", {"name": "SECRET_OF_A_FEW", "private_value": "x"}, writes="POST"),
    Page("/domains/d1/access/"),
    Page("/domains/d1/access/", {MAY_SEE: "on"}, writes="PUT"),
    Page("/domains/d1/admins/?search=petra"),
    Page("/domains/d1/panels/admins/", target="domain-admins", part_of="/domains/d1/admins/"),
    Page("/domains/d1/add-admin/?search=petra"),
    Page("/domains/d1/add-admin/accounts/?search=petra", target="accounts", part_of="/domains/d1/add-admin/?search=petra"),
    Page("/domains/d1/add-admin/", {"account": "a2", MAY_SEE: "on"}, writes="POST"),
    Page("/domains/d1/new-admin/"),
    Page("/domains/d1/new-admin/", {**ACCOUNT, "password": "made for a test", MAY_SEE: "on"}, writes="POST"),
    Page("/domains/d1/admins/a1/"),
    Page("/domains/d1/admins/a1/", {MAY_SEE: "on"}, writes="PUT"),
    Page("/domains/d1/admins/a1/revoke/"),
    Page("/domains/d1/admins/a1/revoke/", {}, writes="DELETE"),
    # health
    Page("/health/"),
    Page("/health/panel/", target="home-health", part_of="/health/"),
    Page("/health/?kind=mx-missing&name=nord&page=2"),
    Page("/health/", {"type": "DOMAIN", "id": "d1"}, writes="POST", target="-"),
    Page("/health/", {"type": "PLATFORM", "id": "p1"}, writes="POST", target="-"),
    Page("/domains/d1/health/"),
    Page("/domains/d1/panels/health/", target="domain-health", part_of="/domains/d1/health/"),
    Page("/domains/d1/health/", {}, writes="POST", target="domain-health"),
    Page("/domains/d1/health/", {"relay": "p1"}, writes="POST"),
    Page("/search/?q=keller", panels=True),
    Page("/search/suggestions/?q=keller", panels=True, target="suggestions", part_of="/search/?q=keller"),
    Page("/users/"),
    Page("/users/u1/"),
    Page("/users/u1/folders/"),
    Page("/users/u1/panels/folders/?shown=Quarantine", target="folders", part_of="/users/u1/folders/?shown=Quarantine"),
    Page("/users/u1/mail/", asks=False),
    Page("/users/u1/subfolders/?path=INBOX", target="-"),
    Page("/users/u1/mail/Quarantine/?subject=Rechnung"),
    Page("/users/u1/panels/mail/Quarantine/?subject=R%C3%A4der", target="held", part_of="/users/u1/mail/Quarantine/?subject=R%C3%A4der"),
    Page(MAIL),
    Page(f"{MAIL}reading/?view=html", target="reading", part_of=f"{MAIL}?view=html"),
    Page(f"{MAIL}body/"),
    Page(f"{MAIL}source/"),
    Page(f"{MAIL}attached/1/"),
    Page(f"{MAIL}attachments/", file=True),
    Page(f"{MAIL}attachments/2/?name=Rechnung.pdf", file=True),
    Page(f"{MAIL}release/?allow=mailbox"),
    Page(f"{MAIL}release/", RELEASE, writes="POST", target="reading"),
    Page(f"{MAIL}block/"),
    Page(f"{MAIL}block/", {}, writes="POST", target="reading"),
    Page("/users/u1/rules/r1/?value=shop.example"),
    Page("/users/u1/rules/r1/?value=shop.example", RULE, writes="PUT", target="-"),
    Page("/users/u1/rules/r1/?value=shop.example", {**RULE, "delete": "1"}, writes="DELETE", target="-"),
]
# Pages for people who are not signed in, and what has no page at all.
OPEN = {"sign-in", "sign-in-link", "sign-out", "language", "readyz", "^sandbox/api(?P<rest>/.*)$"}

GETS = [page for page in PAGES if page.post is None]
PARTS = [page for page in PAGES if page.part_of]
ASKING = [page for page in PAGES if page.asks and not page.panels and not page.part_of]
WRITING = [page for page in PAGES if page.writes]
FRAGMENTS = [page for page in PAGES if page.target]


def ids(things: list[Any]) -> list[str]:
    return [thing.id for thing in things]


@dataclass(frozen=True)
class Failure:
    """One way to fail: `status` and `heading` of the screen; `written` where it is another one for a write that was sent."""

    id: str
    answer: Answer
    status: int
    heading: str
    written: tuple[int, str] | None = None


def status(code: int, body: Any = None, **headers: str) -> Answer:
    return lambda request: httpx.Response(code, json=body, headers=headers)


def raising(error: type[httpx.TransportError]) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("as the test wants it", request=request)

    return answer


class Broken(httpx.SyncByteStream):
    """A body whose connection breaks after the first bytes."""

    def __iter__(self) -> Iterator[bytes]:
        yield b'[{"id": "u1"'
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


REASON = {"code": 422, "message": "No <b>wildcards</b> here.", "fields": {"value": "neither an address nor a domain"}}
UNCLEAR = (504, "We do not know whether it happened")
NONSENSE = "Unexpected answer from the gateway"
FAILED = "The gateway failed"
REFUSALS = [
    Failure("403", status(403, {"code": 403, "message": "RULE_EDIT required"}), 403, "Not allowed"),
    Failure("404", status(404), 404, "Not found"),
    Failure("409", status(409, {"message": "There already."}), 409, "Already exists"),
    Failure("412", status(412), 412, "Not possible in this state"),
    Failure("422", status(422, REASON), 422, "Refused"),
    Failure("400 without a body", status(400), 422, "Refused"),
    Failure("429", status(429, **{"Retry-After": "7"}), 429, "Too many requests"),
    Failure("500", lambda request: httpx.Response(500, html="<h1>Oops</h1>"), 502, FAILED),
    Failure("501 with a list", status(501, ["not", "built"]), 502, FAILED),
    Failure("a redirect", status(302, Location="https://elsewhere.example/"), 502, FAILED),
    Failure("read timeout", raising(httpx.ReadTimeout), 504, "The gateway took too long", UNCLEAR),
    Failure("write timeout", raising(httpx.WriteTimeout), 504, "The gateway took too long", UNCLEAR),
    Failure("connection refused", raising(httpx.ConnectError), 503, "The gateway cannot be reached"),
    Failure("no connection free", raising(httpx.PoolTimeout), 503, "Busy right now"),
    Failure("connection broken", lambda request: httpx.Response(200, stream=Broken()), 502, NONSENSE, UNCLEAR),
]
NO_JSON = [
    Failure("HTML", lambda request: httpx.Response(200, html="<html><h1>Please pay for the WLAN</h1></html>"), 502, NONSENSE),
    Failure("empty body", lambda request: httpx.Response(200), 502, NONSENSE),
    Failure("half JSON", lambda request: httpx.Response(200, content=b'[{"id": "u1", "email": "an'), 502, NONSENSE),
    Failure("no UTF-8", lambda request: httpx.Response(200, content=b'"\xff\xfe"'), 502, NONSENSE),
    Failure("wrong shape", status(200, [17]), 502, NONSENSE),
    Failure("wrong type", status(200, "no object"), 502, NONSENSE),
]
FAILURES = REFUSALS + NO_JSON

RELAY = {
    "id": "p1", "name": "Mailserver", "transportDest": "mx.nordwind.example", "transportType": "SMTP", "transportPort": 25,
    "authType": "local", "authData": None, "default": True,
}
TESTS = [
    {"type": "MX", "result": "ERROR_MX_INVALID_ENTRY", "output": ["Required: mx1.gateway.example, mx2.gateway.example", "Fail"]},
    {"type": "DKIM", "result": "ERROR_DKIM_MISSING_ENTRY", "output": ["Fail"]},
]
HEALTH = {"performedAt": 1760000000, "report": {"status": False, "entries": TESTS}}
USER = {"id": "u1", "email": "anna@nordwind.example", "status": "ENABLED", "domainId": "d1", "firstname": "Anna"}
DOMAIN = {"id": "d1", "name": "nordwind.example", "status": "ENABLED", "customer": {"id": "c1", "name": "Nordwind"}, "platforms": [RELAY]}
DELETED_DOMAIN = {**DOMAIN, "id": "d9", "status": "DELETED", "deletionDate": 1760000000000, "purgeDate": 1763000000000}
SOURCE = """Subject: Rechnung 7
Content-Type: multipart/mixed; boundary=b

--b

Text
--b
Content-Type: message/rfc822

Subject: Rechnung 6

Text of another
--b--
"""
MESSAGE = {
    "id": "m1", "from": "Shop <info@shop.example>", "to": ["anna@nordwind.example"], "subject": "Rechnung 7", "size": 1234,
    "headers": {"X-Quarantine-Reason": "SPAM", "X-Spam-Score": "5.4"}, "sentDate": 1760000000000,
    "attachments": {"attachments": [{"id": "2", "name": "Rechnung.pdf", "size": 5}]}, "source": SOURCE,
}
SENDER_RULE = {"id": "r1", "value": "shop.example", "type": "ALLOW", "owner": "anna@nordwind.example", "spfOn": True}
HELD = {"duration": 31, "storeSpam": True}
A_POLICY = {
    "id": "p1", "name": "Usual", "domainId": "d1", "incoming": True, "quarantine": True, "retention": False, "archive": False,
    "mailSizeLimit": 21, "spamScore": 5.0, "relayProps": {"relaySpam": True, "spamScoreLimit": 10.0}, "quarantineProps": HELD,
}
ALIAS = {"id": "a1", "name": "alias.example"}
DKIM = ["protect._domainkey.nordwind.example TXT v=DKIM1; p=MIGf", ["protect._domainkey.alias.example TXT v=DKIM1; p=MIGf"]]
WRITTEN = {
    ("POST", "aliases"): [ALIAS], ("POST", "dkim"): DKIM, ("PUT", "dkim"): DKIM, ("POST", "health"): HEALTH, ("POST", "try-relay"): HEALTH,
    ("POST", "policies"): A_POLICY, ("POST", "domains"): DOMAIN, ("POST", "wblist"): [SENDER_RULE],
}
OPTION = {
    "value": "#112233", "parentValue": "#445566",
    "option": {"name": "APP_COLOR", "type": "COLOR", "group": "application", "description": "Colour", "restricted": False},
}
ADMIN = {
    **ACCOUNT, "id": "a1", "enabled": True, "totp": False, "authoritiesCount": 1,
    "authorities": [{"objectType": "DOMAIN", "objectId": "d1", "permissions": ["RULE_VIEW"]}],
}
FAILING = {"id": "d1", "name": "nordwind.example", "type": "DOMAIN", "health": HEALTH}
FOLDER = {"name": "Quarantine", "path": "Quarantine", "messageCount": 1, "unreadMessageCount": 1}


def well(request: httpx.Request) -> httpx.Response:
    """A gateway that works."""
    path = request.url.path
    if path == "/domains/unsigned/dkim" and request.method == "GET":
        return httpx.Response(404, json={"message": "No DKIM values found."})
    if made := WRITTEN.get((request.method, path.rpartition("/")[2])):
        return httpx.Response(201, json=made)
    if request.method != "GET":
        return httpx.Response(204)
    for pattern, body in (
        (r"/domains", [DOMAIN]), (r"/domains/d9", DELETED_DOMAIN), (r"/domains/\w+", DOMAIN),
        (r"/domains/\w+/aliases", [ALIAS]), (r"/domains/\w+/dkim", DKIM),
        (r"/domains/\w+/policies", [A_POLICY]), (r"/policies/\w+", A_POLICY),
        (r"/domains/\w+/options", [OPTION]), (r"/domains/\w+/access", [{"name": "MAIL_VIEW", "enabled": False}]),
        (r"/domains/\w+/admins", [ADMIN]), (r"/domains/\w+/admins/\w+", ADMIN),
        (r"/security/admins", [ADMIN, {**ADMIN, "id": "a2", "authorities": []}]),
        (r"/security/permissions", [{"name": "MAIL_VIEW", "editable": True}, {"name": "RULE_VIEW", "editable": True}]),
        (r"/health", [FAILING]), (r"/(domains|platforms)/\w+/health", HEALTH),
        (r"/users|/domains/\w+/users", [USER]), (r"/users/\w+", USER), (r".*/wblist", [SENDER_RULE]),
        (r"/users/\w+/emails/folders(/.+)?", [FOLDER]), (r"/users/\w+/emails/\w+", [MESSAGE]),
        (r"/users/\w+/emails/\w+/\w+", MESSAGE),
    ):
        if re.fullmatch(pattern, path):
            return httpx.Response(200, json=body, headers={"X-Total-Count": "1"})
    assert "/attachments" in path, path
    return httpx.Response(200, content=b"bytes of a file")


def text(answer: HttpResponse) -> str:
    """What a person reads, tags and all, with nothing escaped."""
    return html.unescape(answer.getvalue().decode(errors="replace"))  # a workbook is no text


def heading(answer: HttpResponse) -> str:
    """The heading of an error: of a whole page, of a panel, or of a toast."""
    found = re.search(r"<h1>(.*?)</h1>|<h2>(.*?)</h2>|<strong>(.*?)\.</strong>", text(answer))
    assert found, text(answer)
    return next(filter(None, found.groups()))


def still_signed_in(somebody: Client, gateway: Gateway) -> bool:
    gateway.answer = well
    return somebody.get("/users/u1/mail/")["Location"].startswith("/users/u1/")


@pytest.fixture
def somebody(browser_of_somebody: Client, gateway: Gateway) -> Client:
    """Somebody signed in, with a batch, in front of a gateway that works until the test changes it."""
    batch = Batch.objects.create(
        pk=BATCH, owner=browser_of_somebody.session["owner"], who="x", session_key="x", operation="releaseEmail", url="/",
        state=State.STOPPED, ids={"userIdOrEmail": "u1", "folderPath": "Quarantine"},
    )
    Row.objects.create(batch=batch, target="m1")
    gateway.answer = well
    return browser_of_somebody


def addresses(patterns: list[Any], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, before + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield pattern.name or before + str(pattern.pattern)


def test_no_address_is_forgotten_in_the_table() -> None:
    assert {page.name for page in PAGES} | OPEN == set(addresses(get_resolver().url_patterns))


def test_no_fragment_is_forgotten_in_the_table() -> None:
    called = set()
    for template in Path(settings.BASE_DIR, "templates").rglob("*.html"):
        called |= set(re.findall(r"""hx-(?:get|post)="{{ '([\w-]+)'\|url""", template.read_text()))
    assert called - {"sign-in"} <= {page.name for page in FRAGMENTS}  # its own tests are in test_signed_out.py
    assert len(called) > 5


WHOLE = [page for page in PAGES if not page.part_of]


@pytest.mark.parametrize("place", WHOLE, ids=ids(WHOLE))
def test_a_page_works_while_the_gateway_does(place: Page, somebody: Client, gateway: Gateway) -> None:
    answer = place.open(somebody)
    assert answer.status_code in ((200,) if (place.post is None or place.shows) and place.url != "/users/u1/mail/" else (302,))
    assert bool(gateway.asked) == place.asks


@pytest.mark.parametrize("place", FRAGMENTS, ids=ids(FRAGMENTS))
def test_a_fragment_is_only_a_part_of_a_page(place: Page, somebody: Client) -> None:
    answer = place.open(somebody, fragment=True)
    assert answer.status_code == 200
    assert "<html" not in text(answer)


@pytest.mark.parametrize("place", PARTS, ids=ids(PARTS))
def test_the_address_of_a_part_leads_to_its_page_when_it_is_opened_by_itself(place: Page, somebody: Client, gateway: Gateway) -> None:
    answer = place.open(somebody)
    assert (answer.status_code, answer["Location"]) == (302, place.part_of)
    assert gateway.asked == []
    assert "<html" in text(somebody.get(place.part_of))


@pytest.mark.parametrize("place", ASKING, ids=ids(ASKING))
def test_a_whole_page_says_what_is_wrong(place: Page, somebody: Client, gateway: Gateway, subtests: pytest.Subtests) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failure.answer
            answer = place.open(somebody)
            if place.file and failure in NO_JSON:  # whatever the bytes of a file are, they are the file
                assert answer.status_code == 200
                continue
            if place.file and failure.id == "connection broken":
                with pytest.raises(httpx.RemoteProtocolError):  # the browser is not told that half a file is all of it
                    answer.getvalue()
                continue
            assert answer.status_code == failure.status
            assert heading(answer) == failure.heading
            assert "Go to home page" in text(answer)
            assert (f'href="{place.url}">Try again' in text(answer)) == (place.post is None)
            if failure.id == "403":
                assert any(operation_name(op) in text(answer) for op in ("getUser", "getEmail", *OPERATIONS))
                assert "RULE_EDIT required" in text(answer)
            if failure.id == "422":
                assert "No &lt;b&gt;wildcards&lt;/b&gt; here." in answer.content.decode()
                assert "neither an address nor a domain" in text(answer)
            if failure.id == "429":
                assert "wait 7 seconds" in text(answer)
            assert still_signed_in(somebody, gateway)


OPERATIONS = (
    "listUsers", "listDomains", "getDomain", "listDomainUsers", "getFolders", "getFolderContent", "getSubfolders",
    "listDomainPolicies", "getDomainPolicy", "getUserFilterRules", "getDomainFilterRules", "downloadEmailAttachmentPart", "getAllEmailAttachments",
    "getUserFilterRules", "getDomainFilterRules", "downloadEmailAttachmentPart", "getAllEmailAttachments", "getHealthErrors",
    "getDomainHealth",
)
ASKING_FRAGMENTS = [page for page in FRAGMENTS if page.asks and not page.panels]


@pytest.mark.parametrize("place", ASKING_FRAGMENTS, ids=ids(ASKING_FRAGMENTS))
def test_a_fragment_says_what_is_wrong_in_its_place(
    place: Page, somebody: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failure.answer
            answer = place.open(somebody, fragment=True)
            if failure.id == "403" and place.target == "domain-admins":  # not for everybody, and nothing is broken
                assert "Your account may not see them." in text(answer)
                continue
            assert answer.status_code == failure.status
            assert heading(answer) == failure.heading
            assert "<html" not in text(answer)
            assert answer["HX-Push-Url"] == "false"
            if place.post is None:
                assert f'href="{place.url}"' in text(answer)
                assert "Try again" in text(answer)
                assert "HX-Retarget" not in answer
            else:
                assert (answer["HX-Retarget"], answer["HX-Reswap"]) == ("#toasts", "beforeend")
            assert still_signed_in(somebody, gateway)


@pytest.mark.parametrize("place", [page for page in PAGES if not page.asks], ids=lambda page: page.id)
def test_a_page_that_needs_no_gateway_works_without_one(
    place: Page, somebody: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failure.answer
            assert place.open(somebody).status_code in (200, 302)
            assert gateway.asked == []


def failing_to_write(failure: Failure) -> Answer:
    return lambda request: well(request) if request.method == "GET" else failure.answer(request)


# What has no body to read cannot be half of one.
WRITE_FAILURES = REFUSALS + [failure for failure in NO_JSON if failure.id == "HTML"]
CHANGES = [page for page in WRITING if "/rules/" in page.url]


@pytest.mark.parametrize("fragment", [False, True], ids=["whole", "fragment"])
@pytest.mark.parametrize("place", CHANGES, ids=ids(CHANGES))
def test_a_rule_that_cannot_be_changed_says_why(
    place: Page, fragment: bool, somebody: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    for failure in WRITE_FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failing_to_write(failure)
            answer = place.open(somebody, fragment=fragment)
            status, title = failure.written or (failure.status, failure.heading)
            if failure.id in ("409", "412", "422", "400 without a body") and not fragment:  # the form again, and why
                assert (answer.status_code, heading(answer)) == (status, "Allowed sender")
                assert 'class="problem" role="alert"' in text(answer)
                assert 'value="typed by hand"' in text(answer)
            else:
                assert (answer.status_code, heading(answer)) == (status, title)
            assert ("<html" in text(answer)) != fragment
            assert still_signed_in(somebody, gateway)


def test_a_failed_release_says_so_or_says_that_nobody_knows(
    somebody: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    for failure in WRITE_FAILURES:
        with subtests.test(failure.id):
            gateway.asked.clear()
            gateway.answer = failing_to_write(failure)
            answer = Page(f"{MAIL}release/", {**RELEASE, "allow": ""}, target="reading").open(somebody, fragment=True)
            assert "<html" not in text(answer)
            if failure.id == "412":
                assert "Release an infected message?" in text(answer)
                assert answer["HX-Retarget"] == "#dialog"
            elif failure.id in ("500", "501 with a list", "a redirect", "HTML", "400 without a body") or failure.written:  # 400: r:2407
                assert answer.status_code == 200
                assert "We do not know whether the mail was released" in text(answer)
                assert "Unknown, check" in text(answer)
            elif failure.id == "403":
                assert "Your account may not do this: release a message." in text(answer)
                assert ">Release <kbd>" not in text(answer)
            else:
                assert (answer.status_code, heading(answer)) == (failure.status, failure.heading)
                assert answer["HX-Retarget"] == "#toasts"
            assert [request.method for request in gateway.asked].count("POST") == 1
            assert still_signed_in(somebody, gateway)


def test_a_failed_block_says_so_and_leaves_the_mail_in_place(
    somebody: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failing_to_write(failure)
            answer = Page(f"{MAIL}block/", {}, target="reading").open(somebody, fragment=True)
            assert answer.status_code == 200
            assert "<h2>Rechnung 7</h2>" in text(answer)  # the answer takes the place of the reading pane
            assert 'hx-swap-oob="beforeend:#toasts"' in text(answer)
            known = "info@shop.example is already blocked for anna@nordwind.example."
            unclear = failure.status >= 502 and failure.status != 503
            assert {
                "no connection free": "was not added. Busy right now.",
                "409": known, "connection refused": "was not added. The gateway cannot be reached.",
                "403": "was not added. Your account may not do this: add a sender rule to a mailbox.",
            }.get(failure.id, "It is unclear whether the sender rule" if unclear else "was not added.") in text(answer)
            assert still_signed_in(somebody, gateway)


# 401: the session is over, and one comes back to where one was.

def back_from(answer: HttpResponse) -> str:
    """Where the sign-in page leads to, from a redirect to it."""
    target = answer.headers.get("HX-Redirect") or answer["Location"]
    path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
    assert path == "/sign-in/"
    assert query["ended"] == ["1"]
    assert "csrf" not in target
    assert "once" not in query.get("next", [""])[0]
    return query.get("next", ["/"])[0]


def sign_in_again(somebody: Client, gateway: Gateway, back: str) -> HttpResponse:
    gateway.answer = well
    answer = somebody.post("/sign-in/", {"token": "an-opaque-token-of-a-test", "next": back})
    assert (answer.status_code, answer["Location"]) == (302, back)
    return somebody.get(back)


@pytest.mark.parametrize("place", [page for page in WHOLE if page.asks], ids=lambda page: page.id)
def test_a_token_that_is_over_ends_the_session_and_leads_back(place: Page, somebody: Client, gateway: Gateway) -> None:
    gateway.answer = status(401)
    answer = place.open(somebody)
    assert answer.status_code == 302
    back = back_from(answer)
    assert urlsplit(back).path == urlsplit(place.url).path
    assert somebody.get("/activity/").status_code == 302
    assert sign_in_again(somebody, gateway, back).status_code == 200


@pytest.mark.parametrize("place", [page for page in FRAGMENTS if page.asks], ids=lambda page: page.id)
def test_a_token_that_is_over_sends_the_whole_page_to_the_sign_in(place: Page, somebody: Client, gateway: Gateway) -> None:
    gateway.answer = status(401)
    answer = place.open(somebody, fragment=True)
    assert answer.status_code == 200
    assert answer.content == b""
    back = back_from(answer)
    if place.post is None:
        assert back == "/users/u1/mail/Quarantine/?subject=Rechnung"  # the page that is on the screen, with its search
    else:
        assert urlsplit(back).path == urlsplit(place.url).path
    assert somebody.get("/activity/").status_code == 302
    assert sign_in_again(somebody, gateway, back).status_code == 200


@pytest.mark.parametrize("place", PAGES, ids=ids(PAGES))
def test_a_session_that_is_over_leads_back_to_a_page(place: Page, somebody: Client, gateway: Gateway) -> None:
    session = somebody.session
    session["ends"] = 0
    session.save()
    answer = place.open(somebody)
    assert answer.status_code == 302
    assert gateway.asked == []
    assert sign_in_again(somebody, gateway, back_from(answer)).status_code in (200, 302)


@pytest.mark.parametrize("place", PAGES, ids=ids(PAGES))
def test_a_page_asks_who_is_there(place: Page, gateway: Gateway) -> None:
    stranger = Client()
    answer = place.open(stranger)
    assert answer.status_code == 302
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert answer["Location"].startswith("/sign-in/")
    assert "ended" not in query
    assert urlsplit(query.get("next", ["/"])[0]).path == urlsplit(place.url).path
    if place.target:
        assert place.open(stranger, fragment=True)["HX-Redirect"].startswith("/sign-in/")
    assert gateway.asked == []
    assert "session" not in stranger.cookies


def test_signing_out_of_a_session_that_is_over_is_just_being_out(somebody: Client) -> None:
    session = somebody.session
    session["ends"] = 0
    session.save()
    answer = somebody.post("/sign-out/")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/")


@pytest.mark.parametrize("place", [Page(f"{MAIL}release/", RELEASE), *CHANGES[:1], *CHANGES[2:3]], ids=lambda page: page.id)
@pytest.mark.parametrize("fragment", [False, True], ids=["whole", "fragment"])
def test_what_was_typed_is_there_again_after_signing_in(place: Page, fragment: bool, somebody: Client, gateway: Gateway) -> None:
    gateway.answer = status(401)
    assert place.post
    form = replace(place, post={**place.post, "carried": "allow days description"})  # as its page says (users/release.html)
    again = sign_in_again(somebody, gateway, back_from(form.open(somebody, fragment=fragment)))
    assert 'value="typed by hand"' in text(again)
    assert f'<option value="{place.post["days"]}" selected>' in text(again)
    if "allow" in place.post:
        assert 'name="allow" value="mailbox"' in text(again)
    assert [request for request in gateway.asked if request.method != "GET"] == []


# A panel that fails alone.

def failing_at(pattern: str, failure: Failure) -> Answer:
    return lambda request: failure.answer(request) if re.fullmatch(pattern, request.url.path) else well(request)


def test_a_list_that_fails_leaves_the_user(somebody: Client, gateway: Gateway, subtests: pytest.Subtests) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failing_at(r"/users/u1/emails/\w+", failure)
            answer = somebody.get("/users/u1/mail/INBOX/")
            assert answer.status_code == 200
            assert "<h1>anna@nordwind.example</h1>" in text(answer)
            assert f"<h2>{failure.heading}</h2>" in text(answer)
            assert 'href="/users/u1/mail/INBOX/">Try again' in text(answer)
            assert 'hx-trigger="load"' not in text(answer)  # it would ask, and fail, once more by itself


def test_a_mail_that_fails_leaves_the_user_and_the_list(somebody: Client, gateway: Gateway, subtests: pytest.Subtests) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failing_at(r"/users/u1/emails/\w+/m1", failure)
            answer = somebody.get(MAIL)
            assert answer.status_code == (404 if failure.id == "404" else 200)
            assert "<h1>anna@nordwind.example</h1>" in text(answer)
            assert "Rechnung 7" in text(answer)
            assert f"<h2>{failure.heading}</h2>" in text(answer)


def test_a_list_that_fails_leaves_the_mail(somebody: Client, gateway: Gateway, subtests: pytest.Subtests) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failing_at(r"/users/u1/emails/\w+", failure)
            answer = somebody.get(MAIL)
            assert answer.status_code == 200
            assert "<h2>Rechnung 7</h2>" in text(answer)
            assert f"<h2>{failure.heading}</h2>" in text(answer)


@pytest.mark.parametrize(("failing", "shown"), [("users", "nordwind.example"), ("domains", "anna@nordwind.example")])
@pytest.mark.parametrize("fragment", [False, True], ids=["whole", "fragment"])
def test_half_a_search_shows_the_other_half(
    failing: str, shown: str, fragment: bool, somebody: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failing_at(f"/{failing}", failure)
            answer = Page("/search/suggestions/?q=nord" if fragment else "/search/?q=nord", target="suggestions").open(somebody, fragment=fragment)
            assert answer.status_code == 200
            assert shown in text(answer)
            assert ("A part of the search failed" if fragment else f"The {failing} could not be searched") in text(answer)
            assert ("<html" in text(answer)) != fragment


def test_a_search_that_fails_wholly_says_so_twice(somebody: Client, gateway: Gateway, subtests: pytest.Subtests) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failure.answer
            answer = somebody.get("/search/?q=nord")
            assert answer.status_code == 200
            assert "The users could not be searched" in text(answer)
            assert "The domains could not be searched" in text(answer)
            assert still_signed_in(somebody, gateway)


# The sign-in page asks the gateway too.

def test_the_sign_in_says_what_is_wrong(gateway: Gateway, subtests: pytest.Subtests) -> None:
    for failure in FAILURES:
        with subtests.test(failure.id):
            gateway.answer = failure.answer
            newcomer = Client()
            answer = newcomer.post("/sign-in/", {"token": "a-token-of-somebody", "next": "/users/u1/"})
            if failure.id == "403":  # a valid token, of an account that may not list users
                assert answer["Location"] == "/users/u1/"
                continue
            assert answer.status_code == failure.status
            assert 'id="token-problem"' in text(answer)
            assert "a-token-of-somebody" not in text(answer)
            assert 'name="next" value="/users/u1/"' in text(answer)
            assert "session" not in newcomer.cookies


def test_the_sign_in_says_that_a_token_is_not_valid(gateway: Gateway) -> None:
    gateway.answer = status(401)
    answer = Client().post("/sign-in/", {"token": "a-token-of-somebody"})
    assert answer.status_code == 403
    assert "This token is not valid" in text(answer)


# Answers that hold nothing.

def null(record: type[msgspec.Struct]) -> dict[str, None]:
    return {field.encode_name: None for field in msgspec.structs.fields(record)}


def nothing(request: httpx.Request, rows: Callable[[type[msgspec.Struct]], list[Any]]) -> httpx.Response:
    """Objects whose every field is null, and lists of `rows`."""
    path = request.url.path
    if path.endswith("/try-relay"):
        return httpx.Response(200, json=null(health.TriedRelay))
    if request.method == "POST" and path.endswith("/health"):
        return httpx.Response(201, json=null(health.EntityHealth))
    if request.method != "GET":
        return httpx.Response(200, json=null(domains.Domain) if path == "/domains" else [])
    if re.fullmatch(r"/domains/\w+", path):  # the relay that pages are about
        return httpx.Response(200, json={**null(domains.Domain), "platforms": [{**null(domains.Platform), "id": "p1"}]})
    if path.endswith("/dkim"):
        return httpx.Response(200, json=[""] if rows(domains.Alias) else [])
    for pattern, record, a_list in (
        (r"/domains", domains.Domain, True), (r"/domains/\w+/aliases", domains.Alias, True),
        (r"/domains/\w+/policies", policies.Policy, True), (r"/policies/\w+", policies.Policy, False),
        (r"/domains/\w+/options", options.Option, True), (r"/domains/\w+/access", domains.Permission, True),
        (r"/domains/\w+/admins|/security/admins", access_controls.Admin, True),
        (r"/domains/\w+/admins/\w+", access_controls.Admin, False), (r"/security/permissions", access_controls.Grantable, True),
        (r"/health", health.DiagnosticEntry, True), (r"/(domains|platforms)/\w+/health", health.EntityHealth, False),
        (r"/users|/domains/\w+/users", users.User, True), (r"/users/\w+", users.User, False), (r".*/wblist", sender_rules.SenderRule, True),
        (r"/users/\w+/emails/folders(/.+)?", mail.Folder, True), (r"/users/\w+/emails/\w+", mail.Message, True),
        (r"/users/\w+/emails/\w+/\w+", mail.MessageContent, False),
    ):
        if re.fullmatch(pattern, path):
            return httpx.Response(200, json=rows(record) if a_list else null(record))
    return httpx.Response(200)


NOTHING: dict[str, Answer] = {
    "empty lists": lambda request: nothing(request, lambda record: []),
    "null fields": lambda request: nothing(request, lambda record: [null(record), null(record)]),
    "empty objects": lambda request: nothing(request, lambda record: [{}]),
}


@pytest.mark.parametrize("place", [page for page in PAGES if page.asks], ids=lambda page: page.id)
def test_a_page_survives_answers_that_hold_nothing(
    place: Page, somebody: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    # The rule, the alias or the option is not among none, and there is no source.
    missing = ("domain-alias-delete", "domain-option", "domain-option-reset", "domain-rule", "mail-attached", "mail-source", "user-rule")
    # What has no name was not the one that was typed, and there is no permission to choose.
    refusing = ("domain-delete", "domain-admin", "domain-admin-add", "domain-admin-new")
    gone, refused = place.name in missing, bool(place.post) and place.name in refusing
    for name, answer in NOTHING.items():
        for fragment in {False, bool(place.target)}:
            with subtests.test(name, fragment=fragment):
                gateway.answer = answer
                shown = place.open(somebody, fragment=fragment)
                assert shown.status_code in ((404,) if gone else (422,) if refused else (200, 302))
                assert ">None<" not in text(shown)
                assert "/None/" not in text(shown) + shown.headers.get("Location", "")


@pytest.mark.parametrize(("url", "said"), [
    ("/users/", "Nothing here yet."),
    ("/users/?email=keller", "Nothing matches “keller”."),
    ("/domains/", "Nothing here yet."),
    ("/domains/?name=nord", "Nothing matches “nord”."),
    ("/domains/d1/users/", "Nothing here yet."),
    ("/domains/d1/policies/", "This domain has no policy."),
    ("/domains/d1/policies/compare/", "Choose two policies to see the differences."),
    ("/domains/d1/users/?email=keller", "Nothing matches “keller”."),
    ("/domains/d1/options/", "This domain has no settings."),
    ("/domains/d1/options/?q=colour", "Nothing matches “colour”."),
    ("/domains/d1/access/", "The gateway offers nothing to allow here."),
    ("/domains/d1/admins/", "No administrators for this domain yet."),
    ("/domains/d1/admins/?search=petra", "Nothing matches “petra”."),
    ("/domains/d1/add-admin/", "There are no accounts to choose from."),
    ("/domains/d1/add-admin/", "You hold nothing on this domain that you may pass on."),
    ("/search/?q=keller", "No user address contains this."),
    ("/search/?q=keller", "No domain name contains this."),
    ("/search/", "Enter part of an address or domain in the box above."),
    ("/users/u1/folders/", "This mailbox has no folders."),
    ("/users/u1/subfolders/?path=INBOX", "No subfolders"),
    ("/users/u1/mail/Quarantine/", "This folder is empty."),
    ("/users/u1/mail/Quarantine/?subject=Rechnung", "No messages match this search."),
    ("/health/", "No problems"),
    ("/health/?kind=relay&name=nord", "No problems"),
    ("/activity/", "Nothing yet. Everything you release or change is listed here."),
])
def test_a_list_of_nothing_says_so(url: str, said: str, somebody: Client, gateway: Gateway) -> None:
    gateway.answer = NOTHING["empty lists"]
    shown = text(somebody.get(url))
    assert said in shown
    assert 'hx-trigger="load"' not in shown  # there is nothing more to fetch


# Languages.

@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
def test_every_page_comes_in_every_language(language: str, somebody: Client) -> None:
    somebody.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    for place in PAGES:
        whole = place.open(somebody)
        assert whole.status_code in (200, 302), place.id
        if whole.status_code == 200 and not place.file and not place.made and place.name not in ("mail-body", "mail-source"):
            assert f'<html lang="{language}">' in text(whole), place.id
        if place.target:
            assert place.open(somebody, fragment=True).status_code == 200, place.id


@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
def test_every_failure_comes_in_every_language(language: str, somebody: Client, gateway: Gateway) -> None:
    somebody.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    for failure in {failure.heading: failure for failure in FAILURES}.values():
        gateway.answer = failure.answer
        answer = somebody.get("/users/")
        assert (answer.status_code, answer["Content-Language"]) == (failure.status, language)
        gateway.answer = failing_to_write(failure)
        for place in WRITING[-4:]:
            assert place.open(somebody).status_code in (200, 302, failure.status, 504), place.id
