"""The kinds of long work, written out: what each is called, and what it does with a row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_noop as noop, ngettext  # messages are translated when shown: a worker has no reader

from portal.api import domains, health, mail, users
from portal.api.client import Client
from portal.api.errors import ApiError, NotAllowed, NotFound, PreconditionFailed, SignedOut
from portal.api.operation import Operation
from portal.audit.log import Written, act, shown_at
from portal.batches.models import Batch, Row, State
from portal.meaning import diagnosis, verdict
from portal.meaning.release import Step, decide
from portal.session import Person
from portal.ui import mailbox


@dataclass(frozen=True)
class Kind:
    """One kind of long work. Rows that end badly, or were done before, are dealt with for all kinds alike (worker.py)."""

    operation: Operation  # the write of each row
    title: Callable[[int], str]  # what a batch of so many rows is called, in the reader's language
    prepare: Callable[[Client, Batch], None]  # asks what all rows need to know, before a run
    row: Callable[[Person, Client, Batch, Row, str], Written]  # does one row, with this one-time key; an ApiError tells why not
    told: Callable[[Any], tuple[str, str]]  # how a row ended that was done: a message, and the gateway's words, by its answer
    link: Callable[[Row], str]  # the page of a row's target; "" for none
    refused: dict[type[ApiError], str]  # what a refusal means here; others are told as the gateway's
    words: dict[str, str]  # messages: `done` (its answer is lost), `again` (done before), `tried` (before), `unclear` (no answer)


GONE = noop("It is no longer in this folder.")
INFECTED = noop("Infected: release it individually, after reading the warning.")


def _mails(size: int) -> str:
    return ngettext("Release of %(size)s message", "Release of %(size)s messages", size) % {"size": size}


def _know_the_user(api: Client, batch: Batch) -> None:
    """Whose mails they are, whatever the address said: the id, by which two releases of one mail know each other, and a name."""
    if batch.user:
        return
    try:
        user = api.call(users.READ, users.User, ids={"userId": batch.ids["userIdOrEmail"]})
    except SignedOut:
        raise
    except ApiError:  # it is tried again for the next row
        return
    batch.user, batch.mailbox = str(user.id or user.email or "")[:1000], (user.email or "")[:320]
    batch.save(update_fields=("user", "mailbox"))


def _release(person: Person, api: Client, batch: Batch, row: Row, once: str) -> Written:
    """Release the mail of one row. What takes a question waits for somebody who can be asked."""
    user, folder = batch.ids["userIdOrEmail"], batch.ids["folderPath"]
    _know_the_user(api, batch)
    at = mailbox.find(api, user, folder, row.target, text=False)
    row.label = (at.message.subject or "")[:300]
    headers = at.message.headers
    if decide(verdict.verdict(headers), verdict.author(at.message.sender, headers)).step is not Step.GO:
        raise PreconditionFailed(mail.RELEASE.id)
    return mailbox.release(
        person,
        api,
        at,
        user,
        target=f"{batch.mailbox or user}: {row.label}",
        url=batch.url,
        once=once,
        lock=mail.lock(batch.user or user, folder, at.message.id or row.target),
        since=shown_at(batch.form) or batch.created,
    )


def _message(row: Row) -> str:
    """A message that was not released is still there to be read."""
    user, folder = (row.batch.ids.get(name) for name in ("userIdOrEmail", "folderPath"))
    if row.state not in (State.REFUSED, State.UNKNOWN) or row.message == GONE or not (user and folder):
        return ""
    return reverse("mail-read", args=(user, folder, row.target))


def _diagnostics(size: int) -> str:
    return ngettext("Health check of %(size)s domain", "Health check of %(size)s domains", size) % {"size": size}


def _check(person: Person, api: Client, batch: Batch, row: Row, once: str) -> Written:
    """Run the diagnostic of one domain."""
    row.label = (api.call(domains.READ, domains.Domain, ids={"domainId": row.target}).name or "")[:300]
    return act(
        person,
        api,
        health.CHECK_DOMAIN,
        health.EntityHealth,
        target=row.label or row.target,
        url=_health(row),
        once=once,
        ids={"domainId": row.target},
    )


def _problems(answer: health.EntityHealth) -> tuple[str, str]:
    problems = diagnosis.problems(answer)
    return (problems[0].kind.text, diagnosis.last_words(answer)) if problems else (noop("Everything is fine."), "")


def _health(row: Row) -> str:
    return reverse("domain-health", args=(row.target,))


KINDS = {
    "release": Kind(
        operation=mail.RELEASE,
        title=_mails,
        prepare=_know_the_user,
        row=_release,
        told=lambda answer: (noop("Released."), ""),
        link=_message,
        refused={
            NotFound: GONE,
            NotAllowed: noop("Your account cannot release it."),
            PreconditionFailed: INFECTED,
        },
        words={
            "done": noop("Released."),
            "again": noop("It was already released. It was not sent again."),
            "tried": noop("Already tried. Check the inbox before you repeat it."),
            "unclear": noop("No clear answer. Check the inbox before you repeat it."),
        },
    ),
    # It could safely be run twice, but one that was interrupted is told as unknown like any other row: one rule for all.
    "check": Kind(
        operation=health.CHECK_DOMAIN,
        title=_diagnostics,
        prepare=lambda api, batch: None,
        row=_check,
        told=_problems,
        link=_health,
        refused={
            NotFound: noop("This domain no longer exists, or your account cannot see it."),
            NotAllowed: noop("Your account cannot run its health check."),
        },
        words={
            "done": noop("Checked."),
            "again": noop("Checked."),
            "tried": noop("Already tried; the result is unknown."),
            "unclear": noop("No clear answer. Run the health check again."),
        },
    ),
}
