"""DKIM of a domain: the records that belong into DNS, and whether they are there."""

import time
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from portal.api import domains, health
from portal.api.errors import ApiError, NotFound, SignedOut
from portal.meaning import dkim as keys
from portal.meaning.findings import DKIM_INVALID
from portal.pages.dkim.check import answer, findings, since_of
from portal.pages.dkim.forms import KeyForm
from portal.pages.dkim.records import PER_PAGE, read_records, records_of, shown, zone_file
from portal.pages.dkim.rotation import prepared
from portal.ui import checks
from portal.ui.pages import PortalRequest, part_of, polls, read_domain, region


@require_safe
def domain_dkim(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The records of a domain, or how it gets some. `?as=zone` is all of them as lines of a zone file."""
    domain, lines = read_records(request, domain_id)
    if request.GET.get("as") == "zone":
        return zone_file(domain, records_of(lines))
    return _page(request, domain_id, domain, lines)


@require_http_methods(["GET", "POST"])
def dkim_check(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Is it in DNS yet? POST runs the gateway's diagnostic; GET shows the latest one."""
    if request.method == "POST":
        domain = read_domain(request, domain_id)
        url = reverse("domain-dkim", args=(domain_id,))
        checked = checks.run(request, "DOMAIN", domain_id, domain.name or domain_id, url)
        if region(request) == "dkim-check":
            return _panel(request, domain_id, answer(checked, since=int(time.time())))
        return HttpResponseRedirect(reverse("domain-dkim-check", args=(domain_id,)))
    domain, lines, checked = read_records(request, domain_id, lambda: _latest(request, domain_id))
    return _page(request, domain_id, domain, lines, checked)


@require_safe
@part_of("domain-dkim-check")
def dkim_check_panel(request: PortalRequest, domain_id: str) -> HttpResponse:
    """What the latest diagnostic says of DKIM."""
    return _panel(request, domain_id, answer(_latest(request, domain_id)))


@polls
@require_http_methods(["GET", "POST"])
def dkim_check_again(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The same once more, asked by the page itself while it is looked at; `since` is when the person asked.

    The activity log says what people did. They asked once, and that has its line: so this is not done with `act`.
    """
    if request.method == "POST":
        since, failed, checked = since_of(request.POST.get("since", "")), None, None
        try:
            checked = request.api.call(health.CHECK_DOMAIN, health.EntityHealth, ids={"domainId": domain_id})
        except SignedOut:
            raise
        except ApiError as error:
            failed = error
        if region(request) == "dkim-check":
            return _panel(request, domain_id, answer(checked, since=since, failed=failed))
        return HttpResponseRedirect(reverse("domain-dkim-check", args=(domain_id,)))
    return dkim_check(request, domain_id)


def _page(request: PortalRequest, domain_id: str, domain: domains.Domain, lines: Any, checked: Any = None) -> HttpResponse:
    """The page of the records. The latest diagnostic, or why there is none, is in it where it was asked for."""
    failed = lines if isinstance(lines, ApiError) and not isinstance(lines, NotFound) else None
    records = [] if failed else records_of(lines)
    page = Paginator(records, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "domain": domain,
        "domain_id": domain_id,
        "failed": failed,
        "records": records,
        "first": next((record for record in records if record.name), None),
        "page": page,
        "shown": [shown(record, number) for number, record in enumerate(page)],
        "rotation": prepared(request, domain_id),
        "make": KeyForm(request) if not records else None,
        "check": answer(failed=checked)
        if isinstance(checked, ApiError)
        else answer(checked, name=domain.name or "", records=records),
    }
    return render(request, "dkim/page.html", context)


def _latest(request: PortalRequest, domain_id: str) -> health.EntityHealth:
    return request.api.call(health.READ_DOMAIN, health.EntityHealth, ids={"domainId": domain_id})


def _panel(request: PortalRequest, domain_id: str, check: dict[str, Any]) -> HttpResponse:
    if any(test.kind is DKIM_INVALID and test.found for test in check["tests"]):  # beside what DNS has stands what it should have
        domain, lines = read_records(request, domain_id)
        records = keys.records(lines) if isinstance(lines, list) else []
        check["tests"] = findings(check["checked"], domain.name or "", records)
    return render(request, "dkim/_check.html", {"domain_id": domain_id, "check": check})
