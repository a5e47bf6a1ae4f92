"""The keys of a domain: the first ones, others at once, none any more."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.api import dkim, domains
from portal.meaning import dkim as keys
from portal.pages.dkim.forms import KeyForm
from portal.pages.dkim.records import read_records, records_of
from portal.pages.dkim.rotation import forget
from portal.ui.confirm import Question, confirm
from portal.ui.pages import PortalRequest, said
from portal.ui.save import one_click, save, told


@require_http_methods(["GET", "POST"])
def dkim_new(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The first keys of a domain."""
    done, back = _("The keys were created. Now publish the record."), reverse("domain-dkim", args=(domain_id,))

    def answer() -> HttpResponse:
        domain, lines = read_records(request, domain_id)
        if records_of(lines):
            return said(request, _("This domain already has keys."), back, messages.INFO)
        return _write_keys(request, domain_id, domain, dkim.CREATE, done)

    return one_click(request, dkim.CREATE, answer, partial(told, request, done=done, url=back))


@require_http_methods(["GET", "POST"])
def dkim_replace(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Other keys at once, for those who cannot wait: a key that got into wrong hands, or one that never worked."""
    done = _("The keys were replaced. Publish the record now: until it is in DNS, receivers cannot check this domain's mail.")
    back = reverse("domain-dkim", args=(domain_id,))

    def answer() -> HttpResponse:
        domain, lines = read_records(request, domain_id)
        records = records_of(lines)
        if not records:
            return HttpResponseRedirect(back)
        return _write_keys(request, domain_id, domain, dkim.REPLACE, done, records)

    return one_click(request, dkim.REPLACE, answer, partial(told, request, done=done, url=back))


@require_http_methods(["GET", "POST"])
def dkim_delete(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Asks, then deletes the keys."""
    url = reverse("domain-dkim", args=(domain_id,))
    gone = _("The keys were deleted. Mail from this domain is sent unsigned.")

    def ask() -> Question | HttpResponse:
        domain, lines = read_records(request, domain_id)
        records = records_of(lines)
        if not records:
            return said(request, _("This domain has no DKIM keys."), url, messages.INFO)

        def done() -> str:  # what was prepared to take the place of the keys is of no use any more
            forget(request, domain_id)
            return gone

        head = {"domain": domain, "domain_id": domain_id, "records": records}
        return Question(domain.name or domain_id, url, head=head, done=done, template="dkim/delete.html")

    return confirm(request, dkim.DELETE, {"domainId": domain_id}, ask, done=gone)


def _write_keys(
    request: PortalRequest, domain_id: str, domain: domains.Domain, op: Any, done: str, records: list[keys.Record] | None = None
) -> HttpResponse:
    """The form that both making and replacing keys have."""
    form, back = KeyForm(request), reverse("domain-dkim", args=(domain_id,))
    if request.method == "POST" and form.is_valid():
        call = {"target": domain.name or domain_id, "done": done, "back": back}
        if answer := save(request, form, op, {"domainId": domain_id}, type=dkim.Lines, **call):
            forget(request, domain_id)  # a rotation that was begun is about keys of before
            return answer
    context = {"domain": domain, "domain_id": domain_id, "form": form, "records": records, "back": back}
    return render(request, "dkim/key.html", context, status=form.status)
