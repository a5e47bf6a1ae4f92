"""What the hub of a domain and the hub of a user tell: all that their one call answers, in words."""

import re
from typing import Any

import httpx
import pytest
from django.test import Client

from portal.ui.dates import day
from sandbox import seed
from sandbox.models import Domain, User
from tests.conftest import Gateway
from tests.shown import find, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])


def facts(answer: Any) -> dict[str, str]:
    """The facts of a hub: what stands beside each term, without markup."""
    return {text(term): text(told) for term, told in zip(find(answer, "dt"), find(answer, "dt + dd"), strict=True)}


def domain(browser: Client, gateway: Gateway, **fields: Any) -> dict[str, str]:
    gateway.answer = lambda request: httpx.Response(200, json={"id": "d1", "name": "example.org", "status": "ENABLED", **fields})
    return facts(browser.get("/domains/d1/"))


def user(browser: Client, gateway: Gateway, **fields: Any) -> dict[str, str]:
    gateway.answer = lambda request: httpx.Response(200, json={"id": "u1", "email": "a@example.org", "status": "ENABLED", **fields})
    return facts(browser.get("/users/u1/"))


# A domain.

@pytest.mark.parametrize(("priority", "said"), [
    ("USER", "Mailbox rules take precedence"), ("DOMAIN", "Domain rules take precedence"), ("BROKER", "BROKER"),
])
def test_a_domain_tells_which_sender_rules_take_precedence(
    priority: str, said: str, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    assert domain(browser_of_somebody, gateway, wblistPriority=priority)["Sender rules"] == said


@pytest.mark.parametrize(("on", "said"), [(True, "on"), (False, "off")])
def test_sender_verification_is_called_by_its_name_and_on_or_off(
    on: bool, said: str, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    assert domain(browser_of_somebody, gateway, senderVerifyOn=on)["Sender verification"] == said
    assert user(browser_of_somebody, gateway, senderVerifyOn=on)["Sender verification"] == said


@pytest.mark.parametrize("fields", [{}, {"wblistPriority": None, "senderVerifyOn": None, "customer": None, "policy": None}])
def test_what_the_gateway_does_not_tell_is_left_out(fields: dict[str, Any], browser_of_somebody: Client, gateway: Gateway) -> None:
    shown = domain(browser_of_somebody, gateway, **fields)
    assert not {"Sender rules", "Sender verification", "Customer", "Deleted on", "Restorable until"} & set(shown)
    assert shown["Services"] == "none"
    shown = user(browser_of_somebody, gateway, policy=None, platform=None, language=None, mfaType=None)
    assert not {"Language", "Created", "Relay", "Policy", "Sender verification", "Second factor"} & set(shown)


def test_outgoing_mail_is_a_service_of_the_default_policy(browser_of_somebody: Client, gateway: Gateway) -> None:
    shown = domain(browser_of_somebody, gateway, incoming=True, policy={"id": "p1", "outgoing": True})
    assert shown["Services"] == "Incoming Outgoing by the default policy"
    assert domain(browser_of_somebody, gateway, policy={"id": "p1", "outgoing": True})["Services"] == "Outgoing by the default policy"
    assert domain(browser_of_somebody, gateway, incoming=True, policy={"id": "p1", "outgoing": False})["Services"] == "Incoming"


def test_a_deleted_domain_tells_when_it_was_deleted(as_admin: Client) -> None:
    gone = Domain.objects.get(name="altmilch.example")
    shown = as_admin.get(f"/domains/{gone.uid}/")
    assert gone.deletion_date
    assert day(gone.deletion_date) == facts(shown)["Deleted on"]
    assert "Restorable until" in facts(shown)


def test_providers_tell_what_spf_needs_of_them(browser_of_somebody: Client, gateway: Gateway) -> None:
    providers = [
        {"id": 1, "name": "office365", "spfProvider": "spf.protection.outlook.com", "active": True},
        {"id": 2, "name": "Old <one>", "spfProvider": "<b>spf", "active": False}, {"id": 3},
    ]
    shown = domain(browser_of_somebody, gateway, outgoingProviders=providers)["Providers allowed to send"]
    assert shown == "office365 SPF: spf.protection.outlook.com Old <one> inactive SPF: <b>spf 3"


def test_the_customer_is_told_with_all_that_is_known_of_it(browser_of_somebody: Client, gateway: Gateway) -> None:
    said = domain(browser_of_somebody, gateway, customer={
        "id": "c1", "brokerId": "b7", "name": "Alinto", "description": "A <i>customer", "externalId": "HBO-2019",
        "createdAt": 1774457446000,
    })["Customer"]
    assert re.fullmatch(r"Alinto A <i>customer external ID HBO-2019 · since 25 Mar( 2026)? · broker b7", said)
    assert domain(browser_of_somebody, gateway, customer={"id": "c1", "name": "Alinto"})["Customer"] == "Alinto"


def test_a_customer_of_the_sandbox_is_told_the_same_way(as_admin: Client) -> None:
    nordwind = Domain.objects.get(name="nordwind.example")
    said = facts(as_admin.get(f"/domains/{nordwind.uid}/"))["Customer"]
    assert said.startswith("Nordwind Logistik AG Spedition, Olten external ID RT-1001 · since ")


# The setup of a domain.

def setup(browser: Client, gateway: Gateway, *providers: dict[str, Any]) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/domains/d1":
            return httpx.Response(200, json={"id": "d1", "name": "example.org", "outgoingProviders": list(providers)})
        return httpx.Response(200, json=[] if request.url.path.endswith(("dkim", "admins", "users")) else {})

    gateway.answer = answer
    return browser.get("/domains/d1/setup/", headers={"HX-Request": "true", "HX-Target": "domain-setup"})


OFFICE = {"id": 1, "name": "office365", "spfProvider": "spf.protection.outlook.com", "active": True}


def test_a_provider_that_sends_is_a_step_with_the_term_for_the_spf_record(browser_of_somebody: Client, gateway: Gateway) -> None:
    shown = setup(browser_of_somebody, gateway, OFFICE, {"id": 2, "name": "News", "spfProvider": "include:_spf.news.example"})
    assert "SPF record" in text(shown)
    assert "office365, News send for this domain, so its SPF record must allow them." in text(shown)
    copied = [text(code) for code in find(shown, "code[id]")]
    assert copied == ["include:spf.protection.outlook.com include:_spf.news.example"]
    assert "This is not checked here." in text(shown)
    assert "of 5 done" in text(shown)  # it is not counted: nobody checks it


@pytest.mark.parametrize("providers", [[], [{**OFFICE, "active": False}], [{"id": 1, "name": "x", "spfProvider": ""}]])
def test_without_a_provider_there_is_no_such_step(
    providers: list[dict[str, Any]], browser_of_somebody: Client, gateway: Gateway,
) -> None:
    assert "SPF record" not in text(setup(browser_of_somebody, gateway, *providers))


@pytest.mark.parametrize("said", ["<script>", "ip4:192.0.2.0/24", "v=spf1 include:x.example ~all", "a b", "x" * 300, "a\nb.example"])
def test_what_is_no_host_is_shown_and_never_copied(said: str, browser_of_somebody: Client, gateway: Gateway) -> None:
    shown = setup(browser_of_somebody, gateway, {**OFFICE, "spfProvider": said})
    assert not find(shown, "code")
    assert f"The gateway says about SPF: {' '.join(said.split())}" in text(shown)


# A user.

def test_a_user_tells_language_age_and_relay(as_admin: Client) -> None:
    anna = User.objects.get(email=seed.ANNA)
    shown = facts(as_admin.get(f"/users/{anna.uid}/"))
    assert shown["Language"] == "Deutsch"
    assert day(anna.creation_date) == shown["Created"]
    assert re.fullmatch(r".+ · the domain's default", shown["Relay"])
    assert re.match(r".+ · the domain's default · spam at .+ or more", shown["Policy"])


@pytest.mark.parametrize(("own", "of_domain", "said"), [
    ("p1", "p1", "Named · the domain's default"), (7, "7", "Named · the domain's default"), ("p1", "p2", "Named · chosen for this user"),
    ("p1", None, "Named"), (None, "p1", "Named"),
])
def test_a_user_tells_whether_policy_and_relay_are_its_own(
    own: Any, of_domain: Any, said: str, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    one = {"id": own, "name": "Named"}
    shown = user(
        browser_of_somebody, gateway, policy=one, platform=one, domainPolicyId=of_domain, domainPlatformId=of_domain,
    )
    assert (shown["Policy"], shown["Relay"]) == (said, said)


@pytest.mark.parametrize(("language", "said"), [("FR", "Français"), ("da", "Dansk"), ("tlh", "tlh")])
def test_a_language_has_the_name_its_speakers_use(language: str, said: str, browser_of_somebody: Client, gateway: Gateway) -> None:
    assert user(browser_of_somebody, gateway, language=language)["Language"] == said
    assert domain(browser_of_somebody, gateway, defaultLanguage=language)["Language"] == said


def test_the_hubs_cost_one_call_each(browser_of_somebody: Client, gateway: Gateway) -> None:
    for page in (domain, user):
        gateway.asked.clear()
        page(browser_of_somebody, gateway)
        assert len(gateway.asked) == 1
