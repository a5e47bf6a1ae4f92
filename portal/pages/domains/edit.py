"""Domains: new, changed, deleted, restored."""

from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _, gettext_lazy as lazy
from django.views.decorators.http import require_http_methods

from portal.api import domains
from portal.ui.forms import LinesField, PortalForm
from portal.ui.pages import PortalRequest, said
from portal.ui.words import LANGUAGES

PRIORITIES = (("USER", lazy("the mailbox's own rules")), ("DOMAIN", lazy("the rules of the domain")))
IGNORE_MX = {"X-Ignore-MX": "1"}  # its presence is what counts


class DomainForm(PortalForm):
    """What can be changed of a domain (DomainUpdate) without its services, policies and relays, which have rooms of their own."""

    name = forms.CharField(label=lazy("Name"), max_length=253)
    description = forms.CharField(label=lazy("Description"), required=False, max_length=500)
    defaultLanguage = forms.ChoiceField(label=lazy("Language of new users"), choices=LANGUAGES)  # noqa: N815
    outgoingSubnets = LinesField(label=lazy("Networks that may send"), required=False)  # noqa: N815


@require_http_methods(["GET", "POST"])
def domain_edit(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Change a domain; only what changed is sent."""
    domain = request.api.call(domains.READ, domains.Domain, domainId=domain_id)
    form = DomainForm(request, _values(domain))
    back = reverse("domain-hub", args=(domain_id,))
    if request.method == "POST" and form.is_valid():
        changed = form.changed()
        if not changed:
            return said(request, _("Nothing was changed."), back)
        if form.submit(domains.EDIT, target=domain.name or domain_id, url=back, json=changed, domainId=domain_id):
            text = _("The domain is changed.")
            if others := form.meanwhile():
                text += " " + _("Somebody else changed meanwhile: %(fields)s.") % {"fields": ", ".join(others)}
            return said(request, text, back)
    context = {"domain": domain, "domain_id": domain_id, "form": form}
    return render(request, "domains/edit.html", context, status=form.status)


def _values(domain: domains.Domain) -> dict[str, Any]:
    """The fields of the form as the gateway has them."""
    return {name: getattr(domain, name) for name in DomainForm.base_fields if hasattr(domain, name)}


def domain_new(request: PortalRequest) -> HttpResponse:
    raise Http404


def domain_delete(request: PortalRequest, domain_id: str) -> HttpResponse:
    raise Http404


def domain_restore(request: PortalRequest, domain_id: str) -> HttpResponse:
    raise Http404
