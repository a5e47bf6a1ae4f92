"""Releasing a held mail, allowing or blocking its sender: what happens at the gateway, and what a person is told."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cleanmail_admin.upstream import SandboxTransport
from portal.audit.models import Entry, Result
from portal.ui.pages import one_time_key
from sandbox import seed
from sandbox.models import Mail, SenderRule, User
from tests.conftest import Gateway, signed_in
from tests.shown import attribute, find, form, is_part, link, one, source, swapped, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])

Answer = Callable[[httpx.Request], httpx.Response]

INVOICE = "Rechnung R-48213"  # from a sender whom every check proves
RHEINTAL = "rechnung@rheintal-papier.example"
ADMIN = "operations@gateway.example"


def held(subject: str, page: str = "release", email: str = seed.ANNA) -> str:
    """The address of a page of a held mail, found by a piece of its subject."""
    row = Mail.objects.filter(folder__user__email=email, folder__path="Quarantine", subject__contains=subject).first()
    assert row, subject
    return reverse(page, args=(row.folder.user.uid, "Quarantine", row.fuglu_id))


def act(browser: Client, url: str, *, whole: bool = False, **data: Any) -> HttpResponse:
    """Send the form of the reading pane, as htmx does, or as a browser without JavaScript."""
    headers = {} if whole else {"HX-Request": "true", "HX-Target": "reading"}
    return browser.post(url, {"once": uuid4().hex, **data}, headers=headers)


def toast(answer: HttpResponse) -> str:
    """What the toast in an answer says."""
    shown = find(answer, ".toast", None)[0]
    return f"{(shown.attributes['class'] or '').removeprefix('toast ')}: {text(one(shown, '.toast > p'))}"


def buttons(answer: HttpResponse) -> list[str]:
    """What the buttons say, each with its key."""
    return [text(button) for button in find(answer, "button", None)]


def chips(answer: HttpResponse | str) -> list[str]:
    return [text(chip) for chip in find(answer, ".chip")]


def log() -> list[tuple[str, str, str, str]]:
    """The activity log, oldest first."""
    return list(Entry.objects.order_by("id").values_list("who", "operation", "target", "result"))


def place(subject: str) -> str:
    return Mail.objects.get(folder__user__email=seed.ANNA, subject__contains=subject).folder.path


# With the sandbox: what really happens.

def test_a_release_moves_the_mail_into_the_inbox_and_says_so(as_admin: Client) -> None:
    row = Mail.objects.get(folder__user__email=seed.ANNA, subject__contains=INVOICE)
    answer = act(as_admin, held(INVOICE))
    assert answer.status_code == 200
    assert toast(answer) == "ok: Released. The message is on its way to the mailbox."
    assert one(answer, "[hx-swap-oob='beforeend:#toasts']")
    row_of_it = attribute(swapped(answer), "li.mail.released[hx-swap-oob=true]", "id")
    assert attribute(answer, "[data-acted]", "data-row") == row_of_it
    assert text(one(swapped(answer), ".chip.ok")) == "Released"
    assert not find(swapped(answer), "[type=checkbox]")  # it cannot be selected once more
    assert answer["HX-Push-Url"] == "false"
    row.refresh_from_db()
    assert row.folder.path == "INBOX"
    assert log() == [(ADMIN, "releaseEmail", f"{seed.ANNA}: [SPAM] {INVOICE} zu Ihrer Bestellung 7715", "done")]


def test_without_javascript_the_folder_comes_back_with_a_message(as_admin: Client) -> None:
    url = held(INVOICE)
    answer = act(as_admin, url, whole=True)
    folder = reverse("mail-list", args=(User.objects.get(email=seed.ANNA).uid, "Quarantine"))
    assert (answer.status_code, answer["Location"]) == (302, folder)
    assert toast(as_admin.get(folder)) == "ok: Released. The message is on its way to the mailbox."
    assert place(INVOICE) == "INBOX"
    assert not find(as_admin.get("/activity/"), "#toasts .toast")  # said once


@pytest.mark.parametrize("scope", ["mailbox", "domain"])
def test_a_release_with_allow_makes_the_rule_too(scope: str, as_admin: Client) -> None:
    answer = act(as_admin, held(INVOICE), allow=scope)
    rule = SenderRule.objects.get(value=RHEINTAL)
    owner = seed.ANNA if scope == "mailbox" else "nordwind.example"
    assert str(rule.user or rule.domain) == owner
    assert rule.type == "ALLOW"
    assert rule.spf_on is True
    assert rule.expire_at
    assert abs(rule.expire_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=5)
    assert rule.description == f"Allowed from the quarantine by {ADMIN}, {timezone.localdate():%Y-%m-%d}"
    assert place(INVOICE) == "INBOX"
    assert re.fullmatch(rf"ok: Released\. {RHEINTAL} is allowed for {owner} until \d+ \w+( \d{{4}})?\.", toast(answer))
    assert [entry[1:] for entry in log()] == [
        ("releaseEmail", f"{seed.ANNA}: [SPAM] {INVOICE} zu Ihrer Bestellung 7715", "done"),
        ("addMailboxRule" if scope == "mailbox" else "addDomainRule", f"ALLOW {RHEINTAL}: {owner}", "done"),
    ]


def test_a_rule_demands_spf_only_where_it_passed(as_admin: Client) -> None:
    act(as_admin, held("Jahresabschluss"), allow="mailbox")  # nobody checked anything
    assert SenderRule.objects.get(value="peter.frei@frei-treuhand.example").spf_on is False


@pytest.mark.parametrize(("subject", "reasons"), [
    ("Bewerbung", ["gmail.com is a free email service: anyone can get an address there."]),
    ("Vertraulich", [
        "nordwind.example is the customer's own domain: forgers often pose as a colleague.",
        "The message is not confirmed to come from nordwind.example: anyone can fake this sender.",
    ]),
    ("Re: Ihre Anfrage", ["The sender's name shows a different address (ceo@nordwind.example) from the one the message comes from."]),
    ("gewonnen", ["The message is not confirmed to come from lotterie.example: anyone can fake this sender."]),
])
@pytest.mark.parametrize("scope", ["mailbox", "domain"])
def test_who_allows_a_doubtful_sender_is_asked_once(subject: str, reasons: list[str], scope: str, as_admin: Client) -> None:
    url = held(subject)
    before = SenderRule.objects.count()
    asked = act(as_admin, url, allow=scope)
    assert (asked.status_code, asked["HX-Retarget"], asked["HX-Reswap"]) == (200, "#dialog", "innerHTML")
    assert "Release and allow the sender?" in text(asked)
    for reason in reasons:
        assert reason in text(asked)
    assert "Release without allowing" in text(asked)
    assert (place(subject), SenderRule.objects.count(), log()) == ("Quarantine", before, [])
    confirmed = act(as_admin, url, **sent(asked))
    assert toast(confirmed).startswith("ok: Released.")
    assert (place(subject), SenderRule.objects.count()) == ("INBOX", before + 1)


def sent(answer: HttpResponse) -> dict[str, str]:
    """The hidden fields of the one form in an answer."""
    fields = [field.attributes for field in find(answer, "input[type=hidden]")]
    return {str(field["name"]): field["value"] or "" for field in fields if field["name"] != "csrfmiddlewaretoken"}


def test_a_doubtful_sender_may_be_released_without_a_rule(as_admin: Client) -> None:
    url, before = held("Bewerbung"), SenderRule.objects.count()
    asked = act(as_admin, url, allow="mailbox")
    fields = {**sent(asked), "allow": ["mailbox", ""]}  # the hidden field, and the button "Only release"
    assert toast(act(as_admin, url, **fields)) == "ok: Released. The message is on its way to the mailbox."
    assert SenderRule.objects.count() == before


def test_without_javascript_the_question_is_a_page(as_admin: Client) -> None:
    asked = act(as_admin, held("Bewerbung"), whole=True, allow="mailbox")
    assert asked.status_code == 200
    assert not is_part(asked)
    assert "gmail.com is a free email service" in text(asked)
    assert "HX-Retarget" not in asked
    assert place("Bewerbung") == "Quarantine"


@pytest.mark.parametrize(("days", "left"), [("30", 30), ("365", 365), ("0", None)])
def test_what_was_chosen_in_the_dialog_is_what_the_rule_says(days: str, left: int | None, as_admin: Client) -> None:
    answer = act(as_admin, held("Bewerbung"), allow="domain", confirmed="1", days=days, description="<b>Frau Keller kennt ihn")
    rule = SenderRule.objects.get(value="lukas.brunner.87@gmail.com")
    assert rule.description == "<b>Frau Keller kennt ihn"
    if left is None:
        assert rule.expire_at is None
        assert "is allowed permanently for" in toast(answer)
    else:
        assert rule.expire_at
        assert abs(rule.expire_at - timezone.now() - timedelta(days=left)) < timedelta(minutes=5)


@pytest.mark.parametrize("wrong", [{"days": "17"}, {"days": "x"}, {"allow": "everybody"}, {"description": "x" * 300}])
def test_a_form_that_was_tampered_with_asks_again_and_does_nothing(wrong: dict[str, str], as_admin: Client) -> None:
    answer = act(as_admin, held(INVOICE), **{"allow": "mailbox", "confirmed": "1", **wrong})
    assert answer.status_code == 200
    assert answer["HX-Retarget"] == "#dialog"
    assert place(INVOICE) == "Quarantine"


def test_an_infected_mail_needs_a_second_step(as_admin: Client) -> None:
    url = held("Facture")
    asked = act(as_admin, url)
    assert asked["HX-Retarget"] == "#dialog"
    assert "The virus scanner found Eicar-Test-Signature in this message." in text(asked)
    assert one(asked, "[name=infected][value='1'][required]")
    again = act(as_admin, url, **sent(asked))  # without the tick
    assert "Release an infected message?" in text(again)
    assert (place("Facture"), log()) == ("Quarantine", [])
    assert toast(act(as_admin, url, infected="1", **sent(again))).startswith("ok: Released.")
    assert place("Facture") == "INBOX"


def test_an_infected_mail_of_a_doubtful_sender_says_both(as_admin: Client) -> None:
    asked = act(as_admin, held("Facture"), allow="mailbox")
    assert "The virus scanner found" in text(asked)
    assert "not confirmed to come from fournitures-dubois.example" in text(asked)


def test_a_sender_that_is_none_cannot_be_allowed_or_blocked(as_admin: Client) -> None:
    allowed = act(as_admin, held("Wer hat das"), allow="mailbox")
    assert toast(allowed) == "bad: This message has no usable sender address, so it cannot be allowed."
    blocked = act(as_admin, held("<script>", "block"))
    assert toast(blocked) == "bad: This message has no usable sender address, so it cannot be blocked."
    for answer in (allowed, blocked):
        assert "Why it is held" in text(answer)  # the mail stays open
    assert log() == []


def test_blocking_makes_a_rule_without_an_end_and_leaves_the_mail(as_admin: Client) -> None:
    before = SenderRule.objects.filter(type="BLOCK").count()
    answer = act(as_admin, held("Donaudampf", "block"))
    rule = SenderRule.objects.get(value="info@schlagwort.example")
    assert (rule.type, str(rule.user), rule.expire_at, rule.spf_on) == ("BLOCK", seed.ANNA, None, None)
    assert SenderRule.objects.filter(type="BLOCK").count() == before + 1
    assert rule.description == f"Blocked from the quarantine by {ADMIN}, {timezone.localdate():%Y-%m-%d}"
    assert toast(answer) == f"ok: info@schlagwort.example is blocked permanently for {seed.ANNA}."
    assert "Why it is held" in text(answer)  # the mail stays open
    assert place("Donaudampf") == "Quarantine"
    assert log() == [(ADMIN, "addMailboxRule", f"BLOCK info@schlagwort.example: {seed.ANNA}", "done")]


def test_a_rule_that_is_there_already_is_fine(as_admin: Client) -> None:
    url = held("Donaudampf", "block")
    act(as_admin, url)
    assert toast(act(as_admin, url)) == f"ok: info@schlagwort.example is already blocked for {seed.ANNA}."
    assert SenderRule.objects.filter(value="info@schlagwort.example").count() == 1


def test_one_may_block_and_then_release_with_the_same_form(as_admin: Client) -> None:
    once = uuid4().hex
    assert toast(act(as_admin, held("Donaudampf", "block"), once=once)).startswith("ok: info@schlagwort.example is blocked permanently")
    assert toast(act(as_admin, held("Donaudampf"), once=once)).startswith("ok: Released. The message is on its way")
    assert place("Donaudampf") == "INBOX"


def test_an_end_user_may_allow_for_the_own_mailbox_only(as_owner: Client) -> None:
    assert toast(act(as_owner, held(INVOICE), allow="mailbox")).startswith("ok: Released.")
    partial = toast(act(as_owner, held("Jahresabschluss"), allow="domain", confirmed="1"))
    assert partial.startswith("warn: Released. The sender rule for peter.frei@frei-treuhand.example was not added. Your account")
    assert place("Jahresabschluss") == "INBOX"
    assert not SenderRule.objects.filter(value="peter.frei@frei-treuhand.example").exists()


def test_who_is_known_by_an_address_opens_files_and_makes_rules_too(as_owner: Client) -> None:
    """Mail goes by the id or the address, files (r:2081, r:2105) and sender rules (r:2787) by the id alone."""
    assert as_owner.post("/mailbox/", {"mailbox": seed.ANNA}).status_code == 302
    by_address = {page: held(INVOICE, page).replace(User.objects.get(email=seed.ANNA).uid, "anna.keller%2540nordwind.example", 1)
                  for page in ("mail-read", "block", "all-attachments")}  # fmt: skip
    shown = as_owner.get(by_address["mail-read"])
    assert shown.status_code == 200
    assert as_owner.get(str(find(shown, "a[href*='/attachments/'][href*='?name=']")[0].attributes["href"])).getvalue()
    assert as_owner.get(by_address["all-attachments"]).status_code == 200
    answer = act(as_owner, by_address["block"])
    assert toast(answer).startswith(f"ok: {RHEINTAL} is blocked permanently for {seed.ANNA}")
    removed = as_owner.post(changes(answer), {"once": uuid4().hex, "delete": "1"}, headers={"HX-Request": "true"})
    assert toast(removed) == f"ok: The rule for {RHEINTAL} was removed."
    assert not SenderRule.objects.filter(value=RHEINTAL).exists()


# Not allowed.

def test_who_may_not_release_is_told_what_and_the_buttons_go(as_helpdesk: Client) -> None:
    mail, other = held(INVOICE, "mail-read"), held("", "mail-read", "soeren.kjaer@nordwind-hafen.example")
    assert "Release r" in buttons(as_helpdesk.get(mail))
    answer = act(as_helpdesk, held(INVOICE))
    assert toast(answer).startswith("bad: Your account cannot do this: release a message. An administrator of the domain can.")
    assert "MAIL_RELEASE required" in toast(answer)
    pane = as_helpdesk.get(f"{mail}reading/", headers={"HX-Request": "true", "HX-Target": "reading"})
    for shown in (answer, pane, as_helpdesk.get(mail), as_helpdesk.get(held("Bewerbung", "mail-read"))):
        assert not find(shown, "[name=allow]")
        assert "Your account can view this message, but not release it." in text(shown)
    assert "Release r" in buttons(as_helpdesk.get(other))  # another domain may be another matter
    assert (place(INVOICE), log()[0][3]) == ("Quarantine", "refused")
    # The next session starts afresh.
    as_helpdesk.post("/sign-out/")
    again = signed_in(seed.demo_tokens()["helpdesk (read only)"])
    assert "Release r" in buttons(again.get(mail))


def test_without_javascript_who_may_not_release_gets_a_page(as_helpdesk: Client) -> None:
    answer = act(as_helpdesk, held(INVOICE), whole=True)
    assert "release a message" in text(answer, 403)
    assert text(one(answer, "h1")) == "Not allowed"
    assert not find(as_helpdesk.get(held(INVOICE, "mail-read")), "[name=allow]")


def test_who_may_not_block_is_told_and_that_button_goes(as_helpdesk: Client) -> None:
    answer = act(as_helpdesk, held(INVOICE, "block"))
    assert toast(answer).startswith(f"warn: The sender rule for {RHEINTAL} was not added. Your account cannot do this: add a")
    assert not [button for button in buttons(answer) if button.startswith("Block sender")]
    assert "Release r" in buttons(answer)  # nobody has refused that yet


def test_a_mail_that_is_gone_cannot_be_released(as_admin: Client) -> None:
    url = reverse("release", args=(User.objects.get(email=seed.ANNA).uid, "Quarantine", "0" * 32))
    answer = act(as_admin, url)
    assert answer.status_code == 404
    assert toast(answer).startswith("bad: Not found.")
    assert act(as_admin, url, whole=True).status_code == 404
    assert as_admin.get(url).status_code == 404


# The rule afterwards.

def changes(answer: HttpResponse) -> str:
    """The address of the form in a toast."""
    return attribute(answer, ".toast form[hx-post*='/rules/']", "hx-post")


@pytest.mark.parametrize("scope", ["mailbox", "domain"])
def test_the_rule_can_be_changed_and_removed_from_the_toast(scope: str, as_admin: Client) -> None:
    released = act(as_admin, held(INVOICE), allow=scope)
    url = changes(released)
    assert text(one(released, ".toast option[value='90'][selected]")) == "90 days"
    changed = act(as_admin, url, days="365", description="bleibt")
    assert toast(changed).startswith(f"ok: The rule for {RHEINTAL} was changed; it ends on ")
    rule = SenderRule.objects.get(value=RHEINTAL)
    assert rule.description == "bleibt"
    assert rule.expire_at
    assert abs(rule.expire_at - timezone.now() - timedelta(days=365)) < timedelta(minutes=5)
    assert (rule.type, rule.spf_on) == ("ALLOW", True)
    removed = act(as_admin, url, delete="1")
    assert toast(removed) == f"ok: The rule for {RHEINTAL} was removed."
    assert not SenderRule.objects.filter(value=RHEINTAL).exists()
    operations = ("updateMailboxRule", "deleteMailboxRule") if scope == "mailbox" else ("updateDomainRule", "deleteDomainRule")
    owner = seed.ANNA if scope == "mailbox" else "nordwind.example"
    assert [entry[1:] for entry in log()[2:]] == [(name, f"ALLOW {RHEINTAL}: {owner}", "done") for name in operations]
    assert act(as_admin, url, delete="1").status_code == 404


@pytest.mark.parametrize("scope", ["mailbox", "domain"])
def test_without_javascript_the_message_leads_to_the_rule(scope: str, as_admin: Client) -> None:
    folder = act(as_admin, held(INVOICE), whole=True, allow=scope)["Location"]
    url = link(one(as_admin.get(folder), "#toasts"), "Change")
    assert "/rules/" in url
    page = as_admin.get(url)
    assert "Allowed sender" in [text(heading) for heading in find(page, "h1, h2")]
    assert form(page, "description")["description"].startswith("Allowed from the quarantine")
    hub = act(as_admin, url, whole=True, days="0", description="für immer")
    assert hub.status_code == 302
    assert toast(as_admin.get(hub["Location"])) == f"ok: The rule for {RHEINTAL} was changed; it is permanent."
    rule = SenderRule.objects.get(value=RHEINTAL)
    assert (rule.expire_at, rule.description) == (None, "für immer")
    removed = act(as_admin, url, whole=True, delete="1")
    assert toast(as_admin.get(removed["Location"])) == f"ok: The rule for {RHEINTAL} was removed."


def test_a_rule_keeps_its_end_when_only_its_description_changes(as_admin: Client) -> None:
    released = act(as_admin, held(INVOICE), allow="mailbox")
    end = SenderRule.objects.get(value=RHEINTAL).expire_at
    assert end
    act(as_admin, changes(released), days="-1", description="neu")
    rule = SenderRule.objects.get(value=RHEINTAL)
    assert rule.description == "neu"
    assert rule.expire_at
    assert abs(rule.expire_at - end) < timedelta(seconds=1)


def test_an_end_that_is_over_cannot_stay(somebody: Client, gateway: Gateway) -> None:
    over = {"id": "r1", "type": "ALLOW", "value": "shop.example", "expireAt": 1_000_000_000_000}
    gateway.answer = lambda request: httpx.Response(200, json=[over], headers={"X-Total-Count": "1"})
    shown = somebody.get("/users/u1/rules/r1/?value=shop.example")
    assert form(shown, "days")["days"] == "90"
    assert "unchanged (" not in text(shown)


def test_a_rule_of_somebody_else_is_not_found(as_admin: Client) -> None:
    rule = SenderRule.objects.get(value="zoll.example")
    url = reverse("user-rule", args=(User.objects.get(email=seed.ANNA).uid, rule.uid)) + "?value=zoll.example"
    assert as_admin.get(url).status_code == 404
    assert act(as_admin, url, delete="1").status_code == 404
    assert SenderRule.objects.filter(pk=rule.pk).exists()


# The log.

def test_everybody_sees_the_own_activity_only(as_admin: Client, as_customer: Client) -> None:
    act(as_admin, held(INVOICE))
    act(as_customer, held("Donaudampf", "block"))
    assert "done" in chips(as_admin.get("/activity/"))
    mine, theirs = text(as_admin.get("/activity/")), text(as_customer.get("/activity/"))
    assert "release a message" in mine
    assert f"{seed.ANNA}: [SPAM] {INVOICE}" in mine
    assert "schlagwort.example" not in mine
    assert "add a sender rule to a mailbox" in theirs
    assert INVOICE not in theirs
    assert "release a message" in text(as_admin.get("/"))  # what one did last is on the first page too
    assert "release a message" not in text(as_customer.get("/"))


def test_the_log_holds_no_token_and_nothing_of_what_a_mail_says(as_owner: Client, sandbox: dict[str, str]) -> None:
    act(as_owner, held(INVOICE), allow="mailbox")
    for entry in Entry.objects.all():
        written = " ".join(str(value) for value in vars(entry).values())
        assert sandbox["owner"] not in written
        assert "CHF" not in written


def test_a_long_log_comes_in_pages(as_admin: Client) -> None:
    owner = as_admin.session["owner"]
    Entry.objects.bulk_create(Entry(owner=owner, who="x", operation="x", target=f"nr {n}", result="done") for n in range(95))
    first, last = text(as_admin.get("/activity/")), text(as_admin.get("/activity/?page=3"))
    assert first.index("nr 94") < first.index("nr 55")
    assert "nr 54" not in first
    assert "Page 1 of 3" in first
    assert "nr 0 " in last
    assert "Page 3 of 3" in text(as_admin.get("/activity/?page=99"))


# At the same moment.

@pytest.fixture
def slow_releases(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The releases that the sandbox was asked for; each takes until a second person has read a message."""
    seen: list[str] = []
    reads: list[str] = []
    another = threading.Condition()
    at_once = SandboxTransport.handle_request

    def handle(transport: SandboxTransport, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/release"):
            seen.append(request.url.path)
            with another:
                another.wait_for(lambda: len(reads) > 1, timeout=10)
        answer = at_once(transport, request)
        if request.method == "GET" and "/emails/Quarantine/" in request.url.path:
            with another:
                reads.append(request.url.path)
                another.notify_all()
        return answer

    monkeypatch.setattr(SandboxTransport, "handle_request", handle)
    return seen


def together(*calls: Callable[[], HttpResponse]) -> list[HttpResponse]:
    """Several people, or several clicks, at the same moment."""
    start = threading.Barrier(len(calls), timeout=60)

    def run(call: Callable[[], HttpResponse]) -> HttpResponse:
        start.wait()
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def again(browser: Client) -> Client:
    """A second tab of the same browser."""
    tab = Client()
    tab.cookies = browser.cookies
    return tab


def test_a_double_click_releases_once(as_admin: Client, slow_releases: list[str]) -> None:
    url, once = held(INVOICE), uuid4().hex
    tabs = (as_admin, again(as_admin), again(as_admin))
    answers = together(*(lambda tab=tab: act(tab, url, once=once) for tab in tabs))  # type: ignore[misc]
    assert len(slow_releases) == 1
    assert sorted(map(toast, answers)) == [
        *[f"ok: Already released by {ADMIN}. It was not sent again."] * 2,
        "ok: Released. The message is on its way to the mailbox.",
    ]
    assert [entry[3] for entry in log()] == ["done"]
    assert toast(act(as_admin, url, once=once)).startswith("ok: Already released")  # and the back button, later


def test_two_people_at_the_same_moment_release_once(as_admin: Client, as_customer: Client, slow_releases: list[str]) -> None:
    url, shown = held(INVOICE), [one_time_key() for _person in range(2)]  # both see it before either releases it
    answers = together(lambda: act(as_admin, url, once=shown[0]), lambda: act(as_customer, url, once=shown[1]))
    assert len(slow_releases) == 1
    assert [answer.status_code for answer in answers] == [200, 200]
    said = " ".join(map(toast, answers))
    assert "Released. The message is on its way to the mailbox." in said
    assert re.search(r"Already released by (operations@gateway|julia\.brandt@nordwind)\.example\.", said)
    assert place(INVOICE) == "INBOX"


def test_two_mails_at_the_same_moment_are_two_releases(as_admin: Client, as_customer: Client, slow_releases: list[str]) -> None:
    urls = held(INVOICE), held("Bewerbung")
    answers = together(lambda: act(as_admin, urls[0]), lambda: act(as_customer, urls[1]))
    assert [toast(answer) for answer in answers] == ["ok: Released. The message is on its way to the mailbox."] * 2
    assert len(slow_releases) == 2


# With a gateway that misbehaves.

URL = "/users/u1/mail/Quarantine/m1/release/"
BLOCK = "/users/u1/mail/Quarantine/m1/block/"
PASSED = {"Authentication-Results": "mx; spf=pass smtp.mailfrom=shop.example; dkim=pass header.d=shop.example; dmarc=pass"}


def believable(request: httpx.Request) -> httpx.Response:
    """Every read works, every write too."""
    match request.url.path:
        case "/users/u1":
            return httpx.Response(200, json={"id": "u1", "email": "anna@nordwind.example", "domainId": "d1"})
        case "/domains/d1":
            names = {"name": "nordwind.example", "domainAliases": [{"name": "nordwind-ag.example"}]}
            return httpx.Response(200, json={"id": "d1", "customer": {"id": "c1"}, **names})
        case "/domains":
            known = {"hafen.example": "c1", "shop.example": "c2"}
            return httpx.Response(200, json=[{"name": name, "customer": {"id": id}} for name, id in known.items()])
    if request.method == "POST" and request.url.path.endswith("/wblist"):
        return httpx.Response(201, json=[{"id": "r1", "value": "info@shop.example", "type": "ALLOW"}])
    if request.method == "GET":
        return httpx.Response(200, json={"id": "m1", "from": "Shop <info@shop.example>", "headers": PASSED})
    return httpx.Response(204)


def writing(answer: Answer, ending: str = "/release") -> Answer:
    """A gateway whose writes to such an address are answered so."""
    def handle(request: httpx.Request) -> httpx.Response:
        return answer(request) if request.method != "GET" and request.url.path.endswith(ending) else believable(request)

    return handle


def refusing(status: int, **body: Any) -> Answer:
    return lambda request: httpx.Response(status, json={"code": status, **body})


def silence(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("no answer", request=request)


def nothing_there(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


@pytest.fixture
def somebody(browser_of_somebody: Client, gateway: Gateway) -> Client:
    gateway.answer = believable
    return browser_of_somebody


def writes(gateway: Gateway) -> list[str]:
    """What the gateway was asked to change."""
    return [f"{request.method} {request.url.path}" for request in gateway.asked if request.method != "GET"]


RELEASED = "POST /users/u1/emails/Quarantine/m1/release"


def test_looking_at_the_forms_does_nothing(somebody: Client, gateway: Gateway) -> None:
    for url in (
        URL, f"{URL}?allow=domain&confirmed=1&infected=1&once=x&days=30", BLOCK, f"{BLOCK}?once=x&confirmed=1",
        "/users/u1/rules/m1/?value=x&delete=1", "/batches/release/?user=u1&folder=Quarantine&mail=m1",
    ):
        for headers in ({}, {"HX-Request": "true", "HX-Target": "reading"}):
            assert somebody.get(url, headers=headers).status_code in (200, 204, 302, 404, 502)
            assert somebody.head(url, headers=headers).status_code in (200, 204, 302, 404, 405, 502)
    assert writes(gateway) == []
    assert log() == []


def test_the_forms_show_what_they_would_do(somebody: Client) -> None:
    shown = somebody.get(f"{URL}?allow=domain&days=30&description=wie+besprochen")
    assert "info@shop.example will be allowed for everyone in nordwind.example." in text(shown)
    filled = form(shown, "days")
    assert (filled["days"], filled["description"]) == ("30", "wie besprochen")
    assert "info@shop.example will be allowed for anna@nordwind.example." in text(somebody.get(f"{URL}?allow=mailbox"))
    assert "will be allowed" not in text(somebody.get(f"{URL}?allow=x"))
    assert "Messages from info@shop.example to anna@nordwind.example will be blocked from now on." in text(somebody.get(BLOCK))


def test_no_form_acts_without_its_token(somebody: Client, gateway: Gateway) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = somebody.cookies
    for url in (URL, BLOCK, "/users/u1/rules/m1/?value=x", "/batches/release/", "/sign-out/", "/language/", "/sign-in/"):
        answer = strict.post(url, {"once": "x", "mail": "m1", "user": "u1", "folder": "Quarantine"})
        assert "This form is out of date" in text(answer, 403), url
    assert gateway.asked == []
    assert somebody.get("/activity/").status_code == 200


def test_one_click_twice_is_one_release(somebody: Client, gateway: Gateway) -> None:
    answers = [act(somebody, URL, once="key") for _ in range(3)]
    assert writes(gateway) == [RELEASED]
    assert toast(answers[0]) == "ok: Released. The message is on its way to the mailbox."
    assert toast(answers[2]).startswith("ok: Already released by token ")
    assert len(log()) == 1


def test_one_click_twice_is_one_rule(somebody: Client, gateway: Gateway) -> None:
    act(somebody, BLOCK, once="key")
    assert toast(act(somebody, BLOCK, once="key")) == "ok: This was already done. It was not repeated."
    assert writes(gateway) == ["POST /users/u1/wblist"]


def test_the_key_of_somebody_elses_form_is_worth_nothing(somebody: Client, gateway: Gateway) -> None:
    act(somebody, BLOCK, once="key")
    gateway.answer = lambda request: httpx.Response(200, json=[]) if request.url.path == "/users" else believable(request)
    other = signed_in("the-token-of-another")
    assert "Already released" not in source(act(other, URL, once="key"))
    assert RELEASED in writes(gateway)


@pytest.mark.parametrize("failure", [silence, refusing(500), lambda request: httpx.Response(200, html="<h1>WLAN</h1>")])
def test_a_release_without_a_clear_answer_is_unknown_and_never_sent_twice(
    failure: Answer, somebody: Client, gateway: Gateway,
) -> None:
    gateway.answer = writing(failure)
    answer = act(somebody, URL, once="key", allow="mailbox", confirmed="1")
    assert toast(answer).startswith("warn: We do not know whether the message was released")
    assert text(one(swapped(answer), "li.mail.unknown .chip.warn")) == "Unknown, check"
    assert writes(gateway) == [RELEASED]  # and no rule for a mail that may not have been released
    gateway.answer = believable
    again = act(somebody, URL, once="key", allow="mailbox", confirmed="1")
    assert toast(again).startswith("warn: This release was already started, and its result is unknown.")
    assert writes(gateway) == [RELEASED]
    assert [entry[3] for entry in log()] == ["unknown"]
    assert "unknown" in chips(somebody.get("/activity/"))


@pytest.mark.parametrize(
    ("failure", "status"), [(refusing(429), 429), (nothing_there, 503), (refusing(409), 409), (refusing(403), 200)],
)
def test_a_refused_try_may_be_repeated_with_the_same_form(
    failure: Answer, status: int, somebody: Client, gateway: Gateway,
) -> None:
    gateway.answer = writing(failure)
    assert act(somebody, URL, once="key").status_code == status
    gateway.answer = believable
    assert toast(act(somebody, URL, once="key")) == "ok: Released. The message is on its way to the mailbox."
    assert [entry[3] for entry in log()] == ["refused", "done"]


def test_a_refused_release_makes_no_rule(somebody: Client, gateway: Gateway) -> None:
    gateway.answer = writing(refusing(422, message="Mailbox is full."))
    answer = act(somebody, URL, allow="mailbox", confirmed="1")
    assert answer.status_code == 422
    assert "Mailbox is full." in toast(answer)
    assert writes(gateway) == [RELEASED]
    assert Entry.objects.get().reason == "Mailbox is full."


@pytest.mark.parametrize(("failure", "said", "result"), [
    (refusing(403), "was not added. Your account cannot do this: add a sender rule to a mailbox.", "refused"),
    (refusing(422, message="No more rules."), "was not added. The gateway refused the request. (No more rules.)", "refused"),
    (refusing(404), "was not added. It does not exist", "refused"),
    (nothing_there, "was not added. The gateway cannot be reached.", "refused"),
    (refusing(500), "It is unclear whether the sender rule for info@shop.example was added.", "unknown"),
    (silence, "It is unclear whether the sender rule for info@shop.example was added.", "unknown"),
    (lambda request: httpx.Response(201, content=b"[{"), "It is unclear whether the sender rule", "unknown"),
])
def test_a_rule_that_fails_after_a_release_is_told_as_half_done(
    failure: Answer, said: str, result: str, somebody: Client, gateway: Gateway,
) -> None:
    gateway.answer = writing(failure, "/wblist")
    answer = act(somebody, URL, allow="mailbox", confirmed="1")
    assert answer.status_code == 200
    assert toast(answer).startswith("warn: Released. ")
    assert said in toast(answer)
    assert "Change" not in toast(answer)
    assert one(swapped(answer), "li.mail.released")  # the row says what is true of the mail
    assert [entry[3] for entry in log()] == ["done", result]


def test_a_rule_that_is_there_after_a_release_is_as_good(somebody: Client, gateway: Gateway) -> None:
    gateway.answer = writing(refusing(409), "/wblist")
    answer = act(somebody, URL, allow="domain", confirmed="1")
    assert toast(answer) == "ok: Released. info@shop.example is already allowed for nordwind.example."


def test_a_session_that_ends_between_release_and_rule_leads_to_the_sign_in(somebody: Client, gateway: Gateway) -> None:
    gateway.answer = writing(refusing(401), "/wblist")
    answer = act(somebody, URL, allow="mailbox", confirmed="1")
    assert answer["HX-Redirect"].startswith("/sign-in/?next=")
    assert [entry[1::2] for entry in log()] == [("releaseEmail", "done"), ("addMailboxRule", "refused")]


def test_a_block_without_a_clear_answer_is_not_said_to_have_failed(somebody: Client, gateway: Gateway) -> None:
    gateway.answer = writing(silence, "/wblist")
    assert toast(act(somebody, BLOCK, once="key")).startswith("warn: It is unclear whether the sender rule")
    again = toast(act(somebody, BLOCK, once="key"))
    assert again.startswith("warn: We do not know whether it happened.")
    assert writes(gateway) == ["POST /users/u1/wblist"]


def test_a_virus_that_no_header_tells_of_is_asked_about(somebody: Client, gateway: Gateway) -> None:
    infected = {"X-Virus-Lover": False}

    def release(request: httpx.Request) -> httpx.Response:
        infected["X-Virus-Lover"] = "X-Virus-Lover" in request.headers
        return httpx.Response(204 if infected["X-Virus-Lover"] else 412, json={} if not infected["X-Virus-Lover"] else None)

    gateway.answer = writing(release)
    asked = act(somebody, URL)
    assert asked["HX-Retarget"] == "#dialog"
    assert "The gateway says that this message is infected." in text(asked)
    assert not infected["X-Virus-Lover"]
    done = act(somebody, URL, infected="1", **sent(asked))
    assert toast(done).startswith("ok: Released.")
    assert infected["X-Virus-Lover"]
    assert len(writes(gateway)) == 2


def test_only_an_accepted_virus_is_sent_with_the_header_for_it(somebody: Client, gateway: Gateway) -> None:
    act(somebody, URL)
    act(somebody, URL, allow="mailbox", confirmed="1")
    act(somebody, BLOCK)
    assert ["X-Virus-Lover" in request.headers for request in gateway.asked] == [False] * len(gateway.asked)


def test_a_mail_that_is_clean_after_all_is_released_without_the_header(somebody: Client, gateway: Gateway) -> None:
    gateway.answer = writing(lambda request: httpx.Response(412 if "X-Virus-Lover" in request.headers else 204))
    assert toast(act(somebody, URL, infected="1", once="key")).startswith("ok: Released.")
    assert writes(gateway) == [RELEASED] * 2
    assert toast(act(somebody, URL, infected="1", once="key")).startswith("ok: Already released")
    assert writes(gateway) == [RELEASED] * 2
    assert [entry[3] for entry in log()] == ["refused", "done"]


@pytest.mark.parametrize(("sender", "reason"), [
    ("ceo@nordwind.example", "nordwind.example is the customer's own domain"),
    ("ceo@NORDWIND.example", "nordwind.example is the customer's own domain"),
    ("ceo@mail.nordwind.example", "mail.nordwind.example is the customer's own domain"),
    ("ceo@nordwind-ag.example", "nordwind-ag.example is the customer's own domain"),  # another name of the domain
    ("ceo@hafen.example", "hafen.example is the customer's own domain"),  # another domain of the same customer
    ("info@shop.example", ""),  # a domain of another customer
    ("info@notnordwind.example", ""),
    ("a@gmx.net", "gmx.net is a free email service"),
])
def test_the_customers_own_domains_are_known_by_all_their_names(
    sender: str, reason: str, somebody: Client, gateway: Gateway,
) -> None:
    domain = sender.rpartition("@")[2].lower()
    checks = {"Authentication-Results": f"mx; spf=pass smtp.mailfrom={domain}; dmarc=pass header.from={domain}"}
    message = {"id": "m1", "from": sender, "headers": checks}
    gateway.answer = lambda request: (
        httpx.Response(200, json=message) if request.method == "GET" and request.url.path.endswith("/m1") else believable(request)
    )
    answer = act(somebody, URL, allow="mailbox")
    assert ("Release and allow the sender?" in text(answer)) == bool(reason)
    assert reason in text(answer)
    (asked,) = [request for request in gateway.asked if request.url.path == "/domains"]
    assert asked.url.params["name"] == domain


def test_who_saw_another_sender_is_asked_again(somebody: Client, gateway: Gateway) -> None:
    asked = act(somebody, URL, allow="mailbox", confirmed="1", sender="info@other.example")
    assert asked["HX-Retarget"] == "#dialog"
    warning = "This message now has a different sender (info@shop.example) from the one you saw (info@other.example)."
    assert warning in text(asked)
    assert toast(act(somebody, BLOCK, sender="info@other.example")) == f"bad: {warning}"
    assert writes(gateway) == []
    assert toast(act(somebody, URL, allow="mailbox", sender="info@shop.example")).startswith("ok: Released.")


def test_a_sender_whom_nobody_checked_is_asked_about_for_a_whole_domain(somebody: Client, gateway: Gateway) -> None:
    def unchecked(request: httpx.Request) -> httpx.Response:
        mail = request.method == "GET" and request.url.path.endswith("/m1")
        return httpx.Response(200, json={"id": "m1", "from": "info@shop.example"}) if mail else believable(request)

    gateway.answer = unchecked
    assert "It was not checked whether the message really comes from shop.example." in text(act(somebody, URL, allow="domain"))
    assert writes(gateway) == []
    assert toast(act(somebody, URL, allow="mailbox")).startswith("ok: Released.")


def test_a_look_at_the_domains_that_fails_is_no_reason_to_stop(somebody: Client, gateway: Gateway) -> None:
    gateway.answer = lambda request: refusing(500)(request) if "/domains" in request.url.path else believable(request)
    assert toast(act(somebody, URL, allow="mailbox")).startswith("ok: Released. info@shop.example is allowed")


def test_changing_a_rule_twice_with_one_form_changes_it_once(somebody: Client, gateway: Gateway) -> None:
    rules = [{"id": "r1", "value": "info@shop.example", "type": "ALLOW", "owner": "anna@nordwind.example", "spfOn": True}]
    gateway.answer = lambda request: httpx.Response(200, json=rules) if request.method == "GET" else httpx.Response(204)
    url = "/users/u1/rules/r1/?value=info@shop.example"
    act(somebody, url, once="key", days="30")
    assert toast(act(somebody, url, once="key", days="30")) == "ok: This was already done. It was not repeated."
    assert writes(gateway) == ["PUT /users/u1/wblist/r1"]
    assert [entry.result for entry in Entry.objects.all()] == [Result.DONE]


def test_a_rule_form_that_makes_no_sense_comes_back_with_what_was_typed(somebody: Client, gateway: Gateway) -> None:
    rules = [{"id": "r1", "value": "info@shop.example", "type": "ALLOW"}]
    gateway.answer = lambda request: httpx.Response(200, json=rules)
    answer = act(somebody, "/users/u1/rules/r1/", whole=True, days="17", description="von Hand")
    assert form(answer, "days")["description"] == "von Hand"
    assert find(answer, "p.problem[role=alert]")
    assert writes(gateway) == []


def test_a_rule_that_the_gateway_refuses_to_change_comes_back_with_what_was_typed(somebody: Client, gateway: Gateway) -> None:
    rules = [{"id": "r1", "value": "info@shop.example", "type": "ALLOW"}]
    refused = refusing(422, message="Rule 1 is not valid.", fields={"description": "no such words, please"})
    gateway.answer = lambda request: httpx.Response(200, json=rules) if request.method == "GET" else refused(request)
    answer = act(somebody, "/users/u1/rules/r1/", whole=True, days="30", description="von Hand")
    assert "no such words, please" in text(answer, 422)
    assert "Rule 1 is not valid." in text(answer, 422)
    filled = form(answer, "days")
    assert (filled["days"], filled["description"]) == ("30", "von Hand")


# Two clicks, of which one is a little faster.

def toasts(answer: HttpResponse) -> list[str]:
    """What all the toasts of an answer say."""
    return [text(words) for words in find(answer, "#toasts .toast > p, [hx-swap-oob] .toast > p, body > .toast > p")]


RULE = {"id": "r1", "value": "info@shop.example", "type": "ALLOW", "owner": "anna@nordwind.example"}
TWICE = "This was already done. It was not repeated."


class Once:
    """A gateway where what was written is gone afterwards: a mail that was released, the mail of a sender that was blocked, a rule."""

    def __init__(self) -> None:
        self.gone = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            self.gone = True
            return believable(request)
        if request.url.path.endswith("/wblist"):
            return httpx.Response(200, json=[] if self.gone else [RULE])
        return refusing(404)(request) if self.gone and request.url.path.endswith("/m1") else believable(request)


@pytest.mark.parametrize("whole", [False, True])
def test_a_click_that_was_a_little_faster_releases_and_both_say_so(whole: bool, as_admin: Client, other_click: Any) -> None:
    url, once = held(INVOICE), uuid4().hex
    other_click(lambda: act(again(as_admin), url, once=once))
    answer = act(as_admin, url, once=once, whole=whole)
    assert toasts(as_admin.get(answer["Location"]) if whole else answer) == [f"Already released by {ADMIN}. It was not sent again."]
    assert (place(INVOICE), [entry[3] for entry in log()]) == ("INBOX", ["done"])


@pytest.mark.parametrize("url", [BLOCK, "/users/u1/rules/r1/", "/domains/d1/rules/senders/r1/"])
@pytest.mark.parametrize("button", [{"days": "30"}, {"days": "30", "delete": "1"}])
@pytest.mark.parametrize("whole", [False, True])
def test_a_click_that_was_a_little_faster_changes_a_rule_and_both_say_so(
    whole: bool, button: dict[str, str], url: str, somebody: Client, gateway: Gateway, other_click: Any,
) -> None:
    gateway.answer = Once()
    other_click(lambda: act(again(somebody), url, once="key", **button))
    answer = act(somebody, url, once="key", whole=whole, **button)
    assert answer.status_code == (302 if whole else 200)
    assert toasts(somebody.get("/activity/") if whole else answer) == [TWICE]
    assert len(writes(gateway)) == 1


@pytest.mark.parametrize("whole", [False, True])
def test_what_a_click_has_seen_of_a_faster_one_is_told_once(whole: bool, somebody: Client, gateway: Gateway) -> None:
    def another_click_before_the_answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/m1"):
            gateway.answer = believable
            act(again(somebody), URL, once="key")
        return believable(request)

    gateway.answer = another_click_before_the_answer
    answer = act(somebody, URL, once="key", whole=whole)
    (told,) = toasts(somebody.get("/activity/") if whole else answer)
    assert told.startswith("Already released by token ")
    assert writes(gateway) == [RELEASED]


def test_a_click_that_knows_of_no_faster_one_says_what_is_wrong(somebody: Client, gateway: Gateway, other_click: Any) -> None:
    gateway.answer = once = Once()
    other_click(lambda: setattr(once, "gone", True))  # somebody else took it away
    assert act(somebody, URL, once="key").status_code == 404
    assert act(somebody, "/users/u1/rules/r1/", once="key", delete="1").status_code == 404
    assert log() == []
