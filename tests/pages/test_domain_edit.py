"""A domain from its beginning to its end: made, changed, deleted, and had back."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from cleanmail_admin.upstream import SandboxTransport
from portal.audit.models import Entry, Result
from portal.ui import dates
from sandbox.models import Customer, Domain, OutgoingProvider
from tests import answers, places
from tests.conftest import Gateway, signed_in
from tests.sandbox.servers import dns_server
from tests.shown import find, form, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])

NORDWIND = "nordwind.example"
NEW = "/domains/new/"
SCRIPT = "<script>alert(1)</script>"


def problems(answer: HttpResponse) -> dict[str, str]:
    """The problem under each field, and those on top under ""."""
    under = find(answer, "div[id^=id_][id$=_error]", None)
    found = {str(why.attributes["id"]).removeprefix("id_").removesuffix("_error"): text(why) for why in under}
    if top := find(answer, ".notice.bad[role=alert]", None):
        found[""] = text(top[0])
    return found


def send(somebody: Client, url: str, page: dict[str, Any] | None = None, **typed: Any) -> HttpResponse:
    """Open a page, type, and send its form. `page` is a form that was opened before."""
    fields = page if page is not None else form(somebody.get(url))
    return somebody.post(url, {**fields, **typed})


def page_of(name: str, page: str = "edit") -> str:
    return f"/domains/{Domain.objects.get(name=name).uid}/{page}/"


def told(somebody: Client, answer: HttpResponse) -> str:
    """What is said on the page that an action leads to."""
    assert answer.status_code == 302, problems(answer)
    return text(somebody.get(answer["Location"]))


@pytest.fixture
def customer(sandbox: dict[str, str]) -> Customer:
    return Customer.objects.get(name="Nordwind Logistik AG")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """Every write that the gateway gets."""
    requests: list[httpx.Request] = []
    handle = SandboxTransport.handle_request

    def listen(self: SandboxTransport, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            requests.append(request)
        return handle(self, request)

    monkeypatch.setattr(SandboxTransport, "handle_request", listen)
    return requests


def bodies(sent: list[httpx.Request]) -> list[Any]:
    return [json.loads(request.content) for request in sent]


# New.

def test_a_domain_with_everything_is_made_as_it_was_typed(as_admin: Client, customer: Customer, sent: list[httpx.Request]) -> None:
    provider = OutgoingProvider.objects.get(name="Mailversand")
    answer = send(
        as_admin, NEW, name="Neu.Example.", customerId="Nordwind Logistik AG", description="zwei\r\nZeilen", externalId="RT-7",
        status="DISABLED", defaultLanguage="FR", outgoing="on", retention="on", archive="on", quarantine=[], autoProvisioningOn=[],
        senderVerifyOn=[], wblistPriority="DOMAIN", transportDest="Mail.neu.example", transportPort="2525", transportType="SMTPS_ENCRYPT",
        fallbackTransportDest="[2001:DB8::25]", fallbackTransportPort="26", fallbackTransportType="SMTP", relayName="Haus", default=[],
        outgoingSubnets="192.0.2.0/28\r\n10.0.0.0/8\r\n192.0.2.99", outgoingProvidersIds=[provider.uid, ""],
    )
    domain = Domain.objects.get(name="neu.example")
    assert answer["Location"] == f"/domains/{domain.uid}/?new=1"
    assert "neu.example was created. Next is its setup" in told(as_admin, answer)
    assert bodies(sent) == [{
        "name": "neu.example", "customerId": customer.uid, "description": "zwei\nZeilen", "externalId": "RT-7", "status": "DISABLED",
        "defaultLanguage": "FR", "incoming": True, "outgoing": True, "quarantine": False, "retention": True, "archive": True,
        "autoProvisioningOn": False, "senderVerifyOn": False, "wblistPriority": "DOMAIN",
        "outgoingSubnets": ["192.0.2.0/28", "10.0.0.0/8", "192.0.2.99/32"], "outgoingProvidersIds": [provider.uid],
        "platforms": [{
            "name": "Haus", "transportDest": "mail.neu.example", "transportPort": 2525, "transportType": "SMTPS_ENCRYPT",
            "fallbackTransportDest": "2001:db8::25", "fallbackTransportPort": 26, "fallbackTransportType": "SMTP",
            "authType": "local", "default": False,
        }],
    }]
    policy = domain.policy
    assert policy and (policy.outgoing, policy.quarantine, policy.archive) == (True, False, True)
    relay = domain.platforms.get()
    assert (relay.name, relay.transport_port, relay.fallback_transport_dest, relay.auth_type) == ("Haus", 2525, "2001:db8::25", "local")


def test_a_name_and_a_customer_are_enough_and_nothing_empty_is_sent(
    as_admin: Client, customer: Customer, sent: list[httpx.Request],
) -> None:
    assert send(as_admin, NEW, name="knapp.example", customerId=customer.uid).status_code == 302
    (body,) = bodies(sent)
    assert body == {
        "name": "knapp.example", "customerId": customer.uid, "status": "ENABLED", "defaultLanguage": "EN", "incoming": True,
        "outgoing": False, "quarantine": True, "retention": False, "archive": False, "autoProvisioningOn": True, "senderVerifyOn": True,
        "wblistPriority": "USER",
    }
    assert not Domain.objects.get(name="knapp.example").platforms.exists()


def test_a_relay_without_a_name_is_called_like_its_server_and_has_the_usual_port(
    as_admin: Client, customer: Customer, sent: list[httpx.Request],
) -> None:
    assert send(as_admin, NEW, name="a.example", customerId=customer.uid, transportDest="mx.a.example", transportPort="").status_code == 302
    (relay,) = bodies(sent)[0]["platforms"]
    assert relay == {
        "name": "mx.a.example", "transportDest": "mx.a.example", "transportPort": 25, "transportType": "SMTPS_MAY", "authType": "local",
        "default": True,
    }


def test_a_name_with_other_letters_is_sent_in_ascii_and_shown_as_both(as_admin: Client, customer: Customer) -> None:
    shown = text(as_admin.get("/domains/new/name/?name=München.Example", headers={"HX-Request": "true", "HX-Target": "name-sent"}))
    assert "Will be sent as" in shown and "xn--mnchen-3ya.example" in shown
    assert not find(as_admin.get("/domains/new/name/?name=example.org"), "code")
    assert "cannot contain underscores" in text(as_admin.get("/domains/new/name/?name=a_b.example"))
    answer = send(as_admin, NEW, name="münchen.example", customerId="nobody")
    assert "xn--mnchen-3ya.example" in [text(code) for code in find(answer, "code", None)]  # without a script, when the form comes again
    answer = send(as_admin, NEW, name="münchen.example", customerId=customer.uid)
    assert "xn--mnchen-3ya.example (münchen.example) was created" in told(as_admin, answer)
    assert Domain.objects.filter(name="xn--mnchen-3ya.example").exists()


@pytest.mark.parametrize(("field", "typed", "why"), [
    ("name", "", "required"), ("name", "anna@example.org", "Did you mean example.org?"),
    ("name", "https://example.org/", "Did you mean example.org?"), ("name", "example", "at least two parts"),
    ("name", "a b.example", "cannot contain spaces"), ("name", "a_b.example", "cannot contain underscores"), ("name", "x" * 10_000, "at most 253"),
    ("name", SCRIPT, "web address"), ("name", "a\x00b.example", "Use only letters"), ("name", "a\x01b.example", "Use only letters"),
    ("name", "a" * 64 + ".example", "at most 63"), ("name", "'; drop table", "cannot contain spaces"),
    ("transportDest", "mail.example.org:25", "port has its own field"), ("transportDest", "a b", "cannot contain spaces"),
    ("transportPort", "0", "greater than or equal to 1"), ("transportPort", "65536", "less than or equal to 65535"),
    ("transportPort", "9" * 5000, "whole number"), ("transportPort", "smtp", "whole number"),
    ("transportType", "PIGEON", "not one of the available choices"), ("fallbackTransportDest", "smtp://x", "Enter a server such as mail.example.org"),
    ("fallbackTransportPort", "-1", "greater than"), ("status", "DELETED", "not one of the available choices"),
    ("outgoingSubnets", "192.0.2.17/24", "inside the network 192.0.2.0/24"), ("outgoingSubnets", "10.0.0.0/8\r\nhome", "home: not a network"),
    ("description", "a\x00b", "Null characters"),
])
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_sent(
    field: str, typed: str, why: str, as_admin: Client, customer: Customer, sent: list[httpx.Request],
) -> None:
    others = {"name": "neu.example", "description": "kept <b>", "outgoingSubnets": "198.51.100.0/24", "transportDest": "mx.neu.example"}
    answer = send(as_admin, NEW, **{**others, "archive": "on", "customerId": customer.uid, field: typed})
    assert answer.status_code == 422
    assert why in problems(answer)[field]
    assert "Please correct the fields below." in problems(answer)[""]
    assert sent == []
    again = form(answer)
    assert again["archive"] == "on"
    for name, value in others.items():
        if name != field:
            assert again[name] == value
    if field not in ("transportType", "status") and "\x00" not in typed and "\x01" not in typed:
        assert again[field] == typed
    assert not [script for script in find(answer, "script", None) if "alert" in script.text()]
    assert "needs fixing" in [text(chip) for chip in find(answer, ".chip.bad", None)]


@pytest.mark.parametrize("more", [{"relayName": "Haus"}, {"fallbackTransportDest": "mx2.neu.example"}])
def test_a_relay_without_its_first_server_is_asked_for_one(
    more: dict[str, str], as_admin: Client, customer: Customer, sent: list[httpx.Request],
) -> None:
    answer = send(as_admin, NEW, name="neu.example", customerId=customer.uid, **more)
    assert problems(answer)["transportDest"] == "Enter a server for this relay."
    assert sent == []


def test_a_name_that_is_taken_is_said_at_the_name_with_everything_kept(as_admin: Client, customer: Customer) -> None:
    typed = {"name": NORDWIND, "description": "kept", "outgoingSubnets": "198.51.100.0/24", "customerId": customer.uid, "archive": "on"}
    answer = send(as_admin, NEW, **typed)
    assert answer.status_code == 409
    assert problems(answer)["name"] == "already there"
    again = form(answer)
    assert [again[name] for name in ("name", "description", "outgoingSubnets", "archive")] == [
        NORDWIND, "kept", "198.51.100.0/24", "on",
    ]
    assert send(as_admin, NEW, again, name="another.example").status_code == 302


def test_a_quota_that_is_used_up_is_told_on_top_with_everything_kept(as_admin: Client, customer: Customer) -> None:
    Customer.objects.filter(pk=customer.pk).update(domain_quota=1)
    answer = send(as_admin, NEW, name="neu.example", customerId=customer.uid, description="kept")
    assert answer.status_code == 403
    assert "A system administrator can, as long as the customer's domain quota is not used up." in problems(answer)[""]
    assert "used up its quota of 1 domains" in problems(answer)[""]
    assert form(answer)["description"] == "kept"
    assert as_admin.get(NEW).content.count(b"your account is none") == 0  # a quota says nothing of who one is


def test_a_customer_that_is_none_is_said_at_the_customer(as_admin: Client, customer: Customer) -> None:
    answer = send(as_admin, NEW, name="neu.example", customerId="nobody")
    assert (answer.status_code, problems(answer)["customerId"]) == (422, "no such customer")
    answer = send(as_admin, NEW, name="neu.example", customerId=customer.uid, outgoingProvidersIds="gone")
    assert (answer.status_code, problems(answer)["outgoingProvidersIds"]) == (422, "no such provider")


@pytest.mark.parametrize(("fields", "place"), [
    ({"platforms[0].name": "bad"}, "relayName"), ({"platforms.transportDest": "bad"}, "transportDest"),
    ({"platforms[0].transportPort": "bad"}, "transportPort"), ({"platforms": "bad"}, "transportDest"),
    ({"outgoingSubnets[3]": "bad"}, "outgoingSubnets"), ({"incoming": "bad"}, "incoming"), ({"zebra": "bad"}, ""),
])
@pytest.mark.parametrize("code", [400, 422])
def test_the_gateways_reasons_land_on_the_fields_they_are_about(
    code: int, fields: dict[str, str], place: str, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    gateway.answer = lambda request: (
        httpx.Response(code, json={"message": "No.", "fields": fields}) if request.method == "POST" else httpx.Response(200, json=[])
    )
    answer = send(browser_of_somebody, NEW, name="neu.example", transportDest="mx.neu.example")
    assert answer.status_code == 422
    assert "bad" in problems(answer)[place]


def test_two_clicks_make_one_domain_and_both_lead_to_it(sandbox: dict[str, str], sent: list[httpx.Request]) -> None:
    admin = signed_in(sandbox["admin"])
    customer = Customer.objects.get(name="Nordwind Logistik AG")
    typed = {**form(admin.get(NEW)), "name": "zweimal.example", "customerId": customer.uid}

    def click(_n: int) -> str:
        try:
            browser = Client()
            browser.cookies = admin.cookies
            answer = browser.post(NEW, typed)
            return answer.headers.get("Location", text(answer, None))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as clicks:
        leads = set(clicks.map(click, range(2)))
    assert leads == {f"/domains/{Domain.objects.get(name='zweimal.example').uid}/?new=1"}
    assert len(sent) == 1


@pytest.mark.parametrize("failure", answers.WRITE_FAILURES, ids=lambda failure: failure.id)
def test_a_creation_that_fails_says_why_and_keeps_what_was_typed(
    failure: answers.Failure, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    gateway.answer = answers.failing_to_write(failure)
    answer = send(browser_of_somebody, NEW, name="neu.example", description="kept")
    status, title = failure.written or (failure.status, failure.heading)
    assert answer.status_code == status
    if failure.id == "404":
        assert title in text(answer, None)
        return
    assert form(answer)["description"] == "kept"
    assert title in text(answer, None) or failure.id == "409"
    if failure.status in (502, 504):
        assert "Check the current state before you repeat it." in problems(answer)[""]


def test_the_page_of_a_new_domain_works_when_nothing_can_be_offered(browser_of_somebody: Client, gateway: Gateway) -> None:
    for failure in answers.FAILURES:
        gateway.answer = failure.answer
        answer = browser_of_somebody.get(NEW)
        assert answer.status_code == 200, failure.id
        assert "By ID" in text(answer, None)


def test_what_was_typed_is_there_again_after_signing_in(browser_of_somebody: Client, gateway: Gateway) -> None:
    page = form(browser_of_somebody.get(NEW))
    gateway.answer = lambda request: httpx.Response(401)
    typed = {"name": "neu.example", "outgoingSubnets": "192.0.2.0/24", "quarantine": [], "archive": "on", "outgoingProvidersIds": ["p1", "p2"]}
    answer = send(browser_of_somebody, NEW, page, **typed)
    back = parse_qs(urlsplit(answer["Location"]).query)["next"][0]
    gateway.answer = answers.well
    browser_of_somebody.post("/sign-in/", {"token": "an-opaque-token-of-a-test", "next": back})
    again = form(browser_of_somebody.get(back))
    assert [again[name] for name in ("name", "outgoingSubnets", "archive", "outgoingProvidersIds")] == [
        "neu.example", "192.0.2.0/24", "on", "p1, p2",
    ]
    assert "quarantine" not in again


@pytest.mark.parametrize("who", ["customer", "helpdesk", "owner"])
def test_who_may_not_create_domains_is_told_before_and_after(who: str, sandbox: dict[str, str]) -> None:
    somebody = signed_in(sandbox[who])
    assert "Only a system administrator can create a domain" in text(somebody.get(NEW))
    answer = send(somebody, NEW, name="neu.example", description="kept")
    assert answer.status_code == 403
    assert "A system administrator can" in problems(answer)[""]
    assert form(answer)["description"] == "kept"
    assert not Domain.objects.filter(name="neu.example").exists()


def test_customers_are_offered_by_their_names(as_admin: Client, customer: Customer) -> None:
    page = as_admin.get(NEW)
    assert find(page, f"option[value='Nordwind Logistik AG · {customer.uid}']")
    assert "Mailversand" in [text(name) for name in find(page, "label span")]


# Changed.

def test_only_what_changed_is_sent_to_the_gateway(as_admin: Client, sent: list[httpx.Request]) -> None:
    url = page_of(NORDWIND)
    answer = send(as_admin, url, description="Neu", defaultLanguage="FR", archive="on", senderVerifyOn=[])
    assert "The domain was changed." in told(as_admin, answer)
    assert bodies(sent) == [{"description": "Neu", "defaultLanguage": "FR", "archive": True, "senderVerifyOn": False}]
    assert "X-Ignore-MX" not in sent[0].headers
    entry = Entry.objects.latest("at")
    assert (entry.operation, entry.target, entry.result) == ("editDomain", NORDWIND, Result.DONE)


def test_saving_without_a_change_asks_the_gateway_for_nothing(as_admin: Client, sent: list[httpx.Request]) -> None:
    assert "Nothing was changed." in told(as_admin, send(as_admin, page_of(NORDWIND)))
    assert sent == []


@pytest.mark.parametrize(("typed", "body"), [
    ({"description": "", "externalId": ""}, {"description": "", "externalId": ""}),
    ({"outgoingSubnets": "", "outgoingProvidersIds": ""}, {"outgoingSubnets": [], "outgoingProvidersIds": []}),
    ({"status": "PENDING", "wblistPriority": "DOMAIN", "autoProvisioningOn": []},
     {"status": "PENDING", "wblistPriority": "DOMAIN", "autoProvisioningOn": False}),
])
def test_what_is_emptied_or_switched_off_arrives(
    typed: dict[str, Any], body: dict[str, Any], as_admin: Client, sent: list[httpx.Request],
) -> None:
    assert send(as_admin, page_of(NORDWIND), **typed).status_code == 302
    assert bodies(sent) == [body]
    page = form(as_admin.get(page_of(NORDWIND)))
    assert {name: page.get(name, []) for name in typed} == typed


def test_a_domain_moves_to_another_customer_and_another_default_policy(as_admin: Client, sent: list[httpx.Request]) -> None:
    domain, other = Domain.objects.get(name=NORDWIND), Customer.objects.get(name="Alpenmilch Genossenschaft")
    policy = domain.policies.exclude(pk=domain.policy_id).first()
    assert policy
    assert policy.name in [text(option) for option in find(as_admin.get(page_of(NORDWIND)), "option")]
    assert send(as_admin, page_of(NORDWIND), customerId="alpenmilch genossenschaft", policyId=policy.uid).status_code == 302
    assert bodies(sent) == [{"customerId": other.uid, "policyId": policy.uid}]
    domain.refresh_from_db()
    assert (domain.customer_id, domain.policy_id) == (other.pk, policy.pk)


def test_the_administrator_of_a_customer_is_offered_all_but_what_is_reserved(as_customer: Client, sent: list[httpx.Request]) -> None:
    page = as_customer.get(page_of(NORDWIND))
    assert {"customerId", "quarantine", "retention", "archive"} <= form(page).names
    assert "Delete domain" not in text(page)  # creating and deleting alone are reserved
    assert send(as_customer, page_of(NORDWIND), description="Unser").status_code == 302
    assert bodies(sent) == [{"description": "Unser"}]
    answer = send(as_customer, page_of(NORDWIND), archive="on", customerId="x")
    assert answer.status_code == 403  # the gateway decides, and what was typed stays
    assert form(answer)["customerId"] == "x"


def test_who_may_only_look_is_refused_and_keeps_the_input(as_helpdesk: Client) -> None:
    answer = send(as_helpdesk, page_of(NORDWIND), description="von der Hilfe")
    assert answer.status_code == 403
    assert "Your account cannot do this: change a domain." in problems(answer)[""]
    assert form(answer)["description"] == "von der Hilfe"


def test_an_end_user_does_not_get_the_page(as_owner: Client) -> None:
    for page in ("edit", "delete", "restore"):
        assert as_owner.get(page_of(NORDWIND, page)).status_code == 403


def test_both_values_are_shown_when_somebody_else_changed_the_same(as_admin: Client, as_customer: Client) -> None:
    url = page_of(NORDWIND)
    mine = form(as_admin.get(url))
    send(as_customer, url, description=f"von Julia {SCRIPT}", defaultLanguage="FR")
    answer = send(as_admin, url, mine, description="von mir")
    assert answer.status_code == 409
    shown = text(answer, None)
    assert "Someone else has since changed this" in shown
    assert f"von Julia {SCRIPT} von mir" in shown
    assert not [script for script in find(answer, "script", None) if "alert" in script.text()]
    again = form(answer)
    assert (again["description"], again["defaultLanguage"]) == ("von mir", "FR")
    assert send(as_admin, url, again).status_code == 302
    domain = Domain.objects.get(name=NORDWIND)
    assert (domain.description, domain.default_language) == ("von mir", "FR")


def test_another_field_that_somebody_else_changed_is_left_and_told(as_admin: Client, as_customer: Client) -> None:
    url = page_of(NORDWIND)
    mine = form(as_admin.get(url))
    send(as_customer, url, description="von Julia")
    answer = send(as_admin, url, mine, defaultLanguage="FR")
    assert "Someone else has since changed: Description." in told(as_admin, answer)
    domain = Domain.objects.get(name=NORDWIND)
    assert (domain.description, domain.default_language) == ("von Julia", "FR")


def test_a_domain_that_is_deleted_meanwhile_is_not_changed(as_admin: Client, sent: list[httpx.Request]) -> None:
    url = page_of(NORDWIND)
    mine = form(as_admin.get(url))
    now = timezone.now()
    Domain.objects.filter(name=NORDWIND).update(status="DELETED", deletion_date=now, purge_date=now + timedelta(days=30))
    answer = send(as_admin, url, mine, description="zu spät")
    assert answer.status_code == 409
    assert "Nothing was saved: the domain has since been deleted." in text(answer, None)
    assert sent == []
    answer = as_admin.get(url)
    assert answer.status_code == 200
    assert "A deleted domain cannot be changed." in text(answer, None)
    assert not find(answer, "main [name=once]", None)


def test_a_name_that_users_have_in_their_addresses_stays_and_says_why(as_admin: Client) -> None:
    answer = send(as_admin, page_of(NORDWIND), name="sturm.example")
    assert (answer.status_code, problems(answer)["name"]) == (422, "in use in addresses")
    answer = send(as_admin, page_of(NORDWIND), name="anna@sturm.example")
    assert "Did you mean sturm.example?" in problems(answer)["name"]


def test_odd_values_that_are_there_already_are_in_nobodys_way(as_admin: Client, sent: list[httpx.Request]) -> None:
    Domain.objects.filter(name=NORDWIND).update(outgoing_subnets=["192.0.2.9/24"], name="alt_name.example")
    answer = send(as_admin, page_of("alt_name.example"), description="neu", outgoingSubnets="192.0.2.9/24\r\n10.0.0.0/8")
    assert answer.status_code == 302, problems(answer)
    assert bodies(sent) == [{"description": "neu", "outgoingSubnets": ["192.0.2.9/24", "10.0.0.0/8"]}]


def test_policies_that_cannot_be_listed_are_typed_as_an_id(browser_of_somebody: Client, gateway: Gateway) -> None:
    domain = {**answers.DOMAIN, "policy": {"id": "p1", "name": "Standard"}}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/policies"):
            return httpx.Response(500)
        return httpx.Response(200, json=domain) if request.url.path == "/domains/d1" else answers.well(request)

    gateway.answer = answer
    assert form(browser_of_somebody.get("/domains/d1/edit/"))["policyId"] == "p1"
    assert send(browser_of_somebody, "/domains/d1/edit/", policyId="p2").status_code == 302
    assert [json.loads(request.content) for request in gateway.asked if request.method == "PATCH"] == [{"policyId": "p2"}]


def test_hostile_values_of_the_gateway_are_shown_as_text(browser_of_somebody: Client, gateway: Gateway) -> None:
    evil = '"><script>alert(1)</script>'
    domain = {
        **answers.DOMAIN, "name": evil, "description": evil, "externalId": evil, "status": evil, "defaultLanguage": evil, "wblistPriority": evil,
        "customer": {"id": evil, "name": evil}, "policy": {"id": evil, "name": evil}, "outgoingSubnets": [evil],
        "outgoingProviders": [{"id": evil, "name": evil}], "domainAliases": [{"id": 1, "name": evil}],
    }
    gateway.answer = lambda request: httpx.Response(200, json=domain if request.url.path == "/domains/d1" else [domain])
    for page in ("/domains/d1/edit/", "/domains/d1/delete/", "/domains/d1/restore/", NEW):
        assert not [script for script in find(browser_of_somebody.get(page), "script", None) if "alert" in script.text()]
    gateway.answer = lambda request: httpx.Response(200, json={**domain, "status": "DELETED"} if request.url.path == "/domains/d1" else [])
    for page in ("edit", "delete", "restore"):
        assert not [script for script in find(browser_of_somebody.get(f"/domains/d1/{page}/"), "script", None) if "alert" in script.text()]


def test_a_form_that_was_just_opened_changes_nothing_whatever_the_gateway_holds(
    browser_of_somebody: Client, gateway: Gateway, subtests: pytest.Subtests,
) -> None:
    odd = [
        {}, {"status": None, "defaultLanguage": None, "wblistPriority": None}, {"status": "FROZEN", "defaultLanguage": "fr"},
        {"outgoingSubnets": None, "outgoingProviders": [{"id": 7}]}, {"description": "  two \n\n lines ", "senderVerifyOn": None},
        {"policy": {"id": 5, "name": "x", "archive": True}, "archive": False}, {"customer": {"id": 12, "name": "Zwölf"}},
    ]
    for more in odd:
        with subtests.test(str(more)):
            gateway.asked.clear()
            domain = {**answers.DOMAIN, "autoProvisioningOn": True, **more}
            gateway.answer = lambda request, domain=domain: (  # type: ignore[misc]
                httpx.Response(200, json=domain) if request.url.path == "/domains/d1" else answers.well(request)
            )
            assert send(browser_of_somebody, "/domains/d1/edit/").status_code == 302
            assert [request.method for request in gateway.asked if request.method != "GET"] == []


# Mail that still arrives.

@pytest.fixture
def still_here(settings: Any, sandbox: dict[str, str]) -> Iterator[None]:
    """DNS says that mail for nordwind.example comes to this gateway."""
    settings.SANDBOX_MX = ["mx1.gateway.example"]
    with dns_server({(NORDWIND, "MX"): ["10 mx1.gateway.example."]}) as address:
        settings.SANDBOX_RESOLVER = address
        yield


@pytest.mark.usefixtures("still_here")
def test_switching_off_a_domain_that_still_gets_mail_is_offered_with_what_it_means(as_admin: Client, sent: list[httpx.Request]) -> None:
    url = page_of(NORDWIND)
    assert not find(as_admin.get(url), "[name=ignoreMx]")
    answer = send(as_admin, url, status="DISABLED", description="kept")
    assert answer.status_code == 422
    assert "The domain's MX records still point to this gateway." in problems(answer)[""]
    shown = text(answer, None)
    assert "If mail still arrives here" in shown and "its senders get it back as undeliverable" in shown
    again = form(answer)
    assert (again["status"], again["description"], "ignoreMx" in again) == ("DISABLED", "kept", False)
    answer = send(as_admin, url, again)  # not ticked: asked again
    assert answer.status_code == 422
    assert [("X-Ignore-MX" in request.headers) for request in sent] == [False, False]
    answer = send(as_admin, url, form(answer), ignoreMx="on")
    assert "The domain was changed." in told(as_admin, answer)
    assert "X-Ignore-MX" in sent[-1].headers
    assert bodies(sent)[-1] == {"status": "DISABLED", "description": "kept"}
    assert Domain.objects.get(name=NORDWIND).status == "DISABLED"


@pytest.mark.usefixtures("still_here")
def test_deleting_a_domain_that_still_gets_mail_is_offered_with_what_it_means(as_admin: Client, sent: list[httpx.Request]) -> None:
    url = page_of(NORDWIND, "delete")
    answer = send(as_admin, url, name=NORDWIND)
    assert answer.status_code == 422
    assert "still point to this gateway" in problems(answer)[""]
    assert "its senders get it back as undeliverable" in text(answer, None)
    answer = send(as_admin, url, form(answer), ignoreMx="on")
    assert answer.status_code == 302
    assert [("X-Ignore-MX" in request.headers) for request in sent] == [False, True]
    assert Domain.objects.get(name=NORDWIND).status == "DELETED"


def test_a_refusal_that_is_not_about_mx_offers_nothing_dangerous(as_admin: Client) -> None:
    answer = send(as_admin, page_of(NORDWIND), customerId="nobody")
    assert answer.status_code == 422
    assert not find(answer, "[name=ignoreMx]", None)


# Deleted, and had back.

def test_the_page_says_what_stops_and_asks_for_the_name(as_admin: Client, sent: list[httpx.Request]) -> None:
    url = page_of(NORDWIND, "delete")
    page = text(as_admin.get(url))
    for words in ("immediately stops accepting mail for nordwind.example", "active: 27", "nordwind.test", "relays (2)", "This can be undone"):
        assert words in page
    for typed in ("", "nordwind", "alpenmilch.example", SCRIPT, "x" * 10_000, "a\x00"):
        answer = send(as_admin, url, name=typed)
        assert answer.status_code == 422
        assert problems(answer)["name"]
        assert not [script for script in find(answer, "script", None) if "alert" in script.text()]
    assert sent == []
    assert Domain.objects.get(name=NORDWIND).status == "ENABLED"


def test_a_link_does_not_type_the_name_for_anybody(as_admin: Client) -> None:
    page = as_admin.get(page_of(NORDWIND, "delete"), {"typed": "1", "name": NORDWIND, "ignoreMx": "on"})
    shown = form(page)
    assert shown["name"] == ""
    assert "ignoreMx" not in shown


@pytest.mark.parametrize("typed", [NORDWIND, " NordWind.Example ", "nordwind.example."])
def test_a_deletion_tells_until_when_it_can_be_undone(typed: str, as_admin: Client) -> None:
    answer = send(as_admin, page_of(NORDWIND, "delete"), name=typed)
    day = dates.day(timezone.localtime(timezone.now() + timedelta(days=30)))
    shown = told(as_admin, answer)
    assert f"nordwind.example was deleted. It can be restored until {day}; after that it is removed permanently." in shown
    assert "Restore domain" in shown
    assert Domain.objects.get(name=NORDWIND).status == "DELETED"


@pytest.mark.parametrize("typed", ["xn--mnchen-3ya.example", "münchen.example", "MÜNCHEN.example"])
def test_a_name_with_other_letters_may_be_typed_either_way(typed: str, as_admin: Client) -> None:
    Domain.objects.filter(name=NORDWIND).update(name="xn--mnchen-3ya.example")
    assert send(as_admin, page_of("xn--mnchen-3ya.example", "delete"), name=typed).status_code == 302


def test_two_clicks_delete_once_and_a_deleted_domain_is_not_deleted_again(as_admin: Client, sent: list[httpx.Request]) -> None:
    url = page_of(NORDWIND, "delete")
    page = form(as_admin.get(url))
    for _click in range(2):
        assert "It can be restored until" in told(as_admin, send(as_admin, url, page, name=NORDWIND))
    assert len(sent) == 1
    assert "The domain is already deleted." in text(as_admin.get(url))


def test_a_deletion_is_told_without_a_day_where_the_gateway_tells_none(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = answers.well
    page = form(browser_of_somebody.get("/domains/d1/delete/"))
    reads = iter([200, 500])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            return httpx.Response(204)
        code = next(reads, 200)
        return answers.well(request) if code == 200 else httpx.Response(code)

    gateway.answer = answer
    done = send(browser_of_somebody, "/domains/d1/delete/", page, name=NORDWIND)
    gateway.answer = answers.well
    assert "nordwind.example was deleted." in told(browser_of_somebody, done)


@pytest.mark.parametrize("who", ["customer", "helpdesk"])
def test_who_may_not_delete_is_told_who_may(who: str, sandbox: dict[str, str]) -> None:
    answer = send(signed_in(sandbox[who]), page_of(NORDWIND, "delete"), name=NORDWIND)
    assert answer.status_code == 403
    assert "delete a domain. A system administrator can." in problems(answer)[""]
    assert Domain.objects.get(name=NORDWIND).status == "ENABLED"


@pytest.fixture
def deleted(sandbox: dict[str, str]) -> str:
    """The address of a deleted domain."""
    now = timezone.now()
    Domain.objects.filter(name=NORDWIND).update(status="DELETED", deletion_date=now, purge_date=now + timedelta(days=3))
    return f"/domains/{Domain.objects.get(name=NORDWIND).uid}/"


def test_a_deleted_domain_is_visible_and_restored_until_its_day(as_admin: Client, deleted: str, sent: list[httpx.Request]) -> None:
    assert "This domain is deleted." in text(as_admin.get(deleted))
    page = text(as_admin.get(f"{deleted}restore/"))
    assert "Its services start again" in page
    assert sent == []
    assert "nordwind.example was restored." in told(as_admin, send(as_admin, f"{deleted}restore/"))
    assert bodies(sent) == [{"status": "ENABLED"}]
    domain = Domain.objects.get(name=NORDWIND)
    assert (domain.status, domain.purge_date) == ("ENABLED", None)
    assert "nothing to restore" in text(as_admin.get(f"{deleted}restore/"))
    assert "nothing to restore" in told(as_admin, as_admin.post(f"{deleted}restore/"))
    assert len(sent) == 1


def test_after_its_day_a_domain_is_gone(as_admin: Client, deleted: str) -> None:
    page = form(as_admin.get(f"{deleted}restore/"))
    Domain.objects.filter(name=NORDWIND).update(purge_date=timezone.now() - timedelta(seconds=1))
    assert send(as_admin, f"{deleted}restore/", page).status_code == 404
    for name in ("restore", "edit", "delete"):
        assert as_admin.get(f"{deleted}{name}/").status_code == 404


def test_restoring_is_offered_to_all_and_a_refusal_is_the_gateways(as_customer: Client, deleted: str) -> None:
    assert "Restore domain" in text(as_customer.get(deleted))  # editDomain names no right; creating and deleting alone are reserved
    answer = send(as_customer, f"{deleted}restore/")
    assert answer.status_code == 403
    assert "Your account cannot do this: change a domain." in problems(answer)[""]
    assert Domain.objects.get(name=NORDWIND).status == "DELETED"


@pytest.mark.parametrize("page", ["edit", "delete", "restore"])
def test_a_gateway_that_is_silent_after_a_write_is_told_as_unknown(page: str, browser_of_somebody: Client, gateway: Gateway) -> None:
    url = f"/domains/{'d9' if page == 'restore' else 'd1'}/{page}/"
    gateway.answer = answers.failing_to_write(next(one for one in answers.REFUSALS if one.id == "read timeout"))
    answer = send(browser_of_somebody, url, name=NORDWIND, description="typed")
    assert answer.status_code == 504
    assert "We do not know whether it happened" in problems(answer)[""]
    assert Entry.objects.latest("at").result == Result.UNKNOWN


@pytest.mark.parametrize(("url", "data"), [
    ("/domains/d1/edit/", places.DOMAIN_TYPED), ("/domains/d1/delete/", {"name": "nordwind.example"}), ("/domains/d9/restore/", {}),
    ("/policies/p1/default/", {}), ("/domains/d1/relays/p1/", places.RELAY_TYPED), ("/domains/d1/relays/new/", places.RELAY_TYPED),
    ("/domains/d1/relays/p1/delete/", {}),
])
def test_any_422_of_a_change_of_a_domain_offers_to_ignore_its_mx(
    browser_of_somebody: Client, gateway: Gateway, url: str, data: dict[str, str]
) -> None:
    """X-Ignore-MX is a header of editDomain and deleteDomain; the document names it, and no 422 that it goes with."""
    writes: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return answers.well(request)
        writes.append(request)
        return httpx.Response(204 if "X-Ignore-MX" in request.headers else 422, json={"message": "not so"})

    gateway.answer = answer
    first = browser_of_somebody.post(url, {**data, "once": "a"})
    assert first.status_code == 422
    assert "its senders get it back as undeliverable" in text(first, None)
    assert find(first, "[name=ignoreMx]", None)
    again = browser_of_somebody.post(url, {**data, "once": "b", "ignoreMx": "on"})
    assert again.status_code == 302, text(again, None)
    assert [("X-Ignore-MX" in one.headers) for one in writes] == [False, True]
    assert writes[0].content == writes[1].content
