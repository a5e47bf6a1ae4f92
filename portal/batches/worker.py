"""Runs batches, a few rows side by side. A killed worker loses no row and repeats no write.

A batch belongs to the run that holds its lease, and so does each row that is being done. Leases go by the database's clock. When
one has run out the worker is gone: the next one reads in the activity log how far the rows got that were in flight.
"""

import json
import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from uuid import uuid4

from django.db import connections, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_noop as noop  # messages are translated when they are shown: a worker has no reader

from portal import session
from portal.api.client import Client
from portal.api.errors import ApiError, NotFound, PreconditionFailed, SignedOut, TooFast, Unreachable
from portal.audit import log as activity
from portal.audit.models import Result
from portal.batches.kinds import KINDS, Kind
from portal.batches.models import BY_OPERATION, Batch, Row, State
from portal.session import Person

LEASE = timedelta(seconds=90)  # longer than one row can take: three calls, and the wait for somebody else's (audit/log.py)
SIDE_BY_SIDE = 2  # rows of a batch at once; with more of them, a killed worker leaves more unknown (docs/decisions/0021)
TURN = 25  # rows of a batch, after which somebody else's that waits gets its turn
log = logging.getLogger("portal.batches")

Ending = tuple[State, str, str]  # of a row: its state, a message, the gateway's words


def claim() -> Batch | None:
    """Take the batch that waits longest for its turn, or whose worker is gone. None when there is none."""
    ours = Q(kind__in=KINDS) | Q(kind="", operation__in=BY_OPERATION)  # not what a newer version has begun
    free = ours & (Q(state=State.WAITING) | Q(state=State.RUNNING, lease__lt=Now()))
    if not Batch.objects.filter(free).exists():  # the usual case, without a write lock
        return None
    with transaction.atomic():
        batch = Batch.objects.filter(free).order_by(F("lease").asc(nulls_first=True), "id").first()  # who had a turn comes last
        if batch is None:
            return None
        held = {"state": State.RUNNING, "lease": Now() + LEASE, "holder": uuid4().hex, "changes": F("changes") + 1}
        if not Batch.objects.filter(free, pk=batch.pk).update(**held):
            return None
        batch.refresh_from_db()
        lost = Q(lease=None) | Q(lease__lt=Now())
        for row in batch.rows.filter(lost, state=State.RUNNING):
            _recover(batch, row)
        _settle(batch)
    return batch


def run(batch: Batch, ending: Callable[[], bool] = lambda: False) -> None:
    """Do the rows of a claimed batch until it is done or stopped, until others who wait get their turn, or until `ending()`."""
    kind, turns = KINDS[batch.kind_name], count(1)
    person = Person(batch.who, batch.owner, None)

    def rows() -> None:
        while not ending() and (next(turns) <= TURN or not _others_wait(batch)):
            row = None
            try:
                api = session.client_of(batch.session_key)  # again for each row: signing out ends the work, too
                row = _take(batch)
                if row is None:
                    return
                _finish(batch, row, *_do(kind, person, api, batch, row))
            except SignedOut:
                return _pause(batch, row, noop("Your session has ended. Sign in and resume the job."))
            except (Unreachable, TooFast):  # nothing was done: the row waits, and so does the batch
                return _pause(batch, row, noop("The gateway cannot be reached or asks for a pause. Resume in a moment."))

    def beside() -> None:
        try:
            rows()
        except Exception:  # its row is found when its lease has passed
            log.exception("batch worker")
        finally:
            connections.close_all()

    try:
        kind.prepare(session.client_of(batch.session_key), batch)
    except SignedOut:
        return _pause(batch, None, noop("Your session has ended. Sign in and resume the job."))
    # Not a pool of concurrent.futures: the interpreter would wait for all its work before it tells anybody that it ends.
    threads = [threading.Thread(target=beside, name="batch", daemon=True) for _ in range(SIDE_BY_SIDE - 1)]
    for thread in threads:
        thread.start()
    try:
        rows()
    finally:
        for thread in threads:
            thread.join()
    waiting = Row.objects.filter(batch=OuterRef("pk"), state=State.WAITING)
    _held(batch).filter(Exists(waiting)).update(state=State.WAITING, changes=F("changes") + 1)


def _do(kind: Kind, person: Person, api: Client, batch: Batch, row: Row) -> Ending:
    """One row, and how it ended; whatever kind of work it is."""
    try:
        written = kind.row(person, api, batch, row, _once(batch, row))
    except (SignedOut, Unreachable, TooFast):
        raise
    except ApiError as error:
        if activity.is_unclear(error) and error.operation == kind.operation.id:
            return State.UNKNOWN, kind.words["unclear"], error.message
        why = kind.refused.get(type(error), noop("The gateway refused it."))
        return State.REFUSED, why, "" if isinstance(error, NotFound | PreconditionFailed) else error.message
    if written.repeated:
        return (State.DONE, kind.words["again"], "") if written.done else (State.UNKNOWN, kind.words["tried"], "")
    return State.DONE, *kind.told(written.answer)


def _once(batch: Batch, row: Row) -> str:
    """The one-time key of a row. A form that is sent twice acts once on each target, though the selection be another.

    Rows that say what to write are each a write of their own, though their target be the same.
    """
    more = [row.payload, row.number] if row.payload else []
    key = json.dumps([batch.form, batch.ids, row.target, *more], sort_keys=True)
    return key if batch.form else f"batch-{batch.pk}-{row.pk}"


def _recover(batch: Batch, row: Row) -> None:
    """A row that its worker left in flight. What is not in the activity log was not sent, or was refused and so did nothing."""
    kind = KINDS[batch.kind_name]
    match activity.left_behind(batch.owner, kind.operation, _once(batch, row)):
        case None:
            _change(batch, row, state=State.WAITING, lease=None)
        case Result.DONE:
            _finish(batch, row, State.DONE, kind.words["done"])
        case _:
            _finish(batch, row, State.UNKNOWN, noop("The job was interrupted here. Check before you repeat it."))


def _held(batch: Batch) -> QuerySet[Batch]:
    """The batch, while this run may begin rows of it."""
    return Batch.objects.filter(pk=batch.pk, state=State.RUNNING, holder=batch.holder)


def _take(batch: Batch) -> Row | None:
    """Renew the lease and take the next row; None when there is none, or the batch is stopped or taken over."""
    with transaction.atomic():
        # The update also keeps every other run from taking a row until this one is taken.
        if not _held(batch).update(lease=Now() + LEASE):
            return None
        row = batch.rows.filter(state=State.WAITING).first()
        if row is None:
            _settle(batch)
            return None
        lease = Batch.objects.filter(pk=batch.pk).values("lease")  # never later than its batch's
        _change(batch, row, state=State.RUNNING, lease=lease, holder=batch.holder)
        row.holder = batch.holder
        return row


def _finish(batch: Batch, row: Row, state: State, message: str, reason: str = "") -> None:
    """Keep how a row ended, and see whether it was the last one."""
    with transaction.atomic():
        _change(batch, row, state=state, label=row.label, message=message, reason=reason, finished=Now(), lease=None)
        _settle(batch)


def _pause(batch: Batch, row: Row | None, why: str) -> None:
    with transaction.atomic():
        _held(batch).update(state=State.STOPPED, why=why, lease=None, changes=F("changes") + 1)
        if row:
            _change(batch, row, state=State.WAITING, lease=None)


def _change(batch: Batch, row: Row, **fields: object) -> None:
    """Change a row, in a transaction. Its number is never seen before a lower one: the batch is held until the transaction ends.

    If another worker has taken the row over, what that says of it stays.
    """
    Batch.objects.filter(pk=batch.pk).update(changes=F("changes") + 1)
    number = Batch.objects.filter(pk=batch.pk).values("changes")
    Row.objects.filter(pk=row.pk, holder=row.holder, finished=None).update(change=number, **fields)


def _settle(batch: Batch) -> None:
    """The batch is done when all its rows are, whoever did the last one."""
    open_rows = Row.objects.filter(batch=OuterRef("pk"), state__in=(State.WAITING, State.RUNNING))
    running = Batch.objects.filter(~Exists(open_rows), pk=batch.pk, state=State.RUNNING)
    running.update(state=State.DONE, lease=None, changes=F("changes") + 1)


def _others_wait(batch: Batch) -> bool:
    return Batch.objects.filter(state=State.WAITING).exclude(owner=batch.owner).exists()
