"""Every form that writes, sent twice: the first write gets no answer, so nobody knows what it did, and the second says just that."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.test import Client

from portal.audit.models import Entry, Result
from tests.answers import raising, well
from tests.conftest import Gateway
from tests.places import WRITING, Place, ids
from tests.shown import text

NOBODY_KNOWS = ("We do not know whether it happened", "its result is unknown", "It is not known whether it happened")
# A diagnostic changes nothing: the second click shows the gateway's latest report, with its date.
CHANGING = [place for place in WRITING if "/health/" not in place.url and "/check/" not in place.url]
DELETING = [place for place in CHANGING if place.writes == "DELETE"]


def unanswered(request: httpx.Request) -> httpx.Response:
    return well(request) if request.method == "GET" else raising(httpx.ReadTimeout)(request)


def gone(request: httpx.Request) -> httpx.Response:
    """The gateway after a deletion that went well: it knows the object no longer, nor anything that has it in a list."""
    if request.url.path.endswith(("/aliases", "/wblist", "/options", "/admins", "/dkim")):
        return httpx.Response(200, json=[], headers={"X-Total-Count": "0"})
    found = well(request)
    return found if request.url.path.count("/") == 2 and not request.url.path.startswith("/policies/") else httpx.Response(404)


def clicks(place: Place, somebody: Client, gateway: Gateway, after: Any) -> str:
    """What the second click shows, after a first one that got no answer."""
    form = {**(place.post or {}), "once": uuid4().hex}
    gateway.answer = unanswered
    first = somebody.post(place.url, form)
    assert Entry.objects.get().result == Result.UNKNOWN, text(first, None)
    gateway.answer = after
    gateway.asked.clear()
    second = somebody.post(place.url, form, follow=True)
    assert [request.method for request in gateway.asked if request.method != "GET"] == [], "it was sent a second time"
    return text(second, None)


@pytest.mark.parametrize("place", CHANGING, ids=ids(CHANGING))
def test_a_second_click_on_a_write_without_an_answer_says_that_nobody_knows(place: Place, somebody: Client, gateway: Gateway) -> None:
    shown = clicks(place, somebody, gateway, well)
    assert any(words in shown for words in NOBODY_KNOWS), shown


@pytest.mark.parametrize("place", DELETING, ids=ids(DELETING))
def test_that_the_object_is_gone_does_not_make_it_known(place: Place, somebody: Client, gateway: Gateway) -> None:
    shown = clicks(place, somebody, gateway, gone)
    assert any(words in shown for words in NOBODY_KNOWS), shown
