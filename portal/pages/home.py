"""The first page: search, and what one did last. An end user starts in the own mailbox."""

from django import forms
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _, gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_safe

from portal import session
from portal.api import mail
from portal.api.errors import NotAllowed, NotFound
from portal.audit.models import Entry
from portal.ui.pages import PortalRequest


class MailboxForm(forms.Form):
    """Which mailbox is whose: asked once, where the gateway lists no user and an opaque token names nobody."""

    mailbox = forms.EmailField(label=lazy("Your email address"), max_length=320)


@require_safe
def home(request: PortalRequest) -> HttpResponse:
    if request.person.mailbox:
        return HttpResponseRedirect(reverse("user-hub", args=(request.person.mailbox,)))
    if request.person.end_user:
        return HttpResponseRedirect(reverse("own-mailbox"))
    return render(request, "home.html", {"entries": Entry.objects.filter(owner=request.person.owner)[:8]})


@require_http_methods(["GET", "POST"])
def own_mailbox(request: PortalRequest) -> HttpResponse:
    """Ask an end user for the own address."""
    form = MailboxForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        address = form.cleaned_data["mailbox"]
        try:
            request.api.call(mail.FOLDERS, list[mail.Folder], ids={"userIdOrEmail": address})
            if request.person.end_user:
                session.remember_mailbox(request, address)
            return HttpResponseRedirect(reverse("user-hub", args=(address,)))
        except (NotAllowed, NotFound):
            form.add_error("mailbox", _("No mailbox with this address is visible to you."))
    return render(request, "mailbox.html", {"form": form}, status=422 if form.errors else 200)


urlpatterns = [path("", home, name="home"), path("mailbox/", own_mailbox, name="own-mailbox")]
