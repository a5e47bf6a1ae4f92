"""Whether a message may be released the way it is asked for: a table of what is known, and what follows from it."""

from typing import Any

import pytest

from portal.meaning.release import Decision, Step, Wish, another_sender, decide
from portal.meaning.senders import Sender
from portal.meaning.verdict import Check, Verdict

SHOP, GMX, NOBODY = Sender("Shop", "info@shop.example"), Sender("", "a@gmx.net"), Sender("Wer", "")
PASSED, FAILED = (Check("DMARC", "pass", "shop.example"),), (Check("DMARC", "fail", "shop.example"),)
MAILBOX, DOMAIN = Wish("mailbox"), Wish("domain")
READ = {"confirmed": True}
NO_ADDRESS = "This message has no usable sender address, so it cannot be allowed."
NOT_RECEIVED, NOT_HELD = "Only received messages can be delivered again.", "Senders can be allowed only from held messages."
FREE_MAIL = "gmx.net is a free email service: anyone can get an address there."
OWN = "shop.example is the customer's own domain: forgers often pose as a colleague."
NOT_PROVEN = "The message is not confirmed to come from shop.example: anyone can fake this sender."
UNCHECKED = "It was not checked whether the message really comes from shop.example."
ANOTHER = "This message now has a different sender (info@shop.example) from the one you saw (ceo@shop.example)."


def judged(checks: tuple[Check, ...] = PASSED, infected: bool = False) -> Verdict:
    return Verdict("VIRUS" if infected else "SPAM", None, None, (), "", infected, checks)


CLEAN, VIRUS = judged(), judged(infected=True)


@pytest.mark.parametrize(("verdict", "who", "wish", "more", "decision"), [
    # A release alone asks of nothing but a virus, whoever it is from.
    (CLEAN, SHOP, Wish(), {}, Decision(Step.GO)),
    (judged(FAILED), SHOP, Wish(), {"own_domains": ["shop.example"]}, Decision(Step.GO)),
    (judged(()), NOBODY, Wish(), {}, Decision(Step.GO)),
    (CLEAN, SHOP, Wish(seen="ceo@shop.example"), {}, Decision(Step.GO)),
    (VIRUS, SHOP, Wish(), {}, Decision(Step.ASK, infected=True)),
    (VIRUS, SHOP, Wish(confirmed=True), {}, Decision(Step.ASK, infected=True)),
    (VIRUS, SHOP, Wish(infected=True), {}, Decision(Step.GO)),
    # With a rule for the sender, there may be doubts; they are read once.
    (CLEAN, SHOP, MAILBOX, {}, Decision(Step.GO)),
    (CLEAN, SHOP, DOMAIN, {}, Decision(Step.GO)),
    (CLEAN, SHOP, MAILBOX, {"own_domains": ["nordwind.example", ""]}, Decision(Step.GO)),
    (CLEAN, SHOP, MAILBOX, {"own_domains": ["shop.example"]}, Decision(Step.ASK, (OWN,))),
    (judged(FAILED), SHOP, MAILBOX, {"own_domains": ["shop.example"]}, Decision(Step.ASK, (OWN, NOT_PROVEN))),
    (judged(()), SHOP, MAILBOX, {}, Decision(Step.GO)),
    (judged(()), SHOP, DOMAIN, {}, Decision(Step.ASK, (UNCHECKED,))),
    (judged(()), GMX, MAILBOX, {}, Decision(Step.ASK, (FREE_MAIL,))),
    (judged(()), GMX, Wish("mailbox", **READ), {}, Decision(Step.GO)),
    (judged(FAILED), SHOP, Wish("domain", **READ), {"own_domains": ["shop.example"]}, Decision(Step.GO)),
    # A virus and a doubt are two things to say yes to.
    (judged(FAILED, infected=True), SHOP, MAILBOX, {}, Decision(Step.ASK, (NOT_PROVEN,), infected=True)),
    (judged(FAILED, infected=True), SHOP, Wish("mailbox", infected=True), {}, Decision(Step.ASK, (NOT_PROVEN,))),
    (judged(FAILED, infected=True), SHOP, Wish("mailbox", **READ), {}, Decision(Step.ASK, infected=True)),
    (judged(FAILED, infected=True), SHOP, Wish("mailbox", infected=True, **READ), {}, Decision(Step.GO)),
    # Who saw another sender has confirmed nothing about this one.
    (judged(FAILED), SHOP, Wish("mailbox", seen="ceo@shop.example", **READ), {}, Decision(Step.ASK, (ANOTHER,))),
    (CLEAN, SHOP, Wish("mailbox", seen="info@shop.example"), {}, Decision(Step.GO)),
    # What cannot be done is refused, whatever was confirmed.
    (CLEAN, NOBODY, Wish("mailbox", infected=True, **READ), {}, Decision(Step.REFUSE, (NO_ADDRESS,))),
    (VIRUS, NOBODY, DOMAIN, {}, Decision(Step.REFUSE, (NO_ADDRESS,))),
    (CLEAN, SHOP, MAILBOX, {"held": False}, Decision(Step.REFUSE, (NOT_HELD,))),
    (CLEAN, SHOP, Wish(), {"held": False}, Decision(Step.GO)),
    (VIRUS, SHOP, Wish(), {"held": False}, Decision(Step.ASK, infected=True)),
    (CLEAN, SHOP, Wish(), {"held": False, "delivers": False}, Decision(Step.REFUSE, (NOT_RECEIVED,))),
    (VIRUS, SHOP, Wish("mailbox", infected=True), {"held": False, "delivers": False}, Decision(Step.REFUSE, (NOT_RECEIVED,))),
])
def test_a_release_is_done_asked_about_or_refused(
    verdict: Verdict, who: Sender, wish: Wish, more: dict[str, Any], decision: Decision,
) -> None:
    assert decide(verdict, who, wish, **more) == decision


@pytest.mark.parametrize(("seen", "warning"), [("", ""), ("info@shop.example", ""), ("ceo@shop.example", ANOTHER)])
def test_who_saw_another_sender_is_told_so(seen: str, warning: str) -> None:
    assert another_sender(SHOP, seen) == warning
