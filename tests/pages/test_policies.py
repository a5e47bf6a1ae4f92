"""Policies of a domain: read, compared, made, copied, changed, made the default, deleted; and what each score means."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.conf import settings
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from portal.audit.models import Entry
from sandbox.models import Domain, Policy
from tests.conftest import Gateway, signed_in
from tests.shown import attribute, find, form, one, source, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])

BOARD, USUAL = "Geschäftsleitung", "Policy-nordwind.example"  # one user has the first; the second is the domain's default
HOSTILE = "<script>alert('x')</script>\"&"


def there(name: str) -> Policy:
    return Policy.objects.get(name=name, domain__name="nordwind.example")


def page(name: str, view: str = "policy") -> str:
    return reverse(view, args=(there(name).uid,))


def of_domain(view: str = "domain-policies") -> str:
    return reverse(view, args=(Domain.objects.get(name="nordwind.example").uid,))


def save(browser: Client, url: str, /, **changes: Any) -> HttpResponse:
    """Open a form, change some fields (None: no tick, nothing typed), and send it."""
    sent = form(browser.get(url)) | {name.replace("__", "."): value for name, value in changes.items()}
    return browser.post(url, {name: value for name, value in sent.items() if value is not None})


def problems(answer: HttpResponse) -> dict[str, str]:
    """What is wrong, by the field it stands at."""
    found = {str(box.attributes["id"]): text(box) for box in find(answer, "[id^=id_][id$=_error]", None)}
    return {box.removeprefix("id_").removesuffix("_error"): why for box, why in found.items()}


# The list.

def test_the_list_shows_each_policy_with_its_services_and_figures(as_admin: Client) -> None:
    shown = text(as_admin.get(of_domain()))
    assert f"{BOARD} Incoming, Quarantine (31 days), Archive (120 months) 5 15 25 MB Make default" in shown
    assert f"{USUAL} Default Incoming, Quarantine (31 days), Retention (14 days) 5 15 25 MB" in shown
    assert "2 entries" in shown
    page = as_admin.get(of_domain())
    assert one(page, f'[aria-label="Delete {BOARD}"]')
    assert one(page, f'[aria-label="Copy {BOARD}"]')
    assert find(page, f'[href="{of_domain("policy-new")}"]')


@pytest.mark.parametrize("who", ["customer", "helpdesk"])
def test_who_may_not_change_policies_is_offered_to_read_them(who: str, sandbox: dict[str, str]) -> None:
    browser = signed_in(sandbox[who])
    for url in (of_domain(), page(BOARD)):
        shown = source(browser.get(url))
        assert of_domain("policy-new") not in shown
        assert "/delete/" not in shown
    shown = text(browser.get(page(BOARD)))
    assert "Maximum message size Larger messages do not get through. 25 MB" in shown
    assert "Hold for After that, held messages are gone. 31 days" in shown
    assert "Archive for 120 months" in shown
    assert "Retention enabled no" in shown
    assert "Keep outgoing mail" not in shown  # a service that is off has no settings
    assert "below 5 Clean. Delivered. Archived for 120 months." in shown
    refused = browser.post(page(BOARD), {"name": "Mine", "mailSizeLimit": "1", "spamScore": "1", "relayProps.spamScoreLimit": "2"})
    assert "A system administrator can." in text(refused, 403)
    assert there(BOARD).name == BOARD


def test_an_end_user_sees_no_policies(as_owner: Client) -> None:
    assert as_owner.get(of_domain()).status_code == 403


def test_the_hub_shows_a_few_of_them_and_how_many_there_are(as_admin: Client) -> None:
    Policy.objects.bulk_create(Policy(domain=there(BOARD).domain, name=f"A{n}", **SERVICES) for n in range(7))
    url = of_domain().replace("/policies/", "/panels/policies/")
    panel = as_admin.get(url, headers={"HX-Request": "true", "HX-Target": "domain-policies"})
    assert "<html" not in source(panel)
    assert len(find(panel, "li")) == 5
    assert "Show all 9 policies" in text(panel)
    assert "New policy" in text(panel)


def test_a_hundred_thousand_policies_come_by_the_page(browser_of_somebody: Client, gateway: Gateway) -> None:
    def many(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/policies"):
            return httpx.Response(200, json={"id": "d1", "name": "nordwind.example"})
        first, size = int(request.url.params["offset"]), int(request.url.params["pageSize"])
        rows = [{"id": f"p{n}", "name": f"No. {n}"} for n in range(first, first + size)]
        return httpx.Response(200, json=rows, headers={"X-Total-Count": "100000"})

    gateway.answer = many
    shown = text(browser_of_somebody.get("/domains/d1/policies/?page=2500"))
    assert "No. 99999" in shown
    assert "Page 2500 of 2500" in shown
    assert len(gateway.asked) == 2


def test_a_list_that_fails_leaves_the_domain(browser_of_somebody: Client, gateway: Gateway) -> None:
    def half(request: httpx.Request) -> httpx.Response:
        failed = request.url.path.endswith("/policies")
        return httpx.Response(500) if failed else httpx.Response(200, json={"id": "d1", "name": "nordwind.example"})

    gateway.answer = half
    shown = browser_of_somebody.get("/domains/d1/policies/")
    assert "nordwind.example" in text(shown)
    assert "The gateway failed" in [text(title) for title in find(shown, "h2")]


def test_a_policy_is_shown_though_its_domain_cannot_be_read(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = lambda request: httpx.Response(200, json=RECORD) if "/policies/" in request.url.path else httpx.Response(403)
    shown = browser_of_somebody.get("/policies/p1/")
    assert form(shown)["name"] == "Usual"
    assert "Not allowed" in [text(title) for title in find(shown, "h2")]


# Changing one.

HELD = {"duration": 31, "storeSpam": True, "storeVirus": False}
SERVICES = {"quarantine": False, "retention": False, "archive": False, "incoming": True, "outgoing": False, "relay_props": {}}
RECORD = {
    "id": "p1", "name": "Usual", "domainId": "d1", "incoming": True, "outgoing": False, "quarantine": True, "retention": False,
    "archive": False, "mailSizeLimit": 21, "spamScore": 5.0, "quarantineProps": HELD, "retentionProps": None, "archiveProps": None,
    "relayProps": {"relaySpam": True, "prefixSpam": "[SPAM] ", "advertPrefix": "", "spamScoreLimit": 10.0},
}


class Remembers:
    """A gateway with one policy, which keeps what was sent to it."""

    def __init__(self, gateway: Gateway) -> None:
        self.record, self.sent, self.refusal = dict(RECORD), [], httpx.Response(204)
        gateway.answer = self

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            self.sent.append((request.method, request.url.path, json.loads(request.content or "null")))
            return self.refusal
        if request.url.path == "/domains/d1":
            return httpx.Response(200, json={"id": "d1", "name": "nordwind.example", "policy": {"id": "p0"}})
        return httpx.Response(200, json=self.record)


@pytest.fixture
def remembers(browser_of_somebody: Client, gateway: Gateway) -> Remembers:
    return Remembers(gateway)


@pytest.mark.parametrize(("typed", "sent"), [
    ({"name": "Other"}, {"name": "Other"}),
    ({"spamScore": "7,2"}, {"spamScore": 7.2}),
    ({"spamScore": "7.2", "outgoing": "on"}, {"spamScore": 7.2, "outgoing": True}),
    ({"mailSizeLimit": "50"}, {"mailSizeLimit": 50}),
    # Of settings all are sent: nobody knows whether a gateway merges them.
    ({"relayProps__relaySpam": None}, {"relayProps": {**RECORD["relayProps"], "relaySpam": False}}),
    ({"relayProps__prefixSpam": None}, {"relayProps": {**RECORD["relayProps"], "prefixSpam": ""}}),
    ({"quarantineProps__duration": "60"}, {"quarantineProps": {**HELD, "duration": 60}}),
    ({"quarantine": None}, {"quarantine": False}),
    ({"quarantine": None, "quarantineProps__duration": "none"}, {"quarantine": False}),  # hidden, and of no interest
    ({"retention": "on", "retentionProps__duration": "9"},
     {"retention": True, "retentionProps": {"duration": 9, "storeMailOut": True, "storeCleanMailIn": True}}),
    ({"retentionProps__duration": "9"}, None),
    ({}, None),
])
def test_only_what_changed_is_sent(
    typed: dict[str, Any], sent: dict[str, Any] | None, browser_of_somebody: Client, remembers: Remembers,
) -> None:
    answer = save(browser_of_somebody, "/policies/p1/", **typed)
    assert (answer.status_code, answer["Location"]) == (302, "/policies/p1/")
    assert remembers.sent == ([("PATCH", "/policies/p1", sent)] if sent else [])
    said = "The policy was changed." if sent else "Nothing was changed."
    assert said in text(browser_of_somebody.get("/policies/p1/"))


def test_a_policy_of_which_nothing_is_known_can_be_changed(browser_of_somebody: Client, remembers: Remembers) -> None:
    remembers.record = {"id": "p1", "domainId": "d1", "quarantine": True}
    assert save(browser_of_somebody, "/policies/p1/", name="First").status_code == 302
    assert remembers.sent == [("PATCH", "/policies/p1", {"name": "First"})]


@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
def test_a_comma_and_a_point_mean_the_same_in_every_language(language: str, as_admin: Client) -> None:
    as_admin.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    assert save(as_admin, page(USUAL), spamScore="7,2", relayProps__spamScoreLimit="12.5").status_code == 302
    assert (there(USUAL).spam_score, there(USUAL).relay_props["spamScoreLimit"]) == (7.2, 12.5)
    again = form(as_admin.get(page(USUAL)))
    assert again["spamScore"] == ("7.2" if language == "en" else "7,2")
    assert save(as_admin, page(USUAL)).status_code == 302  # what is shown is read back as the same
    assert Entry.objects.count() == 1


@pytest.mark.parametrize(("field", "typed"), [
    ("name", ""), ("name", "n\0n"), ("name", "n" * 10_000), ("mailSizeLimit", "0"), ("mailSizeLimit", "-5"),
    ("mailSizeLimit", "9" * 30), ("spamScore", ""), ("spamScore", "five"), ("spamScore", "-1"), ("spamScore", "1001"),
    ("spamScore", "nan"), ("spamScore", "1e400"), ("relayProps.spamScoreLimit", "1,2,3"), ("relayProps.prefixSpam", "x" * 256),
    ("quarantineProps.duration", "0"), ("quarantineProps.duration", "1.5"), ("quarantineProps.duration", ""),
])
def test_what_is_no_value_is_said_at_its_field(field: str, typed: str, as_admin: Client) -> None:
    answer = save(as_admin, page(USUAL), **{field.replace(".", "__"): typed})
    assert answer.status_code == 422
    assert list(problems(answer)) == [field]
    assert Entry.objects.count() == 0
    assert form(answer)[field] == typed.replace("\0", "\ufffd")  # as every browser reads it


def test_a_hostile_name_is_stored_and_shown_as_it_is(as_admin: Client) -> None:
    assert save(as_admin, page(BOARD), name=HOSTILE, relayProps__prefixSpam=HOSTILE, relayProps__relaySpam="on").status_code == 302
    assert there(HOSTILE).relay_props["prefixSpam"] == HOSTILE
    scale = of_domain("policy-compare") + f"?a={there(HOSTILE).uid}&b={there(USUAL).uid}"
    for url in (page(HOSTILE), of_domain(), page(HOSTILE, "policy-delete"), scale, page(HOSTILE, "policy-default")):
        shown = as_admin.get(url)
        assert "<script>alert" not in shown.content.decode()
        assert HOSTILE in source(shown)


def test_the_gateways_refusal_stands_at_the_field(browser_of_somebody: Client, remembers: Remembers) -> None:
    said = {"message": "No.", "fields": {"relayProps.spamScoreLimit": "<b>too</b> high", "quarantineProps": "odd"}}
    remembers.refusal = httpx.Response(422, json=said)
    answer = save(browser_of_somebody, "/policies/p1/", relayProps__spamScoreLimit="999")
    assert problems(answer) == {"relayProps.spamScoreLimit": "<b>too</b> high"}
    assert "quarantineProps: odd" in text(answer, 422)
    assert form(answer)["relayProps.spamScoreLimit"] == "999"


def test_a_name_that_is_taken_is_said_at_the_name(as_admin: Client) -> None:
    for url, status in ((page(BOARD), 422), (of_domain("policy-new"), 409)):
        answer = save(as_admin, url, name=USUAL)
        assert (answer.status_code, list(problems(answer))) == (status, ["name"])
    assert Policy.objects.filter(name=USUAL).count() == 1


def test_a_refused_change_may_be_sent_once_more(as_admin: Client) -> None:
    refused = save(as_admin, page(BOARD), name=USUAL)
    assert as_admin.post(page(BOARD), form(refused) | {"name": "Board"}).status_code == 302
    assert there("Board")


def test_a_write_without_an_answer_is_told_as_unknown(browser_of_somebody: Client, remembers: Remembers, gateway: Gateway) -> None:
    def slow(request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            raise httpx.ReadTimeout("slow", request=request)
        return remembers(request)

    gateway.answer = slow
    answer = save(browser_of_somebody, "/policies/p1/", name="Other")
    assert "We do not know whether it happened" in text(answer, 504)
    assert form(answer)["name"] == "Other"


def test_who_changes_what_somebody_else_just_changed_sees_both(as_admin: Client) -> None:
    mine = form(as_admin.get(page(USUAL)))
    assert save(as_admin, page(USUAL), quarantineProps__duration="90", quarantineProps__storeVirus=None).status_code == 302
    answer = as_admin.post(page(USUAL), mine | {"quarantineProps.duration": "60"})
    assert "Hold for 90 days 60 days" in text(answer, 409)
    assert there(USUAL).quarantine_props["duration"] == 90
    assert as_admin.post(page(USUAL), form(answer)).status_code == 302  # knowingly
    assert there(USUAL).quarantine_props["duration"] == 60


def test_settings_that_are_sent_whole_keep_what_somebody_else_changed(browser_of_somebody: Client, remembers: Remembers) -> None:
    mine = form(browser_of_somebody.get("/policies/p1/"))
    remembers.record["quarantineProps"] = {**HELD, "storeVirus": True}
    answer = browser_of_somebody.post("/policies/p1/", mine | {"quarantineProps.duration": "60"})
    assert answer.status_code == 302
    assert remembers.sent == [("PATCH", "/policies/p1", {"quarantineProps": {"duration": 60, "storeSpam": True, "storeVirus": True}})]
    said = text(browser_of_somebody.get("/policies/p1/"))
    assert "Someone else has since changed: Hold suspected viruses." in said


# A new one, and a copy.

def test_a_new_policy_starts_with_sensible_values_and_is_made_whole(as_admin: Client) -> None:
    answer = save(as_admin, of_domain("policy-new"), name="Sales", spamScore="6,5")
    assert (answer.status_code, answer["Location"]) == (302, of_domain())
    made = there("Sales")
    assert (made.spam_score, made.mail_size_limit, made.incoming, made.quarantine, made.retention) == (6.5, 21, True, True, False)
    assert made.quarantine_props["duration"] == 31
    assert made.relay_props["spamScoreLimit"] == 10
    assert "Policy “Sales” was created." in text(as_admin.get(of_domain()))
    assert Entry.objects.get().target == "nordwind.example: Sales"


def test_a_copy_begins_with_every_value_of_the_other(as_admin: Client) -> None:
    save(as_admin, page(BOARD), spamScore="7,2", archiveProps__storeAdvert="on", quarantineProps__storeVirus=None)
    url = f"{of_domain('policy-new')}?from={there(BOARD).uid}"
    assert form(as_admin.get(url))["name"] == f"Copy of {BOARD}"
    assert save(as_admin, url).status_code == 302
    first, second = there(BOARD), there(f"Copy of {BOARD}")
    same = (
        "quarantine", "retention", "archive", "incoming", "outgoing", "mail_size_limit", "spam_score", "relay_props",
        "quarantine_props", "retention_props", "archive_props",
    )
    assert {name: getattr(first, name) for name in same} == {name: getattr(second, name) for name in same}
    compared = as_admin.get(f"{of_domain('policy-compare')}?a={first.uid}&b={second.uid}&only=1")
    assert "These policies are identical." in text(compared)


def test_what_the_gateway_leaves_open_is_off_in_a_copy(browser_of_somebody: Client, remembers: Remembers) -> None:
    remembers.record = {"id": "p1", "name": "Usual", "quarantine": True, "quarantineProps": {"storeVirus": True}}
    copy = form(browser_of_somebody.get("/domains/d1/policies/new/?from=p1"))
    assert {"quarantine", "quarantineProps.storeVirus"} <= copy.keys()
    assert not {"incoming", "quarantineProps.storeSpam", "relayProps.relayAdvert"} & copy.keys()
    assert copy["quarantineProps.duration"] == "31"  # a number there must be


def test_a_copy_of_nothing_is_not_found(as_admin: Client) -> None:
    for other in ("nobody", "..", "x" * 2000, "%00"):
        assert as_admin.get(f"{of_domain('policy-new')}?from={other}").status_code == 404


def test_two_clicks_make_one_policy(as_admin: Client) -> None:
    sent = form(as_admin.get(of_domain("policy-new"))) | {"name": "Sales"}

    def click(_n: int) -> HttpResponse:
        try:
            return as_admin.post(of_domain("policy-new"), sent)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(click, range(2)))
    assert [answer.status_code for answer in answers] == [302, 302]
    assert Policy.objects.filter(name="Sales").count() == 1
    assert Entry.objects.count() == 1


# The default.

def test_another_policy_becomes_the_default(as_admin: Client) -> None:
    assert f"Make “{BOARD}” the default?" in text(as_admin.get(page(BOARD, "policy-default")))
    assert Entry.objects.count() == 0  # to look at the question is not to answer it
    answer = as_admin.post(page(BOARD, "policy-default"), {"once": "a"})
    assert (answer.status_code, answer["Location"]) == (302, of_domain())
    shown = text(as_admin.get(of_domain()))
    assert f"“{BOARD}” is now the domain's default." in shown
    assert f"{BOARD} Default Incoming" in shown
    assert there(BOARD).domain.policy == there(BOARD)
    as_admin.post(page(BOARD, "policy-default"), {"once": "a"})
    assert Entry.objects.get().operation == "editDomain"  # a second click is the first one


def test_an_administrator_of_the_customer_may_choose_the_default_and_the_helpdesk_may_not(
    as_customer: Client, as_helpdesk: Client,
) -> None:
    refused = as_helpdesk.post(page(BOARD, "policy-default"))
    assert "Your account cannot do this: change a domain." in text(refused, 403)
    assert as_customer.post(page(BOARD, "policy-default")).status_code == 302
    assert there(BOARD).domain.policy == there(BOARD)


# Deleting one.

def test_a_policy_in_use_says_by_what_and_what_to_do(as_admin: Client) -> None:
    default = as_admin.get(page(USUAL, "policy-delete"))
    assert "In use: it is the domain's default. Make another policy the default first." in text(default)
    assert "Delete policy" not in [text(button) for button in find(default, "button")]
    used = as_admin.get(page(BOARD, "policy-delete"))
    assert "In use by 1 user: martin.nordwind@nordwind.example Give them another policy first." in text(used)
    assert "Delete policy" not in [text(button) for button in find(used, "button")]
    assert Entry.objects.count() == 0


def test_the_gateway_has_the_last_word_on_what_is_in_use(as_admin: Client) -> None:
    for name, reason in ((USUAL, "The policy is the default of its domain."), (BOARD, "The policy is affected to 1 users.")):
        refused = as_admin.post(page(name, "policy-delete"), {"once": name})
        assert f"The gateway says: “{reason}”" in text(refused, 422)
        assert there(name)


def test_who_uses_a_policy_is_looked_for_among_the_first_two_hundred(browser_of_somebody: Client, gateway: Gateway) -> None:
    having = 3

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/domains/d1/users":
            rows = [{"id": f"u{n}", "email": f"u{n}@x", "policy": {"id": "p1" if n < having else "p0"}} for n in range(200)]
            return httpx.Response(200, json=rows, headers={"X-Total-Count": "5000"})
        return httpx.Response(200, json=RECORD if "policies" in request.url.path else {"id": "d1", "policy": {"id": "p0"}})

    gateway.answer = answer
    assert "In use by at least 3 users: u0@x u1@x u2@x Give" in text(browser_of_somebody.get("/policies/p1/delete/"))
    having = 0
    shown = browser_of_somebody.get("/policies/p1/delete/")
    assert "None of the first 200 users has it." in text(shown)
    assert "Delete policy" in [text(button) for button in find(shown, "button")]


def test_a_policy_that_nobody_uses_is_deleted_once(as_admin: Client) -> None:
    save(as_admin, of_domain("policy-new"), name="Old")
    url = page("Old", "policy-delete")
    sent = form(as_admin.get(url))
    for _click in range(2):
        answer = as_admin.post(url, sent)
        assert (answer.status_code, answer["Location"]) == (302, of_domain())
        assert "The policy was deleted." in text(as_admin.get(of_domain()))
    assert not Policy.objects.filter(name="Old").exists()
    assert Entry.objects.filter(operation="deletePolicy").count() == 1
    assert as_admin.get(url).status_code == 404


# Two side by side.

def test_two_policies_are_compared_and_only_differences_are_marked(as_admin: Client) -> None:
    both = f"{of_domain('policy-compare')}?a={there(BOARD).uid}&a={there(USUAL).uid}"  # as two ticks in the list send it
    whole = text(as_admin.get(both))
    assert "2 differences" in whole
    assert "Retention enabled different no yes" in whole
    assert "Archive for 120 months –" in whole
    assert "Maximum message size 25 MB 25 MB" in whole
    few = text(as_admin.get(f"{both}&only=1"))
    assert "Retention enabled different no yes" in few
    assert "Archive enabled different yes no" in few
    assert "Maximum message size" not in few


def test_a_third_tick_is_not_compared_and_that_is_said(as_admin: Client) -> None:
    save(as_admin, of_domain("policy-new"), name="Third")
    three = "&".join(f"a={there(name).uid}" for name in (BOARD, USUAL, "Third"))
    shown = as_admin.get(f"{of_domain('policy-compare')}?{three}")
    assert "Only two policies can be compared" in text(shown)
    assert f'href="{page("Third")}"' not in source(shown)


def test_one_policy_waits_for_the_other(as_admin: Client) -> None:
    shown = as_admin.get(f"{of_domain('policy-compare')}?a={there(BOARD).uid}")
    assert text(one(shown, f'option[value="{there(BOARD).uid}"][selected]')) == BOARD
    assert "Choose two policies to see the differences." in text(shown)


def test_a_policy_of_another_domain_is_compared_if_it_may_be_read(as_admin: Client, as_customer: Client) -> None:
    other = Policy.objects.exclude(domain__customer=there(BOARD).domain.customer).first()
    assert other
    url = f"{of_domain('policy-compare')}?a={there(BOARD).uid}&b={other.uid}"
    assert f"{BOARD} {other.name} General" in text(as_admin.get(url))
    refused = as_customer.get(url)
    assert "Not found" in [text(title) for title in find(refused, "h2")]
    assert f"{other.name}" not in source(refused)


@pytest.mark.parametrize("odd", ["nobody", "..", "<script>", "x" * 5000, "%00"])
def test_what_is_no_policy_is_not_found_beside_the_other(odd: str, as_admin: Client) -> None:
    shown = as_admin.get(f"{of_domain('policy-compare')}?a={there(BOARD).uid}&b={odd}")
    assert "Not found" in [text(title) for title in find(shown, "h2")]
    assert find(one(shown, "main"), "script") == []


# What happens at each score.

DELIVERS = {"spamScore": "5", "relayProps.spamScoreLimit": "10", "incoming": "on", "relayProps.relaySpam": "on"}
HOLDS = {"quarantine": "on", "quarantineProps.storeSpam": "on", "quarantineProps.duration": "31"}
NOBODY = "Not held either: it is lost."


@pytest.mark.parametrize(("policy", "said"), [
    (DELIVERS, [
        "below 5 Clean. Delivered.", "5 to below 10 Spam. Delivered without a tag.", f"10 or more Certain spam. Never delivered. {NOBODY}",
    ]),
    ({**DELIVERS, "relayProps.prefixSpam": "[SPAM]", **HOLDS}, [
        "5 to below 10 Spam. Delivered with “[SPAM]” before the subject. Held in the quarantine for 31 days.",
        "10 or more Certain spam. Never delivered. Held in the quarantine for 31 days.",
    ]),
    ({**DELIVERS, "relayProps.relaySpam": ""}, [f"5 to below 10 Spam. Not delivered. {NOBODY}"]),
    ({**DELIVERS, "relayProps.relaySpam": "", **HOLDS, "quarantineProps.duration": "1"}, [
        "5 to below 10 Spam. Not delivered. Held in the quarantine for 1 day.",
    ]),
    ({**DELIVERS, **HOLDS, "quarantine": ""}, [f"Never delivered. {NOBODY}"]),
    ({**DELIVERS, **HOLDS, "quarantineProps.storeSpam": ""}, [f"Never delivered. {NOBODY}"]),
    ({**DELIVERS, "spamScore": "7,2", "relayProps.spamScoreLimit": "7.25"}, ["below 7.2 Clean.", "7.2 to below 7.25 Spam.", "7.25 or more"]),
    ({**DELIVERS, "relayProps.spamScoreLimit": "3"}, [
        "below 5 Clean.", "5 or more Certain spam. Never delivered.",
        "Spam is never delivered, although that is switched on: the delivery limit is not above the spam threshold.",
    ]),
    ({**DELIVERS, "relayProps.spamScoreLimit": ""}, ["below 5 Clean.", "5 or more Spam. Delivered"]),
    ({**DELIVERS, "spamScore": "0"}, ["below 10 Spam. Delivered", "10 or more", "Every message that scores 0 or more is treated as spam."]),
    ({**DELIVERS, "spamScore": "0", "relayProps.spamScoreLimit": "0"}, ["any score Certain spam. Never delivered."]),
    ({**DELIVERS, "spamScore": "many"}, ["This policy sets no spam threshold."]),
    ({**DELIVERS, "incoming": ""}, ["Incoming mail is switched off in this policy"]),
    ({**DELIVERS, "spamScore": "500", "relayProps.spamScoreLimit": "1000"}, ["500 to below 1000 Spam."]),
    ({**DELIVERS, "retention": "on", "retentionProps.storeCleanMailIn": "on", "retentionProps.duration": "5", "archive": "on",
      "archiveProps.duration": "48", "archiveProps.storeCleanMailIn": "on"}, ["below 5 Clean. Delivered. Kept for 5 days. Archived for 48 months. 5 to"]),
    ({**DELIVERS, "archive": "on", "archiveProps.duration": "48", "archiveProps.storeSpam": "on"}, [
        "below 5 Clean. Delivered. 5 to", "Delivered without a tag. Archived for 48 months.", f"{NOBODY} Archived for 48 months.",
    ]),
    ({**DELIVERS, "archive": "on", "archiveProps.duration": "48", "archiveProps.archiveByCopy": "on"}, [
        "below 5 Clean. Delivered. Archived for 48 months.", "Delivered without a tag. Archived for 48 months.", "Never delivered. " + NOBODY,
    ]),
])
def test_the_scale_says_what_happens_at_each_score(
    policy: dict[str, str], said: list[str], browser_of_somebody: Client, gateway: Gateway,
) -> None:
    asked = {"typed": "1", **{name: value for name, value in policy.items() if value}}
    shown = text(browser_of_somebody.get("/policies/scale/", asked))
    for words in said:
        assert words in shown
    assert gateway.asked == []


@pytest.mark.parametrize(("score", "said"), [
    ("4.99", "4.99: Clean. Delivered."), ("5", "5: Spam. Delivered without a tag."), ("9,9", "9.9: Spam. Delivered"),
    ("10", "10: Certain spam. Never delivered."), ("1000", "1000: Certain spam."), ("0", "0: Clean."), ("five", "Enter a number."),
])
def test_a_mail_of_a_certain_score_is_explained(score: str, said: str, browser_of_somebody: Client) -> None:
    shown = browser_of_somebody.get(
        "/policies/scale/", {"typed": "1", **DELIVERS, "score": score}, headers={"HX-Request": "true", "HX-Target": "scale"}
    )
    assert said in text(one(shown, "output#tried[hx-swap-oob=innerHTML]"))


def test_without_javascript_a_button_shows_the_scale_and_saves_nothing(as_admin: Client) -> None:
    shown = save(as_admin, page(BOARD), spamScore="8", relayProps__relaySpam="on", score="9", show="1")
    assert shown.status_code == 200
    assert "below 8 Clean." in text(shown)
    assert "9: Spam. Delivered with “[SPAM]” before the subject." in text(shown)
    assert form(shown)["spamScore"] == "8"
    assert there(BOARD).spam_score == 5
    sent = form(shown)
    assert as_admin.post(page(BOARD), sent).status_code == 302
    assert there(BOARD).spam_score == 8


def test_who_may_only_read_can_try_a_score_too(as_helpdesk: Client) -> None:
    assert "16,5: Certain spam. Never delivered." in text(as_helpdesk.get(f"{page(BOARD)}?score=16,5")).replace("16.5", "16,5")
    scale = attribute(as_helpdesk.get(page(BOARD)), "[hx-get^='/policies/scale/?']", "hx-get")
    shown = text(as_helpdesk.get(f"{scale}&score=3"))
    assert "below 5 Clean. Delivered. Archived for 120 months." in shown
    assert "15 or more Certain spam. Never delivered. Held in the quarantine for 31 days." in shown


def test_what_was_typed_is_there_again_after_signing_in_again(browser_of_somebody: Client, remembers: Remembers, gateway: Gateway) -> None:
    typed = form(browser_of_somebody.get("/policies/p1/"))
    del typed["quarantineProps.storeSpam"]
    typed |= {"name": "Typed by hand", "retention": "on", "retentionProps.duration": "77"}
    gateway.answer = lambda request: httpx.Response(401)
    gone = browser_of_somebody.post("/policies/p1/", typed)
    gateway.answer = lambda request: httpx.Response(200, json=[])
    back = browser_of_somebody.post("/sign-in/", {"token": "an-opaque-token-of-a-test", "next": query_of(gone)})["Location"]
    gateway.answer = remembers
    again = form(browser_of_somebody.get(back))
    hidden = {"once", "seen", "csrfmiddlewaretoken"}
    assert {name: value for name, value in again.items() if name not in hidden} == {
        name: value for name, value in typed.items() if name not in hidden
    }
    assert remembers.sent == []


def query_of(answer: HttpResponse) -> str:
    """Where a redirect to the sign-in page leads back to."""
    return parse_qs(urlsplit(answer["Location"]).query)["next"][0]
