"""Every write to the gateway goes through here, so that none can happen without a line in the activity log."""

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.api.client import Client
from portal.api.errors import ApiError, BadAnswer, TimedOut, UpstreamFailed
from portal.api.operation import Operation
from portal.audit.models import Entry, Result
from portal.session import Person

LONGEST_WRITE = timedelta(seconds=60)  # far above the client's timeouts: a write older than that died with its process


@dataclass(frozen=True)
class Written:
    """How a write ended: its `result`, the gateway's `answer` to it, and its line in the log.

    `repeated`: it was not sent now, since the same form, or somebody else at the same moment, had sent it already. Then there is
    no answer, and `result` is how that first write ended.
    """

    result: Result
    entry: Entry
    answer: Any = None
    repeated: bool = False

    @property
    def done(self) -> bool:
        """False where nobody knows: it may have happened all the same."""
        return self.result == Result.DONE


def act(
    person: Person,
    api: Client,
    op: Operation,
    type: Any = None,
    *,
    target: str,
    url: str = "",
    once: str = "",
    what: str = "",
    lock: tuple[str, ...] = (),
    wait: bool = False,
    since: datetime | None = None,
    **call: Any,
) -> Written:
    """Do one write and log it. Raises what `Client.call` raises.

    `target` says in words what it is done to, `url` is the target's page. `once` is the one-time key of the form, and `what` its
    contents, where the same form may be sent again with others: that is another write. `lock` names the thing acted on.
    A second click, or a second person at the same moment, is not sent, and is told how the first write ended; unless that was
    refused, and so did nothing.
    With `since`, so does whoever asks for what was done to it after that: what they saw was older.
    With `wait`, the second person's write is not taken for the first one's, and follows when that has ended. `json` may be a
    function that makes the body: it is called once the lock is held, and so can read what is there before nobody else changes it.
    """
    entry = Entry(
        owner=person.owner,
        who=person.who,
        operation=op.id,
        target=target,
        url=url,
        request_id=api.request_id,
        once=_key(person.owner, op, once, what),
        lock=sha256("\0".join((op.id, *lock)).encode()).hexdigest() if lock else "",
    )
    while first := _begin(entry, since):
        somebody_elses = not entry.once or first.once != entry.once
        first = _ended(first)
        waited = wait and somebody_elses and first.result
        if not waited and first.result != Result.REFUSED:
            return Written(_result(first), first, repeated=True)
    entry.result = Result.UNKNOWN  # unless something below says better: even a bug must not leave it running
    try:
        if callable(call.get("json")):
            call["json"] = call["json"]()
        answer = api.call(op, type, **call)
        entry.result = Result.DONE
        return Written(Result.DONE, entry, answer)
    except ApiError as error:
        entry.reason = error.message
        entry.result = Result.UNKNOWN if is_unclear(error) and error.operation == op.id else Result.REFUSED
        raise
    finally:
        if entry.result == Result.REFUSED:
            entry.once = None  # nothing happened: the same form may try again
        entry.save(update_fields=("result", "reason", "once"))


def repeated(person: Person, op: Operation, once: str) -> Written | None:
    """What the form with this one-time key already did, once that has ended; None when it did nothing yet.

    To be asked before the object of the write is read: it may be gone by the first click.
    """
    first = Entry.objects.filter(once=_key(person.owner, op, once)).first() if once else None
    first = _ended(first) if first else None
    return Written(_result(first), first, repeated=True) if first and first.result != Result.REFUSED else None


def left_behind(owner: str, op: Operation, once: str) -> Result | None:
    """How the write with this key ended, whose process is gone; None when it was not sent, or was refused.

    What it left running is closed: it was on its way, and nobody knows whether it arrived.
    """
    mine = Entry.objects.filter(once=_key(owner, op, once))
    mine.filter(result=Result.RUNNING).update(result=Result.UNKNOWN)
    entry = mine.first()
    return Result(entry.result) if entry else None


def _result(entry: Entry) -> Result:
    """How an entry ended; one that is still running after all that waiting may end in any way."""
    return Result(entry.result or Result.UNKNOWN)


def shown_at(once: str) -> datetime | None:
    """When the form with this one-time key was shown (portal/ui/pages.py); None where the key does not tell."""
    found = re.match(r"([0-9a-f]{11})-", once)
    at = datetime.fromtimestamp(int(found[1], 16) / 1000, UTC) if found else None
    return at if at and at <= timezone.now() else None


def _key(owner: str, op: Operation, once: str, what: str = "") -> str | None:
    """A key is good for one write of each kind, since a form may have several buttons, and for one person only."""
    return sha256("\0".join((owner, op.id, once + what)).encode("utf-8", "replace")).hexdigest() if once else None


def is_unclear(error: ApiError) -> bool:
    """True when a write may have happened all the same: sent without an answer, or answered with nonsense or a crash."""
    return error.broke or isinstance(error, TimedOut | BadAnswer | UpstreamFailed)


def _begin(entry: Entry, since: datetime | None = None) -> Entry | None:
    """Store the entry; where one with the same key or lock stands in the way, return that instead."""
    for _ in range(2):
        try:
            with transaction.atomic():
                entry.save(force_insert=True)
                # With the lock held: nobody does the same between this look and the write.
                done = Entry.objects.filter(lock=entry.lock, at__gte=since).exclude(pk=entry.pk) if since and entry.lock else None
                first = done.filter(result__in=(Result.DONE, Result.UNKNOWN)).first() if done is not None else None
                if first:
                    entry.delete()
            return first
        except IntegrityError:
            first = Entry.objects.filter(once=entry.once).first() if entry.once else None
            first = first or Entry.objects.filter(lock=entry.lock, result="").exclude(lock="").first()
            if first is None:
                continue  # it ended between the two questions: the way is free
            if first.result == "" and timezone.now() - first.at > LONGEST_WRITE:
                Entry.objects.filter(pk=first.pk, result="").update(result=Result.UNKNOWN)
                first.refresh_from_db()
                if first.once != entry.once or not entry.once:
                    continue
            return first
    raise ApiError(entry.operation)


def _ended(entry: Entry) -> Entry:
    """The entry once it has a result, waiting as long as a write may take: the second click shows what the first one did."""
    for _ in range(200):
        if entry.result:
            break
        time.sleep(0.1)
        entry.refresh_from_db(fields=("result", "reason"))
    return entry
