"""Whether a message may be released the way it is asked for: at once, after a question, or not at all.

One decision for a release by hand and for a row of a batch, which nobody is there to be asked about.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from django.utils.translation import gettext as _

from portal.meaning import verdict
from portal.meaning.senders import Sender


class Step(Enum):
    """What is done with a release that was asked for."""

    GO = "go"
    ASK = "ask"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Wish:
    """What is asked for, and what the person knows of it."""

    allow: str = ""  # the sender, too: for this "mailbox" or for its whole "domain"
    seen: str = ""  # the sender's address that was shown; "" where none was
    confirmed: bool = False  # the doubts about the sender were read
    infected: bool = False  # a virus is accepted


@dataclass(frozen=True)
class Decision:
    """The next step, and what speaks against a release. That it is `infected` takes a yes of its own."""

    step: Step
    reasons: tuple[str, ...] = ()
    infected: bool = False


def decide(
    judged: verdict.Verdict,
    who: Sender,
    wish: Wish = Wish(),
    *,
    held: bool = True,
    delivers: bool = True,
    own_domains: Collection[str] = (),
) -> Decision:
    """May it go? `held`: its folder holds mail back; `delivers`: a message of its folder can be delivered to the mailbox."""
    if refusal := _refusal(who, wish, held, delivers):
        return Decision(Step.REFUSE, (refusal,))
    reasons = _doubts(judged, who, wish, own_domains) if wish.allow else []
    infected = judged.infected and not wish.infected
    return Decision(Step.ASK if reasons or infected else Step.GO, tuple(reasons), infected)


def another_sender(who: Sender, seen: str) -> str:
    """A warning where the message now names another sender than the one that a person decided about, else ""."""
    if seen in ("", who.address):
        return ""
    sentence = _("This message now has a different sender (%(now)s) from the one you saw (%(seen)s).")
    return sentence % {"now": who.address, "seen": seen}


def _refusal(who: Sender, wish: Wish, held: bool, delivers: bool) -> str:
    if not delivers:
        return _("Only received messages can be delivered again.")
    if wish.allow and not held:
        return _("Senders can be allowed only from held messages.")
    if wish.allow and not who.address:
        return _("This message has no usable sender address, so it cannot be allowed.")
    return ""


def _doubts(judged: verdict.Verdict, who: Sender, wish: Wish, own_domains: Collection[str]) -> list[str]:
    """Why one should think before allowing this sender."""
    if another := another_sender(who, wish.seen):
        return [another]
    if wish.confirmed:
        return []
    doubts = verdict.doubts(judged, who, set(own_domains))
    if wish.allow == "domain" and verdict.authentic(judged.checks, who.domain) is None:
        doubts.append(_("It was not checked whether the message really comes from %(domain)s.") % {"domain": who.domain})
    return doubts
