"""Mail as it really comes: senders with comments, names that turn around, dates that cannot be true, answers of DNS."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from tests.conftest import Gateway
from tests.shown import attribute, find, source, text

pytestmark = pytest.mark.django_db
LIST, READING = {"HX-Request": "true", "HX-Target": "held"}, {"HX-Request": "true", "HX-Target": "reading"}
URL, PANEL = "/users/u1/mail/Quarantine/", "/users/u1/panels/mail/Quarantine/"
LETTERS, ASCII = "boss@grüne-fracht.example", "boss@xn--grne-fracht-uhb.example"


def rows(answer: HttpResponse) -> list[str]:
    return [text(subject) for subject in find(answer, ".subject bdi")]


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def message(id: str = "m1", **fields: Any) -> dict[str, Any]:
    return {"id": id, "subject": id, "from": "Eve <eve@crook.example>", "sentDate": milliseconds(timezone.now()), "headers": {}, **fields}


def holding(*messages: dict[str, Any]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method == "POST":
            return httpx.Response(201, json=[{"id": "r1", "value": "x"}] if path.endswith("/wblist") else {})
        if path.endswith("/Quarantine"):
            return httpx.Response(200, json=list(messages), headers={"X-Total-Count": str(len(messages))})
        if "/emails/Quarantine/" in path:
            return httpx.Response(200, json=next(one for one in messages if path.endswith(f"/{one['id']}")))
        return httpx.Response(200, json={"id": "u1", "email": "anna@nordwind.example", "domainId": "d1"})

    return answer


def read(somebody: Client, gateway: Gateway, **fields: Any) -> HttpResponse:
    gateway.answer = holding(message(**fields))
    return somebody.get(URL + "m1/reading/", headers=READING)


# Who it is from

@pytest.mark.parametrize(("sender", "shown"), [
    ("root@db1.example (Cron Daemon)", ["Cron Daemon", "root@db1.example"]),
    ("MAILER-DAEMON@mx.example (Mail Delivery System)", ["Mail Delivery System", "MAILER-DAEMON@mx.example"]),
    (f"Boss <{ASCII}>", ["Boss", LETTERS]),
    ("Team: eve@crook.example;", ["Team", "eve@crook.example"]),
    ("<@relay.example:eve@crook.example>", ["eve@crook.example"]),
])
def test_a_sender_is_shown_and_can_be_blocked(sender: str, shown: list[str], browser_of_somebody: Client, gateway: Gateway) -> None:
    page = read(browser_of_somebody, gateway, **{"from": sender})
    for piece in shown:
        assert piece in text(page)
    assert find(page, "[name=block]")
    assert shown[0] in text(browser_of_somebody.get(PANEL, headers=LIST))


def test_several_senders_are_all_shown_and_none_can_be_blocked(browser_of_somebody: Client, gateway: Gateway) -> None:
    page = read(browser_of_somebody, gateway, **{"from": "a@one.example, Ben <b@two.example>"})
    assert "a@one.example, Ben <b@two.example>" in text(page)
    assert "This message names several senders: a@one.example, b@two.example." in text(page)
    assert not find(page, "[name=block]")
    headers = {"From": ["a@one.example", "b@two.example"]}
    assert "several senders" in text(read(browser_of_somebody, gateway, headers=headers, **{"from": "a@one.example"}))


def test_nobody_as_the_sender_is_told(browser_of_somebody: Client, gateway: Gateway) -> None:
    page = read(browser_of_somebody, gateway, headers={"From": "<>", "Return-Path": "<>"}, **{"from": ""})
    assert "This message has no sender" in text(page)
    assert "<> no return address" in text(page)
    assert "<>" in [text(who) for who in find(browser_of_somebody.get(PANEL, headers=LIST), "bdi")]


def test_any_foreign_address_to_answer_to_warns(browser_of_somebody: Client, gateway: Gateway) -> None:
    headers = {"Reply-To": "eve@crook.example, Accounts <pay@desk.example> (fast)"}
    assert "Replies go to a different address: pay@desk.example." in text(read(browser_of_somebody, gateway, headers=headers))


@pytest.mark.parametrize("sender", [LETTERS, ASCII])
def test_a_sender_with_letters_of_its_own_is_a_rule_in_ascii_and_told_in_letters(
    sender: str, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    gateway.answer = holding(message(**{"from": sender}))
    done = browser_of_somebody.post(URL + "m1/block/", {"sender": sender, "once": "x" * 20}, headers=READING)
    assert f"{LETTERS} is blocked permanently for anna@nordwind.example" in text(done)
    (sent,) = [request for request in gateway.asked if request.method == "POST"]
    assert ASCII in sent.content.decode()


def test_a_second_signature_of_the_senders_own_domain_proves_it(browser_of_somebody: Client, gateway: Gateway) -> None:
    results = "mx1; spf=pass smtp.mailfrom=m.example; dkim=pass header.d=m.example; dkim=pass header.d=crook.example header.i=@a.crook.example"
    assert "Confirmed to come from crook.example." in text(read(browser_of_somebody, gateway, headers={"Authentication-Results": results}))


# Names that turn around

def test_a_file_name_that_turns_around_is_spelled_out_and_called_misleading(browser_of_somebody: Client, gateway: Gateway) -> None:
    files = [{"id": "2", "name": "Rechnung_77_\u202efdp.exe", "size": 5}, {"id": "3", "name": "Plan.pdf", "size": 5}]
    page = read(browser_of_somebody, gateway, attachments={"attachments": files, "count": 2})
    assert "Rechnung_77_[U+202E]fdp.exe" in text(page)
    assert text(page).count("misleading name It is a .exe file.") == 1
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", source(page))


@pytest.mark.parametrize("odd", ["\u202e", "\u202d", "\u202b", "\u2067", "\u2066", "\x07", "\x85"], ids=ascii)
def test_nothing_that_a_message_says_turns_a_page_around(odd: str, browser_of_somebody: Client, gateway: Gateway) -> None:
    said = f"a{odd}b"
    fields = {"subject": said, "from": f"{said} <eve@crook.example>", "to": [said], "cc": [said], "headers": {said: said, "Return-Path": said}}
    read(browser_of_somebody, gateway, **fields)
    for page in (browser_of_somebody.get(PANEL, headers=LIST), browser_of_somebody.get(URL + "m1/"), browser_of_somebody.get(URL + "m1/release/")):
        assert odd not in source(page)
        assert f"a[U+{ord(odd):04X}]b" in text(page)


def test_letters_that_are_written_from_the_right_stay_as_they_are(browser_of_somebody: Client, gateway: Gateway) -> None:
    said = "\u05e9\u05dc\u05d5\u05dd\u200f 7 (\u05d0)"
    read(browser_of_somebody, gateway, subject=said)
    assert rows(browser_of_somebody.get(PANEL, headers=LIST)) == [said]


# Dates

NOW = datetime.now(UTC).replace(microsecond=0)
ODD_DATES = {
    "far": datetime(2096, 3, 17, 5, 32, tzinfo=UTC), "next week": NOW + timedelta(days=7), "epoch": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
    "long past": datetime(2001, 2, 3, tzinfo=UTC), "none": None,
}


def came(at: datetime) -> dict[str, str]:
    return {"Received": f"from mail.crook.example (x [192.0.2.1]; y)\r\n\tby mx1.gateway.example; {format_datetime(at)} (CET)"}


@pytest.mark.parametrize("odd", ODD_DATES)
@pytest.mark.parametrize("oldest_first", [False, True])
def test_a_date_that_cannot_be_true_is_sorted_by_arrival_and_not_opened(
    odd: str, oldest_first: bool, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    listed = [
        message("odd", sentDate=ODD_DATES[odd] and milliseconds(ODD_DATES[odd]), headers=came(NOW - timedelta(hours=2))),
        message("new", sentDate=milliseconds(NOW - timedelta(hours=1))),
        message("old", sentDate=milliseconds(NOW - timedelta(hours=3)), headers=came(NOW - timedelta(hours=3))),
    ]
    gateway.answer = holding(*(listed[::-1] if oldest_first else listed))
    page = browser_of_somebody.get(PANEL + "?newest" + ("&sort=sentDate" if oldest_first else ""), headers=LIST)
    assert rows(page) == (["old", "odd", "new"] if oldest_first else ["new", "odd", "old"])
    assert ("/old/" if oldest_first else "/new/") in attribute(page, "[data-newest]", "href")


def test_the_newest_arrival_with_an_impossible_date_is_on_top_and_stays_closed(browser_of_somebody: Client, gateway: Gateway) -> None:
    far = message("far", sentDate=milliseconds(ODD_DATES["far"]), headers=came(NOW))
    gateway.answer = holding(far, message("new", sentDate=milliseconds(NOW - timedelta(hours=1))), message("unknown", sentDate=milliseconds(ODD_DATES["far"])))
    page = browser_of_somebody.get(PANEL + "?newest", headers=LIST)
    assert rows(page) == ["far", "new", "unknown"]
    assert attribute(page, "[data-newest]", "href").endswith("/Quarantine/new/")
    assert "17 Mar 2096, 05:32" in text(page)
    shown = text(browser_of_somebody.get(URL + "far/reading/", headers=READING))
    assert "17 Mar 2096" in shown
    assert "cannot be right · arrived on" in shown


def test_ordinary_dates_keep_the_order_of_the_gateway(browser_of_somebody: Client, gateway: Gateway) -> None:
    listed = [message(str(n), sentDate=milliseconds(NOW - timedelta(days=n))) for n in (2, 1, 3, 200)]
    gateway.answer = holding(*listed)
    page = browser_of_somebody.get(PANEL, headers=LIST)
    assert rows(page) == ["2", "1", "3", "200"]
    assert "cannot be right" not in text(browser_of_somebody.get(URL + "200/reading/", headers=READING))
