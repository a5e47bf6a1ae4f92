"""What one did through the portal: every write, with its result."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from portal.audit.models import Entry
from portal.ui.pages import PortalRequest
from portal.ui.tables import per_page


@require_safe
def activity(request: PortalRequest) -> HttpResponse:
    page = Paginator(Entry.objects.filter(owner=request.person.owner), per_page(request)).get_page(request.GET.get("page"))
    return render(request, "activity.html", {"page": page})


urlpatterns = [path("activity/", activity, name="activity")]
