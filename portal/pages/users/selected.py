"""Several held messages at once: those that were selected in a folder, or all that match."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget

from portal.api import mail
from portal.api.operation import is_id
from portal.batches.dispatch import begin, begun
from portal.pages.users.mail import VIEW, MailSearch
from portal.ui import mailbox
from portal.ui.pages import PortalRequest
from portal.ui.screens import is_fragment
from portal.ui.selection import MOST, Selected, selected
from portal.ui.tables import MOST_PER_PAGE


@require_http_methods(["GET", "POST"])
def release_selected(request: PortalRequest) -> HttpResponse:
    """Release what was selected (`user`, `folder`; `mail`, many, or `all` of `view`). GET leads back to the folder."""
    asked = request.POST if request.method == "POST" else request.GET
    user, folder = asked.get("user", ""), asked.get("folder", "")
    chosen = selected(request, "mail", VIEW)
    if chosen and not all(map(is_id, (user, folder, *chosen.ids))):
        return HttpResponseBadRequest("not an id")
    back = chosen.at(reverse("mail-list", args=(user, folder))) if user and folder else "/"
    if not chosen:
        return HttpResponse(status=204) if is_fragment(request) else HttpResponseRedirect(back)
    if not mailbox.holds(request, folder):
        messages.error(request, _("Only held messages can be released together."))
        return HttpResponseClientRedirect(back) if is_fragment(request) else HttpResponseRedirect(back)
    ids = {"userIdOrEmail": user, "folderPath": folder}
    if not chosen.everything:
        return _watched(request, begin(request, "release", chosen.ids, back, ids).pk)
    what = f"all {chosen.view.urlencode()}"
    batch = begun(request, "release", ids, what)  # by the first of two clicks: since then, fewer match
    if batch is None:
        found, more = _all(request, user, folder, chosen)
        if not found or request.POST.get("sure") != f"{len(found)}{'+' if more else ''}":
            return _ask(request, user, folder, chosen, len(found), more, back)
        batch = begin(request, "release", found, back, ids, what=what)
    return _watched(request, batch.pk)


def _all(request: PortalRequest, user: str, folder: str, chosen: Selected) -> tuple[list[str], bool]:
    """The ids of the messages that match now, in the order of the list; and whether there are more than are released together."""
    search = MailSearch(chosen.view)
    if not search.is_valid():
        return [], False
    sort = "sentDate" if chosen.view.get("sort") == "sentDate" else ""

    def every(path: str) -> list[mail.Message]:
        ids, query = {"userIdOrEmail": user, "folderPath": path}, search.criteria()
        return request.api.every(mail.LIST, mail.Message, most=MOST, size=MOST_PER_PAGE, sort=sort, query=query, ids=ids)

    rows = mailbox.in_folder(request.api, user, folder, mail.LIST, every)
    found = list(dict.fromkeys(str(row.id) for row in rows if is_id(str(row.id or ""))))
    return found[:MOST], len(found) > MOST


def _ask(request: PortalRequest, user: str, folder: str, chosen: Selected, count: int, more: bool, back: str) -> HttpResponse:
    """Says how many it would be; and once more, where they are not as many as was said."""
    search = MailSearch(chosen.view)
    how = search.how() if search.is_valid() else ""  # with NOT, it is all the others
    context = {
        "user_id": user,
        "folder": folder,
        "count": count,
        "more": more,
        "criteria": [*search.said(), *([(search["operator"].label, how)] if how else [])],
        "view": chosen.view.urlencode(),
        "once": request.POST.get("once", ""),
        "changed": "sure" in request.POST,
        "back": back,
    }
    answer = render(request, "users/release_all.html", context)
    return reswap(retarget(answer, "#dialog"), "innerHTML") if is_fragment(request) else answer


def _watched(request: PortalRequest, batch: int) -> HttpResponse:
    """The page of the job, or a strip above the list that watches it."""
    if is_fragment(request):
        return render(request, "batches/_begun.html", {"batch": batch})
    return HttpResponseRedirect(reverse("batch", args=(batch,)))
