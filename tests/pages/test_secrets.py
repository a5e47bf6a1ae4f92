"""A secret that is typed goes to the gateway, and nowhere else, whatever the gateway answers."""

import json
from collections.abc import Callable

import httpx
import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from portal.audit.models import Entry
from portal.meaning.dkim import make_pair
from tests import answers, places
from tests.conftest import Gateway
from tests.shown import find, form, source

pytestmark = pytest.mark.django_db(transaction=True)

MARK = "a marked secret, 5 mice"
KEY = make_pair().private
RELAY = {**places.RELAY_TYPED, "fallbackTransportType": "SMTPS_MAY"}
LDAP = {"authType": "ldap", "auth_ldap_host": "ldap.example.org", "auth_ldap_port": "636", "auth_ldap_base_dn": "dc=example"}
OIDC = {"authType": "oidc", "auth_oidc_issuerUri": "https://id.example.org/", "auth_oidc_clientId": "me"}
IMAP = {"apiType": "IMAP", "api_IMAP_host": "imap.example.org", "api_IMAP_port": "993", "api_IMAP_login": "me"}
EXCHANGE = {"apiType": "EXCHANGE", "api_EXCHANGE_host": "ews.example.org", "api_EXCHANGE_login": "me"}
O365 = {"apiType": "O365", "api_O365_tenantId": "t", "api_O365_clientId": "c"}
OF_RELAYS = {
    "auth_ldap_bind_password": LDAP, "auth_oidc_clientSecret": OIDC, "api_IMAP_password": IMAP, "api_EXCHANGE_password": EXCHANGE,
    "api_O365_clientSecret": O365,
}
ACCOUNT = {**places.ACCOUNT, places.MAY_SEE: "on"}
OWN = {"source": "own", "selector": "next"}
# Every field of a secret: where it is, its name, what else is typed, and the secret.
FIELDS: list[tuple[str, str, dict[str, str], str]] = [
    *((url, name, {**RELAY, **more}, MARK) for url in ("/domains/d1/relays/new/", "/domains/d1/relays/p1/") for name, more in OF_RELAYS.items()),
    *(("/health/relay/", name, {**more, "transportDest": "mx.example.org"}, MARK) for name, more in OF_RELAYS.items()),
    ("/domains/d1/new-admin/", "password", ACCOUNT, MARK),
    ("/domains/d1/options/IMAP/", "secret_value", {}, MARK),
    ("/domains/d1/other-option/", "private_value", {"name": "SECRET_OF_A_FEW"}, MARK),
    ("/domains/unsigned/dkim/new/", "privateKey", OWN, KEY),
    ("/domains/d1/dkim/replace/", "privateKey", OWN, KEY),
    ("/domains/d1/dkim/rotate/", "privateKey", OWN, KEY),
    ("/sign-in/", "token", {}, "a-marked-token-of-5-mice"),
]


def quoting(code: int) -> Callable[[httpx.Request, str], httpx.Response]:
    """A refusal that says what it got: in its message, as a field, and as the name of one."""

    def answer(request: httpx.Request, secret: str) -> httpx.Response:
        fields = dict.fromkeys(("password", "value", "platforms[0].authData.bind_password", "privateKey", "login", secret), f"“{secret}”?")
        message = f"{secret} is odd, in {request.content.decode()}"
        return httpx.Response(code, json={"message": message, "fields": fields}, headers={"Retry-After": "1"})

    return answer


def silent(request: httpx.Request, secret: str) -> httpx.Response:
    raise httpx.ReadTimeout(f"no answer to {secret}", request=request)


ANSWERS: dict[str, Callable[[httpx.Request, str], httpx.Response]] = {
    **{str(code): quoting(code) for code in (400, 401, 403, 404, 409, 412, 422, 429, 500)},
    "timeout": silent,
    "junk": lambda request, secret: httpx.Response(200, html=f"<html>{secret}</html>"),
}


def well(request: httpx.Request) -> httpx.Response:
    if request.url.path.endswith("/options") and request.method == "GET":
        secret = {"option": {"name": "IMAP", "type": "PASSWORD"}, "value": MARK, "parentValue": MARK}
        return httpx.Response(200, json=[answers.OPTION, secret])
    return answers.well(request)


def left_behind() -> str:
    """Everything that the portal stores, with its sessions opened as far as they are not sealed."""
    with connection.cursor() as cursor:
        tables = [cursor.execute(f'SELECT * FROM "{table}"').fetchall() for table in connection.introspection.table_names(cursor)]
    return f"{tables} {[session.get_decoded() for session in Session.objects.all()]} {[vars(entry) for entry in Entry.objects.all()]}"


@pytest.mark.parametrize("answered", ANSWERS)
@pytest.mark.parametrize(("url", "field", "more", "secret"), FIELDS, ids=[f"{url} {field}" for url, field, _more, _secret in FIELDS])
def test_a_secret_is_found_nowhere_whatever_the_gateway_answers(
    url: str, field: str, more: dict[str, str], secret: str, answered: str,
    browser_of_somebody: Client, gateway: Gateway, caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    browser = browser_of_somebody if field != "token" else Client()
    marks = [secret.split("\n")[3]] if secret == KEY else [secret]
    sent: list[str] = []

    def refuses(request: httpx.Request) -> httpx.Response:
        if request.method == "GET" and field != "token":
            return well(request)
        sent.append(request.content.decode() + request.headers.get("Authorization", ""))
        return ANSWERS[answered](request, secret)

    gateway.answer = well
    filled = form(browser.get(url), field).filled(**{**more, field: secret})
    step = {"step": "prepare"} if "rotate" in url else {"try": "1"} if "health" in url else {}
    gateway.answer = refuses
    answer = browser.post(url, {**filled, **step})
    assert all(mark in json.dumps(sent) for mark in marks) or "rotate" in url  # which hands over what it has later
    gateway.answer = well
    pages = [answer, *([browser.get(answer["Location"])] if answer.status_code == 302 else []), browser.get("/activity/")]
    shown = "".join(source(page, None) + str(page.headers) for page in pages)
    for mark in marks:
        assert mark not in shown
        assert mark not in caplog.text
        assert mark not in left_behind()
        assert mark not in str(browser.cookies)


@pytest.mark.parametrize(("url", "field", "more", "secret"), FIELDS, ids=[f"{url} {field}" for url, field, _more, _secret in FIELDS])
def test_a_secret_stays_out_of_the_address_when_the_session_is_over(
    url: str, field: str, more: dict[str, str], secret: str, browser_of_somebody: Client, gateway: Gateway
) -> None:
    gateway.answer = well
    browser = browser_of_somebody
    filled = form(browser.get(url), field).filled(**{**more, field: secret})
    browser.cookies.clear()
    answer = browser.post(url, filled)
    assert answer.status_code in (200, 302)
    assert httpx.URL(answer.headers.get("Location", "/")).query.count(b"mice") == 0
    assert "BEGIN" not in answer.headers.get("Location", "")


def test_no_field_of_a_secret_is_missing_here(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = well
    tested = {(url, field) for url, field, _more, _secret in FIELDS}
    urls = {place.url.partition("?")[0] for place in places.PLACES if place.post is None} | {url for url, _field in tested}
    found = {
        (url, str(field.attributes.get("name")))
        for url in urls if not url.endswith("/attachments/")
        for field in find(browser_of_somebody.get(url), "main input[type=password], main textarea[autocomplete=off]", None)
    }
    listed = ("/domains/d1/options/", "secret_value")  # each posts to the address of its own option
    assert found - {listed} == tested
