"""Several tabs of one browser: none of them undoes what another one did, and none brings back a session that has ended."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import httpx
import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from portal import session
from portal.audit.models import Entry
from portal.meaning import dkim
from portal.models import Kept
from tests.conftest import Gateway, signed_in
from tests.shown import hidden, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])
Answer = Callable[[httpx.Request], httpx.Response]
PAIR = dkim.make_pair()
BACKENDS = "django.contrib.sessions.backends."
ROTATE = "/domains/d1/dkim/rotate/"
NEW = {"step": "prepare", "source": "make", "selector": "next"}
MAIL = "/users/u1/mail/Quarantine/m1/"


def gateway_answers(request: httpx.Request) -> httpx.Response:
    path = request.url.path
    if request.method != "GET":
        return httpx.Response(204)
    if path.endswith("/dkim"):
        return httpx.Response(200, json=[f"protect._domainkey.nordwind.example TXT v=DKIM1; p={PAIR.public}"])
    if path.startswith("/domains/"):
        return httpx.Response(200, json={"id": "d1", "name": "nordwind.example"})
    if "/emails/" in path:
        return httpx.Response(200, json={"id": "m1", "subject": "Held", "from": "info@shop.example"})
    if path.startswith("/users/"):
        return httpx.Response(200, json={"id": "u1", "email": "anna@nordwind.example", "domainId": "d1"})
    return httpx.Response(200, json=[], headers={"X-Total-Count": "0"})


@pytest.fixture(params=["db", "cached_db", "cache"])
def engine(request: pytest.FixtureRequest, settings: Any) -> Iterator[str]:
    settings.SESSION_ENGINE = BACKENDS + request.param
    cache.clear()
    yield str(request.param)
    cache.clear()


class Tabs:
    """Two tabs of somebody's browser. What `meanwhile` does happens while the gateway thinks about the first one's page."""

    def __init__(self, gateway: Gateway, settings: Any, here: threading.local) -> None:
        self.gateway, self.settings, self.here = gateway, settings, here
        self.gateway.answer = gateway_answers
        self.slow, self.other = signed_in("an-opaque-token-of-a-test"), Client()
        self.key = self.slow.cookies[settings.SESSION_COOKIE_NAME].value
        self.other.cookies = self.slow.cookies

    def meanwhile(self, happens: Callable[[], Any], answer: Answer = gateway_answers) -> None:
        def think(request: httpx.Request) -> httpx.Response:
            self.gateway.answer = gateway_answers
            above, self.here.calls = getattr(self.here, "calls", False), False  # the other tab is no part of this page's calls
            happens()
            self.here.calls = above
            self.gateway.answer = answer
            return answer(request)

        self.gateway.answer = think

    @property
    def stored(self) -> Any:
        return import_module(self.settings.SESSION_ENGINE).SessionStore(self.key)

    def was_away(self) -> None:
        """For so long that the next page changes the session: it says that somebody is there."""
        stored = self.stored
        stored["seen"] -= 1000
        stored.save()


@pytest.fixture
def tabs(engine: str, gateway: Gateway, settings: Any, no_call_writes_the_session: threading.local) -> Tabs:
    return Tabs(gateway, settings, no_call_writes_the_session)


# What one tab did stays done.

def test_a_key_that_was_prepared_in_one_tab_is_there_when_a_slow_page_of_another_has_ended(tabs: Tabs) -> None:
    tabs.was_away()
    tabs.meanwhile(lambda: tabs.other.post(ROTATE, NEW))
    assert tabs.slow.get("/users/").status_code == 200
    assert "next._domainkey.nordwind.example" in text(tabs.slow.get(ROTATE))


def test_a_key_that_was_dropped_in_one_tab_is_not_back_when_a_slow_page_of_another_has_ended(tabs: Tabs) -> None:
    tabs.other.post(ROTATE, NEW)
    tabs.was_away()
    tabs.meanwhile(lambda: tabs.other.post(ROTATE, {"step": "forget"}))
    assert tabs.slow.get("/users/").status_code == 200
    assert "next._domainkey" not in text(tabs.slow.get(ROTATE))


def test_of_two_clicks_that_prepare_a_key_the_first_one_counts(tabs: Tabs) -> None:
    tabs.meanwhile(lambda: tabs.other.post(ROTATE, NEW))
    assert tabs.slow.post(ROTATE, {**NEW, "selector": "second"})["Location"] == ROTATE
    shown = text(tabs.slow.get(ROTATE))
    assert "next._domainkey.nordwind.example" in shown
    assert "second._domainkey" not in shown


def test_what_one_tab_has_to_tell_is_told_though_another_one_was_slow(tabs: Tabs) -> None:
    tabs.slow.post(ROTATE, {"step": "forget"})  # has something to tell, which the slow page shows
    tabs.meanwhile(lambda: tabs.other.post(f"{MAIL}release/", {"once": "a"}))
    assert "The prepared key was discarded." in text(tabs.slow.get("/users/"))
    shown = text(tabs.slow.get("/activity/"))
    assert "Released. The message is on its way" in shown
    assert "The prepared key was discarded." not in shown


def test_two_tabs_that_tell_something_are_both_heard(tabs: Tabs) -> None:
    tabs.meanwhile(lambda: tabs.other.post(ROTATE, {"step": "forget"}))
    tabs.slow.post(f"{MAIL}release/", {"once": "a"})
    shown = text(tabs.slow.get("/activity/"))
    assert "The prepared key was discarded." in shown
    assert "Released. The message is on its way" in shown


def test_what_two_tabs_were_refused_is_remembered_of_both(tabs: Tabs) -> None:
    def refuses(request: httpx.Request) -> httpx.Response:
        return gateway_answers(request) if request.method == "GET" else httpx.Response(403)

    def block() -> None:
        tabs.gateway.answer = refuses
        tabs.other.post(f"{MAIL}block/", {"once": "b"})

    tabs.meanwhile(block, refuses)
    tabs.slow.post(f"{MAIL}release/", {"once": "a"})
    assert tabs.stored["refused"] == {"releaseEmail": ["d1"], "addMailboxRule": ["d1"]}


def test_who_turns_out_to_be_no_system_administrator_stays_none(tabs: Tabs) -> None:
    tabs.was_away()
    refuses = httpx.Response(403)

    def delete() -> None:
        tabs.gateway.answer = lambda request: gateway_answers(request) if request.method == "GET" else refuses
        tabs.other.post("/domains/d1/delete/", {"name": "nordwind.example", "once": "a"})

    tabs.meanwhile(delete)
    tabs.slow.get("/users/")
    assert tabs.stored["sysadmin"] is False


def test_a_page_that_changes_nothing_leaves_the_session_alone(tabs: Tabs, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[Any] = []
    monkeypatch.setattr(session, "_change", lambda request, change: saved.append(change))
    for page in ("/", "/users/", "/activity/", MAIL):
        tabs.slow.get(page)
    assert saved == []


# Over is over.

def test_a_slow_page_does_not_bring_back_a_session_that_has_ended(tabs: Tabs) -> None:
    tabs.was_away()
    tabs.slow.post(ROTATE, {"step": "forget"})
    tabs.meanwhile(lambda: tabs.other.post("/sign-out/"))
    answer = tabs.slow.get("/users/")
    assert answer.status_code == 200
    assert "token" not in tabs.stored
    assert Session.objects.count() == 0
    tabs.slow.cookies[tabs.settings.SESSION_COOKIE_NAME] = tabs.key
    assert tabs.slow.get("/users/")["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("answer", [
    (lambda request: httpx.Response(204), "Released. The message is on its way to the mailbox."),
    (lambda request: httpx.Response(500), "We do not know whether the message was released"),
    (lambda request: httpx.Response(403), "Your account cannot do this"),
], ids=["done", "unclear", "refused"])
def test_a_release_that_ends_after_signing_out_still_says_how(answer: tuple[Answer, str], tabs: Tabs) -> None:
    says, told = answer
    tabs.meanwhile(
        lambda: tabs.other.post("/sign-out/"), lambda request: gateway_answers(request) if request.method == "GET" else says(request)
    )
    shown = tabs.slow.post(f"{MAIL}release/", {"once": "a"})
    assert shown.status_code in (200, 403)
    assert told in text(shown, None)
    assert Entry.objects.count() == 1
    assert "token" not in tabs.stored
    assert Kept.objects.count() == 0


def test_a_key_that_was_handed_over_after_signing_out_is_told_of(tabs: Tabs) -> None:
    tabs.slow.post(ROTATE, NEW)
    what = hidden(tabs.slow.get(ROTATE), "what")

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=[]) if request.method == "PUT" else gateway_answers(request)

    def sign_out_before_the_write(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            tabs.gateway.answer = answer
            tabs.other.post("/sign-out/")
        return answer(request)

    tabs.gateway.answer = sign_out_before_the_write
    shown = text(tabs.slow.post(ROTATE, {"step": "switch", "published": "on", "what": what, "once": "a"}))
    assert "You have since signed out" in shown
    assert "nordwind.example: protect → next" in shown
    assert "done" in shown
    assert Kept.objects.count() == 0


def test_what_is_prepared_after_signing_out_is_kept_nowhere(tabs: Tabs) -> None:
    tabs.meanwhile(lambda: tabs.other.post("/sign-out/"))
    assert tabs.slow.post(ROTATE, NEW)["Location"].startswith("/sign-in/")
    assert Kept.objects.count() == 0


def test_a_slow_page_that_finds_its_token_gone_leaves_a_new_sign_in_alone(tabs: Tabs) -> None:
    def signs_in_again() -> None:
        tabs.other.post("/sign-in/", {"token": "a-new-token-of-a-test"})

    tabs.meanwhile(signs_in_again, lambda request: httpx.Response(401))
    answer = tabs.slow.get("/users/")
    assert answer["Location"].startswith("/sign-in/")
    assert tabs.settings.SESSION_COOKIE_NAME not in answer.cookies
    tabs.gateway.answer = gateway_answers
    assert tabs.other.get("/users/").status_code == 200


# What a session keeps ends with it.

def keeping(tabs: Tabs) -> None:
    tabs.slow.post(ROTATE, NEW)
    assert Kept.objects.count() == 1


def test_what_a_session_keeps_goes_when_one_signs_out(tabs: Tabs) -> None:
    keeping(tabs)
    tabs.slow.post("/sign-out/")
    assert Kept.objects.count() == 0


def test_what_a_session_keeps_goes_when_one_signs_in_again(tabs: Tabs) -> None:
    keeping(tabs)
    tabs.slow.post("/sign-in/", {"token": "another-token-of-a-test"})
    assert Kept.objects.count() == 0
    assert "next._domainkey" not in text(tabs.slow.get(ROTATE))


def test_what_a_session_keeps_goes_when_the_session_is_over(tabs: Tabs) -> None:
    keeping(tabs)
    stored = tabs.stored
    stored["ends"] = 0
    stored.save()
    tabs.slow.get("/users/")
    assert Kept.objects.count() == 0


@pytest.mark.parametrize("backend", ["db", "cached_db"])
def test_what_a_session_keeps_goes_with_the_daily_clearing(
    backend: str, gateway: Gateway, settings: Any, no_call_writes_the_session: threading.local
) -> None:
    settings.SESSION_ENGINE = BACKENDS + backend
    keeping(Tabs(gateway, settings, no_call_writes_the_session))
    call_command("clearsessions")
    assert Kept.objects.count() == 1
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    call_command("clearsessions")
    assert Kept.objects.count() == 0


def test_what_nobody_cleared_goes_at_somebody_elses_sign_in(tabs: Tabs) -> None:
    keeping(tabs)
    Kept.objects.update(ends=timezone.now() - timedelta(seconds=1))
    signed_in("another-token-of-a-test")
    assert Kept.objects.count() == 0


def test_nobody_gets_what_another_session_keeps(tabs: Tabs) -> None:
    keeping(tabs)
    assert "next._domainkey" not in text(signed_in("an-opaque-token-of-a-test").get(ROTATE))


def test_what_is_kept_lies_sealed_and_under_no_name_that_tells_anything(tabs: Tabs) -> None:
    keeping(tabs)
    (row,) = Kept.objects.values()
    assert "PRIVATE" not in row["sealed"]
    assert len(row["name"]) == 64 and row["name"] != "dkim d1"
    assert "next" not in row["name"]
