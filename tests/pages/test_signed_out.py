"""A session is over while a page is open: the page stays as it is, and asks for sign-in itself (static/app.js)."""

import json

import httpx
import pytest
from django.conf import settings as project
from django.contrib.sessions.models import Session
from django.test import Client

from tests.conftest import Gateway
from tests.shown import attribute, find, one, source, text

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "an-opaque-token-of-a-test"  # the one of `browser_of_somebody`


def refused(request: httpx.Request) -> httpx.Response:
    return httpx.Response(401, json={"message": "no"})


def in_page_of(browser: Client) -> dict[str, str]:
    """What htmx sends along from a page of whoever is signed in."""
    headers = json.loads(attribute(browser.get("/activity/"), "body", "hx-headers"))
    return {"HX-Request": "true", "HX-Current-URL": "http://testserver/users/?q=typed", **headers}


def test_a_page_whose_session_is_over_stays_and_asks(browser_of_somebody: Client, gateway: Gateway):
    page = in_page_of(browser_of_somebody)
    gateway.answer = refused
    for method in (browser_of_somebody.get, browser_of_somebody.post):
        answer = method("/users/x/", {"typed": "x", "carried": "typed"}, headers=page)
        assert (answer.status_code, answer.content, answer["Session"]) == (204, b"", "over")
        assert not {"HX-Redirect", "Location"} & set(answer.headers)
    assert Session.objects.count() == 0
    form = browser_of_somebody.get("/sign-in/", headers=page)
    assert text(one(form, "form")).startswith("Sign in Your session has ended.")
    assert find(form, "body > header, head title") == []
    boosted = browser_of_somebody.get("/users/", headers={**page, "HX-Boosted": "true"})
    assert boosted["Location"].startswith("/sign-in/")


def test_a_plain_form_says_that_its_page_can_ask_and_learns_it_by_a_cookie(browser_of_somebody: Client):
    browser_of_somebody.post("/sign-out/")
    answer = browser_of_somebody.post("/users/x/", {"body": "a private text", "in_place": "1"})
    assert (answer.status_code, answer.content) == (204, b"")
    cookie = answer.cookies["session-over"]
    assert (cookie.value, cookie["max-age"], cookie["samesite"], cookie["httponly"]) == ("1", 60, "Strict", "")
    assert browser_of_somebody.post("/users/x/", {"body": "a private text"})["Location"].startswith("/sign-in/")


def test_the_same_person_signs_in_there_and_the_page_gets_new_form_tokens(gateway: Gateway, caplog: pytest.LogCaptureFixture):
    browser = Client(enforce_csrf_checks=True)
    token = attribute(browser.get("/sign-in/"), "form[action='/sign-in/'] [name=csrfmiddlewaretoken]", "value")
    assert browser.post("/sign-in/", {"token": TOKEN, "csrfmiddlewaretoken": token}).status_code == 302
    page, key = in_page_of(browser), browser.cookies[project.SESSION_COOKIE_NAME].value
    before = attribute(browser.get("/account/"), "form[action='/sign-out/'] [name=csrfmiddlewaretoken]", "value")
    Session.objects.all().delete()
    form = browser.get("/sign-in/", headers=page)
    token = attribute(form, "[name=csrfmiddlewaretoken]", "value")
    answer = browser.post("/sign-in/", {"token": TOKEN, "csrfmiddlewaretoken": token}, headers=page)
    assert text(answer).startswith("You are signed in again.")
    assert browser.cookies[project.SESSION_COOKIE_NAME].value != key
    assert TOKEN not in source(answer) + source(form) + str(answer.headers) + caplog.text
    fresh = attribute(answer, "[name=csrfmiddlewaretoken]", "value")
    stale = {"csrfmiddlewaretoken": before, "language": "de"}
    assert browser.post("/language/", stale).status_code == 403
    assert browser.post("/language/", stale, headers=page)["Session"] == "over"  # as the forms of other tabs
    again = browser.get("/sign-in/", headers=page)
    assert text(again).startswith("You are signed in again.")
    assert browser.post("/language/", {**stale, "csrfmiddlewaretoken": fresh}).status_code == 302


def test_somebody_else_who_signs_in_there_begins_at_their_own_start(browser_of_somebody: Client, gateway: Gateway):
    page = in_page_of(browser_of_somebody)
    browser_of_somebody.post("/sign-out/")
    answer = browser_of_somebody.post("/sign-in/", {"token": "of-somebody-else"}, headers=page)
    assert (answer.content, answer["HX-Redirect"]) == (b"", "/")
    gateway.asked.clear()
    for method in (browser_of_somebody.get, browser_of_somebody.post):  # the other tabs of the first person
        answer = method("/users/x/", headers=page)
        assert (answer.content, answer["HX-Redirect"]) == (b"", "/")
    assert browser_of_somebody.get("/sign-in/", headers=page)["HX-Redirect"] == "/"
    assert gateway.asked == []


def test_what_is_wrong_with_a_token_is_said_in_the_dialog(browser_of_somebody: Client, gateway: Gateway):
    page = in_page_of(browser_of_somebody)
    browser_of_somebody.post("/sign-out/")
    gateway.answer = refused
    for status in (403, 403, 403, 403, 403, 429):
        answer = browser_of_somebody.post("/sign-in/", {"token": "wrong-mice"}, headers=page)
        assert answer.status_code == status
        assert find(answer, "main", None) == [] and one(answer, "form[hx-post] [role=alert]")
        assert "mice" not in source(answer, None)
    assert "Too many attempts. Please wait" in text(answer, 429)
