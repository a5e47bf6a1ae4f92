"""Relays of a domain, and the tester that needs none."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from portal.audit.models import Entry
from sandbox.models import Domain, Platform
from tests.conftest import Gateway, signed_in
from tests.sandbox import servers
from tests.shown import attribute, find, form, one, source, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])

HTMX = {"HX-Request": "true", "HX-Target": "tried"}
SECRET = "a secret that nobody may see"
LDAP = {"authType": "ldap", "auth_ldap_host": "ldap.nordwind.example", "auth_ldap_base_dn": "dc=nordwind"}


@pytest.fixture(autouse=True)
def quick(settings: Any) -> None:
    settings.SANDBOX_TIMEOUT = 0.5


def typed(browser: Client, url: str, **changes: str) -> dict[str, str]:
    """The form at `url` as it is shown, with some fields filled in."""
    return {**form(browser.get(url)), **changes}


def send(browser: Client, url: str, **changes: str) -> HttpResponse:
    return browser.post(url, typed(browser, url, **changes))


@pytest.fixture
def nordwind(sandbox: dict[str, str]) -> Domain:
    return Domain.objects.get(name="nordwind.example")


def exchange(domain: Domain) -> Platform:
    return domain.platforms.get(name="Exchange Zürich")


def at(domain: Domain, name: str = "domain-relays", relay: Platform | None = None) -> str:
    return reverse(name, args=(domain.uid, relay.uid) if relay else (domain.uid,))


# The list.

def test_each_relay_says_where_it_is_and_how_users_sign_in(as_admin: Client, nordwind: Domain) -> None:
    answer = as_admin.get(at(nordwind))
    page = text(answer)
    assert page.index("Mailserver") < page.index("Exchange Zürich")
    assert "mx.nordwind.example:25, no encryption" in page
    assert "exchange.nordwind.example:465, always encrypt" in page
    assert "192.0.2.25:25, no encryption" in page
    assert "via a directory (LDAP): ldap.nordwind.example" in page
    assert source(answer).count("addresses without an account") == 1  # the mark of the default relay
    assert one(answer, f'[hx-get="{at(nordwind, "relay-check", exchange(nordwind))}"][hx-trigger=revealed]')


def test_a_domain_without_a_relay_is_warned_about(as_admin: Client, nordwind: Domain) -> None:
    nordwind.platforms.all().delete()
    page = as_admin.get(at(nordwind))
    assert "This domain has no relay: its mail has nowhere to go." in text(page)
    assert find(page, f'a[href="{at(nordwind, "relay-new")}"]')


def test_several_default_relays_are_told_about(as_admin: Client, nordwind: Domain) -> None:
    nordwind.platforms.update(default=True)
    assert "2 relays are marked as default." in text(as_admin.get(at(nordwind)))
    nordwind.platforms.update(default=False)
    assert "No relay is marked as default" in text(as_admin.get(at(nordwind)))


def test_a_hundred_relays_cost_one_call(browser_of_somebody: Client, gateway: Gateway) -> None:
    relays = [{"id": f"p{n}", "name": f"Relay {n}", "transportDest": "192.0.2.1", "transportPort": 25} for n in range(100)]
    gateway.answer = lambda request: httpx.Response(200, json={"name": "big.example", "platforms": relays})
    assert len(find(browser_of_somebody.get("/domains/d1/relays/"), "[hx-trigger=revealed]")) == 100
    assert len(gateway.asked) == 1


def test_what_the_gateway_says_is_never_markup(browser_of_somebody: Client, gateway: Gateway) -> None:
    nasty = '<script>alert(1)</script>"\'>'
    relay = {"id": nasty, "name": nasty, "transportDest": nasty, "transportType": nasty, "transportPort": nasty, "apiType": nasty,
             "authType": nasty, "authData": {"host": nasty}, "default": nasty}
    answers: dict[str, Any] = {
        "GET": {"name": nasty, "status": nasty, "platforms": [relay, {"id": None}]},
        "POST": {"report": {"status": False, "entries": [{"type": nasty, "result": nasty, "output": [nasty, nasty]}]}},
    }
    gateway.answer = lambda request: httpx.Response(200, json=answers["POST" if request.url.path.endswith("/health") else request.method])
    for name in ("domain-relays", "relay", "relay-delete", "relay-check"):
        ids = ("d1",) if name == "domain-relays" else ("d1", nasty)
        shown = browser_of_somebody.get(reverse(name, args=ids))
        assert shown.status_code == 200
        assert b"<script>alert" not in shown.content
        assert b"alert(1)" in shown.content


# New, changed, deleted.

def test_a_new_relay_is_added_and_the_others_stay_as_they_were(as_customer: Client, nordwind: Domain) -> None:
    before = list(nordwind.platforms.values())
    answer = send(
        as_customer, at(nordwind, "relay-new"), name="Aarhus", transportDest="mx.aarhus.example", transportPort="587",
        transportType="SMTPS_ENCRYPT", fallbackTransportDest="192.0.2.7", **LDAP, auth_ldap_bind_password=SECRET,
        apiType="O365", api_O365_tenantId="t-1", api_O365_clientId="c-1", api_O365_clientSecret=SECRET,
    )
    assert answer["Location"] == at(nordwind)
    assert "The relay was added." in text(as_customer.get(at(nordwind)))
    made = nordwind.platforms.get(name="Aarhus")
    assert (made.transport_dest, made.transport_type, made.transport_port) == ("mx.aarhus.example", "SMTPS_ENCRYPT", 587)
    assert (made.fallback_transport_dest, made.fallback_transport_port) == ("192.0.2.7", 25)
    assert made.auth_data == {
        "host": "ldap.nordwind.example", "port": 636, "use_ssl": True, "base_dn": "dc=nordwind", "bind_password": SECRET,
    }
    assert made.api_data == {"tenantId": "t-1", "clientId": "c-1", "clientSecret": SECRET}
    assert list(nordwind.platforms.exclude(pk=made.pk).values()) == before
    entry = Entry.objects.get(operation="editDomain")
    assert entry.target == "Aarhus (nordwind.example)"
    assert SECRET not in str(vars(entry))


@pytest.mark.parametrize(("kind", "fields", "sent"), [
    ("authType", {"authType": "imap", "auth_imap_host": "imap.x.example"}, {"host": "imap.x.example", "port": 993, "use_ssl": True}),
    (
        "authType",
        {"authType": "oidc", "auth_oidc_issuerUri": "https://id.x.example/", "auth_oidc_clientId": "me", "auth_oidc_clientSecret": SECRET,
         "auth_oidc_nameAttr": "email", "auth_oidc_scope": "openid email"},
        {"issuerUri": "https://id.x.example/", "clientId": "me", "clientSecret": SECRET, "nameAttr": "email", "scope": "openid email"},
    ),
    ("authType", {"authType": "entra", "auth_entra_tenantId": "t-1"}, {"tenantId": "t-1"}),
    ("authType", {"authType": "local", "auth_imap_host": "left over"}, None),
    (
        "apiType", {"apiType": "IMAP", "api_IMAP_host": "imap.x.example", "api_IMAP_login": "me", "api_IMAP_password": SECRET},
        {"host": "imap.x.example", "port": 993, "useSsl": True, "login": "me", "password": SECRET},
    ),
    (
        "apiType",
        {"apiType": "EXCHANGE", "api_EXCHANGE_host": "ews.x.example", "api_EXCHANGE_login": "me", "api_EXCHANGE_password": SECRET,
         "api_EXCHANGE_testAccount": "test@x.example"},
        {"host": "ews.x.example", "login": "me", "password": SECRET, "testAccount": "test@x.example"},
    ),
])
def test_only_the_fields_of_the_chosen_kind_are_sent(
    kind: str, fields: dict[str, str], sent: dict[str, Any] | None, as_admin: Client, nordwind: Domain,
) -> None:
    relay = exchange(nordwind)
    answer = send(as_admin, at(nordwind, "relay", relay), **fields)
    assert answer.status_code == 302, text(answer, 422)
    relay.refresh_from_db()
    assert (relay.auth_data if kind == "authType" else relay.api_data) == sent
    assert getattr(relay, "auth_type" if kind == "authType" else "api_type") == fields[kind]


def test_a_changed_name_sends_everything_else_as_it_was(as_admin: Client, nordwind: Domain) -> None:
    Platform.objects.filter(name="Exchange Zürich").update(
        auth_data={"host": "l.example", "port": 636, "use_ssl": True, "base_dn": "dc=n", "bind_password": SECRET},
        api_type="IMAP", api_data={"host": "i.example", "login": "me", "password": SECRET},
    )
    relay = exchange(nordwind)
    before = Platform.objects.filter(pk=relay.pk).values().get()
    send(as_admin, at(nordwind, "relay", relay), name="Exchange")
    assert Platform.objects.filter(pk=relay.pk).values().get() == {**before, "name": "Exchange"}


def test_a_secret_is_never_shown_and_empty_keeps_it(as_admin: Client, nordwind: Domain, browser_of_somebody: Client, gateway: Gateway) -> None:
    """Even a gateway that shows its secrets does not bring them onto the page."""
    relay = {
        "id": "p1", "name": "Mailserver", "transportDest": "192.0.2.1", "transportType": "SMTP", "transportPort": 25, "default": True,
        "authType": "ldap", "authData": {"host": "l.example", "base_dn": "dc=n", "bind_password": SECRET},
        "apiType": "IMAP", "apiData": {"host": "i.example", "login": "me", "password": "********"},
    }
    gateway.answer = lambda request: (
        httpx.Response(204) if request.method == "PATCH" else httpx.Response(200, json={"name": "x.example", "platforms": [relay]})
    )
    url = "/domains/d1/relays/p1/"
    shown = browser_of_somebody.get(url)
    assert SECRET not in source(shown)
    assert "****" not in source(shown)
    assert "Never shown. Leave empty to keep the stored one." in text(shown)
    assert send(browser_of_somebody, url, auth_ldap_host="other.example").status_code == 302
    [sent] = json.loads(gateway.asked[-1].content)["platforms"]
    assert sent["authData"] == {"host": "other.example", "base_dn": "dc=n", "bind_password": SECRET}
    assert sent["apiData"] == {"host": "i.example", "login": "me"}  # stars would have replaced the real one
    assert {name: sent[name] for name in relay if name not in ("authData", "apiData")} == {
        name: relay[name] for name in relay if name not in ("authData", "apiData")
    }
    refused = send(browser_of_somebody, url, transportPort="0", auth_ldap_bind_password="typed " + SECRET)
    assert SECRET not in source(refused, 422)


def test_a_relay_of_another_shape_than_agreed_has_a_page_all_the_same(browser_of_somebody: Client, gateway: Gateway) -> None:
    names = ("name", "transportDest", "transportPort", "transportType", "fallbackTransportType", "authType", "authData")
    odd = {name: {"a": [1]} for name in names}
    relay = {"id": "p1", **odd, "apiType": ["x"], "apiData": "x", "default": [0]}
    gateway.answer = lambda request: httpx.Response(200, json={"name": "x.example", "platforms": [relay]})
    for page in ("", "p1/", "p1/delete/"):
        assert browser_of_somebody.get(f"/domains/d1/relays/{page}").status_code == 200


@pytest.mark.parametrize("quoting", [
    lambda body: {"message": f"Cannot read: {body}"},
    lambda body: {"message": "x" * 490 + " " + body},  # the secret is cut where a reason is
    lambda body: {"message": f"“{SECRET}” is too short", "fields": {"clientSecret": f"{SECRET}?", SECRET: "odd"}},
])
def test_a_gateway_that_quotes_a_secret_is_not_quoted(quoting: Any, browser_of_somebody: Client, gateway: Gateway) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"name": "x.example", "platforms": []})
        return httpx.Response(422, json=quoting(request.content.decode()))

    gateway.answer = answer
    filled = {
        "name": "n", "transportDest": "mx.example", "authType": "oidc", "auth_oidc_issuerUri": "https://i.example",
        "auth_oidc_clientId": "c", "auth_oidc_clientSecret": SECRET,
    }  # fmt: skip
    for url, more in (("/domains/d1/relays/new/", {}), ("/domains/d1/relays/new/", {"try": "1"}), ("/health/relay/", {"try": "1"})):
        refused = send(browser_of_somebody, url, **filled, **more)
        assert SECRET in gateway.asked[-1].content.decode()
        assert SECRET not in source(refused, 422)
    assert Entry.objects.get().reason
    assert SECRET[:9] not in Entry.objects.get().reason


def test_a_session_that_ends_does_not_put_a_secret_into_the_address(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = lambda request: httpx.Response(401)
    fields = dict.fromkeys(("auth_ldap_bind_password", "auth_oidc_clientSecret", "api_IMAP_password", "api_EXCHANGE_password", "api_O365_clientSecret"), "x-secret-x")
    answer = browser_of_somebody.post("/domains/d1/relays/new/", {**fields, "name": "kept", "carried": "name"})
    assert "kept" in answer["Location"]
    assert "x-secret-x" not in answer["Location"]


@pytest.mark.parametrize(("field", "value", "problem"), [
    ("name", "", "This field is required."),
    ("name", "two\x07bells", "The text contains an invisible character."),
    ("name", "n\x00ull", "Null characters are not allowed."),
    ("name", "x" * 10_000, "at most 1000 characters"),
    ("transportDest", "", "This field is required."),
    ("transportDest", "https://mx.example", "Enter a server such as mail.example.org or 192.0.2.1."),
    ("transportDest", "mx.example:25", "Enter only the server here; the port has its own field."),
    ("transportDest", "mx example", "The name of a server cannot contain spaces."),
    ("transportDest", "192.0.2.256", "This looks like an IP address but is not valid."),
    ("transportDest", "<script>alert(1)</script>", "Enter a server such as mail.example.org or 192.0.2.1."),
    ("transportPort", "0", "greater than or equal to 1"),
    ("transportPort", "65536", "less than or equal to 65535"),
    ("transportPort", "smtp", "Enter a whole number."),
    ("transportType", "TLS", "Select a valid choice."),
    ("fallbackTransportDest", "a/b", "Enter a server such as mail.example.org or 192.0.2.1."),
    ("auth_ldap_base_dn", "", "This field is required."),
    ("auth_ldap_port", "99999", "less than or equal to 65535"),
    ("auth_ldap_cert_pem", "-----BEGIN CERTIFICATE-----\nnonsense", "Paste a certificate."),
])
def test_what_cannot_be_is_told_at_its_field(field: str, value: str, problem: str, as_admin: Client, nordwind: Domain) -> None:
    relay = exchange(nordwind)
    answer = send(as_admin, at(nordwind, "relay", relay), **{field: value})
    assert problem in text(one(answer, f'#id_{field}_error'))
    assert answer.status_code == 422
    assert b"<script>alert" not in answer.content
    assert exchange(nordwind).transport_dest == "exchange.nordwind.example"
    assert not Entry.objects.exists()


@pytest.mark.parametrize(("host", "sent"), [
    ("mx.example", "mx.example"), ("mx", "mx"), ("192.0.2.1", "192.0.2.1"), ("[2001:DB8::1]", "2001:db8::1"), ("mx_1.example.", "mx_1.example"),
    ("xn--mller-kva.example", "xn--mller-kva.example"), ("Müller.example", "xn--mller-kva.example"),
])
def test_a_host_name_or_an_address_is_taken(host: str, sent: str, as_admin: Client, nordwind: Domain) -> None:
    assert send(as_admin, at(nordwind, "relay", exchange(nordwind)), transportDest=host).status_code == 302
    assert exchange(nordwind).transport_dest == sent


def test_a_host_that_we_would_spell_otherwise_stays_as_the_gateway_has_it(browser_of_somebody: Client, gateway: Gateway) -> None:
    there = {**relay("p1", "One"), "transportDest": "MX.Example.", "authType": "imap", "authData": {"host": "IMAP.Example", "port": 993}}
    asked_in_turn(gateway, *([[there]] * 3))
    assert send(browser_of_somebody, "/domains/d1/relays/p1/", name="Two").status_code == 302
    [sent] = json.loads(gateway.asked[-1].content)["platforms"]
    assert {name: sent[name] for name in there} == {**there, "name": "Two"}


def test_what_is_wrong_in_a_kind_that_is_not_chosen_does_not_matter(as_admin: Client, nordwind: Domain) -> None:
    fields = {"auth_imap_port": "99999", "auth_oidc_issuerUri": "nonsense", "name": "Renamed"}
    assert send(as_admin, at(nordwind, "relay", exchange(nordwind)), **fields).status_code == 302
    assert nordwind.platforms.get(name="Renamed").auth_data["host"] == "ldap.nordwind.example"


def test_a_new_kind_of_remediation_needs_its_password(as_admin: Client, nordwind: Domain) -> None:
    url = at(nordwind, "relay", exchange(nordwind))
    fields = {"apiType": "EXCHANGE", "api_EXCHANGE_host": "ews.example", "api_EXCHANGE_login": "me"}
    assert "This field is required." in text(send(as_admin, url, **fields), 422)
    assert send(as_admin, url, **fields, api_EXCHANGE_password=SECRET).status_code == 302
    assert send(as_admin, url, api_EXCHANGE_login="you").status_code == 302  # empty keeps it
    assert exchange(nordwind).api_data == {"host": "ews.example", "login": "you", "password": SECRET}


def certificate_and_key() -> tuple[str, str]:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ldap.example")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1)).sign(key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.public_bytes(Encoding.PEM).decode(), private.decode()


def test_a_certificate_is_read_before_it_is_sent_and_a_private_key_is_thrown_away(as_admin: Client, nordwind: Domain) -> None:
    url, (certificate, key) = at(nordwind, "relay", exchange(nordwind)), certificate_and_key()
    refused = send(as_admin, url, auth_ldap_cert_pem=key)
    assert "This was a private key." in text(refused, 422)
    assert "BEGIN PRIVATE KEY" not in source(refused, 422)
    assert "This was a private key." in text(send(as_admin, url, auth_ldap_cert_pem=certificate + key), 422)
    assert send(as_admin, url, auth_ldap_cert_pem=certificate).status_code == 302
    assert exchange(nordwind).auth_data["cert_pem"] == certificate.strip()
    entries = Entry.objects.count()
    send(as_admin, url, auth_ldap_cert_pem=certificate.replace("\n", "\r\n"))  # as a browser sends it back
    assert Entry.objects.count() == entries


def test_what_the_gateway_has_already_may_stay_whatever_it_is(browser_of_somebody: Client, gateway: Gateway) -> None:
    relay = {"id": "p1", "name": "Old", "transportDest": "https://odd", "transportType": "QMTP", "transportPort": 0, "authType": "saml",
             "authData": {"metadata": "https://id.example"}, "apiType": None, "apiData": None, "colour": "blue"}
    gateway.answer = lambda request: (
        httpx.Response(204) if request.method == "PATCH" else httpx.Response(200, json={"platforms": [relay]})
    )
    answer = send(browser_of_somebody, "/domains/d1/relays/p1/", name="New")
    assert answer.status_code == 302, text(answer, 422)
    assert json.loads(gateway.asked[-1].content) == {"platforms": [{**relay, "name": "New"}]}


def test_nothing_changed_sends_nothing(as_admin: Client, nordwind: Domain) -> None:
    assert send(as_admin, at(nordwind, "relay", exchange(nordwind)))["Location"] == at(nordwind)
    assert "Nothing was changed." in text(as_admin.get(at(nordwind)))
    assert not Entry.objects.exists()


def test_the_fallback_is_taken_away_as_a_whole(as_admin: Client, nordwind: Domain) -> None:
    send(as_admin, at(nordwind, "relay", exchange(nordwind)), fallbackTransportDest="")
    relay = exchange(nordwind)
    assert (relay.fallback_transport_dest, relay.fallback_transport_type, relay.fallback_transport_port) == (None, None, None)


# Two people, two windows, two clicks.

def test_a_relay_that_somebody_added_meanwhile_is_not_lost(as_admin: Client, as_customer: Client, nordwind: Domain) -> None:
    url = at(nordwind, "relay", exchange(nordwind))
    mine = typed(as_admin, url, name="Renamed")
    send(as_customer, at(nordwind, "relay-new"), name="Meanwhile", transportDest="192.0.2.9")
    assert as_admin.post(url, mine).status_code == 302
    assert set(nordwind.platforms.values_list("name", flat=True)) == {"Mailserver", "Renamed", "Meanwhile"}


def test_a_field_that_somebody_changed_meanwhile_is_shown_with_both_values(as_admin: Client, as_customer: Client, nordwind: Domain) -> None:
    url = at(nordwind, "relay", exchange(nordwind))
    mine = typed(as_admin, url, transportDest="mine.example")
    send(as_customer, url, transportDest="theirs.example", transportPort="25")
    answer = as_admin.post(url, mine)
    page = text(answer, 409)
    assert "Someone else has since changed this." in page
    assert "theirs.example mine.example" in page
    again = as_admin.post(url, form(answer))
    assert again.status_code == 302
    assert exchange(nordwind).transport_dest == "mine.example"


def test_a_setting_of_a_kind_that_somebody_else_gave_up_meanwhile_is_not_mixed_in(
    as_admin: Client, as_customer: Client, nordwind: Domain,
) -> None:
    url = at(nordwind, "relay", exchange(nordwind))
    mine = typed(as_admin, url, auth_ldap_bind_user="cn=me")
    send(as_customer, url, authType="entra", auth_entra_tenantId="t-1")
    answer = as_admin.post(url, mine)
    assert "with Microsoft Entra ID via a directory (LDAP)" in text(answer, 409)
    assert exchange(nordwind).auth_data == {"tenantId": "t-1"}
    assert as_admin.post(url, form(answer)).status_code == 302
    assert exchange(nordwind).auth_data == {
        "host": "ldap.nordwind.example", "port": 636, "use_ssl": True, "base_dn": "dc=nordwind", "bind_user": "cn=me",
    }


def relay(id: str, name: str, port: int = 25) -> dict[str, Any]:
    return {"id": id, "name": name, "transportDest": "a.example", "transportType": "SMTP", "transportPort": port, "authType": "local"}


def asked_in_turn(gateway: Gateway, *answers: list[dict[str, Any]]) -> None:
    """The domain's relays, as each question about them is answered."""
    left = iter(answers)
    gateway.asked.clear()
    gateway.answer = lambda request: (
        httpx.Response(204) if request.method == "PATCH" else httpx.Response(200, json={"platforms": next(left)})
    )


def test_what_happens_between_our_look_and_our_write_is_not_lost(browser_of_somebody: Client, gateway: Gateway) -> None:
    one, two = relay("p1", "One"), relay("p2", "Two")
    asked_in_turn(gateway, [one], [one], [two, one])
    assert send(browser_of_somebody, "/domains/d1/relays/p1/", transportPort="26").status_code == 302
    assert [(sent["id"], sent["transportPort"]) for sent in json.loads(gateway.asked[-1].content)["platforms"]] == [("p2", 25), ("p1", 26)]
    asked_in_turn(gateway, [one], [one], [one | {"transportPort": 27}])
    answer = send(browser_of_somebody, "/domains/d1/relays/p1/", transportPort="26")
    assert "Someone else changed this relay at the same time. Your changes were not saved" in text(answer, 409)
    assert {request.method for request in gateway.asked} == {"GET"}
    asked_in_turn(gateway, [one | {"transportPort": 27}])  # and saving once more shows both
    assert "27 26" in text(browser_of_somebody.post("/domains/d1/relays/p1/", form(answer)), 409)
    asked_in_turn(gateway, [one], [one], [two])
    assert send(browser_of_somebody, "/domains/d1/relays/p1/", transportPort="26").status_code == 404


def test_two_people_who_save_at_once_both_get_what_they_wanted(gateway: Gateway) -> None:
    there = [relay("p1", "One")]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"platforms": list(there)} if "/domains/" in request.url.path else [])
        time.sleep(0.5)  # a slow gateway: the other one looks and writes meanwhile
        there[:] = [{**sent, "id": sent.get("id") or f"new {sent['name']}"} for sent in json.loads(request.content)["platforms"]]
        return httpx.Response(204)

    gateway.answer = answer
    people = {name: signed_in(f"a-token-of-{name}") for name in ("Two", "Three")}
    forms = {name: typed(who, "/domains/d1/relays/new/", name=name, transportDest="b.example") for name, who in people.items()}

    def save(name: str) -> int:
        try:
            return people[name].post("/domains/d1/relays/new/", forms[name]).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as both:
        assert list(both.map(save, people)) == [302, 302]
    assert {one["name"] for one in there} == {"One", "Two", "Three"}
    assert {entry.result for entry in Entry.objects.all()} == {"done"}


def test_a_list_that_cannot_be_read_again_changes_nothing_and_says_so(browser_of_somebody: Client, gateway: Gateway) -> None:
    asked_in_turn(gateway, [relay("p1", "One")])
    fields = typed(browser_of_somebody, "/domains/d1/relays/p1/", name="Two")
    answers = iter([httpx.Response(200, json={"platforms": [relay("p1", "One")]})])

    def answer(request: httpx.Request) -> httpx.Response:
        try:
            return next(answers)
        except StopIteration:
            raise httpx.ReadTimeout("as the test wants it", request=request) from None

    gateway.answer = answer
    answer = browser_of_somebody.post("/domains/d1/relays/p1/", fields)
    assert "The gateway did not answer in time. Nothing was changed." in text(answer, 504)
    assert form(answer)["name"] == "Two"
    assert Entry.objects.get().result == "refused"  # and not unknown: nothing was sent


def test_a_relay_that_is_gone_cannot_be_changed(as_admin: Client, nordwind: Domain) -> None:
    url = at(nordwind, "relay", exchange(nordwind))
    mine = typed(as_admin, url, name="Renamed")
    exchange(nordwind).delete()
    assert "it was removed" in text(as_admin.post(url, mine), 404)
    assert not Entry.objects.exists()


@pytest.mark.parametrize("name", ["relay-new", "relay", "relay-delete"])
def test_two_clicks_are_one_write(name: str, as_admin: Client, nordwind: Domain) -> None:
    url = at(nordwind, name, None if name == "relay-new" else exchange(nordwind))
    sent = typed(as_admin, url, name="Twice", transportDest="192.0.2.1")
    answers = [as_admin.post(url, sent) for _ in range(2)]
    assert [answer["Location"] for answer in answers] == [at(nordwind)] * 2
    assert nordwind.platforms.count() == {"relay-new": 3, "relay": 2, "relay-delete": 1}[name]
    assert Entry.objects.count() == 1


def test_deleting_asks_first_and_says_when_it_is_the_last(as_admin: Client, nordwind: Domain) -> None:
    last = nordwind.platforms.get(name="Mailserver")
    asked = text(as_admin.get(at(nordwind, "relay-delete", exchange(nordwind))))
    assert "Delete relay Exchange Zürich?" in asked
    assert "is no longer delivered to exchange.nordwind.example" in asked
    assert "last relay" not in asked
    assert nordwind.platforms.count() == 2
    assert send(as_admin, at(nordwind, "relay-delete", exchange(nordwind))).status_code == 302
    assert [relay.name for relay in nordwind.platforms.all()] == ["Mailserver"]
    assert "its mail has nowhere to go" in text(as_admin.get(at(nordwind, "relay-delete", last)))


# Who may.

def test_the_helpdesk_is_told_who_may_change_a_relay(as_helpdesk: Client, sandbox: dict[str, str]) -> None:
    rows = json.loads(as_helpdesk.get("/sandbox/api/domains", headers={"Authorization": f"Bearer {sandbox['helpdesk']}"}).content)
    domain = Domain.objects.get(name=rows[0]["name"])
    relay = domain.platforms.get()
    refused = send(as_helpdesk, at(domain, "relay", relay), name="Renamed")
    assert "An administrator of the domain can." in text(refused, 403)
    assert form(refused)["name"] == "Renamed"
    assert "Your account cannot do this: test a relay configuration." in text(
        as_helpdesk.post("/health/relay/", {"transportDest": "127.0.0.1", "transportPort": "25", "authType": "local"}, headers=HTMX), 403
    )
    checked = as_helpdesk.post(at(domain, "relay-check", relay), {"once": "1"})
    assert "Your account cannot do this: run the health check of a relay." in text(checked, 403)
    assert Platform.objects.get(pk=relay.pk).name == relay.name


def test_the_owner_of_a_mailbox_sees_no_relay(as_owner: Client, nordwind: Domain) -> None:
    for name in ("relay", "relay-delete", "relay-check"):
        assert as_owner.get(at(nordwind, name, exchange(nordwind))).status_code in (403, 404)


def test_the_gateways_reason_lands_on_the_field_of_the_chosen_kind(browser_of_somebody: Client, gateway: Gateway) -> None:
    relay = {"id": "p1", "name": "x", "transportDest": "a.example", "transportType": "SMTP", "transportPort": 25, **{
        "authType": "ldap", "authData": {"host": "l.example", "base_dn": "dc=n"}}}
    reasons = {"platforms.transportDest": "no such host", "authData.base_dn": "no such entry"}
    gateway.answer = lambda request: (
        httpx.Response(422, json={"message": "No.", "fields": reasons}) if request.method == "PATCH"
        else httpx.Response(200, json={"platforms": [relay]})
    )
    refused = send(browser_of_somebody, "/domains/d1/relays/p1/", auth_ldap_base_dn="dc=other", transportDest="b.example")
    assert refused.status_code == 422
    assert text(one(refused, "#id_transportDest_error p.problem")) == "no such host"
    assert text(one(refused, "#id_auth_ldap_base_dn_error p.problem")) == "no such entry"


# Tried.

def tried(browser: Client, host: str = "127.0.0.1", port: int = 25, **more: str) -> HttpResponse:
    fields = {"transportDest": host, "transportPort": str(port), "authType": "local", "try": "1", **more}
    return browser.post("/health/relay/", fields, headers=HTMX)


def test_a_mail_server_that_answers_works(as_customer: Client) -> None:
    with servers.smtp_server() as (host, port, _inbox):
        shown = tried(as_customer, host, port, fallbackTransportDest=host, fallbackTransportPort=str(servers.free_port()))
    assert "<html" not in source(shown)
    assert "Mail server: The server answers as it should." in text(shown)
    assert "Fallback: The server refuses the connection" in text(shown)
    assert "Fails" in [text(chip) for chip in find(shown, "span")]  # the gateway's verdict about both
    assert f"Connecting to {host}:{port}\nPassed" in source(shown)
    assert not Entry.objects.exists()


def test_a_port_where_nothing_a_silent_one_or_another_service_listens(as_admin: Client) -> None:
    assert "nothing listens on this port" in text(tried(as_admin, port=servers.free_port()))
    with servers.tcp_server() as port:
        assert "No answer came in time" in text(tried(as_admin, port=port))
    with servers.tcp_server(b"SSH-2.0-none\r\n") as port:
        assert "Something answers there, but not like a mail server." in text(tried(as_admin, port=port))
    with servers.tcp_server(b"554 go away\r\n") as port:
        assert "The mail server answers, but refuses to talk to the gateway." in text(tried(as_admin, port=port))


@pytest.mark.parametrize(("line", "said"), [
    ("Fail: gaierror: [Errno -2] Name or service not known", "No server is known by this name"),
    ("Fail: the relay offers no TLS", "The server offers no encryption on this port."),
    ("Fail: SSLCertVerificationError: self-signed certificate", "The server's certificate is not trusted"),
    ("Fail: [SSL: WRONG_VERSION_NUMBER] wrong version number", "Encryption could not be set up"),
    ("Error: 535 5.7.8 Authentication failed", "The server refuses the account or its password."),
    ("Fail: [Errno 113] No route to host", "There is no route to this server"),
    ("Fail: SMTPServerDisconnected: Connection unexpectedly closed", "The server accepted the connection and closed it"),
    ("Fail: the moon is full", "It failed. The gateway says: “Fail: the moon is full”"),
    ("", "It failed, but the gateway does not say why."),
])
@pytest.mark.parametrize("bare", [False, True], ids=["EntityHealth", "HealthRecord"])
def test_why_a_test_failed_comes_in_plain_words(line: str, said: str, bare: bool, browser_of_somebody: Client, gateway: Gateway) -> None:
    output = ["Connecting to ssl.timeout.example:465", line] if line else []
    report = {"status": False, "entries": [{"type": "SMTP", "result": "ERROR", "output": output}]}
    gateway.answer = lambda request: httpx.Response(200, json=report if bare else {"performedAt": int(time.time()), "report": report})
    shown = tried(browser_of_somebody, "mx.example")
    assert said in text(shown)
    assert (find(shown, "time") == []) == bare


def test_the_verdict_is_the_gateways_and_not_ours(browser_of_somebody: Client, gateway: Gateway) -> None:
    entries = [{"type": "LDAP_BIND", "result": "ERROR", "output": ["invalid credentials"]}]
    gateway.answer = lambda request: httpx.Response(200, json={"status": True, "entries": entries})
    shown = tried(browser_of_somebody, "mx.example")
    assert "OK" in [text(chip) for chip in find(shown, "span")]
    assert "LDAP_BIND: The server refuses the account or its password." in text(shown)
    gateway.answer = lambda request: httpx.Response(200, json={})
    assert "The gateway has no report." in text(tried(browser_of_somebody, "mx.example"))


def test_a_test_that_takes_too_long_says_what_to_look_at(browser_of_somebody: Client, gateway: Gateway) -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("as the test wants it", request=request)

    gateway.answer = silent
    assert "The test took too long, so its result is unknown." in text(tried(browser_of_somebody, "mx.example"))


@pytest.mark.parametrize(("answer", "status", "said"), [
    (httpx.Response(400, json={"message": "No <b>such</b> host.", "fields": {"transportDest": "unknown"}}), 422, "Refused."),
    (httpx.Response(429, headers={"Retry-After": "7"}), 429, "Please wait 7 seconds"),
    (httpx.Response(500), 502, "The gateway failed."),
    (httpx.Response(200, text="no JSON"), 502, "Unexpected answer from the gateway."),
])
@pytest.mark.parametrize("fragment", [True, False], ids=["fragment", "whole"])
def test_a_gateway_that_does_not_try_says_so_beside_what_was_typed(
    answer: httpx.Response, status: int, said: str, fragment: bool, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    gateway.answer = lambda request: httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)
    fields = {"transportDest": "mx.example", "transportPort": "2525", "authType": "local", "try": "1"}
    shown = browser_of_somebody.post("/health/relay/", fields, headers=HTMX if fragment else {})
    assert said in text(shown, status)
    assert ("<html" in source(shown, status)) != fragment
    assert fragment or attribute(shown, "[name=transportPort]", "value") == "2525"
    if status == 422:
        assert "unknown" in text(shown, 422)
        assert "No <b>such</b> host." in text(shown, 422)  # as the gateway said it, and no markup
        assert len(gateway.asked) == 1


def test_trying_a_changed_relay_sends_its_id_and_saves_nothing(browser_of_somebody: Client, gateway: Gateway) -> None:
    relay = {"id": "p1", "name": "x", "transportDest": "a.example", "transportType": "SMTP", "transportPort": 25,
             "fallbackTransportDest": None, "authType": "ldap", "authData": {"host": "l.example", "base_dn": "dc=n"}, "apiType": None}
    report = {"status": True, "entries": [{"type": "SMTP", "result": "OK"}]}
    gateway.answer = lambda request: httpx.Response(200, json=report if request.method == "POST" else {"platforms": [relay]})
    url = "/domains/d1/relays/p1/"
    fields = typed(browser_of_somebody, url, transportPort="2525", name="")
    shown = text(browser_of_somebody.post(url, {**fields, "try": "1"}, headers=HTMX))
    assert "Tested, nothing was saved" in shown
    assert [request.method for request in gateway.asked] == ["GET", "GET", "POST"]
    assert json.loads(gateway.asked[-1].content) == {
        "id": "p1", "transportDest": "a.example", "transportPort": 2525, "authType": "ldap",
        "authData": {"host": "l.example", "base_dn": "dc=n"}, "apiType": "",  # a required text (r:7030)
    }


def test_without_scripts_trying_shows_the_form_again_with_what_was_typed_but_no_secret(as_admin: Client, nordwind: Domain) -> None:
    url = at(nordwind, "relay-new")
    with servers.smtp_server() as (host, port, _inbox):
        answer = send(as_admin, url, name="Kept", transportDest=host, transportPort=str(port), **LDAP, auth_ldap_bind_password=SECRET, **{"try": "1"})
    assert "<html" in source(answer)
    assert "The server answers as it should." in text(answer)
    assert form(answer)["name"] == "Kept"
    assert SECRET not in source(answer)
    assert "Passwords are never sent back to the page. Enter them again." in text(answer)
    assert nordwind.platforms.count() == 2
    saved = {**form(answer), "auth_ldap_bind_password": SECRET}
    assert as_admin.post(url, saved).status_code == 302  # and from there it can be saved
    assert nordwind.platforms.get(name="Kept").auth_data["bind_password"] == SECRET


def test_what_is_wrong_is_told_beside_the_button_before_anything_is_tried(browser_of_somebody: Client, gateway: Gateway) -> None:
    shown = text(browser_of_somebody.post("/health/relay/", {"transportDest": "no host", "authType": "ldap", "try": "1"}, headers=HTMX), 422)
    assert "Not tested. Correct the following:" in shown
    assert "Search base (base DN): This field is required." in shown
    assert gateway.asked == []


# Checked again.

def test_the_last_check_and_checking_again(as_customer: Client, nordwind: Domain) -> None:
    relay = exchange(nordwind)
    url = at(nordwind, "relay-check", relay)
    part = {"HX-Request": "true", "HX-Target": "check-2"}
    assert "Fails" in [text(chip) for chip in find(as_customer.get(url, headers=part), "span")]
    with servers.smtp_server() as (host, port, _inbox):
        Platform.objects.filter(pk=relay.pk).update(
            transport_dest=host, transport_port=port, transport_type="SMTP", fallback_transport_dest=None,
            auth_type="local")
        shown = as_customer.post(url, {"once": "1"}, headers=part)
        assert "OK" in [text(chip) for chip in find(shown, "span")]
        assert "<html" not in source(shown)
        answer = as_customer.post(url, {"once": "2"})  # without scripts
    assert answer["Location"] == url
    page = text(as_customer.get(url))
    assert "Everything is fine." in page
    assert "Last check of Exchange Zürich" in page
    assert [entry.target for entry in Entry.objects.all()] == ["Exchange Zürich (nordwind.example)"] * 2


def test_two_clicks_on_check_again_are_one_check(as_customer: Client, nordwind: Domain) -> None:
    url = at(nordwind, "relay-check", exchange(nordwind))
    shown = [as_customer.post(url, {"once": "same"}, headers={"HX-Request": "true"}) for _ in range(2)]
    assert "Fails" in [text(chip) for chip in find(shown[1], "span")]
    assert Entry.objects.count() == 1


def test_a_check_that_takes_too_long_is_told_in_its_place(browser_of_somebody: Client, gateway: Gateway) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            raise httpx.ReadTimeout("as the test wants it", request=request)
        return httpx.Response(200, json={"platforms": [{"id": "p1", "name": "x"}]})

    gateway.answer = answer
    shown = text(browser_of_somebody.post("/domains/d1/relays/p1/health/", {"once": "1"}, headers={"HX-Request": "true"}))
    assert "The test took too long, so its result is unknown." in shown
    assert Entry.objects.get().result == "unknown"


@pytest.mark.parametrize(("ago", "said"), [(15, "checked [0-9]+ seconds ago"), (-20, "checked just now"), (185, "checked 3 minutes ago")])
def test_when_a_relay_was_checked_is_told_from_seconds(ago: int, said: str, browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = lambda request: httpx.Response(200, json={"performedAt": int(time.time()) - ago, "report": {"status": True, "entries": []}})
    assert re.search(said, text(browser_of_somebody.get("/domains/d1/relays/p1/health/", headers={"HX-Request": "true"})))


def test_a_check_that_cannot_be_read_leaves_the_relay(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = lambda request: (
        httpx.Response(500) if request.url.path.endswith("/health")
        else httpx.Response(200, json={"platforms": [{"id": "p1", "name": "Mailserver", "transportDest": "a.example"}]})
    )
    page = text(browser_of_somebody.get("/domains/d1/relays/p1/health/"))
    assert "Last check of Mailserver" in page
    assert "The gateway failed." in page
    assert "Check again" in page


def test_of_very_many_relays_the_first_are_shown_and_the_others_counted(browser_of_somebody: Client, gateway: Gateway) -> None:
    domain = {"id": "d", "name": "a.example", "platforms": [relay(f"r{n}", f"relay {n}") for n in range(300)]}
    gateway.answer = lambda request: httpx.Response(200, json=domain if request.url.path.endswith("/domains/d") else {})
    page = browser_of_somebody.get("/domains/d/relays/")
    assert source(page).count("Show last check") == 200
    assert "and 100 more" in text(page)
