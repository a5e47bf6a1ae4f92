"""The first page: search, and what one did last. An end user starts in the own mailbox."""

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.views.decorators.http import require_safe

from portal.audit.models import Entry
from portal.ui.pages import PortalRequest


@require_safe
def home(request: PortalRequest) -> HttpResponse:
    if request.person.mailbox is not None:
        return HttpResponseRedirect(reverse("user-hub", args=(request.person.mailbox,)))
    return render(request, "home.html", {"entries": Entry.objects.filter(owner=request.person.owner)[:8]})


urlpatterns = [path("", home, name="home")]
