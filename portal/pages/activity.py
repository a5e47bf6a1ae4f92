"""What one did through the portal: every write, with its result."""

from django.http import HttpResponseBase
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from django_tables2 import Column

from portal.api.client import Page
from portal.audit.models import Entry
from portal.ui import exports, lists
from portal.ui.lists import List
from portal.ui.pages import PortalRequest
from portal.ui.tables import RemoteTable
from portal.ui.words import operation_name, target_name


class EntryTable(RemoteTable):
    row_template, base = "activity/_rows.html", "activity"
    operation = Column(_("Action"))
    target = Column(_("Target"))
    result = Column(_("Result"))
    at = Column(_("Time"))
    requestId = Column(_("Request ID"))  # noqa: N815 (as the other columns are named)


ACTIVITY = List(
    "activity",
    None,
    Entry,
    EntryTable,
    (
        exports.Column(_("Time"), lambda row: row.at.isoformat(timespec="seconds")),
        exports.Column(_("Action"), lambda row: operation_name(row.operation)),
        exports.Column(_("Target"), lambda row: target_name(row.target)),
        exports.Column(_("Result"), lambda row: row.get_result_display()),
        exports.Column(_("Reason"), lambda row: row.reason),
        exports.Column(_("Request ID"), lambda row: row.request_id),
    ),
    further=("requestId",),
)


@require_safe
def activity(request: PortalRequest) -> HttpResponseBase:
    entries = Entry.objects.filter(owner=request.person.owner)

    def fetch(offset: int, size: int, _sort: str) -> Page[Entry]:
        return Page(list(entries[offset : offset + size]), entries.count())

    if other := lists.elsewhere(request, ACTIVITY, fetch=fetch):
        return other
    return render(request, "activity.html", {"listed": lists.listed(request, ACTIVITY, fetch=fetch)})


urlpatterns = [path("activity/", activity, name="activity")]
