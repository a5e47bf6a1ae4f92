"""The search in a folder: every documented criterion, how they are joined, and what is told when nothing comes of it."""

import re
from typing import Any

import httpx
import pytest
from django.test import Client
from django.urls import reverse

from sandbox import seed
from sandbox.models import Mail, User
from tests.conftest import Gateway
from tests.shown import attribute, find, one, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])

PANEL = {"HX-Request": "true", "HX-Target": "held"}
INVOICE = "[SPAM] Rechnung R-48213 zu Ihrer Bestellung 7715"


def search(browser: Client, **asked: str) -> Any:
    user = User.objects.get(email=seed.ANNA).uid
    answer = browser.get(reverse("mail-list-panel", args=(user, "Quarantine")), asked, headers=PANEL)
    assert answer.status_code == 200, answer.status_code
    return answer


def subjects(shown: Any) -> list[str]:
    return [text(subject) for subject in find(shown, ".subject")]


def all_subjects() -> list[str]:
    held = Mail.objects.filter(folder__user__email=seed.ANNA, folder__path="Quarantine").order_by("-sent_date")
    return [row.subject or "(no subject)" for row in held]


@pytest.mark.parametrize(("asked", "sent"), [
    ({"to": "anna", "cc": "beat", "body": "Palette"}, {"to": "anna", "cc": "beat", "body": "Palette"}),
    ({"id": "<a@b.example>"}, {"id": "a@b.example"}),
    ({"id": " 0af3 "}, {"id": "0af3"}),
    ({"sender": "x", "subject": "y", "operator": "AND"}, {"from": "x", "subject": "y"}),
    ({"sender": "x", "subject": "y", "operator": "OR"}, {"from": "x", "subject": "y", "operator": "OR"}),
    ({"sender": "x", "operator": "NOT"}, {"from": "x", "operator": "NOT"}),
    ({"operator": "NOT"}, {}),  # without anything to join, it is no search
    ({"operator": "OR", "sender": "  ", "id": "<>"}, {}),
])
def test_each_criterion_is_sent_by_the_name_that_the_gateway_has_for_it(
    asked: dict[str, str], sent: dict[str, str], browser_of_somebody: Client, gateway: Gateway,
) -> None:
    browser_of_somebody.get("/users/u1/panels/mail/Quarantine/", asked, headers=PANEL)
    (request,) = gateway.asked
    assert dict(request.url.params) == {"offset": "0", "pageSize": "40", **sent}


def test_the_recipients_and_the_id_find_mail(as_admin: Client) -> None:
    invoice = Mail.objects.get(folder__user__email=seed.ANNA, subject=INVOICE)
    for asked in ({"id": invoice.fuglu_id}, {"id": f"<{invoice.message_id}>"}, {"sender": "rheintal", "to": "ANNA.KELLER"}):
        assert subjects(search(as_admin, **asked)) == [INVOICE]
    assert subjects(search(as_admin, to="nobody-at-all")) == []
    assert subjects(search(as_admin, cc="nobody-at-all")) == []


def test_the_owner_finds_mail_by_its_text(as_owner: Client, as_admin: Client) -> None:
    invoice = Mail.objects.get(folder__user__email=seed.ANNA, subject=INVOICE)
    word = next(word for word in re.findall(r"[a-z]{8,}", re.sub(r"<[^>]+>", " ", invoice.source.content)))
    found = subjects(search(as_owner, body=word))
    assert INVOICE in found
    assert len(found) < len(all_subjects())
    refused = search(as_admin, body=word)
    assert subjects(refused) == []
    assert "You cannot search the text of this mailbox." in text(refused)
    assert attribute(refused, "[name=body]", "value") == word
    assert find(refused, "details.more[open]")


def test_criteria_are_joined_as_the_reader_says(as_admin: Client) -> None:
    both = {"sender": "rheintal", "subject": "Anfrage"}
    assert subjects(search(as_admin, **both)) == []
    either = subjects(search(as_admin, **both, operator="OR"))
    assert sorted(either) == sorted([INVOICE, "[SPAM] Re: Ihre Anfrage"])
    neither = subjects(search(as_admin, **both, operator="NOT"))
    assert neither == [subject for subject in all_subjects() if subject not in either]


@pytest.mark.parametrize(("asked", "said"), [
    ({"after": "31.02.2026"}, "Enter a valid date."), ({"before": "yesterday", "sender": "x"}, "Enter a valid date."),
    ({"after": "2026-03-02", "before": "2026-03-01"}, "“To date” is before “From date”."),
    ({"operator": "XOR", "sender": "x"}, "Select a valid choice."), ({"to": "x" * 201}, "at most 200 characters"),
    ({"subject": "a\0b"}, "Null characters"),
])
def test_a_search_that_makes_no_sense_is_told_and_lists_nothing(
    asked: dict[str, str], said: str, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    answer = browser_of_somebody.get("/users/u1/panels/mail/Quarantine/", asked, headers=PANEL)
    shown = text(answer)
    assert gateway.asked == []
    assert said in shown
    assert "Not searched. Correct the fields marked above." in shown
    assert "0 messages" not in shown
    assert "This folder is empty." not in shown
    assert one(answer, f"#{attribute(answer, '[aria-describedby$=_error]', 'aria-describedby')}")


def test_an_empty_result_tells_what_was_searched(as_admin: Client) -> None:
    shown = search(as_admin, sender="nobody", subject="<b>nothing", before="2001-01-31", operator="OR")
    assert text(shown).partition("No messages match this search. ")[2].startswith("Searched in Quarantine: Sender “nobody”, Subject “<b>nothing”, To date “2001-01-31” (any field)")
    assert "(" not in text(search(as_admin, sender="nobody")).partition("No messages match this search.")[2]


@pytest.mark.parametrize(("asked", "opened"), [
    ({}, False), ({"sender": "x"}, False), ({"sender": "x", "operator": "AND"}, False), ({"cc": "x"}, True),
    ({"sender": "x", "operator": "OR"}, True),
])
def test_what_is_seldom_needed_is_out_of_the_way(asked: dict[str, str], opened: bool, as_admin: Client) -> None:
    shown = search(as_admin, **asked)
    assert bool(find(shown, "details.more[open]")) == opened
    assert not find(shown, "details.more [name=before]") and one(shown, "details.more [name=to]")


def test_addresses_keep_all_of_a_search(as_admin: Client) -> None:
    asked = {"to": "anna", "sender": "rheintal", "operator": "OR", "id": "zzz"}
    link = str(find(search(as_admin, **asked), "a[href*='sender=']")[0].attributes["href"])
    for part in ("to=anna", "sender=rheintal", "operator=OR", "id=zzz"):
        assert part in link


@pytest.mark.parametrize("status", [403, 500])
def test_a_refusal_of_another_search_is_a_refusal_of_the_folder(status: int, browser_of_somebody: Client, gateway: Gateway) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status) if "emails" in request.url.path else httpx.Response(200, json={"id": "u1"})

    gateway.answer = answer
    shown: Any = browser_of_somebody.get("/users/u1/mail/Quarantine/", {"cc": "x"})
    assert "You cannot search the text" not in text(shown)
    assert find(shown, ".failed")
