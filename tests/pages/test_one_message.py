"""A message of a gateway that holds to the vendor's document (`r:N`, its line N): by which ids, under which folder, with what of it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import httpx
import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from portal.audit.models import Entry
from sandbox import seed
from sandbox.models import Mail, User
from tests.conftest import Gateway
from tests.shown import attribute, find, hidden, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])

Answer = Callable[[httpx.Request], httpx.Response]
HEADERS = {"X-Fuglu-Id": "f1", "Message-ID": "<a1@x.example>"}
ONE = {"id": "m1", "subject": "Offer", "from": "a@x.example", "headers": HEADERS}


def part(target: str) -> dict[str, str]:
    return {"HX-Request": "true", "HX-Target": target}


def read(browser: Client, folder: str = "Quarantine", mail: str = "m1", user: str = "u1") -> HttpResponse:
    return browser.get(reverse("mail-reading", args=(user, folder, mail)), headers=part("reading"))


def release(browser: Client, folder: str = "Quarantine", mail: str = "m1", **data: Any) -> HttpResponse:
    return browser.post(reverse("release", args=("u1", folder, mail)), {"once": uuid4().hex, **data}, headers=part("reading"))


def paths(gateway: Gateway, method: str = "GET") -> list[str]:
    return [request.url.raw_path.decode().partition("?")[0] for request in gateway.asked if request.method == method]


class Box:
    """A mailbox u1. `known` are the paths below /users/u1/emails/ as they may be asked, and their answers."""

    def __init__(self, **known: Any) -> None:
        self.known: dict[str, Any] = known

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().partition("?")[0]
        if path in ("/users/u1", "/users"):
            return httpx.Response(200, json={"id": "u1", "email": "anna@a.example"} if path == "/users/u1" else [])
        found = self.known.get(path.removeprefix("/users/u1/emails/"))
        if callable(found):
            found = found(request)
        if isinstance(found, httpx.Response):
            return found
        return httpx.Response(404, json={}) if found is None else httpx.Response(200, json=found)


# What is asked for of a message: "fields | List of attended datas | - | HEADERS" (r:2169).

def obeying(request: httpx.Request) -> httpx.Response:
    """A gateway that gives the text to who asks for it, and the headers alone to who does not."""
    wanted = request.url.params.get("fields", "HEADERS").split(",")
    content = {"content": "Dear Anna", "source": "Subject: Offer\r\n\r\nDear Anna"}
    return httpx.Response(200, json={**ONE, **(content if "CONTENT" in wanted else {})})


def test_an_owner_reads_the_text_at_a_gateway_that_gives_headers_unless_asked(gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway.answer = Box(**{"Quarantine/m1": obeying})
    shown = text(read(browser_of_somebody))
    assert "Dear Anna" in shown
    assert "Only the mailbox owner" not in shown
    (asked,) = gateway.asked
    assert asked.url.params["fields"] == "HEADERS,CONTENT,SOURCE"


def test_the_operator_says_what_is_asked_for(gateway: Gateway, browser_of_somebody: Client, settings: Any) -> None:
    gateway.answer = Box(**{"Quarantine/m1": obeying})
    for fields, sent in ((["HEADERS", "BODY"], "HEADERS,BODY"), ([], None)):
        settings.EMAIL_FIELDS = fields
        gateway.asked.clear()
        read(browser_of_somebody)
        assert gateway.asked[0].url.params.get("fields") == sent


def test_where_the_gateway_refuses_these_fields_the_headers_are_shown(gateway: Gateway, browser_of_somebody: Client) -> None:
    def strict(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400 if "fields" in request.url.params else 200, json=ONE)

    gateway.answer = Box(**{"Quarantine/m1": strict})
    assert "Offer" in text(read(browser_of_somebody))
    assert len(gateway.asked) == 2


@pytest.mark.parametrize("sent", [{}, {"content": None, "source": None}, {"source": ""}])
def test_an_owner_without_text_is_not_told_to_be_somebody_else(gateway: Gateway, sent: dict[str, Any]) -> None:
    gateway.answer = lambda request: httpx.Response(
        200, json=[{"id": "u1"}] if request.url.path == "/users" else [], headers={"X-Total-Count": "1"}
    )
    own = Client()
    own.post("/sign-in/", {"token": "an-opaque-token"})
    gateway.answer = Box(**{"Quarantine/m1": {**ONE, **sent}})
    shown = text(read(own))
    assert "The gateway sent neither the text nor the source of this message." in shown
    assert "Only the mailbox owner" not in shown
    gateway.answer = Box(**{"Quarantine/m1": {**ONE, "content": ""}})
    assert "This message has no text." in text(read(own))


def test_somebody_else_is_told_that_the_text_is_the_owners(gateway: Gateway, browser_of_somebody: Client) -> None:
    for sent in ({}, {"content": None, "source": None}, {"content": "", "source": ""}):
        gateway.answer = Box(**{"Quarantine/m1": {**ONE, **sent}})
        assert "Only the mailbox owner can read the text." in text(read(browser_of_somebody))


def test_files_are_offered_to_all_and_a_refusal_is_the_gateways(gateway: Gateway, browser_of_somebody: Client) -> None:
    files = {"attachments": [{"id": "2", "name": "offer.pdf"}]}
    gateway.answer = Box(**{"Quarantine/m1": {**ONE, "attachments": files}, "Quarantine/m1/attachments/2": httpx.Response(403)})
    assert [text(link) for link in find(read(browser_of_somebody), ".files a")] == ["offer.pdf"]
    answer = browser_of_somebody.get("/users/u1/mail/Quarantine/m1/attachments/2/")
    assert answer.status_code == 403


# Ids: "Can be the value of header X-Fuglu-Id or Message-ID" (r:2160).

@pytest.mark.parametrize("known", ["f1", "%3Ca1%40x.example%3E"])
def test_a_message_unknown_under_its_id_is_read_by_the_values_of_its_headers(
    gateway: Gateway, browser_of_somebody: Client, known: str
) -> None:
    gateway.answer = Box(**{"Quarantine": [ONE], f"Quarantine/{known}": ONE, f"Quarantine/{known}/attachments/2": "file"})
    assert "Offer" in text(read(browser_of_somebody))
    answer = browser_of_somebody.get("/users/u1/mail/Quarantine/m1/attachments/2/")
    assert answer.status_code == 200


@pytest.mark.parametrize("known", ["f1", "%3Ca1%40x.example%3E"])
def test_a_message_is_released_by_the_values_of_its_headers(gateway: Gateway, browser_of_somebody: Client, known: str) -> None:
    released = httpx.Response(204)
    gateway.answer = Box(**{"Quarantine/m1": ONE, f"Quarantine/{known}": ONE, f"Quarantine/{known}/release": released})
    assert "Released. The message is on its way" in text(release(browser_of_somebody))
    assert paths(gateway, "POST")[-1] == f"/users/u1/emails/Quarantine/{known}/release"


def test_another_message_with_the_same_message_id_is_never_released(gateway: Gateway, browser_of_somebody: Client) -> None:
    twin = {**ONE, "id": "m2", "headers": {"X-Fuglu-Id": "f2", "Message-ID": "<a1@x.example>"}}
    gateway.answer = Box(**{
        "Quarantine/m1": ONE, "Quarantine/%3Ca1%40x.example%3E": twin, "Quarantine/%3Ca1%40x.example%3E/release": httpx.Response(204),
    })
    release(browser_of_somebody)
    assert paths(gateway, "POST") == ["/users/u1/emails/Quarantine/m1/release"]


def test_a_message_that_is_gone_is_not_looked_for_without_end(gateway: Gateway, browser_of_somebody: Client) -> None:
    gateway.answer = Box(Quarantine=[{**ONE, "id": "m10"}])
    assert read(browser_of_somebody).status_code == 404
    assert len(gateway.asked) == 2


# Folders with a slash, at a gateway behind a proxy that refuses %2F.

@pytest.mark.parametrize("refusal", [400, 404])
@pytest.mark.parametrize("base", ["", "http://sandbox"])
def test_a_folder_is_asked_for_under_the_gateways_own_address(
    gateway: Gateway, browser_of_somebody: Client, refusal: int, base: str
) -> None:
    inbox = {"name": "INBOX", "path": "INBOX", "childrenUri": base + "/users/u1/emails/folders/INBOX"}
    own = {"path": "INBOX/Quarantine", "messagesUri": base + "/users/u1/emails/INBOX/Quarantine"}
    refused = httpx.Response(refusal, text="<h1>Bad</h1>")
    gateway.answer = Box(**{
        "folders": [inbox], "folders/INBOX": [own], "INBOX/Quarantine": [ONE], "INBOX/Quarantine/m1": ONE,
        "INBOX%2FQuarantine": refused, "INBOX%2FQuarantine/m1": refused, "INBOX/Quarantine/m1/release": httpx.Response(204),
    })
    listed = browser_of_somebody.get(reverse("mail-list-panel", args=("u1", "INBOX/Quarantine")), headers=part("held"))
    assert "Offer" in text(listed)
    assert "Offer" in text(read(browser_of_somebody, "INBOX/Quarantine"))
    release(browser_of_somebody, "INBOX/Quarantine")
    assert paths(gateway, "POST") == ["/users/u1/emails/INBOX/Quarantine/m1/release"]


def test_a_folder_of_a_hundred_folders_is_looked_for_and_given_up(gateway: Gateway, browser_of_somebody: Client) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        _before, found, inside = request.url.path.partition("/emails/folders")
        path = inside.removeprefix("/") + "/a" if inside else "a"
        return httpx.Response(200, json=[{"path": path}]) if found else httpx.Response(404)

    gateway.answer = answer
    page = browser_of_somebody.get(reverse("mail-reading", args=("u1", "/".join("a" * 100), "m1")), headers=part("reading"))
    assert (page.status_code, len(gateway.asked) < 100) == (404, True)


@pytest.mark.parametrize("address", [
    "https://evil.example/users/u1/emails/INBOX/Sub",
    "http://sandbox:8080/users/u1/emails/INBOX/Sub",
    "http://sandbox@evil.example/users/u1/emails/INBOX/Sub",
    "http://me@sandbox/users/u1/emails/INBOX/Sub",
    "//evil.example/users/u1/emails/INBOX/Sub",
    "/other/users/u1/emails/INBOX/Sub",
    "users/u1/emails/INBOX/Sub",
    "/users/u1/emails/INBOX/../../u2/emails/INBOX",
    "/users/u1/emails/INBOX/%2e%2e/Sub",
    "/users/u1/emails/INBOX/..;x/Sub",
    "/users/u1/emails/INBOX%2F..%2FSub",
    "/users/u1/emails/INBOX\\..\\Sub",
    "/users/u1/emails/INBOX//Sub",
    "/users/u1/emails/INBOX/Sub?x=1",
    "/users/u1/emails/INBOX/Sub#x",
    "/users/u1/emails/INBOX/%00Sub",
    "/users/u1/emails/INBOX/Sub\r\nX: y",
    "/users/u1/options/INBOX/Sub",
    "/users/u1/emails/" + "x" * 1001,
    "http://[::1",
    "",
    None,
])
def test_an_address_that_leads_elsewhere_is_never_followed(gateway: Gateway, browser_of_somebody: Client, address: Any) -> None:
    gateway.answer = Box(folders=[{"path": "INBOX/Sub", "messagesUri": address}])
    asked = browser_of_somebody.get(reverse("mail-list-panel", args=("u1", "INBOX/Sub")), headers=part("held"))
    assert asked.status_code == 404
    assert paths(gateway) == ["/users/u1/emails/INBOX%2FSub", "/users/u1/emails/folders"]
    assert {request.url.host for request in gateway.asked} == {"sandbox"}


def test_a_redirect_to_another_address_is_not_followed(gateway: Gateway, browser_of_somebody: Client) -> None:
    moved = httpx.Response(302, headers={"Location": "https://evil.example/users/u1/emails/INBOX/Sub"})
    gateway.answer = Box(**{"INBOX%2FSub": moved})
    answer = browser_of_somebody.get(reverse("mail-list-panel", args=("u1", "INBOX/Sub")), headers=part("held"))
    assert answer.status_code == 502
    assert {request.url.host for request in gateway.asked} == {"sandbox"}


def test_a_message_id_with_a_slash_goes_by_its_own_address(gateway: Gateway, browser_of_somebody: Client) -> None:
    line = {**ONE, "id": "<a/b@x.example>", "headers": {}, "uri": "/users/u1/emails/Quarantine/%3Ca/b@x.example%3E"}
    refused = httpx.Response(400)
    gateway.answer = Box(**{
        "Quarantine": [line], "Quarantine/%3Ca%2Fb%40x.example%3E": refused, "Quarantine/%3Ca/b@x.example%3E": ONE,
    })
    assert "Offer" in text(read(browser_of_somebody, mail="<a/b@x.example>"))


# Where a message can be released: "Release an email via its folder (e.g. INBOX) and its id" (r:2375).

HELD = ["Quarantine", "Quarantine/2026/11", "Quarantine.Spam", "Junk", "Junk/old"]
RECEIVED = ["INBOX", "Retention", "Archive/2026", "Trash", "Papierkorb", "Quarantines", "Sentinel", "Consent", "INBOX/Junk"]
WRITTEN = [
    "Sent", "Sent Items", "INBOX/Sent", "INBOX.Sent", "[Gmail]/Sent Mail", "Retention/Sent", "SENT", "Drafts", "INBOX.Drafts",
    "Gesendet", "Gesendete Elemente", "Entwürfe", "Entw&APw-rfe", "Éléments envoyés", "&AMk-l&AOk-ments envoy&AOk-s",
    "Brouillons", "Enviados", "Elementos enviados", "Borradores", "Sendt post", "Sendte elementer", "Kladder", "Utkast",
    "Entwu\u0308rfe", "Outbox",
]


@pytest.fixture
def box(gateway: Gateway, browser_of_somebody: Client, settings: Any) -> Client:
    """Somebody's browser, and a mailbox that has the same message in each folder."""
    settings.HELD_FOLDERS = ["Junk"]
    spam = {**ONE, "headers": {**HEADERS, "X-Spam-Flag": "YES", "X-Spam-Score": "7.2"}}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(204)
        if request.url.path == "/users/u1":
            return httpx.Response(200, json={"id": "u1", "email": "anna@a.example", "domainId": "d1"})
        return httpx.Response(200, json=spam if request.url.path.endswith("/m1") else [spam])

    gateway.answer = answer
    return browser_of_somebody


@pytest.mark.parametrize("folder", HELD)
def test_held_mail_is_released_also_with_its_sender(box: Client, gateway: Gateway, folder: str) -> None:
    shown = text(read(box, folder))
    assert "Release and allow sender" in shown
    assert "Held as spam" in shown
    assert "Deliver again" not in shown
    assert find(box.get(reverse("mail-list-panel", args=("u1", folder)), headers=part("held")), "input[type=checkbox][name=mail]")
    assert "Released. The message is on its way" in text(release(box, folder))


@pytest.mark.parametrize("folder", RECEIVED)
def test_delivered_mail_can_be_delivered_again_one_by_one_and_nothing_else(box: Client, gateway: Gateway, folder: str) -> None:
    page = read(box, folder)
    assert [text(button) for button in find(page, "form.acts button")] == ["Deliver again"]
    assert not find(page, "[name=allow]")
    assert "Held as" not in text(page)
    listed = box.get(reverse("mail-list-panel", args=("u1", folder)), headers=part("held"))
    assert "Offer" in text(listed)
    assert not find(listed, "input[type=checkbox], form[method=post]")
    gateway.asked.clear()
    for allow in ("mailbox", "domain"):
        assert "Senders can be allowed only from held messages." in text(release(box, folder, allow=allow, confirmed="1"))
    assert paths(gateway, "POST") == []
    assert "Deliver this message again?" in text(box.get(reverse("release", args=("u1", folder, "m1"))))
    assert "Delivered again. The message is on its way to the mailbox." in text(release(box, folder))
    assert len(paths(gateway, "POST")) == 1


@pytest.mark.parametrize("folder", WRITTEN)
def test_what_the_owner_wrote_is_not_delivered_again(box: Client, gateway: Gateway, folder: str) -> None:
    assert not find(read(box, folder), "form.acts")
    assert "Only received messages can be delivered again." in text(release(box, folder))
    assert paths(gateway, "POST") == []


def test_two_clicks_deliver_again_once(box: Client, gateway: Gateway) -> None:
    answers = [release(box, "INBOX", once="one-form") for _click in range(2)]
    assert "Delivered again." in text(answers[0])
    assert "It was not sent again." in text(answers[1])
    assert len(paths(gateway, "POST")) == 1
    assert not find(answers[1], ".mail.released")


def test_who_was_refused_a_release_selects_nothing_any_more(box: Client, gateway: Gateway) -> None:
    well = gateway.answer
    gateway.answer = lambda request: httpx.Response(403) if request.method == "POST" else well(request)
    release(box)
    for url, headers in (("/users/u1/panels/mail/Quarantine/", part("held")), ("/users/u1/mail/Quarantine/", {})):
        listed = box.get(url, headers=headers)
        assert "Offer" in text(listed)
        assert not find(listed, "[name=mail]")
    assert "Deliver again" not in text(read(box, "INBOX"))


# "400 An internal problem occured." (r:2407): whether it was released is not known.

def test_an_internal_problem_is_no_refusal_and_its_form_is_used_up(box: Client, gateway: Gateway) -> None:
    well = gateway.answer
    broken = httpx.Response(400, json={"message": "An internal problem occured."})
    gateway.answer = lambda request: broken if request.method == "POST" else well(request)
    answer = text(release(box, once="one-form"))
    assert "We do not know whether the message was released" in answer
    assert "An internal problem occured." in answer
    assert Entry.objects.get().result == "unknown"
    assert "its result is unknown" in text(release(box, once="one-form"))
    assert len(paths(gateway, "POST")) == 1
    gateway.answer = well
    fresh = hidden(read(box), "once")  # of a page loaded anew, that still shows it
    assert "Released. The message is on its way" in text(release(box, once=fresh))
    assert len(paths(gateway, "POST")) == 2


# The sandbox.

def test_in_the_sandbox_a_delivered_message_comes_once_more(as_admin: Client) -> None:
    row = Mail.objects.filter(folder__user__email=seed.ANNA, folder__path="INBOX").first()
    assert row
    user = User.objects.get(email=seed.ANNA).uid
    url = reverse("release", args=(user, "INBOX", row.fuglu_id or row.message_id))
    answer = as_admin.post(url, {"once": uuid4().hex}, headers=part("reading"))
    assert "Delivered again." in text(answer)
    assert Mail.objects.get(pk=row.pk).folder.path == "INBOX"
    assert unquote(url)


# "Determine if system must store incoming blocked sender" (storeBlacklisted, r:6978).

@pytest.mark.parametrize(("policy", "said"), [
    ({"quarantine": True, "quarantineProps": {"storeBlacklisted": True}}, "will be held from now on."),
    ({"quarantine": True, "quarantineProps": {"storeBlacklisted": False}}, "will be blocked from now on and not held"),
    ({"quarantine": False}, "will be blocked from now on and not held"),
    ({"quarantine": True, "quarantineProps": {}}, "will be blocked from now on."),
    ({"quarantine": True}, "will be blocked from now on."),
    (None, "will be blocked from now on."),
])
def test_a_block_says_that_mail_is_held_only_where_the_policy_holds_it(
    gateway: Gateway, browser_of_somebody: Client, policy: Any, said: str
) -> None:
    box = Box(**{"Quarantine/m1": ONE})
    user = httpx.Response(200, json={"id": "u1", "email": "anna@a.example", "policy": policy})
    gateway.answer = lambda request: user if request.url.path == "/users/u1" else box(request)
    shown = text(browser_of_somebody.get("/users/u1/mail/Quarantine/m1/block/"))
    assert f"Messages from a@x.example to anna@a.example {said}" in shown
    assert ("held from now on" in shown) == (said == "will be held from now on.")


# "Date the message was sent | Date | date-time" (r:6506).

@pytest.mark.parametrize(("sent", "shown"), [
    (1774461211000, "2026-03-25T17:53:31+00:00"), ("1774461211000", "2026-03-25T17:53:31+00:00"),
    ("2026-03-25T17:53:31Z", "2026-03-25T17:53:31+00:00"), ("2026-03-25T18:53:31+01:00", "2026-03-25T17:53:31+00:00"),
    ("2026-03-25T17:53:31.123Z", "2026-03-25T17:53:31.123000+00:00"), ("2026-03-25T18:53:31.000+0100", "2026-03-25T17:53:31+00:00"),
    ("2026-03-25T17:53:31", "2026-03-25T17:53:31+00:00"), ("2026-03-25", "2026-03-25T00:00:00+00:00"),
])
def test_a_date_is_read_in_milliseconds_and_as_text(gateway: Gateway, browser_of_somebody: Client, sent: Any, shown: str) -> None:
    gateway.answer = Box(**{"Quarantine/m1": {**ONE, "sentDate": sent}, "Quarantine": [{**ONE, "sentDate": sent}]})
    assert attribute(read(browser_of_somebody), ".heads time", "datetime") == shown
    assert attribute(browser_of_somebody.get("/users/u1/panels/mail/Quarantine/", headers=part("held")), ".mail time", "datetime") == shown


@pytest.mark.parametrize("sent", ["yesterday", "", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59-14:00", "<b>", "2026-13-45", "x" * 9999, None])
def test_a_date_that_is_none_is_not_said(gateway: Gateway, browser_of_somebody: Client, sent: Any) -> None:
    gateway.answer = Box(**{"Quarantine/m1": {**ONE, "sentDate": sent}})
    assert "Sent not given" in text(read(browser_of_somebody))
