"""DKIM of a domain: the records to publish, whether they are in DNS, and keys that come, change and go."""

import base64
import re
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import connections
from django.http import HttpResponse
from django.test import Client

from cleanmail_admin.upstream import SandboxTransport
from portal import session
from portal.audit.models import Entry
from portal.meaning import dkim
from portal.models import Kept
from portal.pages.dkim import check
from sandbox.models import DkimKey, Domain
from tests.conftest import Gateway
from tests.sandbox.servers import Records, dns_server
from tests.shown import find, one, source, text

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "sandbox"])
PAIR = dkim.make_pair()
NAME = "nordwind.example"
PANEL = {"HX-Request": "true", "HX-Target": "dkim-check"}


def url(tail: str = "") -> str:
    return f"/domains/{Domain.objects.get(name=NAME).uid}/dkim/{tail}"


def key() -> DkimKey | None:
    return DkimKey.objects.filter(domain__name=NAME).first()


def give_key(selector: str = "protect", pair: dkim.Pair = PAIR) -> None:
    DkimKey.objects.create(domain=Domain.objects.get(name=NAME), selector=selector, private_key=pair.private, public_key=pair.public)


def hidden(answer: HttpResponse, name: str) -> str:
    return find(answer, f"[name={name}][value]", None)[-1].attributes["value"] or ""


def copied(answer: HttpResponse, id: str) -> str:
    """What the button beside it copies."""
    return one(answer, f"code#{id}").text()


def delays(answer: HttpResponse) -> list[str]:
    """After how many seconds the page asks again by itself."""
    triggers = [str(node.attributes["hx-trigger"]) for node in find(answer, "[hx-trigger*='delay:']", None)]
    return [re.findall(r"delay:(\d+)s", trigger)[0] for trigger in triggers]


def send(somebody: Client, tail: str, **fields: Any) -> HttpResponse:
    once = hidden(somebody.get(url(tail)), "once") if "once" not in fields else ""
    return somebody.post(url(tail), {"once": once, **fields}, follow=True)


LARGE = (2**4423 - 1, 2**4253 - 1)  # primes: to find that out takes a processor six seconds


def slow_key(modulus: int, primes: tuple[int, int]) -> str:
    """A private key (RFC 8017, A.1.2) in Base64 that costs whoever checks it before a look at its size."""
    p, q = primes
    d = pow(65537, -1, (p - 1) * (q - 1)) if modulus == p * q else 3
    numbers = (0, modulus, 65537, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    parts = [der(0x02, number.to_bytes(number.bit_length() // 8 + 1)) for number in numbers]
    return base64.b64encode(der(0x30, b"".join(parts))).decode()


def der(tag: int, content: bytes) -> bytes:
    return bytes([tag]) + (b"\x82" + len(content).to_bytes(2) if len(content) > 255 else bytes([len(content)])) + content


# The records

def test_a_domain_without_keys_says_what_they_are_for(as_admin: Client, as_customer: Client) -> None:
    assert "This domain's mail is not signed" in text(as_admin.get(url()))
    assert "Generate keys" in text(as_admin.get(url()))
    shown = text(as_customer.get(url()))
    assert "A system administrator can create the keys." in shown
    assert "Generate" not in shown


def test_a_record_is_shown_in_every_form_that_providers_want(as_helpdesk: Client) -> None:
    give_key()
    shown = as_helpdesk.get(url())
    value = f"v=DKIM1; p={PAIR.public}"
    assert copied(shown, "r0-host") == "protect._domainkey"
    assert copied(shown, "r0-name") == "protect._domainkey.nordwind.example."
    assert copied(shown, "r0-value") == value
    assert copied(shown, "r0-strings") == f'"{value[:255]}" "{value[255:]}"'
    assert copied(shown, "r0-zone") == f'protect._domainkey.nordwind.example. 3600 IN TXT "{value[:255]}" "{value[255:]}"'
    assert "RSA, 2048 bits" in text(shown, None)
    assert len(find(shown, "details.record[open]")) == 1
    assert copied(shown, "r3-name") == "protect._domainkey.nordwind.test."
    assert "Replace immediately" not in text(shown, None)


def test_all_records_come_as_lines_of_a_zone_file(as_helpdesk: Client) -> None:
    give_key()
    answer = as_helpdesk.get(url("?as=zone"))
    lines = answer.content.decode().splitlines()
    assert [line.partition(" ")[0] for line in lines] == [
        f"protect._domainkey.{name}." for name in (NAME, "nordwind-ag.example", "nordwind-logistik.example", "nordwind.test")
    ]
    assert answer["Content-Type"].startswith("text/plain")
    assert "attachment" in answer["Content-Disposition"]


def test_a_short_key_is_warned_of(browser_of_somebody: Client, gateway: Gateway) -> None:
    short = dkim._pair(rsa.generate_private_key(public_exponent=65537, key_size=1024))  # noqa: S505
    gateway.answer = answering([f"s._domainkey.a.example TXT v=DKIM1; p={short.public}"])
    assert "Keys below 2,048 bits are no longer safe" in text(browser_of_somebody.get("/domains/d1/dkim/"))


def answering(lines: Any, status: int = 200) -> Any:
    """A gateway whose domain has these lines as its records."""
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/dkim"):
            return httpx.Response(status, json=lines)
        return httpx.Response(200, json={"id": "d1", "name": "a.example"})

    return answer


def test_lists_of_lists_are_records_as_well(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = answering([["s._domainkey.a.example TXT v=DKIM1; p=x", "s._domainkey.b.example TXT v=DKIM1; p=x"]])
    assert "2 records to publish" in text(browser_of_somebody.get("/domains/d1/dkim/"))


@pytest.mark.parametrize("line", ["", "<script>alert(1)</script>", "x" * 9000, "a\0b", "{{7*7}}", "s;rm._domainkey.$(id) TXT v=1"])
def test_a_line_that_is_not_understood_is_shown_as_it_is(line: str, browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = answering([line])
    shown = browser_of_somebody.get("/domains/d1/dkim/")
    assert shown.status_code == 200
    assert "not in the usual form" in text(shown, None)
    assert not [script for script in find(shown, "script") if "alert" in script.text()]
    assert "Rotate key" not in text(shown, None)
    assert browser_of_somebody.get("/domains/d1/dkim/?as=zone").content == b""
    assert "its record cannot be read" in text(browser_of_somebody.get("/domains/d1/dkim/rotate/", follow=True))


def test_a_thousand_records_come_in_pages(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = answering([f"s._domainkey.a{n}.example TXT v=DKIM1; p={PAIR.public}" for n in range(1000)])
    shown = browser_of_somebody.get("/domains/d1/dkim/?page=50")
    assert "Page 50 of 50" in text(shown, None)
    assert copied(shown, "r19-name") == "s._domainkey.a999.example."
    assert len(shown.content) < 100_000
    assert len(browser_of_somebody.get("/domains/d1/dkim/?as=zone").content.splitlines()) == 1000


def test_records_that_fail_leave_the_domain(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = answering([], status=500)
    shown = browser_of_somebody.get("/domains/d1/dkim/")
    assert shown.status_code == 200
    assert "a.example" in text(shown, None)
    assert "The gateway failed" in text(shown, None)
    assert "is not signed" not in text(shown, None)


# Making, bringing, replacing, deleting

def test_keys_are_made_by_one_click_and_by_two_clicks_only_once(as_admin: Client) -> None:
    once = hidden(as_admin.get(url()), "once")
    for _click in range(2):
        assert "The keys were created. Now publish the record." in text(send(as_admin, "new/", once=once, source="make"))
    made = key()
    assert made
    assert made.selector == "protect"
    entry = Entry.objects.get()
    assert (entry.operation, entry.target) == ("addDkim", NAME)


def test_keys_that_somebody_else_has_made_meanwhile_are_not_replaced(as_admin: Client) -> None:
    once = hidden(as_admin.get(url()), "once")
    give_key()
    assert "This domain already has keys." in text(send(as_admin, "new/", once=once, source="make"))
    assert key().public_key == PAIR.public


def test_a_click_that_was_a_little_faster_makes_the_keys_and_both_say_so(as_admin: Client, other_click: Any) -> None:
    sent = {"once": hidden(as_admin.get(url()), "once"), "source": "make"}
    other_click(lambda: as_admin.post(url("new/"), sent))
    shown = text(as_admin.post(url("new/"), sent, follow=True))
    assert "The keys were created. Now publish the record." in shown
    assert "This domain already has keys." not in shown
    assert Entry.objects.count() == 1


def test_a_click_that_was_a_little_faster_replaces_the_keys_and_both_say_so(as_admin: Client, other_click: Any) -> None:
    give_key()
    sent = {"once": hidden(as_admin.get(url("replace/")), "once"), "source": "make", "selector": "s2"}

    def replace_and_lose_them() -> None:
        as_admin.post(url("replace/"), sent)
        DkimKey.objects.all().delete()

    other_click(replace_and_lose_them)
    assert "The keys were replaced." in text(as_admin.post(url("replace/"), sent, follow=True))
    assert Entry.objects.count() == 1


def test_a_click_that_was_a_little_faster_deletes_the_keys_and_both_say_so(as_admin: Client, other_click: Any) -> None:
    give_key()
    sent = {"once": hidden(as_admin.get(url("delete/")), "once")}
    other_click(lambda: as_admin.post(url("delete/"), sent))
    shown = text(as_admin.post(url("delete/"), sent, follow=True))
    assert "The keys were deleted." in shown
    assert "This domain has no DKIM keys." not in shown


def test_a_pair_of_ones_own_is_checked_and_sent_and_never_comes_back(as_admin: Client) -> None:
    own = {"source": "own", "selector": "Mine.2026", "privateKey": PAIR.private}
    wrong = send(as_admin, "new/", **own, publicKey=dkim.make_pair().public_pem)
    assert wrong.status_code == 422
    assert "This public key does not match the private key." in text(wrong, None)
    assert PAIR.private[40:90] not in source(wrong, None)
    swapped = send(as_admin, "new/", **{**own, "privateKey": "", "publicKey": PAIR.private})
    assert swapped.status_code == 422
    assert PAIR.private[40:90] not in source(swapped, None)
    assert find(wrong, "[value='Mine.2026']", None)
    again = as_admin.post(url("new/"), {"source": "own", "selector": "mine"})  # as the form came back, without the key
    assert "paste it again after a correction" in text(again, None)
    assert key() is None
    assert "The keys were created." in text(send(as_admin, "new/", **own, publicKey=PAIR.public_pem.replace("\n", "\r\n")))
    made = key()
    assert (made.selector, made.public_key, made.private_key) == ("mine.2026", PAIR.public, PAIR.private)
    assert PAIR.private[40:90] not in str(Entry.objects.values())


@pytest.mark.parametrize(("fields", "said"), [
    ({"selector": "no good"}, "Letters, digits and hyphens"),
    ({"selector": "-a"}, "Letters, digits and hyphens"),
    ({"selector": "a\n"}, "The keys were created."),  # blanks around it are nobody's intention
    ({"selector": "x" * 64}, "at most 63 characters"),
    ({"source": ""}, "This field is required."),
    ({"source": "other"}, "Select a valid choice."),
    ({"source": "make", "privateKey": "x"}, "A key is pasted below."),
    ({"source": "own", "privateKey": "x"}, "This cannot be read as a private key."),
    ({"source": "own", "privateKey": "x" * 30_000}, "at most 20000 characters"),
    ({"source": "own", "privateKey": "a\0b"}, "Null characters"),
    ({"source": "own", "privateKey": slow_key(LARGE[0] * LARGE[1], LARGE)}, "This key has 8676 bits."),
    ({"source": "own", "privateKey": slow_key(2**2047 + 1, LARGE)}, "This cannot be read as a private key."),
])
def test_what_cannot_be_a_key_or_a_selector_is_said_before_it_is_sent(fields: dict[str, str], said: str, as_admin: Client) -> None:
    began = time.process_time()
    assert said in text(send(as_admin, "new/", **{"source": "make", **fields}), None)
    assert time.process_time() - began < 2
    assert Entry.objects.count() == (said == "The keys were created.")


def test_replacing_says_what_it_breaks_and_offers_the_better_way(as_admin: Client) -> None:
    give_key()
    asked = text(as_admin.get(url("replace/")))
    assert "receivers cannot check the signatures" in asked
    assert "Rotate the key instead" in asked
    assert "The keys were replaced." in text(send(as_admin, "replace/", source="make", selector="s2"))
    assert key().selector == "s2"
    assert key().public_key != PAIR.public


def test_deleting_says_that_mail_goes_out_unsigned_and_what_to_remove_from_dns(as_admin: Client) -> None:
    give_key()
    asked = as_admin.get(url("delete/"))
    assert "mail from this domain and its aliases is sent unsigned" in text(asked, None)
    assert "protect._domainkey.nordwind.example" in text(asked, None)
    assert key()
    for _click in range(2):
        assert "The keys were deleted." in text(send(as_admin, "delete/", once=hidden(asked, "once")))
    assert key() is None
    assert Entry.objects.get().operation == "deleteDomainDkim"
    assert "This domain has no DKIM keys." in text(as_admin.get(url("delete/"), follow=True))


@pytest.mark.parametrize(("tail", "fields"), [("new/", {"source": "make"}), ("replace/", {"source": "make"}), ("delete/", {})])
def test_what_is_for_system_administrators_is_refused_to_others_with_who_may(
    tail: str, fields: dict[str, str], as_customer: Client,
) -> None:
    if tail != "new/":
        give_key()
    answer = send(as_customer, tail, **fields)
    assert answer.status_code == 403
    assert "A system administrator can." in text(answer, None)


# Rotation

def prepare(somebody: Client, **fields: str) -> HttpResponse:
    return send(somebody, "rotate/", step="prepare", **{"source": "make", "selector": "next", **fields})


def switch(somebody: Client, shown: HttpResponse, **fields: str) -> HttpResponse:
    sent = {"once": hidden(shown, "once"), "what": hidden(shown, "what"), "step": "switch", "published": "on", **fields}
    return somebody.post(url("rotate/"), sent, follow=True)


def test_a_prepared_key_changes_nothing_at_the_gateway(as_admin: Client) -> None:
    give_key()
    shown = prepare(as_admin)
    assert copied(shown, "r0-name") == "next._domainkey.nordwind.example."
    assert copied(shown, "r3-name") == "next._domainkey.nordwind.test."
    assert copied(shown, "ask-dig") == "dig +short TXT next._domainkey.nordwind.example"
    assert "This cannot be undone" in text(shown, None)
    assert (key().selector, key().public_key) == ("protect", PAIR.public)
    assert Entry.objects.count() == 0


def test_the_private_key_of_a_rotation_reaches_no_page_and_no_session_in_clear(as_admin: Client) -> None:
    give_key()
    own = dkim.make_pair()
    shown = prepare(as_admin, source="own", privateKey=own.private)
    assert copied(shown, "r0-value") == f"v=DKIM1; p={own.public}"
    secret = own.private.splitlines()[3]
    assert secret not in source(shown, None)
    assert secret not in str(dict(as_admin.session.items()))
    assert "PRIVATE" not in str(dict(as_admin.session.items()))


def test_the_switch_hands_over_the_very_key_whose_record_was_shown(as_admin: Client) -> None:
    give_key()
    shown = prepare(as_admin)
    published = copied(shown, "r0-value")
    unticked = switch(as_admin, shown, published="")
    assert unticked.status_code == 422
    assert key().selector == "protect"
    for _click in range(2):
        done = switch(as_admin, shown)
        assert "Keep the old record until" in text(done, None)
        assert "protect._domainkey.nordwind.example" in text(done, None)
    assert (key().selector, f"v=DKIM1; p={key().public_key}") == ("next", published)
    entry = Entry.objects.get()
    assert (entry.operation, entry.target) == ("updateDomainDkim", "nordwind.example: protect → next")
    assert "Finished." in text(as_admin.post(url("rotate/"), {"step": "forget"}, follow=True))
    assert "Prepare a new key" in text(as_admin.get(url("rotate/")))
    assert not Kept.objects.exists()


def test_a_second_click_on_the_switch_that_saw_the_old_key_breaks_nothing(as_admin: Client) -> None:
    give_key()
    shown = prepare(as_admin)
    switch(as_admin, shown)
    DkimKey.objects.all().delete()
    give_key()  # as the gateway's answer had it that was on its way when the first click was done
    assert switch(as_admin, shown).status_code == 200
    assert Entry.objects.count() == 1


def test_two_clicks_on_the_switch_at_the_same_moment_are_one(as_admin: Client) -> None:
    give_key()
    shown = prepare(as_admin)

    def click(_number: int) -> str:
        try:
            return text(switch(as_admin, shown), None)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as hands:
        assert all("Keep the old record until" in page for page in hands.map(click, range(2)))
    assert Entry.objects.count() == 1


def test_a_click_that_was_a_little_faster_switches_and_both_show_what_comes_next(as_admin: Client, other_click: Any) -> None:
    give_key()
    shown = prepare(as_admin)
    other_click(lambda: switch(as_admin, shown))
    assert "Keep the old record until" in text(switch(as_admin, shown), None)
    assert Entry.objects.count() == 1


def test_a_click_on_a_switch_that_is_done_and_finished_never_says_that_nothing_was_changed(
    as_admin: Client, other_click: Any,
) -> None:
    give_key()
    shown = prepare(as_admin)

    def switch_and_finish() -> None:
        switch(as_admin, shown)
        as_admin.post(url("rotate/"), {"step": "finish"}, follow=True)

    other_click(switch_and_finish)
    for _click in range(2):
        late = text(switch(as_admin, shown), None)
        assert "It currently signs as next" in late
        assert "Nothing was changed" not in late
    assert Entry.objects.count() == 1


def test_a_click_on_a_switch_whose_end_nobody_knows_says_so(as_admin: Client, other_click: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    give_key()
    shown = prepare(as_admin)
    handle = SandboxTransport.handle_request

    def lose_the_write(self: SandboxTransport, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            raise httpx.ReadTimeout("lost", request=request)
        return handle(self, request)

    monkeypatch.setattr(SandboxTransport, "handle_request", lose_the_write)
    other_click(lambda: switch(as_admin, shown))
    for _click in range(2):
        assert "its result is unknown" in text(switch(as_admin, shown), None)
    assert (key().selector, Entry.objects.count()) == ("protect", 1)


def test_two_clicks_on_the_end_of_a_rotation_both_say_that_it_is_finished(as_admin: Client) -> None:
    give_key()
    done = switch(as_admin, prepare(as_admin))
    last = hidden(done, "step")
    for _click in range(2):
        assert "Finished." in text(as_admin.post(url("rotate/"), {"step": last}, follow=True))


def test_a_late_click_on_the_end_of_a_rotation_drops_no_key_that_was_prepared_since(as_admin: Client) -> None:
    give_key()
    last = hidden(switch(as_admin, prepare(as_admin)), "step")
    as_admin.post(url("rotate/"), {"step": last})
    published = copied(prepare(as_admin, selector="third"), "r0-value")
    assert copied(as_admin.post(url("rotate/"), {"step": last}, follow=True), "r0-value") == published


def test_two_clicks_on_dropping_a_prepared_key_both_say_so(as_admin: Client) -> None:
    give_key()
    prepare(as_admin)
    for _click in range(2):
        assert "The prepared key was discarded." in text(as_admin.post(url("rotate/"), {"step": "forget"}, follow=True))


def test_a_click_that_was_a_little_faster_prepares_and_both_show_its_key(as_admin: Client, other_click: Any) -> None:
    give_key()
    first: list[HttpResponse] = []
    other_click(lambda: first.append(prepare(as_admin)))
    slower = as_admin.post(url("rotate/"), {"step": "prepare", "source": "make", "selector": "next", "once": "a" * 32}, follow=True)
    assert copied(slower, "r0-value") == copied(first[0], "r0-value")


def test_the_new_key_needs_another_name_than_the_old_one(as_admin: Client) -> None:
    give_key()
    assert "A rotation needs another name" in text(prepare(as_admin, selector="PROTECT"), None)
    proposed = [hit for hit in [hidden(as_admin.get(url("rotate/")), "selector")] if re.fullmatch(r"dkim\d{8}", hit)]
    assert len(proposed) == 1


def test_a_key_that_was_prepared_in_another_window_is_not_switched_to_unseen(as_admin: Client) -> None:
    give_key()
    first = prepare(as_admin)
    as_admin.post(url("rotate/"), {"step": "forget"})
    prepare(as_admin, selector="other")
    assert "The records have changed since" in text(switch(as_admin, first), None)
    assert key().selector == "protect"


def test_an_alias_that_came_meanwhile_is_looked_at_before_the_switch(as_admin: Client) -> None:
    give_key()
    shown = prepare(as_admin)
    Domain.objects.get(name=NAME).aliases.create(name="winter.example")
    again = switch(as_admin, shown)
    assert "The records have changed since" in text(again, None)
    assert "next._domainkey.winter.example" in text(again, None)
    assert key().selector == "protect"


def test_keys_that_somebody_else_changed_meanwhile_are_not_overwritten(as_admin: Client) -> None:
    give_key()
    shown = prepare(as_admin)
    DkimKey.objects.filter(domain__name=NAME).update(selector="theirs")
    assert "Someone else has changed the keys" in text(switch(as_admin, shown), None)
    assert key().selector == "theirs"


def test_a_gateway_that_took_another_key_than_the_one_it_was_given_is_told_of_and_one_can_go_on(as_admin: Client) -> None:
    give_key()
    switch(as_admin, prepare(as_admin))
    DkimKey.objects.filter(domain__name=NAME).update(selector="theirs")
    shown = as_admin.get(url("rotate/"))
    assert "The gateway signs with a different key from the one it was given here." in text(shown, None)
    assert not find(shown, "[name=published]", None)
    as_admin.post(url("rotate/"), {"step": "forget"})
    assert "It currently signs as theirs" in text(as_admin.get(url("rotate/")))


def test_a_session_keeps_the_newest_of_many_prepared_keys(as_admin: Client) -> None:
    request = as_admin.get("/").wsgi_request
    for number in range(60):
        session.keep_secret(request, f"dkim {number}", "x")
    session.keep_secret(request, "dkim 30", "y")
    assert (session.kept_secret(request, "dkim 9"), session.kept_secret(request, "dkim 30")) == ("", "y")
    assert Kept.objects.count() == 50
    assert "y" not in Kept.objects.values_list("sealed", flat=True)


def test_a_second_preparation_keeps_the_first_one(as_admin: Client) -> None:
    give_key()
    once = copied(prepare(as_admin), "r0-value")
    twice = as_admin.post(url("rotate/"), {"step": "prepare", "source": "make", "selector": "third"}, follow=True)
    assert copied(twice, "r0-value") == once


def test_when_the_session_is_over_the_key_is_gone_and_nothing_was_changed(as_admin: Client, sandbox: dict[str, str]) -> None:
    give_key()
    shown = prepare(as_admin)
    as_admin.post("/sign-out/")
    as_admin.post("/sign-in/", {"token": sandbox["admin"]})
    assert "The prepared key is gone" in text(switch(as_admin, shown), None)
    assert key().selector == "protect"


def test_a_switch_whose_answer_is_lost_says_so_and_then_what_is_the_case(
    as_admin: Client, monkeypatch: pytest.MonkeyPatch,
) -> None:
    give_key()
    shown = prepare(as_admin)
    handle = SandboxTransport.handle_request

    def lose_the_answer(self: SandboxTransport, request: httpx.Request) -> httpx.Response:
        answer = handle(self, request)
        if request.method == "PUT":
            raise httpx.ReadTimeout("lost", request=request)
        return answer

    monkeypatch.setattr(SandboxTransport, "handle_request", lose_the_answer)
    assert "We do not know whether it happened" in text(switch(as_admin, shown), None)
    assert "Keep the old record until" in text(as_admin.get(url("rotate/")))  # the gateway has it, so it happened


def test_a_rotation_is_not_begun_by_somebody_who_could_not_finish_it(as_customer: Client) -> None:
    give_key()
    answer = as_customer.get(url("rotate/"))
    assert answer.status_code == 403
    assert "A system administrator can." in text(answer, None)


def test_a_pair_is_taken_in_the_forms_in_which_it_is_kept(as_admin: Client) -> None:
    line = f'mail._domainkey IN TXT ( "v=DKIM1; k=rsa; " "p={PAIR.public[:200]}" "{PAIR.public[200:]}" ) ; ----- DKIM key mail'
    shown = send(as_admin, "new/", source="own", privateKey=PAIR.private.replace("\n", "\\n"), publicKey=line)
    assert "The keys were created." in text(shown, None)
    made = key()
    assert made is not None and made.public_key == PAIR.public


# Is it in DNS yet?

@pytest.fixture
def zone(settings: Any) -> Any:
    records: Records = {(NAME, "MX"): ["10 mx1.gateway.example."]}
    with dns_server(records) as server:
        settings.SANDBOX_RESOLVER, settings.SANDBOX_TIMEOUT = server, 2.0
        yield records


def publish(zone: Records, public: str) -> None:
    value = f"v=DKIM1; p={public}"
    zone[("protect._domainkey." + NAME, "TXT")] = [f'"{value[:255]}" "{value[255:]}"']


def ask(somebody: Client, **fields: str) -> HttpResponse:
    return somebody.post(url("check/"), fields, headers=PANEL)


def again(somebody: Client, ago: float) -> HttpResponse:
    return somebody.post(url("check/again/"), {"since": str(int(check.time.time() - ago))}, headers=PANEL)


def test_the_gateway_is_asked_until_the_record_is_in_dns(as_admin: Client, zone: Records) -> None:
    give_key()
    missing = ask(as_admin)
    assert "Not in DNS yet." in text(missing, None)
    assert 'DKIM DNS entry not found for domain "nordwind.example"' in text(missing, None)
    assert re.search("checked (just now|[0-9]+ seconds ago)", text(missing, None))
    assert delays(missing) == ["15"]
    publish(zone, dkim.make_pair().public)
    other = again(as_admin, 15)
    assert "DNS has a different key from the one that signs" in text(other, None)
    dns_now, should_be = [text(code) for code in find(other, "dd > code")]
    assert PAIR.public not in dns_now and dns_now.startswith("v=DKIM1; p=")
    assert should_be == f"v=DKIM1; p={PAIR.public}"
    assert should_be in text(as_admin.get(url("check/")))
    publish(zone, PAIR.public)
    well = again(as_admin, 30)
    assert "The record is in DNS and matches the key that signs." in text(well, None)
    assert delays(well) == []


def test_the_waits_grow_and_end_after_ten_minutes(as_admin: Client, zone: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    give_key()
    now = time.time()
    monkeypatch.setattr(check, "time", SimpleNamespace(time=lambda: now))  # however long the answers take
    waits = [delays(again(as_admin, ago)) for ago in (0, 60, 120, 400, 599)]
    assert waits == [["15"], ["20"], ["40"], ["60"], ["60"]]
    over = again(as_admin, 601)
    assert delays(over) == []
    assert "Checked for ten minutes, but not found yet." in text(over, None)


@pytest.mark.parametrize("since", ["", "x", "-1", "9" * 400, "²", "1e9", "99999999999"])
def test_a_time_that_is_none_ends_the_asking_or_begins_it_now(since: str, as_admin: Client, zone: Records) -> None:
    give_key()
    answer = as_admin.post(url("check/again/"), {"since": since}, headers=PANEL)
    assert answer.status_code == 200
    assert delays(answer) in ([], ["15"])


def test_a_person_who_asks_is_in_the_log_and_a_page_that_asks_is_not(as_admin: Client, zone: Records) -> None:
    give_key()
    ask(as_admin)
    for _time in range(3):
        again(as_admin, 10)
    entry = Entry.objects.get()
    assert (entry.operation, entry.target, entry.result) == ("runDomainDiagnostic", NAME, "done")


def test_two_clicks_ask_once(as_admin: Client, zone: Records) -> None:
    give_key()
    for _click in range(2):
        assert "Not in DNS yet." in text(ask(as_admin, once="a" * 32))
    assert Entry.objects.count() == 1


def test_a_page_that_asks_by_itself_does_not_keep_a_session_alive(as_admin: Client, zone: Records) -> None:
    give_key()
    session = as_admin.session
    session["seen"] = long_ago = int(time.time()) - 3600
    session.save()
    again(as_admin, 10)
    assert as_admin.session["seen"] == long_ago
    ask(as_admin)
    assert as_admin.session["seen"] > long_ago


def test_without_javascript_the_answer_is_on_the_page_that_follows(as_admin: Client, zone: Records) -> None:
    give_key()
    answer = as_admin.post(url("check/"), {}, follow=True)
    assert "Not in DNS yet." in text(answer, None)
    assert copied(answer, "r0-host") == "protect._domainkey"
    assert not find(answer, "#dkim-check[hx-trigger], #dkim-check [hx-trigger]", None)


def test_dns_that_does_not_answer_is_no_missing_record(as_admin: Client) -> None:
    give_key()
    assert "The gateway could not check this, so it may be right or wrong." in text(ask(as_admin))


def test_who_may_only_look_sees_the_latest_result_and_may_not_ask(as_admin: Client, as_helpdesk: Client, zone: Records) -> None:
    give_key()
    ask(as_admin)
    assert "Not in DNS yet." in text(as_helpdesk.get(url("check/"), headers=PANEL))
    refused = ask(as_helpdesk)
    assert (refused.status_code, refused["HX-Retarget"]) == (403, "#toasts")


@pytest.mark.parametrize(("status", "goes_on"), [(500, True), (429, True), (403, False), (404, False), (422, False)])
def test_a_trouble_on_the_way_is_told_and_only_one_that_passes_is_waited_for(
    status: int, goes_on: bool, browser_of_somebody: Client, gateway: Gateway,
) -> None:
    gateway.answer = lambda request: httpx.Response(status, json={"message": "<b>no</b>"}, headers={"Retry-After": "45"})
    shown = browser_of_somebody.post("/domains/d1/dkim/check/again/", {"since": str(int(time.time()))}, headers=PANEL)
    assert "The check could not be run." in text(shown, None)
    assert "<b>no" in text(shown, None)
    assert delays(shown) == ([] if not goes_on else ["45"] if status == 429 else ["15"])


@pytest.mark.parametrize("report", [
    None, {"status": True, "entries": []}, {"status": None, "entries": None},
    {"status": False, "entries": [{"type": "MX", "result": "OK"}]},
    {"status": True, "entries": [{"type": "dkim", "result": "<script>alert(1)</script>", "output": ["<img src=x>", "\0"]}]},
])
def test_an_odd_diagnostic_is_told_as_it_is(report: Any, browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = lambda request: httpx.Response(201, json={"performedAt": 10**30 if report else None, "report": report})
    shown = browser_of_somebody.get("/domains/d1/panels/dkim-check/", headers=PANEL)
    assert shown.status_code == 200
    assert "says nothing about DKIM" in text(shown, None) or "a result that this dashboard does not know yet" in text(shown, None)
    assert not find(shown, "script:not([src]), img", None)


def test_the_page_waits_for_no_diagnostic(browser_of_somebody: Client, gateway: Gateway) -> None:
    gateway.answer = answering([f"s._domainkey.a.example TXT v=DKIM1; p={PAIR.public}"])
    assert browser_of_somebody.get("/domains/d1/dkim/").status_code == 200
    assert sorted(request.url.path.rpartition("/")[2] for request in gateway.asked) == ["d1", "dkim"]
