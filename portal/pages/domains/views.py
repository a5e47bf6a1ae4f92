"""Domains: the list, and the hub of one domain with its users."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from django_tables2 import Column

from portal import preferences
from portal.api import client, domains, health, users
from portal.api.errors import ApiError
from portal.api.operation import LONGEST_ID
from portal.meaning.names import host_name
from portal.pages.domains.setup import relay_of
from portal.ui import exports
from portal.ui.addresses import row_id
from portal.ui.known import known
from portal.ui.pages import PortalRequest, part_of, read_domain, together
from portal.ui.tables import MOST_PER_PAGE, RemoteTable, remote_table
from portal.ui.words import STATES, language_name, status_name

# What the list can be asked for, one at a time (listDomains), as a person says it.
FILTERS = {
    "name": _("Name"),
    "status": _("Status"),
    "customerId": _("Customer"),
    "externalId": _("External ID"),
    "platformName": _("Relay"),
    "platformId": _("Relay ID"),
}
TYPED_PLAINLY = ("name", "platformName")  # the filters in which a * stands for anything
IDS = ("customerId", "platformId")
LONGEST_TEXT = 200
ROW = re.compile("[0-9a-f]{12}")
STATUSES = ("ENABLED", "PENDING", "DISABLED", "DELETED")


class DomainTable(RemoteTable):
    row_template, base = "domains/_rows.html", "domain-list"
    name = Column(_("Domain"), orderable=True)
    status = Column(_("Status"))
    customer = Column(_("Customer"))
    services = Column(_("Services"))
    activeUsersCount = Column(_("Active users"))  # noqa: N815 (the API's name)
    policiesCount = Column(_("Policies"))  # noqa: N815 (the API's name)
    domainAliases = Column(_("Aliases"))  # noqa: N815 (the API's name)
    health = Column(_("Health"))
    id = Column(_("ID"), orderable=True)


class DomainUserTable(RemoteTable):
    row_template, base = "users/_rows.html", "user-list"
    email = Column(_("Address"), orderable=True)
    name = Column(_("Name"))
    status = Column(_("Status"))


# The list as a file.
EXPORTED = (
    exports.Column(_("Domain"), lambda row: row.name),
    exports.Column(_("ID"), lambda row: str(row.id or "")),
    exports.Column(_("Status"), lambda row: status_name(row.status)),
    exports.Column(_("Description"), lambda row: row.description),
    exports.Column(_("Customer"), lambda row: row.customer and row.customer.name),
    exports.Column(_("Customer ID"), lambda row: row.customer and str(row.customer.id or "")),
    exports.Column(_("External ID"), lambda row: row.externalId),
    exports.Column(_("Incoming"), lambda row: row.incoming),
    exports.Column(_("Quarantine"), lambda row: row.quarantine),
    exports.Column(_("Retention"), lambda row: row.retention),
    exports.Column(_("Archive"), lambda row: row.archive),
    exports.Column(_("Active users"), lambda row: row.activeUsersCount),
    exports.Column(_("Policies"), lambda row: row.policiesCount),
    exports.Column(_("Default policy"), lambda row: row.policy and row.policy.name),
    exports.Column(_("Aliases"), lambda row: ", ".join(alias.name or "" for alias in row.domainAliases or ())),
    exports.Column(_("Relays"), lambda row: ", ".join(relay.name or "" for relay in row.platforms or ())),
    exports.Column(_("Created"), lambda row: exports.day(row.creationDate)),
    exports.Column(_("Deleted"), lambda row: exports.day(row.deletionDate)),
    exports.Column(_("Restorable until"), lambda row: exports.day(row.purgeDate)),
)


@dataclass(frozen=True)
class Tab:
    """A state to filter by, and whether the list is filtered by it."""

    label: str
    url: str
    current: bool


@require_safe
def domain_list(request: PortalRequest) -> HttpResponseBase:
    """The domains the person may see, by one filter; `?format=csv` or `xlsx` is all of them as a file."""
    name, value = _filter(request)
    asked = _sent(value) if name == "name" else value
    query = {name: f"*{asked}*" if name in TYPED_PLAINLY and "*" not in asked else asked} if name else {}

    def fetch(offset: int, size: int, sort: str) -> client.Page[domains.Domain]:
        return request.api.page(domains.LIST, domains.Domain, offset=offset, size=size, sort=sort, query=query)

    sort = request.GET.get("sort", "")
    sort = sort if sort.removeprefix("-") in domains.LIST.sort else ""
    kind = request.GET.get("format", "")
    if kind in exports.FORMATS:
        return exports.export(kind, "domains", EXPORTED, fetch, sort)
    table = remote_table(request, DomainTable, fetch, domains.LIST.sort)
    rows = [getattr(row, "record", row) for row in table.page.object_list]
    kept = {"sort": sort} if sort else {}
    context = {
        "table": table,
        "name": name,
        "value": value,
        "part": _shown(name, value, rows),
        "filter_name": FILTERS.get(name, ""),
        "sort": sort,
        "everything": "?" + urlencode(kept),
        "tabs": [
            Tab(status_name(one), "?" + urlencode({"status": one, **kept}), (name, value) == ("status", one)) for one in STATUSES
        ],
        "customers": {row.customer.id: row.customer.name for row in rows if row.customer and row.customer.id},
        "marks": ",".join(row_id(row.id).removeprefix("row-") for row in rows),
        "meant": _meant(request, value) if name == "customerId" and not rows else {},
    }
    return render(request, "domains/list.html", context)


def _filter(request: PortalRequest) -> tuple[str, str]:
    """The filter in the address and what it asks for; ("", "") for none. The gateway takes one: of several it is the first."""
    for name in FILTERS:
        value = request.GET.get(name, "").strip()[: LONGEST_ID if name in IDS else LONGEST_TEXT]
        if value.strip("* ") and (name != "status" or value in STATES):
            return name, value
    return "", ""


def _sent(part: str) -> str:
    """A part of a domain's name as the gateway has it: käserei is xn--…; as it was typed where that is no whole part of one."""
    try:
        return part if part.isascii() else host_name(part)
    except ValidationError:
        return part


def _shown(name: str, value: str, rows: list[domains.Domain]) -> str:
    """What a filter asks for, by the name that the rows have for it."""
    named: dict[str, str | None] = {}
    if name == "status":
        return status_name(value)
    if name == "customerId":
        named = {str(row.customer.id): row.customer.name for row in rows if row.customer}
    elif name == "platformId":
        named = {str(relay.id): relay.name for row in rows for relay in row.platforms or ()}
    return named.get(value) or value


def _meant(request: PortalRequest, typed: str) -> dict[str, str]:
    """The customers whose names hold what somebody typed in place of an id: address in the list -> name."""
    found = known(request.api).customers.items()
    return {"?" + urlencode({"customerId": id}): name for id, name in found if typed.casefold() in name.casefold()}


@dataclass(frozen=True)
class Mark:
    """The health of one row: how many of its tests failed, and which; `failed` is 0 where none is known to."""

    id: str
    failed: int
    tests: str


@require_safe
def domain_marks(request: PortalRequest) -> HttpResponse:
    """The health of the domains on a page of the list, from one call; `?rows=` are their marks, as in the list.

    They are short whatever the ids are, so that two hundred of them fit into an address.
    """
    asked = [f"row-{one}" for one in dict.fromkeys(request.GET.get("rows", "").split(",")) if ROW.fullmatch(one)][:MOST_PER_PAGE]
    (answer,) = together(lambda: request.api.call(health.ERRORS, list[health.DiagnosticEntry]))
    if isinstance(answer, ApiError):
        return render(request, "domains/marks.html", {"error": answer})
    failing = {row_id(entry.id): entry for entry in answer if (entry.type or "DOMAIN").upper() == "DOMAIN"}
    return render(
        request, "domains/marks.html", {"marks": [_mark(one, failing.get(one)) for one in asked], "total": len(failing)}
    )


def _mark(id: str, entry: health.DiagnosticEntry | None) -> Mark:
    report = entry.health.report if entry and entry.health else None
    tests = [str(test.type) for test in (report.entries if report else None) or () if test.type and test.result != "OK"]
    return Mark(id, max(1, len(tests)) if entry else 0, ", ".join(tests))


@require_safe
def domain_hub(request: PortalRequest, domain_id: str) -> HttpResponse:
    """One domain: what it is, and panels that load by themselves."""
    domain = read_domain(request, domain_id)
    context = {
        "domain": domain,
        "domain_id": domain_id,
        "language": language_name(domain.defaultLanguage),
        "relay": relay_of(domain),
        "new": domain.status == "PENDING" or "new" in request.GET,
        "dismissed": preferences.dismissed(request.person.owner, "setup", domain_id),
    }
    return render(request, "domains/hub.html", context)


@require_safe
def domain_users(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The users of a domain."""
    domain = read_domain(request, domain_id)
    return render(request, "domains/users.html", {**_users(request, domain_id), "domain": domain})


@require_safe
@part_of("domain-users")
def domain_users_panel(request: PortalRequest, domain_id: str) -> HttpResponse:
    """The users of a domain, for its hub."""
    return render(request, "domains/_users.html", _users(request, domain_id))


def _users(request: PortalRequest, domain_id: str) -> dict[str, Any]:
    part = request.GET.get("email", "").replace("*", "").strip()[:200]
    query = {"email": f"*{part}*"} if part else {}
    table = remote_table(
        request,
        DomainUserTable,
        lambda offset, size, sort: request.api.page(
            users.LIST_OF_DOMAIN, users.User, offset=offset, size=size, sort=sort, query=query, ids={"domainId": domain_id}
        ),
        users.LIST_OF_DOMAIN.sort,
    )
    return {"domain_id": domain_id, "part": part, "table": table}
