"""Long work: start it, watch it, stop it, go on with it."""

import json
from hashlib import sha256

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.db.models import Count
from django.http import Http404, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

import portal.ui.addresses  # noqa: F401 (registers <id:>)
from portal import session
from portal.api import health, mail
from portal.api.operation import is_id
from portal.batches import worker
from portal.batches.models import Batch, Row, State
from portal.ui import mailbox
from portal.ui.pages import PortalRequest, polls, region
from portal.ui.screens import safe_next

MOST = 1000


@require_safe
def batch_list(request: PortalRequest) -> HttpResponse:
    batches = Batch.objects.filter(owner=request.person.owner).annotate(size=Count("rows")).order_by("-id")[:100]
    return render(request, "batches/list.html", {"batches": batches})


@require_http_methods(["GET", "POST"])
def batch_release(request: PortalRequest) -> HttpResponse:
    """Release the mails that were selected in a folder (`mail`, many; `user`, `folder`). GET leads back to the folder."""
    said = request.POST if request.method == "POST" else request.GET
    user, folder = said.get("user", ""), said.get("folder", "")
    mails = list(dict.fromkeys(request.POST.getlist("mail")))[:MOST]
    if mails and not all(map(is_id, (user, folder, *mails))):
        return HttpResponseBadRequest("not an id")
    back = reverse("mail-list", args=(user, folder)) if user and folder else "/"
    if not mails:
        return HttpResponseRedirect(back)
    if not mailbox.holds(request, folder):
        messages.error(request, _("Only held messages can be released together."))
        return HttpResponseRedirect(back)
    batch = _start(request, mail.RELEASE.id, mails, back, {"userIdOrEmail": user, "folderPath": folder})
    worker.wake()
    return HttpResponseRedirect(reverse("batch", args=(batch.pk,)))


@require_http_methods(["GET", "POST"])
def batch_check(request: PortalRequest) -> HttpResponse:
    """Run the diagnostics of domains (`domain`, many), then lead back to `next`. GET leads to all diagnostics.

    While a batch of the same domains is not done, another one of them leads to that.
    """
    found = list(dict.fromkeys(request.POST.getlist("domain")))[:MOST]
    if not all(map(is_id, found)):
        return HttpResponseBadRequest("not an id")
    back = safe_next(request, request.POST.get("next", ""))[:2000]
    if not found:
        return HttpResponseRedirect(reverse("health") if back == "/" else back)
    going = Batch.objects.filter(
        owner=request.person.owner, operation=health.CHECK_DOMAIN.id, state__in=(State.WAITING, State.RUNNING)
    )
    same = (one for one in going if set(one.rows.values_list("target", flat=True)) == set(found))
    batch = next(same, None) or _start(request, health.CHECK_DOMAIN.id, found, reverse("health") if back == "/" else back, {})
    worker.wake()
    return HttpResponseRedirect(reverse("batch", args=(batch.pk,)))


def _start(request: PortalRequest, operation: str, targets: list[str], back: str, ids: dict[str, str]) -> Batch:
    """A new batch of this person's, with a row for each target; for a second click, the batch of the first one."""
    form = request.POST.get("once", "")
    form = form if len(form) <= 64 and form.isprintable() else ""
    asked = json.dumps([request.person.owner, operation, form, ids, sorted(targets)], sort_keys=True)
    once = sha256(asked.encode()).hexdigest() if form else None
    try:
        with transaction.atomic():
            batch = Batch.objects.create(
                owner=request.person.owner,
                who=request.person.who,
                session_key=session.session_key(request),
                operation=operation,
                ids=ids,
                url=back,
                form=form,
                once=once,
            )
            Row.objects.bulk_create(Row(batch=batch, target=target) for target in targets)
        return batch
    except IntegrityError:
        first = Batch.objects.filter(once=once).first() if once else None
        if first is None:
            raise
        return first


@polls
@require_safe
def batch_page(request: PortalRequest, batch_id: int) -> HttpResponse:
    """How far it is, and the result of each row. Asks again by itself while it runs."""
    batch = _mine(request, batch_id)
    rows = list(batch.rows.all())
    finished = sum(row.finished is not None for row in rows)
    counts = {state: sum(row.state == state for row in rows) for state in State}
    context = {
        "batch": batch,
        "rows": rows,
        "finished": finished,
        "counts": counts,
        "going": batch.state in (State.WAITING, State.RUNNING),
    }
    return render(request, "batches/_progress.html" if region(request) == "progress" else "batches/batch.html", context)


@require_http_methods(["GET", "POST"])
def batch_stop(request: PortalRequest, batch_id: int) -> HttpResponse:
    """No further row is begun; the one in flight ends. GET leads to the batch."""
    batch = _mine(request, batch_id)
    if request.method == "POST":
        going = Batch.objects.filter(pk=batch.pk, state__in=(State.WAITING, State.RUNNING))
        going.update(state=State.STOPPED, why="", lease=None)
    return HttpResponseRedirect(reverse("batch", args=(batch_id,)))


@require_http_methods(["GET", "POST"])
def batch_resume(request: PortalRequest, batch_id: int) -> HttpResponse:
    """Go on with the rows that wait, with the session of now. GET leads to the batch."""
    batch = _mine(request, batch_id)
    if request.method == "POST":
        Batch.objects.filter(pk=batch.pk, state=State.STOPPED).update(
            state=State.WAITING,
            why="",
            session_key=session.session_key(request),
        )
        worker.wake()
    return HttpResponseRedirect(reverse("batch", args=(batch_id,)))


def _mine(request: PortalRequest, batch_id: int) -> Batch:
    batch = Batch.objects.filter(pk=batch_id, owner=request.person.owner).first() if batch_id < 2**63 else None
    if batch is None:
        raise Http404
    return batch


urlpatterns = [
    path("batches/", batch_list, name="batch-list"),
    path("batches/release/", batch_release, name="batch-release"),
    path("batches/check/", batch_check, name="batch-check"),
    path("batches/<int:batch_id>/", batch_page, name="batch"),
    path("batches/<int:batch_id>/stop/", batch_stop, name="batch-stop"),
    path("batches/<int:batch_id>/resume/", batch_resume, name="batch-resume"),
]
