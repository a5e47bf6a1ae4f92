"""Diagnostics: everything that fails, and each domain with its relays."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

import portal.ui.addresses  # noqa: F401 (registers <id:>)
from portal.api import dkim, domains, health
from portal.api.errors import ApiError, NotFound
from portal.api.operation import is_id
from portal.meaning.diagnosis import Diagnosis, Failing, diagnosis, failing_entries, failing_entry
from portal.meaning.dkim import Record, records
from portal.meaning.findings import BAD, KINDS, OK, TESTS, WARN
from portal.ui import charts, checks
from portal.ui.pages import PortalRequest, got, one_time_key, part_of, read_domain, region, said, together
from portal.ui.screens import is_fragment
from portal.ui.tables import per_page

MOST_RELAYS = 10  # asked side by side; a domain with more shows those without their state


@require_http_methods(["GET", "POST"])
def overview(request: PortalRequest) -> HttpResponse:
    """All failures within reach, by kind, the worst first. POST runs the diagnostic of one of them (`type`, `id`)."""
    if request.method == "POST":
        return _run_one(request)
    found, total = together(lambda: _failing(request), lambda: request.api.page(domains.LIST, domains.Domain, size=1).total)
    failing = got(found)
    kind = next((one for one in KINDS if one.id == request.GET.get("kind")), None)
    part = request.GET.get("name", "").strip()[:200]
    shown = [
        one
        for one in failing
        if (kind is None or any(problem.kind is kind for problem in one.problems)) and part.casefold() in one.name.casefold()
    ]
    page = Paginator(shown, per_page(request)).get_page(request.GET.get("page"))
    counts = {one.id: 0 for one in KINDS}
    for one in failing:
        for id in {problem.kind.id for problem in one.problems}:
            counts[id] += 1
    context = {
        **_counted(failing, None if isinstance(total, ApiError) else total),
        "kind": kind,
        "part": part,
        "kinds": charts.bars([(one.id, one.name, one.level, counts[one.id]) for one in KINDS if counts[one.id]], len(failing)),
        "page": page,
        "shown_domains": [one.id for one in page.object_list if one.type == "DOMAIN" and one.id],
        "once": one_time_key(),
    }
    return render(request, "health/overview.html", context)


@require_safe
@part_of("health")
def health_panel(request: PortalRequest) -> HttpResponse:
    """What fails in one sentence, for the home page."""
    return render(request, "health/_home.html", _counted(_failing(request)))


@require_http_methods(["GET", "POST"])
def domain_health(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The diagnostic of a domain and of its relays. POST runs it, or that of its `relay`."""
    if request.method == "POST":
        return _run_here(request, domain_id)
    domain, latest, keys = together(
        lambda: read_domain(request, domain_id),
        lambda: _latest(request, domain_id),
        lambda: request.api.call(dkim.READ, dkim.Lines, ids={"domainId": domain_id}),
    )
    name = got(domain).name or ""
    context: dict[str, Any] = {"domain": domain, "domain_id": domain_id, "once": one_time_key()}
    if isinstance(latest, ApiError):
        context["error"] = latest
    else:
        known = [] if isinstance(keys, NotFound) else None if isinstance(keys, ApiError) else records(keys)
        context["found"] = _explained(request, latest, name, known)
    context["relays"] = _relays(request, domain)
    return render(request, "health/domain.html", context)


@require_safe
@part_of("domain-health")
def domain_health_panel(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The diagnostic of a domain, for its hub."""
    return _panel(request, domain_id, _latest(request, domain_id))


def _latest(request: PortalRequest, domain_id: str) -> health.EntityHealth:
    return request.api.call(health.READ_DOMAIN, health.EntityHealth, ids={"domainId": domain_id})


def _failing(request: PortalRequest) -> list[Failing]:
    return failing_entries(request.api.call(health.ERRORS, list[health.DiagnosticEntry]))


def _counted(failing: list[Failing], total: int | None = None) -> dict[str, Any]:
    """How much fails: `bad` and `warn` domains of `total`, where that is known, as pieces of one bar; and what is no domain."""
    levels = {one.id or one.name: one.level for one in reversed(failing) if one.type == "DOMAIN"}  # of two, the worse counts
    bad, warn = (sum(one == level for one in levels.values()) for level in (BAD, WARN))
    fine = max(total - len(levels), 0) if total is not None else 0
    pieces = [(BAD, _("urgent"), BAD, bad), (WARN, _("worth a look"), WARN, warn), (OK, _("no problems reported"), OK, fine)]
    return {
        "failing": failing,
        "domains": len(levels),
        "relays": sum(one.type == "PLATFORM" for one in failing),
        "others": sum(one.type not in ("DOMAIN", "PLATFORM") for one in failing),
        "total": total,
        "glance": charts.bars([piece for piece in pieces if piece[3]], 0, stacked=True) if total else [],
    }


def _explained(request: PortalRequest, latest: health.EntityHealth, name: str, keys: list[Record] | None) -> Diagnosis:
    """The report in words. Where it does not name the gateway's mail servers, the report of another domain may."""
    found = diagnosis(latest, name, keys=keys)
    if any(one.kind and one.title == str(TESTS["MX"]) and not one.records for one in found.findings):
        found = diagnosis(latest, name, keys=keys, hosts=checks.mail_servers(request.api))
    return found


def _relays(request: PortalRequest, domain: domains.Domain) -> list[dict[str, Any]]:
    """The relays of a domain, each with its latest diagnostic, or with what went wrong when that was asked for."""
    found = [one for one in domain.platforms or () if one.id not in (None, "")]
    asked = [
        lambda id=str(one.id): request.api.call(health.READ_RELAY, health.EntityHealth, ids={"platformId": id})  # type: ignore[misc]
        for one in found[:MOST_RELAYS]
    ]
    answers = together(*asked) if asked else []
    rows: list[dict[str, Any]] = [{"relay": one} for one in found]
    for row, answer in zip(rows, answers, strict=False):
        row |= {"error": answer} if isinstance(answer, ApiError) else {"found": diagnosis(answer, about="PLATFORM")}
    return rows


def _panel(request: PortalRequest, domain_id: str, latest: health.EntityHealth, **more: Any) -> HttpResponse:
    context = {"domain_id": domain_id, "found": diagnosis(latest), "once": one_time_key(), **more}
    return render(request, "health/_panel.html", context)


def _domain_name(request: PortalRequest, domain_id: str) -> str:
    return read_domain(request, domain_id).name or domain_id


def _outcome(one: Failing) -> str:
    """How a diagnostic ended, in a sentence."""
    if not one.problems:
        return _("%(name)s: everything is fine.") % {"name": one.name}
    return _("%(name)s: %(problems)s.") % {"name": one.name, "problems": ", ".join(problem.word for problem in one.problems)}


def _run_one(request: PortalRequest) -> HttpResponse:
    """Run the diagnostic of a row: the row again for htmx, else the page with a message."""
    type, id = request.POST.get("type", "DOMAIN"), request.POST.get("id", "")
    if not is_id(id):  # nothing to make an address of
        raise NotFound(health.CHECK_DOMAIN.id)
    if type == "DOMAIN":
        name, url = _domain_name(request, id), reverse("domain-health", args=(id,))
    else:  # no operation reads a relay by itself, so its name is that of the list
        listed = next((one.name for one in _failing(request) if (one.type, one.id) == (type, id)), None)
        if listed is None and type != "PLATFORM":
            raise Http404
        name, url = listed or id, reverse("health")
    latest = checks.run(request, type, id, name, url)
    one = failing_entry(health.DiagnosticEntry(id=id, name=name, type=type, health=latest))
    if is_fragment(request):
        return render(request, "health/_row.html", {"one": one, "once": one_time_key(), "told": _outcome(one)})
    return said(request, _outcome(one), request.get_full_path(), messages.WARNING if one.problems else messages.SUCCESS)


def _run_here(request: PortalRequest, domain_id: str) -> HttpResponse:
    """Run the diagnostic of the domain, or of one of its relays: the panel again for htmx, else the page with a message."""
    domain = read_domain(request, domain_id)
    back, type, id, name = reverse("domain-health", args=(domain_id,)), "DOMAIN", domain_id, domain.name or domain_id
    if "relay" in request.POST:
        relay = next((one for one in domain.platforms or () if str(one.id) == request.POST["relay"]), None)
        if relay is None:
            raise NotFound(health.CHECK_RELAY.id)
        type, id, name = "PLATFORM", str(relay.id), f"{name}: {relay.name or relay.id}"
    latest = checks.run(request, type, id, name, back)
    one = failing_entry(health.DiagnosticEntry(id=id, name=name, type=type, health=latest))
    if region(request) == "domain-health":
        return _panel(request, domain_id, latest, told=_outcome(one), one=one)
    return said(request, _outcome(one), back, messages.WARNING if one.problems else messages.SUCCESS)


urlpatterns = [
    path("health/", overview, name="health"),
    path("health/panel/", health_panel, name="health-panel"),
    path("domains/<id:domain_id>/health/", domain_health, name="domain-health"),
    path("domains/<id:domain_id>/panels/health/", domain_health_panel, name="domain-health-panel"),
]
