"""Who runs batches, and when: a thread of each web process, or `manage.py batches`.

Nothing else knows: a page begins a batch or rings, and `worker.run` runs what `worker.claim` has taken. Whatever is to run them
instead, an engine of queues perhaps, is put in here.
"""

import atexit
import json
import logging
import threading
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, close_old_connections, transaction

from portal import session
from portal.batches import worker
from portal.batches.kinds import KINDS
from portal.batches.models import Batch, Row

PAUSE = 1.0  # seconds between two looks for work
log = logging.getLogger("portal.batches")
_rung = threading.Event()
_ending = False  # no event: it is set while a signal is handled


def begin(
    request: Any,
    kind: str,
    targets: list[str],
    back: str,
    ids: dict[str, str] | None = None,
    payloads: list[Any] | None = None,
    *,
    what: str = "",
) -> Batch:
    """A new batch of this person's, with a row for each target; for a second click, the batch of the first one.

    `ids` are what all rows share, `payloads` what is written in each, `back` is the page it was started from. `what` says what
    was asked for, where a second click would not find the same targets.
    """
    form = _form(request)
    once = _once(request, kind, ids, what or sorted(targets), *([payloads] if payloads else []))
    try:
        with transaction.atomic():
            batch = Batch.objects.create(
                owner=request.person.owner,
                who=request.person.who,
                session_key=session.session_key(request),
                kind=kind,
                operation=KINDS[kind].operation.id,
                ids=ids or {},
                url=back,
                form=form,
                once=once,
            )
            rows = zip(targets, payloads or [{}] * len(targets), strict=True)
            Row.objects.bulk_create(
                Row(batch=batch, number=number, target=target, payload=payload)
                for number, (target, payload) in enumerate(rows, 1)
            )
    except IntegrityError:
        first = Batch.objects.filter(once=once).first() if once else None
        if first is None:
            raise
        batch = first
    ring()
    return batch


def begun(request: Any, kind: str, ids: dict[str, str], what: str) -> Batch | None:
    """The batch that a first click on the same form has made of `what`."""
    once = _once(request, kind, ids, what)
    return Batch.objects.filter(once=once).first() if once else None


def _form(request: Any) -> str:
    form = request.POST.get("once", "")
    return form if len(form) <= 64 and form.isprintable() else ""


def _once(request: Any, kind: str, ids: dict[str, str] | None, *what: Any) -> str | None:
    asked = json.dumps([request.person.owner, KINDS[kind].operation.id, _form(request), ids or {}, *what], sort_keys=True)
    return sha256(asked.encode()).hexdigest() if _form(request) else None


def ring() -> None:
    """There is work."""
    _rung.set()


def start() -> None:
    """Run batches in a thread of this process, until the process ends."""
    thread = threading.Thread(target=forever, name="batches", daemon=True)
    thread.start()
    atexit.register(_finish, thread)


def forever() -> None:
    """Run one batch after the other, until this process is to end."""
    while not _ending:
        try:
            close_old_connections()
            while not _ending and (batch := worker.claim()):
                worker.run(batch, lambda: _ending)
        except Exception:  # whatever it was, the next batch must still be run
            log.exception("batch worker")
        _rung.wait(0 if _ending else PAUSE)
        _rung.clear()


def end(*_signal: Any) -> None:
    """Begin no further row: this process is to end. What is in flight ends, and the batch waits for another worker."""
    global _ending
    _ending = True


def _finish(thread: threading.Thread) -> None:
    end()
    ring()
    thread.join(worker.LEASE.total_seconds())
