"""Runs batches, one row at a time. A killed worker loses no row and repeats no write.

A batch belongs to the worker that holds its lease. When the lease has run out the worker is gone: the next one takes the
batch over, marks the row that was in flight as unknown (it may have happened) and goes on with the rows behind it.
"""

import json
import logging
import threading
from datetime import timedelta
from itertools import count
from uuid import uuid4

from django.db import close_old_connections, transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_noop as _  # translated when it is shown: a worker has no reader

from portal import session
from portal.api import domains, health, mail, users
from portal.api.client import Client
from portal.api.errors import ApiError, NotAllowed, NotFound, PreconditionFailed, SignedOut, TooFast, Unreachable
from portal.audit.log import act, is_unclear, shown_at
from portal.batches.models import Batch, Row, State
from portal.meaning import diagnosis, verdict
from portal.session import Person
from portal.ui import mailbox

LEASE = timedelta(seconds=90)  # longer than one row can take: three calls, and the wait for somebody else's (audit/log.py)
PAUSE = 1.0  # seconds between two looks for work
TURN = 25  # rows of a batch, after which somebody else's that waits gets its turn
log = logging.getLogger("portal.batches")
_wake = threading.Event()


def start() -> None:
    """Run batches in a thread of this process, until the process ends."""
    threading.Thread(target=run_forever, name="batches", daemon=True).start()


def wake() -> None:
    """Tell this process's worker that there is work."""
    _wake.set()


def run_forever() -> None:
    """Take one batch after the other, for ever."""
    while True:
        try:
            close_old_connections()
            while batch := claim():
                run(batch)
        except Exception:  # whatever it was, the next batch must still be run
            log.exception("batch worker")
        _wake.wait(PAUSE)
        _wake.clear()


def claim() -> Batch | None:
    """Take the batch that waits longest for its turn, or whose worker is gone. None when there is none."""
    free = Q(state=State.WAITING) | Q(state=State.RUNNING, lease__lt=timezone.now())
    if not Batch.objects.filter(free).exists():  # the usual case, without a write lock
        return None
    with transaction.atomic():
        batch = Batch.objects.filter(free).order_by(F("lease").asc(nulls_first=True), "id").first()  # who had a turn comes last
        if batch is None:
            return None
        batch.holder = uuid4().hex
        taken = Batch.objects.filter(free, pk=batch.pk).update(
            state=State.RUNNING, lease=timezone.now() + LEASE, holder=batch.holder
        )
        if not taken:
            return None
        batch.rows.filter(state=State.RUNNING).update(
            state=State.UNKNOWN,
            finished=timezone.now(),
            message=_("The worker was interrupted here. Check before you repeat it."),
        )
        return batch


def run(batch: Batch) -> None:
    """Do the rows of a claimed batch until it is done or stopped, or until others who wait get their turn."""
    try:
        api = session.client_of(batch.session_key)
    except SignedOut:
        return _stop(batch, _("The session is over. Sign in and resume."))
    person = Person(batch.who, batch.owner, None)
    work = WORK[batch.operation]
    for turn in count(1):
        row = _next_row(batch)
        if row is None:
            return None
        try:
            api = session.client_of(batch.session_key)  # again for each row: signing out ends the work, too
            row.state, row.message, row.reason = work(person, api, batch, row)
        except SignedOut:
            Row.objects.filter(pk=row.pk).update(state=State.WAITING)
            return _stop(batch, _("The session is over. Sign in and resume."))
        except (Unreachable, TooFast):  # nothing was done: the row waits, and so does the batch
            Row.objects.filter(pk=row.pk).update(state=State.WAITING)
            return _stop(batch, _("The gateway cannot be reached or asks for a pause. Resume in a moment."))
        row.finished = timezone.now()
        if Batch.objects.filter(pk=batch.pk, holder=batch.holder).exists():  # else another worker called it unknown
            row.save()
        if turn >= TURN and Batch.objects.filter(state=State.WAITING).exclude(owner=batch.owner).exists():
            Batch.objects.filter(pk=batch.pk, holder=batch.holder, state=State.RUNNING).update(state=State.WAITING)
            return None


def _next_row(batch: Batch) -> Row | None:
    """Renew the lease and take the next row; None when the batch is stopped, taken over or done."""
    with transaction.atomic():
        held = Batch.objects.filter(pk=batch.pk, state=State.RUNNING, holder=batch.holder)
        ours = held.update(lease=timezone.now() + LEASE)
        row = batch.rows.filter(state=State.WAITING).first() if ours else None
        if row:
            row.state = State.RUNNING
            row.save(update_fields=("state",))
        elif ours:
            Batch.objects.filter(pk=batch.pk).update(state=State.DONE, lease=None)
        return row


def _stop(batch: Batch, why: str) -> None:
    Batch.objects.filter(pk=batch.pk, holder=batch.holder).update(state=State.STOPPED, why=why, lease=None)


def _release(person: Person, api: Client, batch: Batch, row: Row) -> tuple[State, str, str]:
    """Release the mail of one row: state, message and the gateway's words. Infected mail waits for somebody to decide."""
    ids, infected = batch.ids, _("Infected: release it by itself, where the page says what that means.")
    if not batch.user:
        _know_the_user(api, batch)
    try:
        at = mailbox.find(api, ids["userIdOrEmail"], ids["folderPath"], row.target, text=False)
        message = at.message
        row.label = (message.subject or "")[:300]
        if verdict.verdict(message.headers).infected:
            return State.REFUSED, infected, ""
        written = mailbox.release(
            person,
            api,
            at,
            ids["userIdOrEmail"],
            target=f"{batch.mailbox or ids['userIdOrEmail']}: {row.label}",
            url=batch.url,
            once=_once(batch, row),
            lock=mail.lock(batch.user or ids["userIdOrEmail"], ids["folderPath"], message.id or row.target),
            since=shown_at(batch.form) or batch.created,
        )
    except PreconditionFailed:
        return State.REFUSED, infected, ""
    except NotFound:
        return State.REFUSED, _("It is not in this folder any more."), ""
    except (SignedOut, Unreachable, TooFast):
        raise
    except NotAllowed as error:
        return State.REFUSED, _("Your account may not release it."), error.message
    except ApiError as error:
        if is_unclear(error) and error.operation == mail.RELEASE.id:
            return State.UNKNOWN, _("No clear answer came. Check the inbox before you repeat it."), error.message
        return State.REFUSED, _("The gateway refused it."), error.message
    if not written.done:
        return State.UNKNOWN, _("Tried before. Check the inbox before you repeat it."), ""
    return State.DONE, _("It was released already, and is not sent a second time.") if written.repeated else _("Released."), ""


def _know_the_user(api: Client, batch: Batch) -> None:
    """Whose mails they are, whatever the address said: the id, by which two releases of one mail know each other, and a name."""
    try:
        user = api.call(users.READ, users.User, ids={"userId": batch.ids["userIdOrEmail"]})
    except SignedOut:
        raise
    except ApiError:  # it is tried again for the next row
        return
    batch.user, batch.mailbox = str(user.id or user.email or "")[:1000], (user.email or "")[:320]
    batch.save(update_fields=("user", "mailbox"))


def _once(batch: Batch, row: Row) -> str:
    """The one-time key of a row. A form that is sent twice acts once on each target, though the selection be another."""
    return json.dumps([batch.form, batch.ids, row.target], sort_keys=True) if batch.form else f"batch-{batch.pk}-{row.pk}"


def _check(person: Person, api: Client, batch: Batch, row: Row) -> tuple[State, str, str]:
    """Run the diagnostic of one domain: state, what it found, and the last line of each test that failed.

    It could safely be run twice, but one that was interrupted is told as unknown like any other row: one rule for all.
    """
    try:
        row.label = (api.call(domains.READ, domains.Domain, ids={"domainId": row.target}).name or "")[:300]
        written = act(
            person,
            api,
            health.CHECK_DOMAIN,
            health.EntityHealth,
            target=row.label or row.target,
            url=reverse("domain-health", args=(row.target,)),
            once=_once(batch, row),
            ids={"domainId": row.target},
        )
    except NotFound:
        return State.REFUSED, _("This domain is not there any more, or your account may not see it."), ""
    except (SignedOut, Unreachable, TooFast):
        raise
    except NotAllowed as error:
        return State.REFUSED, _("Your account may not run its diagnostic."), error.message
    except ApiError as error:
        if is_unclear(error) and error.operation == health.CHECK_DOMAIN.id:
            return State.UNKNOWN, _("No clear answer came. Run the diagnostic again."), ""
        return State.REFUSED, _("The gateway refused it."), error.message
    if written.repeated:
        text = _("Checked.") if written.done else _("Tried before, and how it ended is not known.")
        return State.DONE if written.done else State.UNKNOWN, text, ""
    problems = diagnosis.problems(written.answer)
    if not problems:
        return State.DONE, _("Everything is fine."), ""
    return State.DONE, problems[0].kind.text, diagnosis.last_words(written.answer)


# What does a row of a batch: it gives the row's state, a message to translate when it is shown, and the gateway's words.
WORK = {mail.RELEASE.id: _release, health.CHECK_DOMAIN.id: _check}
