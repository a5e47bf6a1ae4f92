"""Signing in and out: the token stays secret, sessions end when they should, and nobody gets in beside the door."""

import base64
import io
import json
import logging
import re
import runpy
import secrets
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from django.conf import settings as project
from django.contrib.sessions.models import Session
from django.core.signing import b64_decode
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from gunicorn.config import Config
from gunicorn.glogging import Logger

from portal import session, throttle, vault
from portal.audit.models import Entry
from portal.batches.models import Batch
from portal.models import SignInAttempt
from tests import shown
from tests.answers import well
from tests.conftest import Gateway, signed_in

TOKEN = "an-opaque-token-of-a-test"  # the one of `browser_of_somebody`
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-src 'self'; frame-ancestors 'none'"
)
PUBLIC = {"sign-in/", "sign-in/link/", "sign-out/", "language/", "readyz", "styleguide/", "^sandbox/api(?P<rest>/.*)$"}
WRONG = "This token is invalid or has expired. Copy it again, or create a new one."


def sign_in(browser: Client, token: str = TOKEN, **more: Any) -> HttpResponse:
    return browser.post("/sign-in/", {"token": token, **more})


def refuses(status: int = 401) -> Any:
    return lambda request: httpx.Response(status, json={"message": "no"})


def told(answer: HttpResponse) -> list[str]:
    """What is said in the alert beside the field."""
    return [shown.text(alert) for alert in shown.find(answer, "[role=alert]", None)]


def is_signed_in(browser: Client) -> bool:
    answer = browser.get("/activity/")
    assert answer.status_code in (200, 302)
    assert answer.status_code == 200 or answer["Location"].startswith("/sign-in/")
    return answer.status_code == 200


def jwt(**claims: Any) -> str:
    def packed(part: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")

    return f"{packed({'alg': 'none'})}.{packed(claims)}.c2lnbmF0dXJl"


def claiming(text: bytes) -> str:
    """A token that says of itself what no honest one would."""
    return f"a.{base64.urlsafe_b64encode(text).decode().rstrip('=')}.c"


def stored(browser: Client) -> Any:
    """The session of a browser, to be looked at and changed."""
    key = browser.cookies[project.SESSION_COOKIE_NAME].value
    return import_module(project.SESSION_ENGINE).SessionStore(key)


# A token that is taken, and one that is not


def test_a_good_token_opens_the_page_one_wanted(gateway: Gateway):
    browser = Client()
    answer = sign_in(browser, f"  {TOKEN}\n", next="/users/?email=anna&page=2")
    assert (answer.status_code, answer["Location"]) == (302, "/users/?email=anna&page=2")
    (asked,) = gateway.asked
    assert (asked.method, asked.url.path, asked.headers["Authorization"]) == ("GET", "/users", f"Bearer {TOKEN}")
    assert is_signed_in(browser)


def test_a_token_that_may_not_list_users_is_a_good_one_too(gateway: Gateway):
    gateway.answer = refuses(403)
    browser = Client()
    assert sign_in(browser).status_code == 302
    assert is_signed_in(browser)


def lists(users: int | None, domains: int | None) -> Any:
    """A gateway that lists so many users and domains; None refuses the list."""
    def answer(request: httpx.Request) -> httpx.Response:
        count = {"/users": users, "/domains": domains}.get(request.url.path, 0)
        if count is None:
            return httpx.Response(403, json={})
        if request.url.path in ("/users", "/domains"):
            rows = [{"id": f"x{n}", "email": f"x{n}@a.example", "name": "a.example"} for n in range(count)]
            return httpx.Response(200, json=rows, headers={"X-Total-Count": str(count)})
        if request.url.path.endswith("/emails/folders"):
            return httpx.Response(404 if "strange" in request.url.path else 200, json=[])
        return httpx.Response(403, json={})

    return answer


@pytest.mark.parametrize(("users", "domains", "subject", "menu"), [
    (1, 0, "", "/users/x0/"),
    (1, None, "", "/users/x0/"),
    (1, None, "somebody@else.example", "/users/x0/"),
    (None, None, "anna@a.example", "/users/anna%2540a.example/"),
    (None, 0, "anna@a.example", "/users/anna%2540a.example/"),
    (None, None, "anna", "/"),
    (None, None, "", "/"),
    (1, 1, "anna@a.example", None),  # the administrator of a domain with one user
    (None, 1, "anna@a.example", None),
    (0, 0, "anna@a.example", None),
    (2, 0, "anna@a.example", None),
    (40, 3, "", None),
])
def test_an_end_user_sees_no_domain_and_one_user(
    gateway: Gateway, users: int | None, domains: int | None, subject: str, menu: str | None
):
    gateway.answer = lists(users, domains)
    browser = signed_in(jwt(sub=subject) if subject else TOKEN)
    shown = browser.get("/activity/").content.decode()
    assert ("My mailbox" in shown) == (menu is not None)
    assert ('href="/domains/"' in shown) == (menu is None)
    if menu:
        assert f'<a href="{menu}"' in shown
    gateway.answer = Gateway().answer
    assert browser.get("/domains/").status_code == 200, "no page is refused by it"


def test_a_mailbox_that_nobody_tells_is_asked_for_once(gateway: Gateway):
    gateway.answer = lists(None, None)
    browser = signed_in(TOKEN)
    assert "Which mailbox is yours?" in browser.get("/", follow=True).content.decode()
    for wrong, text in (("strange@a.example", "No mailbox with this address is visible to you."), ("anna", "email address")):
        answer = browser.post("/mailbox/", {"mailbox": wrong})
        assert answer.status_code == 422
        assert text in answer.content.decode()
        assert f'value="{wrong}"' in answer.content.decode()
    assert browser.post("/mailbox/", {"mailbox": "anna@a.example"})["Location"] == "/users/anna%2540a.example/"
    assert browser.get("/")["Location"] == "/users/anna%2540a.example/"
    hub = browser.get("/users/anna%2540a.example/")  # getUser takes no address, and is refused here
    assert hub.status_code == 200
    assert "<h1>anna@a.example</h1>" in hub.content.decode()
    assert '<span class="chip' not in hub.content.decode(), "nobody told the status (r:7325)"
    assert ">never<" not in hub.content.decode(), "nobody told when the account was used last"
    assert browser.get("/users/bert%2540a.example/").status_code == 403


def test_a_gateway_that_fails_to_list_domains_is_no_end_user(gateway: Gateway):
    gateway.answer = lambda request: httpx.Response(503 if request.url.path == "/domains" else 200, json=[{"id": "x"}])
    assert sign_in(Client()).status_code == 502
    assert SignInAttempt.objects.count() == 0


def test_a_wrong_token_gets_one_clear_sentence_and_no_session(gateway: Gateway):
    gateway.answer = refuses()
    browser = Client()
    answer = sign_in(browser, next="/users/")
    assert answer.status_code == 403
    assert told(answer) == [WRONG]
    assert 'value="/users/"' in answer.content.decode()
    assert project.SESSION_COOKIE_NAME not in browser.cookies
    assert Session.objects.count() == 0
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "   ",
        "two words",
        "two\nlines",
        "a\ttab",
        "a\r\nX-Evil: 1",
        "zero\x00",
        "gr\u00fcn",
        "\u202e",
        "\x7f",
        "x" * 8193,
        "x" * 100_000,
    ],
    ids=lambda token: ascii(token[:12]),
)
def test_what_can_be_no_token_is_refused_in_the_same_words_and_never_sent(gateway: Gateway, token: str):
    answer = sign_in(Client(), token)
    assert (answer.status_code, told(answer)) == (403, [WRONG])
    assert gateway.asked == []
    assert Session.objects.count() == 0


def test_a_token_as_long_as_one_may_be_is_taken(gateway: Gateway):
    assert sign_in(Client(), "x" * 8192).status_code == 302


@pytest.mark.parametrize(
    ("answer", "status", "text"),
    [
        (httpx.ConnectError("down"), 503, "The gateway cannot be reached."),
        (httpx.ReadTimeout("slow"), 504, "The gateway took too long."),
        (httpx.Response(500), 502, "The gateway failed."),
        (httpx.Response(200, html="<h1>Hotel</h1>"), 502, "Unexpected answer from the gateway."),
        (httpx.Response(429, headers={"Retry-After": "17"}), 429, "17 seconds"),
    ],
)
def test_a_gateway_in_trouble_is_named_and_is_no_guess_of_the_person(gateway: Gateway, answer: Any, status: int, text: str):
    def trouble(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    gateway.answer = trouble
    browser = Client()
    for _again in range(throttle.TRIES["token"] + 1):
        said = sign_in(browser)
        assert said.status_code == status
        assert len(told(said)) == 1
        assert text in told(said)[0]
    assert Session.objects.count() == SignInAttempt.objects.count() == 0
    gateway.answer = Gateway().answer
    assert sign_in(browser).status_code == 302


# Guessing


def test_the_sixth_try_of_one_token_is_refused_before_the_gateway_is_asked(gateway: Gateway):
    gateway.answer = refuses()
    tries = [sign_in(Client(REMOTE_ADDR=f"192.0.2.{n}")) for n in range(7)]
    assert [answer.status_code for answer in tries] == [403] * 5 + [429] * 2
    assert len(gateway.asked) == 5
    assert 1 <= int(tries[-1]["Retry-After"]) <= 300
    assert f" {tries[-1]['Retry-After']} seconds" in told(tries[-1])[0], "header and sentence name the same wait"
    gateway.answer = Gateway().answer
    assert sign_in(Client()).status_code == 429, "not even with a good one"


def test_the_twenty_first_try_from_one_address_is_refused_and_other_addresses_are_not(gateway: Gateway):
    gateway.answer = refuses()
    browser = Client(REMOTE_ADDR="192.0.2.1")
    tries = [sign_in(browser, f"guess-{n}").status_code for n in range(22)]
    assert tries == [403] * 20 + [429] * 2
    assert len(gateway.asked) == 20
    assert sign_in(Client(REMOTE_ADDR="192.0.2.2"), "guess-x").status_code == 403
    gateway.answer = Gateway().answer
    assert sign_in(browser).status_code == 429
    assert sign_in(Client(REMOTE_ADDR="192.0.2.2")).status_code == 302


def test_nonsense_counts_as_a_try_too(gateway: Gateway):
    assert [sign_in(Client(), f"no token {n}").status_code for n in range(21)] == [403] * 20 + [429]


def test_a_success_takes_the_tries_of_that_token_back(gateway: Gateway):
    for _round in range(3):
        gateway.answer = refuses()
        assert [sign_in(Client()).status_code for _try in range(4)] == [403] * 4
        gateway.answer = Gateway().answer
        assert sign_in(Client()).status_code == 302
    assert SignInAttempt.objects.count() == 0


def test_after_five_minutes_one_may_try_again(gateway: Gateway):
    gateway.answer = refuses()
    assert [sign_in(Client()).status_code for _try in range(6)] == [403] * 5 + [429]
    SignInAttempt.objects.update(at=timezone.now() - timedelta(minutes=5, seconds=1))
    assert sign_in(Client()).status_code == 403
    assert SignInAttempt.objects.count() == 1, "what is old is forgotten"


def test_a_try_is_written_down_before_the_gateway_is_asked_and_names_nobody(gateway: Gateway):
    seen = []

    def look(request: httpx.Request) -> httpx.Response:
        seen.extend(SignInAttempt.objects.values("address", "token"))
        return httpx.Response(401)

    gateway.answer = look
    sign_in(Client(REMOTE_ADDR="192.0.2.77"))
    (attempt,) = seen
    assert all(re.fullmatch("[0-9a-f]{64}", hashed) for hashed in attempt.values())
    assert "192.0.2.77" not in str(attempt)
    assert TOKEN not in str(attempt)


@pytest.mark.django_db(transaction=True)
def test_of_twelve_tries_at_once_five_reach_the_gateway(gateway: Gateway):
    gateway.answer = refuses()

    def one(_number: int) -> int:
        try:
            return sign_in(Client()).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(12) as at_once:
        statuses = sorted(at_once.map(one, range(12)))
    assert len(gateway.asked) <= 5
    assert statuses.count(429) == 12 - len(gateway.asked)


def test_the_address_is_the_connections_own_unless_there_is_a_trusted_proxy(gateway: Gateway, settings: Any):
    gateway.answer = refuses()
    forged = [sign_in(Client(headers={"X-Forwarded-For": f"10.0.0.{n}"}), f"guess-{n}").status_code for n in range(21)]
    assert forged[-1] == 429
    settings.TRUST_PROXY = True
    proxied = Client(headers={"X-Forwarded-For": "127.0.0.1, 192.0.2.50"})
    assert sign_in(proxied, "another").status_code == 403
    for n in range(20):
        sign_in(Client(headers={"X-Forwarded-For": f"10.0.1.{n}, 192.0.2.60"}), f"more-{n}")
    assert sign_in(Client(headers={"X-Forwarded-For": "10.9.9.9,192.0.2.60"}), "last").status_code == 429


NEIGHBOURS = [
    ("::ffff:192.0.2.1", "::ffff:192.0.2.2"),
    ("[::ffff:192.0.2.1]:4433", "[::ffff:192.0.2.2]:4433"),
    ("::ffff:c000:201", "::ffff:c000:202"),
    ("::192.0.2.1", "::192.0.2.2"),
    ("::ffff:0:192.0.2.1", "::ffff:0:192.0.2.2"),
    ("64:ff9b::192.0.2.1", "64:ff9b::192.0.2.2"),
    ("64:ff9b:1::192.0.2.1", "64:ff9b:1::192.0.2.2"),
    ("2002:c000:201::1", "2002:c000:202::1"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdfe", "2001:0:4136:e378:8000:63bf:3fff:fdfd"),
    ("fe80::1%eth0", "fe80::2%eth0"),
    ("2001:db8:0:1::1", "2001:db8:0:2::1"),
    ("::1", "::ffff:127.0.0.2"),
]


@pytest.mark.parametrize(("one", "other"), NEIGHBOURS, ids=lambda address: address)
@pytest.mark.parametrize("proxy", [False, True], ids=["direct", "proxy"])
def test_nobody_is_locked_out_by_the_tries_of_another_address(gateway: Gateway, settings: Any, one: str, other: str, proxy: bool):
    gateway.answer = refuses()
    settings.TRUST_PROXY = proxy

    def browser(address: str) -> Client:
        return Client(HTTP_X_FORWARDED_FOR=f"10.0.0.1, {address}") if proxy else Client(REMOTE_ADDR=address)

    assert [sign_in(browser(one), f"guess-{n}").status_code for n in range(21)] == [403] * 20 + [429]
    assert sign_in(browser(other), "guess-x").status_code == 403


@pytest.mark.parametrize(
    "same",
    [
        (
            "192.0.2.1",
            "192.0.2.1:5000",
            "::ffff:192.0.2.1",
            "[::ffff:c000:201]:1",
            "64:ff9b::c000:201",
            "2002:c000:201:7::9",
            "::192.0.2.1",
        ),
        ("2001:db8::1", "2001:db8::ffff:1", "[2001:db8::2]:443", "2001:db8::1%eth0"),
        ("fe80::1", "fe80::1%eth0", "FE80::1%25wlan0"),
    ],
    ids=lambda same: same[0],
)
def test_an_address_is_the_same_however_it_is_written(same: tuple[str, ...]):
    assert len({throttle.address_of(SimpleNamespace(META={"REMOTE_ADDR": address})) for address in same}) == 1


@pytest.mark.parametrize("text", ["", "unknown", "_hidden", "1.2.3", "[::1", "::ffff:1.2.3.999", "%", "\x00", "1.2.3.4, ", "::g"])
def test_what_is_no_address_is_a_place_of_its_own(text: str):
    assert throttle.address_of(SimpleNamespace(META={"REMOTE_ADDR": text})) in (text, "::1")


# The token stays here


def places(browser: Client, answer: HttpResponse) -> str:
    """Everything that a browser has got."""
    headers = "\n".join(f"{name}: {value}" for name, value in answer.items())
    return f"{headers}\n{browser.cookies.output()}\n{answer.content.decode()}"


def test_the_token_is_in_no_cookie_no_page_and_no_row(gateway: Gateway, caplog: pytest.LogCaptureFixture):
    browser = Client()
    for answer in (
        sign_in(browser),
        browser.get("/"),
        browser.get("/activity/"),
        browser.get("/sign-in/"),
        browser.get("/nowhere/"),
    ):
        assert TOKEN not in places(browser, answer)
        assert quote(TOKEN) not in places(browser, answer)
    (row,) = Session.objects.all()
    clear = b64_decode(row.session_data.lstrip(".").split(":")[0].encode())
    clear = zlib.decompress(clear) if row.session_data.startswith(".") else clear
    assert b"owner" in clear
    shown = [row.session_data, str(row.get_decoded()), clear.decode()]
    assert not [text for text in shown if TOKEN in text or base64.b64encode(TOKEN.encode()).decode().rstrip("=") in text]
    assert TOKEN not in caplog.text
    assert TOKEN not in str([list(model.objects.values()) for model in (Entry, SignInAttempt, Batch)])


def test_a_wrong_token_is_not_shown_again_either(gateway: Gateway):
    gateway.answer = refuses()
    browser = Client()
    assert TOKEN not in places(browser, sign_in(browser))


def secrets_in(page: str, browser: Client) -> list[str]:
    cookies = [morsel.value for morsel in browser.cookies.values()]
    return [text for text in (TOKEN, project.SECRET_KEY, *project.TOKEN_KEYS, *cookies) if text in page]


@pytest.mark.parametrize("debug", [True, False])
def test_an_error_page_shows_no_secret_even_where_the_token_was_in_use(
    gateway: Gateway, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, debug: bool
):
    browser = signed_in(TOKEN)
    browser.raise_request_exception = False
    settings.DEBUG = debug

    def broken(*args: Any, **kw: Any) -> Any:
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr("portal.api.client.uuid4", broken)  # called by Client(), whose frame holds the token
    for answer in (browser.get("/activity/?q=1"), sign_in(browser)):
        page = answer.content.decode()
        assert answer.status_code == 500
        assert ("a bug of ours" in page) is debug
        assert secrets_in(page, browser) == []
    assert TOKEN not in caplog.text


def test_an_error_page_shows_no_variable_and_nothing_that_was_posted(
    gateway: Gateway, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    browser = signed_in(TOKEN)
    browser.raise_request_exception = False
    settings.DEBUG = True

    def broken(request: httpx.Request) -> httpx.Response:
        kept = dict(request.headers.raw)  # as in the frames of an HTTP library
        raise RuntimeError(f"a bug of ours with {len(kept)} headers")

    gateway.answer = broken
    monkeypatch.setattr("portal.pages.users.selected.begin", None)
    posted = secrets.token_hex(8)  # not in these lines, which the page quotes
    selected = {"user": "x", "folder": "Quarantine", "mail": [posted]}
    for answer in (browser.get("/users/"), browser.post("/batches/release/", selected)):
        page = answer.content.decode()
        assert answer.status_code == 500
        assert "Traceback" in page
        assert secrets_in(page, browser) == []
        assert posted not in page


def test_a_template_that_fails_shows_no_secret(gateway: Gateway, settings: Any, monkeypatch: pytest.MonkeyPatch):
    browser = signed_in(TOKEN)
    browser.raise_request_exception = False
    settings.DEBUG = True
    monkeypatch.setattr("portal.pages.activity.Entry", None)
    answer = browser.get("/activity/")
    assert answer.status_code == 500
    assert "NoneType" in answer.content.decode()
    assert secrets_in(answer.content.decode(), browser) == []


# The link in a mail


LINK = f"/sign-in/link/?token={TOKEN}"


def test_a_link_shows_a_button_and_whoever_only_looks_is_not_signed_in(gateway: Gateway, caplog: pytest.LogCaptureFixture):
    browser = Client()
    answer = browser.get(LINK)
    assert answer.status_code == 200
    assert shown.text(shown.one(answer, "form[method=post][action='/sign-in/link/'] button")) == "Sign in"
    assert (answer["Referrer-Policy"], answer["Cache-Control"]) == ("strict-origin", "no-store")
    assert gateway.asked == []
    assert Session.objects.count() == SignInAttempt.objects.count() == 0
    assert not is_signed_in(browser)
    assert TOKEN not in caplog.text


def test_the_button_of_a_link_signs_in_and_the_address_bar_forgets_the_token(gateway: Gateway):
    browser = Client()
    answer = browser.post("/sign-in/link/", {"token": TOKEN})
    assert (answer.status_code, answer["Location"], answer["Referrer-Policy"]) == (302, "/", "strict-origin")
    assert is_signed_in(browser)


def test_a_link_takes_the_place_of_who_was_signed_in(gateway: Gateway):
    browser = signed_in("another-token")
    before = stored(browser)["owner"]
    assert "Sign out" not in browser.get(LINK).content.decode()
    assert browser.post("/sign-in/link/", {"token": TOKEN}).status_code == 302
    assert stored(browser)["owner"] != before
    assert Session.objects.count() == 1


def test_a_link_that_is_over_says_so_and_has_no_button_any_more(gateway: Gateway, caplog: pytest.LogCaptureFixture):
    gateway.answer = refuses()
    browser = Client()
    answer = browser.post("/sign-in/link/", {"token": TOKEN})
    assert (answer.status_code, answer["Referrer-Policy"], answer["Cache-Control"]) == (403, "strict-origin", "no-store")
    assert told(answer) == ["This link is invalid or has expired. Ask for a new one."]
    assert "<button" not in answer.content.decode()
    assert TOKEN not in places(browser, answer) + caplog.text
    assert not is_signed_in(browser)


def test_a_link_can_be_tried_again_when_the_gateway_was_away_and_not_without_end(gateway: Gateway):
    gateway.answer = refuses(500)
    answer = Client().post("/sign-in/link/", {"token": TOKEN})
    assert (answer.status_code, told(answer)[0].startswith("The gateway failed.")) == (502, True)
    assert f'name="token" value="{TOKEN}"' in answer.content.decode()
    gateway.answer = refuses()
    tries = [Client().post("/sign-in/link/", {"token": TOKEN}) for _ in range(6)]
    assert [answer.status_code for answer in tries] == [403] * 5 + [429]
    assert 1 <= int(tries[-1]["Retry-After"]) <= 300


@pytest.mark.parametrize("query", ["", "?token=", "?other=x"])
def test_a_link_without_a_token_leads_to_the_sign_in_page(gateway: Gateway, query: str):
    answer = Client().get(f"/sign-in/link/{query}")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/")


def test_a_hostile_link_is_shown_as_text(gateway: Gateway):
    page = Client().get("/sign-in/link/", {"token": '"><script>alert(1)</script>'}).content.decode()
    assert "<script>alert" not in page


def test_another_site_signs_nobody_in_by_a_link(gateway: Gateway):
    browser = Client(enforce_csrf_checks=True)
    page = browser.get(LINK)
    form = {"token": TOKEN, "csrfmiddlewaretoken": shown.form(page, "token")["csrfmiddlewaretoken"]}
    ours = "http://testserver"
    for origin, body, by in (
        (ours, {"token": TOKEN}, browser),
        (ours, form, Client(enforce_csrf_checks=True)),
        ("null", form, browser),
        ("https://evil.example", form, browser),
    ):
        assert by.post("/sign-in/link/", body, headers={"Origin": origin}).status_code == 403
    assert Session.objects.count() == 0
    assert browser.post("/sign-in/link/", form, headers={"Origin": ours}).status_code == 302


def test_an_access_log_that_is_switched_on_leaves_the_token_out(tmp_path: Path):
    """gunicorn's own log of requests, which is off unless somebody asks for it."""
    settings: dict[str, Any] = runpy.run_path(str(project.BASE_DIR / "gunicorn.conf.py"))
    log = tmp_path / "access.log"
    config = Config()
    config.set("accesslog", str(log))
    config.set("access_log_format", settings["access_log_format"])
    request = SimpleNamespace(headers=[("REFERER", f"http://testserver{LINK}")])
    environ = {
        "REQUEST_METHOD": "GET",
        "RAW_URI": LINK,
        "PATH_INFO": "/sign-in/link/",
        "QUERY_STRING": f"token={TOKEN}",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_REFERER": f"http://testserver{LINK}",
    }
    answer = SimpleNamespace(status="200 OK", sent=10, headers=[])
    Logger(config).access(answer, request, environ, timedelta(milliseconds=3))
    assert '"GET /sign-in/link/ HTTP/1.1" 200 10' in log.read_text()
    assert TOKEN not in log.read_text()


# Sessions


def test_nobody_signed_in_means_no_session_anywhere(gateway: Gateway):
    browser = Client()
    for url in ("/sign-in/", "/", "/activity/", "/users/", "/users/1/mail/Quarantine/x/", "/nowhere/", "/healthz", "/readyz"):
        browser.get(url)
        browser.post(url)
    assert Session.objects.count() == 0
    assert project.SESSION_COOKIE_NAME not in browser.cookies


def test_the_session_key_is_new_at_every_sign_in_and_never_one_that_was_brought(gateway: Gateway):
    browser = Client()
    browser.cookies[project.SESSION_COOKIE_NAME] = "a" * 32
    keys = ["a" * 32]
    for _again in range(3):
        assert sign_in(browser).status_code == 302
        keys.append(browser.cookies[project.SESSION_COOKIE_NAME].value)
        assert [row.session_key for row in Session.objects.all()] == keys[-1:], "the one before is gone"
    assert len(set(keys)) == 4
    old = Client()
    old.cookies[project.SESSION_COOKIE_NAME] = keys[1]
    assert not is_signed_in(old)


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(gateway: Gateway):
    browser = Client()
    sign_in(browser)
    cookie = browser.cookies[project.SESSION_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", "")
    assert int(cookie["max-age"]) == session.SESSION_LIMIT


def over(browser: Client) -> None:
    """The session is over: to the sign-in page, which says so, and back to where one was."""
    answer = browser.get("/users/?email=anna")
    where = urlsplit(answer["Location"])
    assert (answer.status_code, where.path) == (302, "/sign-in/")
    assert parse_qs(where.query) == {"next": ["/users/?email=anna"], "ended": ["1"]}
    assert "Your session has ended." in browser.get(answer["Location"]).content.decode()


def change(browser: Client, **values: Any) -> None:
    data = stored(browser)
    data.update(values)
    data.save()


def test_who_does_nothing_for_too_long_is_signed_out(browser_of_somebody: Client, gateway: Gateway):
    now = int(time.time())
    change(browser_of_somebody, seen=now - project.SESSION_IDLE_SECONDS + 60)
    assert is_signed_in(browser_of_somebody)
    assert stored(browser_of_somebody)["seen"] >= now, "who is there is there"
    change(browser_of_somebody, seen=now - project.SESSION_IDLE_SECONDS - 1)
    over(browser_of_somebody)
    assert Session.objects.count() == 0
    assert gateway.asked == []


def test_a_session_ends_some_time_however_busy_one_is(browser_of_somebody: Client):
    data = stored(browser_of_somebody)
    assert data["ends"] - data["since"] == session.SESSION_LIMIT
    change(browser_of_somebody, ends=int(time.time()) - 1, seen=int(time.time()))
    over(browser_of_somebody)
    assert Session.objects.count() == 0


@pytest.mark.parametrize("more", [0, 0.5])
def test_a_session_ends_with_its_token(gateway: Gateway, more: float):
    end = int(time.time()) + 600
    browser = signed_in(jwt(sub="anna@nordwind.example", exp=end + more))
    assert stored(browser)["ends"] == end
    assert is_signed_in(browser)
    far = signed_in(jwt(exp=end + 10 * session.SESSION_LIMIT))
    assert stored(far)["ends"] <= int(time.time()) + session.SESSION_LIMIT


@pytest.mark.parametrize("end", [float("-inf"), -(10**400), -1e308, -0.0, 0])
def test_a_token_that_ended_before_all_time_is_refused_like_any_other_that_has_ended(gateway: Gateway, end: float):
    answer = sign_in(Client(), jwt(exp=end))
    assert (answer.status_code, told(answer)) == (403, [WRONG])
    assert Session.objects.count() == 0


@pytest.mark.parametrize("ago", [0, 1, 0.5, 10**9])
def test_a_token_that_has_ended_is_refused_even_if_the_gateway_takes_it(gateway: Gateway, ago: float):
    answer = sign_in(Client(), jwt(exp=time.time() - ago if ago % 1 else int(time.time()) - ago))
    assert (answer.status_code, told(answer)) == (403, [WRONG])
    assert Session.objects.count() == 0


@pytest.mark.parametrize(
    "token",
    [
        jwt(exp="soon", sub=["a", {"b": 1}]),
        jwt(exp=None, sub=None),
        jwt(exp=float("nan")),
        jwt(exp=float("inf")),
        jwt(exp=10**300),
        jwt(exp=10**4000),
        jwt(exp=True),
        jwt(exp="Infinity"),
        jwt(exp=[1e400]),
        claiming(b'{"exp": 1e400}'),
        claiming(b'{"exp": ' + b"9" * 5000 + b"}"),
        jwt(sub="x" * 5000),
        jwt(sub="\ud800"),
        jwt(sub="a\nb\x00<script>alert(1)</script>"),
        f"a.{base64.urlsafe_b64encode(b'[' * 6000).decode()}.c",
        f"a.{base64.urlsafe_b64encode(b'[]').decode()}.c",
        "a.%%%.c",
        "..",
    ],
    ids=lambda token: token[:40],
)
def test_whatever_a_token_says_of_itself_its_owner_gets_a_page(gateway: Gateway, token: str):
    browser = Client()
    assert sign_in(browser, token).status_code == 302
    page = browser.get("/")
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()
    assert stored(browser)["ends"] <= int(time.time()) + session.SESSION_LIMIT


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(browser_of_somebody: Client):
    data = stored(browser_of_somebody)
    batch = Batch.objects.create(owner=data["owner"], who="x", session_key="x", operation="releaseEmail", ids={}, url="/")
    long_ago = int(time.time()) - 1000
    change(browser_of_somebody, seen=long_ago)
    assert browser_of_somebody.get(f"/batches/{batch.pk}/").status_code == 200
    assert stored(browser_of_somebody)["seen"] == long_ago


@pytest.fixture
def keys(settings: Any) -> Iterator[Any]:
    """Change the keys that seal tokens, as a restart with other settings does."""

    def use(*wanted: str) -> None:
        settings.TOKEN_KEYS = list(wanted)
        vault._seal.cache_clear()

    yield use
    vault._seal.cache_clear()


NEW = "a second key of the tests and long enough to be one"


def test_a_new_key_in_front_of_the_old_one_ends_no_session_and_seals_the_next(
    browser_of_somebody: Client, gateway: Gateway, keys: Any
):
    old = project.TOKEN_KEYS[0]
    keys(NEW, old)
    browser_of_somebody.get("/users/")
    assert gateway.asked[-1].headers["Authorization"] == f"Bearer {TOKEN}"
    newer = signed_in(TOKEN)
    keys(NEW)
    assert is_signed_in(newer)


def test_a_key_that_is_gone_means_signing_in_again_and_nothing_worse(browser_of_somebody: Client, gateway: Gateway, keys: Any):
    keys(NEW)
    over(browser_of_somebody)
    assert gateway.asked == []
    assert sign_in(browser_of_somebody).status_code == 302
    assert is_signed_in(browser_of_somebody)


def test_a_session_that_was_tampered_with_means_signing_in_again(browser_of_somebody: Client):
    change(browser_of_somebody, token="nonsense")
    over(browser_of_somebody)


def test_the_gateways_401_ends_the_session(browser_of_somebody: Client, gateway: Gateway):
    gateway.answer = refuses()
    over(browser_of_somebody)
    assert Session.objects.count() == 0


def test_signing_out_is_done_by_a_form_and_ends_the_session_for_good(browser_of_somebody: Client):
    old = Client()
    old.cookies[project.SESSION_COOKIE_NAME] = browser_of_somebody.cookies[project.SESSION_COOKIE_NAME].value
    assert browser_of_somebody.get("/sign-out/").status_code == 405
    assert is_signed_in(old)
    answer = browser_of_somebody.post("/sign-out/")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/")
    assert browser_of_somebody.cookies[project.SESSION_COOKIE_NAME].value == ""
    assert not is_signed_in(browser_of_somebody)
    assert not is_signed_in(old)
    assert Session.objects.count() == 0


def test_a_long_form_costs_no_more_than_its_length_where_nobody_is_signed_in(gateway: Gateway, monkeypatch: pytest.MonkeyPatch):
    quoted = []
    monkeypatch.setattr("portal.ui.screens.quote_plus", lambda text: quoted.append(text) or quote(text, safe=""))
    typed = {f"field{n}": "é" * 80 for n in range(1900)}
    answer = Client().post("/users/", {**typed, "carried": " ".join(typed)})
    assert urlsplit(answer["Location"]).path == "/sign-in/"
    assert len(quoted) <= 4 * 1900 + 4


@pytest.mark.parametrize("text", ["a", "é", "%", "\U0001f600", " "])
@pytest.mark.parametrize("fields", [1, 9, 50, 1900])
def test_as_much_of_a_form_as_an_address_holds_comes_back_after_signing_in(gateway: Gateway, text: str, fields: int):
    typed = {f"field{n}": text * (n % (480 if fields < 1900 else 40)) for n in range(1, fields + 1)}
    answer = Client().post("/users/", {**typed, "carried": " ".join(typed)})
    assert len(answer["Location"]) < 4000
    (back,) = parse_qs(urlsplit(answer["Location"]).query)["next"]
    landed = sign_in(Client(), next=back)
    assert landed["Location"].startswith("/users/?")
    kept = parse_qs(urlsplit(landed["Location"]).query, keep_blank_values=True)
    assert {name: [typed[name]] for name in kept if name != "typed"} == {name: kept[name] for name in kept if name != "typed"}
    assert len(kept) > 1


# Where one lands


@pytest.mark.parametrize(
    "url",
    [
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "https://evil.example",
        "HTTPS:evil.example",
        "http:///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        " //evil.example",
        "\x00//evil.example",
        "//testserver@evil.example",
        "https://testserver@evil.example/",
        "https://testserver.evil.example/",
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "evil.example",
        "@evil.example",
        "?next=//evil.example",
        "#//evil.example",
        "/" + "a" * 2048,
        " " * 100_000,
        "",
    ],
    ids=ascii,
)
def test_nobody_is_sent_to_another_site(gateway: Gateway, url: str):
    browser = Client()
    page = browser.get("/sign-in/", {"next": url}).content.decode()
    assert 'name="next" value="/"' in page
    answer = sign_in(browser, next=url)
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_a_line_break_in_the_way_back_writes_no_header(gateway: Gateway):
    answer = sign_in(Client(), next="/users/\r\nX-Evil: 1")
    assert "X-Evil" not in answer
    assert "\n" not in answer["Location"]


# Every address


def patterns(resolver: URLResolver | None = None, before: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in (resolver or get_resolver()).url_patterns:
        where = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from patterns(one, where)
        else:
            yield where, one


ALL = dict(patterns())
PRIVATE = sorted(ALL.keys() - PUBLIC)


def address(route: str) -> str:
    """An address for a route: `x` for an id, 1 for a number."""
    return "/" + re.sub(r"<(\w+):\w+>", lambda found: "1" if found[1] == "int" else "x", route)


def test_the_public_addresses_are_these_and_no_others():
    assert {route for route, one in ALL.items() if getattr(one.callback, "public", False)} == PUBLIC
    assert len(PRIVATE) > 20


@pytest.mark.parametrize("route", PRIVATE)
def test_every_other_address_needs_somebody_signed_in(gateway: Gateway, route: str):
    gateway.answer = well
    for answer in (Client().get(address(route)), Client().post(address(route)), Client().delete(address(route))):
        assert answer.status_code == 302
        assert urlsplit(answer["Location"]).path == "/sign-in/"
        assert answer["Cache-Control"] == "no-store"
    fragment = Client(headers={"HX-Request": "true"}).get(address(route))
    assert fragment["HX-Redirect"].startswith("/sign-in/")
    assert gateway.asked == []


@pytest.mark.parametrize("route", PRIVATE)
def test_no_page_of_a_person_is_stored_anywhere_and_each_has_its_policy(
    browser_of_somebody: Client, gateway: Gateway, route: str
):
    gateway.answer = well
    answer = browser_of_somebody.get(address(route))
    assert answer.status_code in (200, 302, 404, 405)
    assert answer["Cache-Control"] == "no-store"
    assert "Cookie" in answer["Vary"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == ("SAMEORIGIN" if route.endswith("/body/") else "DENY")
    policy = answer["Content-Security-Policy"]
    if "body/" in route or "source/" in route or "attachments/" in route:
        assert policy.startswith("default-src 'none'; ")
        assert "sandbox" in policy
        assert "script-src" not in policy
    else:
        assert policy == CSP


def test_the_sign_in_page_and_the_error_pages_have_all_headers_too(gateway: Gateway):
    for answer in (Client().get("/sign-in/"), Client().get("/nowhere/"), Client(enforce_csrf_checks=True).post("/sign-in/")):
        assert answer["Content-Security-Policy"] == CSP
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer["Cache-Control"] == "no-store"
        assert {part.partition("=")[0].strip() for part in answer["Permissions-Policy"].split(",")} >= {"camera", "microphone"}


@pytest.mark.parametrize("https", [False, True])
@pytest.mark.parametrize("ssl_only", [False, True])
def test_every_answer_has_all_headers_whoever_gives_it(gateway: Gateway, settings: Any, https: bool, ssl_only: bool):
    settings.SECURE_SSL_REDIRECT = ssl_only
    browser = Client(raise_request_exception=False)
    gateway.answer = lambda request: 1 / 0
    form = "application/x-www-form-urlencoded"
    for answer in (
        browser.get("/sign-in/", headers={"Host": "evil.example"}, secure=https),
        browser.get("/sign-in/", headers={"Host": "a b"}, secure=https),
        browser.get("/static/app.css", secure=https),
        browser.get("/static/app.css", headers={"Host": "evil.example"}, secure=https),
        browser.get("/static/none.css", secure=https),
        browser.get("/nowhere/", secure=https),
        browser.get("/sign-in", secure=https),
        browser.get("/users/", secure=https),
        browser.get("/healthz", headers={"Host": "evil.example"}, secure=https),
        browser.post("/healthz", secure=https),
        browser.post("/sign-in/", {"token": TOKEN}, secure=https),
        browser.post("/sign-in/", b"x" * (2**20 + 1), form, secure=https),
        browser.post("/sign-in/", "{}", "application/json", secure=https),
        browser.post("/sign-in/", "x", form, secure=https, CONTENT_LENGTH="x"),
        browser.get("/sandbox/api/nowhere", secure=https),
        browser.get(LINK, secure=https),
    ):
        assert answer.status_code in (200, 301, 302, 400, 404, 405, 413, 415, 500)
        assert answer["Content-Security-Policy"] == CSP
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] in ("same-origin", "strict-origin")
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in answer["Permissions-Policy"]


def test_a_page_from_before_the_language_is_known_does_not_speak_the_last_readers(gateway: Gateway):
    assert '<html lang="de"' in Client(headers={"Accept-Language": "de"}).get("/sign-in/").content.decode()
    answer = Client(headers={"Accept-Language": "en", "Host": "evil.example"}).get("/sign-in/")
    assert (answer.status_code, '<html lang="en"' in answer.content.decode()) == (400, True)


def test_a_get_changes_nothing_anywhere(browser_of_somebody: Client, gateway: Gateway):
    gateway.answer = well
    who = stored(browser_of_somebody)["owner"]
    ids = {"userIdOrEmail": "x", "folderPath": "x"}
    batch = Batch.objects.create(pk=1, owner=who, who="x", session_key="x", operation="releaseEmail", ids=ids, url="/")
    before = Batch.objects.values().get()
    for route in ALL:
        if "sandbox" in route:  # an API of its own
            continue
        for query in ({}, {"next": "/", "language": "de", "confirmed": "1", "allow": "mailbox", "once": "x", "delete": "1"}):
            for ask in (browser_of_somebody.get, browser_of_somebody.head):
                answer = ask(address(route), query)
                b"".join(answer) if answer.streaming else answer.content  # a download asks while it is read
    assert is_signed_in(browser_of_somebody)
    assert {request.method for request in gateway.asked} == {"GET"}
    assert len({request.url.path for request in gateway.asked}) > 10, "the pages have really asked"
    assert Batch.objects.values().get(pk=batch.pk) == before
    assert Entry.objects.count() == SignInAttempt.objects.count() == 0
    assert project.LANGUAGE_COOKIE_NAME not in browser_of_somebody.cookies


def test_the_readiness_probe_asks_without_anybodys_token(browser_of_somebody: Client, gateway: Gateway):
    browser_of_somebody.get("/readyz")
    assert [request.headers.get("Authorization") for request in gateway.asked] == [None]


# Forms of other sites


@pytest.mark.parametrize("route", sorted(ALL.keys() - {"^sandbox/api(?P<rest>/.*)$"}))
def test_a_form_that_this_site_did_not_give_out_does_nothing(gateway: Gateway, route: str):
    gateway.answer = well
    browser = Client(enforce_csrf_checks=True)
    browser.cookies[project.SESSION_COOKIE_NAME] = signed_in(TOKEN).cookies[project.SESSION_COOKIE_NAME].value
    gateway.asked.clear()
    for answer in (
        browser.post(address(route)),
        browser.delete(address(route)),
        browser.post(address(route), {"csrfmiddlewaretoken": "x"}),
    ):
        assert answer.status_code == 403
        page = answer.content.decode()
        assert "This form is out of date" in page
        assert "Nothing was changed." in page
        assert answer["Content-Security-Policy"] == CSP
    assert gateway.asked == []
    assert is_signed_in(browser)
    assert Entry.objects.count() == Batch.objects.count() == 0


def test_the_log_names_no_mailbox_where_a_form_is_refused(gateway: Gateway):
    console = next(handler for handler in logging.getLogger().handlers if handler.get_name() == "console")
    before = console.setStream(lines := io.StringIO())
    try:
        Client(enforce_csrf_checks=True).post("/users/anna.keller%40nordwind.example/mail/Quarantine/m1/release/")
    finally:
        console.setStream(before)
    assert "Forbidden" in lines.getvalue()
    assert "anna.keller" not in lines.getvalue()


def test_a_form_that_this_site_gave_out_works(gateway: Gateway):
    browser = Client(enforce_csrf_checks=True)
    sent = shown.form(browser.get("/sign-in/"), "token")
    assert sign_in(browser, csrfmiddlewaretoken=sent["csrfmiddlewaretoken"]).status_code == 302
    assert is_signed_in(browser)
