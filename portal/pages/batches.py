"""Long work: start it, watch it, stop it, go on with it."""

import re
from typing import Any

from django.db.models import Count, F, Q
from django.http import Http404, HttpResponse, HttpResponseBadRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _, gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_safe
from django_tables2 import Column

import portal.ui.addresses  # noqa: F401 (registers <id:>)
from portal import session
from portal.api import health
from portal.api.client import Page
from portal.api.operation import is_id
from portal.batches.dispatch import begin, ring
from portal.batches.kinds import KINDS
from portal.batches.models import Batch, Row, State
from portal.ui import exports, lists
from portal.ui.lists import List
from portal.ui.pages import PortalRequest, one_time_key, polls, region
from portal.ui.screens import is_fragment, safe_next
from portal.ui.selection import MOST
from portal.ui.tables import RemoteTable

ENDED = (State.DONE, State.REFUSED, State.UNKNOWN)
LISTED = 20  # rows that were not done, in the strip above a list
TONES = {State.DONE: "ok", State.REFUSED: "bad", State.UNKNOWN: "warn", State.STOPPED: "warn"}


class JobTable(RemoteTable):
    row_template, base = "batches/_rows.html", "batch-list"
    title = Column(lazy("Bulk job"))
    state = Column(lazy("State"))
    size = Column(lazy("Items"))
    created = Column(lazy("Started"))


JOBS = List(
    "jobs",
    None,
    Batch,
    JobTable,
    (
        exports.Column(lazy("Started"), lambda row: row.created.isoformat(timespec="seconds")),
        exports.Column(lazy("Bulk job"), lambda row: _title(row, row.size)),
        exports.Column(lazy("Mailbox"), lambda row: row.mailbox or row.ids.get("userIdOrEmail", "")),
        exports.Column(lazy("Items"), lambda row: row.size),
        exports.Column(lazy("State"), lambda row: _standing(row)["ending"]),
    ),
)


@require_safe
def batch_list(request: PortalRequest) -> HttpResponseBase:
    batches = Batch.objects.filter(owner=request.person.owner).order_by("-id")
    ended = {state.value: Count("rows", filter=Q(rows__state=state)) for state in ENDED}

    def fetch(offset: int, size: int, _sort: str) -> Page[Batch]:
        return Page(list(batches.annotate(size=Count("rows"), **ended)[offset : offset + size]), batches.count())

    if other := lists.elsewhere(request, JOBS, fetch=fetch):
        return other
    found = lists.listed(request, JOBS, fetch=fetch)
    found.table.records = [{"batch": batch, "title": _title(batch, batch.size), **_standing(batch)} for batch in found.rows]
    return render(request, "batches/list.html", {"listed": found})


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
    batch = next(same, None) or begin(request, "check", found, reverse("health") if back == "/" else back)
    return HttpResponseRedirect(reverse("batch", args=(batch.pk,)))


@polls
@require_safe
def batch_page(request: PortalRequest, batch_id: int) -> HttpResponse:
    """How far it is, and the result of each row. While it runs, the page asks for what is new `since` it was made."""
    return _shown(request, _mine(request, batch_id))


def _shown(request: PortalRequest, batch: Batch) -> HttpResponse:
    """The page, its progress, or the strip above a list: that tells which rows have ended, and lists those that were not done."""
    going = batch.state in (State.WAITING, State.RUNNING)
    place, seen = region(request), request.GET.get("since", "")
    strip = place == f"strip-{batch.pk}"  # above the list that it was started from
    part = strip or place == "progress"
    since = int(seen) if part and re.fullmatch("[0-9]{1,18}", seen) else None
    if going and since == batch.changes:
        return HttpResponse(status=204)
    counts = dict(batch.rows.order_by().values_list("state").annotate(Count("id")))
    total, rows = sum(counts.values()), batch.rows.all()
    not_done = rows.filter(state__in=(State.REFUSED, State.UNKNOWN))
    rows = rows if since is None else rows.filter(change__gt=since)
    context = {
        "batch": batch,
        "title": _title(batch, total),
        **_ending(batch, total, counts),
        "going": going,
        "total": total,
        "finished": sum(counts.get(state, 0) for state in ENDED),
        "counts": [(state.label, counts[state], TONES.get(state, "")) for state in State if state in counts],
    }
    if not strip:
        context["lines"] = [_line(batch, row) for row in rows.iterator()]
        return render(request, "batches/_news.html" if part else "batches/batch.html", context)
    context["lines"] = [_line(batch, row) for row in not_done[:LISTED]]
    context["others"] = not_done.count() - len(context["lines"])
    context["marks"] = [_line(batch, row) for row in rows.filter(state__in=ENDED)]
    context["once"] = "" if going else one_time_key(batch.form)  # a refused row may be tried again: that is no second click
    return render(request, "batches/_strip.html", context)


@require_http_methods(["GET", "POST"])
def batch_stop(request: PortalRequest, batch_id: int) -> HttpResponse:
    """No further row is begun; the one in flight ends. GET leads to the batch."""
    batch = _mine(request, batch_id)
    if request.method == "POST":
        going = Batch.objects.filter(pk=batch.pk, state__in=(State.WAITING, State.RUNNING))
        going.update(state=State.STOPPED, why="", lease=None, changes=F("changes") + 1)
    return _after(request, batch)


@require_http_methods(["GET", "POST"])
def batch_resume(request: PortalRequest, batch_id: int) -> HttpResponse:
    """Go on with the rows that wait, with the session of now. GET leads to the batch."""
    batch = _mine(request, batch_id)
    if request.method == "POST":
        Batch.objects.filter(pk=batch.pk, state=State.STOPPED).update(
            state=State.WAITING,
            why="",
            session_key=session.session_key(request),
            changes=F("changes") + 1,
        )
        ring()
    return _after(request, batch)


def _after(request: PortalRequest, batch: Batch) -> HttpResponse:
    batch.refresh_from_db()
    return _shown(request, batch) if is_fragment(request) else HttpResponseRedirect(reverse("batch", args=(batch.pk,)))


def _standing(batch: Any) -> dict[str, str]:
    """That of a row of the list, which has the counts with it."""
    return _ending(batch, batch.size, {state: getattr(batch, state.value) for state in ENDED})


def _ending(batch: Batch, total: int, counts: dict[str, int]) -> dict[str, str]:
    """How it stands, in words, and the colour of that: it is green only when all of its rows were done."""
    state = State(batch.state)
    if state is not State.DONE or counts.get(State.DONE, 0) == total:
        return {"ending": str(state.label), "tone": TONES.get(state, "")}
    words = {State.REFUSED: _("%(count)s of %(total)s refused"), State.UNKNOWN: _("%(count)s of %(total)s unknown, check")}
    told = [words[state] % {"count": counts[state], "total": total} for state in words if counts.get(state)]
    return {"ending": ", ".join(told), "tone": "warn"}


def _line(batch: Batch, row: Row) -> dict[str, Any]:
    kind = KINDS.get(batch.kind_name)
    return {"row": row, "tone": TONES.get(State(row.state), ""), "link": kind.link(row) if kind else ""}


def _title(batch: Batch, size: int) -> str:
    kind = KINDS.get(batch.kind_name)
    return kind.title(size) if kind else batch.operation


def _mine(request: PortalRequest, batch_id: int) -> Batch:
    batch = Batch.objects.filter(pk=batch_id, owner=request.person.owner).first() if batch_id < 2**63 else None
    if batch is None:
        raise Http404
    return batch


urlpatterns = [
    path("batches/", batch_list, name="batch-list"),
    path("batches/check/", batch_check, name="batch-check"),
    path("batches/<int:batch_id>/", batch_page, name="batch"),
    path("batches/<int:batch_id>/stop/", batch_stop, name="batch-stop"),
    path("batches/<int:batch_id>/resume/", batch_resume, name="batch-resume"),
]
